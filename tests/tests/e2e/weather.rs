//! A service with bad days: cut and lost answers, refusals that pass, slowness. The user notices time at most.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use vofs_tests::{Profile, World, every_profile};

every_profile!(
    cut_downloads_are_fetched_again,
    cut_listings_are_never_shorter,
    uploads_survive_lost_answers_and_refusals,
    a_node_that_is_busy_for_a_moment,
    one_slow_answer_holds_up_nobody_else,
    a_failure_does_not_stick,
);

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i % 233) as u8).collect()
}

fn cut_downloads_are_fetched_again(profile: Profile) {
    let world = World::new(profile);
    let bytes = pattern(5_000_000);
    world.put("f", &bytes);
    let rule =
        format!(r#"{{"method": "GET", "path": "{}", "count": 2, "cut_after": 700000}}"#, world.server.byte_path());
    world.server.fault(&rule);
    world.vospace(&["cp", &world.uri("f"), "f"]).ok();
    assert!(fs::read(world.local("f")).unwrap() == bytes);
    world.server.heal();
    world.server.fault(&rule);
    let mount = world.mount();
    assert!(fs::read(mount.join("f")).unwrap() == bytes);
}

fn cut_listings_are_never_shorter(profile: Profile) {
    let world = World::new(profile);
    let tree = world.local("many");
    fs::create_dir(&tree).unwrap();
    for i in 0..400 {
        fs::write(tree.join(format!("f{i:03}")), b"x").unwrap();
    }
    world.server.import(&tree, "demo/many");
    let cut = r#"{"method": "GET", "path": "/nodes/demo/many", "count": 1, "cut_after": 50000}"#;
    world.server.fault(cut);
    let listed = world.vospace(&["ls", &world.uri("many")]);
    assert!(listed.status == 1 || listed.stdout().lines().count() == 400, "{} with status 0", listed.stdout());
    world.server.heal();
    world.server.fault(cut);
    let mount = world.mount();
    match fs::read_dir(mount.join("many")).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
        Ok(entries) => assert_eq!(entries.len(), 400),
        Err(error) => assert_eq!(error.raw_os_error(), Some(nix::libc::EIO), "{error}"),
    }
    assert_eq!(fs::read_dir(mount.join("many")).unwrap().count(), 400);
}

fn uploads_survive_lost_answers_and_refusals(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mount();
    for (name, effect) in [("lost", r#""lose_answer": true"#), ("refused", r#""status": 503"#)] {
        let path = world.server.byte_path();
        world.server.fault(&format!(r#"{{"method": "PUT", "path": "{path}", "count": 1, {effect}}}"#));
        let bytes = pattern(300_000);
        world.local_file(name, &bytes);
        world.vospace(&["cp", name, &world.uri(&format!("{name}-by-vcp"))]).ok();
        assert!(world.bytes(&format!("{name}-by-vcp")).unwrap() == bytes);
        world.server.heal();
        world.server.fault(&format!(r#"{{"method": "PUT", "path": "{path}", "count": 1, {effect}}}"#));
        fs::write(mount.join(format!("{name}-by-mount")), &bytes).unwrap();
        assert!(world.bytes(&format!("{name}-by-mount")).unwrap() == bytes);
        world.server.heal();
    }
    let names = world.vospace(&["ls", &world.uri("")]).ok().stdout();
    assert_eq!(names.lines().count(), 4, "{names}");
}

fn a_node_that_is_busy_for_a_moment(profile: Profile) {
    let world = World::new(profile);
    world.put("f", b"content");
    let mount = world.mount();
    world.server.fault(r#"{"path": "/nodes/demo/f", "count": 2, "status": 503}"#);
    assert_eq!(fs::read(mount.join("f")).unwrap(), b"content");
    world.server.fault(r#"{"path": "/nodes/demo/f", "count": 2, "status": 503}"#);
    assert!(world.vospace(&["ls", "-l", &world.uri("f")]).ok().stdout().ends_with(" f\n"));
}

fn one_slow_answer_holds_up_nobody_else(profile: Profile) {
    const SLOW: Duration = Duration::from_secs(5);
    let world = World::new(profile);
    let bytes = pattern(2_000_000);
    world.put("cached", &bytes);
    world.put("slow", &bytes);
    let mount = world.mount();
    // The kernel itself lets nobody create a file in a directory where a name is being looked up.
    fs::create_dir(mount.join("elsewhere")).unwrap();
    assert!(fs::read(mount.join("cached")).unwrap() == bytes);
    let open = fs::File::open(mount.join("cached")).unwrap();
    let (byte_path, delay) = (world.server.byte_path(), SLOW.as_millis());
    world.server.fault(&format!(r#"{{"method": "GET", "path": "{byte_path}", "delay_ms": {delay}}}"#));
    world.server.fault(&format!(r#"{{"method": "GET", "path": "/nodes/demo/elsewhere/other", "delay_ms": {delay}}}"#));
    thread::scope(|scope| {
        let slow = scope.spawn(|| {
            let started = Instant::now();
            assert!(fs::read(mount.join("slow")).unwrap() == bytes);
            started.elapsed()
        });
        let stat = scope.spawn(|| fs::metadata(mount.join("elsewhere/other")).is_err());
        let started = Instant::now();
        let mut rounds = 0;
        while !slow.is_finished() {
            let mut part = vec![0; 100_000];
            std::os::unix::fs::FileExt::read_exact_at(&open, &mut part, 1_000_000).unwrap();
            assert!(part == bytes[1_000_000..1_100_000]);
            fs::metadata(mount.join("cached")).unwrap();
            fs::write(mount.join("written"), b"meanwhile").unwrap();
            rounds += 1;
        }
        assert!(slow.join().unwrap() >= SLOW);
        assert!(stat.join().unwrap());
        let each = started.elapsed() / rounds;
        assert!(each < SLOW / 5, "{rounds} rounds of reading, stat and writing took {each:?} each");
    });
}

fn a_failure_does_not_stick(profile: Profile) {
    let world = World::new(profile);
    let bytes = pattern(100_000);
    world.put("f", &bytes);
    let mount = world.mount();
    world.server.fault(&format!(r#"{{"method": "GET", "path": "{}", "status": 403}}"#, world.server.byte_path()));
    let error = fs::read(mount.join("f")).unwrap_err();
    assert!(matches!(error.raw_os_error(), Some(nix::libc::EACCES | nix::libc::EIO)), "{error}");
    world.server.heal();
    assert!(fs::read(mount.join("f")).unwrap() == bytes);
}
