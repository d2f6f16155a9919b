//! A speed limit that all transfers of a client share, in both directions together.
//!
//! Whoever moves bytes passes them here before the next are read, so that the other side is slowed down by its own flow
//! control and nothing piles up in memory.

use std::fmt;
use std::num::NonZeroU32;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// Bytes pass in portions of this part of a second: smooth for the link, and few timers.
const PORTIONS: u32 = 8;

/// See the module.
pub(crate) struct Pace {
    limiter: DefaultDirectRateLimiter,
    portion: NonZeroU32,
}

impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pace").field("portion", &self.portion).finish_non_exhaustive()
    }
}

impl Pace {
    /// Of so many bytes per second; faster than 4 GiB/s is no limit any more.
    pub(crate) fn new(rate: u64) -> Self {
        let rate = NonZeroU32::new(u32::try_from(rate).unwrap_or(u32::MAX)).unwrap_or(NonZeroU32::MIN);
        let portion = NonZeroU32::new(rate.get() / PORTIONS).unwrap_or(NonZeroU32::MIN);
        Pace { limiter: RateLimiter::direct(Quota::per_second(rate).allow_burst(portion)), portion }
    }

    /// Waits until so many more bytes may move; `moved` is called now and then meanwhile, for they do.
    pub(crate) async fn pass(&self, bytes: usize, moved: impl Fn()) {
        let mut left = u32::try_from(bytes).unwrap_or(u32::MAX);
        while let Some(portion) = NonZeroU32::new(left.min(self.portion.get())) {
            // A portion is never more than what is let through at once.
            let _ = self.limiter.until_n_ready(portion).await;
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
        let pace = Pace::new(1_000_000);
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
        let pace = Pace::new(u64::MAX);
        let portions = Cell::new(0);
        pace.pass(usize::MAX, || portions.set(portions.get() + 1)).await;
        assert!(portions.get() > 1);
    }
}
