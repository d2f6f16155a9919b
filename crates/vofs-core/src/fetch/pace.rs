//! How fast the streams of whole files come, and which of them is to be begun anew because it is stuck at a low rate.
//!
//! A connection can keep the rate of the moment in which it was made: what begins on a link that is slow for a while goes on
//! so when the link is fast again (observed: 2 MB/s for twenty minutes). Who waits for a far block of such a stream waits for
//! minutes, for what a new connection would bring in seconds; but two downloads of one file at a time are not allowed. So the
//! slow one is given up for a new one where that pays:
//!
//! * it comes at less than a quarter of the rate of the best stream of this mount,
//! * at its rate, who waits would wait for longer than half a minute more, and
//! * at the best rate, a new stream would have passed all that is wanted in half of that time, although it begins at the
//!   beginning.
//!
//! If the new stream is no faster, the link is slow and not the connection: its rate is the best one from then on. For a
//! file that was begun anew in vain the patience doubles each time, so that all beginnings together cost no more than the
//! last of them.

use std::num::NonZeroUsize;
use std::time::Duration;

use lru::LruCache;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::blocks::BLOCK;

/// Time over which a rate is taken: several round trips and what the kernel had buffered do not count for much in it.
const SPAN: Duration = Duration::from_secs(2);

/// A shorter stream tells of its rate only if it brought so much.
const ENOUGH: u64 = 8 << 20;

/// How much slower than the best one a stream is that is stuck: a link that is shared by others is rarely that.
const SLOWER: f64 = 4.0;

/// A shorter wait is no reason to throw away what is on its way.
const LONG: Duration = Duration::from_secs(30);

/// How long a stream may come slowly before it is begun anew for the first time.
const PATIENCE: Duration = Duration::from_secs(10);

/// Files whose streams were given up, of which that is remembered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(64).expect("invariant: not zero");

/// What was learned of the streams of a mount.
#[derive(Debug)]
pub(super) struct Paces(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    /// Bytes a second.
    best: f64,
    given_up: LruCache<i64, GivenUp>,
}

/// The stream of a file that was given up.
#[derive(Debug, Clone, Copy)]
struct GivenUp {
    rate: f64,
    /// How long the next one is put up with.
    patience: Duration,
}

/// The rate of one stream, measured while it moves.
#[derive(Debug)]
pub(super) struct Pace {
    began: Instant,
    bytes: u64,
    moving: Duration,
}

impl Default for Paces {
    fn default() -> Self {
        Paces(Mutex::new(Inner { best: 0.0, given_up: LruCache::new(REMEMBERED) }))
    }
}

impl Pace {
    pub(super) fn begin() -> Self {
        Pace { began: Instant::now(), bytes: 0, moving: Duration::ZERO }
    }

    /// Bytes have come, on which the stream has been since the moment `since`. Gives the rate when a span is over.
    pub(super) fn note(&mut self, bytes: usize, since: Instant) -> Option<f64> {
        self.bytes += bytes as u64;
        self.moving += since.elapsed();
        if self.moving < SPAN {
            return None;
        }
        let rate = self.rate();
        (self.bytes, self.moving) = (0, Duration::ZERO);
        Some(rate)
    }

    /// The rate of what came after the last span, where that is enough to tell.
    fn rest(&self) -> Option<f64> {
        (self.bytes >= ENOUGH && !self.moving.is_zero()).then(|| self.rate())
    }

    fn rate(&self) -> f64 {
        self.bytes as f64 / self.moving.as_secs_f64()
    }
}

impl Paces {
    /// A stream of the file came at this rate, is at block `at`, and is wanted up to block `wanted`. Says whether it is to be
    /// given up for a new one.
    pub(super) fn gives_up(&self, file: i64, pace: &Pace, rate: f64, at: u64, wanted: u64) -> bool {
        self.0.lock().gives_up(file, pace.began.elapsed(), rate, at, wanted)
    }

    /// A stream has ended.
    pub(super) fn ended(&self, pace: &Pace) {
        if let Some(rate) = pace.rest() {
            let mut inner = self.0.lock();
            inner.best = inner.best.max(rate);
        }
    }
}

impl Inner {
    fn gives_up(&mut self, file: i64, running: Duration, rate: f64, at: u64, wanted: u64) -> bool {
        let before = self.given_up.get(&file).copied();
        if before.is_some_and(|before| rate < 2.0 * before.rate) {
            // Not the connection was slow.
            self.best = rate;
        }
        self.best = self.best.max(rate);
        let seconds = |blocks: u64, rate: f64| (blocks * BLOCK) as f64 / rate;
        let (left, anew) = (seconds(wanted.saturating_sub(at), rate), seconds(wanted, self.best));
        let patience = before.map_or(PATIENCE, |before| before.patience);
        let stuck = rate * SLOWER < self.best && left > LONG.as_secs_f64().max(2.0 * anew) && running >= patience;
        if stuck {
            self.given_up.put(file, GivenUp { rate, patience: 2 * patience });
        }
        stuck
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: f64 = 1e6;

    /// Blocks in so many megabytes.
    fn blocks(megabytes: u64) -> u64 {
        megabytes * 1_000_000 / BLOCK
    }

    fn knowing(best: f64) -> Inner {
        Inner { best, given_up: LruCache::new(REMEMBERED) }
    }

    #[test]
    fn a_stream_that_is_stuck_is_given_up_where_a_new_one_would_be_sooner() {
        let late = Duration::from_secs(60);
        let asked = |rate, at, wanted| knowing(25.0 * MB).gives_up(1, late, rate, blocks(at), blocks(wanted));
        assert!(asked(2.0 * MB, 50, 1000), "475 s by this one, 40 s by a new one");
        assert!(!asked(2.0 * MB, 950, 1000), "it is nearly there");
        assert!(!asked(2.0 * MB, 10, 60), "25 s are not long");
        assert!(!asked(10.0 * MB, 50, 1000), "not that much slower");
        assert!(!knowing(0.0).gives_up(1, late, 2.0 * MB, 0, blocks(9000)), "nothing better is known");
        assert!(!knowing(25.0 * MB).gives_up(1, Duration::from_secs(5), 2.0 * MB, 0, blocks(9000)), "too early to say");
    }

    #[test]
    fn beginning_anew_in_vain_shows_that_the_link_is_slow() {
        let mut inner = knowing(25.0 * MB);
        let late = Duration::from_secs(11);
        assert!(inner.gives_up(1, late, 2.0 * MB, 0, blocks(9000)));
        assert!(!inner.gives_up(1, late, 2.5 * MB, 0, blocks(9000)), "no faster");
        assert!(!inner.gives_up(2, late, 2.0 * MB, 0, blocks(9000)), "and nor would be that of another file");
        inner.best = 25.0 * MB;
        assert!(!inner.gives_up(1, late, 5.0 * MB, 0, blocks(9000)), "more patience the second time");
        assert!(inner.gives_up(1, 2 * late, 5.0 * MB, 0, blocks(9000)));
    }
}
