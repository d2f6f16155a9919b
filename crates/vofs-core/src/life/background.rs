//! `--write-back background`: what is acknowledged before it is sent, and what is never sent.

use std::sync::Arc;
use std::time::Duration;

use super::tests::{Bench, Mount, READ, WRITE};
use crate::clock::SystemClock;
use crate::config::{Config, WriteBack};
use crate::engine::Engine;
use crate::errno::ToErrno;
use crate::handles::{Fh, OpenFlags};
use crate::inode::Ino;
use crate::path::NodePath;
use crate::remote::Remote;
use crate::remote::fake::FakeRemote;

/// Long enough that nothing is sent in a test that does not wait for it.
pub(super) const LONG: Duration = Duration::from_secs(600);

pub(super) fn quiet(span: Duration) -> impl FnOnce(&mut Config) {
    move |config| {
        config.write_back = WriteBack::Background;
        config.quiet = span;
    }
}

pub(super) async fn write_new(mount: &Mount, name: &str, bytes: &[u8]) {
    let fh = mount.create(name).await;
    mount.0.write(fh, 0, bytes).await.expect("written");
    mount.close(fh).await.expect("closed");
}

pub(super) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..2000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{what}: not in time");
}

pub(super) fn puts(bench: &Bench) -> Vec<String> {
    bench.remote.requests().into_iter().filter(|request| request.starts_with("put")).collect()
}

#[tokio::test]
async fn close_and_fsync_do_not_wait_for_the_service_and_the_bytes_arrive() {
    let bench = Bench::new();
    let mount = bench.mount_as(quiet(Duration::from_millis(10))).await;
    bench.remote.hold_puts(true);
    let fh = mount.create("a").await;
    mount.0.write(fh, 0, b"one").await.expect("written");
    mount.0.fsync(fh).await.expect("durable here");
    mount.0.write(fh, 3, b" two").await.expect("written");
    mount.close(fh).await.expect("durable here");
    assert_eq!(bench.remote.bytes("a"), None);
    assert_eq!(mount.read("a").await, b"one two");
    bench.remote.hold_puts(false);
    mount.until_clean().await;
    assert_eq!(bench.remote.bytes("a").expect("sent"), "one two");
}

#[tokio::test]
async fn a_temporary_file_that_is_renamed_or_removed_soon_is_never_sent() {
    let bench = Bench::new();
    bench.remote.store("document", "old");
    let mount = bench.mount_as(quiet(Duration::from_millis(200))).await;
    write_new(&mount, ".document.swp", b"the editor's").await;
    write_new(&mount, "document~new", b"new").await;
    mount.0.rename(Ino::ROOT, "document~new", Ino::ROOT, "document", false).await.expect("renamed");
    mount.0.unlink(Ino::ROOT, ".document.swp").await.expect("removed");
    mount.until_clean().await;
    assert_eq!(puts(&bench), ["put /document 3"]);
    assert_eq!((bench.remote.bytes("document").expect("there"), bench.remote.paths().len()), ("new".into(), 2));
}

#[tokio::test]
async fn a_file_that_waits_is_replaced_although_the_service_lost_what_it_had_of_it() {
    let bench = Bench::new();
    bench.remote.store("old", "there before");
    bench.remote.store("new", "takes its place");
    let mount = bench.mount_as(quiet(LONG)).await;
    let fh = mount.open("old", WRITE).await;
    mount.0.write(fh, 0, b"THERE").await.expect("written");
    mount.close(fh).await.expect("kept");
    bench.remote.delete(&NodePath::new("old")).await.expect("removed by somebody else");
    mount.0.rename(Ino::ROOT, "new", Ino::ROOT, "old", false).await.expect("renamed");
    mount.until_clean().await;
    assert_eq!(bench.remote.paths(), ["", "old"]);
    assert_eq!(bench.remote.bytes("old").expect("there"), "takes its place");
}

#[test]
fn what_was_closed_survives_a_crash_at_once() {
    let bench = Bench::new();
    bench.remote.store("old", "the old content");
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let doomed = runtime();
    doomed.block_on(async {
        let mount = bench.mount_as(quiet(LONG)).await;
        write_new(&mount, "a", b"first").await;
        write_new(&mount, "b", b"takes the place of old").await;
        mount.0.rename(Ino::ROOT, "b", Ino::ROOT, "old", false).await.expect("renamed");
        write_new(&mount, "c", b"promised").await;
        write_new(&mount, "gone", b"removed").await;
        mount.0.unlink(Ino::ROOT, "gone").await.expect("removed");
        // Written anew and never closed: what was promised stays.
        let fh = mount.open("c", OpenFlags { truncate: true, ..WRITE }).await;
        mount.0.write(fh, 0, b"half").await.expect("written");
        let fh = mount.open("a", OpenFlags { append: true, ..WRITE }).await;
        mount.0.write(fh, 0, b" and second").await.expect("written");
        mount.0.fsync(fh).await.expect("kept");
        mount.0.write(fh, 0, b" and lost").await.expect("written");
    });
    drop(doomed);
    assert_eq!(bench.remote.paths(), ["", "old"]);
    runtime().block_on(async { bench.mount().await.until_clean().await });
    assert_eq!(bench.remote.paths(), ["", "a", "c", "old"]);
    assert_eq!(bench.remote.bytes("a").expect("there"), "first and second");
    assert_eq!(bench.remote.bytes("c").expect("there"), "promised");
    assert_eq!(bench.remote.bytes("old").expect("there"), "takes the place of old");
    assert!(bench.dirty_files().is_empty());
}

