//! Versions of a file that another client replaces: who has it open reads one of them, who opens it later the latest,
//! through maps as well, and pages stay while nothing changes.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use vofs_tests::process::{Guard, code};
use vofs_tests::{Mount, Profile, World, every_profile, wait_until};

every_profile!(
    a_map_of_an_old_version_never_mixes_with_a_new_open,
    what_was_opened_and_not_read_outlives_its_replacement_and_its_pages,
    a_map_of_what_is_gone_ends_and_shows_nothing_else,
    an_old_handle_keeps_its_length_and_a_new_one_has_its_own_inode,
    pages_are_kept_over_an_open_of_the_same_version,
    who_may_write_keeps_the_name,
);

const LIMIT: Duration = Duration::from_secs(60);

/// Maps a file, reads its first half, waits, and touches every page in order. What it saw is in a file of its own,
/// because the end of the version may end the program (SIGBUS).
const MAP: &str = "
import mmap, os, sys, time
path, seen, half, go = sys.argv[1:]
with open(path, 'rb') as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as view, open(seen, 'wb', 0) as seen:
    seen.write(view[:len(view) // 2])
    open(half, 'w').close()
    while not os.path.exists(go):
        time.sleep(0.01)
    for at in range(0, len(view), 4096):
        seen.write(view[at:at + 4096])
";

/// 128 and SIGBUS.
const BUS_ERROR: i32 = 135;

fn content(length: usize, seed: u32) -> Vec<u8> {
    let word = |at: u32| (at ^ seed.rotate_left(16)).wrapping_mul(2_654_435_761).to_le_bytes();
    (0..length.div_ceil(4) as u32).flat_map(word).take(length).collect()
}

/// A program that maps a file.
struct Mapped {
    program: Guard,
    seen: PathBuf,
    go: PathBuf,
}

impl Mapped {
    /// Returns when it has read the first half.
    fn start(world: &World, mount: &Mount, name: &str) -> Self {
        let number = fs::read_dir(world.path("local")).unwrap().count();
        let at = |what: &str| world.local(&format!("{what}-{number}"));
        let (seen, half, go) = (at("seen"), at("half"), at("go"));
        let mut python = Command::new("python3");
        python.args(["-c", MAP]).arg(mount.join(name)).args([&seen, &half, &go]);
        python.stderr(File::create(at("err")).unwrap());
        let program = Guard::spawn(&mut python);
        wait_until("the first half is read", LIMIT, || half.exists());
        Mapped { program, seen, go }
    }

    fn go_on(&self) {
        fs::write(&self.go, "").unwrap();
    }

    /// Its exit status and all that it saw.
    fn end(mut self) -> (i32, Vec<u8>) {
        let status = self.program.wait(LIMIT).map(code).unwrap();
        (status, fs::read(&self.seen).unwrap())
    }
}

/// What a program has seen that maps a file of `version` from one end to the other.
fn all_of(version: &[u8]) -> Vec<u8> {
    [&version[..version.len() / 2], version].concat()
}

fn assert_maps(world: &World, mount: &Mount, version: &[u8]) {
    let mapped = Mapped::start(world, mount, "f");
    mapped.go_on();
    let (status, seen) = mapped.end();
    assert_eq!(status, 0);
    assert!(seen == all_of(version), "a map of the new version shows other bytes");
}

fn a_map_of_an_old_version_never_mixes_with_a_new_open(profile: Profile) {
    const LENGTH: usize = 6_000_000;
    let world = World::new(profile);
    let mount = world.mount();
    let mut old = content(LENGTH, 0);
    world.put("f", &old);
    // All of it is cached, so that the old version can be read to its end.
    assert!(fs::read(mount.join("f")).unwrap() == old);
    // Of the same length, longer and shorter.
    for (round, length) in [(1, LENGTH), (2, LENGTH + 5_000_000), (3, LENGTH - 3_000_001)] {
        let before = Mapped::start(&world, &mount, "f");
        let new = content(length, round);
        world.let_dates_differ();
        world.put("f", &new);
        let read = || fs::read(mount.join("f")).unwrap();
        assert!(read() == new, "round {round}: a new open shows other bytes than the new ones");
        before.go_on();
        // While the old pages are touched.
        for _ in 0..5 {
            assert!(read() == new, "round {round}");
            assert_maps(&world, &mount, &new);
        }
        let (status, seen) = before.end();
        assert_eq!(status, 0, "round {round}: the old version was here whole");
        assert!(seen == all_of(&old), "round {round}: the map of the old version shows other bytes");
        assert!(read() == new, "round {round}: after the old pages were touched");
        old = new;
    }
    assert!(!mount.log().contains("ESTALE"), "{}", mount.log());
}

/// A program whose pages are all in the kernel asks the mount for nothing, until memory is short and the kernel drops them.
fn what_was_opened_and_not_read_outlives_its_replacement_and_its_pages(profile: Profile) {
    const LENGTH: usize = 3_000_000;
    let world = World::new(profile);
    let mount = world.mount();
    let (old, new) = (content(LENGTH, 1), content(LENGTH, 2));
    world.put("f", &old);
    assert!(fs::read(mount.join("f")).unwrap() == old);
    let file = File::open(mount.join("f")).unwrap();
    world.let_dates_differ();
    world.put("f", &new);
    assert!(fs::read(mount.join("f")).unwrap() == new);
    let dont_need = nix::fcntl::PosixFadviseAdvice::POSIX_FADV_DONTNEED;
    nix::fcntl::posix_fadvise(&file, 0, 0, dont_need).unwrap();
    let mut bytes = vec![0; LENGTH];
    file.read_exact_at(&mut bytes, 0).unwrap();
    assert!(bytes == old);
    world.server.forget();
    let again = File::open(mount.join("f")).unwrap();
    nix::fcntl::posix_fadvise(&again, 0, 0, dont_need).unwrap();
    assert!(fs::read(mount.join("f")).unwrap() == new);
    let fetched: u64 = world
        .server
        .log()
        .iter()
        .filter(|entry| entry.path.contains(world.server.byte_path()))
        .map(|entry| entry.bytes_out)
        .sum();
    assert_eq!(fetched, 0, "the new version stays in the cache");
}

/// Of a Cavern this cannot be asked: a stream that is under way when the file is overwritten in place goes on with the
/// new bytes.
fn a_map_of_what_is_gone_ends_and_shows_nothing_else(profile: Profile) {
    const LENGTH: usize = 60_000_000;
    let world = World::new(profile);
    let mount = world.mounting().options(&["--cache-limit", "16"]).start();
    let (old, new) = (content(LENGTH, 1), content(LENGTH, 2));
    world.put("f", &old);
    // The beginning was dropped again by the time that half of it is read.
    let before = Mapped::start(&world, &mount, "f");
    let dont_need = nix::fcntl::PosixFadviseAdvice::POSIX_FADV_DONTNEED;
    nix::fcntl::posix_fadvise(File::open(mount.join("f")).unwrap(), 0, 0, dont_need).unwrap();
    world.put("f", &new);
    assert!(fs::read(mount.join("f")).unwrap() == new);
    before.go_on();
    let (status, seen) = before.end();
    let expected = all_of(&old);
    assert!(status == BUS_ERROR || status == 0, "{status}");
    assert!(seen == expected[..seen.len()], "a byte of another version was shown");
    assert!(fs::read(mount.join("f")).unwrap() == new);
    assert_maps(&world, &mount, &new);
}

fn an_old_handle_keeps_its_length_and_a_new_one_has_its_own_inode(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mount();
    let (first, second, third) = (content(100_000, 1), content(250_000, 2), content(40_000, 3));
    world.put("f", &first);
    let open = || File::open(mount.join("f")).unwrap();
    let whole = |file: &File, version: &[u8]| {
        let mut bytes = vec![0; version.len() + 1];
        let length = file.read_at(&mut bytes, 0).unwrap();
        assert!(bytes[..length] == *version && file.metadata().unwrap().len() == version.len() as u64);
    };
    let one = open();
    whole(&one, &first);
    world.put("f", &second);
    let two = open();
    whole(&two, &second);
    world.put("f", &third);
    let three = open();
    whole(&three, &third);
    whole(&one, &first);
    whole(&two, &second);
    let number = |file: &File| file.metadata().unwrap().ino();
    assert!(number(&one) != number(&two) && number(&two) != number(&three));
    assert_eq!(fs::metadata(mount.join("f")).unwrap().ino(), number(&three), "the name is that of the latest");
    assert_eq!(number(&open()), number(&three), "which an unchanged file keeps");
    // What reads through a link of /proc is the old file; to write to it would be to write nowhere.
    let again = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&one));
    assert!(fs::read(&again).unwrap() == first);
    let refused = fs::OpenOptions::new().write(true).open(&again).unwrap_err();
    assert_eq!(refused.raw_os_error(), Some(nix::libc::ESTALE));
}

