//! fsx by the million: random operations on files in real mounts, on both kinds of service, in both modes of
//! `--write-back`, with the exerciser's own settings and with maps and holes. Every byte is compared with what it should be, by
//! the exerciser after each operation, and with what the service has when the mount has ended.
//!
//! `EXERCISE_OPERATIONS` (1,000,000) is how many operations in all; `EXERCISE_SEED` (1) makes other sequences;
//! `EXERCISE_ONLY=vault-close-mmap` does one combination alone, with its share. Ends with status 1 when a byte was wrong; the
//! exerciser's own report, with the operations before it, is printed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::process::ExitCode;
use std::time::Instant;

use vofs_tests::fsx::{Settings, exercise};
use vofs_tests::{Profile, World};

/// Operations on one file, before the next begins anew.
const PIECE: u64 = 5000;

/// What is run under.
#[derive(Debug, Clone, Copy)]
struct Combination {
    profile: Profile,
    mode: &'static str,
    settings: Settings,
}

impl Combination {
    fn all() -> Vec<Combination> {
        let mut all = Vec::new();
        for profile in [Profile::Vault, Profile::Cavern] {
            for mode in ["close", "background"] {
                let settings = [Settings::Default, Settings::Everything];
                all.extend(settings.map(|settings| Combination { profile, mode, settings }));
            }
        }
        all
    }

    fn name(&self) -> String {
        format!("{}-{}-{}", self.profile.name(), self.mode, self.settings.name())
    }

    /// How many files were wrong.
    fn run(&self, operations: u64, seed: u64) -> usize {
        let world = World::new(self.profile);
        let mount = world.mounting().options(&["--write-back", self.mode]).start();
        let pieces = operations.div_ceil(PIECE);
        let mut wrong = 0;
        let mut read = Vec::new();
        for piece in 0..pieces {
            let file = mount.join(format!("f{piece}"));
            let length = PIECE.min(operations - piece * PIECE);
            let told = exercise(&world, &file, self.settings, seed.wrapping_mul(1_000_003) + piece, length);
            if told.status != 0 {
                println!("{} f{piece}: status {}\n{}{}", self.name(), told.status, told.stdout(), told.stderr);
                wrong += 1;
            }
            read.push(fs::read(&file).unwrap_or_default());
        }
        mount.unmount();
        for (piece, here) in read.iter().enumerate() {
            if world.bytes(&format!("f{piece}")).as_ref() != Some(here) {
                println!("{} f{piece}: the service has other bytes", self.name());
                wrong += 1;
            }
        }
        wrong
    }
}

fn main() -> ExitCode {
    let number = |name: &str, default: u64| match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text}")),
        Err(_) => default,
    };
    let (operations, seed) = (number("EXERCISE_OPERATIONS", 1_000_000), number("EXERCISE_SEED", 1));
    let only = std::env::var("EXERCISE_ONLY").ok();
    let all = Combination::all();
    let each = operations.div_ceil(all.len() as u64);
    let names: Vec<_> = all.iter().map(Combination::name).collect();
    let chosen: Vec<_> = all.iter().filter(|it| only.as_ref().is_none_or(|only| *only == it.name())).collect();
    assert!(!chosen.is_empty(), "EXERCISE_ONLY is one of {}", names.join(", "));
    let mut wrong = 0;
    for combination in &chosen {
        let begun = Instant::now();
        let found = combination.run(each, seed);
        let seconds = begun.elapsed().as_secs();
        println!("{}: {each} operations, seed {seed}, {seconds} s, {found} mismatches", combination.name());
        wrong += found;
    }
    println!("{} operations, {wrong} mismatches", each * chosen.len() as u64);
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
