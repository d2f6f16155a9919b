//! Bearer tokens (RFC 6750).

use std::path::Path;

use reqwest::header::HeaderValue;

use super::{Secret, unusable};
use crate::{Error, Result};

const REMEDY: &str = "put the token alone into it, or give another with --token or VOSPACE_TOKEN";

/// The `Authorization` header; `Bearer ` in front of the token is taken for granted.
pub(super) fn header(secret: &Secret, what: &str) -> Result<HeaderValue> {
    let text = secret.expose().trim();
    let text = text
        .strip_prefix("Bearer")
        .filter(|rest| !rest.starts_with(|c: char| !c.is_whitespace()))
        .unwrap_or(text)
        .trim();
    let header = if text.is_empty() || text.contains(char::is_whitespace) {
        None
    } else {
        HeaderValue::from_str(&format!("Bearer {text}")).ok()
    };
    let mut header = header.ok_or_else(|| Error::Credentials {
        what: what.to_owned(),
        reason: "it is empty or has characters that no token has".to_owned(),
        remedy: REMEDY.to_owned(),
    })?;
    header.set_sensitive(true);
    Ok(header)
}

/// Reads a token file.
pub(super) fn load(path: &Path) -> Result<HeaderValue> {
    let text = std::fs::read_to_string(path).map_err(|error| unusable(path, error, REMEDY))?;
    header(&Secret::new(text), &path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_taken_with_and_without_its_scheme_and_never_shown() {
        for text in ["abc.def~x", "Bearer abc.def~x", " abc.def~x\n"] {
            let header = header(&Secret::new(text), "t").unwrap();
            assert_eq!(header.to_str().unwrap(), "Bearer abc.def~x");
            assert!(!format!("{header:?}").contains("abc"));
        }
        for text in ["", " ", "a b", "a\nb", "Bearer "] {
            assert!(header(&Secret::new(text), "t").is_err(), "{text:?}");
        }
        assert_eq!(format!("{:?}", Secret::new("abc")), "***");
    }
}
