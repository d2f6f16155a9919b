//! Many at once: readers of one file, writers of many, two mounts of one space, large directories.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::thread;
use std::time::{Duration, Instant};

use vofs_tests::{Profile, World, every_profile};

every_profile!(
    readers_of_one_file_fetch_it_once,
    writers_of_many_files,
    writers_of_one_file,
    two_mounts_see_each_other,
    an_open_file_has_its_new_size_at_once,
    changed_on_both_sides_keeps_both,
    opened_and_closed_by_many,
    a_large_directory,
);

fn readers_of_one_file_fetch_it_once(profile: Profile) {
    const LENGTH: usize = 20_000_000;
    let world = World::new(profile);
    let bytes: Vec<u8> = (0..LENGTH).map(|i| (i % 239) as u8).collect();
    world.put("f", &bytes);
    let mount = world.mount();
    world.server.forget();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert!(fs::read(mount.join("f")).unwrap() == bytes));
        }
    });
    let sent: u64 = world.server.log().iter().filter(|entry| entry.is_byte_read()).map(|entry| entry.bytes_out).sum();
    // A service that ignores ranges announces the whole file again to the request by which that is learned.
    let limit = if profile.has_sites() { LENGTH * 5 / 4 } else { LENGTH * 9 / 4 };
    assert!(sent < limit as u64, "{sent} bytes were sent for a file of {LENGTH}");
}

fn writers_of_many_files(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mount();
    fs::create_dir(mount.join("d")).unwrap();
    thread::scope(|scope| {
        for writer in 0..8 {
            let directory = mount.join("d");
            scope.spawn(move || {
                for i in 0..10 {
                    fs::write(directory.join(format!("w{writer}-{i}")), format!("by {writer}: {i}")).unwrap();
                }
            });
        }
    });
    assert_eq!(fs::read_dir(mount.join("d")).unwrap().count(), 80);
    for (writer, i) in [(0, 0), (3, 7), (7, 9)] {
        assert_eq!(world.bytes(&format!("d/w{writer}-{i}")), Some(format!("by {writer}: {i}").into_bytes()));
    }
    assert_eq!(world.vospace(&["ls", &world.uri("d")]).ok().stdout().lines().count(), 80);
}

/// Each changes its own part and closes, while others are in the middle of a write: no close sends a file without what was
/// written before it, and none forgets what was written beside it.
fn writers_of_one_file(profile: Profile) {
    const PART: usize = 300_000;
    const WRITERS: u8 = 4;
    const ROUNDS: u8 = 12;
    let world = World::new(profile);
    for (name, options) in [("f", &["--write-back=close"][..]), ("g", &["--write-back=background"])] {
        world.put(name, vec![0; PART * usize::from(WRITERS)]);
        let mount = world.mounting().options(options).start();
        thread::scope(|scope| {
            for writer in 0..WRITERS {
                let path = mount.join(name);
                scope.spawn(move || {
                    let part = PART as u64 * u64::from(writer);
                    for round in 1..=ROUNDS {
                        let file = File::options().write(true).open(&path).unwrap();
                        for at in (0..PART).step_by(PART / 5) {
                            file.write_all_at(&[round; PART / 5], part + at as u64).unwrap();
                        }
                        if round % 3 == 0 {
                            file.sync_all().unwrap();
                        }
                    }
                });
            }
        });
        assert!(fs::read(mount.join(name)).unwrap().iter().all(|byte| *byte == ROUNDS), "{options:?}");
        mount.unmount();
        let stored = world.bytes(name).unwrap();
        assert!(stored.iter().all(|byte| *byte == ROUNDS), "{options:?}: something of it was not sent");
        assert_eq!(stored.len(), PART * usize::from(WRITERS));
    }
}

