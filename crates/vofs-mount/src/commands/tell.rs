//! `drain`, `unmount`, `log-level`, `trace`: what a daemon is told to do, and what it tells.

use std::fs::File;
use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use bytesize::ByteSize;
use vofs_core::LOCK;

use super::{daemon, daemon_of, note, print, shown, unexpected};
use crate::Result;
use crate::args::Which;
use crate::control::protocol::{Line, Reply, Request};
use crate::failure::{Failure, Status};
use crate::options;

/// How long a mount may take to end once all is uploaded: programs that have files open are waited for a few seconds.
const END: Duration = Duration::from_secs(60);

fn waits(reply: &Reply) {
    if let Reply::Progress { files, bytes, sent } = reply {
        note(format_args!("{files} file(s) of {} wait, {} of these sent", ByteSize(*bytes), ByteSize(*sent)));
    }
}

fn left(remaining: &[String]) -> ExitCode {
    for path in remaining {
        note(format_args!("mountvofs: {path}: not uploaded; it is in the journal (`mountvofs pending list` says why)"));
    }
    if remaining.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(Status::Other as u8) }
}

pub(super) fn drain(which: &Which, limit: Option<Duration>) -> Result<ExitCode> {
    let reply = daemon(which)?.ask(&Request::Drain { limit: limit.map(|limit| limit.as_secs()) }, waits)?;
    let Reply::Drained { remaining } = reply else { return Err(unexpected(&reply)) };
    Ok(left(&remaining))
}

/// Returns when the mount is gone.
pub(super) fn unmount(which: &Which) -> Result<ExitCode> {
    let cache_dir = options::cache_dir(which)?;
    let reply = daemon_of(&cache_dir)?.ask(&Request::Unmount, waits)?;
    let Reply::Unmounting { remaining } = reply else { return Err(unexpected(&reply)) };
    // Its lock is the last thing that a daemon gives up: from then on the next one can start.
    let lock = File::open(cache_dir.join(LOCK))
        .map_err(|error| Failure::new(Status::Other, format!("{}: {error}", cache_dir.display())))?;
    let deadline = Instant::now() + END;
    while lock.try_lock().is_err() {
        if Instant::now() > deadline {
            return Err(Failure::new(Status::Other, "the mount does not end; its log says why"));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(left(&remaining))
}

pub(super) fn log_level(which: &Which, level: Option<String>) -> Result<()> {
    let reply = daemon(which)?.ask(&Request::LogLevel { level }, |_| {})?;
    let Reply::Level { level } = reply else { return Err(unexpected(&reply)) };
    print(format_args!("{level}\n"))
}

/// Until it is interrupted, or nobody reads what it prints.
pub(super) fn trace(which: &Which, json: bool) -> Result<()> {
    let reply = daemon(which)?.ask_while(&Request::Trace, |reply| {
        let Reply::Operation(line) = reply else { return true };
        let written = if json {
            serde_json::to_string(line).map_err(std::io::Error::from).and_then(|text| print_line(&text))
        } else {
            print_line(&words(line))
        };
        written.is_ok()
    })?;
    match reply {
        None => Ok(()),
        Some(reply) => Err(unexpected(&reply)),
    }
}

fn print_line(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

fn words(line: &Line) -> String {
    let Line { operation, path, pid, milliseconds, errno } = line;
    let path = path.as_ref().map_or_else(|| "-".to_owned(), |path| format!("/{}", shown(path)));
    let outcome = match errno {
        0 => "ok".to_owned(),
        errno => nix::errno::Errno::from_raw(*errno).to_string(),
    };
    format!("{operation:<12} {pid:>8} {milliseconds:>10.2} ms  {outcome:<8} {path}")
}
