//! Files that the kernel reads by itself, and those who open the same file for something else.

use super::tests::{Bench, Mount, READ, WRITE};
use super::*;
use crate::fs::attr::SetAttr;
use crate::fs::open::Opened;
use crate::handles::OpenFlags;
use crate::heard::Heard;
use crate::inode::Ino;

const LENGTH: usize = 2_000_000;

/// A mount that lends, with a whole file that was made there.
async fn prepared(bench: &Bench) -> Mount {
    let mount = bench.mount_as(|config| config.passthrough = true).await;
    let fh = mount.create("a").await;
    mount.0.write(fh, 0, &vec![7; LENGTH]).await.expect("written");
    mount.close(fh).await.expect("closed");
    mount
}

/// Opens a file as soon as it was checked in the background.
async fn when_checked(mount: &Mount, ino: Ino) -> Opened {
    for _ in 0..2000 {
        let opened = mount.0.open(ino, READ).await.expect("opens");
        if opened.backing.is_some() {
            return opened;
        }
        mount.0.release(opened.fh).await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never lent");
}

#[tokio::test]
async fn all_handles_of_an_inode_are_read_by_the_kernel_or_none() {
    let bench = Bench::new();
    let mount = prepared(&bench).await;
    let ino = mount.ino("a").await;
    let one = mount.0.open(ino, READ).await.expect("opens");
    let two = mount.0.open(ino, READ).await.expect("opens");
    let (first, second) = (one.backing.expect("lent"), two.backing.expect("lent"));
    assert!(Arc::ptr_eq(&first, &second), "the kernel wants one for all");
    mount.0.release(one.fh).await;
    assert!(mount.0.open(ino, READ).await.expect("opens").backing.is_some_and(|third| Arc::ptr_eq(&first, &third)));

    let mount = prepared(&Bench::new()).await;
    let ino = mount.ino("a").await;
    let writer = mount.0.open(ino, WRITE).await.expect("opens");
    assert!(writer.backing.is_none());
    let reader = mount.0.open(ino, READ).await.expect("opens");
    assert!(reader.backing.is_none(), "while another one reads it through us");
    mount.0.release(writer.fh).await;
    assert!(mount.0.open(ino, READ).await.expect("opens").backing.is_none());
}

#[tokio::test]
async fn who_changes_a_file_that_the_kernel_reads_gets_an_inode_of_its_own() {
    let bench = Bench::new();
    let mount = prepared(&bench).await;
    let engine = &mount.0;
    let truncate = OpenFlags { truncate: true, ..READ };
    for (round, flags) in [WRITE, truncate, OpenFlags { append: true, ..WRITE }].into_iter().enumerate() {
        let old = mount.ino("a").await;
        let reader = engine.open(old, READ).await.expect("opens");
        assert!(reader.backing.is_some(), "round {round}");
        assert!(matches!(engine.open(old, flags).await, Err(Error::Renumbered(_))));
        let new = mount.ino("a").await;
        assert_ne!(old, new);
        let writer = engine.open(new, WRITE).await.expect("opens").fh;
        assert!(engine.open(new, READ).await.expect("opens").backing.is_none(), "it may be changed");
        engine.write(writer, 0, &[round as u8; 1000]).await.expect("written");
        mount.close(writer).await.expect("closed");
        assert_eq!(bench.remote.bytes("a").expect("there")[..1000], [round as u8; 1000]);
        assert_eq!(engine.getattr(old).await.expect("known").0.size, LENGTH as u64);
        engine.release(reader.fh).await;
        // The handle that is still open keeps the new inode to itself.
        mount.0.unlink(Ino::ROOT, "a").await.expect("removed");
        let fh = mount.create("a").await;
        mount.0.write(fh, 0, &vec![7; LENGTH]).await.expect("written");
        mount.close(fh).await.expect("closed");
    }
    let old = mount.ino("a").await;
    let reader = engine.open(old, READ).await.expect("opens");
    let cut = SetAttr { size: Some(10), ..SetAttr::default() };
    assert!(matches!(engine.setattr(old, None, cut).await, Err(Error::Renumbered(_))));
    engine.setattr(mount.ino("a").await, None, cut).await.expect("cut");
    assert_eq!(bench.remote.bytes("a").expect("there").len(), 10);
    assert_eq!(engine.read(reader.fh, 0, LENGTH).await.expect("what it opened"), vec![7; LENGTH]);
}

#[tokio::test]
async fn who_was_turned_away_once_finds_the_file_free_when_he_comes_again() {
    let bench = Bench::new();
    let mount = prepared(&bench).await;
    let engine = &mount.0;
    let old = mount.ino("a").await;
    let reader = engine.open(old, READ).await.expect("opens");
    assert!(reader.backing.is_some());
    assert!(matches!(engine.open(old, WRITE).await, Err(Error::Renumbered(_))));
    // The kernel tries an opening twice, and somebody else may come between.
    let new = mount.ino("a").await;
    assert!(engine.open(new, READ).await.expect("opens").backing.is_none(), "somebody waits to change it");
    let writer = engine.open(new, WRITE).await.expect("opens").fh;
    mount.close(writer).await.expect("closed");
}

#[tokio::test]
async fn a_new_version_does_not_reach_who_reads_the_old_one_through_the_kernel() {
    let bench = Bench::new();
    bench.remote.store("a", vec![7; LENGTH]);
    let mount = bench.mount_as(|config| config.passthrough = true).await;
    assert_eq!(mount.read("a").await, vec![7; LENGTH]);
    let old = mount.ino("a").await;
    let reader = when_checked(&mount, old).await;
    bench.remote.store("a", vec![8; LENGTH]);
    assert!(matches!(mount.0.open(old, READ).await, Err(Error::Renumbered(_))));
    let again = mount.0.open(old, READ).await.expect("by its number, as /proc does");
    assert!(Arc::ptr_eq(&again.backing.expect("the same way"), reader.backing.as_ref().expect("lent")));
    assert_eq!(mount.read("a").await, vec![8; LENGTH]);
    assert_eq!(mount.0.read(reader.fh, 0, LENGTH).await.expect("kept"), vec![7; LENGTH]);
}

#[tokio::test]
async fn where_the_kernel_refuses_a_file_is_like_any_other() {
    let heard = Heard::here();
    let bench = Bench::new();
    let mount = prepared(&bench).await;
    let ino = mount.ino("a").await;
    let reader = mount.0.open(ino, READ).await.expect("opens");
    assert!(reader.backing.expect("lent").registered(|_| None::<u32>).is_none());
    mount.0.passthrough_refused(&"for a test");
    let writer = mount.0.open(ino, WRITE).await.expect("the same inode").fh;
    mount.0.write(writer, 0, b"x").await.expect("written");
    assert_eq!(mount.0.read(reader.fh, 0, 1).await.expect("read"), b"x");
    mount.close(writer).await.expect("closed");
    mount.0.release(reader.fh).await;
    assert!(mount.0.open(ino, READ).await.expect("opens").backing.is_none(), "nor any other");
    heard.says("--passthrough: files are read as without it; it needs a kernel of 6.9 or later");
}
