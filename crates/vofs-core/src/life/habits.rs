//! Services that lack what a Vault and a Cavern have: what a mount does instead, and what it says of it.

use std::time::Duration;

use super::background::until;
use super::tests::{Bench, Mount, READ, WRITE, runtime};
use crate::config::Config;
use crate::errno::ToErrno;
use crate::fs::attr::SetAttr;
use crate::fs::xattr::SetXattr;
use crate::handles::OpenFlags;
use crate::heard::Heard;
use crate::inode::Ino;
use crate::meta::Kind;
use crate::path::NodePath;
use crate::remote::Remote;
use crate::remote::fake::Habits;

const BARE: Habits = Habits { tells_only_lengths: true, ..NONE };
const NONE: Habits = Habits {
    lists_only_names: false,
    tells_only_lengths: false,
    has_no_digests: false,
    moves_no_files: false,
    moves_nothing: false,
    drops_properties: false,
    keeps_nothing_set: false,
    refuses_empty_reads: false,
};

fn with(habits: Habits) -> Bench {
    let bench = Bench::new();
    bench.remote.has_habits(habits);
    bench
}

fn reread_after(seconds: u64) -> impl FnOnce(&mut Config) {
    move |config| config.reread_after = Duration::from_secs(seconds)
}

fn emulating(config: &mut Config) {
    config.emulate_rename = true;
}

async fn write(mount: &Mount, name: &str, bytes: &[u8]) {
    let fh = mount.open(name, OpenFlags { truncate: true, ..WRITE }).await;
    mount.0.write(fh, 0, bytes).await.expect("written");
    mount.close(fh).await.expect("closed");
}

fn count(requests: &[String], what: &str) -> usize {
    requests.iter().filter(|request| request.starts_with(what)).count()
}

async fn rename(mount: &Mount, from: &str, to: &str) -> crate::Result<()> {
    mount.0.rename(Ino::ROOT, from, Ino::ROOT, to, false).await
}

#[tokio::test]
async fn without_dates_and_digests_a_change_of_the_same_length_is_seen_within_the_bound() {
    let bench = with(BARE);
    bench.remote.store("f", "first");
    let mount = bench.mount_as(reread_after(3600)).await;
    assert!(!mount.0.status().await.expect("asked").refresh.weak, "nothing was asked for yet");
    assert_eq!(mount.read("f").await, b"first");
    bench.remote.store("f", "other");
    bench.remote.requests();
    assert_eq!(mount.read("f").await, b"first", "believed for an hour");
    assert_eq!(count(&bench.remote.requests(), "get"), 0);
    let refresh = mount.0.status().await.expect("asked").refresh;
    assert!(refresh.weak && refresh.without_identity == refresh.answers && refresh.reread_after == 3600, "{refresh:?}");
    bench.remote.store("f", "longer than that");
    assert_eq!(mount.read("f").await, b"longer than that", "another length is seen at once");
    drop(mount);

    let bench = with(BARE);
    bench.remote.store("f", "first");
    let mount = bench.mount_as(reread_after(0)).await;
    assert_eq!(mount.read("f").await, b"first");
    bench.remote.store("f", "other");
    let reader = mount.open("f", READ).await;
    assert_eq!(mount.0.read(reader, 0, 10).await.expect("read"), b"other", "read anew at each opening");
    bench.remote.store("f", "third");
    assert_eq!(mount.read("f").await, b"other", "but no version is taken from who reads it");
    mount.0.release(reader).await;
    assert_eq!(mount.read("f").await, b"third");
}

#[tokio::test]
async fn a_refresh_by_the_user_reads_anew_what_only_has_a_length() {
    let bench = with(BARE);
    bench.remote.store("f", "first");
    let mount = bench.mount_as(reread_after(3600)).await;
    assert_eq!(mount.read("f").await, b"first");
    bench.remote.store("f", "other");
    mount.0.refresh(&crate::path::NodePath::root()).await.expect("refreshed");
    assert_eq!(mount.read("f").await, b"other");
}

