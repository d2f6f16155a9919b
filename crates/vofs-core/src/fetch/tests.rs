use super::*;
use crate::db::{Db, Durability, schema};
use crate::remote::fake::FakeRemote;

struct Bench {
    remote: Arc<FakeRemote>,
    store: Arc<Store>,
    fetcher: Arc<Fetcher>,
    _place: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
        Bench::with_memory(64 << 20).await
    }

    async fn with_memory(bytes: u64) -> Self {
        Bench::with(256 << 20, bytes).await
    }

    async fn with(cache: u64, memory: u64) -> Self {
        Bench::make(cache, memory, Duration::from_secs(5)).await
    }

    async fn with_deadline(deadline: Duration) -> Self {
        Bench::make(256 << 20, 64 << 20, deadline).await
    }

    async fn make(cache: u64, memory: u64, deadline: Duration) -> Self {
        let place = tempfile::tempdir().expect("a temporary directory");
        let db = Db::open(&place.path().join("index.db"), schema::INDEX, Durability::Process).expect("opens");
        let budget = Budget::new(memory);
        let store = Store::open(place.path(), cache, db, Arc::clone(&budget), Arc::default()).await.expect("opens");
        let remote = Arc::new(FakeRemote::new());
        let faked: Arc<dyn Remote> = Arc::<FakeRemote>::clone(&remote);
        let fetcher = Arc::new(Fetcher::new(faked, Arc::clone(&store), deadline, budget));
        Bench { remote, store, fetcher, _place: place }
    }

    async fn open(&self, name: &str, length: usize) -> (NodePath, OpenBlocks, Vec<u8>) {
        let bytes: Vec<u8> = (0..length).map(|at| (at / 7 % 251) as u8).collect();
        self.remote.store(name, bytes.clone());
        let path = NodePath::new(name);
        let meta = self.remote.stat(&path).await.expect("there");
        self.remote.requests();
        let blocks = self.store.version(&path, &meta.version);
        (path, blocks, bytes)
    }

    async fn read(&self, path: &NodePath, blocks: &OpenBlocks, range: Range<u64>) -> Result<Vec<u8>> {
        self.fetcher.read(path, blocks, range, &Window::new(256 << 20)).await
    }

    /// Reads with one window, as one handle does; true when the bytes are right.
    async fn follow(&self, file: &(NodePath, OpenBlocks, Vec<u8>), window: &Window, range: Range<u64>) -> bool {
        let (path, blocks, bytes) = file;
        let end = range.end.min(bytes.len() as u64);
        let expected = &bytes[range.start as usize..end as usize];
        self.fetcher.read(path, blocks, range, window).await.expect("read") == expected
    }

    /// Waits until so many requests are in the air for a file.
    async fn until_in_the_air(&self, blocks: &OpenBlocks, count: usize) {
        for _ in 0..5000 {
            if self.fetcher.traffic.lane(blocks.id()).flying().len() == count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("{} requests in the air instead of {count}", self.fetcher.traffic.lane(blocks.id()).flying().len());
    }
}

#[tokio::test]
async fn a_small_first_read_fetches_little_and_a_second_one_nothing() {
    let bench = Bench::new().await;
    let (path, blocks, bytes) = bench.open("f", 20 << 20).await;
    assert_eq!(bench.read(&path, &blocks, 0..2880).await.expect("read"), bytes[..2880]);
    let requests = bench.remote.requests();
    assert_eq!(requests, ["get /f 0-65536"]);
    assert_eq!(bench.read(&path, &blocks, 100..200).await.expect("read"), bytes[100..200]);
    assert!(bench.remote.requests().is_empty());
}

#[tokio::test]
async fn readers_of_one_file_share_their_requests() {
    let bench = Bench::new().await;
    let (path, blocks, bytes) = bench.open("f", 3 << 20).await;
    let reads = (0..48).map(|number| {
        let start = number % 12 * 256 * 1024;
        bench.read(&path, &blocks, start..start + 1000)
    });
    for (number, read) in futures_util::future::join_all(reads).await.into_iter().enumerate() {
        let start = number % 12 * 256 * 1024;
        assert_eq!(read.expect("read"), bytes[start..start + 1000]);
    }
    let fetched: u64 = bench.remote.requests().iter().map(|request| asked(request)).sum();
    assert!(fetched <= bytes.len() as u64, "no byte twice: {fetched}");
}

