//! A directory with very many files gets another name.

use anyhow::Result;

use super::{LIMIT, Work, complete, row};
use crate::act::Act;
use crate::column::Session;
use crate::data::{GIVEN, SCRATCH, Scratch, Set};
use crate::results::{Reading, Row, Seen};
use crate::sizes::Sizes;
use crate::stage::Stage;
use crate::target::{Condition, Verdict};

const RENAME: &str = "rename-directory";

/// What one job may cost: both ends asked, the job made, started and watched, and both ends asked again.
const REQUESTS: f64 = 12.0;

/// See the module.
#[derive(Debug)]
pub(crate) struct Rename;

impl Work for Rename {
    fn name(&self) -> &'static str {
        RENAME
    }

    fn set(&self) -> Set {
        Set::Scratch
    }

    fn scratch(&self, sizes: &Sizes) -> Option<Scratch> {
        Some(Scratch { files: sizes.moved, length: 0 })
    }

    fn columns(&self) -> &'static [&'static str] {
        &["mount", "vofs", "rclone-full", "native"]
    }

    fn rows(&self, sizes: &Sizes) -> Vec<Row> {
        vec![row(RENAME, format!("rename of a directory with {} files, listed before", sizes.moved), "ms")]
    }

    fn run(&self, stage: &Stage, session: &Session) -> Result<Vec<Reading>> {
        let tree = session.tree()?;
        let (from, to) = (tree.join(GIVEN), tree.join(SCRATCH).join("renamed"));
        let names = |directory| Act::List { directory }.run(LIMIT);
        complete("names", names(from.clone())?.count, stage.sizes.moved)?;
        let act = Act::Rename { from, to: to.clone() };
        let (done, usage) = session.measure(stage, || act.run(LIMIT))?;
        complete("names afterwards", names(to)?.count, stage.sizes.moved)?;
        Ok(vec![Reading { row: RENAME, value: done.seconds * 1e3, usage }])
    }

    fn judge(&self, seen: Seen<'_>) -> Vec<Verdict> {
        let requests = seen.usage(RENAME).requests.map(|count| count as f64);
        let text = "one job, no request a file: ≤ 12 requests";
        vec![Verdict { row: RENAME, conditions: vec![Condition::at_most(text, requests, REQUESTS)] }]
    }
}
