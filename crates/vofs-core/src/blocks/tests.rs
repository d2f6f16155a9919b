mod lending;
mod limit;

use std::fs::OpenOptions;
use std::time::Duration;

use md5::{Digest, Md5};

use super::*;
use crate::clock::Millis;
use crate::db::{Durability, schema};
use crate::heard::Heard;

struct Bench {
    place: tempfile::TempDir,
    budget: Arc<Budget>,
}

impl Bench {
    fn new() -> Self {
        let place = tempfile::tempdir().expect("a temporary directory");
        std::fs::create_dir(place.path().join("blocks")).expect("made");
        Bench { place, budget: Budget::new(64 << 20) }
    }

    fn db(&self) -> Db {
        Db::open(&self.place.path().join("index.db"), schema::INDEX, Durability::Process).expect("opens")
    }

    async fn store(&self, limit: u64) -> Arc<Store> {
        let directory = self.place.path().join("blocks");
        Store::open(&directory, limit, self.db(), Arc::clone(&self.budget), Arc::default()).await.expect("opens")
    }

    fn on_disk(&self) -> u64 {
        use std::os::unix::fs::MetadataExt;
        let entries = std::fs::read_dir(self.place.path().join("blocks")).expect("listed");
        // A file may go between the listing and the look at it.
        entries.filter_map(|entry| entry.expect("an entry").metadata().ok()).map(|found| found.blocks() * 512).sum()
    }
}

fn version(length: u64, md5: u8) -> Version {
    Version { length, md5: Some([md5; 16]), ..Version::default() }
}

fn block(blocks: &OpenBlocks, number: u64) -> Vec<u8> {
    vec![(number % 251) as u8 + 1; blocks.block_length(number)]
}

fn fill(store: &Store, blocks: &OpenBlocks) {
    for number in 0..blocks.length().div_ceil(BLOCK) {
        store.write(blocks, number, &block(blocks, number));
    }
}

fn whole(blocks: &OpenBlocks) -> Vec<u8> {
    (0..blocks.length().div_ceil(BLOCK)).flat_map(|number| block(blocks, number)).collect()
}

fn hit(store: &Store, blocks: &OpenBlocks, offset: u64, length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; length];
    match store.read(blocks, offset, &mut bytes) {
        Cached::Hit(read) => {
            bytes.truncate(read);
            Some(bytes)
        }
        Cached::Miss(_) | Cached::Gone => None,
    }
}

/// Reads a block as a reader does that has it fetched when it is missing.
fn read_or_fetch(store: &Store, blocks: &OpenBlocks, number: u64) -> Vec<u8> {
    for _ in 0..10 {
        match hit(store, blocks, number * BLOCK, BLOCK as usize) {
            Some(bytes) => return bytes,
            None => store.write(blocks, number, &block(blocks, number)),
        }
    }
    panic!("block {number} does not stay in the cache");
}

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

const LENGTH: u64 = 3 * CHUNK + 100;

#[tokio::test]
async fn a_read_across_blocks_gives_the_bytes_and_stops_at_the_end() {
    let bench = Bench::new();
    let store = bench.store(1 << 30).await;
    let blocks = store.version(&NodePath::new("f"), &version(LENGTH, 1));
    assert_eq!(store.read(&blocks, 10, &mut [0; 10]), Cached::Miss(0));
    fill(&store, &blocks);
    assert_eq!(hit(&store, &blocks, BLOCK - 2, 4).expect("present"), [1, 1, 2, 2]);
    assert_eq!(hit(&store, &blocks, LENGTH - 1, 100).expect("present").len(), 1);
    assert_eq!(hit(&store, &blocks, LENGTH, 100).expect("nothing there").len(), 0);
    assert!(hit(&store, &blocks, 0, LENGTH as usize + 7).expect("present") == whole(&blocks));
}

const PER_CHUNK_U64: u64 = CHUNK / BLOCK;