#[tokio::test]
async fn without_dates_and_digests_writing_is_no_conflict_with_oneself_and_a_lost_answer_none_either() {
    let heard = Heard::here();
    let bench = with(BARE);
    bench.remote.store("f", "base");
    let mount = bench.mount().await;
    write(&mount, "f", b"ours!").await;
    assert_eq!(bench.remote.bytes("f").expect("there"), "ours!");
    bench.remote.requests();
    assert_eq!(mount.read("f").await, b"ours!");
    write(&mount, "f", b"again").await;
    assert_eq!(mount.read("f").await, b"again");
    assert_eq!(count(&bench.remote.requests(), "get"), 0, "what was written is not fetched");
    bench.remote.lose_answers("put");
    let fh = mount.open("f", OpenFlags { truncate: true, ..WRITE }).await;
    mount.0.write(fh, 0, b"lost answer").await.expect("written");
    mount.close(fh).await.expect_err("the answer was lost");
    bench.remote.mend();
    mount.until_clean().await;
    assert_eq!(bench.remote.bytes("f").expect("there"), "lost answer");
    assert_eq!(bench.remote.paths(), ["", "f"]);
    // What has another length is somebody else's.
    let fh = mount.open("f", OpenFlags { truncate: true, ..WRITE }).await;
    mount.0.write(fh, 0, b"ours").await.expect("written");
    bench.remote.store("f", "theirs, of another length");
    mount.close(fh).await.expect("both are kept");
    assert_eq!(bench.remote.bytes("f").expect("there"), "theirs, of another length");
    assert_eq!(bench.remote.paths().len(), 3);
    heard.says("the service gives neither digest nor date of some files: changes of these that keep the length are not seen until");
}

#[tokio::test]
async fn without_digests_what_was_written_is_not_fetched_and_the_date_tells_of_others() {
    let bench = with(Habits { has_no_digests: true, ..NONE });
    bench.remote.store("f", "base");
    let mount = bench.mount().await;
    assert_eq!(mount.read("f").await, b"base");
    write(&mount, "f", b"ours").await;
    bench.remote.requests();
    assert_eq!(mount.read("f").await, b"ours");
    assert_eq!(count(&bench.remote.requests(), "get"), 0);
    bench.remote.store("f", "them");
    assert_eq!(mount.read("f").await, b"them");
    assert!(!mount.0.status().await.expect("asked").refresh.weak, "dates are enough");
}

#[tokio::test]
async fn a_change_past_the_service_right_after_our_upload_is_seen_although_length_and_digest_stay() {
    let bench = Bench::new();
    bench.remote.write_in_place();
    bench.remote.store("f", "base");
    let mount = bench.mount().await;
    assert_eq!(mount.read("f").await, b"base");
    write(&mount, "f", b"ours").await;
    bench.remote.write_past("f", "them");
    assert_eq!(mount.read("f").await, b"them");

    // Nor is it overwritten by who began before it.
    write(&mount, "f", b"mine").await;
    let fh = mount.open("f", WRITE).await;
    mount.0.write(fh, 0, b"M").await.expect("written");
    bench.remote.write_past("f", "they");
    mount.close(fh).await.expect("closed");
    assert_eq!(bench.remote.bytes("f").expect("there"), "they");
    assert_eq!(bench.remote.paths().len(), 3, "the root, theirs and ours beside it: {:?}", bench.remote.paths());
}

#[tokio::test]
async fn what_is_longer_than_our_upload_is_not_what_that_left() {
    let bench = Bench::new();
    bench.remote.write_in_place();
    bench.remote.store("f", "base");
    let mount = bench.mount().await;
    assert_eq!(mount.read("f").await, b"base");
    bench.remote.break_requests("put");
    let fh = mount.open("f", OpenFlags { truncate: true, ..WRITE }).await;
    mount.0.write(fh, 0, b"ours").await.expect("written");
    mount.close(fh).await.expect_err("broken");
    bench.remote.write_past("f", "theirs");
    bench.remote.mend();
    until("sent", async || mount.0.pending().is_empty()).await;
    assert_eq!(bench.remote.bytes("f").expect("there"), "theirs");
    assert!(bench.remote.paths().iter().any(|path| bench.remote.bytes(path).is_some_and(|bytes| bytes == "ours")));
}

