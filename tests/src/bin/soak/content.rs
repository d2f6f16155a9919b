//! What there is to read, and what its bytes must be.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use vofs_tests::World;
use vospace_server::store::blob::fill;

const MIB: u64 = 1 << 20;

/// For so long after an upload by another client a reader may still be given the version before it: the mount's
/// time-to-live of attributes and a little for a loaded machine.
const GRACE: Duration = Duration::from_secs(20);

/// Files of one length in one directory, as `vospaced populate` makes them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Collection {
    pub(crate) directory: &'static str,
    pub(crate) count: u64,
    pub(crate) length: u64,
    seed: u64,
}

/// One file and what its bytes are.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// Below the mount point.
    pub(crate) path: String,
    pub(crate) length: u64,
    pub(crate) seed: u64,
}

impl Collection {
    /// So many GiB in all: large, middling and small files by 6 : 3 : 1.
    pub(crate) fn all(gib: u64) -> Vec<Self> {
        let of = |directory, length: u64, tenths: u64, seed| Self {
            directory,
            count: (gib * 1024 * MIB * tenths / 10 / length).max(1),
            length,
            seed,
        };
        // No length is a multiple of a block: the last piece of a file is where mistakes are.
        vec![
            of("large", 2047 * MIB + 12_345, 6, 1_000_000),
            of("middling", 100 * MIB + 678, 3, 2_000_000),
            of("small", MIB + 901, 1, 3_000_000),
        ]
    }

    /// For `vospaced populate`.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let text = |option: &str, value: u64| [option.to_owned(), value.to_string()];
        let options = [text("--count", self.count), text("--length", self.length), text("--seed", self.seed)];
        [format!("demo/{}", self.directory)].into_iter().chain(options.into_iter().flatten()).collect()
    }

    pub(crate) fn file(&self, index: u64) -> Known {
        let path = format!("{}/node-{index:07}", self.directory);
        Known { path, length: self.length, seed: self.seed + index }
    }
}

/// The first wrong byte, if there is one: its place.
pub(crate) fn first_wrong(seed: u64, offset: u64, bytes: &[u8]) -> Option<u64> {
    let mut expected = vec![0; bytes.len()];
    fill(seed, offset, &mut expected);
    if expected == bytes {
        return None;
    }
    expected.iter().zip(bytes).position(|(a, b)| a != b).map(|at| offset + at as u64)
}

/// Files that another client replaces now and then. Each version has a seed and a length of its own.
#[derive(Debug)]
pub(crate) struct Changing {
    files: Mutex<Vec<Vec<Version>>>,
}

/// One version of a file that changes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Version {
    pub(crate) seed: u64,
    pub(crate) length: u64,
    begun: Instant,
    /// When the service had confirmed it.
    done: Option<Instant>,
}

impl Changing {
    pub(crate) const COUNT: usize = 6;

    pub(crate) fn new(world: &World) -> Self {
        let changing = Changing { files: Mutex::new(vec![Vec::new(); Self::COUNT]) };
        // It may be there from a former run.
        world.vospace(&["mkdir", &world.uri("changing")]);
        for number in 0..Self::COUNT {
            assert!(changing.replace(world, number), "the first version of {}", Self::path(number));
        }
        changing
    }

    pub(crate) fn path(number: usize) -> String {
        format!("changing/file-{number}")
    }

    /// Another client replaces a file; false when the service did not take it.
    pub(crate) fn replace(&self, world: &World, number: usize) -> bool {
        let mut version = {
            let mut files = self.files.lock().unwrap();
            let next = files[number].len() as u64;
            let seed = 9_000_000 + 10_000 * number as u64 + next;
            // Lengths repeat, so that now and then only the content tells two versions apart.
            let length = 3 * MIB + 4099 * (seed % 3);
            let version = Version { seed, length, begun: Instant::now(), done: None };
            files[number].push(version);
            version
        };
        let mut bytes = vec![0; version.length as usize];
        fill(version.seed, 0, &mut bytes);
        let local = world.local_file(&format!("changing-{number}"), &bytes);
        let sent = world.vospace(&["cp", local.to_str().unwrap(), &world.uri(&Self::path(number))]).status == 0;
        if sent {
            version.done = Some(Instant::now());
            *self.files.lock().unwrap()[number].last_mut().unwrap() = version;
        }
        sent
    }

    /// The versions that a reader may have been given who opened the file then and is done now. `torn`: whether one was
    /// on its way meanwhile, or failed on its way, which on a service that writes in place shows.
    pub(crate) fn possible(&self, number: usize, opened: Instant) -> (Vec<Version>, bool) {
        let files = self.files.lock().unwrap();
        let versions = &files[number];
        let settled = versions.iter().rposition(|version| version.done.is_some_and(|done| done + GRACE < opened));
        let possible: Vec<Version> = versions[settled.unwrap_or(0)..].to_vec();
        let torn = possible.iter().skip(1).any(|version| version.done.is_none_or(|done| done + GRACE >= opened))
            && possible.iter().any(|version| version.begun + GRACE >= opened || version.done.is_none());
        (possible, torn)
    }
}
