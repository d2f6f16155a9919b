//! Copies: what ends them, what they leave behind, what they must not replace.

use std::fs;
use std::time::{Duration, SystemTime};

use nix::sys::signal::Signal;
use vofs_tests::process::{Guard, code, run};
use vofs_tests::server::Logged;
use vofs_tests::{Profile, World, every_profile, wait_until};

every_profile!(
    s01_an_unusable_certificate_ends_a_copy_at_once,
    s01_a_transfer_that_fails_for_good_is_given_up,
    s02_several_sources_never_share_one_name,
    s04_a_name_that_cannot_be_sent_is_named,
    s07_a_repeated_upload_sends_its_bytes_again,
    s09_a_failed_upload_leaves_no_node,
    s10_emptying_a_file_keeps_its_rights_and_tags,
    s11_the_old_file_stays_until_the_new_one_is_whole,
    s15_interrupted_uploads_leave_nothing,
    s17_what_is_overwritten_is_sent_and_counted,
    s17_what_others_remove_is_noticed,
);

fn byte_writes(world: &World) -> Vec<Logged> {
    world.server.log().into_iter().filter(Logged::is_byte_write).collect()
}

fn s01_an_unusable_certificate_ends_a_copy_at_once(profile: Profile) {
    let world = World::tls(profile);
    world.local_file("f", b"x");
    let broken = world.local_file("broken.pem", b"no certificate\n");
    let copy = |certificate: &str| {
        let mut vcp = world.called("vcp");
        vcp.env_remove("VOSPACE_TOKEN").args(["--certfile", certificate, "f", &format!("{}/", world.uri(""))]);
        run(&mut vcp)
    };
    if profile.has_own_credentials() {
        // Its section says who the caller is: no other credentials are looked at.
        copy(broken.to_str().unwrap()).ok();
        assert_eq!(world.bytes("f").unwrap(), b"x");
        return;
    }
    world.server.forget();
    copy(broken.to_str().unwrap()).fails_with(1, &["ERROR:: ", "broken.pem", "cadc-get-cert"]);
    assert!(world.server.log().is_empty(), "{:?}", world.server.log());
    // One that can be read, and that this service does not know.
    let elsewhere = World::tls(profile);
    let foreign = elsewhere.server.user_certificate("demo");
    let refused = copy(foreign.to_str().unwrap()).fails_with(1, &["ERROR:: "]);
    assert!(refused.stderr.contains("certificate"), "{}", refused.stderr);
    assert!(!world.exists("f"));
}

