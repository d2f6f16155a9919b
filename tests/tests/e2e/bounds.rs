//! What bounds a mount, given at its start or changed while it runs: each has its effect. Where that takes time, the bound says how
//! long it must take at least: nothing here can be too slow.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use nix::sys::signal::Signal;
use vofs_tests::server::Logged;
use vofs_tests::{Mount, Profile, World, both_profiles};

both_profiles!(
    bandwidth_of_a_running_mount,
    uploads_at_a_time,
    memory_for_what_has_no_disk,
    free_space_of_the_disk,
    patience_of_reads_changes,
    patience_of_the_end_changes,
);

/// What a request is held for where requests must come one after the other.
const HELD: Duration = Duration::from_millis(500);

/// So many files at a time.
const FILES: u32 = 5;

fn limits(world: &World, change: &[&str]) {
    world.ask_mount(&[&["limits"], change].concat()).ok();
}

/// Reads a file, without what the kernel still has of it.
fn read_anew(path: &Path) -> Vec<u8> {
    let mut file = File::open(path).unwrap();
    posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED).unwrap();
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}

/// Bytes of files that the service has sent since it was made to forget.
fn fetched(world: &World) -> u64 {
    world.server.log().iter().filter(|request| Logged::is_byte_read(request)).map(|request| request.bytes_out).sum()
}

fn bandwidth_of_a_running_mount(profile: Profile) {
    let world = World::new(profile);
    world.put("down", vec![1; 4_000_000]);
    let mount = world.mount();
    limits(&world, &["--bwlimit-down=1M", "--bwlimit-up=1M"]);
    // An eighth of a second is free.
    let least = Duration::from_secs(3);
    let begun = Instant::now();
    assert!(fs::read(mount.join("down")).unwrap() == vec![1; 4_000_000]);
    assert!(begun.elapsed() >= least, "down in {:?}", begun.elapsed());
    let begun = Instant::now();
    fs::write(mount.join("up"), vec![2; 4_000_000]).unwrap();
    assert!(begun.elapsed() >= least, "up in {:?}", begun.elapsed());
    assert!(world.bytes("up").unwrap() == vec![2; 4_000_000]);
}

