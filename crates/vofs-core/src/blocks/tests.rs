use super::*;
use crate::db::{Durability, schema};

struct Bench {
    place: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let place = tempfile::tempdir().expect("a temporary directory");
        std::fs::create_dir(place.path().join("blocks")).expect("made");
        Bench { place }
    }

    async fn store(&self, limit: u64) -> Store {
        let db = Db::open(&self.place.path().join("index.db"), schema::INDEX, Durability::Process).expect("opens");
        Store::open(&self.place.path().join("blocks"), limit, db).await.expect("opens")
    }

    fn on_disk(&self) -> u64 {
        use std::os::unix::fs::MetadataExt;
        let entries = std::fs::read_dir(self.place.path().join("blocks")).expect("listed");
        entries.map(|entry| entry.expect("an entry").metadata().expect("its metadata").blocks() * 512).sum()
    }
}

fn version(length: u64, md5: u8) -> Version {
    Version { length, md5: Some([md5; 16]), ..Version::default() }
}

fn block(blocks: &OpenBlocks, number: u64) -> Vec<u8> {
    vec![number as u8 + 1; blocks.block_length(number)]
}

fn fill(store: &Store, blocks: &OpenBlocks) {
    for number in 0..blocks.length().div_ceil(BLOCK) {
        store.write(blocks, number, &block(blocks, number)).expect("written");
    }
}

fn hit(store: &Store, blocks: &OpenBlocks, offset: u64, length: usize) -> Option<Vec<u8>> {
    match store.read(blocks, offset, length).expect("read") {
        Cached::Hit(bytes) => Some(bytes),
        Cached::Miss(_) | Cached::Gone => None,
    }
}

const LENGTH: u64 = 3 * CHUNK + 100;

#[tokio::test]
async fn a_read_across_blocks_gives_the_bytes_and_stops_at_the_end() {
    let bench = Bench::new();
    let store = bench.store(1 << 30).await;
    let blocks = store.version(&NodePath::new("f"), &version(LENGTH, 1)).expect("opens");
    assert!(matches!(store.read(&blocks, 10, 10), Ok(Cached::Miss(0))));
    fill(&store, &blocks);
    let bytes = hit(&store, &blocks, BLOCK - 2, 4).expect("present");
    assert_eq!(bytes, [1, 1, 2, 2]);
    assert_eq!(hit(&store, &blocks, LENGTH - 1, 100).expect("present").len(), 1);
    assert_eq!(hit(&store, &blocks, LENGTH, 100).expect("nothing there").len(), 0);
}

#[tokio::test]
async fn the_limit_holds_on_disk_and_the_oldest_goes_first() {
    let bench = Bench::new();
    let limit = 8 * CHUNK;
    let store = bench.store(limit).await;
    let mut files = Vec::new();
    for number in 0..6 {
        let blocks = store.version(&NodePath::new(&format!("f{number}")), &version(2 * CHUNK, number)).expect("opens");
        fill(&store, &blocks);
        if number > 0 {
            hit(&store, &files[0], 0, 1).expect("used again and again, so kept");
        }
        files.push(blocks);
        assert!(store.used() <= limit && bench.on_disk() <= limit, "{} {}", store.used(), bench.on_disk());
    }
    assert!(hit(&store, &files[1], 0, 1).is_none(), "used longest ago");
    assert!(hit(&store, &files[5], 0, 1).is_some());
}

#[tokio::test]
async fn a_remount_finds_whole_and_partial_chunks_in_their_order_of_use() {
    let bench = Bench::new();
    let path = NodePath::new("d/f");
    {
        let store = bench.store(1 << 30).await;
        let blocks = store.version(&path, &version(LENGTH, 1)).expect("opens");
        store.write(&blocks, 0, &block(&blocks, 0)).expect("written");
        store.rename(&NodePath::new("d"), &NodePath::new("e"));
        store.save().await.expect("saved");
    }
    let store = bench.store(1 << 30).await;
    let blocks = store.version(&NodePath::new("e/f"), &version(LENGTH, 1)).expect("opens");
    assert_eq!(hit(&store, &blocks, 5, 3).expect("still there"), [1, 1, 1]);
    assert!(hit(&store, &blocks, BLOCK, 1).is_none());
    assert_eq!(store.used(), BLOCK);
}

#[tokio::test]
async fn a_block_damaged_on_disk_is_a_miss() {
    let bench = Bench::new();
    let path = NodePath::new("f");
    let place = {
        let store = bench.store(1 << 30).await;
        let blocks = store.version(&path, &version(2 * BLOCK, 1)).expect("opens");
        fill(&store, &blocks);
        store.save().await.expect("saved");
        blocks.file.place.clone()
    };
    std::fs::OpenOptions::new().write(true).open(place).expect("opens").write_all_at(b"X", 10).expect("damaged");
    let store = bench.store(1 << 30).await;
    let blocks = store.version(&path, &version(2 * BLOCK, 1)).expect("opens");
    assert!(hit(&store, &blocks, BLOCK, 10).is_some(), "the other block is intact");
    assert!(hit(&store, &blocks, 0, 10).is_none());
}

#[tokio::test]
async fn a_new_version_never_shows_old_blocks_and_the_old_one_stays_readable_while_open() {
    let bench = Bench::new();
    let store = bench.store(1 << 30).await;
    let path = NodePath::new("f");
    let old = store.version(&path, &version(2 * BLOCK, 1)).expect("opens");
    store.write(&old, 0, &block(&old, 0)).expect("written");
    let new = store.version(&path, &version(2 * BLOCK, 2)).expect("opens");
    assert!(hit(&store, &new, 0, 1).is_none());
    assert!(hit(&store, &old, 0, 1).is_some());
    assert!(matches!(store.read(&old, BLOCK, 1), Ok(Cached::Gone)));
    assert_eq!(store.used(), 0);
}

#[tokio::test]
async fn an_uploaded_file_is_cached_whole() {
    let bench = Bench::new();
    let store = bench.store(1 << 30).await;
    let complete = bench.place.path().join("upload");
    std::fs::write(&complete, vec![9; LENGTH as usize]).expect("written");
    let blocks =
        store.adopt(&NodePath::new("f"), &version(LENGTH, 3), &complete).expect("adopted").expect("small enough");
    assert_eq!(hit(&store, &blocks, LENGTH - 2, 2).expect("present"), [9, 9]);
    assert!(!complete.exists());
}
