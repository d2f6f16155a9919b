//! What the Python client was seen to get wrong against the real services, done right. Where both clients can be run on the
//! same nodes, `agree::differs` of the interoperability tests shows it and nothing is repeated here.

use std::fs;
use std::process::Command;
use std::time::Duration;

use vofs_tests::process::run;
use vofs_tests::server::Logged;
use vofs_tests::wire::Wire;
use vofs_tests::{Profile, World, every_profile, wait_until};

every_profile!(
    a_second_copy_keeps_the_checksum,
    names_beyond_ascii_arrive_as_they_are,
    a_name_that_would_be_cut_becomes_no_other,
    a_site_that_is_down_is_told_and_leaves_nothing,
    a_listing_that_breaks_off_is_taken_up_again,
);

fn changes(world: &World) -> Vec<Logged> {
    let mut log = world.server.log();
    log.retain(|request| !["GET", "HEAD"].contains(&request.method.as_str()));
    log
}

fn a_second_copy_keeps_the_checksum(profile: Profile) {
    let world = World::new(profile);
    world.local_file("f", b"bytes");
    let md5 = || world.vospace(&["tag", &world.uri("f"), "MD5"]).ok().stdout();
    world.vospace(&["cp", "f", &world.uri("f")]).ok();
    if !profile.tells_digests() {
        assert_eq!(md5(), "None\n");
        return;
    }
    assert_eq!(md5(), "'4b3a6218bb3e3a7303e8a171a60fcf92'\n");
    world.server.forget();
    for line in [["cp", "f", &world.uri("f")], ["cp", "f", &world.uri("")], ["sync", "f", &world.uri("")]] {
        world.vospace(&line).ok();
        assert_eq!(md5(), "'4b3a6218bb3e3a7303e8a171a60fcf92'\n", "{line:?}");
    }
    assert!(changes(&world).is_empty(), "{:?}", changes(&world));
}

fn names_beyond_ascii_arrive_as_they_are(profile: Profile) {
    let world = World::new(profile);
    // The last one is decomposed here, and composed at every service.
    for name in ["ü", "été", "日本", "e\u{301}cole"] {
        world.local_file(&format!("t/{name}"), name);
    }
    world.vospace(&["cp", "t", &world.uri("t")]).ok();
    let listed = world.vospace(&["ls", "-r", &world.uri("t")]).ok().stdout();
    assert_eq!(listed, "日本\nü\n\u{e9}té\n\u{e9}cole\n");
    assert_eq!(world.vospace(&["cat", &world.uri("t/日本"), &world.uri("t/ü")]).ok().stdout(), "日本ü");
    assert_eq!(world.vospace(&["cat", &world.uri("t/*cole")]).ok().stdout(), "e\u{301}cole");
    world.server.forget();
    world.vospace(&["sync", "--delete", "--yes", "t/", &world.uri("t")]).ok();
    // What tells no digest is sent again.
    assert!(changes(&world).is_empty() || !profile.tells_digests(), "{:?}", changes(&world));
    world.vospace(&["cp", &world.uri("t"), "back"]).ok();
    assert_eq!(fs::read_to_string(world.local("back/\u{e9}cole")).unwrap(), "e\u{301}cole");
    assert_eq!(fs::read_dir(world.local("back")).unwrap().count(), 4);
}

fn a_name_that_would_be_cut_becomes_no_other(profile: Profile) {
    let world = World::new(profile);
    world.local_file("f", b"other");
    world.put("a", b"precious");
    for (name, said) in [("a#b", "the character #"), ("a?b", "the character ?"), ("a[1]", "the character [")] {
        world.vospace(&["cp", "f", &world.uri(name)]).fails_with(1, &["ERROR:: ", said]);
    }
    if profile == Profile::Pyvospace {
        // It would be here: neither stored, nor made, nor removed under the name that is left.
        let uri = world.uri("a;b");
        for line in [&["cp", "f", &uri][..], &["mkdir", &uri], &["rm", &uri], &["cat", &uri], &["tag", &uri, "title=t"]]
        {
            world.vospace(line).fails_with(1, &["ERROR:: ", "the character ;"]);
        }
        assert_eq!(world.bytes("a").unwrap(), b"precious");
        assert_eq!(world.vospace(&["ls", &world.uri("")]).ok().stdout(), "a\n");
        return;
    }
    world.vospace(&["cp", "f", &world.uri("a;b")]).ok();
    assert_eq!(world.bytes("a").unwrap(), b"precious");
    assert_eq!(world.bytes("a%3Bb").unwrap(), b"other");
    assert_eq!(world.vospace(&["ls", &world.uri("")]).ok().stdout(), "a\na;b\n");
}