#[tokio::test]
async fn a_service_that_ignores_ranges_is_streamed_once_for_all() {
    let bench = Bench::new().await;
    bench.remote.ignore_ranges();
    let (path, blocks, bytes) = bench.open("f", 5 << 20).await;
    let length = bytes.len() as u64;
    let (far, near) = tokio::join!(bench.read(&path, &blocks, length - 10..length), bench.read(&path, &blocks, 0..10));
    assert_eq!(far.expect("read"), bytes[bytes.len() - 10..]);
    assert_eq!(near.expect("read"), bytes[..10]);
    assert_eq!(bench.read(&path, &blocks, 3 << 20..(3 << 20) + 5).await.expect("read"), bytes[3 << 20..(3 << 20) + 5]);
    assert!(bench.remote.requests().len() <= 2, "the second one only where both began before the first answer");
}

#[tokio::test]
async fn a_block_that_comes_between_looking_and_waiting_begins_no_second_request() {
    for ignores_ranges in [true, false] {
        let bench = Bench::new().await;
        if ignores_ranges {
            bench.remote.ignore_ranges();
        }
        let (path, blocks, bytes) = bench.open("f", 8 << 20).await;
        bench.remote.hold_bodies(Some(4 << 20));
        assert_eq!(bench.read(&path, &blocks, 0..200_000).await.expect("read"), bytes[..200_000]);
        bench.remote.requests();
        // A reader has just not found block 5, which has come since.
        assert!(blocks.is_present(5));
        assert!(bench.fetcher.join_or_start(&path, &blocks, 5..6, &Plan::default()).is_none(), "it looks again");
        bench.remote.hold_bodies(None);
        assert_eq!(bench.read(&path, &blocks, 5 * BLOCK..6 * BLOCK).await.expect("read").len(), BLOCK as usize);
        assert!(bench.remote.requests().is_empty(), "{ignores_ranges}");
    }
}

#[tokio::test]
async fn a_file_replaced_between_two_reads_is_stale_and_never_mixed() {
    let bench = Bench::new().await;
    let (path, blocks, _) = bench.open("f", 2 << 20).await;
    bench.read(&path, &blocks, 0..10).await.expect("read");
    bench.remote.store("f", vec![0; 2 << 20]);
    assert!(matches!(bench.read(&path, &blocks, 1 << 20..(1 << 20) + 10).await, Err(Error::Stale(_))));
    assert!(blocks.is_doomed());
    assert!(matches!(bench.read(&path, &blocks, 1 << 20..(1 << 20) + 10).await, Err(Error::Stale(_))));
}