/// Junk in the block cache shows whether a read came that far.
fn pages_are_kept_over_an_open_of_the_same_version(profile: Profile) {
    const LENGTH: usize = 2_000_000;
    let world = World::new(profile);
    let mount = world.mount();
    let (old, new) = (content(LENGTH, 1), content(LENGTH, 2));
    world.put("f", &old);
    let read = || fs::read(mount.join("f")).unwrap();
    assert!(read() == old);
    let blocks = block_file(&world.path("cache/blocks"));
    wait_until("all of it is on the disk", LIMIT, || blocks.metadata().unwrap().blocks() * 512 >= LENGTH as u64);
    fs::OpenOptions::new().write(true).open(&blocks).unwrap().write_all_at(&vec![0xAB; LENGTH], 0).unwrap();
    for _ in 0..3 {
        assert!(read() == old, "the pages are there");
    }
    assert!(!mount.log().contains("damaged on disk"), "{}", mount.log());
    world.let_dates_differ();
    world.put("f", &new);
    assert!(read() == new);
}

fn block_file(directory: &Path) -> PathBuf {
    let mut files: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}

/// A program that may write has one inode with those who read: its changes belong to the name.
fn who_may_write_keeps_the_name(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mount();
    world.put("f", b"the first version");
    let writer = fs::OpenOptions::new().read(true).write(true).open(mount.join("f")).unwrap();
    world.put("f", b"one by another client");
    assert_eq!(fs::read(mount.join("f")).unwrap(), b"one by another client");
    assert_eq!(fs::metadata(mount.join("f")).unwrap().ino(), writer.metadata().unwrap().ino());
    writer.write_all_at(b"ONE", 0).unwrap();
    drop(writer);
    let kept = world.bytes("f").unwrap();
    let names = world.vospace(&["ls", &world.uri("")]).ok().stdout();
    assert!(kept.starts_with(b"ONE") || names.contains("f.conflict-"), "what was written is on the service: {names}");
}
