//! What bounds a copy: speed, time without a byte, files at a time, and where credentials go.

use std::fs;
use std::time::{Duration, Instant};

use vofs_tests::process::run;
use vofs_tests::{Profile, World, every_profile, profiles_with_sites};

every_profile!(no_faster_than_allowed, no_byte_no_patience, files_one_by_one, a_token_from_a_file);

profiles_with_sites!(a_foreign_host_gets_no_credentials);

fn no_faster_than_allowed(profile: Profile) {
    let world = World::new(profile);
    world.local_file("tree/a", vec![1; 2_000_000]);
    world.local_file("tree/b", vec![2; 2_000_000]);
    // All files together: an eighth of a second is free, and nothing can make it faster.
    let least = Duration::from_millis(1500);
    let timed = |arguments: &[&str]| {
        let start = Instant::now();
        world.vospace(arguments).ok();
        start.elapsed()
    };
    let tree = world.uri("tree");
    assert!(timed(&["cp", "--bwlimit=2M", "tree", &tree]) >= least);
    assert!(timed(&["sync", "--bwlimit", "2MB/s", &tree, "back"]) >= least);
    assert!(timed(&["cat", "--bwlimit", "1M", &world.uri("tree/a")]) >= least);
    assert_eq!(fs::read(world.local("back/tree/b")).unwrap(), vec![2; 2_000_000]);
    world.vospace(&["cp", "--bwlimit", "0", "tree", &tree]).fails_with(2, &["--bwlimit"]);
}

fn no_byte_no_patience(profile: Profile) {
    let world = World::new(profile);
    world.put("a", vec![7; 300_000]);
    let stall = format!(r#"{{"method": "GET", "path": "{}", "stall_after": 1000}}"#, world.server.byte_path());
    world.server.fault(&stall);
    let finished = world.vospace(&["cp", "--timeout=1", &world.uri("a"), "a"]).fails_with(1, &["demo/a", "1 s"]);
    assert!(!finished.stderr.contains("60 s"), "{}", finished.stderr);
    assert!(!world.local("a").exists());
    world.server.heal();
    world.vospace(&["cp", "--timeout=3600", &world.uri("a"), "a"]).ok();
    world.vospace(&["ls", "--timeout", "0", &world.uri("")]).fails_with(2, &["--timeout"]);
}

fn files_one_by_one(profile: Profile) {
    let world = World::new(profile);
    for i in 0..6 {
        world.local_file(&format!("tree/f{i}"), vec![i; 100_000]);
    }
    world.vospace(&["cp", "--nstreams=1", "tree", &world.uri("tree")]).ok();
    world.vospace(&["sync", "--nstreams", "4", &world.uri("tree"), "back"]).ok();
    assert_eq!(fs::read(world.local("back/tree/f5")).unwrap(), vec![5; 100_000]);
    let found = world.vospace(&["find", "--nstreams=1", "--type=f", &world.uri("tree")]).ok().stdout();
    assert_eq!(found.lines().count(), 6);
    world.vospace(&["cp", "--nstreams=31", "tree", &world.uri("tree")]).fails_with(2, &["31"]);
}

fn a_token_from_a_file(profile: Profile) {
    let world = World::new(profile).with_general_credentials();
    let token = world.local_file("token", "demo-token\n");
    let list = |variable: &str, value: &str| {
        let mut command = world.command("vospace");
        run(command.env_remove("VOSPACE_TOKEN").env(variable, value).args(["ls", "-l", &world.uri("")]))
    };
    list("VOSPACE_TOKEN_FILE", token.to_str().unwrap()).ok();
    list("VOSPACE_TOKEN_FILE", "/no/token").fails_with(1, &["/no/token"]);
    world.local_file("token", "nobody's");
    list("VOSPACE_TOKEN_FILE", token.to_str().unwrap()).fails_with(1, &["credentials"]);
}

/// Bytes are on another host than the service: it gets what its URL carries and nothing of the user's.
fn a_foreign_host_gets_no_credentials(profile: Profile) {
    let world = World::build(profile, false, &["--site-port", "0"]);
    let bytes = vec![7; 9_000_000];
    world.put("a", &bytes);
    // A service that leads to a host of its choice, which notes what it is told.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let place = format!("http://{}/minoc", listener.local_addr().unwrap());
    let told = std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
            head.push(byte[0]);
        }
        stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
        String::from_utf8(head).unwrap().to_lowercase()
    });
    world.server.fault(&format!(r#"{{"route": "files", "method": "GET", "first_endpoint": "{place}", "count": 1}}"#));
    world.vospace(&["cp", &world.uri("a"), "a"]).ok();
    let told = told.join().unwrap();
    assert!(told.starts_with("get /minoc"), "{told}");
    for secret in ["authorization", "cookie", "demo-token", "x-cadc"] {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
    assert!(fs::read(world.local("a")).unwrap() == bytes);
}