#[tokio::test]
async fn an_upload_over_which_another_one_went_is_not_taken_for_done() {
    let bench = Bench::new();
    bench.remote.write_in_place();
    bench.remote.store("f", "base");
    let mount = bench.mount().await;
    assert_eq!(mount.read("f").await, b"base");
    bench.remote.mix_next_put("longer than ours");
    let fh = mount.open("f", OpenFlags { truncate: true, ..WRITE }).await;
    mount.0.write(fh, 0, b"ours").await.expect("written");
    mount.close(fh).await.expect_err("two uploads are in the file");
    mount.0.retry_pending(None).await.expect("tried");
    until("sent", async || mount.0.pending().is_empty()).await;
    let kept: Vec<_> = bench.remote.paths().into_iter().filter_map(|path| bench.remote.bytes(&path)).collect();
    assert!(kept.iter().any(|bytes| bytes == "ours"), "{:?}", bench.remote.paths());
}

#[tokio::test]
async fn a_name_in_a_listing_is_no_empty_file_and_no_question() {
    const COUNT: usize = 200;
    let bench = with(Habits { lists_only_names: true, ..NONE });
    bench.remote.add_directory("d");
    bench.remote.add_directory("d/sub");
    for i in 0..COUNT {
        bench.remote.store(&format!("d/f{i:03}"), vec![1; i + 1]);
    }
    for life in 0..2 {
        let mount = bench.mount().await;
        assert_eq!(mount.ino("d").await, mount.ino("d").await);
        bench.remote.requests();
        assert_eq!(mount.names("d").await.len(), COUNT + 1);
        let asked = bench.remote.requests();
        assert_eq!(count(&asked, "stat"), 0, "`ls` asks for no file: {asked:?}");
        // One question is one question; from the second on those behind it go along.
        assert_eq!(mount.walk("d/f100").await.expect("there").1, 101, "life {life}");
        if life == 0 {
            assert_eq!(count(&bench.remote.requests(), "stat /d/f"), 1);
        }
        for i in 0..COUNT {
            let (_, size) = mount.walk(&format!("d/f{i:03}")).await.expect("there");
            assert_eq!(size, i as u64 + 1);
        }
        if life == 0 {
            assert_eq!(count(&bench.remote.requests(), "stat /d/f"), COUNT - 1, "each is asked for once");
        }
        // Listed again, what is known stays known.
        assert_eq!(mount.names("d").await.len(), COUNT + 1);
        assert_eq!(mount.walk("d/f007").await.expect("there").1, 8);
        assert_eq!(mount.read("d/f150").await, vec![1; 151]);
        mount.0.drain(Duration::from_secs(5)).await;
    }
}

#[tokio::test]
async fn no_more_is_asked_for_ahead_than_a_window() {
    let bench = with(Habits { lists_only_names: true, ..NONE });
    bench.remote.add_directory("d");
    for i in 0..1000 {
        bench.remote.store(&format!("d/f{i:04}"), "x");
    }
    let mount = bench.mount().await;
    mount.names("d").await;
    bench.remote.requests();
    for name in ["d/f0000", "d/f0001"] {
        mount.walk(name).await.expect("there");
    }
    // All that was begun ends before the one that is asked for behind it.
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
    let asked = count(&bench.remote.requests(), "stat /d/f");
    assert!((3..=2 + crate::along::AHEAD).contains(&asked), "{asked}");
}

