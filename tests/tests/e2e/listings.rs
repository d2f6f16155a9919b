//! Directories: what one listing answers, what it must not be believed in, and how large one may be.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use vofs_tests::process::run;
use vofs_tests::server::Logged;
use vofs_tests::{Mount, Profile, World, both_profiles, wait_until};

both_profiles!(
    one_listing_answers_ls_l_and_look_ups_of_names_that_it_lacks,
    names_are_shown_before_the_last_of_them_was_sent,
    a_listing_that_broke_off_hides_nothing_that_was_known,
    directories_that_others_move_and_remove_follow_within_the_ttl,
    a_listing_is_warm_after_a_remount,
    own_changes_show_in_a_listing_that_the_kernel_keeps,
    numbers_of_files_are_the_same_after_a_remount,
    a_hundred_thousand_names_take_bounded_memory,
);

/// Longer than any lifetime that the mount gives to attributes and listings by default.
const TTL: Duration = Duration::from_secs(60);

/// What was learned less than this ago is fresh by any time-to-live.
const FRESH: Duration = Duration::from_secs(4);

/// Tries of what has to happen within [`FRESH`], on a machine that may be busy.
const TRIES: usize = 20;

fn populate(world: &World, container: &str, count: usize) {
    world.server.populate(&[format!("demo/{container}"), "--count".into(), count.to_string()]);
}

fn names(directory: &Path) -> usize {
    fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name()).filter(|name| name != ".").count()
}

/// The requests for documents of nodes.
fn node_requests(world: &World) -> Vec<Logged> {
    world.server.log().into_iter().filter(|entry| entry.path.contains("/nodes/")).collect()
}

/// Does something until it was done quickly enough for everything that it learned to be fresh at its end; gives what it
/// gave then.
fn while_fresh<T>(mut attempt: impl FnMut(usize) -> T) -> T {
    for number in 0..TRIES {
        let begun = Instant::now();
        let outcome = attempt(number);
        if begun.elapsed() < FRESH {
            return outcome;
        }
    }
    panic!("never within {FRESH:?}");
}

fn one_listing_answers_ls_l_and_look_ups_of_names_that_it_lacks(profile: Profile) {
    let world = World::new(profile);
    for i in 0..TRIES {
        populate(&world, &format!("many{i}"), 1000);
    }
    let mount = world.mount();
    let directory = |number: usize| mount.join(format!("many{number}"));
    let requests = while_fresh(|number| {
        fs::metadata(directory(number)).unwrap();
        world.server.forget();
        let text = run(Command::new("ls").arg("-l").arg(directory(number))).ok().stdout();
        assert_eq!(text.lines().filter(|line| line.contains("node-")).count(), 1000);
        let requests = node_requests(&world);
        let of_listing = |entry: &Logged| entry.path.ends_with(&format!("/demo/many{number}"));
        assert!(requests.iter().all(of_listing), "{requests:?}");
        requests
    });
    // The listing, and on a service with pages the proof that it is complete.
    assert!(requests.len() <= 2, "{requests:?}");
    assert!(requests.iter().all(|entry| !entry.query.contains("detail=max")), "{requests:?}");

    let requests = while_fresh(|number| {
        names(&directory(number));
        world.server.forget();
        for i in 0..50 {
            assert!(!directory(number).join(format!("missing{i}")).exists());
            fs::metadata(directory(number).join(format!("node-{i:07}"))).unwrap();
        }
        node_requests(&world)
    });
    assert!(requests.is_empty(), "for what the listing had told: {requests:?}");
}

