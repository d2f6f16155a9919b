//! Power cuts by the thousand: programs write small and large files, at a random moment the mount, the service or both are
//! killed with SIGKILL, started again, and every file has to be what was acknowledged last.
//!
//! `CRASH_KILLS` (20) is how many kills, over both profiles and both modes of `--write-back`; `CRASH_SEED` repeats a run's
//! choices; `CRASH_ONLY=vault-close` does one combination alone. `make test` runs the short form, `make soak-write` 1,000.
//!
//! What is checked, byte by byte, after each kill through the new mount and now and then, after a drain, at the service: a
//! file that was closed or synchronised without an error is there, whole and in its latest version; one that was being
//! written is the version before or the new one, never a mixture; nothing else is left behind, neither copies of conflicts
//! that were none nor what a rename set aside. Ends with status 1 when something is not so.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod content;
mod ledger;
mod writers;

use std::collections::BTreeSet;
use std::fs;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use vofs_tests::process::run as run_command;
use vofs_tests::{Mount, Profile, World, wait_until};

use ledger::Ledger;

/// Longest and shortest time between two kills, in milliseconds.
const LOAD: std::ops::Range<u64> = 30..1500;

/// How long programs write after a kill before everything is checked, in milliseconds.
const AFTERWARDS: std::ops::Range<u64> = 0..500;

/// After so many kills the mount is drained and the service looked into.
const DRAIN_EVERY: u64 = 10;

/// Where it is written.
const DIRECTORY: &str = "work";

/// How long a mount may take until it has settled what was interrupted.
const PATIENCE: Duration = Duration::from_secs(100);

/// One service, its mount, and what was promised.
#[derive(Debug)]
struct Place {
    name: String,
    point: std::path::PathBuf,
    ledger: Ledger,
    /// Held for reading by a writer during one operation, for writing while everything is checked.
    gate: RwLock<()>,
    over: AtomicBool,
    operations: AtomicU64,
    acknowledged: AtomicU64,
}

/// What a combination came to.
#[derive(Debug, Default)]
struct Found {
    kills: u64,
    defects: Vec<String>,
}

fn main() -> ExitCode {
    let number = |name: &str, default: u64| match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text}")),
        Err(_) => default,
    };
    let (kills, seed) = (number("CRASH_KILLS", 20), number("CRASH_SEED", 1));
    let only = std::env::var("CRASH_ONLY").ok();
    let all = [Profile::Vault, Profile::Cavern]
        .into_iter()
        .flat_map(|profile| ["close", "background"].into_iter().map(move |mode| (profile, mode)));
    let chosen: Vec<_> = all
        .filter(|(profile, mode)| only.as_ref().is_none_or(|only| *only == format!("{}-{mode}", profile.name())))
        .collect();
    assert!(!chosen.is_empty(), "CRASH_ONLY is one of vault-close, vault-background, cavern-close, cavern-background");
    let each = kills.div_ceil(chosen.len() as u64);
    let mut defects = 0;
    for (number, (profile, mode)) in (0..).zip(chosen) {
        let begun = Instant::now();
        let (place, found) = run(profile, mode, each, seed.wrapping_mul(1000) + number);
        println!(
            "{}: {} kills, {} operations, {} acknowledged, {} s, {} defects",
            place.name,
            found.kills,
            place.operations.load(Ordering::Relaxed),
            place.acknowledged.load(Ordering::Relaxed),
            begun.elapsed().as_secs(),
            found.defects.len()
        );
        defects += found.defects.len();
    }
    println!("{}", if defects == 0 { "no defect".to_owned() } else { format!("{defects} DEFECTS, seed {seed}") });
    if defects == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn mount(world: &World, mode: &str) -> Mount {
    world.mounting().options(&["--write-back", mode]).start()
}

fn run(profile: Profile, mode: &str, kills: u64, seed: u64) -> (Arc<Place>, Found) {
    let mut world = World::new(profile);
    let mut mounted = Some(mount(&world, mode));
    // Not the mount point itself: while nothing is mounted there it is a directory that takes files.
    let point = mounted.as_ref().unwrap().join(DIRECTORY);
    fs::create_dir(&point).unwrap();
    let place = Arc::new(Place {
        name: format!("{}-{mode}", profile.name()),
        point,
        ledger: Ledger::default(),
        gate: RwLock::new(()),
        over: AtomicBool::new(false),
        operations: AtomicU64::new(0),
        acknowledged: AtomicU64::new(0),
    });
    let workers = writers::start(&place, seed);
    let mut random = fastrand::Rng::with_seed(seed + 77);
    let mut found = Found::default();
    for kill in 1..=kills {
        thread::sleep(Duration::from_millis(random.u64(LOAD)));
        let victim = random.u32(0..10);
        let (kill_mount, kill_service) = (victim < 8, victim >= 6);
        if kill_service {
            world.server.kill();
            thread::sleep(Duration::from_millis(random.u64(0..300)));
        }
        if kill_mount {
            mounted.take().unwrap().kill();
        }
        if kill_service {
            world.server.resume();
        }
        // Those who write get their errors, and go on as soon as they can: while the mount begins, and while it settles what was
        // interrupted, at the names of that too.
        if kill_mount {
            mounted = Some(mount(&world, mode));
        }
        thread::sleep(Duration::from_millis(random.u64(AFTERWARDS)));
        // A look at all names is one at what is acknowledged only while nobody changes them; and a name from which something was set
        // aside is an error, which is neither of its versions, until that is settled.
        let _all_wait = place.gate.write().unwrap();
        wait_until("interrupted renames are settled", PATIENCE, || unfinished_moves(&world) == 0);
        place.ledger.check_mount(&place.point, &mut found.defects);
        if kill % DRAIN_EVERY == 0 || kill == kills {
            mounted.take().unwrap().unmount();
            check_service(&place, &world, &mut found.defects);
            mounted = Some(mount(&world, mode));
        }
        found.kills = kill;
        if !found.defects.is_empty() {
            let log = mounted.as_ref().unwrap().log();
            let lines: Vec<&str> = log.lines().collect();
            println!("after kill {kill} of {}:\n{}", place.name, found.defects.join("\n"));
            println!("{}", lines[lines.len().saturating_sub(150)..].join("\n"));
            break;
        }
    }
    place.over.store(true, Ordering::Relaxed);
    workers.into_iter().for_each(|worker| worker.join().unwrap());
    mounted.take().unwrap().unmount();
    if found.defects.is_empty() {
        check_service(&place, &world, &mut found.defects);
        found.defects.iter().for_each(|defect| println!("{defect}"));
    }
    (place, found)
}

/// Renames that the mount has not finished or taken back yet.
fn unfinished_moves(world: &World) -> u64 {
    let mut command = world.command("mountvofs");
    let said = run_command(command.args(["status", "--json", "--cache_dir"]).arg(world.path("cache"))).ok().stdout();
    let status: serde_json::Value = serde_json::from_str(&said).unwrap();
    status["unfinished_moves"].as_u64().unwrap()
}

/// What the service has now that nothing waits any more.
fn check_service(place: &Place, world: &World, defects: &mut Vec<String>) {
    let listed = world.vospace(&["ls", &world.uri(DIRECTORY)]).ok().stdout();
    let there: BTreeSet<String> = listed.lines().map(str::to_owned).collect();
    place.ledger.check_names(&there, defects);
    place.ledger.check("at the service", defects, |name| world.bytes(&format!("{DIRECTORY}/{name}")));
    let left = fs::read_dir(world.path("cache/dirty")).unwrap().count();
    if left > 0 {
        defects.push(format!("{left} data files are left in the journal after a drain"));
    }
}
