//! `--json` and `--dry-run`: one object a line with the keys that docs/cli-compatibility.md lists, on failures too; and
//! a dry run that changes nothing.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;
use vofs_tests::server::Logged;
use vofs_tests::{Finished, Profile, World, every_profile};

every_profile!(vls_and_vtag_as_json, copies_as_json, failures_as_json, a_dry_run_changes_nothing);

/// The objects on standard output; a line that is none fails.
#[track_caller]
fn objects(ended: &Finished) -> Vec<Value> {
    ended
        .stdout()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// The keys of an object, in order.
fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

fn vls_and_vtag_as_json(profile: Profile) {
    const NODE: [&str; 13] = [
        "creator",
        "date",
        "groupread",
        "groupwrite",
        "length",
        "locked",
        "md5",
        "name",
        "node",
        "public",
        "target",
        "type",
        "uri",
    ];
    let world = World::new(profile);
    let name = ["été-'quoted'", "ete-(quoted)"].into_iter().find(|name| profile.takes_name(name)).unwrap();
    world.put(name, b"x");
    world.vospace(&["mkdir", &world.uri("d")]).ok();
    world.vospace(&["ln", &world.uri("d"), &world.uri("l")]).ok();
    let listed = objects(&world.vospace(&["ls", "--json", &world.uri("")]).ok());
    let types: BTreeMap<&str, &Value> = listed.iter().map(|node| (node["type"].as_str().unwrap(), node)).collect();
    assert_eq!(types.keys().copied().collect::<Vec<_>>(), ["container", "data", "link"]);
    for node in &listed {
        let mut found = keys(node);
        found.sort_unstable();
        assert_eq!(found, NODE);
        assert_eq!(node["node"].as_str().unwrap(), world.uri(node["name"].as_str().unwrap()));
    }
    assert_eq!((types["data"]["length"].as_u64(), types["container"]["target"].as_str()), (Some(1), None));
    assert!(types["link"]["target"].as_str().unwrap().ends_with("/demo/d"));
    let md5 = profile.tells_digests().then_some("9dd4e461268c8034f5c8564e155c67a6");
    assert_eq!(types["data"]["md5"].as_str(), md5);
    assert!(types["data"]["groupread"].as_array().unwrap().is_empty());
    let shown = objects(&world.vospace(&["tag", "--json", &world.uri("*")]).ok());
    assert_eq!(shown.len(), 3);
    assert!(shown.iter().all(|node| keys(node) == ["node", "properties"]), "{shown:?}");
}

fn copies_as_json(profile: Profile) {
    let world = World::new(profile);
    world.local_file("t/a", b"aa");
    world.local_file("t/sub/b", b"b");
    for (verb, target) in [("cp", world.uri("one")), ("sync", world.uri("two"))] {
        let told = objects(&world.vospace(&[verb, "--json", "t/", &target]).ok());
        let of = |event: &str| told.iter().filter(|object| object["event"] == event).collect::<Vec<_>>();
        assert_eq!(of("copied").len(), 2, "{told:?}");
        let mut found = keys(of("copied")[0]);
        found.sort_unstable();
        assert_eq!(found, ["bytes", "event", "seconds", "source", "target"]);
        assert_eq!(of("copied").iter().map(|object| object["bytes"].as_u64().unwrap()).sum::<u64>(), 3);
    }
    let again = objects(&world.vospace(&["sync", "--json", "t/", &world.uri("two")]).ok());
    // Without a digest nothing is known to be the same.
    let event = if profile.tells_digests() { "unchanged" } else { "copied" };
    assert_eq!(again.iter().filter(|object| object["event"] == event).count(), 2, "{again:?}");
    let down = objects(&world.vospace(&["cp", "--json", &world.uri("one"), "back"]).ok());
    assert!(
        down.iter().any(|object| object["target"].as_str().is_some_and(|target| target.ends_with("back/sub/b"))
            || object["target"].as_str().is_some_and(|target| target.ends_with("sub/b"))),
        "{down:?}"
    );
}

fn failures_as_json(profile: Profile) {
    let world = World::new(profile);
    world.local_file("t/good", b"x");
    world.local_file("t/bad#name", b"x");
    for (verb, target) in [("cp", world.uri("one")), ("sync", world.uri("two"))] {
        let ended = world.vospace(&[verb, "--json", "t/", &target]).fails_with(1, &["ERROR:: ", "bad#name"]);
        let told = objects(&ended);
        let failed: Vec<_> = told.iter().filter(|object| object["event"] == "failed").collect();
        assert_eq!(failed.len(), 1, "{told:?}");
        assert!(failed[0]["source"].as_str().unwrap().ends_with("t/bad#name"));
        assert!(failed[0]["error"].as_str().unwrap().contains("the character #"));
        assert_eq!(told.iter().filter(|object| object["event"] == "copied").count(), 1);
    }
    for verb in ["ls", "tag"] {
        let ended = world.vospace(&[verb, "--json", &world.uri("none")]).fails_with(1, &["ERROR:: ", "demo/none"]);
        assert!(objects(&ended).is_empty());
    }
}

fn a_dry_run_changes_nothing(profile: Profile) {
    let world = World::new(profile);
    world.local_file("t/a", b"a");
    world.local_file("t/sub/b", b"b");
    world.vospace(&["cp", "t", &world.uri("there")]).ok();
    world.local_file("t/a", b"changed");
    world.put("there/extra", b"x");
    world.local_file("mine/own", b"x");
    let local = || {
        let mut found = BTreeMap::new();
        for name in ["t/a", "t/sub/b", "mine/own"] {
            found.insert(name, fs::read(world.local(name)).unwrap());
        }
        found
    };
    let before = local();
    let (there, new) = (world.uri("there"), world.uri("new"));
    let contents = format!("{there}/");
    for line in [
        &["cp", "--dry-run", "t", &there][..],
        &["cp", "--dry-run", "t", &new],
        &["cp", "--dry-run", &there, "down"],
        &["sync", "--dry-run", "t/", &there],
        &["sync", "--dry-run", "--overwrite", "--delete", "t/", &there],
        &["sync", "--dry-run", "t/", &new],
        &["sync", "--dry-run", "--delete", &contents, "mine"],
        &["sync", "--dry-run", &contents, "down"],
    ] {
        world.server.forget();
        let told = world.vospace(line).ok().stdout();
        assert!(told.contains("would "), "{line:?}: {told}");
        let log = world.server.log();
        let changing: Vec<&Logged> = log
            .iter()
            .filter(|request| !["GET", "HEAD"].contains(&request.method.as_str()) && !request.is_log_in())
            .collect();
        assert!(changing.is_empty() && !log.iter().any(Logged::is_byte_read), "{line:?}: {log:?}");
    }
    assert!(!world.local("down").exists() && !world.exists("new"));
    assert_eq!(local(), before);
    assert_eq!(world.bytes("there/a").unwrap(), b"a");
}
