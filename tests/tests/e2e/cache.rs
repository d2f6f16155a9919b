//! What the mount remembers, for how long, and when it must look again.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

use vofs_tests::{Profile, World, every_profile, wait_until};

every_profile!(
    remount_is_warm,
    a_remote_change_is_seen_at_the_next_open,
    a_remote_change_shows_in_stat_within_the_ttl,
    a_listing_answers_for_its_children,
    the_cache_keeps_to_its_limit,
);

/// Longer than any lifetime that the mount gives to attributes and listings by default.
const TTL: Duration = Duration::from_secs(60);

fn noise(length: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    (0..length)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect()
}

fn remount_is_warm(profile: Profile) {
    let world = World::new(profile);
    let (read, written) = (noise(3_000_000, 1), noise(2_000_000, 2));
    world.put("read", &read);
    let mount = world.mount();
    assert!(fs::read(mount.join("read")).unwrap() == read);
    fs::write(mount.join("written"), &written).unwrap();
    mount.unmount();

    world.server.forget();
    let mount = world.mount();
    assert!(fs::read(mount.join("read")).unwrap() == read);
    assert!(fs::read(mount.join("written")).unwrap() == written);
    let fetched: Vec<_> = world.server.log().into_iter().filter(|entry| entry.is_byte_read()).collect();
    assert!(fetched.is_empty(), "fetched again after the remount: {fetched:?}");
}

fn a_remote_change_is_seen_at_the_next_open(profile: Profile) {
    let world = World::new(profile);
    world.put("f", b"first version");
    let mount = world.mount();
    assert_eq!(fs::read(mount.join("f")).unwrap(), b"first version");
    // Same length, so that only the content tells.
    world.let_dates_differ();
    world.put("f", b"second versio");
    assert_eq!(fs::read(mount.join("f")).unwrap(), b"second versio");
    world.put("f", b"a third version, longer");
    assert_eq!(fs::read(mount.join("f")).unwrap(), b"a third version, longer");
    world.vospace(&["rm", &world.uri("f")]).ok();
    assert_eq!(File::open(mount.join("f")).unwrap_err().raw_os_error(), Some(nix::libc::ENOENT));
}

fn a_remote_change_shows_in_stat_within_the_ttl(profile: Profile) {
    let world = World::new(profile);
    world.put("f", b"12345");
    let mount = world.mount();
    assert_eq!(fs::metadata(mount.join("f")).unwrap().len(), 5);
    assert!(!mount.join("later").exists());
    world.put("f", b"123456789");
    world.put("later", b"x");
    wait_until("the new length", TTL, || fs::metadata(mount.join("f")).unwrap().len() == 9);
    wait_until("the new file", TTL, || mount.join("later").exists());
    wait_until("the new file in the listing", TTL, || fs::read_dir(mount.path()).unwrap().count() == 2);
}

fn a_listing_answers_for_its_children(profile: Profile) {
    let world = World::new(profile);
    for i in 0..20 {
        world.local_file(&format!("many/f{i}"), b"x");
    }
    world.vospace(&["cp", "many", &world.uri("many")]).ok();
    let mount = world.mount();
    assert_eq!(fs::read_dir(mount.join("many")).unwrap().count(), 20);
    world.server.forget();
    for i in 0..20 {
        fs::metadata(mount.join(format!("many/f{i}"))).unwrap();
        assert!(!mount.join(format!("many/none{i}")).exists());
    }
    let asked = world.server.log().len();
    // Where a listing has names alone, each of them is asked for once.
    let most = if profile.lists_properties() { 2 } else { 22 };
    assert!(asked <= most, "{asked} requests for what the listing had told: {:?}", world.server.log());
}

fn the_cache_keeps_to_its_limit(profile: Profile) {
    let world = World::new(profile);
    let files: Vec<Vec<u8>> = (0..6).map(|seed| noise(8 << 20, seed)).collect();
    for (i, bytes) in files.iter().enumerate() {
        world.put(&format!("f{i}"), bytes);
    }
    let mount = world.mounting().options(&["--cache_limit", "20"]).start();
    for (i, bytes) in files.iter().enumerate() {
        assert!(fs::read(mount.join(format!("f{i}"))).unwrap() == *bytes, "f{i}");
    }
    let used = || {
        let output = std::process::Command::new("du").args(["-s", "--block-size=1"]).arg(world.path("cache")).output();
        let text = String::from_utf8(output.unwrap().stdout).unwrap();
        text.split_whitespace().next().unwrap().parse::<u64>().unwrap()
    };
    // The index and a block in flight come on top.
    wait_until("the cache back under its limit", TTL, || used() < 26 << 20);
    // What was thrown out is fetched again, and right.
    let file = File::open(mount.join("f0")).unwrap();
    let mut part = vec![0; 100_000];
    file.read_exact_at(&mut part, 4_000_000).unwrap();
    assert!(part == files[0][4_000_000..4_100_000]);
    let mut all = Vec::new();
    File::open(mount.join("f5")).unwrap().read_to_end(&mut all).unwrap();
    assert!(all == files[5]);
}
