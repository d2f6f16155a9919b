//! `vsync`: both directions, what it leaves alone, what it removes and what never.

use std::fs;

use vofs_tests::process::run_with_input;
use vofs_tests::server::Logged;
use vofs_tests::{Profile, World, every_profile};

every_profile!(
    vsync_up_copies_what_differs,
    vsync_down_copies_what_differs,
    vsync_unchanged_costs_one_listing_a_container,
    vsync_filters_by_the_path_below_the_destination,
    vsync_removes_only_what_it_was_told_to,
    vsync_removes_nothing_after_a_failure,
    vsync_tells_before_it_does,
    a_listing_that_broke_off_changes_nothing,
);

/// What is said instead of a removal.
const LEFT: &str = "not everything could be copied, so what only the destination has was left there";

fn tree(world: &World) {
    for (name, text) in [("tree/a.fits", "one"), ("tree/sub/b.fits", "two"), ("tree/sub/c.txt", "three")] {
        world.local_file(name, text);
    }
}

fn vsync_up_copies_what_differs(profile: Profile) {
    let world = World::new(profile);
    tree(&world);
    let there = world.uri("backup/");
    // The destination is made, directories are always descended.
    world.vospace(&["sync", "tree/", &there]).ok();
    assert_eq!(world.bytes("backup/sub/b.fits").unwrap(), b"two");
    // Without the slash the directory itself is copied.
    world.vospace(&["sync", "-r", "--nstreams=4", "tree", &there]).ok();
    assert_eq!(world.bytes("backup/tree/a.fits").unwrap(), b"one");
    world.local_file("tree/a.fits", "ONE");
    let told = world.vospace(&["-v", "sync", "tree/", &there]).ok();
    // Without a digest nothing is known to be the same.
    let copied = if profile.tells_digests() { "1 copied (3 bytes), 2 unchanged" } else { "3 copied (11 bytes)" };
    assert!(told.stderr.contains(copied), "{}", told.stderr);
    assert_eq!(world.bytes("backup/a.fits").unwrap(), b"ONE");
    let told = world.vospace(&["-v", "sync", "--overwrite", "tree/", &there]).ok();
    assert!(told.stderr.contains("3 copied"), "{}", told.stderr);
    world.vospace(&["sync", "tree", "elsewhere"]).fails_with(2, &["both are local"]);
    world.vospace(&["sync", "-n", "31", "tree", &there]).fails_with(2, &["31"]);
    world.vospace(&["sync", "tree/", &world.uri("none/deep")]).fails_with(1, &["demo/none/deep"]);
}

fn vsync_down_copies_what_differs(profile: Profile) {
    let world = World::new(profile);
    tree(&world);
    world.vospace(&["sync", "tree/", &world.uri("data")]).ok();
    world.vospace(&["sync", &world.uri("data/"), "copy"]).ok();
    assert_eq!(fs::read(world.local("copy/sub/c.txt")).unwrap(), b"three");
    world.put("data/a.fits", "changed there");
    let told = world.vospace(&["-v", "sync", &world.uri("data/"), "./copy/"]).ok();
    let copied = if profile.tells_digests() { "1 copied (13 bytes), 2 unchanged" } else { "3 copied (21 bytes)" };
    assert!(told.stderr.contains(copied), "{}", told.stderr);
    assert_eq!(fs::read(world.local("copy/a.fits")).unwrap(), b"changed there");
    // By length and time nothing differs either: the copies are newer than what they are copies of.
    let told = world.vospace(&["-v", "sync", "--ignore-checksum", &world.uri("data/"), "copy"]).ok();
    assert!(told.stderr.contains("0 copied (0 bytes), 3 unchanged"), "{}", told.stderr);
}

fn vsync_unchanged_costs_one_listing_a_container(profile: Profile) {
    let world = World::new(profile);
    tree(&world);
    let there = world.uri("backup");
    world.vospace(&["sync", "tree/", &there]).ok();
    world.server.forget();
    world.vospace(&["sync", "tree/", &there]).ok();
    let nodes: Vec<_> = world.server.log().into_iter().filter(|request| request.path.contains("/nodes/")).collect();
    assert!(nodes.iter().all(|request| request.method == "GET"), "{nodes:?}");
    if profile.tells_digests() {
        assert!(!nodes.iter().any(|request| request.path.ends_with(".fits")), "{nodes:?}");
        assert!(!world.server.log().iter().any(|request| request.is_byte_read() || request.is_byte_write()));
    } else {
        assert_eq!(world.server.log().iter().filter(|request| request.is_byte_write()).count(), 3);
    }
}

fn vsync_filters_by_the_path_below_the_destination(profile: Profile) {
    let world = World::new(profile);
    tree(&world);
    let there = world.uri("sub");
    // The name of the destination itself does not count.
    world.vospace(&["sync", "--exclude", ".txt,tmp", "tree/", &there]).ok();
    assert!(world.exists("sub/sub/b.fits") && world.exists("sub/a.fits") && !world.exists("sub/sub/c.txt"));
    world.vospace(&["sync", "--include", r"^sub/.*\.txt$", "tree/", &there]).ok();
    assert!(world.exists("sub/sub/c.txt"));
    world.vospace(&["sync", "--include", "(", "tree/", &there]).fails_with(2, &["regex"]);
}

