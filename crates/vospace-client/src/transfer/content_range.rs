//! Which bytes a partial answer holds.

use std::ops::Range;

/// Reads the value of a `Content-Range` header (RFC 9110 §14.4): `bytes a-b/n` or `bytes a-b/*`. Gives the bytes, never
/// an empty range, and the size of the whole when it is told.
#[must_use]
pub fn parse(text: &str) -> Option<(Range<u64>, Option<u64>)> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    let total = match total.trim() {
        "*" => None,
        number => Some(number.parse().ok()?),
    };
    let end = last.checked_add(1)?;
    (first < end && total.is_none_or(|total| end <= total)).then_some((first..end, total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges() {
        assert_eq!(parse("bytes 2-5/10"), Some((2..6, Some(10))));
        assert_eq!(parse("bytes 0-0/*"), Some((0..1, None)));
        for text in ["bytes 5-2/10", "bytes 2-18446744073709551615/10", "2-5/10", "bytes 2-/10", "items 2-5/10"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
