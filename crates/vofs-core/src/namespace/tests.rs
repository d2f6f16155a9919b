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

    async fn namespace(&self) -> Namespace {
        let db = Db::open(&self.place.path().join("index.db"), schema::INDEX, Durability::Process).expect("opens");
        let clock: Arc<dyn Clock> = Arc::<TestClock>::clone(&self.clock);
        let names = Namespace::open(db, clock, &Config::new("vos:test", "/nowhere")).await.expect("opens");
        // What is learned in the very moment of the start counts as learned before it.
        self.clock.advance(Duration::from_millis(1));
        names
    }
}

fn file(length: u64, md5: Option<u8>, content: Option<i64>) -> Meta {
    let version = Version {
        length,
        md5: md5.map(|b| [b; 16]),
        content_date: content.map(Millis),
        date: Some(Millis(length as i64)),
        taken: None,
    };
    Meta { version, ..Meta::new(Kind::File) }
}

/// A listing of `directory` arrives and ends. Gives the names in doubt and those that it lacks.
async fn list(names: &Namespace, directory: &NodePath, nodes: Vec<(String, Meta)>) -> (Vec<String>, Vec<String>) {
    let listing = names.begin_listing(directory);
    let (mut records, mut doubtful) = (Vec::new(), Vec::new());
    for (name, meta) in nodes {
        match names.arrived(directory, listing, &name, Shown::Whole(meta)) {
            Arrival::Child(_, record) => records.extend(record),
            Arrival::Doubtful(_, record) => {
                records.extend(record);
                doubtful.push(name);
            }
            Arrival::Repeated => panic!("{name} arrived twice"),
        }
    }
    names.store(directory, records).await.expect("written");
    let (_, missing) = names.unlisted(directory, listing);
    names.listed(directory, listing);
    (doubtful, missing.iter().map(|node| node.name().to_owned()).collect())
}

fn one(name: &str, meta: Meta) -> Vec<(String, Meta)> {
    vec![(name.to_owned(), meta)]
}

#[tokio::test]
async fn a_listing_answers_for_its_children_and_for_the_names_that_it_lacks() {
    let bench = Bench::new();
    let names = bench.namespace().await;
    let dir = NodePath::new("d");
    names.load(&dir).await.expect("loads");
    list(&names, &dir, one("a", file(1, Some(1), Some(1)))).await;
    assert!(matches!(names.lookup(&dir.join("a")), Answer::Found(..)));
    assert!(matches!(names.lookup(&dir.join("b")), Answer::Absent(_)));
    bench.clock.advance(Duration::from_secs(60));
    assert!(matches!(names.lookup(&dir.join("a")), Answer::Ask(Some(_))));
    assert!(matches!(names.lookup(&dir.join("b")), Answer::Ask(None)));
}

#[tokio::test]
async fn a_stale_listing_neither_blanks_nor_drops_what_is_known_better() {
    let bench = Bench::new();
    let names = bench.namespace().await;
    let dir = NodePath::new("d");
    names.record_own(&dir.join("mine"), file(300, Some(3), None));
    names.record(&dir.join("seen"), file(20, Some(2), Some(2)));
    names.record(&dir.join("gone?"), file(5, Some(2), Some(2)));
    bench.clock.advance(Duration::from_secs(1));
    let listed = vec![
        ("mine".to_owned(), file(0, None, None)),
        ("seen".to_owned(), file(10, Some(1), Some(1))),
        ("other".to_owned(), file(1, None, None)),
    ];
    let (doubtful, missing) = list(&names, &dir, listed).await;
    assert_eq!(doubtful, ["seen"], "older than what is known: the single node decides");
    assert_eq!(missing, ["gone?"], "what is missing is handed back, not dropped");
    for (name, length) in [("mine", 300), ("seen", 20), ("gone?", 5), ("other", 1)] {
        assert_eq!(names.known(&dir.join(name)).expect("known").version.length, length, "{name}");
    }
}

