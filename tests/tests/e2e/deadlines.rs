//! Nothing waits for ever: dead links, stalled bodies, a byte a second, and programs that are killed while they wait.

use std::fs;
use std::io;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use vofs_tests::process::Guard;
use vofs_tests::{Mount, Profile, World, every_profile, wait_until};

every_profile!(
    a_stalled_body_ends_in_time_and_the_next_read_works,
    a_byte_a_second_is_no_progress,
    a_dead_link_ends_in_time_and_the_mount_recovers_by_itself,
    a_killed_reader_goes_at_once_and_leaves_the_mount_usable,
);

/// What is given to the mount; the defaults are minutes.
const OPTIONS: [&str; 4] = ["--read-timeout", "3", "--metadata-timeout", "4"];

/// Far above those, far below the defaults: a loaded machine has its time, a missing deadline is found.
const LIMIT: Duration = Duration::from_secs(40);

fn bytes() -> Vec<u8> {
    (0..3_000_000).map(|at| (at / 3 % 241) as u8).collect()
}

/// What `work` gave, once it has; a test that waits for ever fails here.
#[track_caller]
fn within<T: Send>(limit: Duration, work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let begun = Instant::now();
        let outcome = scope.spawn(work).join().unwrap();
        assert!(begun.elapsed() < limit, "took {:?}", begun.elapsed());
        outcome
    })
}

#[track_caller]
fn assert_timed_out<T>(outcome: io::Result<T>) {
    let errno = outcome.err().and_then(|error| error.raw_os_error());
    assert!(matches!(errno, Some(nix::libc::ETIMEDOUT | nix::libc::EIO)), "{errno:?}");
}

fn a_stalled_body_ends_in_time_and_the_next_read_works(profile: Profile) {
    let (world, mount) = prepared(profile);
    let path = world.server.byte_path();
    world.server.fault(&format!(r#"{{"method": "GET", "path": "{path}", "stall_after": 0}}"#));
    assert_timed_out(within(LIMIT, || fs::read(mount.join("f"))));
    world.server.heal();
    assert!(within(LIMIT, || fs::read(mount.join("f"))).unwrap() == bytes());
}

fn a_byte_a_second_is_no_progress(profile: Profile) {
    let (world, mount) = prepared(profile);
    let path = world.server.byte_path();
    world.server.fault(&format!(r#"{{"method": "GET", "path": "{path}", "bytes_per_second": 1}}"#));
    assert_timed_out(within(LIMIT, || fs::read(mount.join("f"))));
    world.server.heal();
    assert!(within(LIMIT, || fs::read(mount.join("f"))).unwrap() == bytes());
}

fn a_dead_link_ends_in_time_and_the_mount_recovers_by_itself(profile: Profile) {
    let (world, mount) = prepared(profile);
    world.put("g", b"other");
    // A service without ranges sends the whole file with the opening: not before the link is dead.
    let path = world.server.byte_path();
    world.server.fault(&format!(r#"{{"method": "GET", "path": "{path}", "bytes_per_second": 300000}}"#));
    let open = fs::File::open(mount.join("f")).unwrap();
    world.server.freeze();
    within(LIMIT, || {
        thread::scope(|scope| {
            // All at once: one that waits must not make the next wait longer. What lies at the beginning may have come with
            // the opening.
            let readers: Vec<_> = (1..5)
                .map(|reader| {
                    let open = &open;
                    scope.spawn(move || {
                        let mut part = vec![0; 1000];
                        std::os::unix::fs::FileExt::read_exact_at(open, &mut part, reader * 700_000)
                    })
                })
                .collect();
            let stat = scope.spawn(|| fs::metadata(mount.join("g")).map(drop));
            let listing =
                scope.spawn(|| fs::read_dir(mount.path()).and_then(|entries| entries.collect::<Result<Vec<_>, _>>()));
            readers.into_iter().for_each(|reader| assert_timed_out(reader.join().unwrap()));
            // What the mount had looked at by itself before is shown while the service is out of reach.
            let stat = stat.join().unwrap();
            stat.is_err().then(|| assert_timed_out(stat));
            let listing = listing.join().unwrap();
            listing.is_err().then(|| assert_timed_out(listing));
        });
    });
    world.server.thaw();
    world.server.heal();
    assert!(within(LIMIT, || fs::read(mount.join("f"))).unwrap() == bytes());
    assert_eq!(within(LIMIT, || fs::read(mount.join("g"))).unwrap(), b"other");
    assert_eq!(fs::read_dir(mount.path()).unwrap().count(), 2);
}

fn a_killed_reader_goes_at_once_and_leaves_the_mount_usable(profile: Profile) {
    let world = World::new(profile);
    world.put("f", bytes());
    world.put("g", b"other");
    let mount = world.mounting().options(&["--read-timeout", "25"]).start();
    let path = world.server.byte_path();
    world.server.fault(&format!(r#"{{"method": "GET", "path": "{path}", "stall_after": 100000}}"#));
    for signal in [Signal::SIGKILL, Signal::SIGINT] {
        let mut cat = Guard::spawn(Command::new("cat").arg(mount.join("f")).stdout(Stdio::null()));
        // In the kernel's FUSE code: it waits for the daemon.
        let place = format!("/proc/{}/wchan", cat.id());
        wait_until("a reader that waits", LIMIT, || {
            let place = fs::read_to_string(&place).unwrap();
            place.contains("fuse") || place.contains("folio") || place.contains("request_wait")
        });
        cat.signal(signal);
        assert!(cat.wait(Duration::from_secs(12)).is_some(), "{signal} does not end a reader of a dead link");
    }
    assert_eq!(fs::metadata(mount.join("f")).unwrap().len(), bytes().len() as u64);
    world.server.heal();
    assert_eq!(fs::read(mount.join("g")).unwrap(), b"other");
    assert!(within(LIMIT, || fs::read(mount.join("f"))).unwrap() == bytes());
}

fn prepared(profile: Profile) -> (World, Mount) {
    let world = World::new(profile);
    world.put("f", bytes());
    let mount = world.mounting().options(&OPTIONS).start();
    (world, mount)
}
