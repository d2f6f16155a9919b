//! The one stream of a file whose service ignores ranges: who gets what of it.
//!
//! All readers of the file share the stream, and all streams of a mount share the cache. Three rules keep that fair:
//!
//! * **What is kept.** Blocks that somebody waits for, and those next to be read in sequence, are kept at all times. Of
//!   what the stream merely passes on its way to a far block, as much as the file's share of the cache holds: always the
//!   same first part, so that a reader that jumps about in a large file finds some of it and does not push out what
//!   others are about to read. A file that fits its share is kept whole, and streamed to its end while it is open.
//! * **When it stands still.** When nobody waits for what is still to come and no reader in sequence is near.
//! * **When it begins anew.** A reader that wants what was passed and dropped waits until nobody waits ahead any more; at
//!   the latest until the stream has come twice as far as those who waited ahead at that time: they pay no more for the
//!   new beginning than they were given. A stream that is stuck at a low rate begins anew sooner (`pace`).

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use crate::blocks::BLOCK;

use super::flight::Flight;

/// Places where a file is read in sequence that are remembered.
const ZONES: usize = 8;

/// What one stream may leave in the cache for later.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    /// In bytes.
    pub(super) bytes: u64,
    /// The file fits.
    pub(super) is_whole_file: bool,
}

/// What becomes of the next block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It goes into the cache.
    Keep,
    /// It is dropped.
    Pass,
    /// The stream ends, so that another begins.
    Yield,
}

/// What a waiting reader wants.
#[derive(Debug, Clone)]
pub(super) enum Wish {
    /// Blocks that are still to come.
    Blocks(Range<u64>),
    /// A new beginning, since the stream was at this block.
    Turn { asked_at: u64 },
}

/// The readers of one request.
#[derive(Debug, Default)]
pub(super) struct Readers {
    places: Mutex<Places>,
    moved: Notify,
}

/// Where they are.
#[derive(Debug, Default)]
pub(super) struct Places {
    waiting: Vec<(u64, Wish)>,
    /// Bytes that come next where the file is read in sequence; the latest at the back.
    zones: VecDeque<Range<u64>>,
    /// The block at which the stream yields to those behind it.
    turn: Option<u64>,
    /// Blocks that were kept for later.
    kept: u64,
    count: u64,
}

/// A reader that waits, as long as this lives.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) flight: Arc<Flight>,
    pub(super) wish: Wish,
    number: u64,
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.flight.leaves(self.number);
    }
}

impl Readers {
    pub(super) fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock()
    }

    pub(super) fn reads_on(&self, zone: Range<u64>) {
        let mut places = self.places();
        // The same reader, a little further.
        places.zones.retain(|known| zone.start < known.start || zone.start > known.end);
        if places.zones.len() == ZONES {
            places.zones.pop_front();
        }
        places.zones.push_back(zone);
        drop(places);
        self.moved.notify_one();
    }

    pub(super) fn leaves(&self, waiter: u64) {
        let mut places = self.places();
        places.waiting.retain(|(number, _)| *number != waiter);
        drop(places);
        self.moved.notify_one();
    }

    /// Waits until somebody comes, goes or reads on.
    pub(super) async fn changed(&self) {
        self.moved.notified().await;
    }

    fn came(&self) {
        self.moved.notify_one();
    }
}

impl Places {
    pub(super) fn wait(&mut self, flight: &Arc<Flight>, wish: Wish) -> Waiter {
        self.count += 1;
        let number = self.count;
        if let Wish::Turn { asked_at } = wish {
            self.turn.get_or_insert(2 * self.furthest().unwrap_or(asked_at));
        }
        self.waiting.push((number, wish.clone()));
        flight.readers().came();
        Waiter { flight: Arc::clone(flight), wish, number }
    }

    /// One past the last block that anybody waits for.
    fn furthest(&self) -> Option<u64> {
        let ends = self.waiting.iter().filter_map(|(_, wish)| match wish {
            Wish::Blocks(run) => Some(run.end),
            Wish::Turn { .. } => None,
        });
        ends.max()
    }

    /// One past the last block that anybody waits for, or will want next who reads in sequence, or gets its turn at.
    pub(super) fn wanted_end(&self) -> u64 {
        let zones = self.zones.iter().map(|zone| zone.end.div_ceil(BLOCK)).max();
        let behind = self.waiting.iter().any(|(_, wish)| matches!(wish, Wish::Turn { .. }));
        let turn = self.turn.filter(|_| behind);
        [self.furthest(), zones, turn].into_iter().flatten().max().unwrap_or(0)
    }