#[tokio::test]
async fn what_was_there_before_our_last_uploads_is_not_believed_again() {
    let bench = Bench::new();
    let dir = NodePath::new("d");
    let (written, moved) = (dir.join("f"), dir.join("g"));
    let names = bench.namespace().await;
    names.record(&written, file(9, Some(9), Some(9)));
    for own in [1, 2, 3] {
        bench.clock.advance(Duration::from_secs(1));
        names.record_own(&written, file(u64::from(own), Some(own), None));
    }
    let stale = [file(9, Some(9), Some(9)), file(1, Some(1), Some(10)), file(2, Some(2), None), file(0, None, None)];
    let shown = |names: &Namespace, path: &NodePath, lagging: &Meta| names.record(path, lagging.clone()).version.length;
    for lagging in &stale {
        assert_eq!(shown(&names, &written, lagging), 3, "{lagging:?}");
    }
    names.rename(&written, &moved);
    assert!(stale.iter().all(|lagging| shown(&names, &moved, lagging) == 3), "under another name");
    names.save().await.expect("saved");
    drop(names);

    let names = bench.namespace().await;
    names.load(&dir).await.expect("loads");
    assert!(stale.iter().all(|lagging| shown(&names, &moved, lagging) == 3), "in the next mount");
    bench.clock.advance(Duration::from_millis(merge::OWN_MILLIS as u64));
    assert_eq!(shown(&names, &moved, &file(0, None, None)), 0, "it does not lag for ever");

    names.record_own(&moved, file(4, Some(4), None));
    drop(names);
    let names = bench.namespace().await;
    names.load(&dir).await.expect("loads");
    assert_eq!(shown(&names, &moved, &file(0, None, None)), 0, "after a crash we may have emptied it ourselves");
}

#[tokio::test]
async fn what_was_made_while_a_listing_arrived_is_not_missing_from_it() {
    let bench = Bench::new();
    let names = bench.namespace().await;
    let dir = NodePath::new("d");
    names.record(&dir.join("old"), file(1, Some(1), Some(1)));
    bench.clock.advance(Duration::from_secs(1));
    let listing = names.begin_listing(&dir);
    names.record_own(&dir.join("new"), file(2, Some(2), None));
    let (since, missing) = names.unlisted(&dir, listing);
    assert_eq!(since.iter().map(Packed::name).collect::<Vec<_>>(), ["new"]);
    assert_eq!(missing.iter().map(Packed::name).collect::<Vec<_>>(), ["old"]);
}

#[tokio::test]
async fn a_listing_that_broke_off_changes_nothing_but_what_it_showed() {
    let bench = Bench::new();
    let names = bench.namespace().await;
    let dir = NodePath::new("d");
    list(&names, &dir, vec![("a".into(), file(1, Some(1), Some(1))), ("b".into(), file(1, Some(1), Some(1)))]).await;
    bench.clock.advance(Duration::from_secs(20));
    let listing = names.begin_listing(&dir);
    names.arrived(&dir, listing, "a", Shown::Whole(file(2, Some(2), Some(2))));
    names.broken_off(&dir, listing);
    assert!(matches!(names.lookup(&dir.join("a")), Answer::Found(meta, _) if meta.version.length == 2));
    assert!(matches!(names.lookup(&dir.join("b")), Answer::Ask(Some(_))));
    assert!(names.listing(&dir).is_none());
}

#[tokio::test]
async fn a_listing_that_contradicts_asks_for_the_single_node() {
    let bench = Bench::new();
    let names = bench.namespace().await;
    let path = NodePath::new("d/x");
    names.record(&path, file(20, Some(2), Some(2)));
    list(&names, &NodePath::new("d"), one("x", file(0, None, None))).await;
    assert!(matches!(names.lookup(&path), Answer::Ask(Some(_))));
    names.record(&path, file(30, Some(4), Some(4)));
    assert!(matches!(names.lookup(&path), Answer::Found(meta, _) if meta.version.length == 30));
}

