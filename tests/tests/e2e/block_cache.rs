//! The block cache when its disk, its files or its index are not what they should be: readers notice the time at most.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use vofs_tests::process::run;
use vofs_tests::{Mount, Profile, World, every_profile, wait_until};

every_profile!(
    eight_readers_over_the_limit,
    killed_while_the_cache_fills,
    a_disk_smaller_than_the_limit,
    a_disk_that_somebody_else_fills,
    a_journal_has_room_even_on_a_full_disk,
    blocks_damaged_cut_and_removed_behind_our_back,
    a_damaged_index_is_set_aside,
    killed_and_warm_again,
    a_file_that_changes_between_two_ranges,
    bytes_that_are_not_those_of_the_digest,
);

const LIMIT: Duration = Duration::from_secs(60);

/// Bytes that tell a wrong place and a wrong file.
fn content(length: usize, seed: u32) -> Vec<u8> {
    let word = |at: u32| (at ^ seed.rotate_left(16)).wrapping_mul(2_654_435_761).to_le_bytes();
    (0..length.div_ceil(4) as u32).flat_map(word).take(length).collect()
}

fn place_files(world: &World, count: u32, length: usize) -> Vec<Vec<u8>> {
    let tree = world.local("tree");
    fs::create_dir(&tree).unwrap();
    let files: Vec<Vec<u8>> = (0..count).map(|seed| content(length, seed)).collect();
    for (number, bytes) in files.iter().enumerate() {
        fs::write(tree.join(format!("f{number}")), bytes).unwrap();
    }
    world.server.import(&tree, "demo");
    files
}

#[track_caller]
fn assert_reads(mount: &Mount, files: &[Vec<u8>]) {
    for (number, bytes) in files.iter().enumerate() {
        assert!(fs::read(mount.join(format!("f{number}"))).unwrap() == *bytes, "f{number}");
    }
}

fn block_files(cache: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(cache.join("blocks")).unwrap();
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

/// Bytes that a file system has given to the block files.
fn on_disk(cache: &Path) -> u64 {
    block_files(cache).iter().filter_map(|file| fs::metadata(file).ok()).map(|found| found.blocks() * 512).sum()
}

/// Makes the kernel ask again.
fn drop_pages(mount: &Mount) {
    for entry in fs::read_dir(mount.path()).unwrap() {
        let file = File::open(entry.unwrap().path()).unwrap();
        nix::fcntl::posix_fadvise(&file, 0, 0, nix::fcntl::PosixFadviseAdvice::POSIX_FADV_DONTNEED).unwrap();
    }
}

fn fetched(world: &World) -> u64 {
    world.server.log().iter().filter(|entry| entry.is_byte_read()).map(|entry| entry.bytes_out).sum()
}

fn eight_readers_over_the_limit(profile: Profile) {
    const BYTES: u64 = 24 << 20;
    let world = World::new(profile);
    let files = place_files(&world, 8, 8_000_001);
    // A file system of their own: adding up files while they change would count what moves between them twice.
    let cache = world.path("cache");
    fs::create_dir(&cache).unwrap();
    let disk = SmallDisk::new(&cache.join("blocks"), 64);
    let mount = world.mounting().options(&["--cache-limit", "24"]).start();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let watch = scope.spawn(|| disk.most_until(&done));
        let readers: Vec<_> = (0..8)
            .map(|reader| {
                let (mount, files) = (&mount, &files);
                scope.spawn(move || {
                    for round in 0..2 {
                        let number = (reader + round * 3) % files.len();
                        let read = fs::read(mount.join(format!("f{number}"))).unwrap();
                        assert!(read == files[number], "f{number}");
                    }
                })
            })
            .collect();
        let failed = readers.into_iter().map(thread::ScopedJoinHandle::join).filter(Result::is_err).count();
        done.store(true, Ordering::Release);
        assert_eq!(failed, 0);
        let most = watch.join().unwrap();
        assert!(most <= BYTES, "{most} bytes were on the disk, the limit is {BYTES}");
        assert!(most > BYTES / 2, "the cache was used");
    });
}

