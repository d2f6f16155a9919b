//! Ranges, as the byte service takes them.
//!
//! One range of bytes is served. What is malformed, in another unit, reversed, too large to count or several at once is
//! ignored, and the whole file sent. A suffix range (`bytes=-n`) is taken for the first bytes: a defect of minoc that
//! clients have to know.

use crate::faults::effect::RangeForm;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Response, header};
use futures_util::{StreamExt as _, stream};

/// What stands between the parts of an answer in parts.
const BOUNDARY: &str = "part-of-the-file";

/// What a `Range` header comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Everything.
    Whole,
    /// From the first to the last byte, both included.
    Part {
        /// Counted from 0.
        first: u64,
        /// At most the last of the file.
        last: u64,
    },
    /// It begins behind the end of the file.
    Nothing,
}

impl Wanted {
    /// Reads the header, for a file of this length.
    pub fn parse(text: &str, length: u64) -> Wanted {
        let Some(range) = text.strip_prefix("bytes=").filter(|range| !range.contains(',')) else {
            return Wanted::Whole;
        };
        let (first, last) = range.trim().split_once('-').unwrap_or((range, ""));
        let number = |text: &str| text.parse::<u64>().ok();
        let (first, last) = match (first, last) {
            ("", "") => return Wanted::Whole,
            // A suffix is taken for the first bytes.
            ("", last) => (Some(0), number(last)),
            (first, "") => (number(first), Some(u64::MAX)),
            (first, last) => (number(first), number(last)),
        };
        match (first, last) {
            (Some(first), Some(last)) if first <= last => {
                if first >= length {
                    Wanted::Nothing
                } else {
                    Wanted::Part { first, last: last.min(length - 1) }
                }
            }
            _ => Wanted::Whole,
        }
    }
}

impl RangeForm {
    /// What is served instead of what was wanted, on demand.
    pub fn of(self, wanted: Wanted, length: u64) -> Wanted {
        let Wanted::Part { first, last } = wanted else { return wanted };
        match self {
            RangeForm::Ignored => Wanted::Whole,
            RangeForm::Shifted if last + 1 < length => Wanted::Part { first: first + 1, last: last + 1 },
            RangeForm::Shifted => Wanted::Part { first: first.saturating_sub(1), last: last.saturating_sub(1) },
            RangeForm::Half => Wanted::Part { first, last: first + (last - first) / 2 },
            RangeForm::Unlabelled | RangeForm::Multipart => wanted,
        }
    }
}

/// A part of a file as an answer in parts, of which it is the only one (RFC 9110 §15.3.7.2).
pub fn multipart(response: Response<Body>, label: &str) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    let head = format!("--{BOUNDARY}\r\nContent-Range: {label}\r\n\r\n");
    let once = |text: String| stream::iter([Ok::<_, axum::Error>(Bytes::from(text))]);
    let body = once(head).chain(body.into_data_stream()).chain(once(format!("\r\n--{BOUNDARY}--\r\n")));
    parts.headers.remove(header::CONTENT_LENGTH);
    let kind = HeaderValue::try_from(format!("multipart/byteranges; boundary={BOUNDARY}"));
    parts.headers.extend(kind.map(|kind| (header::CONTENT_TYPE, kind)));
    Response::from_parts(parts, Body::from_stream(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_part_lies_within_the_file(text in "bytes=[0-9]{0,21}-?[0-9]{0,21}|\\PC{0,30}", length in 1..u64::MAX) {
            if let Wanted::Part { first, last } = Wanted::parse(&text, length) {
                proptest::prop_assert!(first <= last && last < length);
            }
        }
    }

    #[test]
    fn ranges_as_minoc_takes_them() {
        let part = |first, last| Wanted::Part { first, last };
        for (text, wanted) in [
            ("bytes=0-9", part(0, 9)),
            ("bytes=5-", part(5, 99)),
            ("bytes=5", part(5, 99)),
            ("bytes=90-1000", part(90, 99)),
            ("bytes=99-99", part(99, 99)),
            ("bytes=-10", part(0, 10)),
            ("bytes=-0", part(0, 0)),
            ("bytes=100-", Wanted::Nothing),
            ("bytes=5-4", Wanted::Whole),
            ("bytes=0-1,3-4", Wanted::Whole),
            ("Bytes=0-1", Wanted::Whole),
            ("items=0-1", Wanted::Whole),
            ("bytes=a-b", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes=0-99999999999999999999", Wanted::Whole),
        ] {
            assert_eq!(Wanted::parse(text, 100), wanted, "{text}");
        }
    }
}
