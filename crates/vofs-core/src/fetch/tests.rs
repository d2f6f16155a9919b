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
        let place = tempfile::tempdir().expect("a temporary directory");
        let db = Db::open(&place.path().join("index.db"), schema::INDEX, Durability::Process).expect("opens");
        let budget = Budget::new(bytes);
        let store = Store::open(place.path(), 256 << 20, db, Arc::clone(&budget)).await.expect("opens");
        let remote = Arc::new(FakeRemote::new());
        let faked: Arc<dyn Remote> = Arc::<FakeRemote>::clone(&remote);
        let fetcher = Arc::new(Fetcher::new(faked, Arc::clone(&store), Duration::from_secs(5), budget));
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
}

#[tokio::test]
async fn a_small_first_read_fetches_little_and_a_second_one_nothing() {
    let bench = Bench::new().await;
    let (path, blocks, bytes) = bench.open("f", 20 << 20).await;
    assert_eq!(bench.read(&path, &blocks, 0..2880).await.expect("read"), bytes[..2880]);
    let requests = bench.remote.requests();
    assert_eq!(requests, ["get /f 0-163840"]);
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

fn asked(request: &str) -> u64 {
    let (start, end) = request.rsplit_once(' ').and_then(|(_, range)| range.split_once('-')).expect("a range");
    end.parse::<u64>().expect("a number") - start.parse::<u64>().expect("a number")
}
