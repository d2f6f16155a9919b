//! A speed limit that all transfers of a client in one direction share, or in both, and a count of what they moved.
//!
//! Whoever moves bytes passes them here before the next are read, so that the other side is slowed down by its own flow
//! control and nothing piles up in memory. A limit may change at any time, and holds from the next portion on.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use parking_lot::RwLock;

/// Bytes pass in portions of this part of a second: smooth for the link, and few timers.
const PORTIONS: u32 = 8;

/// See the module.
#[derive(Default)]
pub(crate) struct Pace {
    limit: RwLock<Option<Arc<Limit>>>,
    moved: AtomicU64,
}

struct Limit {
    rate: NonZeroU32,
    limiter: DefaultDirectRateLimiter,
    portion: NonZeroU32,
}

impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pace").field("rate", &self.rate()).finish_non_exhaustive()
    }
}

impl Limit {
    fn new(rate: u64) -> Self {
        let rate = NonZeroU32::new(u32::try_from(rate).unwrap_or(u32::MAX)).unwrap_or(NonZeroU32::MIN);
        let portion = NonZeroU32::new(rate.get() / PORTIONS).unwrap_or(NonZeroU32::MIN);
        Limit { rate, limiter: RateLimiter::direct(Quota::per_second(rate).allow_burst(portion)), portion }
    }
}

impl Pace {
    /// Of so many bytes per second; without a number there is no limit, and faster than 4 GiB/s is none any more.
    pub(crate) fn new(rate: Option<u64>) -> Self {
        let pace = Pace::default();
        pace.set(rate);
        pace
    }

    /// Changes the limit.
    pub(crate) fn set(&self, rate: Option<u64>) {
        *self.limit.write() = rate.map(|rate| Arc::new(Limit::new(rate)));
    }

    /// The limit, in bytes per second.
    pub(crate) fn rate(&self) -> Option<u64> {
        self.limit.read().as_ref().map(|limit| limit.rate.get().into())
    }

    /// Bytes that have passed.
    pub(crate) fn moved(&self) -> u64 {
        self.moved.load(Ordering::Relaxed)
    }

    /// Waits until so many more bytes may move; `moved` is called now and then meanwhile, for they do.
    pub(crate) async fn pass(&self, bytes: usize, moved: impl Fn()) {
        self.moved.fetch_add(bytes as u64, Ordering::Relaxed);
        let mut left = u32::try_from(bytes).unwrap_or(u32::MAX);
        while left > 0 {
            let Some(limit) = self.limit.read().clone() else { return };
            let Some(portion) = NonZeroU32::new(left.min(limit.portion.get())) else { return };
            // A portion is never more than what is let through at once.
            let _ = limit.limiter.until_n_ready(portion).await;
            moved();
            left -= portion.get();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::{Duration, Instant};

    use super::*;

    #[tokio::test]
    async fn no_more_than_the_rate_passes() {
        let pace = Pace::new(Some(1_000_000));
        let (started, portions) = (Instant::now(), Cell::new(0));
        for _ in 0..4 {
            pace.pass(100_000, || portions.set(portions.get() + 1)).await;
        }
        // An eighth of a second's worth is free at the start.
        assert!(started.elapsed() >= Duration::from_millis(200), "{:?}", started.elapsed());
        assert_eq!(portions.get(), 4);
    }

    #[tokio::test]
    async fn more_than_a_portion_passes_in_pieces() {
        let pace = Pace::new(Some(u64::MAX));
        let portions = Cell::new(0);
        pace.pass(usize::MAX, || portions.set(portions.get() + 1)).await;
        assert!(portions.get() > 1);
    }

    #[tokio::test]
    async fn a_limit_changes_for_who_is_waiting_and_what_passed_is_counted() {
        let pace = Arc::new(Pace::new(Some(80)));
        let waiting = tokio::spawn({
            let pace = Arc::clone(&pace);
            async move { pace.pass(1_000_000, || ()).await }
        });
        tokio::time::timeout(Duration::from_millis(50), async {
            while !waiting.is_finished() {
                tokio::task::yield_now().await
            }
        })
        .await
        .expect_err("three hours at this rate");
        assert_eq!((pace.rate(), pace.moved()), (Some(80), 1_000_000));
        pace.set(None);
        tokio::time::timeout(Duration::from_secs(10), waiting).await.expect("no limit any more").unwrap();
        assert_eq!(pace.rate(), None);
    }
}
