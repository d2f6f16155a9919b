//! What is sent only to learn how a service is does nothing there.
//!
//! The same commands are run twice, by a user of whom nothing is kept and by one who has learned all. What the first sends beyond the
//! second was sent to learn: questions (GET, HEAD, OPTIONS), and of others only what the service refused.

use std::fs;

use serde_json::Value;
use vofs_tests::server::Logged;
use vofs_tests::{Profile, World, every_profile};

every_profile!(what_is_sent_to_learn_changes_nothing, questions_of_the_doctor_change_nothing);

/// Everything that the service has, with dates, past the code under test.
fn tree(world: &World) -> Value {
    let space = world.server.profile.service();
    let answer = vofs_tests::http::request("GET", &format!("{}/_bench/tree?space={space}", world.server.base()), None);
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    serde_json::from_slice(&answer.body).unwrap()
}

/// What a command sent that is no question, without what is of one request alone.
fn acts(world: &World, line: &[&str]) -> Vec<Logged> {
    world.server.forget();
    world.vospace(line).ok();
    let log = world.server.log().into_iter();
    log.filter(|entry| !["GET", "HEAD", "OPTIONS"].contains(&entry.method.as_str())).collect()
}

/// What one sent beyond the other.
fn beyond(first: Vec<Logged>, second: &[Logged]) -> Vec<Logged> {
    let mut left: Vec<(&str, String, u64)> =
        second.iter().map(|entry| (entry.method.as_str(), place(entry), entry.status)).collect();
    let mut more = Vec::new();
    for entry in first {
        let kind = (entry.method.as_str(), place(&entry), entry.status);
        match left.iter().position(|known| *known == kind) {
            Some(at) => drop(left.swap_remove(at)),
            None => more.push(entry),
        }
    }
    more
}

/// Its path up to what is of one job, one place or one run alone.
fn place(entry: &Logged) -> String {
    let is_of_node =
        entry.path.contains("/nodes") || (entry.path.contains("/files") && !entry.path.starts_with("/minoc"));
    let kept = if is_of_node { usize::MAX } else { 3 };
    let names = entry.path.split('/').take(kept);
    names.map(|name| if name.starts_with(".vospace-doctor-") { "sample" } else { name }).collect::<Vec<_>>().join("/")
}

/// Whether the service did nothing of it: it refused. What only Caverns know, a PUT to a path, is asked for at the root alone,
/// where it can do nothing (docs/architecture.md); and a transfer is asked for in forms until one is not refused.
fn is_without_effect(world: &World, entry: &Logged) -> bool {
    let refused = entry.status >= 400;
    let root = format!("/{}/files/", world.server.profile.service());
    match entry.method.as_str() {
        "PUT" => refused && entry.path == root,
        "POST" => refused && entry.path.contains(world.server.negotiation_path()) || entry.is_log_in(),
        _ => false,
    }
}

fn forget_what_was_learned(world: &World) {
    fs::remove_dir_all(world.path("home/.cache")).unwrap();
}

fn what_is_sent_to_learn_changes_nothing(profile: Profile) {
    let world = World::new(profile);
    world.put("f", b"bytes");
    world.put("g", b"more bytes");
    world.vospace(&["mkdir", &world.uri("d")]).ok();
    let (uri, file, local) = (world.uri(""), world.uri("f"), world.local_file("x", b"x"));
    let local = local.to_str().unwrap();
    for line in [
        &["ls", "-l", &uri][..],
        &["cat", &file],
        &["find", &uri],
        &["tag", &file],
        &["cp", local, &world.uri("d/")],
        &["cp", "--overwrite", local, &world.uri("f")],
        &["doctor", &uri],
    ] {
        // As it is when there is nothing to do any more.
        world.vospace(line).ok();
        let known = acts(&world, line);
        forget_what_was_learned(&world);
        let fresh = acts(&world, line);
        for entry in beyond(fresh, &known) {
            assert!(is_without_effect(&world, &entry), "{line:?} sent to learn: {entry:?}\nlater: {known:#?}");
        }
    }
}

/// `vospace doctor` of a place where it may store nothing, and first looks, leave everything as it was.
fn questions_of_the_doctor_change_nothing(profile: Profile) {
    let world = World::new(profile);
    world.put("f", b"bytes");
    let before = tree(&world);
    for line in [&["doctor", &world.uri("f")][..], &["ls", "-l", &world.uri("")], &["cat", &world.uri("f")]] {
        forget_what_was_learned(&world);
        for entry in acts(&world, line) {
            let asks_for_bytes = entry.method == "POST" && entry.path.contains(world.server.negotiation_path());
            assert!(asks_for_bytes || is_without_effect(&world, &entry), "{line:?}: {entry:?}");
        }
    }
    assert_eq!(tree(&world), before);
}
