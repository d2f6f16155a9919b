//! Lengths that are lies: what is read is the bytes that there are, or an error, and nothing is made ready for more than comes.

use std::fs::{self, File};
use std::io::Read as _;
use std::time::Duration;

use vofs_tests::process::run_within;
use vofs_tests::{Profile, World, every_profile};

use super::{PREFIXES, answers, container, evil, file, goes_on, node_is};

every_profile!(lengths_that_no_file_has, bodies_of_another_length);

/// Beyond 2^64, beyond 2^63, just below, a million times the disk, and no numbers at all.
const LENGTHS: [&str; 7] =
    ["99999999999999999999", "18446744073709551615", "9223372036854775807", "1000000000000000", "-4", "four", ""];

const BYTES: &[u8] = b"true";

fn name(at: usize) -> String {
    format!("lie-{at}")
}

fn lying(profile: Profile) -> World {
    let world = evil(profile);
    let mut children = String::new();
    for (at, length) in LENGTHS.iter().enumerate() {
        world.put(&format!("evil/{}", name(at)), BYTES);
        children += &file(&world, &name(at), length, "");
    }
    answers(&world, &container(&world, &children, ""));
    for (at, length) in LENGTHS.iter().enumerate() {
        node_is(&world, &format!("demo/evil/{}", name(at)), &file(&world, &name(at), length, PREFIXES));
    }
    world
}

fn lengths_that_no_file_has(profile: Profile) {
    let world = lying(profile);
    let mount = world.mounting().options(&["--read-timeout", "5", "--metadata-timeout", "5"]).start();
    for (at, length) in LENGTHS.iter().enumerate() {
        let mut bytes = Vec::new();
        // Not fs::read, which makes room for the length that it is told.
        let read = File::open(mount.join("evil").join(name(at))).and_then(|file| file.take(64).read_to_end(&mut bytes));
        assert!(BYTES.starts_with(&bytes), "{length}: {bytes:?} ({read:?})");
    }
    let _ = fs::read_dir(mount.join("evil")).map(Iterator::count);
    goes_on(&mount);
    assert!(!mount.log().contains("panicked"), "{}", mount.log());
    mount.unmount();
    for (at, length) in LENGTHS.iter().enumerate() {
        let to = world.local(&name(at));
        let mut copy = world.command("vospace");
        copy.args(["cp", "--timeout", "5", &world.uri(&format!("evil/{}", name(at)))]).arg(&to);
        let ended = run_within(&mut copy, Duration::from_secs(100));
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
        if ended.status == 0 {
            assert!(BYTES.starts_with(&fs::read(&to).unwrap()), "{length}");
        }
    }
}

/// More bytes, or fewer, than the answer announces.
fn bodies_of_another_length(profile: Profile) {
    for off in [-3_i64, 3, 1_000_000_000_000] {
        let world = evil(profile);
        let whole = "0123456789".repeat(1000);
        world.put("evil/f", &whole);
        let bytes = world.server.byte_path();
        world.server.fault(&format!(r#"{{"method": "GET", "path": "{bytes}", "content_length_off": {off}}}"#));
        let mount = world.mounting().options(&["--read-timeout", "5"]).start();
        if let Ok(read) = fs::read(mount.join("evil/f")) {
            assert!(read == whole.as_bytes(), "{off}: {} bytes", read.len());
        }
        world.server.heal();
        goes_on(&mount);
        assert_eq!(fs::read(mount.join("evil/f")).unwrap(), whole.as_bytes(), "{off}: nothing of it was kept");
    }
}
