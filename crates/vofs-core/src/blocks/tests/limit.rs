//! The limit: what is on the disk at any time, measured there.

use std::sync::atomic::AtomicBool;

use parking_lot::RwLock;

use super::*;

#[tokio::test]
async fn the_limit_holds_on_disk_and_the_oldest_goes_first() {
    let bench = Bench::new();
    let limit = 8 * CHUNK;
    let store = bench.store(limit).await;
    let mut files = Vec::new();
    for number in 0..6 {
        let blocks = store.version(&NodePath::new(&format!("f{number}")), &version(2 * CHUNK, number));
        fill(&store, &blocks);
        if number > 0 {
            hit(&store, &files[0], 0, 1).expect("used again and again, so kept");
        }
        files.push(blocks);
        assert!(store.room.used() <= limit && bench.on_disk() <= limit, "{} {}", store.room.used(), bench.on_disk());
    }
    assert!(hit(&store, &files[1], 0, 1).is_none(), "used longest ago");
    assert!(hit(&store, &files[5], 0, 1).is_some());
}

/// The sum of the disk's files is only a sum while nobody changes them: a look at the disk stops all readers.
#[tokio::test]
async fn eight_readers_over_the_limit_never_see_a_wrong_byte_and_never_fill_the_disk_beyond_it() {
    const READERS: u64 = 8;
    let bench = Bench::new();
    let limit = 4 * CHUNK;
    let store = bench.store(limit).await;
    let (working, ended) = (RwLock::new(()), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut most = (0, 0);
            while !ended.load(Ordering::Acquire) {
                let stopped = working.write();
                let (taken, found) = (store.room.used(), bench.on_disk());
                drop(stopped);
                assert!(found <= taken, "{found} bytes on the disk, {taken} counted");
                most = (most.0.max(taken), most.1.max(found));
                std::thread::yield_now();
            }
            most
        });
        let readers: Vec<_> = (0..READERS)
            .map(|reader| {
                let (store, working, path) = (&store, &working, NodePath::new(&format!("f{}", reader / 2)));
                scope.spawn(move || {
                    let blocks = store.version(&path, &version(2 * CHUNK + 77, reader as u8 / 2));
                    for round in 0..4 {
                        for number in 0..blocks.length().div_ceil(BLOCK) {
                            let _working = working.read();
                            let number = if round % 2 == 0 { number } else { number * 7 % (2 * PER_CHUNK_U64) };
                            let found = read_or_fetch(store, &blocks, number);
                            assert!(found == block(&blocks, number), "{path} {number}");
                        }
                    }
                })
            })
            .collect();
        readers.into_iter().for_each(|reader| reader.join().expect("read"));
        ended.store(true, Ordering::Release);
        let (taken, found) = watch.join().expect("watched");
        assert!(taken <= limit && found <= limit, "{taken} bytes were counted and {found} found, the limit is {limit}");
        assert!(found > limit / 2, "the cache was full: {found}");
    });
}

#[tokio::test]
async fn a_version_that_is_gone_takes_room_until_its_last_reader_has_closed_it() {
    let bench = Bench::new();
    let limit = 5 * (CHUNK + PER_CHUNK);
    let store = bench.store(limit).await;
    let path = NodePath::new("f");
    let old = store.version(&path, &version(3 * CHUNK, 1));
    fill(&store, &old);
    let new = store.version(&path, &version(3 * CHUNK, 2));
    fill(&store, &new);
    assert!(store.room.used() <= limit && bench.on_disk() < 3 * CHUNK);
    assert!(hit(&store, &old, 0, 3 * CHUNK as usize).expect("still there") == whole(&old));
    drop(old);
    fill(&store, &new);
    assert_eq!(store.room.used(), 3 * (CHUNK + PER_CHUNK));
    assert!(hit(&store, &new, 0, 3 * CHUNK as usize).expect("has all the room now") == whole(&new));
}

