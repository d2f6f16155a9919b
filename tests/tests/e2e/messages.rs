//! What the programs say when something cannot be done: what is done, how it ends, and the message with its remedy, in a table for
//! each area. Every message that docs/messages.md and docs/troubleshooting.md explain stands in some test, here or where else it is
//! brought about; a test of the documents looks (`documents::tested`).

mod asked;
mod commands;
mod configured;
mod copies;
mod credentials;
mod devices;
mod logged;
mod mount;
mod service;

use vofs_tests::World;
use vofs_tests::process::Finished;

/// A command line without the name of the program, its exit status, and what it says on standard error.
type Said = (&'static str, i32, &'static str);

#[track_caller]
fn each(ask: impl Fn(&[&str]) -> Finished, table: &[Said]) {
    for (line, status, said) in table {
        ask(&words(line)).fails_with(*status, &[said]);
    }
}

/// Command lines of `vospace` that succeed.
#[track_caller]
fn done(world: &World, lines: &[&str]) {
    for line in lines {
        world.vospace(&words(line)).ok();
    }
}

fn words(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}
