//! What is in the journal of a mount that was killed, and what others do before it is settled.

use super::background::{LONG, puts, quiet, write_new};
use super::tests::{Bench, Mount, WRITE, runtime};
use super::*;
use crate::config::WriteBack;
use crate::heard::Heard;
use crate::inode::Ino;
use crate::journal::Replacement;
use crate::remote::fake::{Fault, Habits, How};

fn background(config: &mut Config) {
    config.write_back = WriteBack::Background;
    config.quiet = Duration::ZERO;
}

/// A replacement of which nothing but the intent is known.
fn intent(from: &str, to: &str, aside: Option<&str>) -> Replacement {
    Replacement {
        from: from.into(),
        to: to.into(),
        aside: aside.map(str::to_owned),
        replaces: Vec::new(),
        taken_back: false,
        moved: false,
        detour: None,
        copied: None,
        over: None,
    }
}

/// Leaves a mount behind that was killed with this in its journal.
fn killed_with(bench: &Bench, intent: &Replacement, before: impl AsyncFnOnce(&Mount)) {
    let life = runtime();
    life.block_on(async {
        let mount = bench.mount_as(background).await;
        before(&mount).await;
        mount.0.journal.begin(intent).await.expect("begun");
    });
    drop(life);
}

#[test]
fn a_name_that_was_vacated_is_an_error_until_the_rename_is_finished() {
    let heard = Heard::here();
    let bench = Bench::new();
    bench.remote.store("new", "new");
    bench.remote.store(".aside", "old");
    killed_with(&bench, &intent("new", "t", Some(".aside")), async |_| {});
    bench.remote.break_requests("stat /.aside");
    runtime().block_on(async {
        let mount = bench.mount_as(background).await;
        mount.0.lookup(Ino::ROOT, "t").await.expect_err("neither there nor absent");
        mount.0.create(Ino::ROOT, "t", WRITE).await.expect_err("it would be another file");
        bench.remote.mend();
        mount.until_settled().await;
        assert_eq!(mount.read("t").await, b"new");
        assert_eq!(bench.remote.paths(), ["", "t"]);
    });
    heard.says("an interrupted move is not finished yet error=");
}

#[test]
fn files_of_a_directory_whose_rename_is_open_are_sent_when_it_is_settled() {
    let heard = Heard::here();
    for done in [false, true] {
        let bench = Bench::new();
        bench.remote.add_directory("d");
        bench.remote.break_requests("put");
        killed_with(&bench, &intent("d", "e", None), async |mount| {
            let d = mount.ino("d").await;
            let (_, opened) = mount.0.create(d, "f", WRITE).await.expect("created");
            mount.0.write(opened.fh, 0, b"promised").await.expect("written");
            mount.close(opened.fh).await.expect("in the journal");
        });
        if done {
            bench.remote.drop_node("d");
            bench.remote.add_directory("e");
        }
        bench.remote.mend();
        bench.remote.break_requests("stat /e");
        runtime().block_on(async {
            let mount = bench.mount_as(background).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
            assert!(puts(&bench).is_empty(), "where its directory is nobody knows");
            bench.remote.mend();
            mount.until_settled().await;
            mount.until_clean().await;
        });
        let place = if done { "e/f" } else { "d/f" };
        assert_eq!(bench.remote.bytes(place).expect("sent where its directory is"), "promised");
    }
    heard.says("a rename was interrupted, and it is sent once that is finished or taken back");
}

#[test]
fn a_directory_in_which_files_wait_is_not_empty() {
    let bench = Bench::new();
    for directory in ["a", "b"] {
        bench.remote.add_directory(directory);
    }
    runtime().block_on(async {
        let mount = bench.mount_as(background).await;
        bench.remote.break_requests("put");
        let b = mount.ino("b").await;
        let (_, opened) = mount.0.create(b, "x", WRITE).await.expect("created");
        mount.0.write(opened.fh, 0, b"unsent").await.expect("written");
        mount.close(opened.fh).await.expect("in the journal");
        let refused = mount.0.rename(Ino::ROOT, "a", Ino::ROOT, "b", false).await.expect_err("not empty");
        assert!(matches!(refused, Error::NotEmpty(_)), "{refused}");
    });
    assert!(bench.remote.paths().iter().any(|path| path == "b"));
}

#[test]
fn a_conflict_whose_copy_was_cut_leaves_their_version_alone_at_the_next_try() {
    let bench = Bench::new();
    bench.remote.has_habits(Habits { has_no_digests: true, ..Habits::default() });
    bench.remote.store("f", "b");
    runtime().block_on(async {
        let mount = bench.mount_as(background).await;
        assert_eq!(mount.read("f").await, b"b");
        bench.remote.break_requests("put /f.conflict-");
        bench.remote.hold_puts(true);
        let fh = mount.open("f", WRITE).await;
        bench.remote.store("f", "them");
        mount.0.write(fh, 0, b"OURS").await.expect("written");
        mount.close(fh).await.expect("in the journal");
        tokio::time::sleep(Duration::from_millis(50)).await;
        bench.remote.hold_puts(false);
        bench.remote.mend();
        mount.until_clean().await;
    });
    assert_eq!(bench.remote.bytes("f").expect("theirs"), "them");
    let beside = bench.remote.paths().into_iter().find(|path| path.starts_with("f.conflict-"));
    assert_eq!(bench.remote.bytes(&beside.expect("ours is kept")).expect("there"), "OURS");
}

#[test]
fn a_mount_that_may_not_write_sends_nothing_of_a_former_one() {
    let heard = Heard::here();
    let bench = Bench::new();
    let life = runtime();
    life.block_on(async {
        let mount = bench.mount_as(background).await;
        bench.remote.break_requests("put");
        write_new(&mount, "a", b"unsent").await;
    });
    drop(life);
    bench.remote.mend();
    let life = runtime();
    life.block_on(async {
        let mount = bench.mount_as(|config| config.read_only = true).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        mount.0.drain(Duration::from_millis(50)).await;
    });
    drop(life);
    assert_eq!(bench.remote.bytes("a"), None);
    assert_eq!(bench.dirty_files().len(), 1);
    runtime().block_on(async { bench.mount_as(background).await.until_clean().await });
    assert_eq!(bench.remote.bytes("a").expect("sent"), "unsent");
    heard.says(
        "read-only: what was not uploaded yet, and renames that were interrupted, wait in the journal for a mount",
    );
}

#[test]
fn what_is_written_after_a_rename_of_unknown_end_outlives_its_being_done() {
    let bench = Bench::new();
    bench.remote.store("a", "moved");
    let life = runtime();
    life.block_on(async {
        let mount = bench.mount_as(quiet(LONG)).await;
        write_new(&mount, "n", b"kept").await;
        bench.remote.fail(Fault { prefix: "rename /a".to_owned(), how: How::Lost, left: Some(1) });
        mount.0.rename(Ino::ROOT, "a", Ino::ROOT, "n", false).await.expect_err("the answer was lost");
        let fh = mount.open("n", WRITE).await;
        mount.0.write(fh, 4, b" and more").await.expect("written");
        mount.close(fh).await.expect("in the journal");
        mount.until_settled().await;
    });
    drop(life);
    runtime().block_on(async { bench.mount_as(background).await.until_clean().await });
    assert_eq!(bench.remote.bytes("n").expect("moved"), "moved");
    let beside = bench.remote.paths().into_iter().find(|path| path.starts_with("n.conflict-"));
    assert_eq!(bench.remote.bytes(&beside.expect("kept")).expect("there"), "kept and more");
}