#[tokio::test]
async fn after_a_crash_whole_chunks_are_there_and_what_nobody_knows_leaves_the_disk() {
    let bench = Bench::new();
    let path = NodePath::new("f");
    {
        // Never saved, as after a kill.
        let store = bench.store(1 << 30).await;
        let blocks = store.version(&path, &version(2 * CHUNK, 1));
        for number in 0..PER_CHUNK_U64 + 5 {
            store.write(&blocks, number, &block(&blocks, number));
        }
        store.db.call(|_| Ok(())).await.expect("written down as far as it was handed over");
    }
    assert_eq!(bench.on_disk(), CHUNK + 5 * BLOCK);
    let store = bench.store(1 << 30).await;
    let blocks = store.version(&path, &version(2 * CHUNK, 1));
    assert!(hit(&store, &blocks, 0, CHUNK as usize).expect("whole") == whole(&blocks)[..CHUNK as usize]);
    assert!(hit(&store, &blocks, CHUNK, 1).is_none());
    wait_until("unknown blocks stay on the disk", || bench.on_disk() == CHUNK);
}

/// Blocks here and there: no chunk is whole, so that none of them is written down when they come.
fn scatter(store: &Store, files: u64) -> Vec<OpenBlocks> {
    let open = |number| store.version(&NodePath::new(&format!("scattered-{number}")), &version(2 * CHUNK, 1));
    let files: Vec<OpenBlocks> = (0..files).map(open).collect();
    for blocks in &files {
        for number in [3, 40] {
            store.write(blocks, number, &block(blocks, number));
        }
    }
    files
}

/// Fills the cache beyond its limit, looking at the disk after every block.
fn fill_on(bench: &Bench, store: &Store, limit: u64) {
    let blocks = store.version(&NodePath::new("filled-on"), &version(limit + CHUNK, 2));
    for number in 0..blocks.length().div_ceil(BLOCK) {
        store.write(&blocks, number, &block(&blocks, number));
        assert_eq!(hit(store, &blocks, number * BLOCK, 1).expect("just written"), block(&blocks, number)[..1]);
        let found = bench.on_disk();
        assert!(found <= limit, "{found} bytes on the disk after block {number}, the limit is {limit}");
    }
}

#[tokio::test]
async fn after_a_crash_the_limit_holds_from_the_first_block_on() {
    let bench = Bench::new();
    let limit = 16 * CHUNK;
    {
        // Never saved, as after a kill.
        let store = bench.store(limit).await;
        let _open = scatter(&store, 300);
        assert!(store.room.used() > limit - CHUNK);
        store.db.call(|_| Ok(())).await.expect("written down as far as it was handed over");
    }
    let store = bench.store(limit).await;
    fill_on(&bench, &store, limit);
    wait_until("the disk is not used again", || store.swept.load(Ordering::Acquire));
    fill_on(&bench, &store, limit);
}

#[tokio::test]
async fn without_its_index_the_limit_holds_from_the_first_block_on() {
    let bench = Bench::new();
    let limit = 16 * CHUNK;
    {
        let store = bench.store(limit).await;
        for number in 0..5 {
            fill(&store, &store.version(&NodePath::new(&format!("f{number}")), &version(3 * CHUNK, 1)));
        }
        store.save().await.expect("saved");
    }
    std::fs::remove_file(bench.place.path().join("index.db")).expect("removed");
    let store = bench.store(limit).await;
    fill_on(&bench, &store, limit);
    wait_until("the old blocks leave the disk", || bench.on_disk() < limit && store.swept.load(Ordering::Acquire));
    fill(&store, &store.version(&NodePath::new("g"), &version(15 * CHUNK, 1)));
    assert!(bench.on_disk() > 14 * CHUNK, "the disk is used again");
}

#[tokio::test]
async fn an_upload_is_taken_in_within_the_limit() {
    let bench = Bench::new();
    let limit = 8 * CHUNK;
    let store = bench.store(limit).await;
    for number in 0..6 {
        let complete = bench.place.path().join("upload");
        std::fs::write(&complete, vec![9; 3 * CHUNK as usize]).expect("written");
        let path = NodePath::new(&format!("f{number}"));
        let blocks = store.adopt(&path, &version(3 * CHUNK, 3), &complete).expect("adopted").expect("small enough");
        assert!(store.room.used() <= limit && bench.on_disk() <= store.room.used());
        assert!(hit(&store, &blocks, 0, 3 * CHUNK as usize).expect("whole") == vec![9; 3 * CHUNK as usize]);
    }
}
