//! `--passthrough`: whole files that the kernel reads by itself, together with all that may happen to them meanwhile.

use std::fs::{self, File, OpenOptions};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use vofs_tests::{Mount, Profile, World, every_profile, wait_until};

every_profile!(
    a_whole_file_is_read_by_the_kernel_itself,
    a_file_that_was_opened_before_it_was_whole_is_read_as_before,
    a_new_version_is_another_file_to_who_reads_the_old_one,
    who_writes_has_a_file_of_its_own_and_readers_keep_theirs,
    what_the_kernel_reads_is_not_evicted,
    readers_and_writers_of_one_file_at_the_same_time,
);

const LIMIT: Duration = Duration::from_secs(60);

const LENGTH: usize = 3_000_123;

/// Between two reads of one of several readers: longer than a read takes.
const PAUSE: Duration = Duration::from_millis(50);

fn content(length: usize, seed: u32) -> Vec<u8> {
    let word = |at: u32| (at ^ seed.rotate_left(16)).wrapping_mul(2_654_435_761).to_le_bytes();
    (0..length.div_ceil(4) as u32).flat_map(word).take(length).collect()
}

fn prepared(profile: Profile) -> (World, Mount, Vec<u8>) {
    let world = World::new(profile);
    let bytes = content(LENGTH, 0);
    world.put("f", &bytes);
    let mount = world.mounting().options(&["--passthrough", "--debug"]).start();
    assert!(fs::read(mount.join("f")).unwrap() == bytes);
    checked_at_all(profile, &mount);
    (world, mount, bytes)
}

/// Fails at once where nothing is ever given to the kernel.
fn checked_at_all(profile: Profile, mount: &Mount) {
    if !profile.tells_digests() {
        File::open(mount.join("f")).unwrap();
        assert_eq!(lent(mount), 0);
        panic!("no digest says that the file is whole");
    }
}

fn times(mount: &Mount, message: &str) -> usize {
    mount.log().matches(message).count()
}

/// How often a file was given to the kernel.
fn lent(mount: &Mount) -> usize {
    times(mount, "the kernel reads it by itself")
}

/// Opens a file as soon as it may be read by the kernel itself, which is when it was checked as a whole.
fn open_lent(mount: &Mount, name: &str) -> File {
    let mut opened = None;
    wait_until("the kernel reads it by itself", LIMIT, || {
        let before = lent(mount);
        let file = File::open(mount.join(name)).unwrap();
        opened = (lent(mount) > before).then_some(file);
        opened.is_some()
    });
    opened.unwrap()
}

fn whole(file: &File) -> Vec<u8> {
    let mut bytes = vec![0; file.metadata().unwrap().len() as usize];
    file.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

/// The block files of a length.
fn block_files(world: &World, length: usize) -> Vec<PathBuf> {
    let files = fs::read_dir(world.path("cache/blocks")).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.metadata().is_ok_and(|found| found.len() == length as u64)).collect()
}

fn a_whole_file_is_read_by_the_kernel_itself(profile: Profile) {
    let (world, mount, bytes) = prepared(profile);
    let (one, two) = (open_lent(&mount, "f"), File::open(mount.join("f")).unwrap());
    assert!(whole(&one) == bytes && whole(&two) == bytes);
    // Bytes that the daemon did not write show who reads: it would find them damaged.
    let [blocks] = &block_files(&world, LENGTH)[..] else { panic!("one file is cached") };
    OpenOptions::new().write(true).open(blocks).unwrap().write_all_at(b"MARK", 1_000_000).unwrap();
    for file in [&one, &two] {
        let mut mark = [0; 4];
        file.read_exact_at(&mut mark, 1_000_000).unwrap();
        assert_eq!(&mark, b"MARK");
    }
    assert_eq!(times(&mount, "damaged") + times(&mount, "not as it was written"), 0);
    drop((one, two));
    mount.unmount();
}

fn a_file_that_was_opened_before_it_was_whole_is_read_as_before(profile: Profile) {
    let world = World::new(profile);
    let bytes = content(LENGTH, 0);
    world.put("f", &bytes);
    let mount = world.mounting().options(&["--passthrough", "--debug"]).start();
    let early = File::open(mount.join("f")).unwrap();
    assert!(whole(&early) == bytes);
    checked_at_all(profile, &mount);
    wait_until("the whole is checked", LIMIT, || times(&mount, "checked as a whole") > 0);
    let late = File::open(mount.join("f")).unwrap();
    assert!(whole(&late) == bytes && whole(&early) == bytes);
    assert_eq!(lent(&mount), 0, "the kernel reads an inode one way at a time");
    drop(early);
    assert!(whole(&late) == bytes && whole(&File::open(mount.join("f")).unwrap()) == bytes);
    drop(late);
    assert!(whole(&open_lent(&mount, "f")) == bytes);
}

