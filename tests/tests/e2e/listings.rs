//! Directories: what one listing answers, what it must not be believed in, and how large one may be.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use vofs_tests::process::run;
use vofs_tests::server::Logged;
use vofs_tests::{Mount, Profile, World, every_profile, wait_until};

every_profile!(
    one_listing_answers_ls_l_and_look_ups_of_names_that_it_lacks,
    a_walk_never_asks_for_all_properties,
    labels_and_access_lists_are_no_question_of_each_file,
    names_of_attributes_of_a_whole_directory_are_one_listing,
    names_are_shown_before_the_last_of_them_was_sent,
    a_listing_that_broke_off_hides_nothing_that_was_known,
    directories_that_others_move_and_remove_follow_within_the_ttl,
    a_listing_is_warm_after_a_remount,
    own_changes_show_in_a_listing_that_the_kernel_keeps,
    numbers_of_files_are_the_same_after_a_remount,
    a_hundred_thousand_names_take_bounded_memory,
    what_may_not_be_read_is_refused_and_not_empty,
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

/// What `ls -l` and copies that preserve attributes ask of every file.
fn names_of_attributes_of_a_whole_directory_are_one_listing(profile: Profile) {
    const FILES: usize = 300;
    let world = World::new(profile);
    populate(&world, "many", FILES);
    let mount = world.mount();
    let path = |number: usize| mount.join(format!("many/node-{number:07}"));
    let attributes = |number: usize| {
        let mut names: Vec<_> = xattr::list(path(number)).unwrap().collect();
        names.sort();
        names
    };
    names(&mount.join("many"));
    world.server.forget();
    let singly = attributes(0);
    assert!(singly.iter().any(|name| name == "user.vos.length"), "{singly:?}");
    for number in 1..FILES {
        assert_eq!(attributes(number), singly, "{number}");
    }
    let requests = node_requests(&world);
    // Where a listing has names alone, each is looked up and its properties are asked for.
    let most = if profile.lists_properties() { 20 } else { 2 * FILES + 20 };
    assert!(requests.len() < most, "{} requests for {FILES} files", requests.len());
    assert!(requests.iter().all(|entry| !entry.query.contains("detail=max")), "{requests:?}");
    // What is changed here shows at once, whatever the listing said.
    xattr::set(path(FILES - 1), "user.vos.title", b"new").unwrap();
    for number in FILES - 10..FILES {
        assert_eq!(attributes(number).iter().any(|name| name == "user.vos.title"), number == FILES - 1, "{number}");
    }
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
    let (requests, singles) = while_fresh(|number| {
        fs::metadata(directory(number)).unwrap();
        world.server.forget();
        let text = run(Command::new("ls").arg("-l").arg(directory(number))).ok().stdout();
        assert_eq!(text.lines().filter(|line| line.contains("node-")).count(), 1000);
        let requests = node_requests(&world);
        let of_listing = |entry: &Logged| entry.path.ends_with(&format!("/demo/many{number}"));
        requests.into_iter().partition::<Vec<_>, _>(of_listing)
    });
    // Where it has names alone, each of them is asked for once.
    assert!(singles.len() <= if profile.lists_properties() { 0 } else { 1000 }, "{singles:?}");
    // The listing, and on a service with pages the proof that it is complete; the standard's gives a hundred at a time.
    let pages = if profile == Profile::Strict { 10 } else { 1 };
    assert!(requests.len() <= 2 * pages, "{requests:?}");
    assert!(requests.iter().all(|entry| !entry.query.contains("detail=max")), "{requests:?}");

    let requests = while_fresh(|number| {
        names(&directory(number));
        world.server.forget();
        for i in 0..50 {
            assert!(!directory(number).join(format!("missing{i}")).exists());
            if profile.lists_properties() {
                fs::metadata(directory(number).join(format!("node-{i:07}"))).unwrap();
            }
        }
        node_requests(&world)
    });
    assert!(requests.is_empty(), "for what the listing had told: {requests:?}");
}

/// What a service has to look up for each child of `detail=max` makes a listing of thousands take minutes (Vault, observed).
fn a_walk_never_asks_for_all_properties(profile: Profile) {
    let world = World::new(profile);
    for directory in ["a", "b", "c"] {
        populate(&world, directory, 30);
    }
    let mount = world.mount();
    world.server.forget();
    for program in [["ls", "-lR"].as_slice(), &["ls", "-R"], &["find"], &["find", "-size", "-1000000"], &["du", "-a"]] {
        let walk = run(Command::new(program[0]).args(&program[1..]).current_dir(mount.path())).ok().stdout();
        assert_eq!(walk.matches("node-0000029").count(), 3, "{program:?}: {walk}");
    }
    // A question for one node shows no children, whatever it asks of that.
    let mut listings = node_requests(&world);
    listings.retain(|entry| !entry.query.contains("limit=0"));
    let listed = |name: &str| listings.iter().any(|entry| entry.path.ends_with(name));
    assert!(["/demo/a", "/demo/b", "/demo/c"].into_iter().all(listed), "{listings:?}");
    assert!(listings.iter().all(|entry| !entry.query.contains("detail")), "{listings:?}");
    let url = format!("{}?detail=max", world.server.node_url("demo/a"));
    vofs_tests::http::request("GET", &url, Some(vofs_tests::server::TOKEN));
    assert!(
        node_requests(&world).iter().any(|entry| entry.query.contains("detail=max")),
        "such a request would be seen"
    );
}

/// `ls -l` asks for two attributes of each file, as long as it may believe that some file has them.
fn labels_and_access_lists_are_no_question_of_each_file(profile: Profile) {
    let world = World::new(profile);
    populate(&world, "some", 5);
    let mount = world.mount();
    let file = mount.join("some/node-0000001");
    for name in ["system.posix_acl_access", "security.selinux", "security.capability"] {
        let error = xattr::get(&file, name).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(nix::libc::EOPNOTSUPP), "{name}");
    }
    assert_eq!(xattr::get(&file, "user.another").unwrap(), None);
    assert!(!mount.log().contains("only user.vos"), "{}", mount.log());
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
    if profile.in_place() {
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
    // Where listings have names alone, the rest of each was never told.
    let is_single = |entry: &Logged| !profile.lists_properties() && entry.path.contains("/node-");
    assert!(below.iter().all(|entry| is_single(entry)), "{below:?}");
}

fn own_changes_show_in_a_listing_that_the_kernel_keeps(profile: Profile) {
    let world = World::new(profile);
    populate(&world, "some", 30);
    let mount = world.mounting().renaming().start();
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
    let looked_at = if profile.lists_properties() { COUNT / 20 } else { COUNT / 200 };
    for entry in fs::read_dir(mount.join("many")).unwrap().take(looked_at) {
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

fn what_may_not_be_read_is_refused_and_not_empty(profile: Profile) {
    let world = World::build(profile, false, &["--user", "demo:demo-token:demo-password", "--user", "ada:ada-token"]);
    world.vospace(&["mkdir", &world.uri("hollow")]).ok();
    let mount = world.mounting().vospace(&format!("{}:", profile.prefix())).start();
    let read = |path: &str| fs::read_dir(mount.join(path)).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    world.server.forget();
    // Twice: what was refused is not remembered as empty.
    for _ in 0..2 {
        match profile.hides_nodes() {
            true => assert_eq!(read("ada").unwrap_err().raw_os_error(), Some(nix::libc::EACCES)),
            false => assert!(read("ada").unwrap().is_empty(), "everybody may read it"),
        }
    }
    assert!(read("demo/hollow").unwrap().is_empty());
    assert_eq!(read("demo").unwrap().len(), 1);
    // With all details a listing ends at a child whose groups nobody can tell (Vault, observed).
    let of_one = |query: &str| query.contains("limit=0") || query.starts_with("limit=1&");
    let whole = |entry: &&Logged| entry.query.contains("detail=max") && !of_one(&entry.query);
    assert_eq!(node_requests(&world).iter().filter(whole).count(), 0);
}
