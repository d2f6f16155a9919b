//! The service's side: what it will not take, and credentials that end in the middle.

use std::fs;

use vofs_tests::process::run;
use vofs_tests::{Profile, World, every_profile};

every_profile!(
    a_service_in_read_only_mode,
    a_service_that_is_offline,
    credentials_that_expire_in_the_middle,
    a_full_quota_is_named,
    a_locked_or_foreign_place,
    nonsense_for_an_answer,
);

fn a_service_in_read_only_mode(profile: Profile) {
    let world = World::new(profile);
    world.put("f", b"f");
    world.local_file("g", b"g");
    world.server.post("/_bench/mode", r#"{"mode": "read_only"}"#);
    let (f, new) = (world.uri("f"), world.uri("new"));
    for line in [&["mkdir", &new][..], &["rm", &f], &["chmod", "o+r", &f], &["tag", &f, "title=x"], &["ln", &f, &new]] {
        world.vospace(line).fails_with(1, &["ERROR:: ", "read-only mode", "try again later"]);
    }
    if profile.in_place() {
        // The byte sites of Vault take them still.
        world.vospace(&["cp", "g", &new]).fails_with(1, &["ERROR:: ", "demo/new", "read-only mode"]);
    }
    // What only reads works.
    assert_eq!(world.vospace(&["cat", &f]).ok().stdout(), "f");
    assert_eq!(world.vospace(&["ls", &f]).ok().stdout(), "f\n");
    world.server.post("/_bench/mode", r#"{"mode": "read_write"}"#);
    assert_eq!(world.bytes("f").unwrap(), b"f");
}

fn a_service_that_is_offline(profile: Profile) {
    let world = World::new(profile);
    world.put("f", b"f");
    world.server.post("/_bench/mode", r#"{"mode": "offline"}"#);
    world.vospace(&["ls", &world.uri("")]).fails_with(1, &["ERROR:: ", "503", "offline", "try again later"]);
}

fn credentials_that_expire_in_the_middle(profile: Profile) {
    const FILES: usize = 1000;
    let world = World::build(profile, false, &["--token-lifetime", "10min"]);
    world.server.populate(&["demo/many".into(), "--count".into(), FILES.to_string(), "--length".into(), "5".into()]);
    // Of each file the first that is asked of it: where a place for its bytes is negotiated, its node, unless all nodes are
    // asked for before, as a listing has names alone.
    let path = match profile {
        Profile::Datalab => "/nodes/demo/many/",
        Profile::Pyvospace => world.server.byte_path(),
        _ => "/files/demo/many/",
    };
    // From some point on every request is refused, as after the end of a token.
    let refuse = |skip: usize| {
        world.server.fault(&format!(r#"{{"method": "GET", "path": "{path}", "skip": {skip}, "status": 401, "text": "NotAuthenticated: expired"}}"#));
    };
    refuse(300);
    let first = world.vospace(&["cp", &world.uri("many"), "to"]).fails_with(1, &["ERROR:: ", "renew your credentials"]);
    let failed = first.stderr.matches("ERROR:: ").count();
    let came = fs::read_dir(world.local("to")).unwrap().count();
    assert_eq!(came + failed, FILES, "each is there or named");
    assert!(came >= 100 && failed >= 100, "{came} {failed}");
    assert!(fs::read_dir(world.local("to")).unwrap().all(|entry| entry.unwrap().metadata().unwrap().len() == 5));
    // With new ones only the rest is fetched.
    world.server.heal();
    world.server.forget();
    world.vospace(&["cp", &format!("{}/", world.uri("many")), "to"]).ok();
    assert_eq!(fs::read_dir(world.local("to")).unwrap().count(), FILES);
    let fetched = world.server.log().iter().filter(|r| r.path.contains(path) && r.method == "GET").count();
    assert!(fetched <= failed * 2, "{fetched} requests for {failed} files");
    if profile == Profile::Pyvospace {
        // A session is begun anew with the password.
        world.server.post("/_bench/clock", r#"{"offset_ms": 3600000}"#);
        return assert_eq!(world.vospace(&["ls", &world.uri("")]).ok().stdout(), "many\n");
    }
    // A token that has really ended.
    world.server.post("/_bench/clock", r#"{"offset_ms": 3600000}"#);
    world.vospace(&["ls", &world.uri("")]).fails_with(1, &["401", "renew your credentials"]);
}

fn a_full_quota_is_named(profile: Profile) {
    let world = World::new(profile);
    world.local_file("f", b"f");
    let route = if profile.in_place() { "files" } else { world.server.negotiation_route() };
    world.server.fault(&format!(r#"{{"route": "{route}", "status": 413, "text": "QuotaExceeded: limit: 0"}}"#));
    world.vospace(&["cp", "f", &world.uri("f")]).fails_with(1, &["ERROR:: ", "413", "quota"]);
    world.server.heal();
    assert!(!world.exists("f"));
}

fn a_locked_or_foreign_place(profile: Profile) {
    let world = World::build(profile, false, &["--user", "demo:demo-token:demo-password", "--user", "ada:ada-token"]);
    world.local_file("f", b"f");
    let foreign = world.uri("").replace("demo", "ada");
    for target in [format!("{foreign}/f"), format!("{foreign}/")] {
        world.vospace(&["cp", "f", &target]).fails_with(1, &["ERROR:: ", "ada", "ask the owner"]);
        // A second time is no different: an empty node of ours would let it through.
        world.vospace(&["cp", "f", &target]).fails_with(1, &["ask the owner"]);
    }
    let mut theirs = world.called("vls");
    assert_eq!(run(theirs.arg(&foreign).env("VOSPACE_TOKEN", "ada-token")).ok().stdout(), "");
    if profile.has_locks() {
        world.put("f", b"old");
        world.vospace(&["lock", "--lock", &world.uri("f")]).ok();
        world.vospace(&["cp", "f", &world.uri("f")]).fails_with(1, &["ERROR:: ", "demo/f"]);
        assert_eq!(world.bytes("f").unwrap(), b"old");
    }
}

fn nonsense_for_an_answer(profile: Profile) {
    let world = World::new(profile);
    world.put("f", b"f");
    for (rule, said) in [
        (r#""status": 200, "body": "<html>Log in to the network</html>""#, "not how a VOSpace service answers"),
        (r#""status": 404, "body": "<html><h1>Not Found</h1></html>""#, "check the path"),
    ] {
        world.server.fault(&format!(r#"{{"path": "/nodes/", {rule}}}"#));
        let refused = world.vospace(&["ls", &world.uri("")]).fails_with(1, &["ERROR:: ", said]);
        assert!(refused.stderr.lines().count() == 1 && !refused.stderr.contains("Log in"), "{}", refused.stderr);
        world.server.heal();
    }
}
