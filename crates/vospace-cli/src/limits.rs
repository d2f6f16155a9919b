//! Options of the commands that move bytes.

use std::time::Duration;

use clap::Args;
use vospace_client::bulk;

/// How fast, how many at a time, how much is shown.
#[derive(Debug, Clone, Args)]
pub(crate) struct Moving {
    /// Files copied at the same time [default: 8, of small files 30]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=bulk::MAX_STREAMS as u64))]
    nstreams: Option<u64>,
    /// Bytes per second of all transfers together, both ways, like 10M
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub(crate) bwlimit: Option<u64>,
    /// No progress bars on a terminal
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

impl Moving {
    /// Files copied at the same time, and small ones.
    pub(crate) fn streams(&self) -> (usize, usize) {
        match self.nstreams {
            None => (bulk::DEFAULT_STREAMS, bulk::DEFAULT_SMALL_STREAMS),
            Some(streams) => {
                let streams = usize::try_from(streams).unwrap_or(bulk::MAX_STREAMS);
                (streams, streams)
            }
        }
    }
}

/// Requests at the same time, unless somebody wants it otherwise: enough to hide the round trips, few enough for any
/// service.
const REQUESTS: u64 = 8;

/// How much is asked of a service at a time.
#[derive(Debug, Clone, Args)]
pub(crate) struct AtOnce {
    /// Requests under way at the same time
    #[arg(short, long, value_name = "N", default_value_t = REQUESTS,
          value_parser = clap::value_parser!(u64).range(1..=bulk::MAX_STREAMS as u64))]
    nstreams: u64,
}

impl AtOnce {
    /// One at least.
    pub(crate) fn get(&self) -> usize {
        usize::try_from(self.nstreams).unwrap_or(bulk::MAX_STREAMS)
    }
}

/// Bytes per second: a number, or one with a unit of a thousand (`K`, `M`, `G`) or of 1024 (`KiB`, …); `/s` may follow.
pub(crate) fn rate(text: &str) -> Result<u64, String> {
    let size = text.trim().trim_end_matches("/s").parse::<bytesize::ByteSize>()?;
    if size.0 == 0 { Err("at least 1 byte per second is needed".to_owned()) } else { Ok(size.0) }
}

/// A time in seconds.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    match text.trim().parse::<u64>() {
        Ok(0) => Err("at least 1 second is needed".to_owned()),
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_take_units() {
        for (text, rate_of) in [("10M", 10_000_000), ("1MiB/s", 1 << 20), ("500K", 500_000), ("12345", 12_345)] {
            assert_eq!(rate(text), Ok(rate_of), "{text}");
        }
        for text in ["0", "fast", "-1"] {
            assert!(rate(text).is_err(), "{text}");
        }
        assert_eq!(seconds("3600"), Ok(Duration::from_secs(3600)));
        assert!(seconds("0").is_err() && seconds("1.5").is_err());
    }
}
