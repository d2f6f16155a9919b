//! What the works of the commands share: who takes part, whom ours is compared with, and what they need.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use super::Work;
use crate::column::{Access, Commands, Session};
use crate::data::{Scratch, Set};
use crate::process::{self, Finished};
use crate::results::{Reading, Row, Seen};
use crate::service::Profile;
use crate::sizes::Sizes;
use crate::stage::Stage;
use crate::target::Verdict;

/// Ours, which is judged.
const OURS: &str = "commands";

/// Whom ours is compared with.
pub(super) const PYTHON: &str = "python";

/// Longest that one command may take: the Python ones take minutes for some.
pub(super) const LIMIT: Duration = Duration::from_secs(400);

/// A work of the commands; as a [`Work`] it has their columns.
pub(crate) trait CommandWork {
    /// As in [`Work`], and so are those below.
    fn name(&self) -> &'static str;

    /// Most need no data but what they bring.
    fn set(&self) -> Set {
        Set::Scratch
    }

    fn profile(&self) -> Profile {
        Profile::Vault
    }

    fn scratch(&self) -> Option<Scratch> {
        None
    }

    fn is_of_interest_unshaped(&self) -> bool {
        false
    }

    fn rows(&self, sizes: &Sizes) -> Vec<Row>;

    fn run(&self, stage: &Stage, session: &Session, commands: &Commands) -> Result<Vec<Reading>>;

    fn judge(&self, seen: Seen<'_>) -> Vec<Verdict>;
}

impl<W: CommandWork> Work for W {
    fn name(&self) -> &'static str {
        CommandWork::name(self)
    }

    fn set(&self) -> Set {
        CommandWork::set(self)
    }

    fn profile(&self) -> Profile {
        CommandWork::profile(self)
    }

    fn scratch(&self, _: &Sizes) -> Option<Scratch> {
        CommandWork::scratch(self)
    }

    fn columns(&self) -> &'static [&'static str] {
        &[OURS, PYTHON]
    }

    fn is_of_interest_unshaped(&self) -> bool {
        CommandWork::is_of_interest_unshaped(self)
    }

    fn ours(&self) -> &'static str {
        OURS
    }

    fn rows(&self, sizes: &Sizes) -> Vec<Row> {
        CommandWork::rows(self, sizes)
    }

    fn run(&self, stage: &Stage, session: &Session) -> Result<Vec<Reading>> {
        match &session.access {
            Access::Commands(commands) => CommandWork::run(self, stage, session, commands),
            Access::Tree(_) | Access::Wire(_) => bail!("this work needs commands"),
        }
    }

    fn judge(&self, seen: Seen<'_>) -> Vec<Verdict> {
        CommandWork::judge(self, seen)
    }
}

/// Runs a command; its seconds are the value of `row`.
pub(super) fn timed(
    stage: &Stage,
    session: &Session,
    row: &'static str,
    mut command: Command,
) -> Result<(Reading, Finished)> {
    let (finished, usage) = session.measure(stage, || process::run(&mut command, LIMIT))?;
    Ok((Reading { row, value: finished.seconds(), usage: finished.usage_beside(usage) }, finished))
}
