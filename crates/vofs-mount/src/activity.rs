//! What programs ask of the mount at this moment, and what became of it: for `status` (requests that hang), `trace` (all that
//! end) and the metrics (counters).
//!
//! It only looks on. A request that is answered at once costs two counters; one that waits is entered while it does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::broadcast;

/// So many ended requests wait for a slow watcher; it is told how many it has missed.
const BEHIND: usize = 4096;

/// A request of the kernel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation {
    /// What was asked for: `read`, `lookup`.
    pub(crate) name: &'static str,
    pub(crate) ino: u64,
    /// Who asked.
    pub(crate) pid: u32,
    pub(crate) since: Instant,
}

/// One that has come to its end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended {
    pub(crate) operation: Operation,
    pub(crate) took: Duration,
    /// 0 for success.
    pub(crate) errno: i32,
}

/// How often an operation was asked for, and how long it took in all.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Count {
    pub(crate) requests: u64,
    pub(crate) failures: u64,
    pub(crate) took: Duration,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Activity {
    next: AtomicU64,
    in_flight: Mutex<BTreeMap<u64, Operation>>,
    counts: Mutex<BTreeMap<&'static str, Count>>,
    watchers: broadcast::Sender<Ended>,
}

impl Default for Activity {
    fn default() -> Self {
        let (watchers, _) = broadcast::channel(BEHIND);
        Activity { next: AtomicU64::new(0), in_flight: Mutex::default(), counts: Mutex::default(), watchers }
    }
}

/// A request that waits; dropped, it does so no more.
#[derive(Debug)]
pub(crate) struct InFlight {
    activity: Arc<Activity>,
    number: u64,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.activity.in_flight.lock().remove(&self.number);
    }
}

impl Activity {
    /// A request begins to wait.
    pub(crate) fn begin(self: &Arc<Self>, operation: Operation) -> InFlight {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.in_flight.lock().insert(number, operation);
        InFlight { activity: Arc::clone(self), number }
    }

    /// One has come to its end.
    pub(crate) fn ended(&self, operation: &Operation, errno: i32) {
        let took = operation.since.elapsed();
        {
            let mut counts = self.counts.lock();
            let count = counts.entry(operation.name).or_default();
            count.requests += 1;
            count.failures += u64::from(errno != 0);
            count.took += took;
        }
        if self.watchers.receiver_count() > 0 {
            let _ = self.watchers.send(Ended { operation: *operation, took, errno });
        }
    }

    /// Those that wait for longer than `patience`, the oldest first.
    pub(crate) fn waiting_longer(&self, patience: Duration) -> Vec<Operation> {
        let mut waiting: Vec<Operation> = self.in_flight.lock().values().copied().collect();
        waiting.retain(|operation| operation.since.elapsed() > patience);
        waiting.sort_by_key(|operation| operation.since);
        waiting
    }

    /// The counters, by operation.
    pub(crate) fn counts(&self) -> BTreeMap<&'static str, Count> {
        self.counts.lock().clone()
    }

    /// All that end from now on.
    pub(crate) fn watch(&self) -> broadcast::Receiver<Ended> {
        self.watchers.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(name: &'static str) -> Operation {
        Operation { name, ino: 1, pid: 2, since: Instant::now() }
    }

    #[tokio::test]
    async fn what_waits_is_seen_and_what_ends_is_told() {
        let activity = Arc::new(Activity::default());
        let waiting = activity.begin(operation("read"));
        assert_eq!(activity.waiting_longer(Duration::ZERO).len(), 1);
        assert!(activity.waiting_longer(Duration::from_secs(60)).is_empty());
        drop(waiting);
        assert!(activity.waiting_longer(Duration::ZERO).is_empty());
        let mut watcher = activity.watch();
        activity.ended(&operation("lookup"), 2);
        activity.ended(&operation("lookup"), 0);
        assert_eq!(watcher.recv().await.expect("told").errno, 2);
        let counts = activity.counts();
        assert_eq!((counts["lookup"].requests, counts["lookup"].failures), (2, 1));
    }
}
