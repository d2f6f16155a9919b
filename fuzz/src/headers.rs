//! The headers with which parts of files are asked for, answered and sent.

use http::{HeaderMap, HeaderValue, Method};
use vospace_client::Md5;
use vospace_client::transfer::content_range;
use vospace_server::routes::bytes::announced;
use vospace_server::routes::range::Wanted;
use vospace_server::routes::transaction::step::{ID, OPERATION, Refusal, Step, TOTAL};

/// `Range` of a request on the first line, `Content-Range` of an answer on the second, the file's length on the third.
pub fn ranges(bytes: &[u8]) {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let mut line = || String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let (range, content_range, length) = (line(), line(), line().parse().unwrap_or(0));
    match Wanted::parse(&range, length) {
        Wanted::Part { first, last } => {
            assert!(first <= last && last < length, "{range}: {first}-{last} of {length}");
            assert!(range.starts_with("bytes=") && !range.contains(','), "{range}");
            let plain = Wanted::parse(&format!("bytes={first}-{last}"), length);
            assert_eq!(plain, Wanted::Part { first, last }, "{range}");
        }
        Wanted::Nothing => assert!(range.starts_with("bytes=") && !range.contains(','), "{range}"),
        Wanted::Whole => {}
    }
    if let Some((part, total)) = content_range::parse(&content_range) {
        assert!(part.start < part.end && total.is_none_or(|total| part.end <= total), "{content_range}");
        let total = total.map_or("*".to_owned(), |total| total.to_string());
        let plain = format!("bytes {}-{}/{total}", part.start, part.end - 1);
        assert_eq!(content_range::parse(&plain).map(|(part, _)| part), Some(part), "{content_range}");
    }
}

/// Method, operation, identity, announced length and digest of a request on one line each; an empty line stands for
/// a header that is not there.
pub fn transactions(bytes: &[u8]) {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let method = match lines.next() {
        Some(b"HEAD") => Method::HEAD,
        Some(b"POST") => Method::POST,
        Some(b"DELETE") => Method::DELETE,
        _ => Method::PUT,
    };
    let mut headers = HeaderMap::new();
    for name in [OPERATION, ID, TOTAL] {
        let value = lines.next().filter(|line| !line.is_empty());
        if let Some(value) = value.and_then(|line| HeaderValue::from_bytes(line).ok()) {
            headers.insert(name, value);
        }
    }
    let step = Step::of(&method, &headers);
    let given = |name| headers.get(name).map(HeaderValue::as_bytes);
    match &step {
        Ok(Step::Start { total }) => {
            assert_eq!((given(OPERATION), given(ID)), (Some(&b"start"[..]), None));
            assert_eq!(total.is_some(), headers.contains_key(TOTAL));
        }
        Ok(
            Step::Append(id)
            | Step::Commit(id)
            | Step::Status(id)
            | Step::Revert(id)
            | Step::Abort(id)
            | Step::Nothing(id),
        ) => {
            assert_eq!(given(ID), Some(id.as_bytes()));
        }
        Err(Refusal::Method) => assert_eq!(method, Method::DELETE),
        Err(Refusal::Operation | Refusal::Length) => assert_ne!(method, Method::DELETE),
    }
    assert!(step.is_err() || Step::is_meant(&headers), "{step:?} without its headers");
    let digest = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    if let Ok(md5) = announced(&digest) {
        assert_eq!(Md5::from_digest_header(&md5.to_digest_header()), Some(md5), "{digest}");
    }
}
