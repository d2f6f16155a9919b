//! `vls -l` of a very large directory: how long, how much memory, and when the first line is there.

use anyhow::{Context as _, Result};

use super::commands::{self, CommandWork, PYTHON};
use super::{besides, complete, row};
use crate::column::{Commands, Session};
use crate::data::Set;
use crate::results::{Reading, Row, Seen};
use crate::sizes::Sizes;
use crate::stage::Stage;
use crate::target::{Condition, Verdict};

const ALL: &str = "vls-all";
const FIRST: &str = "vls-first";
const MEMORY: &str = "vls-memory";

/// See the module.
#[derive(Debug)]
pub(crate) struct Listing;

impl CommandWork for Listing {
    fn name(&self) -> &'static str {
        "vls"
    }

    fn set(&self) -> Set {
        Set::Wide
    }

    fn rows(&self, sizes: &Sizes) -> Vec<Row> {
        let title = format!("`vls -l` of {} files", sizes.wide);
        vec![
            row(ALL, title.clone(), "s"),
            row(FIRST, format!("{title}: first line"), "s"),
            row(MEMORY, format!("{title}: memory"), "MB"),
        ]
    }

    fn run(&self, stage: &Stage, session: &Session, commands: &Commands) -> Result<Vec<Reading>> {
        let mut command = commands.verb("ls");
        command.arg("-l").arg(commands.uri(self.set().name()));
        let (all, finished) = commands::timed(stage, session, ALL, command)?;
        complete("lines", finished.lines, stage.sizes.wide)?;
        let first = finished.first.context("nothing was printed")?.as_secs_f64();
        let memory = all.usage.memory.context("nobody knows how much memory it took")? as f64 / 1e6;
        Ok(vec![all, besides(FIRST, first), besides(MEMORY, memory)])
    }

    fn judge(&self, seen: Seen<'_>) -> Vec<Verdict> {
        let verdict = |row, condition| Verdict { row, conditions: vec![condition] };
        vec![
            verdict(ALL, Condition::at_least("≥ 20 × Python vos", seen.speed_up(ALL, PYTHON), 20.0)),
            verdict(FIRST, Condition::at_most("before the last page: ≤ half of the whole", seen.part(FIRST, ALL), 0.5)),
            verdict(MEMORY, Condition::at_most("< 60 MB", seen.ours(MEMORY), 60.0)),
        ]
    }
}