#[tokio::test]
async fn a_listing_that_is_newer_needs_no_question() {
    let bench = Bench::new();
    let names = bench.namespace().await;
    let dir = NodePath::new("d");
    names.record(&dir.join("vault"), file(20, Some(2), Some(2)));
    names.record(&dir.join("cavern"), file(20, Some(2), None));
    let listed = vec![("vault".to_owned(), file(30, Some(3), Some(3))), ("cavern".to_owned(), file(30, Some(3), None))];
    assert_eq!(list(&names, &dir, listed).await.0, Vec::<String>::new());
    for name in ["vault", "cavern"] {
        assert!(matches!(names.lookup(&dir.join(name)), Answer::Found(meta, _) if meta.version.length == 30), "{name}");
    }
}

#[tokio::test]
async fn the_next_mount_starts_warm() {
    let bench = Bench::new();
    let dir = NodePath::new("d");
    {
        let names = bench.namespace().await;
        names.record(&dir.join("single"), file(2, Some(2), Some(2)));
        bench.clock.advance(Duration::from_secs(10));
        let listed = vec![("a".into(), file(1, Some(1), Some(1))), ("single".into(), file(2, Some(2), Some(2)))];
        list(&names, &dir, listed).await;
        names.save().await.expect("the queue is written before this is answered");
    }
    // By now the single answer is too old, but the listing, which brought nothing new, is not.
    bench.clock.advance(Duration::from_secs(10));
    let names = bench.namespace().await;
    assert!(matches!(names.lookup(&dir.join("a")), Answer::Ask(None)), "not yet in memory");
    names.load(&dir).await.expect("loads");
    assert!(matches!(names.lookup(&dir.join("a")), Answer::Found(..)));
    assert!(matches!(names.lookup(&dir.join("single")), Answer::Found(..)));
    assert_eq!(names.listing(&dir).expect("fresh").nodes.len(), 2);
}

#[tokio::test]
async fn after_a_crash_everything_is_known_and_nothing_is_fresh() {
    let bench = Bench::new();
    let dir = NodePath::new("d");
    for _ in 0..2 {
        let names = bench.namespace().await;
        names.load(&dir).await.expect("loads");
        list(&names, &dir, one("a", file(1, Some(1), Some(1)))).await;
        names.load(&NodePath::new("flush")).await.expect("the queue is written before this is answered");
    }
    let names = bench.namespace().await;
    names.load(&dir).await.expect("loads");
    assert!(matches!(names.lookup(&dir.join("a")), Answer::Ask(Some(_))));
    assert!(names.listing(&dir).is_none());
}

#[tokio::test]
async fn names_learned_before_a_directory_was_loaded_do_not_hide_the_others() {
    let bench = Bench::new();
    let dir = NodePath::new("d");
    {
        let names = bench.namespace().await;
        let listed = ["a", "b", "c"].map(|name| (name.to_owned(), file(1, Some(1), Some(1))));
        list(&names, &dir, listed.to_vec()).await;
        names.save().await.expect("saved");
    }
    let names = bench.namespace().await;
    names.record(&dir.join("a"), file(5, Some(5), Some(5)));
    names.remove(&dir.join("b"));
    names.load(&dir).await.expect("loads");
    assert_eq!(names.known(&dir.join("a")).expect("known").version.length, 5);
    assert!(matches!(names.lookup(&dir.join("b")), Answer::Absent(_)));
    assert!(matches!(names.lookup(&dir.join("c")), Answer::Found(..)));
}

