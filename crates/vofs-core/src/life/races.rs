//! A program changes a file at the moment at which something else begins with it.

use std::pin::pin;
use std::time::{Duration, SystemTime};

use futures_util::poll;

use super::background::{LONG, puts, quiet, until, write_new};
use super::tests::{Bench, Mount, WRITE};
use crate::clock::Millis;
use crate::file::{Changing, OpenFile};
use crate::fs::attr::SetAttr;
use crate::fs::space::Allocate;
use crate::path::NodePath;
use crate::upload::Wish;

/// What a write holds while it writes.
fn begin<'a>(mount: &Mount, file: &'a OpenFile) -> Changing<'a> {
    let change = file.dirty(&mount.0.store, mount.0.journal.directory(), true, Millis(1)).expect("room");
    change.expect("nothing is in its way")
}

#[tokio::test]
async fn an_upload_waits_for_a_write_that_is_under_way() {
    let bench = Bench::new();
    let mount = bench.mount().await;
    let fh = mount.create("a").await;
    mount.0.write(fh, 0, b"one").await.expect("written");
    let file = mount.0.files.get(&NodePath::new("a")).expect("open");
    let change = begin(&mount, &file);
    let mut closed = pin!(mount.0.flush_file(&file, Wish::Close));
    for _ in 0..100 {
        assert!(poll!(&mut closed).is_pending(), "a part of the write may be in what is sent");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(puts(&bench).is_empty());
    change.write(3, b" two", Millis(2)).expect("written");
    drop(change);
    closed.await.expect("sent");
    assert_eq!(bench.remote.bytes("a").expect("there"), "one two");
    mount.close(fh).await.expect("closed");
}

#[tokio::test]
async fn a_write_that_is_under_way_is_in_the_file_that_is_cut() {
    let bench = Bench::new();
    let mount = bench.mount_as(quiet(LONG)).await;
    write_new(&mount, "a", b"promised").await;
    let fh = mount.open("a", WRITE).await;
    let file = mount.0.files.get(&NodePath::new("a")).expect("open");
    let change = begin(&mount, &file);
    let mut cut = pin!(mount.0.change_length(&file, 4));
    for _ in 0..100 {
        assert!(poll!(&mut cut).is_pending(), "the write would go into what is no longer the file");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    change.write(0, b"PR", Millis(2)).expect("written");
    drop(change);
    cut.await.expect("cut");
    mount.close(fh).await.expect("closed");
    assert_eq!(mount.read("a").await, b"PRom");
}

#[tokio::test]
async fn contents_that_a_lost_upload_may_have_stored_are_recognised_before_they_are_cut() {
    let bench = Bench::new();
    let mount = bench.mount_as(quiet(LONG)).await;
    write_new(&mount, "a", b"promised").await;
    let file = mount.0.files.get(&NodePath::new("a")).expect("it waits");
    let old = file.state().dirty.clone().expect("it waits");
    file.state().unrecognised = Some(old.generation());
    let directory = mount.0.journal.directory();
    assert!(!file.supersede(&old, directory, 0, Millis(1)).expect("room"), "its digest is not known yet");
    crate::upload::durable::recognise(&mount.0, &file).await.expect("read");
    assert!(file.supersede(&old, directory, 0, Millis(1)).expect("room"));
    let known = mount.0.journal.pending().await.expect("read");
    assert_eq!(known.iter().map(|record| record.length).collect::<Vec<_>>(), [8], "the cut is promised by nobody");
}

#[tokio::test]
async fn a_hole_in_a_file_whose_upload_was_lost() {
    let bench = Bench::new();
    let mount = bench.mount_as(quiet(Duration::ZERO)).await;
    bench.remote.break_requests("put");
    write_new(&mount, "a", b"written").await;
    until("a failure", async || mount.0.pending().iter().any(|file| file.error.is_some())).await;
    let fh = mount.open("a", WRITE).await;
    let punched = mount.0.allocate(fh, 0, 3, Allocate::PunchHole);
    tokio::time::timeout(Duration::from_secs(60), punched).await.expect("does not wait").expect("punched");
    mount.close(fh).await.expect("kept");
    bench.remote.mend();
    mount.until_clean().await;
    assert_eq!(bench.remote.bytes("a").expect("there"), "\0\0\0tten");
}

#[tokio::test]
async fn a_file_that_waits_is_sent_also_when_its_time_is_set() {
    let bench = Bench::new();
    let mount = bench.mount_as(quiet(Duration::from_millis(50))).await;
    write_new(&mount, "a", b"x").await;
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let change = SetAttr { mtime: Some(time), ..SetAttr::default() };
    let (attr, _) = mount.0.setattr(mount.ino("a").await, None, change).await.expect("set");
    assert_eq!(attr.mtime, time);
    let kept = mount.0.journal.pending().await.expect("read").remove(0);
    assert_eq!(kept.mtime, Millis::from_system_time(time), "it outlives the daemon");
    mount.until_clean().await;
    assert_eq!(bench.remote.bytes("a").expect("there"), "x");
    let (attr, _) = mount.0.getattr(mount.ino("a").await).await.expect("known");
    assert_eq!(attr.mtime, time);
}
