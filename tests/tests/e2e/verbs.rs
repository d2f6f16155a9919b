//! Every verb on every maker's service: what is done, and what is refused and how. The expectations are the tables of
//! `docs/interoperability.md`, which these tests write when they are told to (`VOFS_WRITE_MATRIX=1`) and compare with what
//! they find otherwise.
//!
//! A verb counts as done only when what it was meant to do is there afterwards, by a look past the code under test.

use vofs_tests::matrix::{self, Area, Found};
use vofs_tests::{Profile, World, every_profile};

mod copies;
mod mounted;
mod names;
mod nodes;
mod programs;

every_profile!(verbs_on_nodes, verbs_on_bytes, names_of_files, calls_on_the_mount, programs_on_the_mount);

fn verbs_on_nodes(profile: Profile) {
    let world = World::new(profile);
    let mut area = Area::new(&world, "Commands on nodes");
    nodes::listing(&world, &mut area);
    nodes::making(&world, &mut area);
    nodes::moving(&world, &mut area);
    nodes::properties(&world, &mut area);
    nodes::removing(&world, &mut area);
    area.finish();
}

fn verbs_on_bytes(profile: Profile) {
    let world = World::new(profile);
    let mut area = Area::new(&world, "Copies");
    copies::files(&world, &mut area);
    copies::trees(&world, &mut area);
    copies::parts(&world, &mut area);
    area.finish();
}

fn names_of_files(profile: Profile) {
    let world = World::new(profile);
    let mut area = Area::new(&world, "Names");
    names::characters(&world, &mut area);
    area.finish();
}

/// What the user of the mount may fill, in bytes.
const QUOTA: u64 = 1 << 40;

fn calls_on_the_mount(profile: Profile) {
    let world = World::build(profile, false, &["--quota", &QUOTA.to_string()]);
    let mut area = Area::new(&world, "The mount");
    mounted::reading(&world, &mut area);
    mounted::writing(&world, &mut area);
    mounted::renaming(&world, &mut area);
    mounted::directories(&world, &mut area);
    mounted::attributes(&world, &mut area);
    area.finish();
}

fn programs_on_the_mount(profile: Profile) {
    let world = World::new(profile);
    let mut area = Area::new(&world, "Programs on the mount");
    programs::all(&world, &mut area);
    area.finish();
}

/// Done, with nothing to say about it; or, with `right` false, not what was meant: that is a failure and no result.
#[track_caller]
fn done(right: bool, what: &str) -> Found {
    assert!(right, "said to be done: {what}");
    Ok(String::new())
}

/// What a command printed, or why it printed nothing.
#[track_caller]
fn told(world: &World, line: &[&str]) -> Result<String, String> {
    matrix::told(world.vospace(line)).map(|ended| ended.stdout())
}
