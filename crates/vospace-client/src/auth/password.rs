//! A file that holds a password.

use std::path::Path;

use super::{Secret, private, unusable};
use crate::Result;

const REMEDY: &str = "put the password alone into it, and make it private (chmod 600)";

/// Reads it; the end of its line is no part of the password.
pub(super) fn load(path: &Path) -> Result<Secret> {
    let text = std::fs::read_to_string(path).map_err(|error| unusable(path, error, REMEDY))?;
    private::warn_if_not(path);
    let password = text.strip_suffix('\n').unwrap_or(&text);
    let password = password.strip_suffix('\r').unwrap_or(password);
    if password.is_empty() || password.contains('\n') {
        return Err(unusable(path, "it is empty or has more than one line", REMEDY));
    }
    Ok(Secret::new(password))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_one_line_with_its_blanks() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (text, password) in
            [("a b \n", Some("a b ")), ("x\r\n", Some("x")), ("x", Some("x")), ("", None), ("a\nb\n", None)]
        {
            std::fs::write(file.path(), text).unwrap();
            let read = load(file.path());
            assert_eq!(read.as_ref().ok().map(Secret::expose), password, "{text:?}");
        }
        assert!(load(Path::new("/no/password")).unwrap_err().to_string().contains("/no/password"));
    }
}
