//! Files that the kernel reads by itself: only what is whole and right, and nothing of it is dropped meanwhile.

use super::*;

/// A file that may be lent: whole, and its digest was right.
async fn checked(store: &Arc<Store>, path: &NodePath) -> OpenBlocks {
    store.lend_files(true);
    let (blocks, id) = complete(store, path, true, None).await;
    assert!(store.lend(&blocks).is_none(), "its digest was not taken yet");
    assert_eq!(store.check_digest(id), Verdict::Confirmed);
    blocks
}

#[tokio::test]
async fn nothing_of_a_lent_file_is_dropped_until_it_is_given_back() {
    let bench = Bench::new();
    let limit = 16 * CHUNK;
    let store = bench.store(limit).await;
    let blocks = checked(&store, &NodePath::new("f")).await;
    let (one, two) = (store.lend(&blocks).expect("lent"), store.lend(&blocks).expect("lent again"));
    fill(&store, &store.version(&NodePath::new("g"), &version(30 * CHUNK, 1)));
    store.drop_chunk(blocks.id(), 0);
    store.give_up(u64::MAX);
    assert!(hit(&store, &blocks, 0, LENGTH as usize).expect("all of it is there") == whole(&blocks));
    assert_eq!(store.room.used(), blocks.file().bytes(), "and nothing else");
    drop(one);
    store.give_up(u64::MAX);
    assert!(hit(&store, &blocks, 0, 1).is_some(), "lent still");
    drop(two);
    store.give_up(u64::MAX);
    assert!(hit(&store, &blocks, 0, 1).is_none(), "like any other");
    assert_eq!((store.room.used(), bench.on_disk()), (0, 0));
}

#[tokio::test]
async fn what_a_former_mount_left_is_checked_again_before_it_is_lent() {
    let bench = Bench::new();
    let path = NodePath::new("f");
    let version = {
        let store = bench.store(1 << 30).await;
        let blocks = checked(&store, &path).await;
        store.save().await.expect("saved");
        blocks.version().clone()
    };
    let store = bench.store(1 << 30).await;
    store.lend_files(true);
    let blocks = store.version(&path, &version);
    assert!(store.lend(&blocks).is_none() && store.lend(&blocks).is_none(), "the disk may have changed it");
    let id = store.next_unverified().await;
    assert!(store.unverified.is_empty(), "it is queued once");
    assert_eq!(store.check_digest(id), Verdict::Confirmed);
    assert!(store.lend(&blocks).is_some());
}

#[tokio::test]
async fn small_and_incomplete_files_are_not_lent_nor_more_than_half_of_the_cache() {
    let bench = Bench::new();
    let store = bench.store(2 * LENGTH).await;
    let blocks = checked(&store, &NodePath::new("f")).await;
    assert!(store.lend(&blocks).is_none(), "with its administration it is more than half");
    let bench = Bench::new();
    let store = bench.store(1 << 30).await;
    let blocks = checked(&store, &NodePath::new("f")).await;
    let small = store.version(&NodePath::new("small"), &version(CHUNK - 1, 1));
    fill(&store, &small);
    small.file().confirmed.store(true, Ordering::Release);
    assert!(store.lend(&small).is_none());
    assert!(store.lend(&blocks).is_some());
    store.drop_chunk(blocks.id(), 1);
    assert!(store.lend(&blocks).is_none());
    assert!(store.lend_files(false));
}

#[tokio::test]
async fn a_lent_file_that_changes_on_the_disk_is_left_to_its_readers() {
    let heard = Heard::here();
    let bench = Bench::new();
    let store = bench.store(1 << 30).await;
    let path = NodePath::new("f");
    let blocks = checked(&store, &path).await;
    let backing = store.lend(&blocks).expect("lent");
    let place = blocks.file().place.clone();
    OpenOptions::new().write(true).open(&place).expect("opens").write_all_at(b"damage", BLOCK + 7).expect("written");
    assert_eq!(store.read(&blocks, BLOCK, &mut [0; BLOCK as usize]), Cached::Gone);
    assert!(blocks.is_rejected() && !place.exists());
    let mut left = [0; 6];
    backing.registered(|disk| disk.read_exact_at(&mut left, BLOCK + 7).ok()).expect("read");
    assert_eq!(&left, b"damage", "no hole was made under its readers");
    let fresh = store.version(&path, blocks.version());
    assert!(fresh.id() != blocks.id() && hit(&store, &fresh, 0, 1).is_none(), "it is fetched again");
    heard.says("block cache: a file that the kernel reads is not as it was written; the next open fetches it again");
}

#[tokio::test]
async fn what_the_kernel_refused_is_not_offered_again() {
    let bench = Bench::new();
    let store = bench.store(1 << 30).await;
    let backing = store.lend(&checked(&store, &NodePath::new("f")).await).expect("lent");
    assert!(!backing.is_refused());
    assert_eq!(backing.registered(|_| None::<u32>), None);
    assert_eq!(backing.registered(|_| Some(7_u32)), None);
    assert!(backing.is_refused());
}
