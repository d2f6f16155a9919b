use super::*;
use crate::clock::TestClock;
use crate::db::{Durability, schema};
use crate::meta::Kind;
use crate::version::Version;

struct Bench {
    clock: Arc<TestClock>,
    place: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let clock = Arc::new(TestClock::default());
        clock.advance(Duration::from_secs(1_000_000));
        Bench { clock, place: tempfile::tempdir().expect("a temporary directory") }
    }

    fn namespace(&self) -> Namespace {
        let db = Db::open(&self.place.path().join("index.db"), schema::INDEX, Durability::Process).expect("opens");
        let clock: Arc<dyn Clock> = Arc::<TestClock>::clone(&self.clock);
        Namespace::new(db, clock, &Config::new("vos:test", "/nowhere"))
    }
}

fn file(length: u64, md5: Option<u8>, content: Option<i64>) -> Meta {
    let version = Version {
        length,
        md5: md5.map(|b| [b; 16]),
        content_date: content.map(Millis),
        date: Some(Millis(length as i64)),
    };
    Meta { version, ..Meta::new(Kind::File) }
}

#[tokio::test]
async fn a_listing_answers_for_its_children_and_for_the_names_that_it_lacks() {
    let bench = Bench::new();
    let names = bench.namespace();
    let dir = NodePath::new("d");
    names.load(&dir).await.expect("loads");
    assert!(names.list(&dir, vec![("a".into(), file(1, Some(1), Some(1)))]).is_empty());
    assert!(matches!(names.lookup(&dir.join("a")), Answer::Found(..)));
    assert!(matches!(names.lookup(&dir.join("b")), Answer::Absent(_)));
    bench.clock.advance(Duration::from_secs(60));
    assert!(matches!(names.lookup(&dir.join("a")), Answer::Ask(Some(_))));
    assert!(matches!(names.lookup(&dir.join("b")), Answer::Ask(None)));
}

#[tokio::test]
async fn a_stale_listing_neither_blanks_nor_drops_what_is_known_better() {
    let bench = Bench::new();
    let names = bench.namespace();
    let dir = NodePath::new("d");
    names.record_own(&dir.join("mine"), file(300, Some(3), None));
    names.record(&dir.join("seen"), file(20, Some(2), Some(2)));
    let listed = vec![("mine".to_owned(), file(0, None, None)), ("other".to_owned(), file(1, None, None))];
    assert_eq!(names.list(&dir, listed), vec!["seen".to_owned()], "what is missing is handed back, not dropped");
    assert_eq!(names.known(&dir.join("mine")).expect("known").version.length, 300);
    assert_eq!(names.known(&dir.join("seen")).expect("known").version.length, 20);
}

#[tokio::test]
async fn a_listing_that_contradicts_asks_for_the_single_node() {
    let bench = Bench::new();
    let names = bench.namespace();
    let path = NodePath::new("d/x");
    names.record(&path, file(20, Some(2), Some(2)));
    names.list(&NodePath::new("d"), vec![("x".into(), file(0, None, None))]);
    assert!(matches!(names.lookup(&path), Answer::Ask(Some(_))));
    names.record(&path, file(30, Some(4), Some(4)));
    assert!(matches!(names.lookup(&path), Answer::Found(meta, _) if meta.version.length == 30));
}

#[tokio::test]
async fn the_next_mount_starts_warm() {
    let bench = Bench::new();
    let dir = NodePath::new("d");
    {
        let names = bench.namespace();
        names.list(&dir, vec![("a".into(), file(1, Some(1), Some(1)))]);
        names.load(&NodePath::new("flush")).await.expect("the queue is written before this is answered");
    }
    let names = bench.namespace();
    assert!(matches!(names.lookup(&dir.join("a")), Answer::Ask(None)), "not yet in memory");
    names.load(&dir).await.expect("loads");
    assert!(matches!(names.lookup(&dir.join("a")), Answer::Found(..)));
    assert!(names.listing(&dir).is_some());
}

#[tokio::test]
async fn a_renamed_directory_takes_its_listing_along_in_memory_and_on_disk() {
    let bench = Bench::new();
    let (from, to) = (NodePath::new("d"), NodePath::new("e/f"));
    {
        let names = bench.namespace();
        names.record(&from, Meta::new(Kind::Directory));
        names.list(&from, vec![("a".into(), file(1, Some(1), Some(1)))]);
        names.rename(&from, &to);
        assert!(matches!(names.lookup(&to.join("a")), Answer::Found(..)));
        assert!(matches!(names.lookup(&from), Answer::Absent(_)));
        names.load(&NodePath::new("flush")).await.expect("written");
    }
    let names = bench.namespace();
    names.load(&to).await.expect("loads");
    names.load(&from).await.expect("loads");
    assert!(matches!(names.lookup(&to.join("a")), Answer::Found(..)));
    assert!(matches!(names.lookup(&from.join("a")), Answer::Ask(None)));
}
