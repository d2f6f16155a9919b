//! What the user wants in the cache, or not: `refresh`, `warm`, `forget`, `pin`, `unpin`.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use bytesize::ByteSize;

use super::{daemon_of, note, place, print, shown, unexpected};
use crate::Result;
use crate::args::Which;
use crate::control::protocol::{Reply, Request};
use crate::failure::Status;

/// Asks of each path what `request` makes of it.
fn each(
    which: &Which,
    paths: &[PathBuf],
    request: impl Fn(String) -> Request,
    mut answered: impl FnMut(&str, Reply) -> Result<()>,
) -> Result<()> {
    let (cache_dir, below) = place::find(which, paths)?;
    for path in below {
        let reply = daemon_of(&cache_dir)?.ask(&request(path.clone()), far)?;
        end_of_line();
        answered(&path, reply)?;
    }
    Ok(())
}

pub(super) fn refresh(which: &Which, paths: &[PathBuf]) -> Result<()> {
    each(
        which,
        paths,
        |path| Request::Refresh { path },
        |_, reply| match reply {
            Reply::Refreshed { .. } => Ok(()),
            reply => Err(unexpected(&reply)),
        },
    )
}

pub(super) fn forget(which: &Which, paths: &[PathBuf]) -> Result<()> {
    each(
        which,
        paths,
        |path| Request::Forget { path },
        |path, reply| match reply {
            Reply::Forgotten { files, bytes } => {
                print(format_args!("/{}: {files} file(s), {} dropped from the cache\n", shown(path), ByteSize(bytes)))
            }
            reply => Err(unexpected(&reply)),
        },
    )
}

pub(super) fn warm(which: &Which, paths: &[PathBuf]) -> Result<ExitCode> {
    let (cache_dir, paths) = place::find(which, paths)?;
    let reply = daemon_of(&cache_dir)?.ask(&Request::Warm { paths }, far)?;
    end_of_line();
    let Reply::Warmed { files, bytes, links, failed } = reply else { return Err(unexpected(&reply)) };
    for message in &failed {
        note(format_args!("mountvofs: {message}"));
    }
    let left = if links > 0 { format!("; {links} link(s) are not followed") } else { String::new() };
    let here = files - failed.len();
    print(format_args!("{here} of {files} file(s), {} in all, are in the cache{left}\n", ByteSize(bytes)))?;
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(Status::Other as u8) })
}

pub(super) fn pin(which: &Which, paths: &[PathBuf], lazy: bool) -> Result<()> {
    if paths.is_empty() {
        let (cache_dir, _) = place::find(which, paths)?;
        let reply = daemon_of(&cache_dir)?.ask(&Request::Status, |_| {})?;
        let Reply::Status(report) = reply else { return Err(unexpected(&reply)) };
        return print(report.engine.pins.iter().map(|pin| format!("/{}\n", shown(pin))).collect::<String>());
    }
    each(
        which,
        paths,
        |path| Request::Pin { path, lazy },
        |_, reply| match reply {
            Reply::Pins { .. } => Ok(()),
            reply => Err(unexpected(&reply)),
        },
    )
}

pub(super) fn unpin(which: &Which, paths: &[PathBuf]) -> Result<()> {
    each(
        which,
        paths,
        |path| Request::Unpin { path },
        |path, reply| match reply {
            Reply::Pins { changed: true, .. } => Ok(()),
            Reply::Pins { pins, .. } => {
                let pins: Vec<String> = pins.iter().map(|pin| format!("/{pin}")).collect();
                let pins = pins.join(" ");
                note(format_args!("mountvofs: /{path}: was not pinned by this name; pinned: {pins}"));
                Ok(())
            }
            reply => Err(unexpected(&reply)),
        },
    )
}

/// A line that moves, on a terminal.
fn far(reply: &Reply) {
    if let Reply::Warming { files, files_done, bytes, bytes_done } = reply
        && std::io::stderr().is_terminal()
    {
        let percent = if *bytes > 0 { bytes_done * 100 / bytes } else { 100 };
        let _ = write!(
            std::io::stderr(),
            "\r\x1b[K{percent:>3} %  {} of {}, {files_done} of {files} file(s)",
            ByteSize(*bytes_done),
            ByteSize(*bytes)
        );
    }
}

fn end_of_line() {
    if std::io::stderr().is_terminal() {
        let _ = write!(std::io::stderr(), "\r\x1b[K");
    }
}
