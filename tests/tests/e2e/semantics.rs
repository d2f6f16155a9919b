//! What the mount promises, statement by statement: `docs/semantics.md` names these tests, and a test holds the two
//! against each other.

mod abilities;
mod attributes;
mod background;
mod contents;
mod document;
mod local_names;
mod names;
mod renames;
mod user_actions;

use std::io;

/// The errno of what must fail.
#[track_caller]
fn errno<T: std::fmt::Debug>(outcome: io::Result<T>) -> nix::errno::Errno {
    nix::errno::Errno::from_raw(outcome.unwrap_err().raw_os_error().unwrap())
}