fn vsync_removes_only_what_it_was_told_to(profile: Profile) {
    let world = World::new(profile);
    tree(&world);
    let there = world.uri("backup");
    world.vospace(&["sync", "tree/", &there]).ok();
    world.put("backup/extra", "x");
    world.put("backup/sub/keep.log", "x");
    world.vospace(&["mkdir", "-p", &world.uri("backup/gone/deep")]).ok();
    // Never without --delete, and never unasked.
    world.vospace(&["sync", "tree/", &there]).ok();
    world.vospace(&["sync", "--delete", "tree/", &there]).fails_with(1, &["--yes"]);
    assert!(world.exists("backup/extra"));
    // What the filters leave out is not removed either.
    world.vospace(&["sync", "--delete", "--yes", "--exclude", ".log", "tree/", &there]).ok();
    assert!(!world.exists("backup/extra") && !world.exists("backup/gone") && world.exists("backup/sub/keep.log"));
    // The other way round.
    world.vospace(&["sync", &world.uri("backup/"), "copy"]).ok();
    world.local_file("copy/sub/mine", "x");
    world.local_file("copy/own/f", "x");
    world.local_file("copy/no node has this name #1", "x");
    world.vospace(&["sync", "--delete", "-y", &world.uri("backup/"), "copy"]).ok();
    assert!(!world.local("copy/sub/mine").exists() && !world.local("copy/own").exists());
    assert!(world.local("copy/no node has this name #1").exists() && world.local("copy/sub/b.fits").exists());
}

fn vsync_removes_nothing_after_a_failure(profile: Profile) {
    let world = World::new(profile);
    tree(&world);
    let there = world.uri("backup");
    world.vospace(&["sync", "tree/", &there]).ok();
    world.put("backup/extra", "x");
    // One name that cannot be sent: the rest is copied, and nothing is removed.
    world.local_file("tree/bad#name", "x");
    world.vospace(&["sync", "--delete", "--yes", "tree/", &there]).fails_with(1, &["bad#name", LEFT]);
    assert!(world.exists("backup/extra"));
    // A listing that breaks off looks whole (observed): what it lacks is asked for by itself.
    fs::remove_file(world.local("tree/bad#name")).unwrap();
    world.vospace(&["sync", &world.uri("backup/"), "copy"]).ok();
    world.server.fault(r#"{"method": "GET", "path": "/nodes/demo/backup", "truncate_listing": 1}"#);
    world.vospace(&["sync", "--delete", "--yes", &world.uri("backup/"), "copy"]).ok();
    world.server.heal();
    assert!(["a.fits", "extra", "sub/b.fits"].iter().all(|name| world.local("copy").join(name).exists()));
}

fn vsync_tells_before_it_does(profile: Profile) {
    let world = World::new(profile);
    tree(&world);
    let there = world.uri("backup");
    let told = world.vospace(&["sync", "--dry-run", "tree/", &there]).ok().stdout();
    assert!(told.contains("would copy tree/a.fits -> ") && told.lines().count() == 3, "{told}");
    assert!(!world.exists("backup"));
    world.vospace(&["sync", "tree/", &there]).ok();
    world.put("backup/extra", "x");
    fs::write(world.local("tree/a.fits"), "other").unwrap();
    let told = world.vospace(&["sync", "--dry-run", "--json", "--delete", "tree/", &there]).ok().stdout();
    let events: Vec<_> = told.lines().filter(|line| line.contains("would-")).collect();
    assert_eq!(events.len(), if profile.tells_digests() { 2 } else { 4 }, "{told}");
    let (remove, copies) = events.split_last().unwrap();
    assert!(copies.iter().all(|event| event.contains(r#""event":"would-copy""#)), "{told}");
    assert!(remove.contains(r#""event":"would-remove""#), "{told}");
    assert!(world.exists("backup/extra"));
    assert_eq!(world.bytes("backup/a.fits").unwrap(), b"one");
}

/// A listing that ends early and looks whole; where a service has pages, the first of them.
fn break_listings(world: &World, profile: Profile) {
    let page = if profile.in_place() { "" } else { r#""query": "limit=5000", "# };
    world.server.fault(&format!(r#"{{"path": "/nodes/demo/backup", {page}"truncate_listing": 1}}"#));
}

fn a_listing_that_broke_off_changes_nothing(profile: Profile) {
    let world = World::new(profile);
    tree(&world);
    let (there, copy) = (world.uri("backup"), world.uri("copy"));
    world.vospace(&["sync", "tree/", &there]).ok();
    let from = format!("{there}/");
    world.vospace(&["sync", &from, &copy]).ok();
    let written = || world.server.log().into_iter().filter(Logged::is_byte_write).count();
    // What it lacks is neither sent again nor removed.
    break_listings(&world, profile);
    world.server.forget();
    world.vospace(&["sync", "--delete", "--yes", "tree/", &there]).ok();
    world.vospace(&["sync", "--delete", "--yes", &from, &copy]).ok();
    assert_eq!(written(), if profile.tells_digests() { 0 } else { 6 }, "{:?}", world.server.log());
    // Nor overwritten without the question that was asked for.
    world.local_file("tree/sub/b.fits", "other");
    world.local_file("tree/sub/c.txt", "other");
    let asked = run_with_input(world.command("vospace").args(["cp", "-i", "tree/sub", &there]), "n\nn\n").ok();
    assert_eq!(asked.stderr.matches("Overwrite?").count(), 2, "{}", asked.stderr);
    world.server.heal();
    for name in
        ["backup/a.fits", "backup/sub/b.fits", "backup/sub/c.txt", "copy/a.fits", "copy/sub/b.fits", "copy/sub/c.txt"]
    {
        assert!(world.bytes(name).is_some_and(|bytes| bytes != b"other"), "{name}");
    }
}