    /// True when somebody waits for `block` or a later one.
    pub(super) fn awaits_beyond(&self, block: u64) -> bool {
        self.furthest().is_some_and(|end| end > block)
    }

    /// What is to be done with `block`, the next one; `None` while nobody wants it or anything behind it.
    pub(super) fn step(&mut self, block: u64, share: &Share) -> Option<Step> {
        let somebody_behind = self.waiting.iter().any(|(_, wish)| matches!(wish, Wish::Turn { .. }));
        let goes_on = self.awaits_beyond(block);
        if !somebody_behind {
            self.turn = None;
        } else if !goes_on || self.turn.is_some_and(|turn| block >= turn) {
            return Some(Step::Yield);
        }
        let is_awaited = self.waiting.iter().any(|(_, wish)| matches!(wish, Wish::Blocks(run) if run.contains(&block)));
        let near = |zone: &Range<u64>| {
            let end = zone.end.min(zone.start.saturating_add(share.bytes));
            (block + 1) * BLOCK > zone.start && block * BLOCK < end
        };
        if is_awaited || share.is_whole_file || self.zones.iter().any(near) {
            return Some(Step::Keep);
        }
        if !goes_on {
            return None;
        }
        if (self.kept + 1) * BLOCK > share.bytes {
            return Some(Step::Pass);
        }
        self.kept += 1;
        Some(Step::Keep)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGE: Share = Share { bytes: 10 * BLOCK, is_whole_file: false };

    fn places(waiting: &[Wish]) -> Places {
        let waiting = (0..).zip(waiting.iter().cloned()).collect();
        Places { waiting, ..Places::default() }
    }

    #[test]
    fn on_the_way_to_a_far_block_a_share_is_kept_and_the_rest_passed() {
        let mut places = places(&[Wish::Blocks(100..102)]);
        let steps: Vec<Step> = (0..102).map(|block| places.step(block, &LARGE).expect("goes on")).collect();
        assert!(steps[..10].iter().all(|step| *step == Step::Keep));
        assert!(steps[10..100].iter().all(|step| *step == Step::Pass));
        assert_eq!(steps[100..], [Step::Keep; 2]);
        assert_eq!(places.step(102, &LARGE), None, "nobody wants more");
        let all = Share { is_whole_file: true, ..LARGE };
        assert_eq!(places.step(102, &all), Some(Step::Keep), "but a small file is fetched to its end");
    }

    #[test]
    fn what_is_read_in_sequence_is_kept_and_the_stream_stays_near_its_readers() {
        let readers = Readers::default();
        readers.reads_on(20 * BLOCK..25 * BLOCK);
        readers.reads_on(40 * BLOCK..90 * BLOCK);
        let mut places = readers.places();
        assert_eq!(places.step(24, &LARGE), Some(Step::Keep));
        assert_eq!(places.step(30, &LARGE), None);
        assert_eq!(places.step(49, &LARGE), Some(Step::Keep));
        assert_eq!(places.step(50, &LARGE), None, "no more than the share, whatever the reader's window");
        drop(places);
        for at in 0..100 {
            readers.reads_on((41 + at) * BLOCK..(46 + at) * BLOCK);
        }
        let mut places = readers.places();
        assert_eq!(places.step(24, &LARGE), Some(Step::Keep), "one reader that moves is one place");
        assert_eq!(places.step(50, &LARGE), None, "and only the latest of it");
    }

    #[test]
    fn who_wants_what_was_passed_gets_a_turn_and_who_waited_ahead_is_served_before() {
        let mut places = places(&[Wish::Blocks(100..101), Wish::Turn { asked_at: 60 }]);
        places.turn = Some(2 * 101);
        assert_eq!(places.step(99, &LARGE), Some(Step::Keep));
        assert_eq!(places.step(100, &LARGE), Some(Step::Keep));
        assert_eq!(places.step(101, &LARGE), Some(Step::Yield), "nobody waits ahead any more");
        places.waiting.push((7, Wish::Blocks(0..1000)));
        assert_eq!(places.step(201, &LARGE), Some(Step::Keep), "who reads on gets as much again");
        assert_eq!(places.step(202, &LARGE), Some(Step::Yield));
        places.waiting.retain(|(_, wish)| matches!(wish, Wish::Blocks(_)));
        assert_eq!(places.step(203, &LARGE), Some(Step::Keep), "nobody is behind any more");
    }
}
