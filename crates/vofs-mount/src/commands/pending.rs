//! `mountvofs pending`: files that wait for their upload, of a mount that runs or of what one left.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytesize::ByteSize;
use vofs_core::{PendingFile, Unmounted};

use super::{note, print, print_json, shown, unexpected};
use crate::Result;
use crate::args::PendingCommand;
use crate::control::client::Daemon;
use crate::control::protocol::{Reply, Request};
use crate::failure::{Failure, Status};
use crate::options;

/// Does what was asked for.
pub(super) fn pending(command: PendingCommand) -> Result<ExitCode> {
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
                .map_err(|error| Failure::engine(&cache_dir.display().to_string(), &error))??;
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
            print(format_args!("{}: {} saved; it still waits for its upload\n", shown(&path), ByteSize(bytes)))
        }
        Reply::Discarded { path, bytes } => print(format_args!("{}: {} discarded\n", shown(&path), ByteSize(bytes))),
        Reply::Retried { files } => print(format_args!("{files} file(s) are tried again\n")),
        reply => Err(unexpected(&reply)),
    }
}

async fn pending_unmounted(cache_dir: &Path, command: PendingCommand) -> vofs_core::Result<Result<()>> {
    let journal = Unmounted::open(cache_dir)?;
    Ok(match command {
        PendingCommand::List { json, .. } => list(&journal.pending().await?, json),
        PendingCommand::Export { file, to, .. } => {
            let saved = journal.export(&file, &to).await?;
            for (start, end) in &saved.missing {
                note(format_args!(
                    "mountvofs: {}: bytes {start} to {end} were not changed here and stand on the service only: they are \
                     zeros in what was saved; mount first to save all of it",
                    saved.path
                ));
            }
            print(format_args!(
                "{}: {} saved; it still waits for its upload\n",
                shown(&saved.path),
                ByteSize(saved.bytes)
            ))
        }
        PendingCommand::Discard { file, .. } => {
            let gone = journal.discard(&file).await?;
            print(format_args!("{}: {} discarded\n", shown(&gone.path), ByteSize(gone.bytes)))
        }
        PendingCommand::Retry { .. } => {
            let waiting = journal.pending().await?.len();
            let space = journal.space().await?;
            print(format_args!("{waiting} file(s) of {space} wait; the next mount of it tries them again\n"))
        }
    })
}

fn list(files: &[PendingFile], json: bool) -> Result<()> {
    if json {
        return print_json(&files);
    }
    print(files.iter().map(|file| line(file) + "\n").collect::<String>())
}

/// The daemon's directory is another one.
fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|error| Failure::new(Status::Usage, format!("{}: {error}", path.display())))
}

/// One file that waits, for people.
pub(super) fn line(file: &PendingFile) -> String {
    let sent = file.sent.map(|sent| format!(", {} sent", ByteSize(sent))).unwrap_or_default();
    let tries = if file.tries > 0 { format!(", {} tries", file.tries) } else { String::new() };
    let error = file.error.as_ref().map(|error| format!(": {}", shown(error))).unwrap_or_default();
    format!(
        "{:<8} {:>10}  {}  [{}{sent}{tries}]{error}",
        file.state,
        ByteSize(file.bytes).to_string(),
        shown(&file.path),
        file.id
    )
}