fn names_are_shown_before_the_last_of_them_was_sent(profile: Profile) {
    const COUNT: usize = 12_000;
    let world = World::new(profile);
    populate(&world, "many", COUNT);
    let mount = world.mount();
    fs::metadata(mount.join("many")).unwrap();
    world.server.forget();
    world.server.fault(r#"{"path": "/nodes/demo/many", "bytes_per_second": 2000000}"#);
    let mut entries = fs::read_dir(mount.join("many")).unwrap();
    entries.next().unwrap().unwrap();
    let (early, sent) =
        (node_requests(&world), |requests: &[Logged]| requests.iter().map(|r| r.bytes_out).sum::<u64>());
    assert_eq!(entries.map(Result::unwrap).count(), COUNT - 1);
    let all = node_requests(&world);
    assert_eq!(early.len(), 1, "{early:?}");
    assert!(sent(&early) * 2 < sent(&all), "{early:?} of {all:?}");
    if profile == Profile::Vault {
        assert!(all.len() > 2, "a service with pages sends several: {all:?}");
    }
}

fn a_listing_that_broke_off_hides_nothing_that_was_known(profile: Profile) {
    const COUNT: usize = 40;
    let world = World::new(profile);
    populate(&world, "some", COUNT);
    let mount = world.mount();
    let directory = mount.join("some");
    assert_eq!(names(&directory), COUNT);
    world.server.fault(r#"{"path": "/nodes/demo/some", "truncate_listing": 10}"#);
    world.server.forget();
    // The directory itself is asked for without its children.
    let is_listing = |entry: &Logged| entry.path.ends_with("/demo/some") && !entry.query.contains("limit=0");
    let listed = |world: &World| node_requests(world).iter().any(is_listing);
    // The time-to-live of the listing ends, and the service lists only ten.
    wait_until("a new listing", TTL, || {
        assert_eq!(names(&directory), COUNT, "a listing that looks complete hid names");
        listed(&world)
    });
    assert_eq!(names(&directory), COUNT);
    if profile == Profile::Cavern {
        let asked = || node_requests(&world).iter().filter(|entry| entry.path.contains("/demo/some/node-")).count();
        wait_until("questions for what it lacked", TTL, || asked() >= COUNT - 10);
    }
    // What is really gone goes.
    world.server.heal();
    world.vospace(&["rm", &world.uri("some/node-0000007")]).ok();
    wait_until("the removal", TTL, || names(&directory) == COUNT - 1);
    assert!(!directory.join("node-0000007").exists());
}

fn directories_that_others_move_and_remove_follow_within_the_ttl(profile: Profile) {
    let world = World::new(profile);
    world.local_file("tree/old/sub/f", b"content");
    world.local_file("tree/gone/g", b"x");
    world.vospace(&["cp", "tree", &world.uri("tree")]).ok();
    let mount = world.mount();
    let at = |path: &str| mount.join("tree").join(path);
    assert_eq!(fs::read(at("old/sub/f")).unwrap(), b"content");
    assert_eq!((names(&at("")), names(&at("gone"))), (2, 1));
    world.vospace(&["mv", &world.uri("tree/old"), &world.uri("tree/new")]).ok();
    world.vospace(&["rm", "-R", &world.uri("tree/gone")]).ok();
    wait_until("the moved directory", TTL, || {
        at("new/sub/f").exists() && !at("old").exists() && !at("old/sub/f").exists()
    });
    assert_eq!(fs::read(at("new/sub/f")).unwrap(), b"content");
    wait_until("the removed directory", TTL, || !at("gone").exists() && !at("gone/g").exists());
    wait_until("the listing", TTL, || names(&at("")) == 1);
    fs::write(at("old"), b"the name is free").unwrap();
    assert_eq!(world.bytes("tree/old").as_deref(), Some(&b"the name is free"[..]));
}

fn a_listing_is_warm_after_a_remount(profile: Profile) {
    let world = World::new(profile);
    populate(&world, "many", 300);
    let requests = while_fresh(|_| {
        let mount = world.mount();
        assert_eq!(names(&mount.join("many")), 300);
        mount.unmount();
        world.server.forget();
        let mount = world.mount();
        run(Command::new("ls").arg("-l").arg(mount.join("many"))).ok();
        node_requests(&world)
    });
    let below: Vec<_> = requests.iter().filter(|entry| entry.path.contains("/demo/many")).collect();
    assert!(below.is_empty(), "{below:?}");
}

fn own_changes_show_in_a_listing_that_the_kernel_keeps(profile: Profile) {
    let world = World::new(profile);
    populate(&world, "some", 30);
    let mount = world.mount();
    let directory = mount.join("some");
    let sorted = |directory: &Path| {
        let mut names: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    for round in 0..3 {
        let before = sorted(&directory);
        assert_eq!(sorted(&directory), before, "read again");
        let (new, renamed) = (directory.join(format!("new{round}")), directory.join(format!("renamed{round}")));
        fs::write(&new, b"x").unwrap();
        assert_eq!(names(&directory), before.len() + 1);
        fs::rename(&new, &renamed).unwrap();
        assert!(sorted(&directory).contains(&renamed.file_name().unwrap().to_owned()));
        fs::remove_file(&renamed).unwrap();
        assert_eq!(sorted(&directory), before);
        fs::remove_file(directory.join(format!("node-{round:07}"))).unwrap();
        assert_eq!(names(&directory), before.len() - 1);
    }
}

fn numbers_of_files_are_the_same_after_a_remount(profile: Profile) {
    use std::os::unix::fs::{DirEntryExt as _, MetadataExt as _};
    let world = World::new(profile);
    populate(&world, "a/b", 20);
    let numbers = |mount: &Mount| {
        let entries = fs::read_dir(mount.join("a/b")).unwrap().map(Result::unwrap);
        let mut numbers: Vec<_> = entries
            .map(|entry| {
                assert_eq!(entry.ino(), entry.metadata().unwrap().ino());
                (entry.file_name(), entry.ino())
            })
            .collect();
        numbers.sort();
        numbers
    };
    let mount = world.mount();
    let before = numbers(&mount);
    mount.unmount();
    assert_eq!(numbers(&world.mount()), before);
}

fn a_hundred_thousand_names_take_bounded_memory(profile: Profile) {
    const COUNT: usize = 100_000;
    /// What the daemon may take with its listing, its inodes and all else.
    const MEMORY_KIB: usize = 150 * 1024;
    let world = World::new(profile);
    populate(&world, "many", COUNT);
    let mount = world.mount();
    assert_eq!(names(&mount.join("many")), COUNT);
    world.server.forget();
    // These become inodes that the kernel knows.
    for entry in fs::read_dir(mount.join("many")).unwrap().take(COUNT / 20) {
        assert!(entry.unwrap().metadata().unwrap().is_file());
    }
    // However slowly they are looked at: beyond the time-to-live the directory is listed anew, not each name asked for.
    let singles = node_requests(&world).iter().filter(|entry| entry.path.contains("/node-")).count();
    assert!(singles < COUNT / 100, "{singles} single questions");
    let status = fs::read_to_string(format!("/proc/{}/status", mount.pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kibibytes: usize = peak.split_whitespace().next().unwrap().parse().unwrap();
    assert!(kibibytes < MEMORY_KIB, "{kibibytes} KiB for {COUNT} names");
}
