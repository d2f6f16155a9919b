//! What can go wrong while something is written, by the numbers of the list of faults in docs/server.md: what was written
//! arrives whole, under its name and once, or the program is told and the bytes are kept until they can.

mod rights;
mod sites;

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::process::Command;
use std::thread;
use std::time::Duration;

use nix::libc;
use vofs_tests::process::run;
use vofs_tests::server::TOKEN;
use vofs_tests::{Mount, Profile, Stranger, World, every_profile, wait_until};

every_profile!(
    f01_listing_stale_after_an_upload,
    f02_date_jumps_with_unchanged_bytes,
    f03_single_node_stale_too,
    f04_first_endpoint_is_dead,
    f07_connection_cut_in_the_request_or_before_the_status,
    f08_answer_lost_after_the_commit,
    f09_content_length_off_while_holes_are_filled,
    f10_digests_of_every_kind,
    f11_old_digest_over_torn_bytes,
    f12_md5_in_other_forms,
    f16_empty_files_answer_204,
    f17_emptied_files_keep_what_belongs_to_them,
    f18_failed_overwrite_is_sent_again,
    f19_a_foreign_upload_under_way,
    f20_transactions_that_are_lost_or_spoilt,
    f21_negotiations_that_come_to_nothing,
    f22_moves_whose_answers_are_lost_or_wrong,
    f23_removals_whose_answers_are_lost,
    f24_a_node_that_was_made_without_an_answer,
    f28_redirects_astray,
    f31_names_are_refused_before_anything_is_sent,
    f32_quota_and_full_disks,
    f33_groups_that_nobody_can_tell,
    f34_a_foreign_change_before_the_upload,
    f36_a_service_that_is_read_only,
    f37_a_restart_between_any_two_steps,
);

/// Longest wait for what the mount does by itself: it tries again with growing pauses.
const PATIENCE: Duration = Duration::from_secs(100);

fn pattern(length: usize, seed: usize) -> Vec<u8> {
    (0..length).map(|i| ((i + seed) % 241) as u8).collect()
}

fn close(file: File) -> io::Result<()> {
    nix::unistd::close(OwnedFd::from(file)).map_err(io::Error::from)
}

/// `mountvofs COMMAND` for the mount of this world; its standard output.
fn told(world: &World, arguments: &[&str]) -> String {
    run(world.command("mountvofs").args(arguments).arg("--cache_dir").arg(world.path("cache"))).ok().stdout()
}

/// What the service lists, in order (a Cavern has none).
fn names(world: &World) -> Vec<String> {
    let listed = world.vospace(&["ls", &world.uri("")]).ok().stdout();
    let mut names: Vec<String> = listed.lines().map(str::to_owned).collect();
    names.sort();
    names
}

/// Writes a new file and a new version of an old one under each rule in both modes. Both are there afterwards, and nothing
/// else; the close of none failed.
fn bears(profile: Profile, length: usize, rules: &[&str]) {
    for mode in ["close", "background"] {
        let world = World::new(profile);
        let mount = world.mounting().options(&["--write-back", mode]).start();
        let mut expected = Vec::new();
        for (number, rule) in rules.iter().enumerate() {
            let old = format!("old{number}");
            world.put(&old, b"the old content");
            assert_eq!(fs::read(mount.join(&old)).unwrap(), b"the old content");
            world.server.fault(&placed(&world, rule));
            for name in [old, format!("new{number}")] {
                fs::write(mount.join(&name), pattern(length, number))
                    .unwrap_or_else(|error| panic!("{rule}, {mode}: {name}: {error}\n{}", mount.log()));
                if mode == "background" {
                    told(&world, &["drain"]);
                }
                expected.push((name, number));
            }
            assert!(world.server.has_met_all(), "{rule}, {mode}: never met");
            world.server.heal();
        }
        for (name, number) in &expected {
            let stored = world.bytes(name).unwrap_or_else(|| panic!("{name}: not there\n{}", mount.log()));
            assert!(stored == pattern(length, *number), "{name}, {mode}: other bytes\n{}", mount.log());
            assert!(fs::read(mount.join(name)).unwrap() == pattern(length, *number), "{name} in the mount");
        }
        let mut known: Vec<String> = expected.into_iter().map(|(name, _)| name).collect();
        known.sort();
        assert_eq!(names(&world), known, "{mode}: nothing else is left");
        mount.unmount();
    }
}