/// Reads files of this kind all at once, each of which the service holds up, and says how long it took.
fn read_at_once(world: &World, mount: &Mount, kind: &str) -> Duration {
    for number in 0..FILES {
        world.put(&format!("{kind}{number}"), vec![7; 100_000]);
    }
    let (path, delay) = (world.server.byte_path(), HELD.as_millis());
    world.server.fault(&format!(r#"{{"method": "GET", "path": "{path}", "delay_ms": {delay}}}"#));
    let begun = Instant::now();
    thread::scope(|scope| {
        for number in 0..FILES {
            let file = mount.join(format!("{kind}{number}"));
            scope.spawn(move || assert_eq!(fs::read(file).unwrap().len(), 100_000));
        }
    });
    let took = begun.elapsed();
    world.server.heal();
    took
}

/// Of a service that has ranges; the others send whole files, which do not count.
#[test]
fn transfers_at_a_time() {
    let world = World::new(Profile::Vault);
    // Before it has shown that it has ranges, one request at a time is made in any case.
    let learn = |mount: &Mount, name: &str| {
        world.put(name, vec![3; 9_000_000]);
        File::open(mount.join(name)).unwrap().read_exact_at(&mut [0; 100], 5_000_000).unwrap();
    };
    let mount = world.mounting().options(&["--max-transfers=1"]).start();
    learn(&mount, "one");
    let took = read_at_once(&world, &mount, "given");
    assert!(took >= HELD * FILES, "{took:?}");
    mount.unmount();
    let mount = world.mount();
    learn(&mount, "two");
    limits(&world, &["--max-transfers=1"]);
    let took = read_at_once(&world, &mount, "changed");
    assert!(took >= HELD * FILES, "{took:?}");
}

/// Writes files of this kind that are no small ones, and says how long it took until all were sent.
fn send_at_once(world: &World, mount: &Mount, kind: &str) -> Duration {
    let (path, delay) = (world.server.byte_path(), HELD.as_millis());
    world.server.fault(&format!(r#"{{"method": "PUT", "path": "{path}", "delay_ms": {delay}}}"#));
    let begun = Instant::now();
    for number in 0..FILES {
        fs::write(mount.join(format!("{kind}{number}")), vec![7; 1_200_000]).unwrap();
    }
    world.ask_mount(&["drain"]).ok();
    let took = begun.elapsed();
    world.server.heal();
    for number in 0..FILES {
        assert_eq!(world.bytes(&format!("{kind}{number}")).unwrap().len(), 1_200_000);
    }
    took
}

fn uploads_at_a_time(profile: Profile) {
    let world = World::new(profile);
    let background = ["--write-back", "background"];
    let mount = world.mounting().options(&background).options(&["--max-flush-threads=1"]).start();
    let took = send_at_once(&world, &mount, "given");
    assert!(took >= HELD * FILES, "{took:?}");
    mount.unmount();
    let mount = world.mounting().options(&background).start();
    limits(&world, &["--max-flush-threads=1"]);
    let took = send_at_once(&world, &mount, "changed");
    assert!(took >= HELD * FILES, "{took:?}");
}

/// What the disk may not take is kept in memory, up to a quarter of what memory there is.
fn memory_for_what_has_no_disk(profile: Profile) {
    const LENGTH: usize = 20_000_000;
    let world = World::new(profile);
    world.put("f", vec![5; LENGTH]);
    let mount = world.mounting().options(&["--free-space=1000TiB", "--memory-limit=32MiB"]).start();
    let file = mount.join("f");
    assert_eq!(read_anew(&file).len(), LENGTH);
    world.server.forget();
    assert_eq!(read_anew(&file).len(), LENGTH);
    assert!(fetched(&world) > 10_000_000, "8 MiB do not hold {LENGTH}: {}", fetched(&world));
    limits(&world, &["--memory-limit=400MiB"]);
    assert_eq!(read_anew(&file).len(), LENGTH);
    world.server.forget();
    assert_eq!(read_anew(&file).len(), LENGTH);
    assert_eq!(fetched(&world), 0, "100 MiB hold {LENGTH}");
}

fn free_space_of_the_disk(profile: Profile) {
    const LENGTH: usize = 3_000_000;
    let world = World::new(profile);
    world.put("f", vec![5; LENGTH]);
    let used = || world.status()["cache_used"].as_u64().unwrap() as usize;
    let mount = world.mounting().options(&["--free-space=1000TiB"]).start();
    assert_eq!(read_anew(&mount.join("f")).len(), LENGTH);
    assert!(used() < LENGTH, "{}", used());
    mount.unmount();
    let mount = world.mounting().options(&["--free-space=1MiB"]).start();
    assert_eq!(read_anew(&mount.join("f")).len(), LENGTH);
    assert!(used() >= LENGTH, "{}", used());
    limits(&world, &["--free-space=1000TiB"]);
    assert!(used() < LENGTH, "{}", used());
}

fn patience_of_reads_changes(profile: Profile) {
    let world = World::new(profile);
    world.put("f", vec![5; 3_000_000]);
    // Two minutes, unless that is changed.
    let mount = world.mount();
    limits(&world, &["--read-timeout=2"]);
    let path = world.server.byte_path();
    world.server.fault(&format!(r#"{{"method": "GET", "path": "{path}", "stall_after": 0}}"#));
    let begun = Instant::now();
    let refused = fs::read(mount.join("f")).unwrap_err().raw_os_error();
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    assert!(matches!(refused, Some(nix::libc::ETIMEDOUT | nix::libc::EIO)), "{refused:?}");
    world.server.heal();
}

fn patience_of_the_end_changes(profile: Profile) {
    let mut world = World::new(profile);
    // Ten minutes, unless that is changed: longer than a test may take.
    let mount = world.mounting().options(&["--write-back", "background"]).start();
    limits(&world, &["--drain-timeout=1"]);
    let mut file = File::create(mount.join("kept")).unwrap();
    world.server.kill();
    file.write_all(b"not lost").unwrap();
    drop(file);
    assert_eq!(mount.end_with_status(Signal::SIGTERM), 1);
    world.server.resume();
    world.mount().unmount();
    assert_eq!(world.bytes("kept").as_deref(), Some(&b"not lost"[..]));
}
