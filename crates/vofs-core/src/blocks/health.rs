//! What the cache disk can be trusted with.
//!
//! ```text
//!             a block is refused                  FAILURES in a row
//!   Normal ──────────────────────▶ Unstable ─────────────────────────▶ Down
//!     ▲                             │    ▲                             │  ▲
//!     └─────────────────────────────┘    └─────────────────────────────┘  │ the trial fails too: twice the pause
//!          SUCCESSES in a row                 one block a pause is tried ─┘
//!                                             and taken
//! ```
//!
//! In Normal and Unstable blocks are written to the disk; one that is refused goes to memory. In Down nothing is written but
//! the trial. Blocks that are on the disk are read in every state. Each transition is logged once; what repeats
//! within a state is not.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// Refused blocks in a row after which the disk is left alone: one may be bad luck.
const FAILURES: u32 = 3;

/// Blocks in a row that a disk has to take before it counts as sound again (2 MiB).
const SUCCESSES: u32 = 64;

/// First and longest pause between two trials of a disk that is down: a file system that was full is soon tried
/// again, a broken one is not worn out.
const PAUSES: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Takes blocks.
    Normal,
    /// Refused some; is watched.
    Unstable {
        /// Refused in a row.
        failures: u32,
        /// Taken in a row.
        successes: u32,
    },
    /// Left alone until the next trial.
    Down {
        /// When that is.
        retry_at: Instant,
        /// How long it was waited for.
        pause: Duration,
    },
}

/// The state of one cache disk.
#[derive(Debug)]
pub(super) struct Health {
    state: State,
}

impl Health {
    pub(super) fn new() -> Self {
        Health { state: State::Normal }
    }

    pub(super) fn is_down(&self) -> bool {
        matches!(self.state, State::Down { .. })
    }

    /// Whether a block may be written now. Of a disk that is down that is the one trial of this pause.
    pub(super) fn may_write(&mut self, now: Instant) -> bool {
        match &mut self.state {
            State::Normal | State::Unstable { .. } => true,
            State::Down { retry_at, pause } if *retry_at <= now => {
                *retry_at = now + *pause;
                true
            }
            State::Down { .. } => false,
        }
    }

    /// The disk took a block.
    pub(super) fn succeeded(&mut self, directory: &Path) {
        let next = match self.state {
            State::Normal => return,
            State::Unstable { successes, .. } if successes + 1 >= SUCCESSES => {
                tracing::warn!(directory = %directory.display(), "block cache: the disk is sound again");
                State::Normal
            }
            State::Unstable { successes, .. } => State::Unstable { failures: 0, successes: successes + 1 },
            State::Down { .. } => {
                tracing::warn!(directory = %directory.display(), "block cache: the disk takes blocks again");
                State::Unstable { failures: 0, successes: 1 }
            }
        };
        self.state = next;
    }

    /// The disk refused a block, or lost one that it had taken.
    pub(super) fn failed(&mut self, directory: &Path, error: &io::Error, now: Instant) {
        let next = match self.state {
            State::Normal => {
                tracing::warn!(%error, directory = %directory.display(), "block cache: the disk refused a block; what it refuses is kept in memory");
                State::Unstable { failures: 1, successes: 0 }
            }
            State::Unstable { failures, .. } if failures + 1 >= FAILURES => {
                let remedy = remedy(error);
                tracing::error!(%error, directory = %directory.display(), remedy, "block cache: the disk is not used any more; reading goes on from the network");
                State::Down { retry_at: now + PAUSES.0, pause: PAUSES.0 }
            }
            State::Unstable { failures, .. } => State::Unstable { failures: failures + 1, successes: 0 },
            State::Down { pause, .. } => {
                let pause = (pause * 2).min(PAUSES.1);
                State::Down { retry_at: now + pause, pause }
            }
        };
        self.state = next;
    }
}

/// What the user can do about it.
fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free space on it, or mount with a smaller --cache_limit or another --cache_dir; it is tried again by itself"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "make the cache directory writable for the user who mounted; it is tried again by itself"
        }
        _ => "look at the disk (dmesg), or mount with another --cache_dir; it is tried again by itself",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> io::Error {
        io::Error::from_raw_os_error(libc::ENOSPC)
    }

    #[test]
    fn one_refusal_makes_a_disk_unstable_and_some_in_a_row_end_its_use() {
        let (mut health, now, place) = (Health::new(), Instant::now(), Path::new("/cache"));
        health.failed(place, &full(), now);
        assert!(matches!(health.state, State::Unstable { failures: 1, .. }));
        health.succeeded(place);
        for _ in 1..FAILURES {
            health.failed(place, &full(), now);
            assert!(health.may_write(now) && !health.is_down(), "a success in between starts the count anew");
        }
        health.failed(place, &full(), now);
        assert!(health.is_down() && !health.may_write(now));
    }

    #[test]
    fn a_disk_that_is_down_is_tried_with_growing_pauses_and_comes_back_by_itself() {
        let (mut health, mut now, place) = (Health::new(), Instant::now(), Path::new("/cache"));
        for _ in 0..FAILURES {
            health.failed(place, &full(), now);
        }
        let mut last = Duration::ZERO;
        for _ in 0..10 {
            let State::Down { retry_at, pause } = health.state else { panic!("still down") };
            assert!(pause >= last && pause <= PAUSES.1);
            last = pause;
            assert!(!health.may_write(retry_at - Duration::from_millis(1)));
            now = retry_at;
            assert!(health.may_write(now) && !health.may_write(now), "one block a pause");
            health.failed(place, &full(), now);
        }
        assert_eq!(last, PAUSES.1);
        health.succeeded(place);
        assert!(!health.is_down() && health.may_write(now));
        for _ in 1..SUCCESSES {
            assert_ne!(health.state, State::Normal);
            health.succeeded(place);
        }
        assert_eq!(health.state, State::Normal);
    }
}
