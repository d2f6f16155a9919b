//! Values of options: times, rates, sizes, groups.

use std::time::Duration;

/// A group and its members.
pub(super) fn group(text: &str) -> Result<(String, Vec<String>), String> {
    let (name, members) = text.split_once(':').ok_or("expected NAME:USER,USER")?;
    Ok((name.to_owned(), members.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()))
}

/// A number of seconds.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| "expected a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(number).map_err(|error| error.to_string())
}

/// A number of seconds, or a number with `ms`, `s` or `min`.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.find(|c: char| c.is_ascii_alphabetic()) {
        Some(at) => text.split_at(at),
        None => (text, "s"),
    };
    let factor = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "min" => 60.0,
        _ => return Err("expected a time like 20ms, 5s or 1min".to_owned()),
    };
    let number: f64 = number.trim().parse().map_err(|_| "expected a time like 20ms, 5s or 1min".to_owned())?;
    Duration::try_from_secs_f64(number * factor).map_err(|error| error.to_string())
}

/// A number of bytes.
pub(super) fn size(text: &str) -> Result<u64, String> {
    text.parse::<bytesize::ByteSize>().map(|size| size.as_u64())
}

/// Bytes a second: a size with or without `/s`.
pub(super) fn rate(text: &str) -> Result<u64, String> {
    let rate = size(text.trim_end_matches("/s"))?;
    if rate == 0 { Err("a rate is above zero".to_owned()) } else { Ok(rate) }
}
