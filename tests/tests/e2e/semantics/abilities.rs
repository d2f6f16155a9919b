//! What a mount does where a service lacks what others have.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::time::Duration;

use nix::errno::Errno;
use vofs_tests::{Profile, World, wait_until};

use super::errno;

/// For what takes a round trip or two.
const SOON: Duration = Duration::from_secs(30);

/// How often the service was asked for a node whose path ends so, or for its children.
fn questions(world: &World, within: &str) -> usize {
    let is_one = |path: &str| path.contains("/nodes/") && path.contains(within);
    world.server.log().iter().filter(|entry| entry.method == "GET" && is_one(&entry.path)).count()
}

#[test]
fn names_are_shown_at_once_and_attributes_when_they_are_wanted() {
    const COUNT: usize = 40;
    let world = World::new(Profile::Pyvospace);
    let mount = world.mount();
    fs::create_dir(mount.join("d")).unwrap();
    for i in 0..COUNT {
        fs::write(mount.join(format!("d/f{i:02}")), vec![1; i + 1]).unwrap();
    }
    mount.unmount();
    let mount = world.mounting().cache(&world.path("cache2")).start();
    world.server.forget();
    let names: Vec<_> = fs::read_dir(mount.join("d")).unwrap().map(|entry| entry.unwrap()).collect();
    assert_eq!(names.len(), COUNT);
    assert!(names.iter().all(|entry| entry.file_type().unwrap().is_file()));
    assert_eq!(questions(&world, "/d/f"), 0, "names need no question a file");
    for i in 0..COUNT {
        assert_eq!(fs::metadata(mount.join(format!("d/f{i:02}"))).unwrap().len(), i as u64 + 1);
    }
    assert_eq!(questions(&world, "/d/f"), COUNT, "one a file");
    assert_eq!(fs::read(mount.join("d/f20")).unwrap(), vec![1; 21]);
}

