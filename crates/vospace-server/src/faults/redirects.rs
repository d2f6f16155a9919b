//! Redirects that lead astray.

use axum::http::{HeaderValue, StatusCode, header, response};
use serde::{Deserialize, Serialize};
use url::Url;

/// What is wrong with a redirect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RedirectForm {
    /// It leads to where the request was made.
    Loop,
    /// It leads to the same place without TLS.
    Http,
    /// It leads to another scheme.
    OtherScheme,
    /// It leads to the same path of a host that does not exist.
    OtherHost,
    /// Its status is 301.
    MovedPermanently,
    /// Its status is 302.
    Found,
    /// Its status is 307.
    Temporary,
    /// Its status is 308.
    Permanent,
    /// It names a path only.
    Relative,
    /// It names no port.
    NoPort,
    /// It says nothing of where it leads.
    NoLocation,
}

impl RedirectForm {
    /// Changes the redirect of a request that was made to this URL.
    pub(super) fn apply(self, asked: &str, parts: &mut response::Parts) {
        match self {
            RedirectForm::MovedPermanently => parts.status = StatusCode::MOVED_PERMANENTLY,
            RedirectForm::Found => parts.status = StatusCode::FOUND,
            RedirectForm::Temporary => parts.status = StatusCode::TEMPORARY_REDIRECT,
            RedirectForm::Permanent => parts.status = StatusCode::PERMANENT_REDIRECT,
            RedirectForm::NoLocation => {
                parts.headers.remove(header::LOCATION);
            }
            _ => {
                let location = parts.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
                let changed = location.and_then(|location| self.location(asked, location));
                if let Some(Ok(value)) = changed.map(HeaderValue::try_from) {
                    parts.headers.insert(header::LOCATION, value);
                }
            }
        }
    }

    /// Text is changed, not a parsed URL: the path has to stay as the service writes it.
    fn location(self, asked: &str, location: &str) -> Option<String> {
        let (scheme, rest) = location.split_once("://")?;
        let (host, path) = rest.split_at(rest.find('/')?);
        Some(match self {
            RedirectForm::Loop => asked.to_owned(),
            RedirectForm::Http => format!("http://{rest}"),
            RedirectForm::OtherScheme => format!("ftp://{rest}"),
            // A name that never resolves (RFC 2606 §2).
            RedirectForm::OtherHost => format!("{scheme}://elsewhere.invalid{path}"),
            RedirectForm::Relative => path.to_owned(),
            RedirectForm::NoPort => {
                let name = Url::parse(location).ok()?.host_str()?.to_owned();
                format!("{scheme}://{name}{path}")
            }
            _ => return Some(format!("{scheme}://{host}{path}")),
        })
    }
}
