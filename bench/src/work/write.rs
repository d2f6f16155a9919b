//! One large file is written and closed, until the service has it.

use std::time::Duration;

use anyhow::Result;

use super::upload::sent;
use super::{Work, arrival, rate, row, size};
use crate::act::Act;
use crate::column::{Access, Session};
use crate::data::{SCRATCH, Scratch, Set};
use crate::results::{Reading, Row, Seen};
use crate::sizes::Sizes;
use crate::stage::Stage;
use crate::target::{Condition, Verdict};

const WRITE: &str = "write";

/// Bytes of one `write`.
const BLOCK: usize = 1 << 20;

/// Who has not written all of it within this time closes what there is: the rate is that of its bytes.
const PATIENCE: u64 = 20;

/// Longest that it may take until the file is closed: three times what the link needs.
const LIMIT: Duration = Duration::from_secs(130);

/// See the module.
#[derive(Debug)]
pub(crate) struct Write;

impl Work for Write {
    fn name(&self) -> &'static str {
        WRITE
    }

    fn set(&self) -> Set {
        // What the command sends.
        Set::Sequential
    }

    fn scratch(&self, _: &Sizes) -> Option<Scratch> {
        Some(Scratch::default())
    }

    fn columns(&self) -> &'static [&'static str] {
        &["mount", "vcp", "vofs", "rclone-full", "native"]
    }

    fn rows(&self, sizes: &Sizes) -> Vec<Row> {
        let length = size(sizes.written);
        let title = format!(
            "write {length} (what is written of it in {PATIENCE} s) and close, until the service has it; `vcp` of {length} up"
        );
        vec![row(WRITE, title, "MB/s")]
    }

    fn run(&self, stage: &Stage, session: &Session) -> Result<Vec<Reading>> {
        if let Access::Commands(commands) = &session.access {
            return Ok(vec![sent(stage, session, commands, WRITE)?]);
        }
        let file = session.tree()?.join(SCRATCH).join("written");
        let act = Act::Write { file, size: stage.sizes.written, block: BLOCK, seconds: PATIENCE, abandon: false };
        let ((bytes, seconds), usage) = session.measure(stage, || {
            let done = act.run(LIMIT)?;
            let arrived = arrival::wait(stage, session, SCRATCH, |held| arrival::whole(held, done.count) == 1)?;
            Ok((done.count, done.seconds + arrived))
        })?;
        Ok(vec![rate(WRITE, bytes, seconds, usage)])
    }

    fn judge(&self, seen: Seen<'_>) -> Vec<Verdict> {
        let mut conditions = vec![Condition::at_least("≥ 0.95 × vcp", seen.ratio(WRITE, "vcp"), 0.95)];
        if let Some(connection) = seen.link.connection_rate() {
            let text = format!("≥ 0.9 of one connection's {connection:.0} MB/s");
            conditions.push(Condition::at_least(text, seen.ours(WRITE).map(|rate| rate / connection), 0.9));
        }
        vec![Verdict { row: WRITE, conditions }]
    }
}
