//! Daemons that are killed before or after each request of what takes several.

use std::time::Duration;

use super::tests::{Bench, Mount, WRITE, runtime};
use crate::config::{Config, WriteBack};
use crate::handles::OpenFlags;
use crate::inode::Ino;

/// More requests than anything here takes.
const REQUESTS: usize = 14;

fn background(config: &mut Config) {
    config.write_back = WriteBack::Background;
    config.quiet = Duration::from_secs(600);
}

/// Does `act` in a mount that is killed when it waits for the answer to the request after so many. `done`: the service has
/// done that one. Whether it came so far.
fn killed_at(bench: &Bench, after: usize, done: bool, act: impl AsyncFnOnce(&Mount)) -> bool {
    let life = runtime();
    let killed = life.block_on(async {
        let mount = bench.mount().await;
        bench.remote.stall_after(Some(after), done);
        tokio::select! {
            () = act(&mount) => false,
            () = bench.remote.stalled() => true,
        }
    });
    // What ends with its runtime in the middle of everything is what a killed daemon is.
    drop(life);
    bench.remote.stall_after(None, false);
    killed
}

#[test]
fn a_changed_file_is_read_whole_by_the_next_mount_before_it_is_sent() {
    let bench = Bench::new();
    bench.remote.store("f", vec![1_u8; 200_000]);
    runtime().block_on(async {
        let mount = bench.mount_as(background).await;
        let fh = mount.open("f", WRITE).await;
        mount.0.write(fh, 100_000, b"patch").await.expect("written");
        mount.close(fh).await.expect("kept");
    });
    runtime().block_on(async {
        let mount = bench.mount_as(background).await;
        let mut expected = vec![1_u8; 200_000];
        expected[100_000..100_005].copy_from_slice(b"patch");
        assert!(mount.read("f").await == expected);
        mount.until_clean().await;
        assert!(bench.remote.bytes("f").expect("there") == expected);
    });
}

#[test]
fn a_replacing_rename_loses_neither_file_wherever_it_is_killed() {
    let mut kills = 0;
    for (after, done) in (0..REQUESTS).flat_map(|after| [(after, false), (after, true)]) {
        let bench = Bench::new();
        bench.remote.store("new", "the new");
        bench.remote.store("old", "the old");
        let killed = killed_at(&bench, after, done, async |mount| {
            mount.0.rename(Ino::ROOT, "new", Ino::ROOT, "old", false).await.expect("renamed");
        });
        kills += usize::from(killed);
        let there: Vec<_> = bench.remote.paths().iter().filter_map(|path| bench.remote.bytes(path)).collect();
        assert!(there.contains(&"the new".into()), "{after} {done}");
        let replaced = bench.remote.bytes("old").is_some_and(|bytes| bytes == "the new");
        assert!(replaced || there.contains(&"the old".into()), "{after} {done}: kept until the new one is confirmed");
        runtime().block_on(async {
            let mount = bench.mount().await;
            assert_eq!(mount.0.status().await.expect("asked").unfinished_moves, 0, "{after} {done}");
            match mount.names("").await.as_slice() {
                [old] => assert_eq!((old.as_str(), mount.read("old").await), ("old", b"the new".to_vec())),
                two => {
                    assert_eq!(two, ["new", "old"], "{after} {done}");
                    assert_eq!(mount.read("old").await, b"the old");
                    assert_eq!(mount.read("new").await, b"the new");
                }
            }
        });
    }
    assert!(kills >= 8, "the steps were met: {kills}");
}

#[test]
fn an_emptied_file_keeps_its_properties_wherever_it_is_killed() {
    let mut lost_for_a_moment = 0;
    for (after, done, refilled) in
        (0..REQUESTS).flat_map(|after| [(after, false, false), (after, true, false), (after, true, true)])
    {
        let bench = Bench::new();
        bench.remote.store("f", "content");
        bench.remote.set("f", "title", "kept");
        killed_at(&bench, after, done, async |mount| {
            let fh = mount.open("f", OpenFlags { truncate: true, ..WRITE }).await;
            mount.0.fsync(fh).await.expect("emptied");
        });
        lost_for_a_moment += usize::from(bench.remote.bytes("f").is_none());
        runtime().block_on(async {
            if refilled {
                bench.remote.break_requests("put");
            }
            let mount = bench.mount().await;
            if refilled {
                let fh = mount.open("f", OpenFlags { truncate: true, ..WRITE }).await;
                mount.0.write(fh, 0, b"again").await.expect("written");
                mount.close(fh).await.expect_err("broken");
                bench.remote.mend();
            }
            mount.until_clean().await;
            let bytes = bench.remote.bytes("f").expect("there");
            let expected: &[&str] = if refilled { &["again"] } else { &["", "content"] };
            assert!(expected.iter().any(|text| bytes == text.as_bytes()), "{after} {done} {refilled}: {bytes:?}");
            assert_eq!(bench.remote.property("f", "title").as_deref(), Some("kept"), "{after} {done} {refilled}");
            assert_eq!(bench.remote.paths(), ["", "f"]);
        });
    }
    assert!(lost_for_a_moment > 0, "the gap was met");
}
