//! One large file up, in segments that follow one another.

use anyhow::Result;

use super::commands::{self, CommandWork, PYTHON};
use super::sequential::FILE;
use super::{rate, row, size};
use crate::column::{Commands, Session};
use crate::data::{SCRATCH, Scratch, Set};
use crate::process;
use crate::results::{Reading, Row, Seen};
use crate::sizes::Sizes;
use crate::stage::Stage;
use crate::target::{Condition, Verdict};

const UP: &str = "upload";

/// See the module.
#[derive(Debug)]
pub(crate) struct Upload;

impl CommandWork for Upload {
    fn name(&self) -> &'static str {
        "upload"
    }

    fn set(&self) -> Set {
        Set::Sequential
    }

    fn scratch(&self) -> Option<Scratch> {
        Some(Scratch::default())
    }

    fn is_of_interest_unshaped(&self) -> bool {
        true
    }

    fn rows(&self, sizes: &Sizes) -> Vec<Row> {
        vec![row(UP, format!("`vcp` of {} up, Vault", size(sizes.sequential)), "MB/s")]
    }

    fn run(&self, stage: &Stage, session: &Session, commands: &Commands) -> Result<Vec<Reading>> {
        Ok(vec![sent(stage, session, commands, UP)?])
    }

    fn judge(&self, seen: Seen<'_>) -> Vec<Verdict> {
        let condition = match seen.link.connection_rate() {
            Some(rate) => Condition::at_least("≥ 0.95 of one connection", seen.ours(UP).map(|ours| ours / rate), 0.95),
            None => Condition::at_least("≥ 3 × Python vos", seen.ratio(UP, PYTHON), 3.0),
        };
        vec![Verdict { row: UP, conditions: vec![condition] }]
    }
}

/// The large file by `vcp`, from the local disk.
pub(super) fn sent(stage: &Stage, session: &Session, commands: &Commands, row: &'static str) -> Result<Reading> {
    stage.data.warm()?;
    let mut command = commands.verb("cp");
    command.arg(stage.data.tree().join(FILE)).arg(commands.uri(&format!("{SCRATCH}/big.bin")));
    let (finished, usage) = session.measure(stage, || process::run(&mut command, commands::LIMIT))?;
    Ok(rate(row, stage.sizes.sequential, finished.seconds(), finished.usage_beside(usage)))
}
