//! Copies that were interrupted: what is left behind, and what the next run makes of it.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::Signal;
use vofs_tests::process::{Guard, code};
use vofs_tests::{Profile, World, every_profile, wait_until};

every_profile!(
    a_download_goes_on_where_it_ended,
    a_download_of_another_version_begins_anew,
    an_interrupted_upload_leaves_no_empty_file,
    ended_by_sigterm,
    a_large_upload_goes_on_in_the_next_run,
    an_upload_is_not_gone_on_with_when_file_or_node_are_others,
    a_partial_download_is_nobodys_file,
);

const LIMIT: Duration = Duration::from_secs(60);

/// Bytes that do not repeat within a piece.
fn content(length: usize, seed: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut bytes = vec![0; length];
    random.fill(&mut bytes);
    bytes
}

fn partial(world: &World, name: &str) -> PathBuf {
    world.local(&format!(".{name}.vospace-part"))
}

/// Starts a copy that is slow, and interrupts it when `far` says that it is far enough.
#[track_caller]
fn interrupt(world: &World, arguments: &[&str], signal: Signal, what: &str, far: impl FnMut() -> bool) -> i32 {
    let mut command = world.command("vospace");
    let mut copy = Guard::spawn(command.args(arguments));
    wait_until(what, LIMIT, far);
    copy.signal(signal);
    copy.wait(LIMIT).map(code).unwrap()
}

fn interrupted_download(world: &World, bytes: &[u8]) -> u64 {
    world.put("big", bytes);
    let path = partial(world, "big");
    let status = interrupt(
        world,
        &["cp", "--bwlimit", "8M", &world.uri("big"), "big"],
        Signal::SIGINT,
        "some megabytes",
        || fs::metadata(&path).is_ok_and(|data| data.len() > 5_000_000),
    );
    assert_eq!(status, 130);
    assert!(!world.local("big").exists());
    fs::metadata(&path).map_or(0, |data| data.len())
}

fn fetched(world: &World) -> u64 {
    world.server.log().iter().filter(|entry| entry.method == "GET").map(|entry| entry.bytes_out).sum()
}

fn a_download_goes_on_where_it_ended(profile: Profile) {
    let world = World::new(profile);
    let bytes = content(40_000_000, 1);
    let there = interrupted_download(&world, &bytes);
    world.server.forget();
    world.vospace(&["cp", &world.uri("big"), "big"]).ok();
    assert!(fs::read(world.local("big")).unwrap() == bytes);
    assert_eq!(names(&world), ["big"]);
    let all = bytes.len() as u64;
    if profile.has_sites() {
        assert!(there > 5_000_000);
        let most = all - there + (1 << 20);
        assert!(fetched(&world) < most, "{} bytes came again though {there} of {all} were there", fetched(&world));
    } else {
        assert_eq!(there, 0, "it has no ranges: nothing could be gone on with, and so nothing was kept");
    }
}

