//! Completion of the command line by a shell, names of nodes included.
//!
//! The script that a shell loads asks the command itself (with [`VARIABLE`] in the environment) what could stand where the
//! cursor is. Nodes are listed by the service, for a short time from a cache, and only as long as a person at the
//! keyboard waits: what has not come by then is not offered. Nothing here ever prints an error into somebody's line.

mod nodes;
mod scripts;

use std::ffi::{OsStr, OsString};

use clap_complete::CompleteEnv;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter as _};

use crate::args;

pub(crate) use scripts::{Shell, script};

/// Holds the name of a shell when it is this shell that asks.
const VARIABLE: &str = "VOSPACE_COMPLETE";

/// Answers a shell and ends the program, if it is a shell that asks.
pub(crate) fn answer(argv: &[OsString]) {
    if std::env::var_os(VARIABLE).is_some() {
        CompleteEnv::with_factory(|| args::command(argv)).var(VARIABLE).complete();
    }
}

/// For arguments that are nodes.
pub(crate) fn nodes() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| nodes::candidates(current))
}

/// For arguments that are containers.
pub(crate) fn containers() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let mut found = nodes::candidates(current);
        found.retain(|candidate| candidate.get_value().to_string_lossy().ends_with(['/', ':']));
        found
    })
}

/// For arguments that are nodes or files of this machine.
pub(crate) fn places() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let mut found: Vec<CompletionCandidate> = nodes::candidates(current);
        if !current.to_string_lossy().contains(':') {
            found.extend(PathCompleter::any().complete(current));
        }
        found
    })
}
