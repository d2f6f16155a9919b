//! What an opening asks of the service, and what was asked ahead of it.

use super::tests::{Bench, Mount, READ, WRITE};
use super::*;
use crate::clock::TestClock;
use crate::config::OpenCheck;
use crate::fetch::window::FIRST;
use crate::remote::fake::FakeRemote;

async fn mount(bench: &Bench, clock: &Arc<TestClock>) -> Mount {
    let faked: Arc<dyn Remote> = Arc::<FakeRemote>::clone(&bench.remote);
    let clock: Arc<dyn Clock> = Arc::<TestClock>::clone(clock);
    Mount(Engine::start(bench.config(), faked, clock).await.expect("starts"))
}

/// Opens, reads the first bytes, closes.
async fn header(mount: &Mount, name: &str) -> Vec<u8> {
    let fh = mount.open(name, READ).await;
    let bytes = mount.0.read(fh, 0, 80).await.expect("read");
    mount.close(fh).await.expect("closed");
    bytes
}

#[tokio::test]
async fn the_first_bytes_of_a_known_file_are_the_answer_to_its_opening() {
    let bench = Bench::new();
    bench.remote.store("f", vec![7; 1 << 20]);
    let mount = bench.mount().await;
    mount.names("").await;
    bench.remote.requests();
    assert_eq!(header(&mount, "f").await, [7; 80]);
    assert_eq!(bench.remote.requests(), [format!("get /f 0-{FIRST}")]);
    assert_eq!(header(&mount, "f").await, [7; 80]);
    assert_eq!(bench.remote.requests(), ["stat /f"], "the bytes are here: the question is asked by itself");
}

