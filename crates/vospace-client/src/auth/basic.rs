//! Name and password (RFC 7617).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;

use super::Secret;
use crate::{Error, Result};

/// The `Authorization` header. A name with a colon cannot be told from its password (RFC 7617 §2).
pub(super) fn header(user: &str, password: &Secret) -> Result<HeaderValue> {
    let refuse = |reason: &str| Error::Credentials {
        what: format!("the user name {user:?}"),
        reason: reason.to_owned(),
        remedy: "give the name of your account".to_owned(),
    };
    if user.is_empty() || user.contains(':') {
        return Err(refuse(if user.is_empty() { "it is empty" } else { "it has a colon" }));
    }
    let text = format!("Basic {}", STANDARD.encode(format!("{user}:{}", password.expose())));
    let mut header = HeaderValue::from_str(&text).map_err(|error| refuse(&error.to_string()))?;
    header.set_sensitive(true);
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard() {
        let header = header("Aladdin", &Secret::new("open sesame")).unwrap();
        assert_eq!(header.to_str().unwrap(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(header.is_sensitive());
    }

    #[test]
    fn a_name_that_would_be_cut_is_refused() {
        for (name, said) in [("a:b", "it has a colon; give the name of"), ("", "it is empty; give the name of")] {
            let error = header(name, &Secret::new("x")).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
