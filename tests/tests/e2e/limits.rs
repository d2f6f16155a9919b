//! What bounds a copy: speed, time without a byte, files at a time, and where credentials go.

use std::fs;
use std::time::{Duration, Instant};

use vofs_tests::process::run;
use vofs_tests::{Profile, Stranger, World, every_profile};

every_profile!(
    no_faster_than_allowed,
    no_byte_no_patience,
    files_one_by_one,
    a_token_from_a_file,
    a_foreign_host_gets_no_credentials,
);

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
    let options: &[&str] = if profile.has_sites() { &["--site-port", "0"] } else { &[] };
    let world = World::build(profile, false, options);
    let bytes = vec![7; 9_000_000];
    world.put("a", &bytes);
    // A service that leads to a host of its choice, which notes what it is told.
    let stranger = Stranger::listen();
    let place = format!("http://{}/minoc", stranger.address());
    let rule = if profile.in_place() {
        serde_json::json!({"method": "GET", "path": world.server.byte_path(), "status": 303, "location": place})
    } else if profile.one_use() {
        serde_json::json!({"first_endpoint": place})
    } else {
        serde_json::json!({"route": "files", "method": "GET", "first_endpoint": place, "count": 1})
    };
    world.server.fault(&rule.to_string());
    let led_astray = world.vospace(&["cp", &world.uri("a"), "a"]);
    let told = stranger.heads().concat().to_lowercase();
    assert!(told.starts_with("get /minoc"), "{told}: {}", led_astray.stderr);
    for secret in ["authorization", "cookie", "demo-token", "demo-password", "x-cadc", "x-dl-authtoken"] {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
    if led_astray.status != 0 {
        led_astray.fails_with(1, &["ERROR:: ", "demo/a"]);
        assert!(!world.local("a").exists());
        world.server.heal();
        world.vospace(&["cp", &world.uri("a"), "a"]).ok();
    }
    assert!(fs::read(world.local("a")).unwrap() == bytes);
}
