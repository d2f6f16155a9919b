//! Time as the engine sees it: a trait, so that tests decide when a time-to-live ends.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A wall clock in milliseconds since 1970-01-01 UTC. Times-to-live are written to disk and read by the next mount, so
/// a monotonic clock would not do; a clock that jumps back only makes an entry expire at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Millis(pub i64);

impl Millis {
    /// How much of `ttl` is left of what was learned at `self`, seen from `now`; `None` when it has ended.
    pub fn remaining(self, ttl: Duration, now: Millis) -> Option<Duration> {
        let age = now.0.checked_sub(self.0).filter(|age| *age >= 0)?;
        ttl.checked_sub(Duration::from_millis(age.unsigned_abs())).filter(|left| !left.is_zero())
    }

    /// The same moment as a [`SystemTime`].
    pub fn to_system_time(self) -> SystemTime {
        let span = Duration::from_millis(self.0.unsigned_abs());
        if self.0 >= 0 { UNIX_EPOCH + span } else { UNIX_EPOCH - span }
    }

    /// The moment of a [`SystemTime`].
    pub fn from_system_time(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => Millis(i64::try_from(after.as_millis()).unwrap_or(i64::MAX)),
            Err(before) => Millis(-i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX)),
        }
    }
}

/// Where the engine gets the time from.
pub trait Clock: Send + Sync + std::fmt::Debug + 'static {
    /// The current time.
    fn now(&self) -> Millis;
}

/// The machine's clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        Millis::from_system_time(SystemTime::now())
    }
}

/// A clock that stands still until a test moves it.
#[cfg(test)]
#[derive(Debug, Default)]
pub(crate) struct TestClock(std::sync::atomic::AtomicI64);

#[cfg(test)]
impl TestClock {
    pub(crate) fn advance(&self, span: Duration) {
        let millis = i64::try_from(span.as_millis()).expect("a test's span fits");
        self.0.fetch_add(millis, std::sync::atomic::Ordering::SeqCst);
    }
}

#[cfg(test)]
impl Clock for TestClock {
    fn now(&self) -> Millis {
        Millis(self.0.load(std::sync::atomic::Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_jumped_back_expires_what_was_learned() {
        let ttl = Duration::from_secs(10);
        assert_eq!(Millis(1000).remaining(ttl, Millis(4000)), Some(Duration::from_secs(7)));
        assert_eq!(Millis(1000).remaining(ttl, Millis(11_000)), None);
        assert_eq!(Millis(5000).remaining(ttl, Millis(4000)), None);
    }
}
