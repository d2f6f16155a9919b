//! Bearer tokens (RFC 6750).

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};

use super::{Secret, private, unusable};
use crate::{Error, Result};

const REMEDY: &str = "put the token alone into it, or give another with --token or VOSPACE_TOKEN";

/// The header of this name: the token behind `Bearer` in `Authorization`, and alone in any other.
pub(super) fn header(name: &HeaderName, secret: &Secret) -> Result<HeaderValue> {
    let text = bare(secret).ok_or_else(|| useless("the token"))?;
    let value = if *name == AUTHORIZATION { format!("Bearer {text}") } else { text.to_owned() };
    let mut header = HeaderValue::from_str(&value).map_err(|_| useless("the token"))?;
    header.set_sensitive(true);
    Ok(header)
}

/// Whether it can be sent; `what` is where it comes from.
pub(super) fn check(secret: &Secret, what: &str) -> Result<()> {
    let usable = bare(secret).is_some_and(|text| HeaderValue::from_str(text).is_ok());
    if usable { Ok(()) } else { Err(useless(what)) }
}

/// The token itself: `Bearer ` in front of it is taken for granted. None when there is none, or more than one word.
fn bare(secret: &Secret) -> Option<&str> {
    let text = secret.expose().trim();
    let text = text
        .strip_prefix("Bearer")
        .filter(|rest| !rest.starts_with(|c: char| !c.is_whitespace()))
        .unwrap_or(text)
        .trim();
    (!text.is_empty() && !text.contains(char::is_whitespace)).then_some(text)
}

fn useless(what: &str) -> Error {
    Error::Credentials {
        what: what.to_owned(),
        reason: "it is empty or has characters that no token has".to_owned(),
        remedy: REMEDY.to_owned(),
    }
}

/// Whether what ends then is good for so long yet; for what does not say, it is hoped.
pub(super) fn lasts(until: Option<Timestamp>, margin: Duration) -> bool {
    until.is_none_or(|until| {
        let left = until.duration_since(Timestamp::now());
        left.is_positive() && Duration::try_from(left).is_ok_and(|left| left > margin)
    })
}

/// Until when a token is good, where it is a JSON Web Token that says so (`exp`, RFC 7519 §4.1.4). What it says is shown and
/// announced, and decides nothing: the service does.
pub(crate) fn expiry(secret: &Secret) -> Option<Timestamp> {
    let text = secret.expose().trim();
    let claims = URL_SAFE_NO_PAD.decode(text.split('.').nth(1)?.trim_end_matches('=')).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
    // A number of seconds, with a fraction where the issuer likes it.
    Timestamp::from_second(claims.get("exp")?.as_f64()? as i64).ok()
}

/// Reads a token file.
pub(super) fn load(path: &Path) -> Result<Secret> {
    let secret = std::fs::read_to_string(path).map(Secret::new).map_err(|error| unusable(path, error, REMEDY))?;
    check(&secret, &path.display().to_string())?;
    Ok(secret)
}

/// The same of one that nobody else should read.
pub(super) fn load_private(path: &Path) -> Result<Secret> {
    private::warn_if_not(path);
    load(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_taken_with_and_without_its_scheme_and_never_shown() {
        for text in ["abc.def~x", "Bearer abc.def~x", " abc.def~x\n"] {
            let header = header(&AUTHORIZATION, &Secret::new(text)).unwrap();
            assert_eq!(header.to_str().unwrap(), "Bearer abc.def~x");
            assert!(!format!("{header:?}").contains("abc"));
            let named = super::header(&HeaderName::from_static("x-dl-authtoken"), &Secret::new(text)).unwrap();
            assert_eq!(named.to_str().unwrap(), "abc.def~x");
            assert!(named.is_sensitive());
        }
        for text in ["", " ", "a b", "a\nb", "Bearer ", "\u{7f}"] {
            let error = check(&Secret::new(text), "t").unwrap_err().to_string();
            assert!(error.starts_with("t: it is empty or has characters that no token has; put the token"), "{error}");
        }
        assert_eq!(format!("{:?}", Secret::new("abc")), "***");
    }

    #[test]
    fn what_ends_soon_is_not_begun_with() {
        let (now, second) = (Timestamp::now(), Duration::from_secs);
        assert!(lasts(None, second(60)) && lasts(Some(now + second(90)), second(60)));
        assert!(!lasts(Some(now + second(30)), second(60)) && !lasts(Some(now - second(1)), Duration::ZERO));
    }

    #[test]
    fn a_web_token_says_until_when_it_is_good() {
        let token =
            |claims: &str| Secret::new(format!("eyJhbGciOiJub25lIn0.{}.c2ln\n", URL_SAFE_NO_PAD.encode(claims)));
        assert_eq!(expiry(&token(r#"{"sub": "u", "exp": 1795000000}"#)), Timestamp::from_second(1_795_000_000).ok());
        assert_eq!(expiry(&token(r#"{"exp": 1795000000.5}"#)), Timestamp::from_second(1_795_000_000).ok());
        for silent in [token("{}"), token("no JSON"), Secret::new("opaque"), Secret::new("a.b.c"), Secret::new("")] {
            assert_eq!(expiry(&silent), None);
        }
    }
}