fn a_new_version_is_another_file_to_who_reads_the_old_one(profile: Profile) {
    let (world, mount, old) = prepared(profile);
    let reader = open_lent(&mount, "f");
    let new = content(LENGTH - 1_000_000, 1);
    world.put("f", &new);
    assert!(fs::read(mount.join("f")).unwrap() == new);
    assert!(whole(&reader) == old);
    let by_number = File::open(format!("/proc/self/fd/{}", reader.as_raw_fd())).unwrap();
    assert!(whole(&by_number) == old);
    let refused = OpenOptions::new().write(true).open(format!("/proc/self/fd/{}", reader.as_raw_fd())).unwrap_err();
    assert_eq!(refused.raw_os_error(), Some(nix::libc::ESTALE));
    assert_ne!(fs::metadata(mount.join("f")).unwrap().ino(), reader.metadata().unwrap().ino());
    assert!(whole(&open_lent(&mount, "f")) == new);
}

fn who_writes_has_a_file_of_its_own_and_readers_keep_theirs(profile: Profile) {
    let (world, mount, old) = prepared(profile);
    let path = mount.join("f");
    let reader = open_lent(&mount, "f");
    let writer = OpenOptions::new().write(true).open(&path).unwrap();
    writer.write_all_at(b"ONE", 0).unwrap();
    drop(writer);
    let mut expected = [b"ONE", &old[3..]].concat();
    assert!(world.bytes("f").unwrap() == expected);
    assert!(fs::read(&path).unwrap() == expected);
    assert!(whole(&reader) == old);

    let second = open_lent(&mount, "f");
    nix::unistd::truncate(&path, 1_500_000).unwrap();
    expected.truncate(1_500_000);
    assert!(world.bytes("f").unwrap() == expected);
    assert!(fs::read(&path).unwrap() == expected);
    assert_eq!(whole(&second).len(), LENGTH);

    let third = open_lent(&mount, "f");
    fs::write(&path, b"short").unwrap();
    assert_eq!((fs::read(&path).unwrap(), world.bytes("f").unwrap()), (b"short".to_vec(), b"short".to_vec()));
    assert!(whole(&third) == expected);
    fs::rename(&path, mount.join("g")).unwrap();
    fs::remove_file(mount.join("g")).unwrap();
    assert!(whole(&reader) == old && whole(&third) == expected);
}

fn what_the_kernel_reads_is_not_evicted(profile: Profile) {
    let world = World::new(profile);
    let (bytes, other) = (content(LENGTH, 0), content(50_000_000, 1));
    world.put("f", &bytes);
    world.put("other", &other);
    let mount = world.mounting().options(&["--passthrough", "--debug", "--cache-limit", "16"]).start();
    assert!(fs::read(mount.join("f")).unwrap() == bytes);
    checked_at_all(profile, &mount);
    let reader = open_lent(&mount, "f");
    assert!(fs::read(mount.join("other")).unwrap() == other);
    assert!(whole(&reader) == bytes, "a hole would be read as zeros");
    let held = |path: PathBuf| path.metadata().map_or(0, |found| found.blocks() * 512);
    let sum: u64 = fs::read_dir(world.path("cache/blocks")).unwrap().map(|entry| held(entry.unwrap().path())).sum();
    assert!(sum <= 16 << 20, "{sum} bytes in the cache");
    drop(reader);
    assert!(fs::read(mount.join("other")).unwrap() == other);
    assert!(fs::read(mount.join("f")).unwrap() == bytes);
}

/// Whatever the order, nobody sees an error, nor bytes that are of no version.
fn readers_and_writers_of_one_file_at_the_same_time(profile: Profile) {
    let (_world, mount, first) = prepared(profile);
    drop(open_lent(&mount, "f"));
    let versions: Vec<Vec<u8>> = std::iter::once(first).chain((1..5).map(|seed| content(LENGTH, seed))).collect();
    let ended = AtomicBool::new(false);
    let path = mount.join("f");
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut lengths = Vec::new();
                    while !ended.load(Ordering::Relaxed) {
                        let bytes = match fs::read(&path) {
                            // Two replacements within one opening are more than a kernel tries.
                            Err(error) if error.raw_os_error() == Some(nix::libc::ESTALE) => continue,
                            outcome => outcome.unwrap(),
                        };
                        for (number, page) in bytes.chunks(4096).enumerate() {
                            let of = |version: &Vec<u8>| version[number * 4096..].starts_with(page);
                            assert!(versions.iter().any(of), "page {number} of {} bytes", bytes.len());
                        }
                        lengths.push(bytes.len());
                        // The kernel changes to another way of reading when nobody has the file open.
                        std::thread::sleep(PAUSE);
                    }
                    lengths.contains(&LENGTH)
                })
            })
            .collect();
        for version in &versions[1..] {
            fs::write(&path, version).unwrap();
            // So that each version is read by the kernel for a while.
            let before = lent(&mount);
            wait_until("it is lent", LIMIT, || lent(&mount) > before);
        }
        ended.store(true, Ordering::Relaxed);
        for reader in readers {
            assert!(reader.join().unwrap(), "it never read a whole file");
        }
    });
    assert!(fs::read(&path).unwrap() == versions[4]);
    assert_eq!(times(&mount, "errno=5"), 0, "{}", mount.log());
}
