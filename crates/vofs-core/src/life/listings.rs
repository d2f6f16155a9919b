//! Listings and single questions of a whole engine, with a clock that tests move.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, TestClock};
use crate::config::Config;
use crate::engine::Engine;
use crate::inode::Ino;
use crate::remote::Remote;
use crate::remote::fake::FakeRemote;

struct Bench {
    remote: Arc<FakeRemote>,
    clock: Arc<TestClock>,
    engine: Arc<Engine>,
    _place: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
        let place = tempfile::tempdir().expect("a temporary directory");
        let (remote, clock) = (Arc::new(FakeRemote::new()), Arc::new(TestClock::default()));
        clock.advance(Duration::from_secs(1_000_000));
        let config = Config::new("vos:test", place.path().join("cache"));
        let (faked, ticking): (Arc<dyn Remote>, Arc<dyn Clock>) =
            (Arc::<FakeRemote>::clone(&remote), Arc::<TestClock>::clone(&clock));
        let engine = Engine::start(config, faked, ticking).await.expect("starts");
        clock.advance(Duration::from_millis(1));
        Bench { remote, clock, engine, _place: place }
    }

    async fn ino(&self, parent: Ino, name: &str) -> Ino {
        match self.engine.lookup(parent, name).await.expect("answered") {
            crate::Lookup::Found(entry) => entry.attr.ino,
            crate::Lookup::Absent(_) => panic!("{name} is not there"),
        }
    }

    async fn names(&self, directory: Ino) -> Vec<String> {
        let fh = self.engine.opendir(directory).await.expect("opens").fh;
        let (mut names, mut at) = (Vec::new(), 2);
        loop {
            let before = at;
            let sink = |child: &crate::DirEntry| {
                names.push(child.name.clone());
                at = child.next;
                true
            };
            self.engine.readdir(fh, before, true, sink).await.expect("listed");
            if at == before {
                break;
            }
        }
        self.engine.releasedir(fh);
        names.sort();
        names
    }
}

#[tokio::test]
async fn what_is_not_in_a_directory_that_was_just_made_is_not_asked_for() {
    let bench = Bench::new().await;
    let directory = bench.engine.mkdir(Ino::ROOT, "d").await.expect("made").attr.ino;
    bench.remote.requests();
    for i in 0..100 {
        let found = bench.engine.lookup(directory, &format!("f{i}")).await.expect("answered");
        assert!(matches!(found, crate::Lookup::Absent(_)), "{found:?}");
    }
    assert_eq!(bench.remote.requests(), Vec::<String>::new());
    // Somebody else's files show once that is too old, and what is here stays.
    bench.remote.store("d/f1", "x");
    bench.clock.advance(Duration::from_secs(60));
    bench.ino(directory, "f1").await;
    assert_eq!(bench.names(directory).await, ["f1"]);
}

#[tokio::test]
async fn a_directory_that_is_filled_for_longer_than_its_listing_holds_costs_few_questions() {
    const COUNT: usize = 600;
    let bench = Bench::new().await;
    let directory = bench.engine.mkdir(Ino::ROOT, "d").await.expect("made").attr.ino;
    bench.remote.requests();
    // 45 seconds, with somebody else who makes every hundredth.
    for i in 0..COUNT {
        let name = format!("f{i}");
        if i % 100 == 99 {
            bench.remote.store(&format!("d/{name}"), "x");
            bench.clock.advance(Duration::from_secs(6));
            bench.ino(directory, &name).await;
        } else {
            let found = bench.engine.lookup(directory, &name).await.expect("answered");
            assert!(matches!(found, crate::Lookup::Absent(_)), "{found:?}");
        }
        bench.clock.advance(Duration::from_millis(75));
    }
    let requests = bench.remote.requests();
    assert!(requests.len() < COUNT / 20, "{}: {requests:?}", requests.len());
    // Who asks now and then gets an answer and no listing.
    bench.clock.advance(Duration::from_secs(60));
    let _ = bench.engine.lookup(directory, "elsewhere").await.expect("answered");
    assert_eq!(bench.remote.requests(), ["stat /d/elsewhere"]);
}

#[tokio::test]
async fn many_names_that_have_become_too_old_cost_one_listing_and_not_a_question_each() {
    const COUNT: usize = 200;
    let bench = Bench::new().await;
    bench.remote.add_directory("d");
    for i in 0..COUNT {
        bench.remote.store(&format!("d/f{i}"), "x");
    }
    let directory = bench.ino(Ino::ROOT, "d").await;
    assert_eq!(bench.names(directory).await.len(), COUNT);
    bench.clock.advance(Duration::from_secs(60));
    bench.remote.drop_node("d/f150");
    bench.remote.requests();
    for i in 0..COUNT {
        let found = bench.engine.lookup(directory, &format!("f{i}")).await.expect("answered");
        assert_eq!(matches!(found, crate::Lookup::Found(_)), i != 150, "f{i}");
    }
    let requests = bench.remote.requests();
    assert!(requests.len() < 15, "{requests:?}");
    assert!(requests.contains(&"stat /d/f150".to_owned()), "what the listing lacks is asked for: {requests:?}");
}

#[tokio::test]
async fn what_a_listing_contradicts_or_lacks_is_asked_for_before_it_is_shown_or_dropped() {
    let bench = Bench::new().await;
    bench.remote.add_directory("d");
    for name in ["kept", "gone", "grown"] {
        bench.remote.store(&format!("d/{name}"), "x");
    }
    let directory = bench.ino(Ino::ROOT, "d").await;
    assert_eq!(bench.names(directory).await, ["gone", "grown", "kept"]);
    bench.remote.list_as_it_is("d/grown");
    bench.remote.store("d/grown", "longer");
    // Known by a single question, so that the listing, which lags, is the older one.
    bench.clock.advance(Duration::from_secs(60));
    let grown = bench.ino(directory, "grown").await;
    bench.clock.advance(Duration::from_secs(60));
    bench.remote.drop_node("d/gone");
    bench.remote.leave_out_of_listings("d/kept");
    assert_eq!(bench.names(directory).await, ["grown", "kept"]);
    bench.remote.requests();
    assert_eq!(bench.engine.getattr(grown).await.expect("known").0.size, 6);
    assert_eq!(bench.remote.requests(), Vec::<String>::new(), "asked for when it was listed");
}

#[tokio::test]
async fn an_inode_that_the_kernel_forgot_is_dropped() {
    let bench = Bench::new().await;
    bench.remote.add_directory("d");
    for i in 0..50 {
        bench.remote.store(&format!("d/f{i}"), "x");
    }
    let directory = bench.ino(Ino::ROOT, "d").await;
    let mut files = Vec::new();
    for i in 0..50 {
        files.push(bench.ino(directory, &format!("f{i}")).await);
    }
    assert_eq!(bench.engine.inodes.len(), 52);
    files.iter().for_each(|ino| bench.engine.forget(*ino, 1));
    assert_eq!(bench.engine.inodes.len(), 2);
    bench.engine.forget(directory, 1);
    assert_eq!(bench.engine.inodes.len(), 1);
}