/// Where there are no sites, what takes and gives the bytes is down, and the nodes are not.
fn a_site_that_is_down_is_told_and_leaves_nothing(profile: Profile) {
    let world = World::new(profile);
    world.put("f", b"f");
    world.local_file("new", b"new");
    let old = world.local_file("old", b"old");
    let site = |state: &str| match state {
        _ if profile.has_sites() => {
            world.server.post("/_bench/site", &format!(r#"{{"site": 1, "state": "{state}"}}"#));
        }
        "up" => world.server.heal(),
        _ => {
            let (bytes, wait) = (world.server.byte_path(), if state == "dead" { "" } else { "3600" });
            let down = serde_json::json!({"path": bytes, "status": 503, "retry_after": wait, "text": "out of service"});
            world.server.fault(&down.to_string());
        }
    };
    // Gone, and gone with the service's knowledge.
    for state in ["dead", "down"] {
        site(state);
        world.vospace(&["cp", "new", &world.uri("new")]).fails_with(1, &["ERROR:: ", "demo/new"]);
        world.vospace(&["cp", &world.uri("f"), "old"]).fails_with(1, &["ERROR:: ", "demo/f"]);
        assert_eq!(fs::read(&old).unwrap(), b"old");
        assert_eq!(world.vospace(&["ls", &world.uri("")]).ok().stdout(), "f\n", "no empty file stays");
        site("up");
    }
    world.vospace(&["cp", "new", &world.uri("new")]).ok();
    world.vospace(&["cp", &world.uri("f"), "old"]).ok();
    assert_eq!(fs::read(&old).unwrap(), b"f");
}

/// Well-formed, with status 200, and nothing to tell it from a whole one (observed). Where there are no pages, what it lacks
/// cannot be known, and is not believed to be gone when something would be lost by that.
fn a_listing_that_breaks_off_is_taken_up_again(profile: Profile) {
    let world = World::new(profile);
    for i in 0..10 {
        world.local_file(&format!("t/f{i}"), "x");
    }
    let t = world.uri("t");
    world.vospace(&["cp", "t", &t]).ok();
    let same = || run(Command::new("diff").arg("-r").arg(world.local("t")).arg(world.local("back"))).ok();
    if !profile.has_sites() {
        world.vospace(&["cp", &t, "back"]).ok();
    }
    let query = if profile.has_sites() { "limit=5000" } else { "" };
    let rule = serde_json::json!({"path": "*/nodes/demo/t", "query": query, "truncate_listing": 3});
    world.server.fault(&rule.to_string());
    let listed = world.vospace(&["ls", &t]).ok().stdout();
    if profile.has_sites() {
        assert_eq!(listed.lines().count(), 10);
        world.vospace(&["cp", &t, "back"]).ok();
        same();
        return;
    }
    assert_eq!(listed.lines().count(), 3, "{listed}");
    for line in [["sync", "--delete", "--yes", &format!("{t}/"), "back"], ["sync", "--delete", "--yes", "t/", &t]] {
        world.vospace(&line).ok();
    }
    same();
    world.server.heal();
    assert_eq!(world.vospace(&["ls", &t]).ok().stdout().lines().count(), 10);
}

/// A Cavern whose upload fails keeps the name, no bytes, and the checksum of those before; who fetches that hears of nothing.
#[test]
fn a_file_that_a_failed_upload_emptied_is_no_empty_file() {
    let world = World::new(Profile::Cavern);
    world.put("f", b"precious");
    Wire::new(&world.server).cut("PUT", "/arc/files/demo/f", &[], 100, b"half");
    wait_until("the file to be emptied", Duration::from_secs(30), || world.bytes("f").unwrap().is_empty());
    let here = world.local_file("f", b"as it was once");
    let (f, copy) = (world.uri("f"), world.uri("copy"));
    for line in [&["cp", &f, "f"][..], &["sync", &f, "."], &["cat", &f], &["cp", &f, "-"], &["cp", &f, &copy]] {
        world.vospace(line).fails_with(1, &["ERROR:: ", "demo/f", "store it there anew"]);
    }
    assert_eq!(fs::read(&here).unwrap(), b"as it was once");
    assert_eq!(fs::read_dir(world.path("local")).unwrap().count(), 1);
    assert!(!world.exists("copy"));
    world.vospace(&["cp", "f", &f]).ok();
    assert_eq!(world.vospace(&["cat", &f]).ok().stdout(), "as it was once");
    // One that is meant to be empty is.
    world.put("empty", b"");
    world.vospace(&["cp", &world.uri("empty"), "f"]).ok();
    assert_eq!(fs::read(&here).unwrap(), b"");
}

/// A Vault's listings show a file as empty for half a minute after its upload.
#[test]
fn what_was_just_copied_is_known_before_listings_show_it() {
    let world = World::build(Profile::Vault, false, &["--refresh-interval", "3600"]);
    world.local_file("t/f", b"content");
    world.vospace(&["cp", "t", &world.uri("t")]).ok();
    let listed = world.vospace(&["ls", "--json", &world.uri("t")]).ok().stdout();
    assert!(!listed.contains(r#""length":7"#), "{listed}");
    world.server.forget();
    world.vospace(&["sync", "t/", &world.uri("t")]).ok();
    world.vospace(&["cp", "t", &world.uri("")]).ok();
    assert!(changes(&world).is_empty(), "{:?}", changes(&world));
    world.vospace(&["cp", &world.uri("t"), "back"]).ok();
    assert_eq!(fs::read(world.local("back/f")).unwrap(), b"content");
}
