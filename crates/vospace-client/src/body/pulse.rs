//! A sign of life of a transfer: when its bytes last moved.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// When bytes last moved. Whoever moves them calls [`Pulse::beat`].
#[derive(Debug)]
pub(crate) struct Pulse {
    start: Instant,
    /// Milliseconds since `start`.
    last: AtomicU64,
}

impl Default for Pulse {
    fn default() -> Self {
        Pulse { start: Instant::now(), last: AtomicU64::new(0) }
    }
}

impl Pulse {
    /// Bytes moved.
    pub(crate) fn beat(&self) {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(now, Ordering::Relaxed);
    }

    /// When they last did.
    pub(crate) fn last(&self) -> Instant {
        self.start + Duration::from_millis(self.last.load(Ordering::Relaxed))
    }
}