#[tokio::test]
async fn a_remount_finds_whole_and_partial_chunks_in_their_order_of_use() {
    let bench = Bench::new();
    let path = NodePath::new("d/f");
    {
        let store = bench.store(1 << 30).await;
        let blocks = store.version(&path, &version(LENGTH, 1));
        fill(&store, &blocks);
        let partial = store.version(&NodePath::new("d/g"), &version(LENGTH, 2));
        store.write(&partial, 0, &block(&partial, 0));
        hit(&store, &blocks, CHUNK, 1).expect("present");
        store.rename(&NodePath::new("d"), &NodePath::new("e"));
        store.save().await.expect("saved");
    }
    let limit = CHUNK + BLOCK + on_disk(100) + 3 * PER_CHUNK;
    let store = bench.store(limit).await;
    let blocks = store.version(&NodePath::new("e/f"), &version(LENGTH, 1));
    assert_eq!(hit(&store, &blocks, CHUNK + 5, 3).expect("used last, so it stayed"), [33, 33, 33]);
    assert!(hit(&store, &blocks, 0, 1).is_none(), "a smaller limit drops what was used longest ago");
    let partial = store.version(&NodePath::new("e/g"), &version(LENGTH, 2));
    assert_eq!(hit(&store, &partial, 5, 3).expect("still there"), [1, 1, 1]);
    assert!(hit(&store, &partial, BLOCK, 1).is_none());
    assert!(store.room.used() <= limit);
}

#[tokio::test]
async fn what_was_used_is_written_down_from_time_to_time() {
    let bench = Bench::new();
    let (store, other) = (bench.store(1 << 30).await, bench.db());
    let blocks = store.version(&NodePath::new("f"), &version(2 * CHUNK, 1));
    store.write(&blocks, 3, &block(&blocks, 3));
    store.note();
    store.db.call(|_| Ok(())).await.expect("done");
    let rows: i64 =
        other.call(|index| index.query_row("SELECT count(*) FROM chunk", [], |row| row.get(0))).await.expect("read");
    assert_eq!(rows, 1, "also of a chunk that is not whole");
}

#[tokio::test]
async fn warm_reads_do_not_touch_sqlite() {
    let bench = Bench::new();
    let store = bench.store(1 << 30).await;
    let blocks = store.version(&NodePath::new("f"), &version(LENGTH, 1));
    fill(&store, &blocks);
    store.db.call(|_| Ok(())).await.expect("done");
    let before = store.db.orders();
    // From here on a statement would wait for ever.
    let (release, held) = std::sync::mpsc::channel::<()>();
    store.db.submit(move |_| {
        let _ = held.recv();
        Ok(())
    });
    for offset in (0..LENGTH).step_by(4096) {
        hit(&store, &blocks, offset, 10_000).expect("present");
    }
    assert_eq!(store.db.orders(), before + 1, "no read gave the database anything to do");
    drop(release);
}

#[tokio::test]
async fn a_block_damaged_on_disk_is_a_miss() {
    let heard = Heard::here();
    let bench = Bench::new();
    let path = NodePath::new("f");
    let place = {
        let store = bench.store(1 << 30).await;
        let blocks = store.version(&path, &version(2 * CHUNK, 1));
        fill(&store, &blocks);
        store.save().await.expect("saved");
        blocks.file().place.clone()
    };
    let damage = |offset| {
        OpenOptions::new().write(true).open(&place).expect("opens").write_all_at(b"X", offset).expect("damaged");
    };
    damage(10);
    let store = bench.store(1 << 30).await;
    let blocks = store.version(&path, &version(2 * CHUNK, 1));
    assert!(hit(&store, &blocks, CHUNK, 10).is_some(), "the other chunk is intact");
    assert!(hit(&store, &blocks, 5, 1).is_none(), "a small read of an unchecked block checks the whole");
    fill(&store, &blocks);
    assert!(hit(&store, &blocks, 0, 2 * CHUNK as usize).expect("fetched again") == whole(&blocks));
    // Damaged while it is in use: found when the block is read whole.
    damage(3 * BLOCK + 10);
    let mut all = vec![0; CHUNK as usize];
    assert_eq!(store.read(&blocks, 0, &mut all), Cached::Miss(3));
    heard.says("block cache: damaged on disk, fetched again file=");
}

