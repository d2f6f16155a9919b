//! One large file up, in segments that follow one another.

use anyhow::Result;

use super::commands::{self, COLUMNS, PYTHON};
use super::sequential::FILE;
use super::{Work, rate, row, size};
use crate::column::Session;
use crate::data::Set;
use crate::process;
use crate::results::{Reading, Row, Seen};
use crate::sizes::Sizes;
use crate::stage::Stage;
use crate::target::{Condition, Verdict};

const UP: &str = "upload";

/// See the module.
#[derive(Debug)]
pub(crate) struct Upload;

impl Work for Upload {
    fn name(&self) -> &'static str {
        "upload"
    }

    fn set(&self) -> Set {
        Set::Sequential
    }

    fn columns(&self) -> &'static [&'static str] {
        COLUMNS
    }

    fn is_of_interest_unshaped(&self) -> bool {
        true
    }

    fn ours(&self) -> &'static str {
        commands::OURS
    }

    fn rows(&self, sizes: &Sizes) -> Vec<Row> {
        vec![row(UP, format!("`vcp` of {} up, Vault", size(sizes.sequential)), "MB/s")]
    }

    fn run(&self, stage: &Stage, session: &Session) -> Result<Vec<Reading>> {
        stage.data.warm()?;
        let commands = commands::of(session)?;
        let bytes = stage.sizes.sequential;
        commands::in_scratch(commands, |scratch| {
            let mut command = commands.verb("cp");
            command.arg(stage.data.tree().join(FILE)).arg(format!("{scratch}/big.bin"));
            let (finished, usage) = session.measure(stage, || process::run(&mut command, commands::LIMIT))?;
            Ok(vec![rate(UP, bytes, finished.seconds(), finished.usage_beside(usage))])
        })
    }

    fn judge(&self, seen: Seen<'_>) -> Vec<Verdict> {
        let condition = match seen.link.connection_rate() {
            Some(rate) => Condition::at_least("≥ 0.95 of one connection", seen.ours(UP).map(|ours| ours / rate), 0.95),
            None => Condition::at_least("≥ 3 × Python vos", seen.ratio(UP, PYTHON), 3.0),
        };
        vec![Verdict { row: UP, conditions: vec![condition] }]
    }
}