/// `ls -l` of a directory whose listing tells names only: the kernel looks up one name after the other, and those behind it are
/// asked for meanwhile, side by side, as many as a small service bears.
#[tokio::test]
async fn what_is_asked_for_ahead_is_asked_for_side_by_side_within_a_bound() {
    const AT_A_TIME: usize = 16;
    let bench = with(Habits { lists_only_names: true, ..NONE });
    bench.remote.add_directory("d");
    for i in 0..200 {
        bench.remote.store(&format!("d/f{i:03}"), "x");
    }
    let mount = bench.mount().await;
    mount.names("d").await;
    mount.walk("d/f000").await.expect("there");
    bench.remote.stall_after(Some(0), false);
    let held = async {
        while bench.remote.waiting() <= AT_A_TIME {
            tokio::task::yield_now().await;
        }
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
        let waiting = bench.remote.waiting();
        bench.remote.stall_after(None, false);
        waiting
    };
    let walk = mount.walk("d/f001");
    let both = async { tokio::join!(walk, held) };
    let (walked, waiting) = tokio::time::timeout(Duration::from_secs(20), both).await.expect("they are side by side");
    assert_eq!((walked.expect("there").1, waiting), (1, 1 + AT_A_TIME), "the one that is wanted, and those ahead");
}

#[tokio::test]
async fn a_link_of_a_listing_without_targets_is_asked_for_its_own() {
    let bench = with(Habits { lists_only_names: true, ..NONE });
    let mount = bench.mount().await;
    bench.remote.store("f", "there");
    mount.0.symlink(Ino::ROOT, "l", "f").await.expect("made");
    drop(mount);
    let mount = bench.mount().await;
    assert_eq!(mount.names("").await, ["f", "l"]);
    let link = mount.ino("l").await;
    assert_eq!(mount.0.readlink(link).await.expect("read"), "f");
}

#[tokio::test]
async fn a_far_seek_in_a_file_without_ranges_begins_no_second_download() {
    let bench = Bench::new();
    bench.remote.ignore_ranges();
    let bytes: Vec<u8> = (0..8_000_000_u32).map(|at| (at / 1000) as u8).collect();
    bench.remote.store("f", bytes.clone());
    let mount = bench.mount().await;
    let fh = mount.open("f", READ).await;
    assert!(mount.0.read(fh, 0, 4096).await.expect("read") == bytes[..4096]);
    assert!(mount.0.read(fh, 7_900_000, 4096).await.expect("read") == bytes[7_900_000..7_904_096]);
    assert!(mount.0.read(fh, 4_000_000, 4096).await.expect("read") == bytes[4_000_000..4_004_096]);
    mount.0.release(fh).await;
    assert_eq!(count(&bench.remote.requests(), "get"), 1);
}

#[tokio::test]
async fn a_file_that_was_never_written_is_empty_without_a_question_for_its_bytes() {
    let bench = with(Habits { refuses_empty_reads: true, ..NONE });
    bench.remote.store("f", "");
    let mount = bench.mount().await;
    bench.remote.requests();
    assert_eq!(mount.read("f").await, b"");
    assert_eq!(count(&bench.remote.requests(), "get"), 0);
}

#[tokio::test]
async fn properties_that_an_upload_takes_away_are_given_back() {
    for (keeps, asked_again) in [(false, 2), (true, 1)] {
        let bench = with(Habits { drops_properties: !keeps, ..NONE });
        bench.remote.store("f", "base");
        bench.remote.set("f", "title", "kept");
        let mount = bench.mount().await;
        bench.remote.requests();
        write(&mount, "f", b"first").await;
        assert_eq!(bench.remote.property("f", "title").as_deref(), Some("kept"));
        write(&mount, "f", b"second").await;
        assert_eq!(bench.remote.property("f", "title").as_deref(), Some("kept"));
        let requests = bench.remote.requests();
        assert_eq!(
            count(&requests, "properties /f"),
            asked_again,
            "a service that keeps them is asked once: {requests:?}"
        );
        assert_eq!(count(&requests, "properties of /f given"), if keeps { 0 } else { 2 });
    }
}