fn s01_a_transfer_that_fails_for_good_is_given_up(profile: Profile) {
    let world = World::new(profile);
    world.local_file("f", b"x");
    let path = world.server.byte_path();
    world.server.fault(&format!(r#"{{"path": "{path}", "status": 500, "text": "TransferFailed"}}"#));
    world.server.forget();
    world.vospace(&["cp", "f", &world.uri("")]).fails_with(1, &["f", "500"]);
    assert!(world.server.log().len() < 60, "{:?}", world.server.log());
}

fn s02_several_sources_never_share_one_name(profile: Profile) {
    let world = World::new(profile);
    world.put("old", b"old");
    world.put("other", b"other");
    let (a, b) = (world.local_file("a", b"a"), world.local_file("b", b"b"));
    for target in [world.uri("old"), world.uri("new")] {
        world.vospace(&["cp", "a", "b", &target]).fails_with(1, &["several sources"]);
    }
    assert_eq!(world.bytes("old").unwrap(), b"old");
    assert!(!world.exists("new"));
    for target in ["a", "new"] {
        world.vospace(&["cp", &world.uri("old"), &world.uri("other"), target]).fails_with(1, &["several sources"]);
    }
    assert_eq!((fs::read(a).unwrap(), fs::read(b).unwrap()), (b"a".to_vec(), b"b".to_vec()));
    // Of one name, into a directory.
    world.local_file("d/a", b"the other a");
    world.vospace(&["cp", "a", "d/a", &world.uri("")]).fails_with(1, &["would both become"]);
    assert!(!world.exists("a"));
}

fn s04_a_name_that_cannot_be_sent_is_named(profile: Profile) {
    let world = World::new(profile);
    world.local_file("tree/a b", b"x");
    world.local_file("tree/c", b"c");
    world
        .vospace(&["cp", "tree", &world.uri("tree")])
        .fails_with(1, &["ERROR:: tree/a b: ", "a space", "; rename it, then copy again"]);
    assert_eq!(world.bytes("tree/c").unwrap(), b"c");
}

fn s07_a_repeated_upload_sends_its_bytes_again(profile: Profile) {
    let world = World::new(profile);
    let bytes: Vec<u8> = (0..300_000_u32).map(|i| (i % 251) as u8).collect();
    world.local_file("f", &bytes);
    let path = world.server.byte_path();
    world.server.fault(&format!(r#"{{"method": "PUT", "path": "{path}", "status": 503, "count": 2}}"#));
    world.vospace(&["cp", "f", &world.uri("f")]).ok();
    assert_eq!(byte_writes(&world).iter().filter(|request| request.status == 503).count(), 2);
    assert!(world.bytes("f").unwrap() == bytes);
}

fn s09_a_failed_upload_leaves_no_node(profile: Profile) {
    let world = World::new(profile);
    world.local_file("f", b"x");
    world.put("old", b"old");
    let path = world.server.byte_path();
    world.server.fault(&format!(r#"{{"method": "PUT", "path": "{path}", "status": 500}}"#));
    world.vospace(&["cp", "f", &world.uri("f")]).fails_with(1, &["ERROR:: ", "demo/f", "500"]);
    world.vospace(&["cp", "f", &world.uri("old")]).fails_with(1, &["ERROR:: ", "demo/old", "500"]);
    world.server.heal();
    assert!(!world.exists("f"));
    assert!(world.exists("old"), "what was there before is not removed");
}

fn s10_emptying_a_file_keeps_its_rights_and_tags(profile: Profile) {
    let world = World::new(profile);
    world.put("f", b"something");
    world.vospace(&["tag", &world.uri("f"), "ivo://example.org/vospace/x#quality=good", "title=A title"]).ok();
    world.vospace(&["chmod", "og+r", &world.uri("f"), "A"]).ok();
    world.local_file("empty", b"");
    world.vospace(&["cp", "empty", &world.uri("f")]).ok();
    assert_eq!(world.bytes("f").unwrap(), b"");
    let shown = world.vospace(&[
        "tag",
        &world.uri("f"),
        "ivo://example.org/vospace/x#quality",
        "title",
        "ispublic",
        "groupread",
    ]);
    assert_eq!(shown.ok().stdout(), format!("'good'\n'A title'\n'true'\n'{}?A'\n", profile.groups()));
}

fn s11_the_old_file_stays_until_the_new_one_is_whole(profile: Profile) {
    let world = World::new(profile);
    world.put("f", vec![7; 400_000]);
    let old = world.local_file("f", b"old");
    let path = world.server.byte_path();
    world.server.fault(&format!(r#"{{"method": "GET", "path": "{path}", "cut_after": 1000}}"#));
    world.vospace(&["cp", &world.uri("f"), "f"]).fails_with(1, &["ERROR:: ", "demo/f"]);
    assert_eq!(fs::read(&old).unwrap(), b"old");
    world.server.heal();
    world.server.fault(&format!(r#"{{"method": "GET", "path": "{path}", "digest": "missing"}}"#));
    world.vospace(&["cp", &world.uri("f"), "f"]).ok();
    assert_eq!(fs::read(&old).unwrap(), vec![7; 400_000]);
}

fn s15_interrupted_uploads_leave_nothing(profile: Profile) {
    let world = World::new(profile);
    fs::File::create(world.local("big")).unwrap().set_len(50_000_000).unwrap();
    let path = world.server.byte_path();
    world.server.fault(&format!(r#"{{"method": "PUT", "path": "{path}", "bytes_per_second": 1000000}}"#));
    let mut command = world.command("vospace");
    let mut copy = Guard::spawn(command.args(["cp", "big", &world.uri("big")]));
    wait_until("the upload", Duration::from_secs(30), || {
        let negotiation = world.server.negotiation_path();
        world.server.log().iter().any(|request| request.method == "PUT" || request.path.contains(negotiation))
            && world.exists("big")
    });
    copy.signal(Signal::SIGINT);
    assert_eq!(copy.wait(Duration::from_secs(10)).map(code), Some(130));
    world.server.heal();
    wait_until("the empty node to go", Duration::from_secs(60), || !world.exists("big"));
}

fn s17_what_is_overwritten_is_sent_and_counted(profile: Profile) {
    let world = World::new(profile);
    world.local_file("d/a", b"same");
    world.local_file("d/b", b"same too");
    let there = world.uri("d");
    world.vospace(&["sync", "d/", &there]).ok();
    world.server.forget();
    let told = world.vospace(&["-v", "sync", "--overwrite", "d/", &there]).ok();
    assert!(told.stderr.contains("2 copied (12 bytes), 0 unchanged"), "{}", told.stderr);
    assert_eq!(byte_writes(&world).len(), 2);
}

fn s17_what_others_remove_is_noticed(profile: Profile) {
    let world = World::new(profile);
    let file = world.local_file("d/a", b"a");
    // Older than any cache.
    fs::File::options().write(true).open(&file).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    let there = world.uri("d");
    let cache = ["--cache_nodes", "--cache_filename", "cache.db"];
    let sync = || run(world.called("vsync").args(cache).args(["-r", "d/", &there])).ok();
    sync();
    world.vospace(&["rm", &world.uri("d/a")]).ok();
    sync();
    assert_eq!(world.bytes("d/a").unwrap(), b"a");
}
