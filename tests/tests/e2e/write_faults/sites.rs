//! Two writers at the same time: the last one wins where nobody can know of the other, and both are kept where one can.

use std::fs::{self, File};
use std::io::Write as _;
use std::thread;

use vofs_tests::{Mount, Profile, World, wait_until};

use super::{PATIENCE, close, names, pattern};

fn second_mount(world: &World) -> Mount {
    world.mounting().cache(&world.path("cache2")).point(&world.path("mnt2")).start()
}

/// With several sites a node may know of neither upload for minutes. Both are told that they have written; the later one is
/// what is left, and the other sees it.
#[test]
fn f35_uploads_to_two_sites_at_once() {
    let world = World::build(Profile::Vault, false, &["--sites", "2"]);
    world.put("f", b"old");
    let (one, two) = (world.mount(), second_mount(&world));
    for mount in [&one, &two] {
        assert_eq!(fs::read(mount.join("f")).unwrap(), b"old");
    }
    let site = |number: u32, state: &str| {
        world.server.post("/_bench/site", &format!(r#"{{"site": {number}, "state": "{state}"}}"#));
    };
    world.server.post("/_bench/profile", r#"{"space": "vault", "harvest_delay_ms": 3600000}"#);
    site(2, "down");
    fs::write(one.join("f"), b"from one").unwrap();
    site(2, "up");
    site(1, "down");
    world.server.post("/_bench/clock", r#"{"offset_ms": 1000}"#);
    fs::write(two.join("f"), b"from two, later").unwrap();
    site(1, "up");
    // Each mount knows its own, and no mixture.
    assert_eq!(fs::read(one.join("f")).unwrap(), b"from one");
    assert_eq!(fs::read(two.join("f")).unwrap(), b"from two, later");
    world.server.post("/_bench/profile", r#"{"space": "vault", "harvest_delay_ms": 0}"#);
    let whole = |bytes: &[u8]| [&b"old"[..], b"from one", b"from two, later"].contains(&bytes);
    for mount in [&one, &two] {
        wait_until("the later one in both mounts", PATIENCE, || {
            let read = fs::read(mount.join("f"));
            assert!(read.as_ref().is_ok_and(|bytes| whole(bytes)) || read.is_err(), "{read:?}");
            read.is_ok_and(|bytes| bytes == b"from two, later")
        });
    }
    assert_eq!(world.bytes("f").unwrap(), b"from two, later");
    let mut file = File::options().append(true).open(one.join("f")).unwrap();
    file.write_all(b", and one").unwrap();
    close(file).unwrap();
    assert_eq!(world.bytes("f").unwrap(), b"from two, later, and one");
    assert_eq!(names(&world), ["f"]);
}

/// A Cavern writes in place (observed): two uploads at once would mix. Who comes second sees the other one's under way.
#[test]
fn f35_uploads_to_one_place_at_once() {
    let world = World::new(Profile::Cavern);
    world.put("f", b"old");
    let (one, two) = (world.mount(), second_mount(&world));
    let open = |mount: &Mount, bytes: &[u8]| {
        let mut file = File::options().write(true).truncate(true).open(mount.join("f")).unwrap();
        file.write_all(bytes).unwrap();
        file
    };
    let (first, second) = (open(&one, &pattern(400_000, 1)), open(&two, &pattern(300_000, 2)));
    world.server.fault(r#"{"method": "PUT", "path": "/arc/files/", "count": 1, "bytes_per_second": 200000}"#);
    thread::scope(|scope| {
        let closing = scope.spawn(|| close(first));
        // Before its first byte nothing tells it from the wreck of an upload.
        let under_way = || world.bytes("f").is_some_and(|bytes| !bytes.is_empty() && bytes != b"old");
        wait_until("bytes of the first", PATIENCE, under_way);
        close(second).unwrap();
        closing.join().unwrap().unwrap();
    });
    assert!(world.bytes("f").unwrap() == pattern(400_000, 1), "whole");
    let names = names(&world);
    assert!(names.len() == 2 && names[1].starts_with("f.conflict-"), "{names:?}");
    assert!(world.bytes(&names[1]).unwrap() == pattern(300_000, 2), "whole");
    for mount in [&one, &two] {
        let shown = || fs::read(mount.join("f")).is_ok_and(|bytes| bytes == pattern(400_000, 1));
        wait_until("both mounts show the same", PATIENCE, shown);
    }
}
