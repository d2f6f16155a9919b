//! The names in a very large directory: the first of them should not wait for the last.

use anyhow::Result;

use super::long_listing::{PAGE, pages};
use super::{LIMIT, Work, besides, complete, row};
use crate::act::Act;
use crate::column::{Access, Session};
use crate::data::Set;
use crate::results::{Reading, Row, Seen};
use crate::sizes::Sizes;
use crate::stage::Stage;
use crate::target::{Condition, Verdict};

const ALL: &str = "ls-names";
const FIRST: &str = "ls-names-first";

/// The daemon is to stay below this many MB.
const MEMORY: f64 = 150.0;

/// See the module.
#[derive(Debug)]
pub(crate) struct Names;

impl Work for Names {
    fn name(&self) -> &'static str {
        ALL
    }

    fn set(&self) -> Set {
        Set::Wide
    }

    fn columns(&self) -> &'static [&'static str] {
        &["mount", "wire", "vofs", "rclone", "davfs2"]
    }

    fn rows(&self, sizes: &Sizes) -> Vec<Row> {
        vec![
            row(ALL, format!("names of {} files, cold", sizes.wide), "s"),
            row(FIRST, format!("names of {} files, cold: the first of them", sizes.wide), "s"),
        ]
    }

    fn run(&self, stage: &Stage, session: &Session) -> Result<Vec<Reading>> {
        let count = stage.sizes.wide;
        if let Access::Wire(base) = &session.access {
            return Ok(vec![pages(stage, session, base, self.set(), count, ALL)?]);
        }
        let act = Act::List { directory: session.tree()?.join(self.set().name()) };
        let (done, usage) = session.measure(stage, || act.run(LIMIT))?;
        complete("names", done.count, count)?;
        let first = done.each.first().copied().unwrap_or(done.seconds);
        Ok(vec![Reading { row: ALL, value: done.seconds, usage }, besides(FIRST, first)])
    }

    fn judge(&self, seen: Seen<'_>) -> Vec<Verdict> {
        let memory = seen.usage(ALL).memory.map(|bytes| bytes as f64 / 1e6);
        let pages = seen.sizes.wide.div_ceil(PAGE).max(1) as f64;
        // The last page comes when all of the time but its own share has passed.
        let part = seen.part(FIRST, ALL);
        let text = format!("before the last of {pages} pages: ≤ {:.2} of the whole time", (pages - 1.0) / pages);
        vec![
            Verdict { row: ALL, conditions: vec![Condition::at_most("daemon ≤ 150 MB", memory, MEMORY)] },
            Verdict { row: FIRST, conditions: vec![Condition::at_most(text, part, (pages - 1.0) / pages)] },
        ]
    }
}
