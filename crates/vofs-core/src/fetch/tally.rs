//! How much of what was read was there already.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// Reads since the mount began, and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reads {
    /// Reads of which all was in the cache when they came.
    pub hits: u64,
    /// Their bytes.
    pub hit_bytes: u64,
    /// Reads that had to wait for the service.
    pub misses: u64,
    /// Their bytes.
    pub miss_bytes: u64,
}

impl Reads {
    /// The part of all bytes that was in the cache; none before the first read.
    pub fn rate(&self) -> Option<f64> {
        let all = self.hit_bytes + self.miss_bytes;
        (all > 0).then(|| self.hit_bytes as f64 / all as f64)
    }
}

/// The counters.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    hits: AtomicU64,
    hit_bytes: AtomicU64,
    misses: AtomicU64,
    miss_bytes: AtomicU64,
}

impl Tally {
    pub(super) fn hit(&self, bytes: u64) {
        self.hits.fetch_add(1, Ordering::Relaxed);
        self.hit_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn miss(&self, bytes: u64) {
        self.misses.fetch_add(1, Ordering::Relaxed);
        self.miss_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn reads(&self) -> Reads {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Reads {
            hits: get(&self.hits),
            hit_bytes: get(&self.hit_bytes),
            misses: get(&self.misses),
            miss_bytes: get(&self.miss_bytes),
        }
    }
}
