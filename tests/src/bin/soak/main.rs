//! The soak: mixed readers over more data than the cache holds, for an hour, with every byte checked.
//!
//! `make soak` runs it; `SOAK_MINUTES` (60), `SOAK_GIB` (20, per service), `SOAK_CACHE_MIB` (1024) and `SOAK_SEED` (a
//! number to repeat a run's choices) change it; `SOAK_DIRECTORY` keeps the services' data there, for the next run to use
//! again: their checksums take minutes. Both services run side by side, each with a mount of its own. Their
//! files have no bytes on disk: each byte follows from the file's seed and its place (docs/server.md), so that every
//! byte read can be checked without a copy.
//!
//! What is read, and what happens meanwhile, is drawn at random: `readers` and `trouble`. An error is expected when some
//! trouble overlaps the operation, and a defect when none does; a wrong byte is a defect at all times. Ends with a
//! summary, and with status 1 when there was a defect.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod content;
mod readers;
mod tally;
mod trouble;

use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock, RwLockWriteGuard};
use std::thread;
use std::time::{Duration, Instant};

use vofs_tests::{Mount, Profile, World};

use content::{Changing, Collection};
use tally::Tally;
use trouble::Troubles;

/// How often memory and cache are measured.
const MEASURE: Duration = Duration::from_secs(2);

/// How often a line says how far it is.
const REPORT: Duration = Duration::from_secs(60);

/// What a run is told by its environment.
#[derive(Debug, Clone, Copy)]
struct Wishes {
    length: Duration,
    gib: u64,
    cache_mib: u64,
    seed: u64,
}

impl Wishes {
    fn from_environment() -> Self {
        let number = |name: &str, default: u64| match std::env::var(name) {
            Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text}")),
            Err(_) => default,
        };
        Self {
            length: Duration::from_secs(60 * number("SOAK_MINUTES", 60)),
            gib: number("SOAK_GIB", 20),
            cache_mib: number("SOAK_CACHE_MIB", 1024),
            seed: number("SOAK_SEED", 1),
        }
    }
}

/// One service, its mount, and what is known of it.
#[derive(Debug)]
struct Place {
    profile: Profile,
    world: RwLock<World>,
    point: std::path::PathBuf,
    collections: Vec<Collection>,
    changing: Changing,
    /// Held for reading by whoever uses the mount, for writing by an unmount in order, which open files would prevent.
    gate: RwLock<()>,
    /// An unmount in order waits for the readers: they end what they are at early, lest one keeps all others waiting.
    leaving: AtomicBool,
    troubles: Troubles,
    tally: Tally,
    over: AtomicBool,
}

impl Place {
    fn new(profile: Profile, wishes: Wishes) -> (Arc<Self>, Mount) {
        let world = match std::env::var_os("SOAK_DIRECTORY") {
            Some(directory) => World::kept(profile, &Path::new(&directory).join(profile.name())),
            None => World::new(profile),
        };
        let collections = Collection::all(wishes.gib);
        for collection in &collections {
            world.server.populate(&collection.arguments());
        }
        let changing = Changing::new(&world);
        let mount = mount(&world, wishes.cache_mib);
        let point = mount.path().to_owned();
        let place = Place {
            profile,
            world: RwLock::new(world),
            point,
            collections,
            changing,
            gate: RwLock::new(()),
            leaving: AtomicBool::new(false),
            troubles: Troubles::default(),
            tally: Tally::default(),
            over: AtomicBool::new(false),
        };
        (Arc::new(place), mount)
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Whether a reader is to end what it is at.
    fn wants_ends(&self) -> bool {
        self.is_over() || self.leaving.load(Ordering::Relaxed)
    }

    /// Nobody uses the mount while this is held.
    fn alone(&self) -> RwLockWriteGuard<'_, ()> {
        self.leaving.store(true, Ordering::Relaxed);
        let held = self.gate.write().unwrap();
        self.leaving.store(false, Ordering::Relaxed);
        held
    }

    /// Waits, but not beyond the end of the run.
    fn rest(&self, span: Duration) {
        let until = Instant::now() + span;
        while !self.is_over() && Instant::now() < until {
            thread::sleep(Duration::from_millis(100).min(until.saturating_duration_since(Instant::now())));
        }
    }
}

fn mount(world: &World, cache_mib: u64) -> Mount {
    world.mounting().options(&["--cache_limit", &cache_mib.to_string()]).start()
}

fn main() -> ExitCode {
    let wishes = Wishes::from_environment();
    println!("{wishes:?}");
    let begun = Instant::now();
    let makers: Vec<_> = [Profile::Vault, Profile::Cavern]
        .map(|profile| thread::spawn(move || Place::new(profile, wishes)))
        .into_iter()
        .collect();
    let places: Vec<(Arc<Place>, Mount)> = makers.into_iter().map(|maker| maker.join().unwrap()).collect();
    println!("populated in {} s", begun.elapsed().as_secs());
    let begun = Instant::now();
    let mut workers = Vec::new();
    let mut shown = Vec::new();
    for (number, (place, mount)) in (0..).zip(places) {
        shown.push(Arc::clone(&place));
        let seed = wishes.seed.wrapping_mul(1000) + number * 100;
        workers.extend(readers::start(&place, seed));
        let troubled = Arc::clone(&place);
        workers.push(thread::spawn(move || trouble::run(&troubled, mount, wishes.cache_mib, seed + 99)));
    }
    let mut reported = Instant::now();
    while begun.elapsed() < wishes.length {
        thread::sleep(MEASURE);
        for place in &shown {
            place.tally.measure_cache(&place.world.read().unwrap().path("cache"));
        }
        if reported.elapsed() >= REPORT {
            reported = Instant::now();
            for place in &shown {
                println!("{:>5} s {}", begun.elapsed().as_secs(), place.tally.line(place.profile.name()));
            }
        }
    }
    shown.iter().for_each(|place| place.over.store(true, Ordering::Relaxed));
    let broken = workers.into_iter().map(thread::JoinHandle::join).filter(Result::is_err).count();
    println!("--- {} s, seed {}", begun.elapsed().as_secs(), wishes.seed);
    let mut defects = broken;
    for place in &shown {
        println!("{}", place.tally.summary(place.profile.name(), wishes.cache_mib));
        defects += place.tally.defects(wishes.cache_mib);
    }
    println!("{}", if defects == 0 { "no defect".to_owned() } else { format!("{defects} DEFECTS") });
    if defects == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
