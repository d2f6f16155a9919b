//! `vsync` of a large directory in which nothing changed: what a job does every night.

use anyhow::Result;

use super::commands::{self, CommandWork, PYTHON};
use super::row;
use crate::column::{Commands, Session};
use crate::data::Set;
use crate::results::{Reading, Row, Seen};
use crate::sizes::Sizes;
use crate::stage::Stage;
use crate::target::{Condition, Verdict};

const UNCHANGED: &str = "vsync-unchanged";

/// Children that the client asks for at once.
const PAGE: u64 = 5000;

/// Registry, capabilities, the destination, and what a page more or less costs.
const OTHERS: u64 = 8;

/// See the module.
#[derive(Debug)]
pub(crate) struct Unchanged;

impl CommandWork for Unchanged {
    fn name(&self) -> &'static str {
        "vsync"
    }

    fn set(&self) -> Set {
        Set::Same
    }

    fn rows(&self, sizes: &Sizes) -> Vec<Row> {
        vec![row(UNCHANGED, format!("`vsync` of {} unchanged files", sizes.unchanged), "s")]
    }

    fn run(&self, stage: &Stage, session: &Session, commands: &Commands) -> Result<Vec<Reading>> {
        let name = self.set().name();
        let mut command = commands.verb("sync");
        command.arg(format!("{}/", stage.data.tree().join(name).display())).arg(commands.uri(name));
        Ok(vec![commands::timed(stage, session, UNCHANGED, command)?.0])
    }

    fn judge(&self, seen: Seen<'_>) -> Vec<Verdict> {
        let faster = Condition::at_least("≥ 20 × Python vos", seen.speed_up(UNCHANGED, PYTHON), 20.0);
        let most = (seen.sizes.unchanged / PAGE + OTHERS) as f64;
        let requests = seen.usage(UNCHANGED).requests.map(|count| count as f64);
        let listing = Condition::at_most("one listing a directory, no request a file", requests, most);
        vec![Verdict { row: UNCHANGED, conditions: vec![faster, listing] }]
    }
}
