//! The start of a command, which a script that calls one for each file pays each time.

use anyhow::Result;

use super::commands::{self, COLUMNS, LIMIT, PYTHON};
use super::{Work, row};
use crate::column::Session;
use crate::data::Set;
use crate::process;
use crate::results::{Reading, Row, Seen};
use crate::sizes::Sizes;
use crate::stage::Stage;
use crate::stats::Summary;
use crate::target::{Condition, Verdict};

const START: &str = "command-start";

/// See the module.
#[derive(Debug)]
pub(crate) struct Help;

impl Work for Help {
    fn name(&self) -> &'static str {
        "help"
    }

    fn set(&self) -> Set {
        Set::Huge
    }

    fn columns(&self) -> &'static [&'static str] {
        COLUMNS
    }

    fn ours(&self) -> &'static str {
        commands::OURS
    }

    fn rows(&self, _: &Sizes) -> Vec<Row> {
        vec![row(START, "`vls --help`", "ms")]
    }

    fn run(&self, stage: &Stage, session: &Session) -> Result<Vec<Reading>> {
        let commands = commands::of(session)?;
        let mut times = Vec::new();
        let mut usage = Default::default();
        for _ in 0..stage.sizes.starts {
            let finished = process::run(commands.verb("ls").arg("--help"), LIMIT)?;
            times.push(finished.seconds() * 1e3);
            usage = finished.usage_beside(Default::default());
        }
        let value = Summary::of(&times).map_or(0.0, |times| times.median);
        Ok(vec![Reading { row: START, value, usage }])
    }

    fn judge(&self, seen: Seen<'_>) -> Vec<Verdict> {
        let faster = Condition::at_least("≥ 50 × Python vos", seen.speed_up(START, PYTHON), 50.0);
        vec![Verdict { row: START, conditions: vec![faster] }]
    }
}
