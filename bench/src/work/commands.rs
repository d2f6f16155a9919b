//! What the works of the commands share: the columns, and a place of their own in the service.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::column::{Access, Commands, Session};
use crate::process::{self, Finished};
use crate::results::Reading;
use crate::stage::Stage;

/// Ours, which is judged.
pub(super) const OURS: &str = "commands";

/// Who takes part.
pub(super) const COLUMNS: &[&str] = &[OURS, PYTHON];

/// Whom ours is compared with.
pub(super) const PYTHON: &str = "python";

/// Longest that one command may take: the Python ones take minutes for some.
pub(super) const LIMIT: Duration = Duration::from_secs(400);

/// The container for what is written; everything else is shared by all runs.
const SCRATCH: &str = "scratch";

/// The commands of a session.
pub(super) fn of(session: &Session) -> Result<&Commands> {
    match &session.access {
        Access::Commands(commands) => Ok(commands),
        Access::Tree(_) | Access::Wire(_) => bail!("this work needs commands"),
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

/// Does `work` with an empty container of its own, which is removed afterwards, however it ends.
pub(super) fn in_scratch<T>(commands: &Commands, work: impl FnOnce(&str) -> Result<T>) -> Result<T> {
    let scratch = commands.uri(SCRATCH);
    let remove = || {
        let mut command = commands.verb("rm");
        process::run(command.arg("-R").arg(&scratch), LIMIT)
    };
    // What a run that was interrupted left behind; usually there is nothing.
    let _ = remove();
    process::run(commands.verb("mkdir").arg(&scratch), LIMIT)?;
    let done = work(&scratch);
    let removed = remove();
    let done = done?;
    removed?;
    Ok(done)
}
