//! PROPFIND: what WebDAV calls a listing (RFC 4918 §9.1, §13). The properties are those that every client asks for.

use std::fmt::Write as _;
use std::fs::{self, Metadata};
use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands in a path as it is (RFC 3986 §2.3, and the slash).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// The directory or file at a path, with what is in it if it is asked for.
pub(super) fn answer(path: &str, place: &Path, deep: bool) -> io::Result<Response<Body>> {
    let metadata = fs::metadata(place)?;
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:multistatus xmlns:D=\"DAV:\">\n");
    let base = path.trim_end_matches('/');
    describe(&mut text, if base.is_empty() { "/" } else { base }, &metadata);
    if deep && metadata.is_dir() {
        for entry in fs::read_dir(place)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = utf8_percent_encode(&name.to_string_lossy(), ESCAPED).to_string();
            describe(&mut text, &format!("{base}/{name}"), &entry.metadata()?);
        }
    }
    text.push_str("</D:multistatus>\n");
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::MULTI_STATUS;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml; charset=utf-8"));
    Ok(response)
}

fn describe(text: &mut String, href: &str, metadata: &Metadata) {
    let (slash, kind) = match (metadata.is_dir(), href.ends_with('/')) {
        (true, true) => ("", "<D:collection/>"),
        (true, false) => ("/", "<D:collection/>"),
        (false, _) => ("", ""),
    };
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "<D:response><D:href>{href}{slash}</D:href><D:propstat><D:prop><D:resourcetype>{kind}</D:resourcetype>\
         <D:getlastmodified>{}</D:getlastmodified><D:getetag>{}</D:getetag>",
        http_date(metadata),
        tag(metadata).replace('"', "&quot;"),
    );
    if !metadata.is_dir() {
        let _ = write!(text, "<D:getcontentlength>{}</D:getcontentlength>", metadata.len());
    }
    text.push_str("</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>\n");
}

fn modified(metadata: &Metadata) -> i64 {
    let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.and_then(|since| i64::try_from(since.as_millis()).ok()).unwrap_or_default()
}

/// The last change, as HTTP writes it.
pub(super) fn http_date(metadata: &Metadata) -> String {
    let time = Timestamp::from_millisecond(modified(metadata)).unwrap_or_default();
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// The version of a file.
pub(super) fn tag(metadata: &Metadata) -> String {
    format!("\"{:x}-{:x}\"", modified(metadata), metadata.len())
}
