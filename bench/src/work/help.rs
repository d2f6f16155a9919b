//! The start of a command, which a script that calls one for each file pays each time.

use anyhow::Result;

use super::commands::{CommandWork, LIMIT, PYTHON};
use super::row;
use crate::column::{Commands, Session};
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

impl CommandWork for Help {
    fn name(&self) -> &'static str {
        "help"
    }

    fn rows(&self, _: &Sizes) -> Vec<Row> {
        vec![row(START, "`vls --help`", "ms")]
    }

    fn run(&self, stage: &Stage, _: &Session, commands: &Commands) -> Result<Vec<Reading>> {
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
