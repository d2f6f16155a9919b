//! What is kept whatever happens in between: conflicts, lost answers, half-done renames, files that wait for the user.

use std::time::Duration;

use super::tests::{Bench, Mount, WRITE};
use crate::config::OnConflict;
use crate::errno::ToErrno;
use crate::error::Error;
use crate::handles::OpenFlags;
use crate::heard::Heard;
use crate::inode::Ino;
use crate::pending::Unmounted;

async fn changed_by_both(bench: &Bench, mount: &Mount) -> crate::error::Result<()> {
    let fh = mount.open("f", OpenFlags { truncate: true, ..WRITE }).await;
    mount.0.write(fh, 0, b"ours").await.expect("written");
    bench.remote.store("f", "theirs!");
    mount.close(fh).await
}

#[tokio::test]
async fn a_conflict_is_decided_as_the_mount_was_told_and_shown() {
    let heard = Heard::here();
    for (policy, stored) in [(OnConflict::KeepBoth, "theirs!"), (OnConflict::Overwrite, "ours")] {
        let bench = Bench::new();
        bench.remote.store("f", "base");
        let mount = bench.mount_as(|config| config.on_conflict = policy).await;
        changed_by_both(&bench, &mount).await.expect("closed");
        assert_eq!(bench.remote.bytes("f").expect("there"), stored);
        let status = mount.0.status().await.expect("asked");
        let conflict = &status.conflicts[0];
        assert_eq!((status.conflicts.len(), conflict.path.as_str()), (1, "f"));
        assert_eq!(conflict.ours.is_some(), policy == OnConflict::KeepBoth);
        if let Some(ours) = &conflict.ours {
            assert_eq!(bench.remote.bytes(ours).expect("there"), "ours");
        }
        assert!(status.pending.is_empty());
    }
    heard.says("changed on the service meanwhile: their version is replaced by ours path=/f");
}

#[tokio::test]
async fn a_conflict_that_is_left_to_the_user_waits_over_remounts_until_it_is_decided() {
    let heard = Heard::here();
    let bench = Bench::new();
    bench.remote.store("f", "base");
    {
        let mount = bench.mount_as(|config| config.on_conflict = OnConflict::Fail).await;
        let error = changed_by_both(&bench, &mount).await.expect_err("told");
        assert_eq!(error.to_errno(), libc::ESTALE);
        assert!(error.to_string().contains("pending retry"), "{error}");
        assert_eq!(mount.0.drain(Duration::from_secs(5)).await.len(), 1);
        assert_eq!(bench.remote.bytes("f").expect("there"), "theirs!");
    }
    let mount = bench.mount_as(|config| config.on_conflict = OnConflict::Fail).await;
    assert_eq!(mount.0.pending()[0].state, "conflict");
    assert_eq!(bench.remote.bytes("f").expect("there"), "theirs!");
    assert_eq!(mount.0.retry_pending(Some("f")).await.expect("tried"), 1);
    mount.until_clean().await;
    assert_eq!(bench.remote.bytes("f").expect("there"), "ours");
    assert_eq!(bench.remote.paths(), ["", "f"]);
    heard.says("changed on the service meanwhile: ours stays in the journal until you decide path=/f");
}

#[tokio::test]
async fn what_a_lost_answer_stored_is_our_own_also_after_it_was_changed() {
    let bench = Bench::new();
    bench.remote.store("f", "base");
    let mount = bench.mount().await;
    bench.remote.lose_answers("put");
    let fh = mount.open("f", OpenFlags { truncate: true, ..WRITE }).await;
    mount.0.write(fh, 0, b"first").await.expect("written");
    mount.0.flush(fh).await.expect_err("the answer was lost");
    assert_eq!(bench.remote.bytes("f").expect("there"), "first");
    mount.0.write(fh, 0, b"other").await.expect("written");
    bench.remote.mend();
    mount.close(fh).await.expect("no conflict with oneself");
    mount.until_clean().await;
    assert_eq!(bench.remote.bytes("f").expect("there"), "other");
    assert_eq!(bench.remote.paths(), ["", "f"]);
}

#[tokio::test]
async fn a_file_that_was_emptied_without_an_answer_is_our_own() {
    for again in [false, true] {
        let bench = Bench::new();
        bench.remote.store("f", "base");
        let mount = bench.mount().await;
        bench.remote.lose_answers("put");
        let fh = mount.open("f", OpenFlags { truncate: true, ..WRITE }).await;
        mount.0.fsync(fh).await.expect_err("the answer was lost");
        if again {
            mount.0.write(fh, 0, b"filled").await.expect("written");
        }
        bench.remote.mend();
        mount.close(fh).await.expect("no conflict with oneself");
        mount.until_clean().await;
        assert_eq!(bench.remote.bytes("f").expect("there"), if again { "filled" } else { "" });
        assert_eq!(bench.remote.paths(), ["", "f"]);
    }
}

#[tokio::test]
async fn where_nothing_may_be_made_that_is_told_before_anything_is_written() {
    let bench = Bench::new();
    bench.remote.store("there", "already");
    bench.remote.forbid("");
    let mount = bench.mount().await;
    let refused = mount.0.create(Ino::ROOT, "new", WRITE).await.expect_err("forbidden");
    assert_eq!(refused.to_errno(), libc::EACCES);
    bench.remote.store("closed", "somebody else's");
    bench.remote.protect("closed");
    let closed = mount.ino("closed").await;
    let refused = mount.0.open(closed, WRITE).await.expect_err("neither it nor its directory");
    assert_eq!(refused.to_errno(), libc::EACCES);
    assert_eq!(mount.read("closed").await, b"somebody else's");
    // What is there may be written all the same: its own rights decide.
    let fh = mount.open("there", OpenFlags { truncate: true, ..WRITE }).await;
    mount.0.write(fh, 0, b"anew").await.expect("written");
    mount.close(fh).await.expect("closed");
    assert_eq!(bench.remote.bytes("there").expect("there"), "anew");
}

