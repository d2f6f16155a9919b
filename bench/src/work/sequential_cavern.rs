//! One file from beginning to end from a service that sends whole files only: there is one stream to be had.

use anyhow::Result;

use super::sequential::{FILE, LIMIT, copied};
use super::{Work, complete, rate, row, size};
use crate::act::Act;
use crate::column::{Access, Session};
use crate::data::Set;
use crate::results::{Reading, Row, Seen};
use crate::service::Profile;
use crate::sizes::Sizes;
use crate::stage::Stage;
use crate::target::{Condition, Verdict};

const COLD: &str = "sequential-cold-cavern";

/// See the module.
#[derive(Debug)]
pub(crate) struct SequentialCavern;

impl Work for SequentialCavern {
    fn name(&self) -> &'static str {
        "sequential-cavern"
    }

    fn set(&self) -> Set {
        Set::Sequential
    }

    fn profile(&self) -> Profile {
        Profile::Cavern
    }

    fn columns(&self) -> &'static [&'static str] {
        &["mount", "vcp"]
    }

    fn rows(&self, sizes: &Sizes) -> Vec<Row> {
        vec![row(COLD, format!("sequential read of {}, cold, Cavern", size(sizes.sequential)), "MB/s")]
    }

    fn run(&self, stage: &Stage, session: &Session) -> Result<Vec<Reading>> {
        stage.data.warm()?;
        if let Access::Commands(commands) = &session.access {
            return copied(stage, session, commands, COLD);
        }
        let act = Act::Read { files: vec![session.tree()?.join(FILE)] };
        let (done, usage) = session.measure(stage, || act.run(LIMIT))?;
        complete("bytes", done.count, stage.sizes.sequential)?;
        Ok(vec![rate(COLD, done.count, done.seconds, usage)])
    }

    fn judge(&self, seen: Seen<'_>) -> Vec<Verdict> {
        let mut conditions = Vec::new();
        if let Some(connection) = seen.link.connection_rate() {
            let text = format!("≥ 0.95 of one connection's {connection:.0} MB/s");
            conditions.push(Condition::at_least(text, seen.ours(COLD).map(|rate| rate / connection), 0.95));
        }
        vec![Verdict { row: COLD, conditions }]
    }
}
