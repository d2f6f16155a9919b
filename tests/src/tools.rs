//! Programs of the tests that are built from source: `target/tools`.

use std::path::PathBuf;
use std::process::Command;

use crate::process::built;

/// A program that `packaging/prepare.sh programs` built.
pub fn tool(name: &str) -> Command {
    let path = place().join(name);
    assert!(path.exists(), "no {}: run packaging/prepare.sh programs", path.display());
    Command::new(path)
}

fn place() -> PathBuf {
    built().parent().unwrap().join("tools/bin")
}
