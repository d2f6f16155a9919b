//! What reading asks of the service: no more than the reader needs, and what it will need ahead of time.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::time::Duration;

use nix::sys::stat::{major, minor};
use vofs_tests::server::Logged;
use vofs_tests::{Profile, World, every_profile, wait_until};

every_profile!(
    the_first_bytes_of_a_listed_file_cost_two_requests,
    headers_of_a_directory_are_fetched_ahead,
    a_copy_of_a_large_file_is_whole,
    the_kernel_reads_ahead_by_a_mebibyte,
);

/// Time for requests to arrive, not for the test.
const LIMIT: Duration = Duration::from_secs(30);

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at / 5 % 241) as u8).collect()
}

fn byte_reads(world: &World) -> Vec<Logged> {
    world.server.log().into_iter().filter(|entry| entry.is_byte_read() && entry.status != 303).collect()
}

/// What `fitsheader` and `file` do.
fn header(path: &Path) -> [u8; 2880] {
    let mut header = [0; 2880];
    File::open(path).unwrap().read_exact_at(&mut header, 0).unwrap();
    header
}

fn the_first_bytes_of_a_listed_file_cost_two_requests(profile: Profile) {
    let world = World::new(profile);
    let content = bytes(20 << 20);
    world.put("big.fits", &content);
    let mount = world.mount();
    assert_eq!(fs::read_dir(mount.path()).unwrap().count(), 1);
    world.server.forget();
    assert!(header(&mount.join("big.fits")) == content[..2880]);
    let log = world.server.log();
    // A place for bytes that is good once has to be negotiated first; a listing of names alone leaves the file to be asked for.
    let most = if profile.one_use() { 5 } else { 2 } + if profile.lists_properties() { 0 } else { 1 };
    assert!(log.len() <= most, "{log:?}");
}

fn headers_of_a_directory_are_fetched_ahead(profile: Profile) {
    const FILES: usize = 60;
    let world = World::new(profile);
    let name = |number: usize| format!("image{number:03}.fits");
    for number in 0..FILES {
        world.local_file(&format!("d/{}", name(number)), bytes(300_000 + number));
    }
    world.vospace(&["cp", "d", &world.uri("d")]).ok();
    let mount = world.mount();
    let directory = mount.join("d");
    assert_eq!(fs::read_dir(&directory).unwrap().count(), FILES);
    world.server.forget();
    let was_asked = |number: usize| {
        let reads = byte_reads(&world);
        // A place that is good once tells nothing of the file.
        if profile.one_use() { reads.len() > number } else { reads.iter().any(|r| r.path.ends_with(&name(number))) }
    };
    for number in 0..10 {
        header(&directory.join(name(number)));
    }
    if profile.lists_properties() {
        // Of names alone nobody knows which is a file that is worth it.
        wait_until("the next file looked into", LIMIT, || was_asked(10));
    }
    assert!(!was_asked(FILES - 1), "not all at once");
    for number in 10..FILES {
        assert!(header(&directory.join(name(number))) == bytes(300_000 + number)[..2880], "{number}");
    }
    let log = world.server.log();
    let each = if profile.one_use() { 5 } else { 2 } + if profile.lists_properties() { 0 } else { 1 };
    assert!(log.len() <= each * FILES + 6, "{} requests for {FILES} files", log.len());
}

fn a_copy_of_a_large_file_is_whole(profile: Profile) {
    let world = World::new(profile);
    let content = bytes((21 << 20) + 5);
    world.put("big", &content);
    world.server.forget();
    world.vospace(&["cp", &world.uri("big"), "copy"]).ok();
    assert!(fs::read(world.local("copy")).unwrap() == content);
    let reads = byte_reads(&world).len();
    if profile.has_sites() {
        // Where an address is good once although files have lasting ones, that is found out by asking a second time.
        let most = if profile == Profile::Strict { 12 } else { 8 };
        assert!((4..=most).contains(&reads), "side by side: {reads}");
    } else {
        assert_eq!(reads, 1, "ranges are ignored");
    }
}

#[test]
fn random_reads_fetch_little_more_than_they_read() {
    const READS: u64 = 200;
    let world = World::new(Profile::Vault);
    let content = bytes(64 << 20);
    world.put("big", &content);
    let mount = world.mount();
    assert_eq!(fs::read_dir(mount.path()).unwrap().count(), 1);
    world.server.forget();
    let file = File::open(mount.join("big")).unwrap();
    let mut place = 1_u64;
    for _ in 0..READS {
        place = place.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let at = (place >> 33) as usize % (content.len() - 4096);
        let mut read = [0; 4096];
        file.read_exact_at(&mut read, at as u64).unwrap();
        assert!(read == content[at..at + 4096]);
    }
    let log = world.server.log();
    assert!(log.len() as u64 <= READS * 6 / 5, "{} requests", log.len());
    let fetched: u64 = log.iter().map(|entry| entry.bytes_out).sum();
    assert!(fetched <= READS * 64 * 1024, "{} KiB a read", fetched / READS / 1024);
}

#[test]
fn strides_are_fetched_ahead_and_what_is_between_is_not() {
    const STRIDE: usize = 1_000_000;
    let world = World::new(Profile::Vault);
    let content = bytes(64 * STRIDE);
    world.put("cube", &content);
    let mount = world.mount();
    let file = File::open(mount.join("cube")).unwrap();
    world.server.forget();
    let row = |number: usize| {
        let (at, mut read) = (5000 + number * STRIDE, [0; 3000]);
        file.read_exact_at(&mut read, at as u64).unwrap();
        assert!(read == content[at..at + 3000], "row {number}");
    };
    (0..20).for_each(row);
    wait_until("the next row asked for", LIMIT, || byte_reads(&world).len() > 21);
    (20..60).for_each(row);
    let fetched: u64 = byte_reads(&world).iter().map(|entry| entry.bytes_out).sum();
    assert!(fetched < 64 * 3 * 32 * 1024, "{fetched} bytes for 60 rows");
}

#[test]
fn where_ranges_are_ignored_a_file_is_one_stream_for_all_readers() {
    let world = World::new(Profile::Cavern);
    let content = bytes(30 << 20);
    world.put("big", &content);
    let mount = world.mount();
    world.server.forget();
    let (one, other) = (File::open(mount.join("big")).unwrap(), File::open(mount.join("big")).unwrap());
    let read = |file: &File, at: usize| {
        let mut read = [0; 5000];
        file.read_exact_at(&mut read, at as u64).unwrap();
        assert!(read == content[at..at + 5000], "at {at}");
    };
    read(&one, 0);
    read(&other, 29 << 20);
    read(&one, 11 << 20);
    read(&other, 100);
    assert_eq!(byte_reads(&world).len(), 1, "a far seek neither starts nor loses anything");
}

/// Where the daemon may, which is as root; and one request then brings as much.
fn the_kernel_reads_ahead_by_a_mebibyte(profile: Profile) {
    let world = World::new(profile);
    world.put("f", bytes(8 << 20));
    let mount = world.mounting().options(&["--debug"]).start();
    let device = fs::metadata(mount.path()).unwrap().dev();
    let place = format!("/sys/class/bdi/{}:{}/read_ahead_kb", major(device), minor(device));
    let may_be_set = fs::OpenOptions::new().write(true).open(&place).is_ok();
    if may_be_set {
        wait_until("it is raised", LIMIT, || fs::read_to_string(&place).unwrap().trim() == "1024");
    } else {
        wait_until("it is said", LIMIT, || mount.log().contains("read-ahead stays as it is"));
    }
}