#[tokio::test]
async fn rights_and_properties_that_are_not_kept_are_refused() {
    let heard = Heard::here();
    let bench = with(Habits { keeps_nothing_set: true, ..NONE });
    bench.remote.store("f", "base");
    let mount = bench.mount().await;
    let ino = mount.ino("f").await;
    let chmod = SetAttr { mode: Some(0o644), ..SetAttr::default() };
    for _ in 0..2 {
        let refused = mount.0.setattr(ino, None, chmod).await.expect_err("not kept");
        assert_eq!(refused.to_errno(), libc::EOPNOTSUPP, "{refused}");
    }
    assert_eq!(mount.0.getattr(ino).await.expect("asked").0.mode, 0o600);
    let same = SetAttr { mode: Some(0o600), ..SetAttr::default() };
    mount.0.setattr(ino, None, same).await.expect("it is so");
    let refused = mount.0.setxattr(ino, "user.vos.title", b"x", SetXattr::Any).await.expect_err("not kept");
    assert_eq!(refused.to_errno(), libc::EOPNOTSUPP, "{refused}");
    // Known by now: said before anything is written.
    let fh = mount.create("new").await;
    let ino = mount.ino("new").await;
    assert_eq!(mount.0.setattr(ino, Some(fh), chmod).await.expect_err("known").to_errno(), libc::EOPNOTSUPP);
    mount.close(fh).await.expect("closed");
    heard.says("chmod refused path=/new cause=the service took the change of rights, and does not keep any");
    heard.says(
        "attribute refused path=/f cause=the service took the change of the property title, and does not keep it",
    );
}

#[tokio::test]
async fn what_the_service_cannot_move_is_refused_and_stays_as_it_is() {
    let heard = Heard::here();
    let bench = with(Habits { moves_no_files: true, ..NONE });
    bench.remote.store("f", "content");
    bench.remote.store("target", "old");
    let mount = bench.mount().await;
    for to in ["g", "target"] {
        let refused = rename(&mount, "f", to).await.expect_err("refused");
        assert_eq!(refused.to_errno(), libc::EOPNOTSUPP);
        assert!(refused.to_string().contains("--emulate-rename"), "{refused}");
    }
    assert_eq!((mount.read("f").await, mount.read("target").await), (b"content".to_vec(), b"old".to_vec()));
    assert_eq!(bench.remote.paths(), ["", "f", "target"]);
    assert_eq!(mount.0.status().await.expect("asked").unfinished_moves, 0);
    bench.remote.has_habits(Habits { moves_nothing: true, ..NONE });
    bench.remote.add_directory("d");
    bench.remote.store("d/x", "x");
    bench.remote.add_directory("empty");
    assert_eq!(rename(&mount, "d", "e").await.expect_err("refused").to_errno(), libc::EOPNOTSUPP);
    assert_eq!(rename(&mount, "d", "empty").await.expect_err("refused").to_errno(), libc::EOPNOTSUPP);
    assert_eq!(bench.remote.paths(), ["", "d", "d/x", "empty", "f", "target"]);
    heard.says("the service cannot move it: ");
}

#[tokio::test]
async fn a_rename_by_copying_keeps_bytes_properties_and_open_files() {
    let bench = with(Habits { moves_nothing: true, ..NONE });
    let bytes: Vec<u8> = (0..300_000_u32).map(|at| (at % 251) as u8).collect();
    bench.remote.store("f", bytes.clone());
    bench.remote.set("f", "title", "kept");
    bench.remote.store("target", "old");
    let mount = bench.mount_as(emulating).await;
    let reader = mount.open("f", READ).await;
    rename(&mount, "f", "g").await.expect("copied");
    assert_eq!(bench.remote.paths(), ["", "g", "target"]);
    assert_eq!(bench.remote.property("g", "title").as_deref(), Some("kept"));
    assert!(mount.0.read(reader, 100_000, 100).await.expect("read") == bytes[100_000..100_100]);
    mount.0.release(reader).await;
    assert!(mount.walk("f").await.is_none() && mount.read("g").await == bytes);
    rename(&mount, "g", "target").await.expect("copied over");
    assert_eq!(bench.remote.paths(), ["", "target"]);
    assert!(bench.remote.bytes("target").expect("there") == bytes);
    // Changed and not sent: it follows.
    bench.remote.break_requests("put");
    let fh = mount.open("target", WRITE).await;
    mount.0.write(fh, 0, b"changed").await.expect("written");
    bench.remote.mend();
    rename(&mount, "target", "last").await.expect("copied");
    mount.close(fh).await.expect("sent");
    mount.until_clean().await;
    assert_eq!(bench.remote.paths(), ["", "last"]);
    assert!(bench.remote.bytes("last").expect("there").starts_with(b"changed"));
    assert!(bench.dirty_files().is_empty());
    assert_eq!(mount.0.status().await.expect("asked").unfinished_moves, 0);
}

