//! Programs that were written for a local disk: exercisers, editors, archivers, git, databases.

mod databases;
mod exercisers;
mod posix_suite;
mod trees;
mod writers;

use std::path::Path;
use std::process::Command;

use vofs_tests::process::{Finished, run};

/// Runs a line of shell in a directory, in an environment of which no user's configuration is part.
#[track_caller]
fn shell(directory: &Path, line: &str) -> Finished {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut command = Command::new("sh");
    command.arg("-ec").arg(line).current_dir(directory).env_clear();
    for (name, value) in
        [("HOME", "/nonexistent"), ("LANG", "C.UTF-8"), ("TERM", "xterm"), ("GIT_CONFIG_NOSYSTEM", "1")]
    {
        command.env(name, value);
    }
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "Tester").env(format!("GIT_{who}_EMAIL"), "tester@example.org");
    }
    run(command.env("PATH", path)).ok()
}
