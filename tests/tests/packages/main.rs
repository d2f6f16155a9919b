//! What is handed on: installation, packages, units, examples for batch systems and Kubernetes, and the documents. Built
//! of the debug binaries; what is tried is how they are packed, not how fast they are.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod batch;
mod documents;
mod installed;
mod packed;
mod propagation;
mod recipes;
mod units;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use vofs_tests::process::{Finished, built, run_within};

/// Longest that making or trying a package may take on a loaded machine.
const LIMIT: Duration = Duration::from_secs(230);

/// A path in the project.
fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path).canonicalize().unwrap()
}

/// What `packaging/prepare.sh` made.
fn prepared(path: &str) -> PathBuf {
    let place = built().join("..").join(path);
    assert!(place.exists(), "{} is not there: run packaging/prepare.sh python packages", place.display());
    place.canonicalize().unwrap()
}

/// Runs a script of the project with time to build something.
#[track_caller]
fn script(path: &str) -> Command {
    let mut command = Command::new(project(path));
    // What compresses best is for what is handed on.
    command.env("DEB_COMPRESSION", "gzip").env("RPM_COMPRESSION", "w1.gzdio").env("WHEEL_COMPRESSION", "1");
    command
}

#[track_caller]
fn finish(command: &mut Command) -> Finished {
    run_within(command, LIMIT).ok()
}
