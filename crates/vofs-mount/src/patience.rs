//! How long programs and the end of a mount wait. Both may change while it runs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// See the module. In whole seconds.
#[derive(Debug)]
pub(crate) struct Patience {
    metadata: AtomicU64,
    drain: AtomicU64,
}

impl Patience {
    pub(crate) fn new(metadata: Duration, drain: Duration) -> Self {
        Patience { metadata: AtomicU64::new(metadata.as_secs()), drain: AtomicU64::new(drain.as_secs()) }
    }

    /// Longest wait of a program for names and attributes.
    pub(crate) fn metadata(&self) -> Duration {
        Duration::from_secs(self.metadata.load(Ordering::Relaxed))
    }

    /// How long the end waits for uploads.
    pub(crate) fn drain(&self) -> Duration {
        Duration::from_secs(self.drain.load(Ordering::Relaxed))
    }

    /// Changes that; a second is the least.
    pub(crate) fn set_metadata(&self, seconds: u64) {
        self.metadata.store(seconds.max(1), Ordering::Relaxed);
    }

    /// Changes that; a second is the least.
    pub(crate) fn set_drain(&self, seconds: u64) {
        self.drain.store(seconds.max(1), Ordering::Relaxed);
    }
}