#[tokio::test]
async fn memory_keeps_a_bounded_number_of_nodes_and_sqlite_all_of_them() {
    const DIRECTORIES: usize = 60;
    const EACH: usize = 100;
    const LIMIT: usize = 1000;
    let bench = Bench::new();
    let names = bench.namespace().await;
    names.inner.lock().limit = LIMIT;
    let path = |i: usize| NodePath::new(&format!("d{i}"));
    names.record_own(&path(0).join("mine"), file(1, Some(1), None));
    for i in 0..DIRECTORIES {
        names.load(&path(i)).await.expect("loads");
        let listed = (0..EACH).map(|j| (format!("n{j}"), file(j as u64, None, Some(1)))).collect();
        list(&names, &path(i), listed).await;
    }
    assert!(names.inner.lock().weight <= LIMIT, "{} nodes in memory", names.inner.lock().weight);
    assert!(matches!(names.lookup(&path(1).join("n7")), Answer::Ask(None)), "left to SQLite");
    names.load(&path(1)).await.expect("loads");
    assert!(matches!(names.lookup(&path(1).join("n7")), Answer::Found(meta, _) if meta.version.length == 7));
    // A directory with a fresh upload of ours is not given away: SQLite does not know that it outweighs a listing.
    assert!(matches!(names.lookup(&path(0).join("mine")), Answer::Found(..)));
    let weight: usize = names.inner.lock().directories.iter().map(|(_, known)| known.len() + DIRECTORY).sum();
    assert_eq!(names.inner.lock().weight, weight);
}

#[tokio::test]
async fn a_kernel_that_was_shown_a_listing_keeps_it_until_something_changes() {
    let bench = Bench::new();
    let names = bench.namespace().await;
    let dir = NodePath::new("d");
    assert_eq!(names.is_shown(&dir), None);
    list(&names, &dir, one("a", file(1, Some(1), Some(1)))).await;
    assert_eq!(names.is_shown(&dir), Some(false));
    let shown = |names: &Namespace| names.shown(&dir, names.listing(&dir).expect("fresh").revision);
    shown(&names);
    assert_eq!(names.is_shown(&dir), Some(true));
    names.record(&dir.join("a"), file(2, Some(2), Some(2)));
    assert_eq!(names.is_shown(&dir), Some(true), "the names are the same");
    names.record(&dir.join("b"), file(2, Some(2), Some(2)));
    assert_eq!(names.is_shown(&dir), Some(false));
    shown(&names);
    names.remove(&dir.join("a"));
    assert_eq!(names.is_shown(&dir), Some(false));
    shown(&names);
    bench.clock.advance(Duration::from_secs(60));
    assert_eq!(names.is_shown(&dir), None, "a new listing has to be made");
}

#[tokio::test]
async fn a_renamed_directory_takes_its_listing_along_in_memory_and_on_disk() {
    let bench = Bench::new();
    let (from, to) = (NodePath::new("d"), NodePath::new("e/f"));
    {
        let names = bench.namespace().await;
        names.record(&from, Meta::new(Kind::Directory));
        list(&names, &from, one("a", file(1, Some(1), Some(1)))).await;
        list(&names, &from.join("sub"), one("b", file(1, Some(1), Some(1)))).await;
        // The name of another directory begins with the same text.
        list(&names, &NodePath::new("d2"), one("c", file(1, Some(1), Some(1)))).await;
        names.rename(&from, &to);
        assert!(matches!(names.lookup(&to.join("a")), Answer::Found(..)));
        assert!(matches!(names.lookup(&from), Answer::Absent(_)));
        names.save().await.expect("written");
    }
    let names = bench.namespace().await;
    for directory in [to.clone(), to.join("sub"), from.clone(), NodePath::new("d2")] {
        names.load(&directory).await.expect("loads");
    }
    for found in [to.join("a"), to.join("sub/b"), NodePath::new("d2/c")] {
        assert!(matches!(names.lookup(&found), Answer::Found(..)), "{found}");
    }
    assert!(matches!(names.lookup(&from.join("a")), Answer::Ask(None)));
}

#[tokio::test]
async fn a_removed_directory_leaves_nothing_for_one_that_is_made_in_its_place() {
    let bench = Bench::new();
    let dir = NodePath::new("d");
    {
        let names = bench.namespace().await;
        names.record(&dir, Meta::new(Kind::Directory));
        list(&names, &dir, one("a", file(1, Some(1), Some(1)))).await;
        names.remove(&dir);
        names.record_own(&dir, Meta::new(Kind::Directory));
        assert!(matches!(names.lookup(&dir.join("a")), Answer::Ask(None)));
        names.save().await.expect("written");
    }
    let names = bench.namespace().await;
    names.load(&dir).await.expect("loads");
    assert_eq!(names.known(&dir.join("a")), None);
}
