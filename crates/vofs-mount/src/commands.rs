//! The commands beside mounting: `status`, `drain` and `pending`, for a mount that runs, and `pending` also without one.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytesize::ByteSize;
use vofs_core::{PendingFile, Unmounted};

use crate::Result;
use crate::args::{Command, PendingCommand, Which};
use crate::control::client::Daemon;
use crate::control::protocol::{Reply, Request};
use crate::failure::{Failure, Status};
use crate::options;

/// Does what was asked for.
pub(crate) fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Status { which, json } => status(&which, json),
        Command::Drain { which } => drain(&which),
        Command::Pending { command } => pending(command),
    }
}

fn daemon(which: &Which) -> Result<Daemon> {
    let cache_dir = options::cache_dir(which)?;
    Daemon::find(&cache_dir)?.ok_or_else(|| {
        let message = format!(
            "nothing is mounted with the cache directory {}; name it with --cache_dir, or the space with --vospace",
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
    println!("{text}");
    Ok(())
}

fn status(which: &Which, json: bool) -> Result<ExitCode> {
    let reply = daemon(which)?.ask(&Request::Status, |_| {})?;
    let Reply::Status(status) = reply else { return Err(unexpected(&reply)) };
    if json {
        print_json(&status)?;
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}{}", status.space, if status.read_only { " (read-only)" } else { "" });
    println!(
        "cache      {} of {} in {}",
        ByteSize(status.cache_used),
        ByteSize(status.cache_limit),
        status.cache_dir.display()
    );
    let bytes: u64 = status.pending.iter().map(|file| file.bytes).sum();
    println!("not sent   {} file(s), {}", status.pending.len(), ByteSize(bytes));
    status.pending.iter().for_each(|file| println!("  {}", line(file)));
    if status.unfinished_moves > 0 {
        println!("renames    {} interrupted, being finished", status.unfinished_moves);
    }
    if !status.conflicts.is_empty() {
        println!("conflicts  {}", status.conflicts.len());
    }
    for conflict in &status.conflicts {
        let ours = conflict.ours.as_ref().map(|path| format!(" ({path})")).unwrap_or_default();
        println!("  {}{ours}: {}", conflict.path, conflict.outcome);
    }
    Ok(ExitCode::SUCCESS)
}

/// One file that waits, for people.
fn line(file: &PendingFile) -> String {
    let sent = file.sent.map(|sent| format!(", {} sent", ByteSize(sent))).unwrap_or_default();
    let tries = if file.tries > 0 { format!(", {} tries", file.tries) } else { String::new() };
    let error = file.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    format!(
        "{:<8} {:>10}  {}  [{}{sent}{tries}]{error}",
        file.state,
        ByteSize(file.bytes).to_string(),
        file.path,
        file.id
    )
}

fn drain(which: &Which) -> Result<ExitCode> {
    let reply = daemon(which)?.ask(&Request::Drain, |reply| {
        if let Reply::Progress { files, bytes, sent } = reply {
            eprintln!("{files} file(s) of {} wait, {} of these sent", ByteSize(*bytes), ByteSize(*sent));
        }
    })?;
    let Reply::Drained { remaining } = reply else { return Err(unexpected(&reply)) };
    for path in &remaining {
        eprintln!("mountvofs: {path}: not uploaded; it is in the journal (`mountvofs pending list` says why)");
    }
    Ok(if remaining.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(Status::Other as u8) })
}

fn pending(command: PendingCommand) -> Result<ExitCode> {
    let cache_dir = options::cache_dir(command.which())?;
    match Daemon::find(&cache_dir)? {
        Some(daemon) => pending_mounted(daemon, command)?,
        None => {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| Failure::new(Status::Other, format!("cannot start: {error}")))?;
            runtime
                .block_on(pending_unmounted(&cache_dir, command))
                .map_err(|error| Failure::engine(&cache_dir.display().to_string(), &error))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn pending_mounted(daemon: Daemon, command: PendingCommand) -> Result<()> {
    let (request, json) = match command {
        PendingCommand::List { json, .. } => (Request::Pending, json),
        PendingCommand::Export { file, to, .. } => (Request::Export { which: file, to: absolute(&to)? }, false),
        PendingCommand::Discard { file, .. } => (Request::Discard { which: file }, false),
        PendingCommand::Retry { file, .. } => (Request::Retry { which: file }, false),
    };
    match daemon.ask(&request, |_| {})? {
        Reply::Pending { files, .. } => list(&files, json),
        Reply::Exported { path, bytes } => {
            println!("{path}: {} saved; it still waits for its upload", ByteSize(bytes));
            Ok(())
        }
        Reply::Discarded { path, bytes } => {
            println!("{path}: {} discarded", ByteSize(bytes));
            Ok(())
        }
        Reply::Retried { files } => {
            println!("{files} file(s) are tried again");
            Ok(())
        }
        reply => Err(unexpected(&reply)),
    }
}

async fn pending_unmounted(cache_dir: &Path, command: PendingCommand) -> vofs_core::Result<()> {
    let journal = Unmounted::open(cache_dir)?;
    match command {
        PendingCommand::List { json, .. } => {
            // What cannot be printed has nobody who would read that.
            let _ = list(&journal.pending().await?, json);
        }
        PendingCommand::Export { file, to, .. } => {
            let saved = journal.export(&file, &to).await?;
            println!("{}: {} saved; it still waits for its upload", saved.path, ByteSize(saved.bytes));
            for (start, end) in saved.missing {
                eprintln!(
                    "mountvofs: {}: bytes {start} to {end} were not changed here and stand on the service only: they are \
                     zeros in what was saved; mount first to save all of it",
                    saved.path
                );
            }
        }
        PendingCommand::Discard { file, .. } => {
            let gone = journal.discard(&file).await?;
            println!("{}: {} discarded", gone.path, ByteSize(gone.bytes));
        }
        PendingCommand::Retry { .. } => {
            let waiting = journal.pending().await?.len();
            println!("{waiting} file(s) of {} wait; the next mount of it tries them again", journal.space().await?);
        }
    }
    Ok(())
}

fn list(files: &[PendingFile], json: bool) -> Result<()> {
    if json {
        return print_json(&files);
    }
    files.iter().for_each(|file| println!("{}", line(file)));
    Ok(())
}

/// The daemon's directory is another one.
fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|error| Failure::new(Status::Usage, format!("{}: {error}", path.display())))
}