/// Readers that jump about leave the most behind that the index does not know: blocks here and there.
fn killed_while_the_cache_fills(profile: Profile) {
    const BYTES: u64 = 24 << 20;
    let world = World::new(profile);
    let files = place_files(&world, 8, 8_000_001);
    let cache = world.path("cache");
    fs::create_dir(&cache).unwrap();
    let disk = SmallDisk::new(&cache.join("blocks"), 64);
    let mounting = || world.mounting().options(&["--cache-limit", "24"]).start();
    let jump = |reader: usize, point: &Path| {
        let mut at = reader as u64 * 1_000_003;
        loop {
            at = (at * 48_271 + 11) % 7_990_000;
            let number = at as usize % files.len();
            let mut bytes = [0; 4096];
            let read = File::open(point.join(format!("f{number}"))).and_then(|file| file.read_exact_at(&mut bytes, at));
            // The mount is gone.
            let Ok(()) = read else { return };
            assert!(bytes == files[number][at as usize..at as usize + 4096], "f{number} at {at}");
        }
    };
    let done = AtomicBool::new(false);
    let most = thread::scope(|scope| {
        let watch = scope.spawn(|| disk.most_until(&done));
        let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for _ in 0..2 {
                let mount = mounting();
                let point = mount.path().to_owned();
                thread::scope(|readers| {
                    let jump = &jump;
                    (0..4).for_each(|reader| {
                        drop(readers.spawn({
                            let point = point.clone();
                            move || jump(reader, &point)
                        }))
                    });
                    wait_until("the cache fills", LIMIT, || disk.used() > BYTES * 9 / 10);
                    mount.kill();
                });
            }
            let mount = mounting();
            assert_reads(&mount, &files);
            mount.unmount();
        }));
        done.store(true, Ordering::Release);
        let most = watch.join().unwrap();
        failed.unwrap();
        most
    });
    assert!(most <= BYTES, "{most} bytes were on the disk, the limit is {BYTES}");
}

/// A file system of a few MiB. It is unmounted when this is dropped, after the mount that has its cache there.
pub(crate) struct SmallDisk(PathBuf);

impl SmallDisk {
    pub(crate) fn new(place: &Path, mebibytes: u32) -> Self {
        fs::create_dir(place).unwrap();
        let size = format!("size={mebibytes}m,mode=700");
        run(Command::new("mount").args(["-t", "tmpfs", "-o", &size, "none"]).arg(place)).ok();
        SmallDisk(place.to_owned())
    }

    /// The most that is in it at any time until `done`.
    fn most_until(&self, done: &AtomicBool) -> u64 {
        let mut most = 0;
        while !done.load(Ordering::Acquire) {
            most = most.max(self.used());
        }
        most
    }

    /// Bytes in it, also of files that only an open descriptor keeps.
    fn used(&self) -> u64 {
        let disk = nix::sys::statvfs::statvfs(&self.0).unwrap();
        (disk.blocks() - disk.blocks_free()) * disk.fragment_size()
    }

    pub(crate) fn cache(&self) -> PathBuf {
        self.0.join("cache")
    }

    /// Takes all the room there is.
    fn fill(&self) {
        let mut file = File::create(self.0.join("somebody-else")).unwrap();
        let block = vec![1; 64 * 1024];
        while std::io::Write::write_all(&mut file, &block).is_ok() {}
        while std::io::Write::write_all(&mut file, &block[..512]).is_ok() {}
    }