#[tokio::test]
async fn a_half_done_rename_is_taken_back_or_finished_by_the_same_mount() {
    let heard = Heard::here();
    let bench = Bench::new();
    bench.remote.store("new", "new");
    bench.remote.store("old", "old");
    let mount = bench.mount().await;
    bench.remote.break_requests("rename /new");
    bench.remote.break_requests("rename /.vofs");
    mount.0.rename(Ino::ROOT, "new", Ino::ROOT, "old", false).await.expect_err("broken");
    assert_eq!(bench.remote.bytes("old"), None, "set aside");
    mount.0.lookup(Ino::ROOT, "old").await.expect_err("neither there nor absent");
    bench.remote.mend();
    mount.until_settled().await;
    assert_eq!(bench.remote.bytes("old").expect("back"), "old");
    assert_eq!(bench.remote.bytes("new").expect("still there"), "new");

    bench.remote.break_requests("delete");
    mount.0.rename(Ino::ROOT, "new", Ino::ROOT, "old", false).await.expect("done as far as anybody sees");
    assert_eq!(mount.read("old").await, b"new");
    assert_eq!(bench.remote.paths().len(), 3, "the old one is still aside");
    bench.remote.mend();
    mount.until_settled().await;
    assert_eq!(bench.remote.paths(), ["", "old"]);
    heard.says("the replaced file could not be put back yet; it is kept under the other name");
    heard.says("the replaced file was not deleted yet");
}

#[test]
fn a_directory_renamed_with_files_that_wait_keeps_them_over_a_crash_at_any_step() {
    // Killed before the service was asked, after it has moved the directory, and after the journal knows.
    for done in [false, true] {
        let bench = Bench::new();
        bench.remote.add_directory("d");
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let doomed = runtime();
        doomed.block_on(async {
            let mount = bench.mount().await;
            bench.remote.break_requests("put");
            let d = mount.ino("d").await;
            let (_, opened) = mount.0.create(d, "f", WRITE).await.expect("created");
            mount.0.write(opened.fh, 0, b"promised").await.expect("written");
            mount.close(opened.fh).await.expect_err("broken");
            if done {
                bench.remote.lose_answers("rename");
            } else {
                bench.remote.break_requests("rename");
            }
            mount.0.rename(Ino::ROOT, "d", Ino::ROOT, "e", false).await.expect_err("the answer was lost");
        });
        drop(doomed);
        bench.remote.mend();
        runtime().block_on(async { bench.mount().await.until_clean().await });
        let place = if done { "e/f" } else { "d/f" };
        assert_eq!(bench.remote.bytes(place).expect("sent where its directory is"), "promised");
    }
}

#[test]
fn files_that_wait_are_listed_saved_and_dropped_without_a_mount_and_with_one() {
    let heard = Heard::here();
    let bench = Bench::new();
    let cache = bench.config().cache_dir;
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let doomed = runtime();
    doomed.block_on(async {
        bench.remote.store("patched", vec![1_u8; 100_000]);
        let mount = bench.mount().await;
        bench.remote.break_requests("put");
        bench.remote.break_requests("get");
        for (name, bytes) in [("a", "one"), ("b", "two")] {
            let fh = mount.create(name).await;
            mount.0.write(fh, 0, bytes.as_bytes()).await.expect("written");
            mount.close(fh).await.expect_err("broken");
        }
        let fh = mount.open("patched", WRITE).await;
        mount.0.write(fh, 50_000, b"ours").await.expect("written");
        mount.close(fh).await.expect_err("broken");
        let saved = mount.0.export_pending("/a", async |saved| saved).await.expect("saved");
        assert_eq!((saved.bytes, saved.missing.len()), (3, 0));
        assert_eq!(std::io::read_to_string(saved.data).expect("read"), "one");
        let refused = Unmounted::open(&cache).expect_err("in use").to_string();
        assert!(refused.contains("locked"), "{refused}");
        let open = mount.open("b", WRITE).await;
        let refused = mount.0.discard_pending("b").await.expect_err("open").to_string();
        assert_eq!(refused, "/b: invalid: a program has it open; it has to close it first");
        mount.0.release(open).await;
        mount.0.discard_pending("b").await.expect("dropped");
        assert_eq!(mount.names("").await, ["a", "patched"]);
        assert!(matches!(mount.0.discard_pending("b").await, Err(Error::Invalid { .. })));
    });
    drop(doomed);
    runtime().block_on(async {
        let journal = Unmounted::open(&cache).expect("free");
        assert_eq!(journal.space().await.expect("read"), "vos:test");
        let pending = journal.pending().await.expect("read");
        assert_eq!(pending.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), ["a", "patched"]);
        let saved = journal.export("patched").await.expect("saved");
        assert_eq!(saved.missing, [(0, 50_000), (50_004, 100_000)]);
        let saved = journal.export(&pending[0].id).await.expect("saved");
        assert_eq!(std::io::read_to_string(saved.data).expect("read"), "one");
        journal.discard("a").await.expect("dropped");
        drop(journal);
        bench.remote.mend();
        bench.mount().await.until_clean().await;
        assert_eq!(bench.remote.paths(), ["", "patched"]);
        assert_eq!(bench.remote.bytes("patched").expect("there")[50_000..50_004], *b"ours");
    });
    heard.says("discarded by the user, never uploaded path=/b bytes=3");
}