fn two_mounts_see_each_other(profile: Profile) {
    let world = World::new(profile);
    let one = world.mount();
    let two = world.mounting().point(&world.path("mnt2")).cache(&world.path("cache2")).start();
    for round in 0..5 {
        let text = format!("round {round}, of the first");
        world.let_dates_differ();
        fs::write(one.join("f"), &text).unwrap();
        assert_eq!(fs::read_to_string(two.join("f")).unwrap(), text);
        let text = format!("round {round}, of the other");
        world.let_dates_differ();
        fs::write(two.join("f"), &text).unwrap();
        assert_eq!(fs::read_to_string(one.join("f")).unwrap(), text);
    }
}

/// What a program that maps a file asks first. The kernel believes the old size for a while unless it is told.
fn an_open_file_has_its_new_size_at_once(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mount();
    for length in [1000, 5000, 20, 300_000, 7] {
        world.put("f", vec![b'x'; length]);
        let file = fs::File::open(mount.join("f")).unwrap();
        assert_eq!(file.metadata().unwrap().len(), length as u64);
    }
}

fn changed_on_both_sides_keeps_both(profile: Profile) {
    let world = World::new(profile);
    world.put("f.fits", b"the base");
    let mount = world.mount();
    // What is still needed of the base is in the cache by then.
    assert_eq!(fs::read(mount.join("f.fits")).unwrap(), b"the base");
    let mut file = fs::OpenOptions::new().append(true).open(mount.join("f.fits")).unwrap();
    // Before the write: starting a program closes its copies of our handles, and every close uploads.
    world.put("f.fits", b"changed there");
    file.write_all(b", changed here").unwrap();
    nix::unistd::close(std::os::fd::OwnedFd::from(file)).unwrap();
    assert_eq!(world.bytes("f.fits").as_deref(), Some(&b"changed there"[..]));
    let names = world.vospace(&["ls", &world.uri("")]).ok().stdout();
    let conflict = names.lines().find(|name| name.starts_with("f.fits.conflict-")).unwrap();
    assert_eq!(world.bytes(conflict).as_deref(), Some(&b"the base, changed here"[..]));
    assert_eq!(fs::read(mount.join("f.fits")).unwrap(), b"changed there");
    assert_eq!(fs::read(mount.join(conflict)).unwrap(), b"the base, changed here");
}

fn opened_and_closed_by_many(profile: Profile) {
    let world = World::new(profile);
    world.put("f", b"short");
    let mount = world.mount();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..30 {
                    assert_eq!(fs::read(mount.join("f")).unwrap(), b"short");
                }
            });
        }
    });
    // Two handles that write: what each wrote is there when both are closed.
    let open = || fs::OpenOptions::new().write(true).open(mount.join("f")).unwrap();
    let (first, second) = (open(), open());
    std::os::unix::fs::FileExt::write_all_at(&first, b"S", 0).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&second, b"T", 4).unwrap();
    drop(first);
    drop(second);
    assert_eq!(world.bytes("f").as_deref(), Some(&b"ShorT"[..]));
}

fn a_large_directory(profile: Profile) {
    const CHILDREN: usize = 5_000;
    let world = World::new(profile);
    let tree = world.local("many");
    fs::create_dir(&tree).unwrap();
    for i in 0..CHILDREN {
        fs::write(tree.join(format!("f{i:05}")), b"x").unwrap();
    }
    world.server.import(&tree, "demo/many");
    let mount = world.mount();
    let started = Instant::now();
    let names: BTreeSet<_> =
        fs::read_dir(mount.join("many")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), CHILDREN);
    let sizes: u64 =
        fs::read_dir(mount.join("many")).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    assert_eq!(sizes, CHILDREN as u64);
    assert!(started.elapsed() < Duration::from_secs(30), "listing took {:?}", started.elapsed());
    assert_eq!(world.vospace(&["ls", &world.uri("many")]).ok().stdout().lines().count(), CHILDREN);
    assert_eq!(world.vospace(&["ls", &world.uri("many/f0000?")]).ok().stdout().lines().count(), 10);
}
