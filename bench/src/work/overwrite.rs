//! Some bytes in the middle of a large file that is in the cache are changed, until the service has it: all of it has to
//! be sent, and nothing to be fetched.

use std::time::Duration;

use anyhow::Result;

use super::{Work, arrival, complete, rate, row, size};
use crate::act::Act;
use crate::column::Session;
use crate::data::{GIVEN, Scratch, Set, node_name};
use crate::results::{Reading, Row, Seen};
use crate::sizes::Sizes;
use crate::stage::Stage;
use crate::target::{Condition, Verdict};

const OVERWRITE: &str = "overwrite";

/// Bytes that are changed, at most.
const PATCH: u64 = 1 << 20;

/// Bytes that the service may send for it: the documents of an upload.
const DOCUMENTS: f64 = 0.1;

/// Longest that reading the file into the cache may take, and then its way back.
const LIMIT: Duration = Duration::from_secs(110);

/// See the module.
#[derive(Debug)]
pub(crate) struct Overwrite;

impl Work for Overwrite {
    fn name(&self) -> &'static str {
        OVERWRITE
    }

    fn set(&self) -> Set {
        Set::Scratch
    }

    fn scratch(&self, sizes: &Sizes) -> Option<Scratch> {
        Some(Scratch { files: 1, length: sizes.written })
    }

    fn columns(&self) -> &'static [&'static str] {
        // Python vofs cannot do it: what it took for the change never came to the service.
        &["mount", "rclone-full"]
    }

    fn rows(&self, sizes: &Sizes) -> Vec<Row> {
        let title = format!(
            "overwrite {} in the middle of a cached file of {} and close, until the service has it: rate of the whole",
            size(PATCH),
            size(sizes.written)
        );
        vec![row(OVERWRITE, title, "MB/s")]
    }

    fn run(&self, stage: &Stage, session: &Session) -> Result<Vec<Reading>> {
        let file = session.tree()?.join(GIVEN).join(node_name(0));
        let length = stage.sizes.written;
        let read = Act::Read { files: vec![file.clone()] }.run(LIMIT)?;
        complete("bytes", read.count, length)?;
        let before = session.held(stage, GIVEN)?;
        let act = Act::Patch { file, at: length / 2, size: PATCH.min(length / 4) as usize };
        let (seconds, usage) = session.measure(stage, || {
            let done = act.run(LIMIT)?;
            let is_new = |held: &[_]| arrival::whole(held, length) == 1 && before.as_deref() != Some(held);
            Ok(done.seconds + arrival::wait(stage, session, GIVEN, is_new)?)
        })?;
        Ok(vec![rate(OVERWRITE, length, seconds, usage)])
    }

    fn judge(&self, seen: Seen<'_>) -> Vec<Verdict> {
        let fetched = seen.usage(OVERWRITE).bytes.map(|bytes| bytes as f64 / 1e6);
        let mut conditions = vec![Condition::at_most("no download: ≤ 0.1 MB from the service", fetched, DOCUMENTS)];
        if let Some(connection) = seen.link.connection_rate() {
            let text = format!("≥ 0.9 of one connection's {connection:.0} MB/s");
            conditions.push(Condition::at_least(text, seen.ours(OVERWRITE).map(|rate| rate / connection), 0.9));
        }
        vec![Verdict { row: OVERWRITE, conditions }]
    }
}
