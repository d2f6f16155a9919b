//! Power cuts and dead services: what was closed is never lost, and the user is told.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::thread;
use std::time::Duration;

use vofs_tests::{Profile, World, every_profile, wait_until};

every_profile!(
    killed_with_a_dirty_closed_file,
    both_die_in_the_middle_of_an_upload,
    finished_segments_are_not_sent_again_after_a_kill,
    the_service_dies_during_a_close,
    the_service_dies_during_a_read,
    a_restarted_service_is_found_again,
);

/// Longest wait for what the mount does by itself: it tries again with growing pauses.
const GIVES_UP: Duration = Duration::from_secs(150);

fn killed_with_a_dirty_closed_file(profile: Profile) {
    let mut world = World::new(profile);
    world.put("old", b"old content");
    let mount = world.mount();
    assert_eq!(fs::read(mount.join("old")).unwrap(), b"old content");
    fs::create_dir(mount.join("d")).unwrap();
    let mut old = File::options().write(true).truncate(true).open(mount.join("old")).unwrap();
    let mut new = File::create(mount.join("d/new")).unwrap();
    world.server.kill();
    old.write_all(b"changed while the service was down").unwrap();
    new.write_all(&vec![7; 1_500_000]).unwrap();
    // Close tells the error of the upload; the bytes are in the journal all the same.
    let closed = nix::unistd::close(std::os::fd::OwnedFd::from(old));
    assert_eq!(closed, Err(nix::errno::Errno::EIO));
    let closed = nix::unistd::close(std::os::fd::OwnedFd::from(new));
    assert_eq!(closed, Err(nix::errno::Errno::EIO));
    mount.kill();

    world.server.resume();
    assert_eq!(world.bytes("old").as_deref(), Some(&b"old content"[..]));
    let mount = world.mount();
    assert_eq!(fs::read(mount.join("old")).unwrap(), b"changed while the service was down");
    let arrived = || {
        world.bytes("old").as_deref() == Some(b"changed while the service was down")
            && world.bytes("d/new").is_some_and(|bytes| bytes == vec![7; 1_500_000])
    };
    wait_until("the bytes at the service", GIVES_UP, arrived);
    mount.unmount();
}

/// Cavern has then lost the old bytes, and holds a part of the new ones under the digest of the old.
fn both_die_in_the_middle_of_an_upload(profile: Profile) {
    let mut world = World::new(profile);
    world.put("f", b"old content");
    let bytes: Vec<u8> = (0..150_000_000_u32).map(|i| (i % 247) as u8).collect();
    let mount = world.mount();
    let mut file = File::options().write(true).truncate(true).open(mount.join("f")).unwrap();
    file.write_all(&bytes).unwrap();
    let closing = thread::spawn(move || nix::unistd::close(std::os::fd::OwnedFd::from(file)));
    let service = world.path("service");
    wait_until("bytes on their way", GIVES_UP, || size_of(&service) > 10_000_000);
    world.server.kill();
    assert_eq!(closing.join().unwrap(), Err(nix::errno::Errno::EIO));
    mount.kill();

    world.server.resume();
    assert!(world.bytes("f").is_none_or(|there| there != bytes), "the upload was over before the service died");
    let mount = world.mount();
    assert!(fs::read(mount.join("f")).unwrap() == bytes, "what was written is read, sent or not");
    wait_until("the bytes at the service", GIVES_UP, || world.bytes("f").is_some_and(|there| there == bytes));
    mount.unmount();
}

