//! Where a redirect leads, and whether to go there.

use reqwest::Url;
use reqwest::header::{HeaderMap, LOCATION};

use super::failure::{Failure, Outcome};
use super::{Request, redact};
use crate::ErrorKind;

/// The URL of a redirect that `request`, sent to `from`, was answered with. Only http and https, and never from https
/// to http, which would show a grant to the whole network.
pub(super) fn location(request: &Request, from: &Url, headers: &HeaderMap) -> Result<Url, Failure> {
    let refuse = |text: String| Failure::new(request, ErrorKind::Protocol, None, text, Outcome::Answered);
    let text = headers
        .get(LOCATION)
        .and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
        .ok_or_else(|| refuse("a redirect without a usable Location".to_owned()))?;
    let url = from.join(text).map_err(|error| refuse(format!("a redirect to what is no URL: {error}")))?;
    match (from.scheme(), url.scheme()) {
        (_, "https") | ("http", "http") => Ok(url),
        (from, to) => {
            let shown = redact::url(&url, super::Grant::Url);
            Err(refuse(format!("a redirect from {from} to {to} ({shown}), which is not followed")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Grant;
    use super::*;

    fn lead(from: &str, to: &str) -> Result<String, ErrorKind> {
        let url = Url::parse(from).unwrap();
        let headers = HeaderMap::from_iter([(LOCATION, to.parse().unwrap())]);
        let request = Request::get(url.clone(), Grant::Caller);
        location(&request, &url, &headers).map(String::from).map_err(|failure| failure.error.kind())
    }

    #[test]
    fn absolute_and_relative_are_followed_but_never_to_plain_http() {
        assert_eq!(lead("https://h/a/b", "https://x/c"), Ok("https://x/c".to_owned()));
        assert_eq!(lead("https://h/a/b", "../c"), Ok("https://h/c".to_owned()));
        assert_eq!(lead("http://h/a", "https://h/c"), Ok("https://h/c".to_owned()));
        assert_eq!(lead("http://h/a", "//x/c"), Ok("http://x/c".to_owned()));
        assert_eq!(lead("https://h/a", "http://h/a"), Err(ErrorKind::Protocol));
        assert_eq!(lead("http://h/a", "file:///etc/passwd"), Err(ErrorKind::Protocol));
    }
}
