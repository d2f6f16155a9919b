//! One file from beginning to end: cold, then from the page cache, then from the cache on disk.

use std::time::Duration;

use anyhow::Result;

use super::{Work, complete, rate, row, size};
use crate::act::Act;
use crate::column::{Access, Commands, Session};
use crate::data::Set;
use crate::process;
use crate::results::{Reading, Row, Seen};
use crate::sizes::Sizes;
use crate::stage::Stage;
use crate::stats::Summary;
use crate::target::{Condition, Verdict};

const COLD: &str = "sequential-cold";
const WARM: &str = "sequential-warm";
const CACHED: &str = "sequential-cached";

/// The file.
pub(super) const FILE: &str = "sequential/big.bin";

/// Longest that one reading may take: half as much again as a slow peer needs for 1 GiB.
pub(super) const LIMIT: Duration = Duration::from_secs(120);

/// A second reading that takes longer than this, in seconds, did not come from any cache.
const NOT_CACHED: f64 = 10.0;

/// Reads from the page cache in one session: each takes less than a second, and the median of a few is steadier.
const WARM_READS: usize = 3;

/// A disk that is faster than this is not to be kept up with.
const FAST_ENOUGH: f64 = 1.2 * (1_u64 << 30) as f64 / 1e6;

/// See the module.
#[derive(Debug)]
pub(crate) struct Sequential;

impl Work for Sequential {
    fn name(&self) -> &'static str {
        "sequential"
    }

    fn set(&self) -> Set {
        Set::Sequential
    }

    fn columns(&self) -> &'static [&'static str] {
        &["mount", "mount-passthrough", "vcp", "vofs", "rclone", "rclone-full", "davfs2", "passthrough", "native"]
    }

    fn depends_on_latency(&self) -> bool {
        true
    }

    fn rows(&self, sizes: &Sizes) -> Vec<Row> {
        let length = size(sizes.sequential);
        vec![
            row(COLD, format!("sequential read of {length}, cold, Vault"), "MB/s"),
            row(WARM, format!("sequential read of {length}, page cache warm"), "MB/s"),
            row(CACHED, format!("sequential read of {length}, page cache dropped, block cache warm"), "MB/s"),
        ]
    }

    fn run(&self, stage: &Stage, session: &Session) -> Result<Vec<Reading>> {
        stage.data.warm()?;
        let tree = match &session.access {
            Access::Tree(tree) => tree,
            Access::Commands(commands) => return copied(stage, session, commands, COLD),
            Access::Wire(_) => anyhow::bail!("there is nothing to compare with here"),
        };
        let bytes = stage.sizes.sequential;
        let read = || {
            let (done, usage) = session.measure(stage, || Act::Read { files: vec![tree.join(FILE)] }.run(LIMIT))?;
            complete("bytes", done.count, bytes)?;
            Ok::<_, anyhow::Error>((done.seconds, usage))
        };
        let mut readings = Vec::new();
        let (seconds, usage) = read()?;
        if session.has_link() {
            readings.push(rate(COLD, bytes, seconds, usage));
        }
        let (seconds, usage) = read()?;
        if seconds > NOT_CACHED {
            readings.push(rate(WARM, bytes, seconds, usage));
            return Ok(readings);
        }
        let mut times = vec![seconds];
        while times.len() < WARM_READS {
            times.push(read()?.0);
        }
        let median = Summary::of(&times).map_or(seconds, |times| times.median);
        readings.push(rate(WARM, bytes, median, usage));
        match stage.drop_pages() {
            Ok(()) => {
                let (seconds, usage) = read()?;
                readings.push(rate(CACHED, bytes, seconds, usage));
            }
            Err(error) => eprintln!("bench: {CACHED}: {error:#}"),
        }
        Ok(readings)
    }

    fn judge(&self, seen: Seen<'_>) -> Vec<Verdict> {
        let mut cold = vec![Condition::at_least("≥ 0.9 × vcp", seen.ratio(COLD, "vcp"), 0.9)];
        if let Some(total) = seen.link.total_rate() {
            let text = format!("≥ 0.9 of the link's {total:.0} MB/s");
            cold.push(Condition::at_least(text, seen.ours(COLD).map(|rate| rate / total), 0.9));
        }
        cold.push(Condition::at_least("≥ 6 × Python vofs", seen.ratio(COLD, "vofs"), 6.0));
        cold.push(Condition::at_least("≥ 1.5 × rclone", seen.ratio(COLD, "rclone"), 1.5));
        let native = seen.median(CACHED, "native");
        let bound = native.map_or(FAST_ENOUGH, |native| FAST_ENOUGH.min(0.8 * native));
        vec![
            Verdict { row: COLD, conditions: cold },
            Verdict {
                row: WARM,
                conditions: vec![Condition::at_least("≥ 0.95 × native", seen.ratio(WARM, "native"), 0.95)],
            },
            Verdict {
                row: CACHED,
                conditions: vec![Condition::at_least(
                    format!("≥ {bound:.0} MB/s: 1.2 GiB/s, or 0.8 × native if that is less"),
                    seen.ours(CACHED),
                    bound,
                )],
            },
        ]
    }
}

/// The file by `vcp`, to the local disk.
pub(super) fn copied(stage: &Stage, session: &Session, commands: &Commands, row: &'static str) -> Result<Vec<Reading>> {
    let local = commands.local.join("copy");
    let mut command = commands.verb("cp");
    command.arg(commands.uri(FILE)).arg(&local);
    let (finished, usage) = session.measure(stage, || process::run(&mut command, LIMIT))?;
    let bytes = stage.sizes.sequential;
    complete("bytes", std::fs::metadata(&local)?.len(), bytes)?;
    Ok(vec![rate(row, bytes, finished.seconds(), finished.usage_beside(usage))])
}