/// On a Cavern there are no segments: all of it is sent again.
fn finished_segments_are_not_sent_again_after_a_kill(profile: Profile) {
    const SEGMENT: usize = 64 << 20;
    let world = World::new(profile);
    let bytes: Vec<u8> = (0..3 * SEGMENT as u32 + 1000).map(|i| (i % 249) as u8).collect();
    let mount = world.mounting().options(&["--write-back", "background"]).start();
    let path = world.server.byte_path();
    // Slow enough to be met in the middle.
    world.server.fault(&format!(r#"{{"method": "PUT", "path": "{path}", "bytes_per_second": 40000000}}"#));
    fs::write(mount.join("f"), &bytes).unwrap();
    let sent = || world.server.log().iter().filter(|entry| entry.is_byte_write() && entry.status == 202).count();
    if profile == Profile::Vault {
        // The start and two segments.
        wait_until("two segments", GIVES_UP, || sent() >= 3);
    }
    mount.kill();
    world.server.heal();
    world.server.forget();
    let mount = world.mount();
    wait_until("the bytes at the service", GIVES_UP, || world.bytes("f").is_some_and(|there| there == bytes));
    if profile == Profile::Vault {
        assert!(sent() <= 2, "{} segments were sent again", sent());
    }
    mount.unmount();
}

/// The length of all files below a directory.
fn size_of(directory: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(directory) else { return 0 };
    let entries = entries.filter_map(|entry| Some((entry.as_ref().ok()?.path(), entry.ok()?.metadata().ok()?)));
    entries.map(|(path, data)| if data.is_dir() { size_of(&path) } else { data.len() }).sum()
}

fn the_service_dies_during_a_close(profile: Profile) {
    let mut world = World::new(profile);
    let mount = world.mount();
    let mut file = File::create(mount.join("f")).unwrap();
    file.write_all(b"written, and then the service died").unwrap();
    world.server.kill();
    let closed = nix::unistd::close(std::os::fd::OwnedFd::from(file));
    assert_eq!(closed, Err(nix::errno::Errno::EIO));
    let log = mount.log();
    assert!(log.lines().any(|line| line.contains("/f") && line.contains("connect")), "no cause in the log: {log}");
    // The content is still there to be read, and goes up as soon as the service is back.
    assert_eq!(fs::read(mount.join("f")).unwrap(), b"written, and then the service died");
    world.server.resume();
    wait_until("the bytes at the service", GIVES_UP, || {
        world.bytes("f").as_deref() == Some(b"written, and then the service died")
    });
}

fn the_service_dies_during_a_read(profile: Profile) {
    let mut world = World::new(profile);
    let bytes: Vec<u8> = (0..40_000_000_u32).map(|i| (i % 255) as u8).collect();
    world.put("big", &bytes);
    world.put("small", b"small");
    let mount = world.mount();
    assert_eq!(fs::read(mount.join("small")).unwrap(), b"small");
    let file = File::open(mount.join("big")).unwrap();
    let mut part = vec![0; 1000];
    file.read_exact_at(&mut part, 0).unwrap();
    assert!(part == bytes[..1000]);
    world.server.kill();
    // Somewhere behind what has been fetched ahead the error shows; no wrong byte comes before it.
    let mut offset = 0;
    let error = loop {
        let mut chunk = vec![0; 1 << 20];
        match file.read_at(&mut chunk, offset as u64) {
            Ok(0) => panic!("the whole file was read from a dead service"),
            Ok(count) => {
                assert!(chunk[..count] == bytes[offset..offset + count], "wrong bytes at {offset}");
                offset += count;
            }
            Err(error) => break error,
        }
    };
    assert!(matches!(error.raw_os_error(), Some(nix::libc::EIO | nix::libc::ETIMEDOUT)), "{error}");
    let log = mount.log();
    assert!(log.contains("/big"), "the log does not name the file: {log}");
    world.server.resume();
    wait_until("reading works again", GIVES_UP, || fs::read(mount.join("big")).is_ok_and(|read| read == bytes));
}

fn a_restarted_service_is_found_again(profile: Profile) {
    let mut world = World::new(profile);
    world.put("f", b"content");
    let mount = world.mount();
    fs::write(mount.join("g"), b"before").unwrap();
    world.server.kill();
    world.server.resume();
    assert_eq!(fs::read(mount.join("f")).unwrap(), b"content");
    fs::write(mount.join("g"), b"after").unwrap();
    assert_eq!(world.bytes("g").as_deref(), Some(&b"after"[..]));
}