fn names(world: &World) -> Vec<String> {
    let entries = fs::read_dir(world.path("local")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn a_download_of_another_version_begins_anew(profile: Profile) {
    let world = World::new(profile);
    interrupted_download(&world, &content(40_000_000, 1));
    let other = content(40_000_000, 2);
    world.put("big", &other);
    world.vospace(&["cp", &world.uri("big"), "big"]).ok();
    assert!(fs::read(world.local("big")).unwrap() == other);
    assert_eq!(names(&world), ["big"]);
    // Bytes that are not what the record says are found out, and the file is fetched whole.
    fs::remove_file(world.local("big")).unwrap();
    if interrupted_download(&world, &content(40_000_000, 3)) > 0 {
        let mut torn = fs::read(partial(&world, "big")).unwrap();
        torn[1_000_000] ^= 1;
        fs::write(partial(&world, "big"), torn).unwrap();
    }
    world.vospace(&["cp", &world.uri("big"), "big"]).ok();
    assert!(fs::read(world.local("big")).unwrap() == content(40_000_000, 3));
}

fn an_interrupted_upload_leaves_no_empty_file(profile: Profile) {
    let world = World::new(profile);
    world.local_file("new/one", content(20_000_000, 4));
    world.local_file("new/two", content(20_000_000, 5));
    let status =
        interrupt(&world, &["cp", "--bwlimit", "4M", "new", &world.uri("new")], Signal::SIGINT, "both nodes", || {
            world.exists("new/one") && world.exists("new/two")
        });
    assert_eq!(status, 130);
    assert!(!world.exists("new/one") && !world.exists("new/two"), "an upload left a file without its bytes");
    // One that was there before stays what it was.
    world.put("old", b"old");
    world.local_file("old", content(20_000_000, 6));
    world.server.forget();
    let copying = || world.server.log().iter().any(|entry| entry.method == "POST" || entry.path.contains("old"));
    interrupt(&world, &["cp", "--bwlimit", "4M", "old", &world.uri("old")], Signal::SIGINT, "the copy", copying);
    assert!(world.exists("old"));
    if !profile.in_place() {
        assert_eq!(world.bytes("old").as_deref(), Some(&b"old"[..]));
    }
    world.vospace(&["cp", "new", &world.uri("")]).ok();
    assert!(world.bytes("new/two").unwrap() == content(20_000_000, 5));
}

fn ended_by_sigterm(profile: Profile) {
    let world = World::new(profile);
    world.local_file("new", content(20_000_000, 7));
    let arguments = ["cp", "--bwlimit", "4M", "new", &world.uri("new")];
    let status = interrupt(&world, &arguments, Signal::SIGTERM, "the node", || world.exists("new"));
    assert_eq!(status, 143);
    assert!(!world.exists("new"));
}

/// Uploads that were interrupted are noted here.
fn notes(world: &World) -> usize {
    fs::read_dir(world.path("home/.local/state/vospace/uploads")).map_or(0, Iterator::count)
}

/// Interrupts the upload of `big` when some of it is at the service: with segments, one of them.
#[track_caller]
fn interrupted_upload(world: &World) {
    let profile = world.server.profile;
    let speed = if profile.has_sites() { "60M" } else { "8M" };
    let far = || if profile.has_sites() { notes(world) == 1 } else { world.exists("big") };
    let arguments = ["cp", "--bwlimit", speed, "big", &world.uri("big")];
    assert_eq!(interrupt(world, &arguments, Signal::SIGINT, "some of it at the service", far), 130);
    // What is at the service is noted, and the transaction needs its node; without segments nothing can be gone on with.
    assert_eq!((notes(world), world.exists("big")), (usize::from(profile.has_sites()), profile.has_sites()));
}

/// Some segments' worth, where there are any.
fn large(profile: Profile, seed: u64) -> Vec<u8> {
    content(if profile.has_sites() { 150_000_000 } else { 30_000_000 }, seed)
}

fn a_large_upload_goes_on_in_the_next_run(profile: Profile) {
    let world = World::new(profile);
    let bytes = large(profile, 8);
    world.local_file("big", &bytes);
    interrupted_upload(&world);
    world.server.forget();
    world.vospace(&["cp", "big", &world.uri("big")]).ok();
    assert!(world.bytes("big").unwrap() == bytes);
    assert_eq!(notes(&world), 0);
    // Beginning anew takes three segments, what is left two.
    let parts = world.server.log().into_iter().filter(|entry| entry.method == "PUT" && entry.status == 202).count();
    assert_eq!(parts, if profile.has_sites() { 2 } else { 0 }, "{:?}", world.server.log());
}

fn an_upload_is_not_gone_on_with_when_file_or_node_are_others(profile: Profile) {
    let world = World::new(profile);
    world.local_file("big", large(profile, 9));
    interrupted_upload(&world);
    // The file was written since.
    let other = large(profile, 10);
    world.local_file("big", &other);
    world.vospace(&["cp", "big", &world.uri("big")]).ok();
    assert!(world.bytes("big").unwrap() == other);
    // The node was removed since, and would never see the bytes of the old transaction.
    let _ = fs::remove_dir_all(world.path("home/.local"));
    world.vospace(&["rm", &world.uri("big")]).ok();
    interrupted_upload(&world);
    if profile.has_sites() {
        world.vospace(&["rm", &world.uri("big")]).ok();
    }
    world.vospace(&["cp", "big", &world.uri("big")]).ok();
    assert!(world.bytes("big").unwrap() == other);
}

fn a_partial_download_is_nobodys_file(profile: Profile) {
    let world = World::new(profile);
    interrupted_download(&world, &content(40_000_000, 11));
    if !profile.has_sites() {
        // Without ranges nothing is kept. In the same directory may be something of another service.
        fs::write(partial(&world, "big"), "of another service").unwrap();
    }
    assert!(partial(&world, "big").exists());
    world.vospace(&["sync", "./", &world.uri("copy")]).ok();
    assert_eq!(world.vospace(&["ls", &world.uri("copy")]).ok().stdout(), "");
    world.put("other", b"x");
    world.vospace(&["sync", "--exclude", "big", "--delete", "--yes", &format!("{}/", world.uri("")), "."]).ok();
    assert!(partial(&world, "big").exists(), "--delete takes what waits for the next run");
}