#[tokio::test]
async fn a_file_that_somebody_cut_or_removed_is_fetched_again() {
    let heard = Heard::here();
    let bench = Bench::new();
    let store = bench.store(1 << 30).await;
    let path = NodePath::new("f");
    let blocks = store.version(&path, &version(LENGTH, 1));
    let place = blocks.file().place.clone();
    let read_all = || {
        for number in 0..blocks.length().div_ceil(BLOCK) {
            assert!(read_or_fetch(&store, &blocks, number) == block(&blocks, number), "{number}");
        }
    };
    read_all();
    OpenOptions::new().write(true).open(&place).expect("opens").set_len(BLOCK).expect("cut");
    assert!(hit(&store, &blocks, 2 * CHUNK, 10).is_none());
    assert!(hit(&store, &blocks, 0, 10).is_none(), "nothing of that file is trusted");
    read_all();
    // Removed while nobody has it open.
    drop(blocks);
    std::fs::remove_file(&place).expect("removed");
    let blocks = store.version(&path, &version(LENGTH, 1));
    assert!(hit(&store, &blocks, 0, 10).is_none());
    fill(&store, &blocks);
    assert!(hit(&store, &blocks, 0, LENGTH as usize).expect("there again") == whole(&blocks));
    assert_eq!(store.room.used(), bench.on_disk() + 4 * PER_CHUNK);
    heard.says("block cache: a file was removed or cut by somebody else, fetched again file=");
}

#[tokio::test]
async fn a_disk_that_refuses_blocks_is_left_alone_and_reading_goes_on_from_memory() {
    let heard = Heard::here();
    let bench = Bench::new();
    let store = bench.store(1 << 30).await;
    let kept = store.version(&NodePath::new("kept"), &version(CHUNK, 1));
    fill(&store, &kept);
    // What stands where the files of the cache are to be made: every write is refused as on a full disk.
    let blocks = store.version(&NodePath::new("f"), &version(LENGTH, 2));
    std::os::unix::fs::symlink("/dev/full", &blocks.file().place).expect("linked");
    for number in 0..blocks.length().div_ceil(BLOCK) {
        assert!(read_or_fetch(&store, &blocks, number) == block(&blocks, number));
    }
    assert!(store.health.lock().is_down());
    assert!(bench.budget.taken() > 0 && store.capacity() == store.memory.limit());
    assert!(hit(&store, &kept, 0, CHUNK as usize).expect("what is on the disk is read") == whole(&kept));
    // The disk is mended.
    std::fs::remove_file(&blocks.file().place).expect("removed");
    let other = store.version(&NodePath::new("g"), &version(40 * CHUNK, 3));
    wait_until("the disk is not used again", || {
        fill(&store, &other);
        !store.health.lock().is_down() && store.memory.is_empty()
    });
    drop(other);
    let again = store.version(&NodePath::new("h"), &version(CHUNK, 4));
    fill(&store, &again);
    assert!(hit(&store, &again, 0, CHUNK as usize).is_some());
    heard.says("block cache: the disk refused a block; what it refuses is kept in memory");
    heard.says("block cache: the disk is not used any more; reading goes on from the network");
    heard.says("block cache: the disk takes blocks again");
}

#[tokio::test]
async fn a_new_version_never_shows_old_blocks_and_the_old_one_stays_readable_while_open() {
    let bench = Bench::new();
    let store = bench.store(1 << 30).await;
    let path = NodePath::new("f");
    let old = store.version(&path, &version(2 * BLOCK, 1));
    store.write(&old, 0, &block(&old, 0));
    let new = store.version(&path, &version(2 * BLOCK, 2));
    assert!(hit(&store, &new, 0, 1).is_none());
    assert!(hit(&store, &old, 0, 1).is_some());
    assert_eq!(store.read(&old, BLOCK, &mut [0]), Cached::Gone);
    store.doom_version(&old);
    assert!(!new.is_doomed(), "the end of one version is not that of another");
}

#[tokio::test]
async fn who_holds_a_version_reads_it_for_the_first_time_after_it_was_replaced() {
    let bench = Bench::new();
    let store = bench.store(1 << 30).await;
    let path = NodePath::new("f");
    fill(&store, &store.version(&path, &version(LENGTH, 1)));
    let old = store.known(&path, &version(LENGTH, 1)).expect("cached");
    let new = store.version(&path, &version(LENGTH, 2));
    assert!(store.known(&path, &version(LENGTH, 1)).is_none());
    assert!(hit(&store, &old, 0, LENGTH as usize).expect("held") == whole(&old));
    drop((old, new));
    assert_eq!((store.room.used(), bench.on_disk()), (0, 0));
}

#[tokio::test]
async fn an_uploaded_file_is_cached_whole() {
    let bench = Bench::new();
    let store = bench.store(1 << 30).await;
    let complete = bench.place.path().join("upload");
    std::fs::write(&complete, vec![9; LENGTH as usize]).expect("written");
    let path = NodePath::new("f");
    let blocks = store.adopt(&path, &version(LENGTH, 3), &complete).expect("adopted").expect("small enough");
    assert_eq!(hit(&store, &blocks, LENGTH - 2, 2).expect("present"), [9, 9]);
    assert!(!complete.exists());
    assert_eq!(store.room.used(), bench.on_disk() + 4 * PER_CHUNK);
}

