//! Readers side by side, each of a file of its own: together they should have the whole link, and each its share.

use anyhow::Result;

use super::{LIMIT, Work, besides, complete, rate, row, size};
use crate::act::Act;
use crate::column::{Access, Session};
use crate::data::{READERS, Set, node_name};
use crate::process;
use crate::results::{Reading, Row, Seen};
use crate::sizes::Sizes;
use crate::stage::Stage;
use crate::target::{Condition, Verdict};

const SUM: &str = "readers";
const FAIRNESS: &str = "readers-fairness";

/// See the module.
#[derive(Debug)]
pub(crate) struct Readers;

impl Work for Readers {
    fn name(&self) -> &'static str {
        SUM
    }

    fn set(&self) -> Set {
        Set::Readers
    }

    fn columns(&self) -> &'static [&'static str] {
        &["mount", "vcp", "vofs", "rclone", "davfs2"]
    }

    fn rows(&self, sizes: &Sizes) -> Vec<Row> {
        let title = format!("{READERS} readers of {READERS} files of {}, cold", size(sizes.reader));
        vec![
            row(SUM, format!("{title}, in all"), "MB/s"),
            row(FAIRNESS, format!("{title}: time of the slowest by that of the fastest"), "×"),
        ]
    }

    fn run(&self, stage: &Stage, session: &Session) -> Result<Vec<Reading>> {
        let bytes = READERS * stage.sizes.reader;
        let directory = self.set().name();
        if let Access::Commands(commands) = &session.access {
            let mut command = commands.verb("cp");
            command.args((0..READERS).map(|index| commands.uri(&format!("{directory}/{}", node_name(index)))));
            command.arg(&commands.local);
            let (finished, usage) = session.measure(stage, || process::run(&mut command, LIMIT))?;
            return Ok(vec![rate(SUM, bytes, finished.seconds(), finished.usage_beside(usage))]);
        }
        let directory = session.tree()?.join(directory);
        let act = Act::Read { files: (0..READERS).map(|index| directory.join(node_name(index))).collect() };
        let (done, usage) = session.measure(stage, || act.run(LIMIT))?;
        complete("bytes", done.count, bytes)?;
        let slowest = done.each.iter().copied().fold(0.0, f64::max);
        let fastest = done.each.iter().copied().fold(f64::INFINITY, f64::min);
        Ok(vec![rate(SUM, bytes, done.seconds, usage), besides(FAIRNESS, slowest / fastest)])
    }

    fn judge(&self, seen: Seen<'_>) -> Vec<Verdict> {
        let mut sum = Vec::new();
        if let Some(total) = seen.link.total_rate() {
            let text = format!("≥ 0.9 of the link's {total:.0} MB/s");
            sum.push(Condition::at_least(text, seen.ours(SUM).map(|rate| rate / total), 0.9));
        }
        vec![
            Verdict { row: SUM, conditions: sum },
            Verdict { row: FAIRNESS, conditions: vec![Condition::at_most("≤ 2", seen.ours(FAIRNESS), 2.0)] },
        ]
    }
}
