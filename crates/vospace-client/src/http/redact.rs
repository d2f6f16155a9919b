//! What may be shown of a URL.
//!
//! A pre-authorised URL carries its grant as a path segment: whoever reads it in a log may write the file. So of a
//! URL that carries its own grant only host, first and last segment are shown; of any URL, segments that look like
//! a token and the values of the query are not.

use reqwest::Url;

use super::{Grant, Request};

/// The longest segment that is shown; tokens are longer.
const LONGEST: usize = 64;

/// The URL of a request, for logs and errors.
pub(super) fn show(request: &Request) -> String {
    url(&request.url, request.grant)
}

/// A URL, for logs and errors.
pub(super) fn url(url: &Url, grant: Grant) -> String {
    let segments: Vec<&str> = url.path_segments().map(Iterator::collect).unwrap_or_default();
    let last = segments.len().saturating_sub(1);
    // Others than those of the web have no origin that could be written.
    let mut shown = match url.origin() {
        origin if origin.is_tuple() => origin.ascii_serialization(),
        _ => format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default()),
    };
    for (index, segment) in segments.iter().enumerate() {
        let hidden = segment.starts_with("preauth")
            || (grant == Grant::Caller && segment.len() > LONGEST && segment.contains('~'))
            || (grant == Grant::Url && segments.len() > 2 && (index > 0 && index < last || segment.len() > LONGEST));
        shown.push('/');
        shown.push_str(if hidden { "***" } else { segment });
    }
    if url.query().is_some() {
        let names: Vec<String> = url.query_pairs().map(|(name, _)| format!("{name}=…")).collect();
        shown.push('?');
        shown.push_str(&names.join("&"));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_are_hidden_and_paths_shown() {
        let show = |text: &str, grant| url(&Url::parse(text).unwrap(), grant);
        assert_eq!(
            show("https://h:444/vault/nodes/a/b.fits?limit=0", Grant::Caller),
            "https://h:444/vault/nodes/a/b.fits?limit=…"
        );
        assert_eq!(
            show("https://h/minoc/files/SECRET/cadc:vault%2Fx", Grant::Url),
            "https://h/minoc/***/***/cadc:vault%2Fx"
        );
        assert!(!show("https://h/arc/files/preauth:SECRET/a", Grant::Caller).contains("SECRET"));
        let token = format!("{}~{}", "a".repeat(50), "b".repeat(50));
        assert!(!show(&format!("https://h/x/{token}"), Grant::Caller).contains("aaa"));
        assert_eq!(show("https://u:p@h/a?token=SECRET", Grant::Url), "https://h/a?token=…");
    }
}