/// A file whose bytes have the digest that the version names, or another one.
async fn complete(store: &Arc<Store>, path: &NodePath, right: bool, content_date: Option<Millis>) -> (OpenBlocks, i64) {
    let probe = store.version(&NodePath::new("probe"), &version(LENGTH, 0));
    let digest: [u8; 16] = if right { Md5::digest(whole(&probe)).into() } else { [7; 16] };
    let version = Version { length: LENGTH, md5: Some(digest), content_date, ..Version::default() };
    let blocks = store.version(path, &version);
    fill(store, &blocks);
    let id = store.next_unverified().await;
    assert_eq!(id, blocks.id());
    (blocks, id)
}

#[tokio::test]
async fn the_digest_of_a_complete_file_is_taken_once_and_remembered() {
    let bench = Bench::new();
    let path = NodePath::new("f");
    {
        let store = bench.store(1 << 30).await;
        let (_, id) = complete(&store, &path, true, None).await;
        assert_eq!(store.check_digest(id), Verdict::Confirmed);
        store.save().await.expect("saved");
    }
    let store = bench.store(1 << 30).await;
    assert!(store.unverified.is_empty(), "not again after a remount");
    let (id, chunk) = (store.state.lock().by_path[&path].id, 1);
    store.drop_chunk(id, chunk);
    let version = store.state.lock().by_path[&path].version.clone();
    fill(&store, &store.version(&path, &version));
    assert!(!store.unverified.is_empty(), "but after a part of it was fetched again");
}

#[tokio::test]
async fn bytes_with_another_digest_are_thrown_away_once() {
    let heard = Heard::here();
    let bench = Bench::new();
    let store = bench.store(1 << 30).await;
    let path = NodePath::new("f");
    let (blocks, id) = complete(&store, &path, false, Some(Millis(1))).await;
    assert!(matches!(store.check_digest(id), Verdict::ThrownAway(_)));
    assert_eq!(store.read(&blocks, 0, &mut [0; 10]), Cached::Gone, "nobody reads wrong bytes");
    assert!(blocks.is_rejected());
    let (again, id) = complete(&store, &path, false, Some(Millis(1))).await;
    assert_eq!(store.check_digest(id), Verdict::Confirmed, "the same bytes twice: the digest is wrong");
    assert!(hit(&store, &again, 0, 10).is_some());
    heard.says("the cached bytes do not have the MD5 that the service gives; thrown away, the next open fetches them again path=/f");
    heard.says(
        "the MD5 that the service gives is not that of its bytes, which came twice the same; they are kept path=/f",
    );
}

#[tokio::test]
async fn a_digest_that_is_only_a_hint_stops_no_reader() {
    let bench = Bench::new();
    let store = bench.store(1 << 30).await;
    let (blocks, id) = complete(&store, &NodePath::new("f"), false, None).await;
    assert!(matches!(store.check_digest(id), Verdict::ThrownAway(_)));
    assert!(hit(&store, &blocks, 0, LENGTH as usize).expect("reads on") == whole(&blocks));
    assert!(blocks.is_rejected(), "and the next open fetches again");
}

#[tokio::test]
async fn the_check_of_a_file_gives_way_to_who_reads_but_not_for_ever() {
    let bench = Bench::new();
    let store = bench.store(1 << 30).await;
    let blocks = store.version(&NodePath::new("f"), &version(LENGTH, 1));
    fill(&store, &blocks);
    let mut left = 3;
    store.wait_for_a_lull(store.activity(), &mut left);
    assert_eq!(left, 3, "nobody reads");
    let over = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let reader = std::thread::spawn({
        let (store, over) = (Arc::clone(&store), Arc::clone(&over));
        move || {
            while !over.load(Ordering::Relaxed) {
                assert!(hit(&store, &blocks, 0, 10).is_some());
            }
        }
    });
    let before = store.activity();
    while store.activity() == before {
        std::thread::yield_now();
    }
    store.wait_for_a_lull(before, &mut left);
    over.store(true, Ordering::Relaxed);
    reader.join().expect("no panic");
    assert!(left < 3, "it waited while somebody read");
}