#[tokio::test]
async fn a_known_file_that_was_replaced_shows_its_new_bytes_to_who_opens_it() {
    let bench = Bench::new();
    bench.remote.store("f", vec![7; 1 << 20]);
    let mount = bench.mount().await;
    mount.names("").await;
    bench.remote.store("f", vec![8; 1 << 20]);
    assert_eq!(header(&mount, "f").await, [8; 80]);
    bench.remote.drop_node("f");
    let ino = mount.walk("f").await.expect("still believed").0;
    assert!(matches!(mount.0.open(ino, READ).await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn who_reads_an_old_version_keeps_it_with_its_inode() {
    let bench = Bench::new();
    bench.remote.store("f", vec![7; 100]);
    let mount = bench.mount().await;
    let engine = &mount.0;
    let old = mount.walk("f").await.expect("there").0;
    let reader = engine.open(old, READ).await.expect("opens").fh;
    assert_eq!(engine.read(reader, 0, 200).await.expect("read"), [7; 100]);
    bench.remote.store("f", vec![8; 200]);
    // Two at once: none of them gets the new version under the old number.
    let (one, two) = tokio::join!(engine.open(old, READ), engine.open(old, READ));
    assert!(matches!(one, Err(Error::Renumbered(_))), "{one:?}");
    let late = two.map(|opened| opened.fh);
    if let Ok(fh) = late {
        assert_eq!(
            engine.read(fh, 0, 200).await.expect("read"),
            [7; 100],
            "it came when the old one had no name any more"
        );
        engine.release(fh).await;
    }
    let (new, length) = mount.walk("f").await.expect("there");
    assert!(new != old && length == 200);
    let fh = engine.open(new, READ).await.expect("opens").fh;
    assert_eq!(engine.read(fh, 0, 200).await.expect("read"), [8; 200]);
    assert_eq!(engine.getattr(old).await.expect("known").0.size, 100);
    assert_eq!(engine.getattr(new).await.expect("known").0.size, 200);
    assert_eq!(engine.read(reader, 0, 200).await.expect("read"), [7; 100]);
    assert!(matches!(engine.open(old, WRITE).await, Err(Error::Stale(_))), "it would write to nowhere");
    engine.release(reader).await;
    assert!(matches!(engine.open(old, READ).await, Err(Error::Stale(_))), "nobody has it any more");
    engine.release(fh).await;
    assert_eq!(mount.walk("f").await.expect("there").0, new);
}

/// What the kernel has pages of it does not ask for, until it gives these up.
#[tokio::test]
async fn who_opened_an_old_version_and_read_nothing_finds_what_was_cached_and_takes_nothing_from_the_new_one() {
    let bench = Bench::new();
    bench.remote.store("f", vec![7; 300_000]);
    bench.remote.store("g", vec![7; 300_000]);
    let mount = bench.mount().await;
    assert_eq!(mount.read("f").await, vec![7; 300_000]);
    let (whole, part) = (mount.open("f", READ).await, mount.open("g", READ).await);
    bench.remote.store("f", vec![8; 300_000]);
    bench.remote.store("g", vec![8; 300_000]);
    assert_eq!(mount.read("f").await, vec![8; 300_000]);
    assert_eq!(mount.read("g").await, vec![8; 300_000]);
    bench.remote.requests();
    assert_eq!(mount.0.read(whole, 0, 1 << 20).await.expect("held"), vec![7; 300_000]);
    assert!(matches!(mount.0.read(part, 200_000, 10).await, Err(Error::Stale(_))), "nobody has it any more");
    assert_eq!(mount.read("f").await, vec![8; 300_000]);
    assert_eq!(mount.read("g").await, vec![8; 300_000]);
    let requests = bench.remote.requests();
    assert!(!requests.iter().any(|request| request.starts_with("get")), "the new versions stay: {requests:?}");
}

#[tokio::test]
async fn an_opening_that_needs_no_question_gets_no_version_of_before() {
    let bench = Bench::new();
    bench.remote.store("f", vec![7; 300_000]);
    let mount = bench.mount_as(|config| config.open_check = OpenCheck::Ttl).await;
    let path = NodePath::new("f");
    let old = mount.ino("f").await;
    let reader = mount.0.open(old, READ).await.expect("opens").fh;
    bench.remote.store("f", vec![8; 300_000]);
    // As a look ahead of its opening does.
    let meta = mount.0.ask(&path).await.expect("there");
    mount.0.begin_reading(&path, &meta, FIRST, true).await.expect("the latest");
    assert!(mount.0.open_now(old, READ).is_none());
    assert!(matches!(mount.0.open(old, READ).await, Err(Error::Renumbered(_))));
    mount.0.release(reader).await;
}

#[tokio::test]
async fn a_listing_that_shows_another_version_does_not_change_what_is_being_read() {
    let bench = Bench::new();
    bench.remote.store("d/f", vec![7; 100]);
    bench.remote.add_directory("d");
    let mount = bench.mount().await;
    let old = mount.walk("d/f").await.expect("there").0;
    let reader = mount.0.open(old, READ).await.expect("opens").fh;
    assert_eq!(mount.0.read(reader, 0, 50).await.expect("read"), [7; 50]);
    bench.remote.store("d/f", vec![8; 200]);
    // Another program asks for the node; the names know the new version now.
    mount.0.ask(&NodePath::new("d/f")).await.expect("there");
    assert_eq!(mount.0.getattr(old).await.expect("known").0.size, 100, "the kernel would cut or add pages");
    let (new, length) = mount.walk("d/f").await.expect("there");
    assert!(new != old && length == 200);
    assert_eq!(mount.0.getattr(old).await.expect("known").0.size, 100);
}

#[tokio::test]
async fn who_may_write_shares_the_inode_with_who_opens_another_version() {
    let bench = Bench::new();
    bench.remote.store("f", vec![7; 100]);
    let mount = bench.mount().await;
    let ino = mount.walk("f").await.expect("there").0;
    let writer = mount.0.open(ino, WRITE).await.expect("opens").fh;
    bench.remote.store("f", vec![8; 100]);
    let reader = mount.0.open(ino, READ).await.expect("the same inode");
    assert!(!reader.keep_cache);
    assert_eq!(mount.0.read(reader.fh, 0, 200).await.expect("read"), [8; 100]);
    mount.0.release(reader.fh).await;
    mount.close(writer).await.expect("closed");
}

#[tokio::test]
async fn who_will_write_asks_for_the_node() {
    let bench = Bench::new();
    bench.remote.store("f", vec![7; 1 << 20]);
    let mount = bench.mount().await;
    mount.names("").await;
    bench.remote.requests();
    let fh = mount.open("f", WRITE).await;
    assert_eq!(bench.remote.requests(), ["stat /f"]);
    mount.close(fh).await.expect("closed");
}

async fn until_asked(bench: &Bench, seen: &mut Vec<String>, request: &str) {
    for _ in 0..5000 {
        seen.extend(bench.remote.requests());
        if seen.iter().any(|asked| asked == request) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("no '{request}' in {seen:?}");
}

#[tokio::test]
async fn a_sweep_finds_the_next_files_looked_into_and_believes_that_for_a_moment() {
    let bench = Bench::new();
    for number in 0..40 {
        bench.remote.store(&format!("f{number:02}"), vec![number; 200_000]);
    }
    let clock = Arc::new(TestClock::default());
    clock.advance(Duration::from_secs(1_000_000));
    let mount = mount(&bench, &clock).await;
    mount.names("").await;
    bench.remote.requests();
    let mut seen = Vec::new();
    for number in 0..6 {
        assert_eq!(header(&mount, &format!("f{number:02}")).await, [number; 80]);
    }
    until_asked(&bench, &mut seen, &format!("get /f06 0-{FIRST}")).await;
    assert!(!seen.iter().any(|request| request.contains("f39")), "not all at once: {seen:?}");
    // What was looked into is looked at no more.
    for number in 6..40 {
        assert_eq!(header(&mount, &format!("f{number:02}")).await, [number; 80]);
    }
    seen.extend(bench.remote.requests());
    assert!(seen.iter().all(|request| request.starts_with("get")), "{seen:?}");
    assert_eq!(seen.len(), 40, "each file once: {seen:?}");
}

#[tokio::test]
async fn what_was_asked_ahead_too_long_ago_is_asked_again() {
    let bench = Bench::new();
    for number in 0..20 {
        bench.remote.store(&format!("f{number:02}"), vec![number; 200_000]);
    }
    let clock = Arc::new(TestClock::default());
    clock.advance(Duration::from_secs(1_000_000));
    let mount = mount(&bench, &clock).await;
    mount.names("").await;
    for number in 0..4 {
        header(&mount, &format!("f{number:02}")).await;
    }
    until_asked(&bench, &mut Vec::new(), &format!("get /f05 0-{FIRST}")).await;
    bench.remote.store("f05", vec![99; 200_000]);
    clock.advance(Duration::from_secs(3));
    assert_eq!(header(&mount, "f05").await, [99; 80]);
}

/// A mount of a service whose files have a live date and no content-date, as a Cavern's, with `count` of them in the cache.
async fn cached_directory(bench: &Bench, clock: &Arc<TestClock>, check: OpenCheck, count: u8) -> Mount {
    bench.remote.write_in_place();
    for number in 0..count {
        bench.remote.store(&format!("f{number:02}"), vec![number; 5000]);
    }
    clock.advance(Duration::from_secs(1_000_000));
    let faked: Arc<dyn Remote> = Arc::<FakeRemote>::clone(&bench.remote);
    let ticking: Arc<dyn Clock> = Arc::<TestClock>::clone(clock);
    let config = Config { open_check: check, ..bench.config() };
    let mount = Mount(Engine::start(config, faked, ticking).await.expect("starts"));
    mount.names("").await;
    for number in 0..count {
        header(&mount, &format!("f{number:02}")).await;
        clock.advance(Duration::from_millis(1500));
    }
    mount.names("").await;
    bench.remote.requests();
    mount
}

/// Opens without waiting for the service where that is possible, as the adapter does.
async fn small_file(mount: &Mount, name: &str) -> Vec<u8> {
    let ino = mount.walk(name).await.expect("it exists").0;
    let opened = match mount.0.open_now(ino, READ) {
        Some(opened) => opened,
        None => mount.0.open(ino, READ).await.expect("opens"),
    };
    let bytes = mount.0.read(opened.fh, 0, 80).await.expect("read");
    mount.0.release(opened.fh).await;
    bytes
}

#[tokio::test]
async fn siblings_opened_one_after_another_are_proven_by_one_listing() {
    let (bench, clock) = (Bench::new(), Arc::new(TestClock::default()));
    let mount = cached_directory(&bench, &clock, OpenCheck::Sweep, 30).await;
    for number in 0..3 {
        small_file(&mount, &format!("f{number:02}")).await;
    }
    let mut seen = Vec::new();
    until_asked(&bench, &mut seen, "list /").await;
    for number in 3..30 {
        assert_eq!(small_file(&mount, &format!("f{number:02}")).await, [number; 80]);
    }
    seen.extend(bench.remote.requests());
    assert_eq!(seen, ["stat /f00", "stat /f01", "stat /f02", "list /"], "one listing for all the others");
    small_file(&mount, "f29").await;
    assert_eq!(bench.remote.requests(), ["stat /f29"], "opened again: asked again");
    clock.advance(Duration::from_millis(1001));
    small_file(&mount, "f00").await;
    assert!(bench.remote.requests().contains(&"stat /f00".to_owned()), "nothing is proven for longer than a second");
}

#[tokio::test]
async fn a_change_made_elsewhere_before_the_sweep_is_seen_in_it() {
    let (bench, clock) = (Bench::new(), Arc::new(TestClock::default()));
    let mount = cached_directory(&bench, &clock, OpenCheck::Sweep, 10).await;
    bench.remote.store("f05", vec![99; 5000]);
    bench.remote.store("f06", vec![98; 6000]);
    for number in 0..5 {
        assert_eq!(small_file(&mount, &format!("f{number:02}")).await, [number; 80]);
    }
    assert_eq!(small_file(&mount, "f05").await, [99; 80]);
    assert_eq!(small_file(&mount, "f06").await, [98; 80]);
    assert_eq!(small_file(&mount, "f07").await, [7; 80]);
}

#[tokio::test]
async fn what_a_listing_shows_proves_nothing_where_listings_lag() {
    let (bench, clock) = (Bench::new(), Arc::new(TestClock::default()));
    for number in 0..10 {
        bench.remote.store(&format!("f{number:02}"), vec![number; 5000]);
    }
    clock.advance(Duration::from_secs(1_000_000));
    let mount = mount(&bench, &clock).await;
    mount.names("").await;
    for number in 0..10 {
        header(&mount, &format!("f{number:02}")).await;
    }
    for number in 0..10 {
        bench.remote.list_as_it_is(&format!("f{number:02}"));
        bench.remote.store(&format!("f{number:02}"), vec![100 + number; 5000]);
    }
    clock.advance(Duration::from_secs(3));
    for number in 0..10 {
        assert_eq!(small_file(&mount, &format!("f{number:02}")).await, [100 + number; 80]);
    }
}

#[tokio::test]
async fn openings_ask_each_time_or_not_at_all_where_that_is_wanted() {
    let (bench, clock) = (Bench::new(), Arc::new(TestClock::default()));
    let mount = cached_directory(&bench, &clock, OpenCheck::Always, 8).await;
    for number in 0..8 {
        small_file(&mount, &format!("f{number:02}")).await;
    }
    let wanted: Vec<String> = (0..8).map(|number| format!("stat /f{number:02}")).collect();
    assert_eq!(bench.remote.requests(), wanted);
    drop(mount);

    let (bench, clock) = (Bench::new(), Arc::new(TestClock::default()));
    let mount = cached_directory(&bench, &clock, OpenCheck::Ttl, 8).await;
    for number in 0..8 {
        small_file(&mount, &format!("f{number:02}")).await;
    }
    assert_eq!(bench.remote.requests(), [""; 0]);
    bench.remote.store("f03", vec![99; 5000]);
    clock.advance(Duration::from_secs(16));
    assert_eq!(small_file(&mount, "f03").await, [99; 80], "seen when the attributes are no longer believed");
}
