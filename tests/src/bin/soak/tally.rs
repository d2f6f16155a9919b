//! What was found: bytes, errors, memory, cache.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Wrong bytes and unexpected errors that are written out as they are found; the rest is counted.
const SHOWN: usize = 40;

/// The cache may take this much beside its limit: the file system's own records of sparse files.
const SLACK_BYTES: u64 = 8 << 20;

/// What readers of one kind did.
#[derive(Debug, Default)]
struct Operations {
    count: u64,
    longest: Duration,
}

#[derive(Debug, Default)]
pub(crate) struct Tally {
    bytes: AtomicU64,
    operations: Mutex<BTreeMap<&'static str, Operations>>,
    mismatches: Mutex<Vec<String>>,
    expected: Mutex<BTreeMap<String, u64>>,
    unexpected: Mutex<Vec<String>>,
    troubles: Mutex<BTreeMap<&'static str, u64>>,
    peak_memory: AtomicU64,
    peak_blocks: AtomicU64,
    peak_index: AtomicU64,
}

impl Tally {
    pub(crate) fn right(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn mismatch(&self, text: String) {
        record(&self.mismatches, "MISMATCH", text);
    }

    pub(crate) fn operation(&self, kind: &'static str, taken: Duration) {
        let mut operations = self.operations.lock().unwrap();
        let of_kind = operations.entry(kind).or_default();
        of_kind.count += 1;
        of_kind.longest = of_kind.longest.max(taken);
    }

    pub(crate) fn trouble(&self, kind: &'static str) {
        *self.troubles.lock().unwrap().entry(kind).or_default() += 1;
    }

    pub(crate) fn error(&self, what: &str, error: &io::Error, expected: bool) {
        if expected {
            *self.expected.lock().unwrap().entry(name(error)).or_default() += 1;
        } else {
            record(&self.unexpected, "UNEXPECTED", format!("{what}: {error}"));
        }
    }

    /// The most memory that the daemon has had.
    pub(crate) fn measure_memory(&self, pid: u32) {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok());
        self.peak_memory.fetch_max(peak.unwrap_or(0) * 1024, Ordering::Relaxed);
    }

    /// What the cache takes on disk now.
    pub(crate) fn measure_cache(&self, cache: &Path) {
        self.peak_blocks.fetch_max(on_disk(&cache.join("blocks")), Ordering::Relaxed);
        let index = fs::read_dir(cache).into_iter().flatten().flatten();
        let databases = index.filter(|entry| entry.file_name().to_string_lossy().contains(".db"));
        self.peak_index.fetch_max(databases.map(|entry| on_disk(&entry.path())).sum(), Ordering::Relaxed);
    }

    pub(crate) fn line(&self, name: &str) -> String {
        format!(
            "{name}: {} checked, {} mismatches, {} errors expected, {} unexpected, cache {}, memory {}",
            mib(self.bytes.load(Ordering::Relaxed)),
            self.mismatches.lock().unwrap().len(),
            self.expected.lock().unwrap().values().sum::<u64>(),
            self.unexpected.lock().unwrap().len(),
            mib(self.peak_blocks.load(Ordering::Relaxed)),
            mib(self.peak_memory.load(Ordering::Relaxed)),
        )
    }

    pub(crate) fn summary(&self, name: &str, limit_mib: u64) -> String {
        let list = |counts: &BTreeMap<&'static str, u64>| {
            counts.iter().map(|(kind, count)| format!("{kind} {count}")).collect::<Vec<_>>().join(", ")
        };
        let operations = self.operations.lock().unwrap();
        let done = operations
            .iter()
            .map(|(kind, of_kind)| format!("{kind} {} (the longest {} s)", of_kind.count, of_kind.longest.as_secs()));
        let done = done.collect::<Vec<_>>().join(", ");
        let expected = self.expected.lock().unwrap();
        let by_errno = expected.iter().map(|(kind, count)| format!("{kind} {count}")).collect::<Vec<_>>().join(", ");
        format!(
            "{name}\n  bytes checked     {}\n  mismatches        {}\n  operations        {done}\n  troubles          {}\n  \
             errors expected   {by_errno}\n  errors unexpected {}\n  peak memory       {}\n  \
             peak cache        {} of {limit_mib} MiB, and {} of index",
            mib(self.bytes.load(Ordering::Relaxed)),
            self.mismatches.lock().unwrap().len(),
            list(&self.troubles.lock().unwrap()),
            self.unexpected.lock().unwrap().len(),
            mib(self.peak_memory.load(Ordering::Relaxed)),
            mib(self.peak_blocks.load(Ordering::Relaxed)),
            mib(self.peak_index.load(Ordering::Relaxed)),
        )
    }

    /// Wrong bytes, errors without a reason, a cache beyond its limit.
    pub(crate) fn defects(&self, limit_mib: u64) -> usize {
        let beyond = self.peak_blocks.load(Ordering::Relaxed) > (limit_mib << 20) + SLACK_BYTES;
        self.mismatches.lock().unwrap().len() + self.unexpected.lock().unwrap().len() + usize::from(beyond)
    }
}

fn record(list: &Mutex<Vec<String>>, kind: &str, text: String) {
    let mut list = list.lock().unwrap();
    if list.len() < SHOWN {
        println!("{kind} {text}");
    }
    list.push(text);
}

fn name(error: &io::Error) -> String {
    let errno = error.raw_os_error().map(nix::errno::Errno::from_raw);
    errno.map_or_else(|| format!("{:?}", error.kind()), |errno| format!("{errno:?}"))
}

fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

/// Bytes of disk that a file or tree takes; what vanishes meanwhile takes none.
fn on_disk(path: &Path) -> u64 {
    let Ok(metadata) = fs::symlink_metadata(path) else { return 0 };
    let below = if metadata.is_dir() { fs::read_dir(path).into_iter().flatten().flatten().collect() } else { vec![] };
    let own = if metadata.is_dir() { 0 } else { metadata.blocks() * 512 };
    own + below.iter().map(|entry| on_disk(&entry.path())).sum::<u64>()
}
