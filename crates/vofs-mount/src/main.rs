//! `mountvofs`: a VOSpace as a directory.
//!
//! This crate is thin: the command line, the life of the process, and FUSE requests in and answers out. What a file
//! system is and does lives in `vofs-core`.
//!
//! Exit status: 0 mounted (or unmounted again, in the foreground), 1 files could not be uploaded before the end or
//! anything not named here, 2 usage, 3 mount point, 4 FUSE, 5 service, 6 credentials, 7 what was to be mounted is not
//! there, 8 cache directory.

mod adapter;
mod args;
mod commands;
mod control;
mod daemon;
mod failure;
mod kernel;
mod logging;
mod mountpoint;
mod options;
mod session;

use std::process::ExitCode;

use args::Args;
use daemon::Ready;
use failure::Failure;

fn main() -> ExitCode {
    let mut args = Args::from_command_line();
    let foreground = args.foreground;
    let mut ready = Ready::in_foreground();
    let outcome = (|| {
        if let Some(command) = args.command.take() {
            return commands::run(command);
        }
        let settings = options::settle(args)?;
        if !foreground {
            ready = daemon::to_background()?;
        }
        session::run(settings, &mut ready)
    })();
    match outcome {
        Ok(code) => code,
        Err(failure) => ready.failed(&failure),
    }
}

/// What a step of the start gives.
type Result<T> = std::result::Result<T, Failure>;
