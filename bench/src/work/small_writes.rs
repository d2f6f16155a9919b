//! Many small writes to one file, before it is closed: what FUSE and the journal cost, without any network.

use std::time::Duration;

use anyhow::{Context as _, Result};

use super::{Work, rate, row, size};
use crate::act::Act;
use crate::column::Session;
use crate::data::{SCRATCH, Scratch, Set};
use crate::results::{Reading, Row, Seen};
use crate::sizes::Sizes;
use crate::stage::Stage;
use crate::target::{Condition, Verdict};

const SMALL: &str = "write-4k";

/// Bytes of one `write`.
const BLOCK: usize = 4096;

/// Who has not written all of it within this time is fast enough to be measured.
const PATIENCE: u64 = 15;

/// Longest that it may take until the file is closed.
const LIMIT: Duration = Duration::from_secs(60);

/// See the module.
#[derive(Debug)]
pub(crate) struct SmallWrites;

impl Work for SmallWrites {
    fn name(&self) -> &'static str {
        SMALL
    }

    fn set(&self) -> Set {
        Set::Scratch
    }

    fn scratch(&self, _: &Sizes) -> Option<Scratch> {
        Some(Scratch::default())
    }

    fn columns(&self) -> &'static [&'static str] {
        &["mount", "vofs", "rclone-full", "passthrough", "native"]
    }

    fn rows(&self, sizes: &Sizes) -> Vec<Row> {
        let length = size(sizes.small_writes);
        vec![row(SMALL, format!("{length} in writes of 4 KiB (or {PATIENCE} s of them), before close"), "MB/s")]
    }

    fn run(&self, stage: &Stage, session: &Session) -> Result<Vec<Reading>> {
        let file = session.tree()?.join(SCRATCH).join("small-writes");
        let size = stage.sizes.small_writes;
        // Removed before it is closed: how fast it is sent is the matter of another work.
        let act = Act::Write { file, size, block: BLOCK, seconds: PATIENCE, abandon: true };
        let (done, usage) = session.measure(stage, || act.run(LIMIT))?;
        let seconds = done.each.first().context("an act that did not say how long it wrote")?;
        Ok(vec![rate(SMALL, done.count, *seconds, usage)])
    }

    fn judge(&self, seen: Seen<'_>) -> Vec<Verdict> {
        vec![Verdict {
            row: SMALL,
            conditions: vec![
                Condition::at_least("≥ 25 × Python vofs", seen.ratio(SMALL, "vofs"), 25.0),
                Condition::at_least("≥ 0.8 × bare FUSE", seen.ratio(SMALL, "passthrough"), 0.8),
            ],
        }]
    }
}