#[tokio::test]
async fn a_directory_is_renamed_by_copying_all_that_is_in_it() {
    let bench = with(Habits { moves_nothing: true, lists_only_names: true, ..NONE });
    for directory in ["d", "d/sub", "d/empty"] {
        bench.remote.add_directory(directory);
    }
    bench.remote.store("d/a", "a");
    bench.remote.store("d/sub/b", "b");
    bench.remote.store("d/sub/nothing", "");
    let mount = bench.mount_as(emulating).await;
    mount.0.symlink(mount.ino("d").await, "l", "a").await.expect("made");
    rename(&mount, "d", "e").await.expect("copied");
    assert_eq!(bench.remote.paths(), ["", "e", "e/a", "e/empty", "e/l", "e/sub", "e/sub/b", "e/sub/nothing"]);
    assert_eq!(mount.read("e/sub/b").await, b"b");
    assert!(mount.walk("d").await.is_none());
}

#[tokio::test]
async fn a_rename_by_copying_that_fails_leaves_everything_as_it_was() {
    let heard = Heard::here();
    let bench = with(Habits { moves_nothing: true, ..NONE });
    bench.remote.add_directory("d");
    bench.remote.store("d/a", "a");
    bench.remote.store("d/b", "b");
    let mount = bench.mount_as(emulating).await;
    bench.remote.break_requests("put /e/b");
    rename(&mount, "d", "e").await.expect_err("broken");
    bench.remote.mend();
    assert_eq!(bench.remote.paths(), ["", "d", "d/a", "d/b"]);
    assert_eq!(mount.names("d").await, ["a", "b"]);
    assert_eq!(mount.0.status().await.expect("asked").unfinished_moves, 0);
    // What could not be deleted yet is deleted later; the new name has all of it.
    bench.remote.break_requests("delete /d/b");
    rename(&mount, "d", "e").await.expect("copied");
    heard.says("copied, and not all of the old ones deleted yet from=/d to=/e");
    bench.remote.mend();
    for _ in 0..2000 {
        if bench.remote.paths() == ["", "e", "e/a", "e/b"] {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{:?}", bench.remote.paths());
}

#[test]
fn a_rename_by_copying_loses_nothing_wherever_it_is_killed() {
    const REQUESTS: usize = 24;
    let mut kills = 0;
    for (after, done, replaces) in (0..REQUESTS)
        .flat_map(|after| [(after, false), (after, true)])
        .flat_map(|(after, done)| [(after, done, false), (after, done, true)])
    {
        let bench = with(Habits { moves_nothing: true, ..NONE });
        bench.remote.store("f", "the content");
        if replaces {
            bench.remote.store("g", "the old");
        }
        let life = runtime();
        let killed = life.block_on(async {
            let mount = bench.mount_as(emulating).await;
            bench.remote.stall_after(Some(after), done);
            tokio::select! {
                outcome = rename(&mount, "f", "g") => { outcome.expect("renamed"); false }
                () = bench.remote.stalled() => true,
            }
        });
        drop(life);
        bench.remote.stall_after(None, false);
        kills += usize::from(killed);
        let there: Vec<_> = ["f", "g"].iter().filter_map(|name| bench.remote.bytes(name)).collect();
        assert!(there.contains(&"the content".into()), "{after} {done} {replaces}");
        runtime().block_on(async {
            let mount = bench.mount_as(emulating).await;
            for _ in 0..2000 {
                if mount.0.status().await.expect("asked").unfinished_moves == 0 {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            assert_eq!(mount.0.status().await.expect("asked").unfinished_moves, 0, "{after} {done} {replaces}");
            let paths = bench.remote.paths();
            let is_as_before = bench.remote.bytes("f").is_some_and(|bytes| bytes == "the content")
                && bench.remote.bytes("g").is_none_or(|bytes| replaces && bytes == "the old");
            let is_renamed = paths == ["", "g"] && bench.remote.bytes("g").is_some_and(|bytes| bytes == "the content");
            assert!(is_as_before || is_renamed, "{after} {done} {replaces}: {paths:?}");
            // The first requests only find out that there is no other way.
            assert!(!is_as_before || after < 5, "what was begun is finished: {after} {done} {replaces}");
        });
    }
    assert!(kills >= 20, "the steps were met: {kills}");
}

#[test]
fn what_somebody_makes_at_the_target_of_a_killed_rename_by_copying_is_kept() {
    let heard = Heard::here();
    for (after, replaces) in (0..24).flat_map(|after| [(after, false), (after, true)]) {
        for (has_no_digests, is_link) in [(false, false), (true, false), (false, true)] {
            let bench = with(Habits { moves_nothing: true, has_no_digests, ..NONE });
            if !is_link {
                bench.remote.store("f", "the content");
            }
            if replaces {
                bench.remote.store("g", "the old");
            }
            let life = runtime();
            life.block_on(async {
                let mount = bench.mount_as(emulating).await;
                if is_link {
                    mount.0.symlink(Ino::ROOT, "f", "elsewhere").await.expect("made");
                }
                bench.remote.stall_after(Some(after), false);
                tokio::select! {
                    outcome = rename(&mount, "f", "g") => drop(outcome),
                    () = bench.remote.stalled() => {}
                }
            });
            drop(life);
            bench.remote.stall_after(None, false);
            bench.remote.store("g", "somebody else's");
            runtime().block_on(async {
                let mount = bench.mount_as(emulating).await;
                // What is given up is settled; where both were there already, it waits for its user.
                for _ in 0..20 {
                    if mount.0.status().await.expect("asked").unfinished_moves == 0 {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            });
            let case = format!("{after} {replaces} {has_no_digests} {is_link}");
            assert_eq!(bench.remote.bytes("g").expect("there"), "somebody else's", "{case}");
        }
    }
    heard.says("a rename by copying that was interrupted is gone on with from=/f to=/g");
    heard.says("a rename by copying is given up: somebody else has taken the name; ");
}

#[tokio::test]
async fn a_link_takes_the_name_of_a_file_that_cannot_be_moved() {
    let bench = with(Habits { moves_no_files: true, ..NONE });
    bench.remote.store("f", "what the link leads to");
    bench.remote.store("g", "the old");
    let mount = bench.mount_as(emulating).await;
    mount.0.symlink(Ino::ROOT, "l", "f").await.expect("made");
    rename(&mount, "l", "g").await.expect("copied");
    assert_eq!(bench.remote.paths(), ["", "f", "g"]);
    let made = bench.remote.stat(&NodePath::new("g")).await.expect("it is there");
    assert_eq!(made.kind, Kind::Link { target: "vos://fake~test/f".into() });
    assert_eq!(mount.0.readlink(mount.ino("g").await).await.expect("a link"), "f");
}

#[tokio::test]
async fn a_link_that_leads_elsewhere_by_now_is_not_deleted_for_its_copy() {
    let bench = with(Habits { moves_nothing: true, ..NONE });
    let mount = bench.mount_as(emulating).await;
    mount.0.symlink(Ino::ROOT, "l", "f").await.expect("made");
    bench.remote.break_requests("delete /l");
    rename(&mount, "l", "m").await.expect("copied");
    bench.remote.make_link(&NodePath::new("l"), "vos://fake~test/other").await.expect("made by another client");
    bench.remote.requests();
    bench.remote.mend();
    let mut looks = 0;
    for _ in 0..2000 {
        let requests = bench.remote.requests();
        assert_eq!(count(&requests, "delete"), 0, "{requests:?}");
        looks += count(&requests, "stat /l");
        if looks >= 4 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(looks >= 4, "it was gone on with: {looks}");
    assert_eq!(bench.remote.paths(), ["", "l", "m"]);
}
