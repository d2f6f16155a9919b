//! The commands beside mounting. Most ask the daemon of a mount over its control socket; none touches the mount itself, so
//! that they answer also when it hangs.

mod cache;
mod config;
mod limits;
mod pending;
mod place;
mod status;
mod support;
mod tell;
mod watch;

use std::fmt::Display;
use std::io::{ErrorKind, IsTerminal as _, Write};
use std::path::Path;
use std::process::ExitCode;

use vospace_client::Plain;

use crate::Result;
use crate::args::{Command, ConfigCommand, Which};
use crate::control::client::Daemon;
use crate::control::protocol::Reply;
use crate::failure::{Failure, Status};
use crate::{options, system};

/// Does what was asked for.
pub(crate) fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Status { which, json, watch, all } => match (watch, all) {
            (true, _) => watch::watch(&which)?,
            (false, true) => status::show_all(json)?,
            (false, false) => status::show(&which, json)?,
        },
        Command::Refresh { which, paths } => cache::refresh(&which, &paths)?,
        Command::Warm { which, paths } => return cache::warm(&which, &paths),
        Command::Forget { which, paths } => cache::forget(&which, &paths)?,
        Command::Pin { which, lazy, paths } => cache::pin(&which, &paths, lazy)?,
        Command::Unpin { which, paths } => cache::unpin(&which, &paths)?,
        Command::Limits { which, change, json } => limits::limits(&which, &change, json)?,
        Command::LogLevel { which, level } => tell::log_level(&which, level)?,
        Command::Trace { which, json } => tell::trace(&which, json)?,
        Command::SupportBundle { which, to } => support::bundle(&which, &to)?,
        Command::Unmount { which } => return tell::unmount(&which),
        Command::Drain { which, timeout } => return tell::drain(&which, timeout),
        Command::Config { command: ConfigCommand::Show { json, options } } => config::show(json, options)?,
        Command::Pending { command } => return pending::pending(command),
    }
    Ok(ExitCode::SUCCESS)
}

fn daemon(which: &Which) -> Result<Daemon> {
    daemon_of(&options::cache_dir(which)?)
}

fn daemon_of(cache_dir: &Path) -> Result<Daemon> {
    Daemon::find(cache_dir)?.ok_or_else(|| {
        let mounts = system::own_mounts();
        let mounts: Vec<String> = mounts.iter().map(|(point, space)| format!("{space} on {}", point.display())).collect();
        let mounted = if mounts.is_empty() { String::new() } else { format!(". Mounted here: {}", mounts.join(", ")) };
        let message = format!(
            "nothing is mounted with the cache directory {}; name it with --cache_dir, or the space with --vospace{mounted}",
            cache_dir.display()
        );
        Failure::new(Status::Other, message)
    })
}

fn unexpected(reply: &Reply) -> Failure {
    Failure::new(Status::Other, format!("the mount is of another release: it answered {reply:?}"))
}

fn print_json(value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::new(Status::Other, format!("not written: {error}")))?;
    print(format_args!("{text}\n"))
}

/// Says something beside the results; who does not listen misses it. Names of files may be in it.
fn note(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "{}", Plain(&text.to_string()));
}

/// A text of others (a name, what a service said) among results for people: on a terminal nothing of it is obeyed.
fn shown(text: &str) -> String {
    if std::io::stdout().is_terminal() { Plain(text).to_string() } else { text.to_owned() }
}

/// Writes to standard output. Who closes it has read enough, as `head` does.
fn print(text: impl Display) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match write!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(Status::Other, format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}
