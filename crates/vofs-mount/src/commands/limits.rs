//! `mountvofs limits`.

use std::time::Duration;

use bytesize::ByteSize;
use serde_json::{Map, Value};
use vofs_core::Limits;

use super::{daemon, print, print_json, unexpected};
use crate::Result;
use crate::args::{LimitChange, Which};
use crate::control::protocol::{AllLimits, LinkLimits, Reply, Request, Waits};

/// Changes what is to be changed, and shows what holds.
pub(super) fn limits(which: &Which, change: &LimitChange, json: bool) -> Result<()> {
    let seconds = |time: Option<Duration>| time.map(|time| time.as_secs());
    let request = Request::Limits(AllLimits {
        of_cache: Limits {
            cache_limit: change.cache_limit,
            free_space: change.free_space,
            transfers: change.max_transfers,
            uploads: change.max_flush_threads,
            memory_limit: change.memory_limit,
            read_timeout: seconds(change.read_timeout),
        },
        of_link: LinkLimits { bwlimit_down: change.bwlimit_down, bwlimit_up: change.bwlimit_up },
        of_waiting: Waits {
            metadata_timeout: seconds(change.metadata_timeout),
            drain_timeout: seconds(change.drain_timeout),
        },
    });
    let reply = daemon(which)?.ask(&request, |_| {})?;
    let Reply::Limits(AllLimits { of_cache, of_link, of_waiting }) = reply else { return Err(unexpected(&reply)) };
    let number = |number: Option<usize>| number.map(|number| number as u64);
    let rows = [
        ("cache-limit", Unit::Bytes, of_cache.cache_limit),
        ("free-space", Unit::Bytes, of_cache.free_space),
        ("memory-limit", Unit::Bytes, of_cache.memory_limit),
        ("max-transfers", Unit::Number, number(of_cache.transfers)),
        ("max-flush-threads", Unit::Number, number(of_cache.uploads)),
        ("bwlimit-down", Unit::Bytes, of_link.bwlimit_down),
        ("bwlimit-up", Unit::Bytes, of_link.bwlimit_up),
        ("read-timeout", Unit::Seconds, of_cache.read_timeout),
        ("metadata-timeout", Unit::Seconds, of_waiting.metadata_timeout),
        ("drain-timeout", Unit::Seconds, of_waiting.drain_timeout),
    ];
    if json {
        return print_json(
            &rows.map(|(name, _, value)| (name.to_owned(), Value::from(value))).into_iter().collect::<Map<_, _>>(),
        );
    }
    print(rows.map(|(name, unit, value)| format!("{name:<17}  {}\n", unit.show(value))).concat())
}

/// What a limit is counted in.
#[derive(Debug, Clone, Copy)]
enum Unit {
    Bytes,
    Number,
    Seconds,
}

impl Unit {
    fn show(self, value: Option<u64>) -> String {
        match self {
            Unit::Bytes => value.map_or_else(|| "none".to_owned(), |bytes| ByteSize(bytes).to_string()),
            Unit::Number => value.unwrap_or(0).to_string(),
            Unit::Seconds => format!("{} s", value.unwrap_or(0)),
        }
    }
}