/// A rule with the paths of this service.
fn placed(world: &World, rule: &str) -> String {
    rule.replace("BYTES", world.server.byte_path()).replace("NEGOTIATION", world.server.negotiation_path())
}

/// A write whose close fails with `errno` while the rule holds, and whose bytes arrive when it is gone.
fn keeps(profile: Profile, errno: i32, refused: bool, rule: &str) {
    let world = World::new(profile);
    let mount = world.mount();
    world.server.fault(&placed(&world, rule));
    let mut file = File::create(mount.join("f")).unwrap();
    file.write_all(&pattern(200_000, 5)).unwrap();
    let error = close(file).expect_err("the service cannot take it");
    assert_eq!(error.raw_os_error(), Some(errno), "{rule}: {error}\n{}", mount.log());
    assert!(fs::read(mount.join("f")).unwrap() == pattern(200_000, 5), "still here");
    let listed = told(&world, &["pending", "list"]);
    assert!(listed.contains(" f ") || listed.contains("  f  "), "{listed}");
    world.server.heal();
    if refused {
        assert!(listed.contains("refused"), "{listed}");
        told(&world, &["pending", "retry"]);
    }
    arrives(&world, &mount, "f", &pattern(200_000, 5));
    mount.unmount();
}

/// Returns when the rules in force have fallen on all the requests on which they fall.
fn until_met(world: &World) {
    wait_until("the request", PATIENCE, || world.server.has_met_all());
}

fn arrives(world: &World, mount: &Mount, name: &str, bytes: &[u8]) {
    let there = || world.bytes(name).is_some_and(|stored| stored == bytes);
    wait_until(&format!("{name} at the service"), PATIENCE, there);
    assert!(fs::read(mount.join(name)).unwrap() == bytes);
}

