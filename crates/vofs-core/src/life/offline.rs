//! A mount whose service cannot be reached, and can again.

use super::tests::{Bench, Mount, READ, WRITE, runtime};
use super::*;
use crate::config::WriteBack;
use crate::handles::OpenFlags;
use crate::heard::Heard;
use crate::inode::Ino;
use crate::path::NodePath;
use crate::remote::fake::Habits;

async fn until(mount: &Mount, offline: bool) {
    for _ in 0..2000 {
        if mount.0.offline_since().is_some() == offline {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never {offline}");
}

/// Attributes and listings are believed for no time at all, so that all is asked for.
fn doubt(config: &mut Config) {
    config.attribute_ttl = Duration::ZERO;
    config.listing_ttl = Duration::ZERO;
    config.negative_ttl = Duration::ZERO;
    config.quiet = Duration::ZERO;
}

async fn doubting(bench: &Bench, write_back: WriteBack) -> Mount {
    let doubt = |config: &mut Config| {
        doubt(config);
        config.write_back = write_back;
    };
    bench.mount_as(doubt).await
}

#[tokio::test]
async fn what_was_seen_is_seen_and_what_was_read_is_read_without_the_service() {
    let bench = Bench::new();
    bench.remote.add_directory("d");
    bench.remote.store("d/read", vec![7; 100_000]);
    bench.remote.store("d/seen", vec![8; 100_000]);
    let mount = doubting(&bench, WriteBack::Close).await;
    assert_eq!(mount.names("d").await, ["read", "seen"]);
    assert_eq!(mount.read("d/read").await, vec![7; 100_000]);
    bench.remote.go_down(true);
    assert_eq!(mount.names("d").await, ["read", "seen"]);
    assert_eq!(mount.read("d/read").await, vec![7; 100_000]);
    assert!(mount.0.offline_since().is_some());
    let seen = mount.open("d/seen", READ).await;
    let missing = mount.0.read(seen, 0, 10).await.expect_err("never read");
    assert_eq!(missing.to_string(), "/d/seen: the service cannot be reached, and this is not in the cache");
    mount.0.release(seen).await;
    assert!(mount.walk("d/none").await.is_none(), "a complete listing lacked it");
    let parent = mount.ino("d").await;
    assert!(mount.0.lookup(Ino::ROOT, "never-listed").await.is_err(), "nobody knows");
    assert!(mount.0.mkdir(parent, "new").await.is_err(), "directories are not queued");
    assert!(mount.0.open(mount.ino("d/read").await, WRITE).await.is_err(), "its close would fail");
    // Back again, it is as it is there by now.
    bench.remote.store("d/read", vec![9; 5]);
    bench.remote.drop_node("d/seen");
    bench.remote.go_down(false);
    until(&mount, false).await;
    assert_eq!(mount.names("d").await, ["read"]);
    assert_eq!(mount.read("d/read").await, vec![9; 5]);
}

#[tokio::test]
async fn what_is_written_meanwhile_waits_and_meets_the_rule_of_conflicts() {
    let bench = Bench::new();
    bench.remote.store("old", b"old".to_vec());
    bench.remote.store("both", b"base".to_vec());
    let mount = doubting(&bench, WriteBack::Background).await;
    mount.names("").await;
    for name in ["old", "both"] {
        mount.read(name).await;
    }
    bench.remote.go_down(true);
    mount.names("").await;
    until(&mount, true).await;
    let fh = mount.create("new").await;
    mount.0.write(fh, 0, b"made offline").await.expect("written");
    mount.close(fh).await.expect("safe in the journal");
    for name in ["old", "both"] {
        let fh = mount.open(name, WRITE).await;
        mount.0.write(fh, 0, b"OURS").await.expect("written");
        mount.close(fh).await.expect("safe in the journal");
    }
    assert_eq!(mount.names("").await, ["both", "new", "old"]);
    assert_eq!(mount.read("new").await, b"made offline");
    // Somebody else, who has a link.
    bench.remote.store("both", b"theirs".to_vec());
    bench.remote.go_down(false);
    mount.until_clean().await;
    assert_eq!(bench.remote.bytes("new").expect("sent"), "made offline");
    assert_eq!(bench.remote.bytes("old").expect("sent"), "OURS");
    assert_eq!(bench.remote.bytes("both").expect("theirs keeps the name"), "theirs");
    let beside: Vec<String> = bench.remote.paths().into_iter().filter(|path| path.contains("both.conflict-")).collect();
    assert_eq!(beside.len(), 1, "{:?}", bench.remote.paths());
    assert_eq!(bench.remote.bytes(beside[0].trim_start_matches('/')).expect("kept"), "OURS");
}

#[tokio::test]
async fn one_broken_answer_is_no_outage() {
    let bench = Bench::new();
    bench.remote.store("f", vec![7; 10]);
    let mount = doubting(&bench, WriteBack::Close).await;
    mount.names("").await;
    bench.remote.cut_off("stat /f");
    let error = mount.0.lookup(Ino::ROOT, "f").await.expect_err("the service is there");
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert!(mount.0.offline_since().is_none());
}

#[tokio::test]
async fn a_service_that_says_nothing_is_out_of_reach_too() {
    let heard = Heard::here();
    let bench = Bench::new();
    bench.remote.store("f", vec![7; 10]);
    let impatient = |config: &mut Config| {
        doubt(config);
        config.silence = Duration::from_millis(40);
    };
    let mount = bench.mount_as(impatient).await;
    mount.names("").await;
    mount.read("f").await;
    bench.remote.stall_after(Some(0), false);
    assert_eq!(mount.read("f").await, vec![7; 10]);
    assert!(mount.0.offline_since().is_some());
    assert_eq!(mount.names("").await, ["f"]);
    bench.remote.stall_after(None, false);
    until(&mount, false).await;
    heard.says("the service cannot be reached: what is cached can be read, what is known is shown");
}

#[tokio::test]
async fn without_a_service_no_mount_begins() {
    let bench = Bench::new();
    bench.remote.go_down(true);
    let begun = bench.try_mount(|_| {}).await;
    assert!(matches!(begun, Err(Error::Unreachable { .. })));
}

#[test]
fn a_mount_begins_with_what_the_former_one_knew_and_goes_on_when_the_service_is_back() {
    let heard = Heard::here();
    let bench = Bench::new();
    bench.remote.add_directory("d");
    bench.remote.store("d/read", vec![7; 100_000]);
    bench.remote.store("waits", b"old".to_vec());
    let life = runtime();
    life.block_on(async {
        let former = doubting(&bench, WriteBack::Background).await;
        assert_eq!(former.names("").await, ["d", "waits"]);
        assert_eq!(former.names("d").await, ["read"]);
        assert_eq!(former.read("d/read").await, vec![7; 100_000]);
        former.read("waits").await;
        bench.remote.go_down(true);
        let fh = former.open("waits", WRITE).await;
        former.0.write(fh, 0, b"NEW").await.expect("written");
        former.close(fh).await.expect("safe in the journal");
    });
    drop(life);
    runtime().block_on(async {
        let mount = doubting(&bench, WriteBack::Background).await;
        assert!(mount.0.offline_since().is_some());
        assert_eq!(mount.names("").await, ["d", "waits"]);
        assert_eq!(mount.names("d").await, ["read"]);
        assert_eq!(mount.read("d/read").await, vec![7; 100_000]);
        assert_eq!(mount.read("waits").await, b"NEW");
        assert_eq!(bench.remote.bytes("waits").expect("as it was"), "old");
        bench.remote.store("d/late", b"of somebody else".to_vec());
        bench.remote.go_down(false);
        until(&mount, false).await;
        mount.until_clean().await;
        assert_eq!(bench.remote.bytes("waits").expect("sent"), "NEW");
        assert_eq!(mount.names("d").await, ["late", "read"]);
    });
    heard.says("the service cannot be reached: mounted with what is cached cause=");
    heard.says("the service can be reached again");
}

#[tokio::test]
async fn a_mount_begins_when_the_service_only_says_nothing() {
    let bench = Bench::new();
    bench.remote.store("f", vec![7; 10]);
    let impatient = |config: &mut Config| config.silence = Duration::from_millis(20);
    bench.mount_as(impatient).await.names("").await;
    bench.remote.stall_after(Some(0), false);
    let mount = bench.mount_as(impatient).await;
    assert!(mount.0.offline_since().is_some());
    bench.remote.stall_after(None, false);
    until(&mount, false).await;
}

#[tokio::test]
async fn a_name_of_which_no_more_is_known_is_not_absent() {
    let bench = Bench::new();
    bench.remote.has_habits(Habits { lists_only_names: true, ..Habits::default() });
    bench.remote.add_directory("d");
    bench.remote.store("d/f", vec![7; 10]);
    let mount = doubting(&bench, WriteBack::Background).await;
    assert_eq!(mount.names("d").await, ["f"]);
    let d = mount.ino("d").await;
    bench.remote.go_down(true);
    let error = mount.0.lookup(d, "f").await.expect_err("it is there, and nobody knows what it is");
    assert!(error.is_unreachable(), "{error}");
    assert!(mount.walk("d/none").await.is_none());
}

#[tokio::test]
async fn a_refresh_without_the_service_takes_nothing_away() {
    let bench = Bench::new();
    bench.remote.add_directory("d");
    bench.remote.store("d/f", vec![7; 10]);
    let mount = doubting(&bench, WriteBack::Close).await;
    assert_eq!(mount.names("d").await, ["f"]);
    bench.remote.go_down(true);
    let _ = mount.0.refresh(&NodePath::root()).await;
    until(&mount, true).await;
    assert_eq!(mount.names("d").await, ["f"]);
    drop(mount);
    let mount = doubting(&bench, WriteBack::Close).await;
    assert_eq!(mount.names("d").await, ["f"], "the index has it too");
}

#[test]
fn an_upload_that_was_confirmed_just_before_a_kill_is_known_without_the_service() {
    let mut kills = 0;
    for after in 0..10 {
        let bench = Bench::new();
        let life = runtime();
        let is_killed = life.block_on(async {
            let mount = doubting(&bench, WriteBack::Close).await;
            mount.names("").await;
            let fh = mount.create("f").await;
            mount.0.write(fh, 0, b"old").await.expect("written");
            mount.close(fh).await.expect("closed");
            crate::kill_points::arm(Some(after));
            let saved = async {
                let fh = mount.open("f", OpenFlags { truncate: true, ..WRITE }).await;
                mount.0.write(fh, 0, b"newer").await.expect("written");
                mount.close(fh).await.expect("closed");
            };
            tokio::select! {
                () = saved => false,
                () = crate::kill_points::reached() => true,
            }
        });
        drop(life);
        crate::kill_points::arm(None);
        kills += usize::from(is_killed);
        bench.remote.go_down(true);
        runtime().block_on(async {
            let mount = doubting(&bench, WriteBack::Background).await;
            let fh = mount.open("f", OpenFlags { truncate: true, ..WRITE }).await;
            mount.0.write(fh, 0, b"the newest").await.expect("written");
            mount.close(fh).await.expect("safe in the journal");
            bench.remote.go_down(false);
            mount.until_clean().await;
        });
        assert_eq!(bench.remote.paths(), ["", "f"], "{after}: nobody else changed it");
        assert_eq!(bench.remote.bytes("f").expect("sent"), "the newest", "{after}");
    }
    assert!(kills >= 8, "the steps were met: {kills}");
}
