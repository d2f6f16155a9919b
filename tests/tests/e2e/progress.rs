//! How far a mount is, as those who ask over the control socket are told: downloads, what was in the cache, warming, pins.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::Duration;

use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use serde_json::Value;
use vofs_tests::server::Logged;
use vofs_tests::{Profile, World, both_profiles, wait_until};

both_profiles!(a_download_on_its_way, what_was_in_the_cache, warming_line_by_line, pinned_now_and_fetched_later);

const PATIENCE: Duration = Duration::from_secs(60);

fn slow_reads(world: &World, bytes_per_second: u64) {
    let path = world.server.byte_path();
    world.server.fault(&format!(r#"{{"method": "GET", "path": "{path}", "bytes_per_second": {bytes_per_second}}}"#));
}

fn a_download_on_its_way(profile: Profile) {
    let world = World::new(profile);
    world.put("f", vec![7; 4_000_000]);
    let mount = world.mount();
    slow_reads(&world, 1_000_000);
    let file = mount.join("f");
    let reading = thread::spawn(move || fs::read(file).unwrap().len());
    let number = |one: &Value, key: &str| one[key].as_u64().unwrap();
    let mut shown = Value::Null;
    wait_until("a download that has begun", PATIENCE, || {
        shown = world.status()["downloads"][0].clone();
        shown.is_object() && number(&shown, "received") > 0 && number(&shown, "received") < number(&shown, "bytes")
    });
    assert_eq!(shown["path"], "f", "{shown}");
    // Of blocks of 32 KiB, the last one too.
    let end = number(&shown, "start") + number(&shown, "bytes");
    assert!(end < 4_000_000 + 32 * 1024, "{shown}");
    world.server.heal();
    assert_eq!(reading.join().unwrap(), 4_000_000);
    wait_until("its end", PATIENCE, || world.status()["downloads"].as_array().unwrap().is_empty());
}

fn what_was_in_the_cache(profile: Profile) {
    const LENGTH: u64 = 4_000_000;
    let world = World::new(profile);
    world.put("f", vec![7; LENGTH as usize]);
    let mount = world.mount();
    let read_anew = || {
        let mut file = File::open(mount.join("f")).unwrap();
        // What the kernel has, nobody asks the mount for.
        posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED).unwrap();
        assert_eq!(file.read_to_end(&mut Vec::new()).unwrap() as u64, LENGTH);
        let reads = world.status()["reads"].clone();
        ["hit_bytes", "miss_bytes", "hits", "misses"].map(|key| reads[key].as_u64().unwrap())
    };
    // So slow that nothing is there before it is asked for.
    slow_reads(&world, 2_000_000);
    let cold = read_anew();
    world.server.heal();
    assert!(cold[1] > cold[0] && cold[0] + cold[1] >= LENGTH, "{cold:?}");
    assert!(cold[3] > 0, "{cold:?}");
    let warm = read_anew();
    assert_eq!((warm[1], warm[3]), (cold[1], cold[3]), "all was there");
    assert!(warm[0] >= cold[0] + LENGTH && warm[2] > cold[2], "{cold:?} {warm:?}");
    let percent = 100.0 * warm[0] as f64 / (warm[0] + warm[1]) as f64;
    let told = world.ask_mount(&["status"]).ok().stdout();
    assert!(told.contains(&format!("{percent:.0} % of what was read was there")), "{told}");
}

/// What is said on the socket to one request, line by line.
fn asked(world: &World, request: &str) -> Vec<Value> {
    let mut socket = UnixStream::connect(world.path("cache/control")).unwrap();
    writeln!(socket, "{request}").unwrap();
    BufReader::new(socket).lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect()
}

fn warming_line_by_line(profile: Profile) {
    let world = World::new(profile);
    for name in ["tree/a", "tree/b"] {
        world.put_deep(name, vec![7; 9_000_000]);
    }
    let mount = world.mount();
    slow_reads(&world, 6_000_000);
    let mut told = asked(&world, r#"{"command": "warm", "paths": ["tree"]}"#);
    let end = told.pop().unwrap();
    assert_eq!(
        (&end["reply"], end["files"].as_u64(), end["bytes"].as_u64()),
        (&"warmed".into(), Some(2), Some(18_000_000))
    );
    let done = |line: &Value| line["bytes_done"].as_u64().unwrap();
    for line in &told {
        assert_eq!(
            (&line["reply"], line["bytes"].as_u64(), line["files"].as_u64()),
            (&"warming".into(), Some(18_000_000), Some(2))
        );
    }
    assert!(told.is_sorted_by_key(done), "{told:?}");
    assert!(told.iter().any(|line| done(line) > 0 && done(line) < 18_000_000), "{told:?}");
    let last = told.last().unwrap();
    assert_eq!((done(last), last["files_done"].as_u64()), (18_000_000, Some(2)));
    mount.unmount();
}

fn pinned_now_and_fetched_later(profile: Profile) {
    let world = World::new(profile);
    world.put_deep("lazy/f", vec![7; 500_000]);
    world.put_deep("whole/f", vec![8; 500_000]);
    let mount = world.mount();
    let fetched = || world.server.log().iter().filter(|request| Logged::is_byte_read(request)).count();
    let pinned = || world.status()["cache_pinned"].as_u64().unwrap();
    world.server.forget();
    world.ask_mount(&["pin", "--lazy", "lazy"]).ok();
    assert_eq!((fetched(), pinned()), (0, 0));
    assert_eq!(world.ask_mount(&["pin"]).ok().stdout(), "/lazy\n");
    read(&mount.join("lazy/f"), 7);
    assert!(pinned() >= 500_000, "it stays when it is read");
    world.server.forget();
    world.ask_mount(&["pin", "whole"]).ok();
    assert!(fetched() > 0 && pinned() >= 1_000_000);
}

fn read(path: &Path, byte: u8) {
    assert!(fs::read(path).unwrap() == vec![byte; 500_000]);
}
