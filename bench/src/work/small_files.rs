//! A directory of small files: up, the same again with nothing changed, and down.

use std::fs;

use anyhow::Result;

use super::commands::{self, CommandWork, PYTHON};
use super::{complete, row};
use crate::column::{Commands, Session};
use crate::data::{SCRATCH, SMALL, Scratch, small_files};
use crate::results::{Reading, Row, Seen};
use crate::sizes::Sizes;
use crate::stage::Stage;
use crate::target::{Condition, Verdict};

const UP: &str = "small-up";
const AGAIN: &str = "small-again";
const DOWN: &str = "small-down";

/// See the module.
#[derive(Debug)]
pub(crate) struct SmallFiles;

impl CommandWork for SmallFiles {
    fn name(&self) -> &'static str {
        "small"
    }

    fn scratch(&self) -> Option<Scratch> {
        Some(Scratch::default())
    }

    fn rows(&self, sizes: &Sizes) -> Vec<Row> {
        let title = |what: &str| format!("`vcp` of {} files of {SMALL} bytes, {what}", sizes.small_files);
        vec![row(UP, title("up"), "s"), row(DOWN, title("down"), "s"), row(AGAIN, title("up, unchanged"), "s")]
    }

    fn run(&self, stage: &Stage, session: &Session, commands: &Commands) -> Result<Vec<Reading>> {
        let tree = commands.local.join("tree");
        small_files(&tree, stage.sizes.small_files, SMALL)?;
        let scratch = commands.uri(SCRATCH);
        let copy = |row, from: &str, to: &str| {
            let mut command = commands.verb("cp");
            command.arg(from).arg(to);
            Ok::<_, anyhow::Error>(commands::timed(stage, session, row, command)?.0)
        };
        let back = commands.local.join("back");
        let (local, back_text) = (tree.to_string_lossy(), back.to_string_lossy());
        let up = copy(UP, &local, &scratch)?;
        let again = copy(AGAIN, &local, &scratch)?;
        let down = copy(DOWN, &format!("{scratch}/tree"), &back_text)?;
        complete("files that came back", fs::read_dir(&back)?.count() as u64, stage.sizes.small_files)?;
        Ok(vec![up, down, again])
    }

    fn judge(&self, seen: Seen<'_>) -> Vec<Verdict> {
        let faster = |row, times: f64| {
            let text = format!("≥ {times} × Python vos");
            Verdict { row, conditions: vec![Condition::at_least(text, seen.speed_up(row, PYTHON), times)] }
        };
        vec![faster(UP, 15.0), faster(DOWN, 15.0), faster(AGAIN, 30.0)]
    }
}