    fn relieve(&self) {
        fs::remove_file(self.0.join("somebody-else")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn a_disk_smaller_than_the_limit(profile: Profile) {
    let world = World::new(profile);
    let files = place_files(&world, 4, 12_000_000);
    let disk = SmallDisk::new(&world.path("disk"), 24);
    let mount = world.mounting().cache(&disk.cache()).start();
    assert_reads(&mount, &files);
    assert!(on_disk(&disk.cache()) > 4 << 20, "what fits is used");
    fs::write(mount.join("written"), vec![5; 2_000_000]).unwrap();
    assert!(world.bytes("written").unwrap() == vec![5; 2_000_000]);
    let log = mount.log();
    assert_eq!(log.matches("the disk has less room than --cache_limit; what fits is used").count(), 1, "{log}");
    mount.unmount();
}

fn a_disk_that_somebody_else_fills(profile: Profile) {
    let world = World::new(profile);
    let files = place_files(&world, 3, 6_000_000);
    let disk = SmallDisk::new(&world.path("disk"), 40);
    let mount = world.mounting().cache(&disk.cache()).start();
    assert_reads(&mount, &files[..1]);
    disk.fill();
    for _ in 0..3 {
        assert_reads(&mount, &files);
        drop_pages(&mount);
    }
    assert_eq!(fs::metadata(mount.join("f2")).unwrap().len(), 6_000_000);
    disk.relieve();
    wait_until("the disk in use again", LIMIT, || {
        drop_pages(&mount);
        assert_reads(&mount, &files);
        on_disk(&disk.cache()) > 6_000_000
    });
    for said in ["block cache: the disk is sound again", "the database takes records again"] {
        assert!(mount.log().contains(said), "{}", mount.log());
    }
    mount.unmount();
}

fn a_journal_has_room_even_on_a_full_disk(profile: Profile) {
    let world = World::new(profile);
    let files = place_files(&world, 2, 6_000_000);
    let disk = SmallDisk::new(&world.path("disk"), 24);
    let mount = world.mounting().cache(&disk.cache()).start();
    assert_reads(&mount, &files);
    mount.unmount();
    disk.fill();
    // Only the cache itself can make room.
    let mount = world.mounting().cache(&disk.cache()).start();
    assert_reads(&mount, &files);
    mount.unmount();
}

fn blocks_damaged_cut_and_removed_behind_our_back(profile: Profile) {
    let world = World::new(profile);
    let files = place_files(&world, 4, 3_000_000);
    let cache = world.path("cache");
    let mount = world.mount();
    assert_reads(&mount, &files);
    for (number, file) in block_files(&cache).into_iter().enumerate() {
        let open = || OpenOptions::new().write(true).open(&file).unwrap();
        match number {
            0 => open().write_all_at(&[0xEE; 100], 1_000_000).unwrap(),
            1 => open().set_len(500_000).unwrap(),
            2 => fs::remove_file(&file).unwrap(),
            _ => {
                // What cannot be opened as a file at all.
                fs::remove_file(&file).unwrap();
                fs::create_dir(&file).unwrap();
            }
        }
    }
    drop_pages(&mount);
    assert_reads(&mount, &files);
    mount.unmount();
    // The same between two mounts.
    for file in block_files(&cache) {
        if file.is_file() {
            OpenOptions::new().write(true).open(&file).unwrap().write_all_at(&[0xEE; 100], 2_000_000).unwrap();
        }
    }
    let mount = world.mount();
    assert_reads(&mount, &files);
    let log = mount.log();
    assert!(log.contains("damaged on disk") && log.contains("removed or cut"), "{log}");
    mount.unmount();
}

fn a_damaged_index_is_set_aside(profile: Profile) {
    let world = World::new(profile);
    let files = place_files(&world, 3, 2_000_000);
    let (cache, index) = (world.path("cache"), world.path("cache/index.db"));
    let whole = |index: &Path| fs::write(index, vec![0xEE; 50_000]).unwrap();
    let pages = |index: &Path| {
        // All but the first page: the database opens, and its tables cannot be read.
        let length = fs::metadata(index).unwrap().len();
        let file = OpenOptions::new().write(true).open(index).unwrap();
        file.write_all_at(&vec![0xEE; (length - 4096) as usize], 4096).unwrap();
    };
    for damage in [&whole as &dyn Fn(&Path), &pages] {
        let mount = world.mount();
        assert_reads(&mount, &files);
        mount.unmount();
        damage(&index);
        let mount = world.mount();
        assert_reads(&mount, &files);
        assert!(mount.log().contains("set aside"), "{}", mount.log());
        mount.unmount();
        assert!(cache.join("index.damaged").exists());
        let held: u64 = files.iter().map(|bytes| bytes.len() as u64).sum();
        assert!(on_disk(&cache) < held + (1 << 20), "the blocks of the old index are gone");
    }
    world.server.forget();
    let mount = world.mount();
    assert_reads(&mount, &files);
    assert_eq!(fetched(&world), 0, "the new index serves the next mount");
    mount.unmount();
}

fn killed_and_warm_again(profile: Profile) {
    let world = World::new(profile);
    let files = place_files(&world, 2, 8 << 20);
    let mount = world.mount();
    assert_reads(&mount, &files);
    mount.kill();
    world.server.forget();
    let mount = world.mount();
    assert_reads(&mount, &files);
    assert!(fetched(&world) < 1 << 20, "{} bytes were fetched again after a crash", fetched(&world));
    mount.unmount();
}

/// What a reader may see of a file that is replaced under it: its version or an error. A Cavern writes in place (observed):
/// a stream that began before goes on with the new bytes, each at its place, and nothing in it tells. That much is its
/// reader's; who opens the file after the change gets the new version, and nothing of a mixture is kept.
fn a_file_that_changes_between_two_ranges(profile: Profile) {
    const LENGTH: usize = 40_000_000;
    let world = World::new(profile);
    let (old, new) = (content(LENGTH, 1), content(LENGTH, 2));
    world.put("f", &old);
    let mount = world.mount();
    // Slow enough that not all of it is here before the change.
    let path = world.server.byte_path();
    world.server.fault(&format!(r#"{{"method": "GET", "path": "{path}", "bytes_per_second": 5000000}}"#));
    let file = File::open(mount.join("f")).unwrap();
    let mut part = vec![0; 100_000];
    file.read_exact_at(&mut part, 0).unwrap();
    assert!(part == old[..100_000]);
    world.put("f", &new);
    world.server.heal();
    let may_be = |at: usize, part: &[u8]| {
        let here = at..at + part.len();
        let is_old = part == &old[here.clone()];
        let in_place = || {
            let words = part.chunks(4).zip(old[here.clone()].chunks(4)).zip(new[here.clone()].chunks(4));
            words.into_iter().all(|((word, old), new)| word == old || word == new)
        };
        is_old || (profile.in_place() && in_place())
    };
    let mut read_on = || {
        let mut stale = 0;
        for at in (0..LENGTH - part.len()).step_by(1_300_000) {
            match file.read_exact_at(&mut part, at as u64) {
                Ok(()) => assert!(may_be(at, &part), "bytes at {at} are not of the version that was opened"),
                Err(error) => {
                    let errno = error.raw_os_error();
                    assert!(matches!(errno, Some(nix::libc::ESTALE | nix::libc::EIO)), "{error}");
                    stale += 1;
                }
            }
        }
        stale
    };
    let stale = read_on();
    // Without ranges all of it may be on its way in one answer, begun before the change.
    assert!(stale > 0 || !profile.has_sites(), "the old version is gone and was not cached");
    // While the old one is still open, and after it was read once more.
    for _ in 0..2 {
        assert!(fs::read(mount.join("f")).unwrap() == new);
        read_on();
    }
    drop(file);
    assert!(fs::read(mount.join("f")).unwrap() == new);
    mount.unmount();
    assert_eq!(block_files(&world.path("cache")).len(), 1, "nothing of another version is kept");
    assert!(fs::read(world.mount().join("f")).unwrap() == new);
}

fn bytes_that_are_not_those_of_the_digest(profile: Profile) {
    let world = World::new(profile);
    let files = place_files(&world, 1, 3_000_000);
    let mount = world.mount();
    // What the service holds is changed under it: the digest that it gives is that of other bytes.
    let wrong = content(3_000_000, 99);
    let stored = find(&world.path("service"), files[0].len() as u64);
    fs::write(&stored, &wrong).unwrap();
    let read = || fs::read(mount.join("f0")).unwrap();
    assert!(read() == wrong, "not known before all of it is here");
    if !profile.tells_digests() {
        // Nothing tells that they are wrong, and they are kept.
        world.server.forget();
        assert!(read() == wrong);
        assert_eq!(fetched(&world), 0);
        return;
    }
    wait_until("the digest is looked at", LIMIT, || mount.log().contains("thrown away"));
    world.server.forget();
    assert!(read() == wrong);
    assert!(fetched(&world) >= 3_000_000, "fetched again");
    // The same bytes twice: the digest is wrong, and nothing is fetched for ever.
    wait_until("the second look", LIMIT, || mount.log().contains("twice the same"));
    world.server.forget();
    drop_pages(&mount);
    assert!(read() == wrong);
    assert_eq!(fetched(&world), 0);
    mount.unmount();
    let mount = world.mount();
    assert!(fs::read(mount.join("f0")).unwrap() == wrong);
    assert_eq!(fetched(&world), 0, "not again after a remount");
    mount.unmount();
}

/// The file below `directory` that holds so many bytes.
fn find(directory: &Path, length: u64) -> PathBuf {
    let mut places = vec![directory.to_owned()];
    while let Some(place) = places.pop() {
        for entry in fs::read_dir(place).unwrap() {
            let (path, data) = (entry.as_ref().unwrap().path(), entry.unwrap().metadata().unwrap());
            if data.is_dir() {
                places.push(path);
            } else if data.len() == length {
                return path;
            }
        }
    }
    panic!("no file of {length} bytes below {}", directory.display());
}
