//! When opening a file asks the service whether it was changed: by itself, with its siblings, or not at all.

use std::fs;
use std::time::Duration;

use vofs_tests::{Mount, Profile, World, every_profile, wait_until};

every_profile!(
    a_change_is_seen_by_who_goes_through_the_directory,
    without_sweeps_each_opening_asks,
    within_the_ttl_no_opening_asks_and_a_change_is_seen_after_it,
);

const FILES: usize = 40;

/// Longer than any lifetime of attributes and listings.
const LIMIT: Duration = Duration::from_secs(90);

fn name(number: usize) -> String {
    format!("d/f{number:02}")
}

fn content(number: usize) -> Vec<u8> {
    vec![number as u8; 5000 + number]
}

/// A directory of small files, all of them read once by a mount with these options.
fn prepared(profile: Profile, options: &[&str]) -> (World, Mount) {
    let world = World::new(profile);
    for number in 0..FILES {
        world.local_file(&name(number), content(number));
    }
    world.vospace(&["cp", "d", &world.uri("d")]).ok();
    let mount = world.mounting().options(options).start();
    sweep(&mount, None);
    (world, mount)
}

/// What `tar` does. The bytes are those of the beginning, but for one file that was changed.
fn sweep(mount: &Mount, changed: Option<(usize, &[u8])>) {
    for number in 0..FILES {
        let bytes = fs::read(mount.join(name(number))).unwrap();
        match changed.filter(|(other, _)| *other == number) {
            Some((_, new)) => assert!(bytes == new, "{number}: the old bytes"),
            None => assert!(bytes == content(number), "{number}"),
        }
    }
}

/// Sweeps until one needs no more requests than that: a loaded machine may take too long for any one of them.
fn sweep_with_requests(world: &World, mount: &Mount, most: usize) {
    wait_until("a sweep with few requests", LIMIT, || {
        world.server.forget();
        sweep(mount, None);
        world.server.log().len() <= most
    });
}

fn a_change_is_seen_by_who_goes_through_the_directory(profile: Profile) {
    let (world, mount) = prepared(profile, &[]);
    if profile.in_place() {
        sweep_with_requests(&world, &mount, 8);
    }
    world.let_dates_differ();
    let new = vec![200; content(30).len()];
    world.put(&name(30), &new);
    sweep(&mount, Some((30, &new)));
}

fn without_sweeps_each_opening_asks(profile: Profile) {
    let (world, mount) = prepared(profile, &["--open-check", "always"]);
    world.server.forget();
    sweep(&mount, None);
    let log = world.server.log();
    for number in 0..FILES {
        assert!(log.iter().any(|entry| entry.path.ends_with(&name(number))), "{number} was not asked for");
    }
}

fn within_the_ttl_no_opening_asks_and_a_change_is_seen_after_it(profile: Profile) {
    let (world, mount) = prepared(profile, &["--open-check", "ttl"]);
    sweep_with_requests(&world, &mount, 0);
    world.let_dates_differ();
    let new = vec![200; content(30).len()];
    world.put(&name(30), &new);
    wait_until("the new bytes", LIMIT, || fs::read(mount.join(name(30))).unwrap() == new);
}
