//! `mountvofs pending`: files that wait for their upload, of a mount that runs or of what one left.

use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::ExitCode;

use bytesize::ByteSize;
use vofs_core::{PendingFile, Unmounted};

use super::{note, print, print_json, shown, unexpected};
use crate::Result;
use crate::args::PendingCommand;
use crate::control::client::{Daemon, broken};
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
        PendingCommand::Export { file, to, .. } => return export(daemon, file, &to),
        PendingCommand::Discard { file, .. } => (Request::Discard { which: file }, false),
        PendingCommand::Retry { file, .. } => (Request::Retry { which: file }, false),
    };
    match daemon.ask(&request, |_| {})? {
        Reply::Pending { files, .. } => list(&files, json),
        Reply::Discarded { path, bytes } => print(format_args!("{}: {} discarded\n", shown(&path), ByteSize(bytes))),
        Reply::Retried { files } => print(format_args!("{files} file(s) are tried again\n")),
        reply => Err(unexpected(&reply)),
    }
}

/// Of a running mount. Its daemon hands out the bytes, and knows no more of where they go.
fn export(daemon: Daemon, which: String, to: &Path) -> Result<()> {
    match daemon.ask_for_bytes(&Request::Export { which })? {
        (Reply::Exported { path, bytes }, data) => save(&path, data, bytes, to),
        (reply, _) => Err(unexpected(&reply)),
    }
}

/// Writes `length` bytes to a new file that only the user may read; none of it stays when that fails.
fn save(path: &str, data: impl Read, length: u64, to: &Path) -> Result<()> {
    let fail = |error: io::Error| Failure::new(Status::Other, format!("{}: {error}", to.display()));
    let mut target = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(fail)?;
    let written = io::copy(&mut data.take(length), &mut target).and_then(|copied| {
        target.sync_all()?;
        Ok(copied)
    });
    let failure = match written {
        Ok(copied) if copied == length => {
            return print(format_args!("{}: {} saved; it still waits for its upload\n", shown(path), ByteSize(length)));
        }
        Ok(_) => broken("the connection ended"),
        Err(error) => fail(error),
    };
    let _ = fs::remove_file(to);
    Err(failure)
}

async fn pending_unmounted(cache_dir: &Path, command: PendingCommand) -> vofs_core::Result<Result<()>> {
    let journal = Unmounted::open(cache_dir)?;
    Ok(match command {
        PendingCommand::List { json, .. } => list(&journal.pending().await?, json),
        PendingCommand::Export { file, to, .. } => {
            let found = journal.export(&file).await?;
            for (start, end) in &found.missing {
                note(format_args!(
                    "mountvofs: {}: bytes {start} to {end} were not changed here and stand on the service only: they are \
                     zeros in what was saved; mount first to save all of it",
                    found.path
                ));
            }
            save(&found.path, found.data.chain(io::repeat(0)), found.bytes, &to)
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
