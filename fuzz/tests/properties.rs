//! The properties of this package as ordinary tests: on the seeds, on spoilt seeds, on random bytes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use vofs_fuzz::TARGETS;

/// The seeds of a target, in the order of their names.
fn seeds(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "no seeds for {target}");
    files.into_iter().map(|file| (file.clone(), fs::read(file).unwrap())).collect()
}

/// One change of the kind that a network, a proxy or an attacker makes.
#[derive(Debug, Clone)]
enum Harm {
    Overwrite(u8),
    Insert(Vec<u8>),
    Remove(usize),
    Repeat(usize),
    Cut,
}

impl Harm {
    fn any() -> impl Strategy<Value = (prop::sample::Index, Harm)> {
        let harm = prop_oneof![
            any::<u8>().prop_map(Harm::Overwrite),
            prop::collection::vec(any::<u8>(), 1..8).prop_map(Harm::Insert),
            "[<>/&;=\"'!?\\-\\[\\]:# \n]{1,4}".prop_map(|text| Harm::Insert(text.into_bytes())),
            (1..200_usize).prop_map(Harm::Remove),
            (1..200_usize).prop_map(Harm::Repeat),
            Just(Harm::Cut),
        ];
        (any::<prop::sample::Index>(), harm)
    }

    fn apply(&self, at: usize, bytes: &mut Vec<u8>) {
        let end = |length: usize| (at + length).min(bytes.len());
        match self {
            Harm::Overwrite(byte) => bytes[at] = *byte,
            Harm::Insert(text) => drop(bytes.splice(at..at, text.iter().copied())),
            Harm::Remove(length) => drop(bytes.drain(at..end(*length))),
            Harm::Repeat(length) => {
                let part = bytes[at..end(*length)].to_vec();
                bytes.splice(at..at, part);
            }
            Harm::Cut => bytes.truncate(at),
        }
    }
}

#[test]
fn the_seeds() {
    for (target, check) in TARGETS {
        for (file, bytes) in seeds(target) {
            eprintln!("{}", file.display());
            check(&bytes);
        }
    }
}

/// A seed that is refused teaches a fuzzer nothing.
#[test]
fn the_seeds_of_documents_are_read() {
    use vospace_client::xml::{job, read::read_node, transfer};
    for (target, read) in [
        ("node", (|bytes| read_node(bytes).is_ok()) as fn(&[u8]) -> bool),
        ("listing", |bytes| read_node(bytes).is_ok_and(|node| node.is_container())),
        ("transfer", |bytes| transfer::read(bytes).is_ok()),
        ("job", |bytes| job::read(bytes).is_ok()),
    ] {
        for (file, bytes) in seeds(target) {
            let of_a_service = file.file_name().unwrap().to_string_lossy().contains('-');
            assert!(!of_a_service || read(&bytes), "{}", file.display());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn spoilt_seeds(seed in any::<prop::sample::Index>(), harms in prop::collection::vec(Harm::any(), 1..6)) {
        for (target, check) in TARGETS {
            let seeds = seeds(target);
            let (_, mut bytes) = seeds[seed.index(seeds.len())].clone();
            for (at, harm) in &harms {
                if !bytes.is_empty() {
                    harm.apply(at.index(bytes.len()), &mut bytes);
                }
            }
            check(&bytes);
        }
    }

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for (_, check) in TARGETS {
            check(&bytes);
        }
    }
}
