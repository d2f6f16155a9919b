//! `git status` and `tar c` over a work tree that was read before.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

use super::{LIMIT, Work, row};
use crate::column::Session;
use crate::data::{Set, git};
use crate::process::{self, Finished};
use crate::results::{Reading, Row, Seen};
use crate::sizes::Sizes;
use crate::stage::Stage;
use crate::target::{Condition, Verdict};

const STATUS: &str = "git-status";
const TAR: &str = "tar";

/// See the module.
#[derive(Debug)]
pub(crate) struct Code;

impl Work for Code {
    fn name(&self) -> &'static str {
        "code"
    }

    fn set(&self) -> Set {
        Set::Code
    }

    fn columns(&self) -> &'static [&'static str] {
        &["mount", "mount-ttl", "rclone-full", "davfs2", "passthrough", "native"]
    }

    fn rows(&self, sizes: &Sizes) -> Vec<Row> {
        vec![
            row(STATUS, format!("`git status` over {} cached files", sizes.sources), "s"),
            row(TAR, format!("`tar c` of {} cached files", sizes.sources), "s"),
        ]
    }

    fn run(&self, stage: &Stage, session: &Session) -> Result<Vec<Reading>> {
        let tree = session.tree()?.join(self.set().name());
        // The first round reads every file, and git notes in its index what the files look like here.
        archive(&tree)?;
        status(&tree)?;
        let (finished, usage) = session.measure(stage, || status(&tree))?;
        let status = Reading { row: STATUS, value: finished.seconds(), usage };
        let (finished, usage) = session.measure(stage, || archive(&tree))?;
        Ok(vec![status, Reading { row: TAR, value: finished.seconds(), usage }])
    }

    fn judge(&self, seen: Seen<'_>) -> Vec<Verdict> {
        let judged = |row| Verdict {
            row,
            conditions: vec![Condition::at_most("≤ 2 × native", seen.ratio(row, "native"), 2.0)],
        };
        vec![judged(STATUS), judged(TAR)]
    }
}

fn status(tree: &Path) -> Result<Finished> {
    let finished = process::run(git(tree).args(["status", "--short"]), LIMIT)?;
    ensure!(finished.lines == 0, "git sees changes where there are none: {}", finished.stdout);
    Ok(finished)
}

/// Into a pipe: where tar writes to nothing it does not read either.
fn archive(tree: &Path) -> Result<Finished> {
    let finished = process::run(Command::new("tar").args(["-c", "-C"]).arg(tree).arg("."), LIMIT)?;
    ensure!(finished.bytes > 0, "tar wrote nothing");
    Ok(finished)
}
