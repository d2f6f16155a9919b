use std::path::PathBuf;

use tokio::runtime::{Builder, Runtime};

use super::*;
use crate::clock::SystemClock;
use crate::errno::ToErrno;
use crate::fs::attr::SetAttr;
use crate::fs::lookup::Lookup;
use crate::handles::{Fh, OpenFlags};
use crate::heard::Heard;
use crate::inode::Ino;
use crate::remote::fake::FakeRemote;

pub(super) const READ: OpenFlags =
    OpenFlags { read: true, write: false, append: false, truncate: false, exclusive: false };
pub(super) const WRITE: OpenFlags = OpenFlags { write: true, ..READ };

pub(super) struct Bench {
    pub(super) remote: Arc<FakeRemote>,
    pub(super) place: tempfile::TempDir,
}

impl Bench {
    pub(super) fn new() -> Self {
        Bench { remote: Arc::new(FakeRemote::new()), place: tempfile::tempdir().expect("a temporary directory") }
    }

    pub(super) fn config(&self) -> Config {
        let mut config = Config::new("vos:test", self.place.path().join("cache"));
        config.retry_pause = (Duration::from_millis(5), Duration::from_millis(20));
        config
    }

    pub(super) async fn mount(&self) -> Mount {
        self.mount_as(|_| {}).await
    }

    pub(super) async fn mount_as(&self, change: impl FnOnce(&mut Config)) -> Mount {
        self.try_mount(change).await.expect("starts")
    }

    pub(super) async fn try_mount(&self, change: impl FnOnce(&mut Config)) -> Result<Mount> {
        let faked: Arc<dyn Remote> = Arc::<FakeRemote>::clone(&self.remote);
        let mut config = self.config();
        change(&mut config);
        Engine::start(config, faked, Arc::new(SystemClock)).await.map(Mount)
    }

    pub(super) fn dirty_files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.place.path().join("cache/dirty")).expect("listed");
        entries.map(|entry| entry.expect("an entry").path()).collect()
    }
}

/// What a mount lives in, when it is killed by dropping that.
pub(super) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

pub(super) struct Mount(pub(super) Arc<Engine>);

impl Mount {
    pub(super) async fn walk(&self, path: &str) -> Option<(Ino, u64)> {
        let mut at = (Ino::ROOT, 0);
        for name in path.split('/') {
            match self.0.lookup(at.0, name).await.expect("looked up") {
                Lookup::Found(entry) => at = (entry.attr.ino, entry.attr.size),
                Lookup::Absent(_) => return None,
            }
        }
        Some(at)
    }

    pub(super) async fn ino(&self, path: &str) -> Ino {
        self.walk(path).await.expect("it exists").0
    }

    pub(super) async fn open(&self, path: &str, flags: OpenFlags) -> Fh {
        let opened = match self.0.open(self.ino(path).await, flags).await {
            // A kernel looks the name up again.
            Err(Error::Renumbered(_)) => self.0.open(self.ino(path).await, flags).await,
            outcome => outcome,
        };
        opened.expect("opens").fh
    }

    pub(super) async fn create(&self, path: &str) -> Fh {
        let (parent, name) =
            path.rsplit_once('/').map_or((Ino::ROOT, path), |_| unreachable!("tests create in the root"));
        self.0.create(parent, name, OpenFlags { exclusive: true, ..WRITE }).await.expect("created").1.fh
    }

    pub(super) async fn close(&self, fh: Fh) -> Result<()> {
        let outcome = self.0.flush(fh).await;
        self.0.release(fh).await;
        outcome
    }

    pub(super) async fn read(&self, path: &str) -> Vec<u8> {
        let fh = self.open(path, READ).await;
        let bytes = self.0.read(fh, 0, 1 << 24).await.expect("read");
        self.0.release(fh).await;
        bytes
    }

