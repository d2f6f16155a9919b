//! A cache directory in which things are not as this program left them.

use std::path::Path;

use rusqlite::Connection;

use super::background::{LONG, quiet, until, write_new};
use super::tests::{Bench, READ, runtime};
use super::*;
use crate::heard::Heard;
use crate::inode::Ino;
use crate::path::NodePath;

/// Ways to change a table.
const CHANGES: [&str; 3] = ["INSERT", "UPDATE", "DELETE"];

/// Changes a database past the daemon that uses it.
fn change(database: &Path, sql: &str) {
    Connection::open(database).expect("opens").execute_batch(sql).expect("done");
}

/// Files of a directory.
fn files(directory: &Path) -> Vec<std::path::PathBuf> {
    std::fs::read_dir(directory).expect("listed").map(|entry| entry.expect("an entry").path()).collect()
}

#[test]
fn what_waits_and_whose_bytes_somebody_removed_is_named_and_given_up() {
    let bench = Bench::new();
    let doomed = runtime();
    doomed.block_on(async { write_new(&bench.mount_as(quiet(LONG)).await, "a", b"promised").await });
    drop(doomed);
    std::fs::remove_file(bench.dirty_files().remove(0)).expect("removed");
    let heard = Heard::here();
    runtime().block_on(async { bench.mount().await.until_clean().await });
    heard.says("journal: the data of this file is gone from the cache directory; its record is dropped path=/a");
    assert_eq!(bench.remote.bytes("a"), None);
}

#[test]
fn an_index_that_is_none_is_begun_anew() {
    let bench = Bench::new();
    bench.remote.store("f", "x");
    let cache = bench.config().cache_dir;
    std::fs::create_dir(&cache).expect("made");
    std::fs::write(cache.join("index.db"), vec![0xAB; 10_000]).expect("written");
    let heard = Heard::here();
    runtime().block_on(async { assert_eq!(bench.mount().await.read("f").await, b"x") });
    heard.says("cache index: damaged; set aside and begun anew, with an empty block cache");
    assert!(cache.join("index.damaged").exists());
}

#[tokio::test]
async fn data_files_that_are_something_else_are_named() {
    let bench = Bench::new();
    let mount = bench.mount_as(quiet(LONG)).await;
    write_new(&mount, "a", b"promised").await;
    let data = bench.dirty_files().remove(0);
    std::fs::remove_file(&data).expect("removed");
    std::fs::create_dir(&data).expect("something that is no file");
    let heard = Heard::here();
    let fh = mount.open("a", READ).await;
    heard.says("the data file cannot be opened error=");
    mount.0.release(fh).await;
    mount.0.unlink(Ino::ROOT, "a").await.expect("removed");
    until("the data file", async || heard.has("journal: a data file could not be removed error=")).await;
}

#[tokio::test]
async fn an_old_version_that_cannot_be_removed_is_named() {
    let bench = Bench::new();
    bench.remote.store("f", vec![1; 300_000]);
    let mount = bench.mount().await;
    mount.read("f").await;
    let place = files(&bench.config().cache_dir.join("blocks")).remove(0);
    std::fs::remove_file(&place).expect("removed");
    std::fs::create_dir(&place).expect("something that is no file");
    bench.remote.store("f", vec![2; 300_000]);
    let heard = Heard::here();
    assert_eq!(mount.read("f").await, vec![2; 300_000]);
    until("the old version", async || heard.has("block cache: an old version could not be removed error=")).await;
}

#[tokio::test]
async fn what_the_databases_do_not_take_is_said() {
    let bench = Bench::new();
    bench.remote.add_directory("d");
    bench.remote.store("d/f", "x");
    bench.remote.store("read", "x");
    let mount = bench.mount_as(quiet(LONG)).await;
    write_new(&mount, "a", b"waits").await;
    mount.read("read").await;
    mount.0.pin(&NodePath::new("d")).await.expect("pinned");
    let cache = bench.config().cache_dir;
    let refuse = |database: &str, tables: &[&str]| {
        for (number, (table, what)) in tables.iter().flat_map(|table| CHANGES.map(|what| (table, what))).enumerate() {
            let raise = "BEGIN SELECT RAISE(FAIL, 'the disk is asleep'); END";
            change(&cache.join(database), &format!("CREATE TRIGGER no{number} BEFORE {what} ON {table} {raise};"));
        }
    };
    refuse("journal.db", &["pending", "pin"]);
    refuse("index.db", &["node", "directory", "file", "chunk"]);
    let heard = Heard::here();
    mount.names("d").await;
    mount.0.rename(Ino::ROOT, "d", Ino::ROOT, "e", false).await.expect("renamed");
    mount.0.unlink(Ino::ROOT, "a").await.expect("removed");
    mount.0.drain(Duration::ZERO).await;
    change(&cache.join("index.db"), "DROP TABLE node");
    bench.remote.lose_answers("mkdir");
    mount.0.mkdir(Ino::ROOT, "lost").await.expect_err("no answer");
    for said in [
        "metadata cache: a listing was not written down directory=/d",
        "a pin was not written down under its new name error=",
        "metadata cache: what is known of it may be old path=/lost",
        "journal: a record of a removed file stays error=",
        "the index was not saved error=",
    ] {
        until(said, async || heard.has(said)).await;
    }
}