#[tokio::test]
async fn a_failed_upload_shows_in_the_status_and_at_the_next_fsync_once() {
    let bench = Bench::new();
    let mount = bench.mount_as(quiet(Duration::ZERO)).await;
    bench.remote.break_requests("put");
    let fh = mount.create("a").await;
    mount.0.write(fh, 0, b"x").await.expect("written");
    mount.0.fsync(fh).await.expect("durable here");
    until("a failure", async || mount.0.pending().iter().any(|file| file.error.is_some())).await;
    let shown = mount.0.status().await.expect("asked").pending.remove(0);
    assert!(shown.state == "failed" || shown.state == "sending", "{shown:?}");
    assert!(shown.tries >= 1 && shown.error.expect("told").contains("broken link"));
    mount.0.write(fh, 1, b"y").await.expect("written");
    assert_eq!(mount.0.fsync(fh).await.expect_err("told").to_errno(), libc::EIO);
    bench.remote.mend();
    until("sent", async || bench.remote.bytes("a").is_some_and(|bytes| bytes == "xy")).await;
    mount.0.write(fh, 2, b"z").await.expect("written");
    mount.0.fsync(fh).await.expect("nothing is left to be told");
    mount.close(fh).await.expect("closed");
    mount.until_clean().await;
    assert_eq!(bench.remote.bytes("a").expect("there"), "xyz");
}

#[tokio::test]
async fn an_upload_that_is_out_of_date_is_given_up_for_the_writer() {
    let bench = Bench::new();
    let mount = bench.mount_as(quiet(Duration::ZERO)).await;
    bench.remote.hold_puts(true);
    write_new(&mount, "a", b"first").await;
    until("it is being sent", async || mount.0.pending()[0].state == "sending").await;
    let fh = mount.open("a", OpenFlags { append: true, ..WRITE }).await;
    tokio::time::timeout(LONG / 60, mount.0.write(fh, 0, b" second")).await.expect("does not wait").expect("written");
    mount.close(fh).await.expect("closed");
    bench.remote.hold_puts(false);
    mount.until_clean().await;
    assert_eq!(bench.remote.bytes("a").expect("there"), "first second");
    assert_eq!(bench.remote.paths(), ["", "a"], "what was given up is no conflict");
}

#[tokio::test]
async fn a_file_that_is_removed_while_it_is_sent_leaves_nothing() {
    let bench = Bench::new();
    let mount = bench.mount_as(quiet(Duration::ZERO)).await;
    bench.remote.lose_answers("put");
    write_new(&mount, "a", b"stored, but nobody knows").await;
    until("it was sent", async || bench.remote.bytes("a").is_some()).await;
    mount.0.unlink(Ino::ROOT, "a").await.expect("removed");
    bench.remote.mend();
    assert_eq!(bench.remote.paths(), [""]);
    write_new(&mount, "b", b"the same again").await;
    mount.until_clean().await;
    bench.remote.lose_answers("put");
    write_new(&mount, "c", b"and renamed").await;
    until("it was sent", async || bench.remote.bytes("c").is_some()).await;
    mount.0.rename(Ino::ROOT, "c", Ino::ROOT, "d", false).await.expect("renamed");
    bench.remote.mend();
    mount.until_clean().await;
    assert_eq!(bench.remote.paths(), ["", "b", "d"]);
}

#[tokio::test]
async fn names_that_stay_here_are_nothing_that_is_left_to_be_sent() {
    let bench = Bench::new();
    let mount = bench.mount_as(quiet(LONG)).await;
    write_new(&mount, ".f.swp", b"an editor's").await;
    write_new(&mount, "f", b"x").await;
    let left: Vec<_> = mount.0.to_be_sent().into_iter().map(|file| file.path).collect();
    assert_eq!((left.as_slice(), mount.0.pending().len()), (["f".to_owned()].as_slice(), 2));
    assert_eq!(mount.0.drain(Duration::from_secs(5)).await, []);
    assert!(mount.0.to_be_sent().is_empty());
}

