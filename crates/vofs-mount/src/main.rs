//! `mountvofs`: a VOSpace as a directory.
//!
//! This crate is thin: the command line, the life of the process, and FUSE requests in and answers out. What a file
//! system is and does lives in `vofs-core`.
//!
//! Exit status: 0 mounted (or unmounted again, in the foreground), 1 files could not be uploaded before the end or
//! anything not named here, 2 usage, 3 mount point, 4 FUSE, 5 service, 6 credentials, 7 what was to be mounted is not
//! there, 8 cache directory. As `mount.vofs` those of mount(8): 0, 1 usage, 32 not mounted.

mod activity;
mod adapter;
mod args;
mod commands;
mod config;
mod control;
mod daemon;
mod descriptors;
mod drain;
mod expiry;
mod failure;
#[cfg(not(target_os = "macos"))]
mod helper;
mod kernel;
mod logging;
mod metrics;
mod mountpoint;
mod options;
mod patience;
mod session;
mod signals;
mod supervisor;
mod system;

use std::process::ExitCode;

use args::Args;
use config::Refusal;
use daemon::Ready;
use failure::{Failure, Status};
#[cfg(not(target_os = "macos"))]
use helper::Call;

fn main() -> ExitCode {
    #[cfg(not(target_os = "macos"))]
    if helper::is_called(std::env::args_os().next().as_deref()) {
        return as_helper();
    }
    let exit_status = |status| status as u8;
    match config::resolve(&args::words()) {
        Ok(resolved) => {
            resolved.args.print_manual_if_asked();
            mount(resolved.args, exit_status)
        }
        Err(Refusal::Typed(error)) => error.exit(),
        Err(Refusal::Elsewhere(failure)) => Ready::in_foreground().failed(&failure, exit_status),
    }
}

/// The same for mount(8).
#[cfg(not(target_os = "macos"))]
fn as_helper() -> ExitCode {
    match helper::read(std::env::args_os().collect()) {
        Ok(Call::Mount(args)) => mount(*args, helper::exit_status),
        Ok(Call::Pretend) => ExitCode::SUCCESS,
        Err(failure) => Ready::in_foreground().failed(&failure, helper::exit_status),
    }
}

/// Mounts. What comes of it is told as `exit_status` says.
fn mount(mut args: Args, exit_status: fn(Status) -> u8) -> ExitCode {
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
        Err(failure) => ready.failed(&failure, exit_status),
    }
}

/// What a step of the start gives.
type Result<T> = std::result::Result<T, Failure>;