#[tokio::test]
async fn a_body_that_ends_early_is_an_error_and_leaves_no_short_block() {
    let bench = Bench::new().await;
    let (path, blocks, bytes) = bench.open("f", 1 << 20).await;
    bench.remote.cut_bodies(20_000);
    let cut = bench.read(&path, &blocks, 90_000..120_000).await;
    assert!(matches!(cut, Err(Error::Io { .. })));
    bench.remote.mend();
    // As where the cache is too small, of a file that has become shorter without another version.
    let short = bench.fetcher.read_past_cache(&path, &blocks, 0..2 << 20).await.expect_err("too short").to_string();
    assert_eq!(short, "/f: the service sent fewer bytes than the file has");
    assert_eq!(bench.read(&path, &blocks, 90_000..120_000).await.expect("read"), bytes[90_000..120_000]);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_asked_for_again_from_there() {
    let bench = Bench::new().await;
    let (path, blocks, bytes) = bench.open("f", 400_000).await;
    bench.remote.cut_bodies(100_000);
    assert_eq!(bench.read(&path, &blocks, 0..400_000).await.expect("read"), bytes);
    let requests = bench.remote.requests();
    assert!(requests.len() > 3 && requests.windows(2).all(|pair| pair[0] != pair[1]), "{requests:?}");
}

#[tokio::test]
async fn a_whole_file_read_in_sequence_is_right_and_fetched_once() {
    let bench = Bench::new().await;
    let (path, blocks, bytes) = bench.open("f", 30 << 20).await;
    let window = Window::new(256 << 20);
    let mut got = Vec::new();
    while got.len() < bytes.len() {
        let at = got.len() as u64;
        got.extend(bench.fetcher.read(&path, &blocks, at..at + 131_072, &window).await.expect("read"));
    }
    assert!(got == bytes);
    let fetched: u64 = bench.remote.requests().iter().map(|request| asked(request)).sum();
    assert_eq!(fetched, bytes.len() as u64);
}

#[tokio::test]
async fn without_memory_to_look_ahead_readers_still_get_all_they_wait_for() {
    let bench = Bench::with_memory(0).await;
    let (path, blocks, bytes) = bench.open("f", 2 << 20).await;
    let reads = (0..8).map(|reader| {
        let (bench, path, blocks) = (&bench, &path, &blocks);
        async move {
            let start = reader * 256 * 1024;
            bench.read(path, blocks, start..start + 256 * 1024).await
        }
    });
    let read = futures_util::future::join_all(reads).await;
    let got: Vec<u8> = read.into_iter().flat_map(|part| part.expect("read")).collect();
    assert!(got == bytes);
    assert_eq!(bench.fetcher.budget.taken(), 0, "all of it was given back");
}

#[tokio::test]
async fn a_reader_is_answered_while_the_rest_of_its_request_is_still_on_its_way() {
    let bench = Bench::new().await;
    let file = bench.open("f", 40 << 20).await;
    bench.remote.hold_bodies(Some(BLOCK as usize + 20_000));
    bench.fetcher.confirm(&file.0, &file.1, 1 << 20, false).await;
    assert!(bench.follow(&file, &Window::new(256 << 20), 0..1000).await, "its block is complete");
    assert_eq!(bench.remote.requests(), ["get /f 0-1048576"], "and more than that is to come");
    bench.until_in_the_air(&file.1, 1).await;
}

#[tokio::test]
async fn one_reader_in_sequence_has_many_requests_in_the_air() {
    let bench = Bench::new().await;
    let file = bench.open("f", 120 << 20).await;
    let window = Window::new(1 << 40);
    let mut at = 0;
    while at < 80 << 20 {
        assert!(bench.follow(&file, &window, at..at + (1 << 20)).await);
        at += 1 << 20;
    }
    let bodies = bench.remote.bodies();
    assert!(bodies.most >= 8, "{} at once", bodies.most);
    let requests = bench.remote.requests();
    assert!(requests.len() < 60, "in pieces of some length: {requests:?}");
}

#[tokio::test]
async fn what_is_fetched_ahead_of_one_file_leaves_room_for_others() {
    let bench = Bench::new().await;
    let (one, other) = (bench.open("one", 100 << 20).await, bench.open("other", 100 << 20).await);
    let (mine, yours) = (Window::new(1 << 40), Window::new(1 << 40));
    assert!(bench.follow(&one, &mine, 0..10).await && bench.follow(&other, &yours, 0..10).await);
    bench.until_in_the_air(&one.1, 0).await;
    bench.until_in_the_air(&other.1, 0).await;
    bench.remote.hold_bodies(Some(0));
    let ahead = |window: &Window, blocks: &OpenBlocks| {
        bench.fetcher.look_ahead(
            &one.0,
            blocks,
            &(0..0),
            window,
            &Plan { run: 0..100 << 20, piece: 1 << 20, ..Plan::default() },
        );
        bench.fetcher.traffic.lane(blocks.id()).flying().len()
    };
    let most = ahead(&mine, &one.1);
    let rest = ahead(&yours, &other.1);
    assert!((8..=16).contains(&most) && rest == most, "{most} and {rest}");
}

#[tokio::test]
async fn random_reads_fetch_little_more_than_they_read() {
    const READS: u64 = 200;
    let bench = Bench::new().await;
    let file = bench.open("f", 100 << 20).await;
    let window = Window::new(256 << 20);
    bench.fetcher.confirm(&file.0, &file.1, window::FIRST, false).await;
    let mut place = 1_u64;
    for _ in 0..READS {
        place = place.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let start = (place >> 33) % (99 << 20);
        assert!(bench.follow(&file, &window, start..start + 4096).await);
    }
    let requests = bench.remote.requests();
    assert!(requests.len() as u64 <= READS + READS / 5, "{} requests", requests.len());
    let fetched: u64 = requests.iter().map(|request| asked(request)).sum();
    assert!(fetched <= READS * (64 << 10) * 17 / 16 + window::FIRST, "{} KiB a read", fetched / READS / 1024);
}

#[tokio::test]
async fn strides_are_fetched_ahead_of_their_reader_and_what_is_between_is_not() {
    let bench = Bench::new().await;
    let file = bench.open("f", 100 << 20).await;
    let window = Window::new(256 << 20);
    let place = |row: u64| 5000 + row * 1_000_003;
    for row in 0..90 {
        assert!(bench.follow(&file, &window, place(row)..place(row) + 3000).await);
        if row == 40 {
            bench.until_in_the_air(&file.1, 0).await;
            let next = place(row + 1) / BLOCK;
            assert!(file.1.is_present(next), "the next row is here before it is read");
            assert!(!file.1.is_present(next - 2), "and nothing before it");
        }
    }
    let fetched: u64 = bench.remote.requests().iter().map(|request| asked(request)).sum();
    assert!(fetched < 100 * 2 * BLOCK, "{fetched}");
}

#[tokio::test]
async fn a_far_seek_where_ranges_are_ignored_loses_nothing_and_starts_nothing() {
    let bench = Bench::new().await;
    bench.remote.ignore_ranges();
    let file = bench.open("f", 40 << 20).await;
    let window = Window::new(256 << 20);
    assert!(bench.follow(&file, &window, 0..100).await);
    assert!(bench.follow(&file, &window, 30 << 20..(30 << 20) + 100).await, "the stream goes on to there");
    assert!(bench.follow(&file, &window, 10 << 20..(10 << 20) + 100).await, "and what it passed is kept");
    assert!(bench.follow(&file, &window, 39 << 20..40 << 20).await);
    assert_eq!(bench.remote.requests().len(), 1);
    assert_eq!(bench.remote.bodies().most, 1);
}

#[tokio::test]
async fn what_a_stream_has_passed_and_the_cache_has_dropped_is_streamed_again_alone() {
    let bench = Bench::with(16 << 20, 64 << 20).await;
    bench.remote.ignore_ranges();
    let file = bench.open("f", 60 << 20).await;
    let window = Window::new(16 << 20);
    for place in [0, 40, 20, 58] {
        assert!(bench.follow(&file, &window, place << 20..(place << 20) + 100).await, "at {place} MiB");
    }
    assert_eq!(bench.remote.requests().len(), 2, "from the beginning once more");
    assert_eq!(bench.remote.bodies().most, 1, "and never two at a time");
    // The same first part is kept, however often the reader jumps.
    for place in [1, 50, 2, 30, 3, 45, 4, 57, 5] {
        assert!(bench.follow(&file, &window, place << 20..(place << 20) + 100).await, "at {place} MiB");
    }
    let requests = bench.remote.requests().len();
    assert!(requests <= 3, "{requests}: what is near the beginning is found");
}

#[tokio::test]
async fn a_stream_stays_near_its_reader() {
    let bench = Bench::with(16 << 20, 64 << 20).await;
    bench.remote.ignore_ranges();
    let file = bench.open("f", 80 << 20).await;
    let window = Window::new(16 << 20);
    for at in 0..80 {
        assert!(bench.follow(&file, &window, at << 20..(at + 1) << 20).await);
        let beyond = ((at + 1) << 20) / BLOCK + (16 << 20) / 8 / BLOCK + 1;
        tokio::task::yield_now().await;
        assert!(!file.1.is_present(beyond), "at {at} MiB");
    }
    assert_eq!(bench.remote.requests().len(), 1, "nothing was pushed out before it was read");
}

/// What a reader of a version that is gone holds cannot be dropped, and may be all that there is room for.
#[tokio::test]
async fn a_stream_stays_near_its_reader_also_where_the_disk_has_no_room_left() {
    let bench = Bench::with(16 << 20, 64 << 20).await;
    bench.remote.ignore_ranges();
    let held = bench.open("f", 40 << 20).await;
    let window = Window::new(16 << 20);
    for at in 0..30 {
        assert!(bench.follow(&held, &window, at << 20..(at + 1) << 20).await);
    }
    let file = bench.open("f", 80 << 20).await;
    bench.fetcher.abandon(&held.1);
    let window = Window::new(bench.store.capacity());
    for at in 0..80 {
        assert!(bench.follow(&file, &window, at << 20..(at + 1) << 20).await);
    }
    let requests = bench.remote.requests().len();
    assert!(requests <= 2, "{requests}: begun anew, because what was read ahead did not fit");
}

#[tokio::test]
async fn who_jumps_about_in_a_large_file_does_not_push_out_what_others_are_about_to_read() {
    let bench = Bench::with(16 << 20, 64 << 20).await;
    bench.remote.ignore_ranges();
    let (large, other) = (bench.open("large", 60 << 20).await, bench.open("other", 30 << 20).await);
    let (jumps, steps) = (Window::new(16 << 20), Window::new(16 << 20));
    for at in 0..30 {
        let place = at * 37 % 59;
        let (jumped, stepped) = tokio::join!(
            bench.follow(&large, &jumps, place << 20..(place << 20) + 4096),
            bench.follow(&other, &steps, at << 20..(at + 1) << 20),
        );
        assert!(jumped && stepped, "{at}");
    }
    let requests = bench.remote.requests();
    let others = requests.iter().filter(|request| request.contains("other")).count();
    assert_eq!(others, 1, "{requests:?}");
}

#[tokio::test]
async fn a_reader_of_what_was_passed_gets_its_turn_while_another_goes_on() {
    let bench = Bench::with(16 << 20, 64 << 20).await;
    bench.remote.ignore_ranges();
    let file = bench.open("f", 120 << 20).await;
    let (ahead, back) = (Window::new(16 << 20), Window::new(16 << 20));
    let place = std::sync::atomic::AtomicU64::new(0);
    let at = || place.load(std::sync::atomic::Ordering::Relaxed);
    let goes_on = async {
        for step in 0..120 {
            assert!(bench.follow(&file, &ahead, step << 20..(step + 1) << 20).await);
            place.store(step, std::sync::atomic::Ordering::Relaxed);
        }
    };
    let comes_behind = async {
        while at() < 30 {
            tokio::task::yield_now().await;
        }
        assert!(bench.follow(&file, &back, 10 << 20..(10 << 20) + 100).await);
        at()
    };
    let ((), served_at) = tokio::join!(goes_on, comes_behind);
    assert!(served_at < 90, "the other one was at {served_at} MiB by then");
    let requests = bench.remote.requests().len();
    assert!(requests <= 3, "{requests}: each turn pays for itself");
    assert_eq!(bench.remote.bodies().most, 1, "never two at a time");
}

#[tokio::test]
async fn the_first_bytes_prove_the_version_and_another_one_is_told_from_it() {
    let bench = Bench::new().await;
    let (path, blocks, bytes) = bench.open("f", 1 << 20).await;
    assert!(bench.fetcher.confirm(&path, &blocks, window::FIRST, false).await);
    assert_eq!(bench.read(&path, &blocks, 0..2880).await.expect("read"), bytes[..2880]);
    assert_eq!(bench.remote.requests().len(), 1, "the bytes came with the proof");
    assert!(!bench.fetcher.confirm(&path, &blocks, window::FIRST, false).await, "they are here: nothing was asked");
    assert!(bench.remote.requests().is_empty());

    let (path, blocks, _) = bench.open("g", 1 << 20).await;
    bench.remote.store("g", vec![9; 1 << 20]);
    assert!(!bench.fetcher.confirm(&path, &blocks, window::FIRST, false).await);
    assert!(blocks.is_doomed());
}

#[tokio::test]
async fn a_taste_of_a_file_is_no_stream_of_it() {
    let bench = Bench::new().await;
    bench.remote.ignore_ranges();
    let file = bench.open("f", 20 << 20).await;
    bench.fetcher.confirm(&file.0, &file.1, window::FIRST, true).await;
    bench.until_in_the_air(&file.1, 0).await;
    let taken = bench.remote.bodies().bytes;
    assert!((window::FIRST..=window::FIRST + BLOCK).contains(&taken), "{taken}");
    assert!(bench.follow(&file, &Window::new(256 << 20), 0..2880).await);
    assert_eq!(bench.remote.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stands_still_is_a_timeout() {
    let bench = Bench::new().await;
    let (path, blocks, _) = bench.open("f", 1 << 20).await;
    bench.remote.hold_bodies(Some(100));
    let late = bench.read(&path, &blocks, 0..10).await;
    assert!(matches!(late, Err(Error::Timeout { .. })), "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn who_comes_late_to_a_body_that_stands_still_is_told_where_it_stands() {
    let bench = Bench::with_deadline(Duration::from_secs(40)).await;
    let (path, blocks, _) = bench.open("f", 1 << 20).await;
    bench.remote.hold_bodies(Some(100));
    // Four tries of 5, 10, 20 and 40 s: who is there from the first has waited long enough before the last one ends.
    let late = async {
        tokio::time::sleep(Duration::from_millis(36_500)).await;
        bench.read(&path, &blocks, 0..10).await.expect_err("nothing comes").to_string()
    };
    let first = async { bench.read(&path, &blocks, 0..10).await.expect_err("nothing comes").to_string() };
    let (first, late) = tokio::join!(first, late);
    assert_eq!(first, "/f: no answer in time: no byte for 40 s while reading");
    assert!(late.contains("no byte after byte "), "{late}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stands_still_is_asked_for_anew_from_there_long_before_the_deadline() {
    let bench = Bench::with_deadline(Duration::from_secs(120)).await;
    let (path, blocks, bytes) = bench.open("f", 1 << 20).await;
    // Each answer dies after two blocks.
    bench.remote.hold_bodies(Some(2 * BLOCK as usize + 9000));
    let start = tokio::time::Instant::now();
    bench.fetcher.begin(&path, &blocks, 6 * BLOCK, false);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let joined = bench.read(&path, &blocks, 5 * BLOCK..5 * BLOCK + 10).await.expect("read");
    assert_eq!(joined, bytes[5 * BLOCK as usize..][..10]);
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    let starts = [0, 2, 4].map(|block| format!("get /f {}-{}", block * BLOCK, 6 * BLOCK));
    assert_eq!(bench.remote.requests(), starts);
}

/// What a body of [`FakeRemote`] waits for each 10,000 bytes: 10 MB/s and half a megabyte a second.
const FAST: Duration = Duration::from_millis(1);
const SLOW: Duration = Duration::from_millis(20);

/// A service without ranges, of which it is known how fast it can be.
async fn streamed() -> Bench {
    let bench = Bench::make(256 << 20, 64 << 20, Duration::from_secs(60)).await;
    bench.remote.ignore_ranges();
    bench.remote.pace_bodies(FAST);
    let (path, blocks, _) = bench.open("known", 30 << 20).await;
    bench.read(&path, &blocks, (30 << 20) - 10..30 << 20).await.expect("read");
    bench.remote.requests();
    bench
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_stuck_at_a_low_rate_is_begun_anew_for_who_waits_far_ahead() {
    let bench = streamed().await;
    bench.remote.pace_bodies(SLOW);
    let file = bench.open("f", 40 << 20).await;
    let far = file.2.len() as u64 - 10;
    let begun = tokio::time::Instant::now();
    let window = Window::new(256 << 20);
    let mended = async {
        // Once it has begun: it keeps its rate.
        tokio::time::sleep(Duration::from_secs(1)).await;
        bench.remote.pace_bodies(FAST);
    };
    let (right, ()) = tokio::join!(bench.follow(&file, &window, far..far + 10), mended);
    assert!(right);
    assert!(begun.elapsed() < Duration::from_secs(30), "not the 84 s of the first one: {:?}", begun.elapsed());
    let requests = bench.remote.requests();
    assert_eq!(requests.len(), 2, "{requests:?}");
    assert_eq!(bench.remote.bodies().most, 1, "never two at a time");
}

#[tokio::test(start_paused = true)]
async fn on_a_link_that_is_slow_a_stream_is_begun_anew_once_and_then_put_up_with() {
    let bench = streamed().await;
    bench.remote.pace_bodies(SLOW);
    for (name, beginnings) in [("f", 2), ("g", 1)] {
        let file = bench.open(name, 40 << 20).await;
        let far = file.2.len() as u64 - 10;
        assert!(bench.follow(&file, &Window::new(256 << 20), far..far + 10).await);
        let requests = bench.remote.requests();
        assert_eq!(requests.len(), beginnings, "{requests:?}");
    }
}

fn asked(request: &str) -> u64 {
    let (start, end) = request.rsplit_once(' ').and_then(|(_, range)| range.split_once('-')).expect("a range");
    end.parse::<u64>().expect("a number") - start.parse::<u64>().expect("a number")
}