#[tokio::test]
async fn a_drain_goes_on_for_as_long_as_it_may_where_the_service_is_back_meanwhile() {
    let bench = Bench::new();
    let mount = bench.mount_as(quiet(LONG)).await;
    write_new(&mount, "f", b"of a batch job").await;
    bench.remote.break_requests("put");
    assert_eq!(mount.0.drain(Duration::from_millis(50)).await, [NodePath::new("f")]);
    let engine = Arc::clone(&mount.0);
    let draining = tokio::spawn(async move { engine.drain(Duration::from_secs(60)).await });
    bench.remote.requests();
    while !bench.remote.requests().iter().any(|request| request.starts_with("put")) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    bench.remote.mend();
    assert_eq!(draining.await.expect("ends"), []);
    assert_eq!(bench.remote.bytes("f").expect("sent"), "of a batch job");
}

#[tokio::test]
async fn a_sync_sends_everything_or_says_why_not() {
    let bench = Bench::new();
    let mount = bench.mount_as(quiet(LONG)).await;
    write_new(&mount, "a", b"x").await;
    mount.0.sync_all().await.expect("sent");
    assert_eq!(bench.remote.bytes("a").expect("there"), "x");
    write_new(&mount, "b", b"y").await;
    bench.remote.break_requests("put");
    assert_eq!(mount.0.sync_all().await.expect_err("broken").to_errno(), libc::EIO);
}

#[tokio::test]
async fn a_drain_sends_at_once_what_is_left_alone() {
    let bench = Bench::new();
    let mount = bench.mount_as(quiet(LONG)).await;
    for number in 0..30 {
        write_new(&mount, &format!("f{number}"), b"x").await;
    }
    assert!(puts(&bench).is_empty());
    assert!(mount.0.drain(Duration::from_secs(20)).await.is_empty());
    assert_eq!(puts(&bench).len(), 30);
    let read: Fh = mount.open("f7", READ).await;
    assert_eq!(mount.0.read(read, 0, 9).await.expect("read"), b"x");
}

#[tokio::test]
async fn files_that_wait_take_no_descriptors_and_are_read_while_they_are_sent() {
    let bench = Bench::new();
    let mount = bench.mount_as(quiet(LONG)).await;
    for number in 0..20 {
        write_new(&mount, &format!("f{number}"), b"waits").await;
    }
    let directory = bench.place.path().join("cache/dirty");
    let open = || {
        let all = std::fs::read_dir("/proc/self/fd").expect("listed").flatten();
        all.filter_map(|fd| std::fs::read_link(fd.path()).ok()).filter(|place| place.starts_with(&directory)).count()
    };
    assert_eq!(open(), 0);
    let fh = mount.open("f7", READ).await;
    assert_eq!(open(), 1, "a program has it open");
    assert!(mount.0.drain(Duration::from_secs(20)).await.is_empty());
    assert_eq!(mount.0.read(fh, 0, 9).await.expect("read"), b"waits");
    mount.0.release(fh).await;
    assert_eq!(open(), 0);
}

#[test]
fn what_waits_is_not_given_up_because_it_cannot_be_opened_for_now() {
    let bench = Bench::new();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let doomed = runtime();
    doomed.block_on(async { write_new(&bench.mount_as(quiet(LONG)).await, "a", b"promised").await });
    drop(doomed);
    let data = bench.dirty_files().remove(0);
    let aside = bench.place.path().join("aside");
    std::fs::rename(&data, &aside).expect("set aside");
    std::fs::create_dir(&data).expect("something that is no file");
    let refused = runtime().block_on(async {
        let faked: Arc<dyn Remote> = Arc::<FakeRemote>::clone(&bench.remote);
        Engine::start(bench.config(), faked, Arc::new(SystemClock)).await.expect_err("it cannot go on")
    });
    let said = refused.to_string();
    assert!(
        said.starts_with("/a was never uploaded, and its bytes in ") && said.contains(" cannot be opened: "),
        "{said}"
    );
    assert!(said.ends_with("or give it up with `mountvofs pending discard`"), "{said}");
    std::fs::remove_dir(&data).expect("removed");
    std::fs::rename(&aside, &data).expect("back");
    runtime().block_on(async { bench.mount().await.until_clean().await });
    assert_eq!(bench.remote.bytes("a").expect("there"), "promised");
}

#[tokio::test]
async fn four_small_files_are_sent_in_the_place_of_a_large_one() {
    for (length, at_a_time) in [(10, 8), (2 << 20, 2)] {
        let bench = Bench::new();
        let two = |config: &mut Config| {
            quiet(LONG)(config);
            config.uploads = 2;
        };
        let mount = bench.mount_as(two).await;
        bench.remote.hold_puts(true);
        for number in 0..12 {
            write_new(&mount, &format!("f{number}"), &vec![b'x'; length]).await;
        }
        let engine = Arc::clone(&mount.0);
        let draining = tokio::spawn(async move { engine.drain(Duration::from_secs(20)).await });
        let mut begun = 0;
        until("uploads", async || {
            begun += puts(&bench).len();
            begun == at_a_time
        })
        .await;
        assert!(mount.0.uploads.are_taken(), "no more than these");
        bench.remote.hold_puts(false);
        assert!(draining.await.expect("ended").is_empty());
        assert_eq!(begun + puts(&bench).len(), 12);
    }
}