    pub(super) async fn names(&self, path: &str) -> Vec<String> {
        let ino = if path.is_empty() { Ino::ROOT } else { self.ino(path).await };
        let fh = self.0.opendir(ino).await.expect("opens").fh;
        let (mut names, mut at) = (Vec::new(), 2);
        loop {
            let before = at;
            let sink = |child: &crate::DirEntry| {
                names.push(child.name.clone());
                at = child.next;
                true
            };
            self.0.readdir(fh, before, true, sink).await.expect("listed");
            if at == before {
                break;
            }
        }
        self.0.releasedir(fh);
        names.sort();
        names
    }

    /// Returns when no rename is half done any more.
    pub(super) async fn until_settled(&self) {
        for _ in 0..2000 {
            if self.0.status().await.expect("asked").unfinished_moves == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("a rename is not settled");
    }

    pub(super) async fn until_clean(&self) {
        for _ in 0..2000 {
            if self.0.files.dirty().is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("not uploaded: {:?}", self.0.files.dirty());
    }
}

#[tokio::test]
async fn a_new_file_is_uploaded_by_close_and_read_back_without_a_download() {
    let bench = Bench::new();
    let mount = bench.mount().await;
    let fh = mount.create("a").await;
    mount.0.write(fh, 0, b"hello").await.expect("written");
    mount.0.write(fh, 5, b" world").await.expect("written");
    assert_eq!(bench.remote.bytes("a"), None, "nothing is sent before close");
    mount.close(fh).await.expect("closed");
    assert_eq!(bench.remote.bytes("a").expect("stored"), "hello world");
    bench.remote.requests();
    assert_eq!(mount.read("a").await, b"hello world");
    assert!(!bench.remote.requests().iter().any(|request| request.starts_with("get")));
    assert!(bench.dirty_files().is_empty());
}

#[tokio::test]
async fn touch_append_patch_and_truncate_keep_what_they_should() {
    let bench = Bench::new();
    let content: Vec<u8> = (0..300_000_u32).map(|at| (at % 251) as u8).collect();
    bench.remote.store("f", content.clone());
    let mount = bench.mount().await;

    let fh = mount.open("f", WRITE).await;
    mount.close(fh).await.expect("touched");
    assert_eq!(bench.remote.bytes("f").expect("there"), content, "opening for writing changes nothing");

    let fh = mount.open("f", OpenFlags { append: true, ..WRITE }).await;
    mount.0.write(fh, 0, b"END").await.expect("written");
    mount.close(fh).await.expect("closed");
    let fh = mount.open("f", WRITE).await;
    mount.0.write(fh, 100_000, b"PATCH").await.expect("written");
    assert_eq!(mount.0.read(fh, 99_998, 9).await.expect("read")[2..7], *b"PATCH");
    mount.close(fh).await.expect("closed");
    let mut expected = content;
    expected.extend(b"END");
    expected[100_000..100_005].copy_from_slice(b"PATCH");
    assert!(bench.remote.bytes("f").expect("there") == expected);

    let ino = mount.ino("f").await;
    let change = SetAttr { size: Some(10), ..SetAttr::default() };
    mount.0.setattr(ino, None, change).await.expect("cut");
    assert!(bench.remote.bytes("f").expect("there") == expected[..10]);
}

#[tokio::test]
async fn a_failed_close_says_so_keeps_the_bytes_and_sends_them_later() {
    let heard = Heard::here();
    let bench = Bench::new();
    let mount = bench.mount().await;
    bench.remote.break_requests("put");
    let fh = mount.create("a").await;
    mount.0.write(fh, 0, b"precious").await.expect("written");
    let error = mount.close(fh).await.expect_err("the service is broken");
    assert_eq!(error.to_errno(), libc::EIO);
    assert_eq!(mount.read("a").await, b"precious", "still readable here");
    assert_eq!(mount.names("").await, ["a"]);
    bench.remote.mend();
    mount.until_clean().await;
    assert_eq!(bench.remote.bytes("a").expect("stored"), "precious");
    heard.says("not uploaded; the bytes are kept in the journal path=/a");
}

#[test]
fn after_a_crash_the_next_mount_uploads_what_was_closed() {
    let bench = Bench::new();
    bench.remote.store("old", vec![1_u8; 200_000]);
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    // What ends with its runtime in the middle of everything is what a killed daemon is.
    let doomed = runtime();
    doomed.block_on(async {
        let mount = bench.mount().await;
        bench.remote.break_requests("put");
        let fh = mount.create("new").await;
        mount.0.write(fh, 0, b"precious").await.expect("written");
        mount.close(fh).await.expect_err("broken");
        let fh = mount.open("old", WRITE).await;
        mount.0.write(fh, 150_000, b"patch").await.expect("written");
        mount.close(fh).await.expect_err("broken");
        let fh = mount.create("never closed").await;
        mount.0.write(fh, 0, b"not promised").await.expect("written");
    });
    drop(doomed);
    bench.remote.mend();
    runtime().block_on(async {
        let mount = bench.mount().await;
        mount.until_clean().await;
    });
    assert_eq!(bench.remote.bytes("new").expect("stored"), "precious");
    let old = bench.remote.bytes("old").expect("stored");
    assert_eq!((old.len(), &old[150_000..150_005], old[0]), (200_000, &b"patch"[..], 1));
    assert_eq!(bench.remote.bytes("never closed"), None);
}

#[tokio::test]
async fn what_the_service_refuses_is_kept_and_not_repeated() {
    let bench = Bench::new();
    let mount = bench.mount().await;
    let fh = mount.create("a").await;
    mount.0.write(fh, 0, b"x").await.expect("written");
    // The parent is gone: a try that cannot succeed.
    bench.remote.drop_node("");
    let error = mount.close(fh).await.expect_err("refused");
    assert_eq!(error.to_errno(), libc::ENOENT);
    let puts = |requests: Vec<String>| requests.iter().filter(|request| request.starts_with("put")).count();
    assert_eq!(puts(bench.remote.requests()), 1);
    assert_eq!(mount.0.drain(Duration::from_secs(5)).await, [NodePath::new("a")]);
    assert_eq!(puts(bench.remote.requests()), 0);
    assert_eq!(bench.dirty_files().len(), 1);
}

#[tokio::test]
async fn a_remote_change_is_seen_at_the_next_open_and_never_mixed() {
    let bench = Bench::new();
    bench.remote.store("f", vec![1_u8; 2 << 20]);
    let mount = bench.mount().await;
    let old = mount.open("f", READ).await;
    assert_eq!(mount.0.read(old, 0, 4).await.expect("read"), [1; 4]);
    bench.remote.store("f", vec![2_u8; 2 << 20]);
    assert_eq!(mount.read("f").await, vec![2_u8; 2 << 20]);
    assert_eq!(mount.0.read(old, 0, 4).await.expect("its own version"), [1; 4]);
    let error = mount.0.read(old, 1 << 20, 4).await.expect_err("that version is gone");
    assert_eq!(error.to_errno(), libc::ESTALE);
}

#[tokio::test]
async fn two_writers_of_one_file_never_lose_either_version() {
    let heard = Heard::here();
    let bench = Bench::new();
    bench.remote.store("f", "base");
    let mount = bench.mount().await;
    let fh = mount.open("f", WRITE).await;
    mount.0.write(fh, 0, b"ours").await.expect("written");
    bench.remote.store("f", "theirs!");
    mount.close(fh).await.expect("kept beside it");
    assert_eq!(bench.remote.bytes("f").expect("there"), "theirs!");
    let ours = bench.remote.paths().into_iter().find(|path| path.starts_with("f.conflict-")).expect("kept");
    // What of the base was overwritten locally is whole: only four bytes, all of them ours.
    assert_eq!(bench.remote.bytes(&ours).expect("there"), "ours");
    assert_eq!(mount.read("f").await, b"theirs!");
    heard.says("changed on the service meanwhile: both versions are kept path=/f ours=/f.conflict-");
}

#[tokio::test]
async fn rename_moves_replaces_and_follows_local_files() {
    let bench = Bench::new();
    bench.remote.store("a", "from a");
    bench.remote.store("b", "from b");
    let mount = bench.mount().await;
    mount.0.rename(Ino::ROOT, "a", Ino::ROOT, "b", true).await.expect_err("it exists");
    let (a, b) = (mount.ino("a").await, mount.ino("b").await);
    mount.0.rename(Ino::ROOT, "a", Ino::ROOT, "b", false).await.expect("replaced");
    assert_eq!(bench.remote.paths(), ["", "b"], "nothing is left aside");
    assert_eq!(mount.read("b").await, b"from a");
    assert_eq!((mount.0.inodes.path(a), mount.0.inodes.path(b)), (Some(NodePath::new("b")), None));

    // An editor: a new file takes the name of the old one before it was ever sent.
    let fh = mount.create("tmp").await;
    mount.0.write(fh, 0, b"saved").await.expect("written");
    bench.remote.requests();
    mount.0.rename(Ino::ROOT, "tmp", Ino::ROOT, "b", false).await.expect("renamed");
    mount.close(fh).await.expect("closed");
    let requests = bench.remote.requests();
    assert!(requests.iter().all(|request| !request.contains("tmp") || request == "stat /tmp"), "{requests:?}");
    assert_eq!(bench.remote.bytes("b").expect("there"), "saved");
    assert_eq!(bench.remote.paths(), ["", "b"]);
}

#[tokio::test]
async fn a_replacement_that_was_interrupted_is_finished_or_taken_back() {
    let heard = Heard::here();
    for (present, expected) in [(["f", "t"], "new"), (["f", ""], "new"), (["", "t"], "new"), (["", ""], "old")] {
        let is_of_somebody_else = present == ["f", "t"];
        let bench = Bench::new();
        bench.remote.store("aside", "old");
        for (name, there) in ["f", "t"].into_iter().zip(present) {
            if !there.is_empty() {
                bench.remote.store(name, "new");
            }
        }
        {
            let mount = bench.mount().await;
            let intent = crate::journal::Replacement {
                from: "f".into(),
                to: "t".into(),
                aside: Some("aside".into()),
                replaces: Vec::new(),
                taken_back: false,
                moved: false,
                detour: None,
                copied: None,
                over: None,
            };
            mount.0.journal.begin(&intent).await.expect("begun");
            drop(mount);
        }
        let mount = bench.mount().await;
        assert_eq!(bench.remote.bytes("t").expect("there"), expected, "{present:?}");
        assert_eq!(bench.remote.bytes("aside"), None);
        let beside = bench.remote.paths().into_iter().find(|path| path.starts_with("t.conflict-"));
        assert_eq!(
            beside.and_then(|path| bench.remote.bytes(&path)).is_some_and(|it| it == "old"),
            is_of_somebody_else
        );
        assert!(mount.0.journal.replacements().await.expect("read").is_empty());
    }
    heard.says("a replacement was taken back, but the name is taken: the old file is kept beside it");
}

#[tokio::test]
async fn a_move_by_detour_is_in_the_journal_and_taken_back_when_it_was_interrupted() {
    let heard = Heard::here();
    let bench = Bench::new();
    bench.remote.add_directory("proj");
    bench.remote.store("proj/f", "kept");
    bench.remote.add_directory("proj2");
    bench.remote.refuse_prefixes();
    {
        let mount = bench.mount().await;
        let to = mount.ino("proj2").await;
        mount.0.rename(Ino::ROOT, "proj", to, "x", false).await.expect("moved");
        mount.0.rename(to, "x", Ino::ROOT, "proj", false).await.expect("and back");
        assert_eq!(bench.remote.paths(), ["", "proj", "proj/f", "proj2"]);
        assert!(mount.0.journal.replacements().await.expect("read").is_empty());
        // The service is gone when the directory stands under the other name.
        bench.remote.break_requests("rename /.vofs-moving-");
        mount.0.rename(Ino::ROOT, "proj", to, "x", false).await.expect_err("the service is gone");
        assert!(bench.remote.bytes("proj/f").is_none() && bench.remote.bytes("proj2/x/f").is_none());
        let gone = mount.0.lookup(Ino::ROOT, "proj").await.expect_err("neither there nor absent");
        assert_eq!(gone.to_errno(), libc::EIO);
    }
    bench.remote.mend();
    let mount = bench.mount().await;
    assert_eq!(bench.remote.paths(), ["", "proj", "proj/f", "proj2"]);
    assert_eq!(mount.read("proj/f").await, b"kept");
    assert!(mount.0.journal.replacements().await.expect("read").is_empty());
    heard.says("what was to be moved could not be put back yet; it is kept under the other name");
    heard.says("a move that was interrupted is taken back from=/proj");
}

#[tokio::test]
async fn an_unlinked_file_stays_usable_and_is_not_uploaded() {
    let bench = Bench::new();
    let mount = bench.mount().await;
    let fh = mount.create("a").await;
    mount.0.write(fh, 0, b"still here").await.expect("written");
    mount.0.unlink(Ino::ROOT, "a").await.expect("removed");
    assert_eq!(mount.0.read(fh, 0, 100).await.expect("read"), b"still here");
    mount.close(fh).await.expect("closed");
    assert_eq!(bench.remote.bytes("a"), None);
    assert!(bench.dirty_files().is_empty());
    assert!(mount.names("").await.is_empty());
}

#[tokio::test]
async fn one_listing_answers_for_all_children_and_names_not_in_it() {
    let bench = Bench::new();
    bench.remote.add_directory("d");
    for number in 0..100 {
        bench.remote.store(&format!("d/f{number}"), "x");
    }
    let mount = bench.mount().await;
    assert_eq!(mount.names("d").await.len(), 100);
    bench.remote.requests();
    let dir = mount.ino("d").await;
    for number in 0..100 {
        assert!(matches!(mount.0.lookup_now(dir, &format!("f{number}")), Some(Ok(Lookup::Found(_)))));
    }
    assert!(matches!(mount.0.lookup_now(dir, "missing"), Some(Ok(Lookup::Absent(_)))));
    assert!(bench.remote.requests().is_empty());
}

#[tokio::test]
async fn a_failed_listing_is_an_error_and_deletes_nothing() {
    let bench = Bench::new();
    bench.remote.add_directory("d");
    bench.remote.store("d/f", "x");
    let mount = bench.mount().await;
    let dir = mount.ino("d").await;
    bench.remote.break_requests("list");
    let fh = mount.0.opendir(dir).await.expect("opens").fh;
    let heard = Heard::here();
    assert_eq!(mount.0.readdir(fh, 2, false, |_| true).await.expect_err("broken").to_errno(), libc::EIO);
    heard.says("listing failed path=/d error=");
    assert!(mount.walk("d/f").await.is_some());
}

#[tokio::test]
async fn names_that_the_service_would_cut_are_refused_before_anything_is_sent() {
    let heard = Heard::here();
    let bench = Bench::new();
    let mount = bench.mount().await;
    bench.remote.requests();
    let refused = mount.0.create(Ino::ROOT, "a#b", WRITE).await.expect_err("refused");
    assert_eq!(refused.to_errno(), libc::EINVAL);
    assert!(refused.to_string().contains('#'), "{refused}");
    assert!(matches!(mount.0.lookup(Ino::ROOT, "a#b").await, Ok(Lookup::Absent(_))));
    mount.0.mkdir(Ino::ROOT, &"x".repeat(256)).await.expect_err("too long");
    assert!(bench.remote.requests().is_empty());
    heard.says("name refused path=/a#b");
}

#[tokio::test]
async fn an_emptied_file_is_sent_once_with_its_new_content() {
    let bench = Bench::new();
    bench.remote.store("f", "old content");
    let mount = bench.mount().await;
    // What a shell does for `echo new > f`.
    let fh = mount.open("f", OpenFlags { truncate: true, ..WRITE }).await;
    mount.0.flush(fh).await.expect("the duplicate is closed");
    assert_eq!(bench.remote.bytes("f").expect("there"), "old content");
    mount.0.write(fh, 0, b"new").await.expect("written");
    mount.close(fh).await.expect("closed");
    assert_eq!(bench.remote.bytes("f").expect("there"), "new");
    // And for `> f`.
    let fh = mount.open("f", OpenFlags { truncate: true, ..WRITE }).await;
    mount.close(fh).await.expect("closed");
    mount.until_clean().await;
    assert_eq!(bench.remote.bytes("f").expect("there"), "");
}

#[tokio::test]
async fn who_reads_a_file_that_is_removed_or_replaced_reads_on() {
    let bench = Bench::new();
    let mount = bench.mount().await;
    for (name, other) in [("removed", ""), ("replaced", "other")] {
        bench.remote.store(name, vec![7_u8; 300_000]);
        let fh = mount.open(name, READ).await;
        if other.is_empty() {
            mount.0.unlink(Ino::ROOT, name).await.expect("removed");
        } else {
            bench.remote.store(other, "new");
            mount.0.rename(Ino::ROOT, other, Ino::ROOT, name, false).await.expect("replaced");
        }
        assert_eq!(mount.0.read(fh, 250_000, 100_000).await.expect("read"), vec![7_u8; 50_000]);
        mount.0.release(fh).await;
    }
}

#[tokio::test]
async fn the_quota_is_shown_and_not_asked_for_again_and_again() {
    let bench = Bench::new();
    let mount = bench.mount().await;
    bench.remote.requests();
    for _ in 0..10 {
        let space = mount.0.statfs().await.expect("asked");
        assert_eq!((space.total, space.free), (1 << 30, (1 << 30) - (1 << 20)));
    }
    assert_eq!(bench.remote.requests(), ["quota"]);
}

#[tokio::test]
async fn a_change_whose_base_is_gone_is_kept_apart_and_the_name_shows_the_new_version() {
    let heard = Heard::here();
    let bench = Bench::new();
    bench.remote.store("f", vec![1_u8; 300_000]);
    let mount = bench.mount().await;
    let fh = mount.open("f", WRITE).await;
    bench.remote.store("f", vec![2_u8; 300_000]);
    mount.0.write(fh, 200_000, b"ours").await.expect("written");
    assert_eq!(mount.0.flush(fh).await.expect_err("it cannot be whole").to_errno(), libc::ESTALE);
    assert_eq!(mount.read("f").await, vec![2_u8; 300_000]);
    let kept = bench.remote.paths().into_iter().find(|path| path.ends_with(".incomplete")).expect("kept");
    assert_eq!(bench.remote.bytes(&kept).expect("there")[200_000..200_004], *b"ours");
    // Who has it open stays with what it wrote, and never writes into the other version.
    mount.0.write(fh, 0, b"more").await.expect("written");
    mount.close(fh).await.expect("closed");
    assert_eq!(bench.remote.bytes(&kept).expect("there")[..4], *b"more");
    assert!(bench.remote.bytes("f").expect("there") == vec![2_u8; 300_000]);
    assert!(bench.dirty_files().is_empty());
    heard.says("replaced on the service while it was changed here; what was written is kept apart");
}

#[tokio::test]
async fn one_answer_with_another_length_is_not_the_end_of_a_version() {
    let bench = Bench::new();
    let bytes: Vec<u8> = (0..300_000_u32).map(|at| (at % 251) as u8).collect();
    bench.remote.store("read", bytes.clone());
    bench.remote.store("changed", bytes.clone());
    let mount = bench.mount().await;
    let first = mount.open("read", READ).await;
    bench.remote.misreport_lengths(1);
    assert_eq!(mount.0.read(first, 200_000, 10).await.expect_err("other bytes").to_errno(), libc::ESTALE);
    assert!(mount.read("read").await == bytes, "who opens it now reads it, although others still have it open");
    mount.0.release(first).await;

    let fh = mount.open("changed", WRITE).await;
    mount.0.write(fh, 100_000, b"patch").await.expect("written");
    bench.remote.misreport_lengths(1);
    mount.close(fh).await.expect("the service still has the base, and gives it when it is asked again");
    let mut expected = bytes;
    expected[100_000..100_005].copy_from_slice(b"patch");
    assert!(bench.remote.bytes("changed").expect("there") == expected);
    assert_eq!(bench.remote.paths(), ["", "changed", "read"], "nothing is kept beside it");
}