fn f01_listing_stale_after_an_upload(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mount();
    fs::create_dir(mount.join("d")).unwrap();
    world.server.fault(r#"{"method": "GET", "path": "/nodes/demo/d", "stale": true}"#);
    fs::write(mount.join("d/f"), pattern(300_000, 1)).unwrap();
    world.server.forget();
    for round in ["what was made here is known", "asked anew"] {
        if round == "asked anew" {
            told(&world, &["refresh", mount.join("d").to_str().unwrap()]);
        }
        assert_eq!(fs::read_dir(mount.join("d")).unwrap().count(), 1, "{round}");
        assert_eq!(fs::metadata(mount.join("d/f")).unwrap().len(), 300_000, "{round}");
        assert!(fs::read(mount.join("d/f")).unwrap() == pattern(300_000, 1), "{round}");
    }
    let log = world.server.log();
    assert!(log.iter().any(|entry| entry.method == "GET" && entry.path.ends_with("/nodes/demo/d")), "never listed");
    assert!(!log.iter().any(|entry| entry.is_byte_read() && entry.bytes_out > 0), "downloaded again");
}

fn f02_date_jumps_with_unchanged_bytes(profile: Profile) {
    let world = World::new(profile);
    world.put("f", b"one\n");
    let mount = world.mount();
    assert_eq!(fs::read(mount.join("f")).unwrap(), b"one\n");
    if profile == Profile::Vault {
        // On a Cavern the date is that of the bytes.
        world.server.fault(r#"{"path": "/nodes/demo/f", "date_shift_ms": 3600000}"#);
    }
    world.server.forget();
    told(&world, &["refresh", mount.join("f").to_str().unwrap()]);
    assert_eq!(fs::read(mount.join("f")).unwrap(), b"one\n");
    let mut file = File::options().append(true).open(mount.join("f")).unwrap();
    file.write_all(b"two\n").unwrap();
    close(file).unwrap();
    assert!(!world.server.log().iter().any(|entry| entry.is_byte_read() && entry.bytes_out > 0), "downloaded again");
    assert_eq!(world.bytes("f").unwrap(), b"one\ntwo\n");
    assert_eq!(names(&world), ["f"]);
}

fn f03_single_node_stale_too(profile: Profile) {
    let world = World::new(profile);
    world.put("old", b"somebody else's");
    let mut mount = world.mounting().renaming().start();
    assert_eq!(fs::read(mount.join("old")).unwrap(), b"somebody else's");
    let names_here = ["old", "new", "moved"];
    for name in ["old", "new", "before"] {
        fs::write(mount.join(name), b"the first of ours").unwrap();
        fs::write(mount.join(name), pattern(200_000, 2)).unwrap();
    }
    let stale = || world.server.fault(r#"{"method": "GET", "path": "/nodes/demo/", "stale": true}"#);
    stale();
    fs::rename(mount.join("before"), mount.join("moved")).unwrap();
    let mut expected = pattern(200_000, 2);
    for round in ["written", "appended to", "in another mount"] {
        for name in names_here {
            assert_eq!(fs::metadata(mount.join(name)).unwrap().len(), expected.len() as u64, "{name}, {round}");
            assert!(fs::read(mount.join(name)).unwrap() == expected, "{name}, {round}: {}", mount.log());
            let mut file = File::options().append(true).open(mount.join(name)).unwrap();
            file.write_all(round.as_bytes()).unwrap();
            close(file).unwrap();
        }
        expected.extend(round.as_bytes());
        if round == "appended to" {
            mount.unmount();
            mount = world.mounting().renaming().start();
        }
    }
    world.server.heal();
    for name in names_here {
        assert!(world.bytes(name).unwrap() == expected, "{name}: {}", mount.log());
        assert!(fs::read(mount.join(name)).unwrap() == expected, "{name}");
    }
    assert_eq!(names(&world), ["moved", "new", "old"]);
}

fn f04_first_endpoint_is_dead(profile: Profile) {
    bears(profile, 300_000, &[r#"{"first_endpoint": "http://127.0.0.1:1/minoc"}"#]);
}

fn f07_connection_cut_in_the_request_or_before_the_status(profile: Profile) {
    bears(
        profile,
        500_000,
        &[
            r#"{"method": "PUT", "path": "BYTES", "count": 1, "cut_request_after": 100000}"#,
            r#"{"method": "PUT", "path": "BYTES", "count": 1, "lose_answer": true}"#,
            r#"{"method": "PUT", "path": "BYTES", "count": 1, "cut_after": 5}"#,
        ],
    );
}

/// More than one segment.
const LARGE: usize = 70_000_000;

fn f08_answer_lost_after_the_commit(profile: Profile) {
    bears_large(profile, r#"{"header": "x-put-txn-op: commit", "count": 1, "lose_answer": true}"#);
}

/// The same for one large file.
fn bears_large(profile: Profile, rule: &str) {
    let world = World::new(profile);
    let mount = world.mount();
    world.server.fault(&rule.replace("BYTES", world.server.byte_path()));
    fs::write(mount.join("f"), pattern(LARGE, 1)).unwrap();
    // Only where there are transactions.
    assert_eq!(world.server.has_met_all(), profile.has_sites(), "{rule}");
    world.server.heal();
    assert!(world.bytes("f").unwrap() == pattern(LARGE, 1));
    assert_eq!(names(&world), ["f"]);
    mount.unmount();
}

fn f09_content_length_off_while_holes_are_filled(profile: Profile) {
    for off in [1000, -1000] {
        let world = World::new(profile);
        for name in ["read", "changed"] {
            world.put(name, pattern(600_000, 3));
        }
        let mount = world.mount();
        let off_by = |count: &str| {
            let rule = r#"{"method": "GET", "path": "BYTES", COUNT "content_length_off": OFF}"#;
            let rule = rule.replace("BYTES", world.server.byte_path()).replace("COUNT", count);
            world.server.fault(&rule.replace("OFF", &off.to_string()));
        };
        // Whoever reads gets an error or the bytes, and the cache keeps nothing that is too short.
        let reader = File::open(mount.join("read")).unwrap();
        off_by("");
        let mut piece = vec![0; 100_000];
        if let Ok(length) = reader.read_at(&mut piece, 400_000) {
            assert!(length > 0 && piece[..length] == pattern(600_000, 3)[400_000..400_000 + length], "{off}");
        }
        world.server.heal();
        // Also while somebody still has it open who met the error.
        assert!(fs::read(mount.join("read")).unwrap() == pattern(600_000, 3), "{off}");
        drop(reader);

        let file = File::options().write(true).open(mount.join("changed")).unwrap();
        file.write_all_at(b"patched", 300_000).unwrap();
        off_by(r#""count": 1,"#);
        let closed = close(file);
        world.server.heal();
        let mut expected = pattern(600_000, 3);
        expected[300_000..300_007].copy_from_slice(b"patched");
        if let Err(error) = closed {
            assert_eq!(error.raw_os_error(), Some(libc::EIO), "{off}: {}", mount.log());
        }
        arrives(&world, &mount, "changed", &expected);
        assert_eq!(names(&world), ["changed", "read"], "{off}: nothing is kept beside it");
    }
}

fn f10_digests_of_every_kind(profile: Profile) {
    bears(
        profile,
        100_000,
        &[
            r#"{"method": "PUT", "path": "BYTES", "count": 1, "digest": "wrong"}"#,
            r#"{"method": "PUT", "path": "BYTES", "digest": "missing"}"#,
            r#"{"method": "PUT", "path": "BYTES", "digest": "sha256"}"#,
            r#"{"method": "PUT", "path": "BYTES", "digest": "upper_case"}"#,
            r#"{"method": "PUT", "path": "BYTES", "digest": "several"}"#,
        ],
    );
}

fn f11_old_digest_over_torn_bytes(profile: Profile) {
    bears(profile, 300_000, &[r#"{"method": "PUT", "path": "BYTES", "count": 1, "tear_upload": 100000}"#]);
}

fn f12_md5_in_other_forms(profile: Profile) {
    for form in ["upper_case", "prefixed"] {
        let world = World::new(profile);
        let mount = world.mount();
        world.server.fault(&format!(r#"{{"path": "/nodes/demo", "md5_form": "{form}"}}"#));
        fs::write(mount.join("f"), b"one ").unwrap();
        let mut file = File::options().append(true).open(mount.join("f")).unwrap();
        file.write_all(b"two").unwrap();
        close(file).unwrap();
        assert_eq!(world.bytes("f").unwrap(), b"one two");
        assert_eq!(names(&world), ["f"]);
    }
}

fn f16_empty_files_answer_204(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mount();
    File::create(mount.join("f")).unwrap();
    wait_until("the empty file", PATIENCE, || world.exists("f"));
    assert_eq!(fs::read(mount.join("f")).unwrap(), b"");
    let mut file = File::options().append(true).open(mount.join("f")).unwrap();
    file.write_all(b"no longer empty").unwrap();
    close(file).unwrap();
    assert_eq!(world.bytes("f").unwrap(), b"no longer empty");
    // Of a file that has bytes it can be that of a version without any, and is never the end of this one.
    world.put("full", pattern(100_000, 1));
    world.server.fault(&placed(&world, r#"{"method": "GET", "path": "BYTES", "answer_status": 204}"#));
    assert_eq!(fs::read(mount.join("full")).unwrap_err().raw_os_error(), Some(libc::ESTALE));
    assert!(world.server.has_met_all());
    world.server.heal();
    assert!(fs::read(mount.join("full")).unwrap() == pattern(100_000, 1));
}

fn f17_emptied_files_keep_what_belongs_to_them(profile: Profile) {
    let world = World::new(profile);
    world.put("f", b"content");
    world.vospace(&["chmod", "o+r", &world.uri("f")]).ok();
    world.vospace(&["tag", &world.uri("f"), "ivo://example.org/vospace#colour=red"]).ok();
    let mount = world.mount();
    assert_eq!(fs::metadata(mount.join("f")).unwrap().mode() & 0o777, 0o604);
    run(Command::new("truncate").args(["-s", "0"]).arg(mount.join("f"))).ok();
    wait_until("the empty file at the service", PATIENCE, || world.bytes("f").is_some_and(|bytes| bytes.is_empty()));
    fs::write(mount.join("f"), b"again").unwrap();
    assert_eq!(world.bytes("f").unwrap(), b"again");
    let tags = world.vospace(&["tag", &world.uri("f")]).ok().stdout();
    assert!(tags.contains("red"), "{tags}");
    assert_eq!(fs::metadata(mount.join("f")).unwrap().mode() & 0o777, 0o604);
}

fn f18_failed_overwrite_is_sent_again(profile: Profile) {
    let world = World::new(profile);
    world.put("f", b"the old content");
    let mount = world.mount();
    let rule = r#"{"method": "PUT", "path": "BYTES", "cut_request_after": 50000}"#;
    world.server.fault(&rule.replace("BYTES", world.server.byte_path()));
    let mut file = File::create(mount.join("f")).unwrap();
    file.write_all(&pattern(200_000, 2)).unwrap();
    close(file).expect_err("cut each time");
    assert!(fs::read(mount.join("f")).unwrap() == pattern(200_000, 2));
    world.server.heal();
    arrives(&world, &mount, "f", &pattern(200_000, 2));
    assert_eq!(names(&world), ["f"]);
}

fn f19_a_foreign_upload_under_way(profile: Profile) {
    let world = World::new(profile);
    world.put("f", pattern(400_000, 1));
    let mount = world.mount();
    let rule = r#"{"method": "PUT", "path": "BYTES", "count": 1, "bytes_per_second": 400000}"#;
    world.server.fault(&rule.replace("BYTES", world.server.byte_path()));
    thread::scope(|scope| {
        let foreign = scope.spawn(|| world.put("f", pattern(800_000, 2)));
        while !foreign.is_finished() {
            // A whole version or an error; never a mixture.
            if let Ok(bytes) = fs::read(mount.join("f"))
                && profile == Profile::Vault
            {
                assert!(bytes == pattern(400_000, 1) || bytes == pattern(800_000, 2), "{} bytes", bytes.len());
            }
        }
        foreign.join().unwrap();
    });
    wait_until("the new version", PATIENCE, || fs::read(mount.join("f")).is_ok_and(|read| read == pattern(800_000, 2)));
    let mut file = File::options().append(true).open(mount.join("f")).unwrap();
    file.write_all(b"more").unwrap();
    close(file).unwrap();
    assert!(world.bytes("f").unwrap() == [pattern(800_000, 2), b"more".to_vec()].concat());
}

fn f20_transactions_that_are_lost_or_spoilt(profile: Profile) {
    for rule in [
        r#"{"method": "PUT", "header": "x-put-txn-id", "skip": 1, "count": 1, "forget_transaction": true}"#,
        r#"{"method": "PUT", "header": "x-put-txn-id", "count": 1, "digest": "wrong"}"#,
        r#"{"method": "PUT", "header": "x-put-txn-id", "count": 1, "tear_upload": 1000000}"#,
    ] {
        bears_large(profile, rule);
    }
    if profile.has_sites() {
        // More than what we would send at a time, and less.
        for limits in [r#""least_segment": 68000000"#, r#""longest_segment": 5000000"#] {
            let world = World::new(profile);
            let space = profile.service();
            world.server.post("/_bench/profile", &format!(r#"{{"space": "{space}", "habits": {{{limits}}}}}"#));
            let mount = world.mount();
            fs::write(mount.join("f"), pattern(LARGE, 1)).unwrap();
            assert!(world.bytes("f").unwrap() == pattern(LARGE, 1), "{limits}");
            mount.unmount();
        }
    }
}

fn f21_negotiations_that_come_to_nothing(profile: Profile) {
    // Where bytes go to the path nothing is negotiated.
    if profile.in_place() {
        return bears(profile, 1000, &[r#"{"path": "BYTES", "no_endpoints": true}"#]);
    }
    bears(
        profile,
        1000,
        &[
            r#"{"path": "NEGOTIATION", "no_endpoints": true, "count": 1}"#,
            r#"{"path": "NEGOTIATION", "count": 1, "status": 500}"#,
            r#"{"path": "NEGOTIATION", "count": 1, "lose_answer": true}"#,
        ],
    );
    keeps(profile, libc::EACCES, true, r#"{"path": "NEGOTIATION", "status": 403}"#);
}

fn f22_moves_whose_answers_are_lost_or_wrong(profile: Profile) {
    let no_way_but_jobs = r#"{"path": "/synctrans", "status": 405}"#;
    let rules = [
        (None, r#"{"method": "POST", "path": "/synctrans", "count": 1, "lose_answer": true}"#),
        (None, r#"{"method": "POST", "path": "/synctrans", "count": 1, "misreport_move": true}"#),
        (Some(no_way_but_jobs), r#"{"method": "POST", "path": "/phase", "count": 1, "misreport_move": true}"#),
        (Some(no_way_but_jobs), r#"{"method": "POST", "path": "/phase", "count": 1, "slow_job_ms": 2000}"#),
        (Some(no_way_but_jobs), r#"{"method": "POST", "path": "/phase", "count": 1, "job_error": "InternalFault"}"#),
        (Some(no_way_but_jobs), r#"{"method": "GET", "path": "/transfers/", "count": 1, "lose_job": true}"#),
    ];
    // Two services have no other way.
    for (before, rule) in rules.into_iter().filter(|(before, _)| before.is_some() || !profile.one_use()) {
        let world = World::new(profile);
        world.put("a", b"new");
        world.put("b", b"old");
        let mount = world.mount();
        world.server.fault(rule);
        before.filter(|_| !profile.one_use()).inspect(|before| world.server.fault(before));
        let renamed = fs::rename(mount.join("a"), mount.join("b"));
        assert!(world.server.has_met_all() || !profile.moves_files(), "{rule}: never met: {renamed:?}");
        world.server.heal();
        let settled = || told(&world, &["status", "--json"]).contains(r#""unfinished_moves": 0"#);
        wait_until("the rename is settled", PATIENCE, settled);
        let expected: &[&str] = if renamed.is_ok() { &["b"] } else { &["a", "b"] };
        assert_eq!(names(&world), expected, "{rule}: {renamed:?}");
        let old_or_new: &[u8] = if renamed.is_ok() { b"new" } else { b"old" };
        assert_eq!(world.bytes("b").unwrap(), old_or_new, "{rule}");
    }
}

fn f23_removals_whose_answers_are_lost(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mount();
    fs::create_dir(mount.join("d")).unwrap();
    fs::write(mount.join("d/f"), b"x").unwrap();
    let full = fs::remove_dir(mount.join("d")).unwrap_err();
    assert_eq!(full.raw_os_error(), Some(libc::ENOTEMPTY));
    world.server.fault(r#"{"method": "DELETE", "count": 1, "lose_answer": true}"#);
    fs::remove_file(mount.join("d/f")).unwrap();
    world.server.heal();
    world.server.fault(r#"{"method": "DELETE", "count": 1, "lose_answer": true}"#);
    fs::remove_dir(mount.join("d")).unwrap();
    assert!(!world.exists("d"));
}

fn f24_a_node_that_was_made_without_an_answer(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mount();
    for (name, effect) in [("lost", r#""lose_answer": true"#), ("said", r#""answer_status": 500"#)] {
        world.server.fault(&format!(r#"{{"method": "PUT", "path": "/nodes/demo", "count": 1, {effect}}}"#));
        let made = fs::create_dir(mount.join(name));
        world.server.heal();
        assert_eq!(made.is_ok() || fs::metadata(mount.join(name)).is_ok(), world.exists(name), "{name}: {made:?}");
        world.server.fault(&format!(r#"{{"method": "PUT", "path": "/nodes/demo", "count": 1, {effect}}}"#));
        File::create(mount.join(format!("{name}-empty"))).unwrap();
        wait_until("the empty file", PATIENCE, || world.exists(&format!("{name}-empty")));
        world.server.heal();
    }
}

fn f28_redirects_astray(profile: Profile) {
    let stranger = Stranger::listen();
    let elsewhere = format!("http://{}/somewhere/else", stranger.address());
    // A Vault answers a negotiation by a redirect, which is spoilt. A Cavern takes bytes at the path: one that redirects an
    // upload is made here.
    let astray = match profile {
        // By a path alone, which is what such a redirect would have to begin with.
        Profile::Pyvospace => {
            ["/vospace/synctrans", "ftp://elsewhere.invalid/x", "http://elsewhere.invalid/x", &elsewhere]
                .map(|place| format!(r#""headers": {{"location": "{place}"}}"#))
                .to_vec()
        }
        Profile::Cavern | Profile::Srcnet => {
            let nowhere = [303, 307, 301].map(|status| format!(r#""status": {status}"#));
            let led = [elsewhere.as_str(), "ftp://elsewhere.invalid/x", "/"].map(|place| (307, place));
            let led = led.into_iter().chain([301, 303, 308].map(|status| (status, elsewhere.as_str())));
            let led = led.map(|(status, place)| format!(r#""status": {status}, "location": "{place}""#));
            nowhere.into_iter().chain(led).collect()
        }
        _ => vec![
            r#""redirect": "loop""#.to_owned(),
            r#""redirect": "other_scheme""#.to_owned(),
            r#""redirect": "other_host""#.to_owned(),
            r#""redirect": "no_location""#.to_owned(),
            format!(r#""headers": {{"location": "{elsewhere}"}}"#),
        ],
    };
    for effect in astray {
        let world = World::new(profile);
        let mount = world.mount();
        let place = match profile {
            Profile::Cavern | Profile::Srcnet => format!(r#""method": "PUT", "path": "{}""#, world.server.byte_path()),
            _ => format!(r#""path": "{}""#, world.server.negotiation_path()),
        };
        world.server.fault(&format!("{{{place}, {effect}}}"));
        let mut file = File::create(mount.join("f")).unwrap();
        file.write_all(b"somewhere").unwrap();
        close(file).expect_err("it leads nowhere");
        assert_eq!(fs::read(mount.join("f")).unwrap(), b"somewhere", "{effect}: still here");
        assert!(told(&world, &["pending", "list"]).contains('f'), "{effect}");
        world.server.heal();
        told(&world, &["pending", "retry"]);
        arrives(&world, &mount, "f", b"somewhere");
        assert_eq!(names(&world), ["f"], "{effect}");
    }
    let leaked = stranger.heads().iter().any(|head| head.contains(TOKEN));
    assert!(!leaked, "credentials went to a stranger");
    if profile == Profile::Vault {
        // These lead to where the bytes belong, each in a form of its own.
        let forms = ["moved_permanently", "found", "temporary", "permanent", "relative"];
        let rules = forms.map(|form| format!(r#"{{"path": "/synctrans", "redirect": "{form}"}}"#));
        bears(profile, 1000, &rules.each_ref().map(String::as_str));
    }
}

fn f31_names_are_refused_before_anything_is_sent(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mount();
    world.server.forget();
    for name in ["a#b", "a?b"] {
        let error = File::create(mount.join(name)).unwrap_err();
        assert!(matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EILSEQ)), "{name}: {error}");
    }
    let changing = |method: &str| ["PUT", "POST", "DELETE"].contains(&method);
    let sent = world.server.log().into_iter().find(|entry| changing(&entry.method) || entry.path.contains("/demo/a"));
    assert!(sent.is_none(), "{sent:?}");
}

fn f32_quota_and_full_disks(profile: Profile) {
    // At the negotiation, in the words of a Vault; while bytes are sent, in those of a Cavern's file system.
    if profile == Profile::Vault {
        keeps(profile, libc::EDQUOT, false, r#"{"path": "/synctrans", "status": 413, "text": "QuotaExceeded"}"#);
    }
    keeps(
        profile,
        libc::EDQUOT,
        false,
        r#"{"method": "PUT", "path": "BYTES", "status": 413, "text": "limit: 100000"}"#,
    );
    // A failure is told without its words at Astro Data Lab (observed).
    let full = if profile == Profile::Datalab { libc::EIO } else { libc::EDQUOT };
    keeps(profile, full, false, r#"{"method": "PUT", "path": "BYTES", "disk_full_after": 50000}"#);
    // What says nothing of room is no quota: a proxy that takes no bodies of this size, a failure without a word.
    let proxy =
        r#"{"method": "PUT", "path": "BYTES", "status": 413, "body": "<html>413 Request Entity Too Large</html>"}"#;
    keeps(profile, libc::EIO, false, proxy);
    keeps(profile, libc::EIO, false, r#"{"method": "PUT", "path": "BYTES", "status": 500}"#);
}

fn f33_groups_that_nobody_can_tell(profile: Profile) {
    keeps(profile, libc::EACCES, true, r#"{"method": "PUT", "path": "BYTES", "status": 403}"#);
    bears(profile, 1000, &[r#"{"path": "/nodes/demo", "count": 1, "status": 500}"#]);
}

fn f34_a_foreign_change_before_the_upload(profile: Profile) {
    for policy in ["keep-both", "overwrite", "fail"] {
        let world = World::new(profile);
        world.put("f", b"base");
        let mount = world.mounting().options(&["--on-conflict", policy]).start();
        let mut file = File::create(mount.join("f")).unwrap();
        // Starting a program closes its copy of the descriptor, which sends what was written: so that comes after.
        world.put("f", b"theirs");
        file.write_all(b"ours, and longer").unwrap();
        let closed = close(file);
        let status = told(&world, &["status"]);
        assert!(status.lines().any(|line| line.split_whitespace().eq(["conflicts", "1"])), "{policy}: {status}");
        match policy {
            "keep-both" => {
                closed.unwrap();
                assert_eq!(world.bytes("f").unwrap(), b"theirs");
                let names = names(&world);
                assert!(names.len() == 2 && names[1].starts_with("f.conflict-"), "{names:?}");
                assert_eq!(world.bytes(&names[1]).unwrap(), b"ours, and longer");
            }
            "overwrite" => {
                closed.unwrap();
                assert_eq!(world.bytes("f").unwrap(), b"ours, and longer");
                assert_eq!(names(&world), ["f"]);
            }
            _ => {
                assert_eq!(closed.unwrap_err().raw_os_error(), Some(libc::ESTALE));
                assert_eq!(world.bytes("f").unwrap(), b"theirs");
                let saved = world.local("saved");
                told(&world, &["pending", "export", "f", saved.to_str().unwrap()]);
                assert_eq!(fs::read(&saved).unwrap(), b"ours, and longer");
                told(&world, &["pending", "retry", "f"]);
                arrives(&world, &mount, "f", b"ours, and longer");
            }
        }
        mount.unmount();
    }
}

fn f36_a_service_that_is_read_only(profile: Profile) {
    for mode in ["close", "background"] {
        let world = World::new(profile);
        world.put("old", b"stays");
        let mount = world.mounting().options(&["--write-back", mode]).start();
        assert_eq!(fs::read(mount.join("old")).unwrap(), b"stays");
        // The mode of the service, in which negotiations go on, and a service that takes none either.
        if profile == Profile::Datalab {
            // It has no such mode; what stands before it may.
            for method in ["PUT", "DELETE"] {
                let place = format!(r#""method": "{method}", "path": "/nodes/", "status": 503, "retry_after": "180""#);
                world.server.fault(&format!(r#"{{{place}, "text": "System is in read-only mode for maintenance"}}"#));
            }
        } else {
            world.server.post("/_bench/mode", r#"{"mode": "read_only"}"#);
        }
        let place = world.server.negotiation_path();
        let negotiation = format!(r#""path": "{place}", "status": 503, "retry_after": "180""#);
        world.server.fault(&format!(r#"{{{negotiation}, "text": "System is in read-only mode for maintenance"}}"#));
        world.server.forget();
        let mut file = File::create(mount.join("f")).unwrap();
        file.write_all(b"queued").unwrap();
        let closed = close(file);
        if mode == "close" {
            assert_eq!(closed.unwrap_err().raw_os_error(), Some(libc::EROFS), "{}", mount.log());
        } else {
            closed.unwrap();
        }
        // Moves are jobs, which go on.
        for change in [fs::create_dir(mount.join("d")), fs::remove_file(mount.join("old"))] {
            assert_eq!(change.unwrap_err().raw_os_error(), Some(libc::EROFS), "{mode}: {}", mount.log());
        }
        // Queued, and reported.
        let mut status = String::new();
        wait_until("the status tells", PATIENCE, || {
            status = told(&world, &["status"]);
            status.contains("read-only") && status.contains("tries")
        });
        assert!(status.contains("  f  "), "{status}");
        // What is asked for by a negotiation cannot be looked at now.
        if !profile.one_use() {
            assert_eq!(world.bytes("f").unwrap_or_default(), b"");
        }
        assert_eq!(fs::read(mount.join("f")).unwrap(), b"queued");
        world.server.heal();
        world.server.post("/_bench/mode", r#"{"mode": "read_write"}"#);
        told(&world, &["pending", "retry"]);
        arrives(&world, &mount, "f", b"queued");
        assert_eq!(world.bytes("old").unwrap(), b"stays");
        assert_eq!(names(&world), ["f", "old"]);
        mount.unmount();
    }
}

fn f37_a_restart_between_any_two_steps(profile: Profile) {
    let mut world = World::new(profile);
    world.put("f", b"old");
    let mount = world.mounting().renaming().start();
    let mut restart = || {
        world.server.kill();
        world.server.resume();
    };
    restart();
    let mut file = File::create(mount.join("f")).unwrap();
    restart();
    file.write_all(b"new").unwrap();
    restart();
    file.sync_all().unwrap();
    restart();
    file.write_all(b"er").unwrap();
    restart();
    close(file).unwrap();
    restart();
    fs::rename(mount.join("f"), mount.join("g")).unwrap();
    restart();
    fs::create_dir(mount.join("d")).unwrap();
    restart();
    fs::rename(mount.join("g"), mount.join("d/h")).unwrap();
    restart();
    assert_eq!(fs::read(mount.join("d/h")).unwrap(), b"newer");
    assert_eq!(world.bytes("d/h").unwrap(), b"newer");
    assert_eq!(names(&world), ["d"]);
}