#[test]
fn without_dates_and_digests_files_are_read_anew_and_the_status_says_so() {
    let world = World::new(Profile::Pyvospace);
    world.server.post("/_bench/profile", r#"{"space": "vospace", "habits": {"documents": {"dates": "none"}}}"#);
    world.put("f", "first");
    let mount = world.mounting().options(&["--reread-after=0"]).start();
    assert_eq!(fs::read(mount.join("f")).unwrap(), b"first");
    world.put("f", "other");
    assert_eq!(fs::read(mount.join("f")).unwrap(), b"other", "of the same length");
    let refresh = &world.status()["refresh"];
    assert_eq!((refresh["weak"].as_bool(), refresh["reread_after"].as_u64()), (Some(true), Some(0)), "{refresh}");
    let status = world.ask_mount(&["status"]).ok().stdout();
    assert!(status.contains("refresh      WEAK") && status.contains("--reread-after"), "{status}");
    fs::write(mount.join("f"), "ours!").unwrap();
    assert_eq!(world.bytes("f").unwrap(), b"ours!", "no conflict with oneself");
    mount.unmount();
    let mount = world.mounting().options(&["--reread-after=3600"]).start();
    assert_eq!(fs::read(mount.join("f")).unwrap(), b"ours!");
    world.put("f", "again");
    assert_eq!(fs::read(mount.join("f")).unwrap(), b"ours!", "believed for an hour");
    world.put("f", "of another length");
    wait_until("another length is seen", SOON, || fs::read(mount.join("f")).unwrap() == b"of another length");
}

#[test]
fn without_dates_a_digest_tells_at_once_that_a_file_was_replaced() {
    for profile in [Profile::Cavern, Profile::Srcnet] {
        let world = World::new(profile);
        let habits = r#"{"documents": {"dates": "none"}}"#;
        let space = profile.service();
        world.server.post("/_bench/profile", &format!(r#"{{"space": "{space}", "habits": {habits}}}"#));
        world.put("f", "first");
        let mount = world.mounting().options(&["--reread-after=3600"]).start();
        assert_eq!(fs::read(mount.join("f")).unwrap(), b"first");
        world.put("f", "other");
        assert_eq!(fs::read(mount.join("f")).unwrap(), b"other", "{profile:?}: of the same length");
        assert_eq!(world.status()["refresh"]["weak"].as_bool(), Some(false), "{profile:?}");
        world.server.forget();
        assert_eq!(fs::read(mount.join("f")).unwrap(), b"other");
        assert!(!world.server.log().iter().any(|entry| entry.is_byte_read()), "{profile:?}: it is here");
        fs::write(mount.join("f"), "ours!").unwrap();
        assert_eq!(world.bytes("f").unwrap(), b"ours!", "{profile:?}: no conflict with oneself");
    }
}

#[test]
fn with_dates_alone_a_replaced_file_is_seen_at_once() {
    for profile in [Profile::Pyvospace, Profile::Datalab] {
        let world = World::new(profile);
        world.put("f", "first");
        let mount = world.mount();
        assert_eq!(fs::read(mount.join("f")).unwrap(), b"first");
        // Of another length: dates may be to the second.
        world.put("f", "another");
        assert_eq!(fs::read(mount.join("f")).unwrap(), b"another", "{profile:?}");
        assert_eq!(world.status()["refresh"]["weak"].as_bool(), Some(false), "{profile:?}");
        fs::write(mount.join("f"), "written here").unwrap();
        world.server.forget();
        assert_eq!(fs::read(mount.join("f")).unwrap(), b"written here");
        assert!(!world.server.log().iter().any(|entry| entry.is_byte_read()), "{profile:?}: it is here");
    }
}

#[test]
fn a_file_without_ranges_comes_by_one_request_wherever_it_is_read() {
    for profile in [Profile::Pyvospace, Profile::Datalab] {
        let world = World::new(profile);
        let bytes: Vec<u8> = (0..3_000_000_u32).map(|at| (at / 1000) as u8).collect();
        world.put("f", &bytes);
        let mount = world.mounting().cache(&world.path("cache2")).start();
        world.server.forget();
        let file = File::open(mount.join("f")).unwrap();
        let mut piece = [0; 4096];
        for at in [0, 2_900_000, 1_500_000] {
            file.read_exact_at(&mut piece, at as u64).unwrap();
            assert!(piece[..] == bytes[at..at + 4096], "{profile:?} at {at}");
        }
        let fetched = world.server.log().iter().filter(|entry| entry.is_byte_read() && entry.status == 200).count();
        assert_eq!(fetched, 1, "{profile:?}");
    }
}

#[test]
fn what_cannot_be_moved_is_eopnotsupp_and_the_log_names_the_remedy() {
    let world = World::new(Profile::Pyvospace);
    world.put("f", "content");
    world.put("target", "old");
    let mount = world.mount();
    for to in ["g", "target"] {
        assert_eq!(errno(fs::rename(mount.join("f"), mount.join(to))), Errno::EOPNOTSUPP, "{to}");
    }
    wait_until("the log says so", SOON, || mount.log().contains("--emulate-rename"));
    assert_eq!(fs::read(mount.join("f")).unwrap(), b"content");
    assert_eq!(fs::read(mount.join("target")).unwrap(), b"old");
    assert!(!world.exists("g"));
    // What it can move it moves.
    fs::create_dir(mount.join("d")).unwrap();
    fs::rename(mount.join("d"), mount.join("e")).unwrap();
    assert!(world.exists("e") && !world.exists("d"));
}

#[test]
fn with_emulate_rename_it_is_copied_verified_and_deleted() {
    let world = World::new(Profile::Pyvospace);
    let bytes: Vec<u8> = (0..300_000_u32).map(|at| (at % 251) as u8).collect();
    world.put("f", &bytes);
    world.put("target", "old");
    let mount = world.mounting().options(&["--emulate-rename"]).start();
    fs::rename(mount.join("f"), mount.join("g")).unwrap();
    assert!(world.bytes("g").unwrap() == bytes && !world.exists("f"));
    fs::rename(mount.join("g"), mount.join("target")).unwrap();
    assert!(fs::read(mount.join("target")).unwrap() == bytes);
    assert!(world.bytes("target").unwrap() == bytes && !world.exists("g"));
    assert!(mount.log().contains("renamed by copying and deleting"), "{}", mount.log());
    assert_eq!(world.status()["unfinished_moves"].as_u64(), Some(0));
}

#[test]
fn properties_that_an_upload_takes_away_are_given_back() {
    let world = World::new(Profile::Pyvospace);
    world.put("f", "first");
    world.vospace(&["tag", &world.uri("f"), "title=kept"]).ok();
    let mount = world.mount();
    for text in ["second", "third"] {
        fs::write(mount.join("f"), text).unwrap();
        assert_eq!(world.bytes("f").unwrap(), text.as_bytes());
        let tags = world.vospace(&["tag", &world.uri("f")]).ok().stdout();
        assert!(tags.contains("kept"), "{text}: {tags}");
    }
}

#[test]
fn rights_that_are_not_kept_are_eopnotsupp() {
    let world = World::new(Profile::Pyvospace);
    world.put("f", "content");
    // A change that the service drops in silence.
    let node = r#"<vos:node xmlns:vos="http://www.ivoa.net/xml/VOSpace/v2.1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" uri="vos://icrar.org!vospace//demo/f" xsi:type="vos:DataNode"><vos:properties/></vos:node>"#;
    let rule = serde_json::json!({"method": "POST", "path": "*/nodes/demo/f", "status": 200, "body": node});
    world.server.fault(&rule.to_string());
    let mount = world.mount();
    let chmod = |mode| fs::set_permissions(mount.join("f"), Permissions::from_mode(mode));
    assert_eq!(errno(chmod(0o644)), Errno::EOPNOTSUPP);
    wait_until("the log says so", SOON, || mount.log().contains("chmod refused"));
    assert_eq!(fs::metadata(mount.join("f")).unwrap().permissions().mode() & 0o777, 0o600);
    chmod(0o600).unwrap();
}

#[test]
fn names_that_this_service_cannot_hold_are_einval_before_anything_is_sent() {
    let world = World::new(Profile::Datalab);
    let mount = world.mount();
    world.server.forget();
    for name in ["two words", "été", "a&b"] {
        assert_eq!(errno(File::create_new(mount.join(name))), Errno::EINVAL, "{name}");
        assert_eq!(errno(fs::create_dir(mount.join(name))), Errno::EINVAL, "{name}");
    }
    let sent: Vec<_> = world.server.log().into_iter().filter(|entry| entry.method != "GET").collect();
    assert!(sent.is_empty(), "{sent:?}");
    fs::write(mount.join("plain-name.fits"), "x").unwrap();
    assert_eq!(world.bytes("plain-name.fits").unwrap(), b"x");
}

#[test]
fn a_file_whose_length_is_not_told_is_not_empty() {
    for profile in [Profile::Pyvospace, Profile::Datalab, Profile::Vault, Profile::Strict] {
        let world = World::new(profile);
        let (space, quiet) = (profile.service(), r#"{"documents": {"lengths": false}}"#);
        world.server.post("/_bench/profile", &format!(r#"{{"space": "{space}", "habits": {quiet}}}"#));
        world.vospace(&["mkdir", &world.uri("d")]).ok();
        world.put("d/f", "content");
        world.put("d/empty", "");
        let mount = world.mount();
        let length = |name: &str| fs::metadata(mount.join(name)).unwrap().len();
        assert_eq!(fs::read_dir(mount.join("d")).unwrap().count(), 2, "{profile:?}");
        assert_eq!((length("d/f"), length("d/empty")), (7, 0), "{profile:?}");
        assert_eq!(fs::read(mount.join("d/f")).unwrap(), b"content", "{profile:?}");
        fs::copy(mount.join("d/f"), world.local("copy")).unwrap();
        assert_eq!(fs::read(world.local("copy")).unwrap(), b"content", "{profile:?}");
        // Longer by another client: what was found is not believed for ever.
        world.put("d/f", "content and more");
        assert_eq!(fs::read(mount.join("d/f")).unwrap(), b"content and more", "{profile:?}");
        OpenOptions::new().append(true).open(mount.join("d/f")).unwrap().write_all(b", appended").unwrap();
        assert_eq!(world.bytes("d/f").unwrap(), b"content and more, appended", "{profile:?}");
        assert_eq!(fs::read(mount.join("d/f")).unwrap(), b"content and more, appended", "{profile:?}");
    }
}

#[test]
fn a_file_whose_length_cannot_be_found_is_an_error_and_never_empty() {
    let world = World::new(Profile::Strict);
    world.server.post("/_bench/profile", r#"{"space": "strict", "habits": {"documents": {"lengths": false}}}"#);
    world.put("f", "content");
    let bytes = world.server.byte_path();
    world.server.fault(&format!(r#"{{"method": "GET", "path": "{bytes}", "status": 403}}"#));
    let mount = world.mount();
    assert!(fs::read(mount.join("f")).is_err());
    assert!(fs::metadata(mount.join("f")).is_err());
    world.server.heal();
    wait_until("it is there again", SOON, || fs::read(mount.join("f")).is_ok_and(|read| read == b"content"));
    // Nor does the answer that has the bytes say how many they are.
    let quiet = serde_json::json!({"method": "GET", "path": bytes, "headers": {"content-length": null}});
    world.server.fault(&quiet.to_string());
    world.put("counted", "content");
    assert_eq!(fs::metadata(mount.join("counted")).unwrap().len(), 7);
}
