//! How far ahead of one reader to fetch: small for a reader that jumps, doubling for one that waits in sequence.

use std::ops::Range;

use parking_lot::Mutex;

/// What a first read fetches: a FITS header and what the kernel reads ahead of it, and no more.
const FIRST: u64 = 128 * 1024;

/// What is fetched ahead at most. With requests of 8 MiB, eight connections work for one reader.
const LARGEST: u64 = 64 * 1024 * 1024;

/// The kernel sends the pieces of one read-ahead in any order, so a reader this far from where it was expected, either
/// way, is still in sequence.
const SLACK: u64 = 2 * 1024 * 1024;

#[derive(Debug)]
struct State {
    /// End of the furthest read of the present sequence.
    reached: u64,
    ahead: u64,
    sequential: bool,
}

/// The read window of one open file.
#[derive(Debug)]
pub(crate) struct Window {
    state: Mutex<State>,
    largest: u64,
}

impl Window {
    /// A window for a cache of `limit` bytes: what is fetched ahead must not push out what is being read.
    pub(crate) fn new(limit: u64) -> Self {
        let state = State { reached: 0, ahead: FIRST, sequential: true };
        Window { state: Mutex::new(state), largest: LARGEST.min(limit / 4) }
    }

    /// A read found its first block missing. Returns how many bytes beyond its end to ask for in the same request.
    pub(crate) fn missed(&self, range: &Range<u64>) -> u64 {
        let mut state = self.state.lock();
        state.note(range);
        if !state.sequential {
            return 0;
        }
        let ahead = state.ahead.min(self.largest);
        // The reader stalled: what was fetched ahead of it was too little.
        state.ahead = (state.ahead * 2).min(self.largest);
        ahead
    }

    /// Up to where to fetch for a reader that is at `range`; `None` while it is far enough ahead or jumps about.
    pub(crate) fn goal(&self, range: &Range<u64>) -> Option<u64> {
        let mut state = self.state.lock();
        state.note(range);
        (state.sequential && range.end > FIRST).then(|| range.end + state.ahead.min(self.largest))
    }
}

impl State {
    fn note(&mut self, range: &Range<u64>) {
        let expected = self.reached.saturating_sub(SLACK)..=self.reached + SLACK;
        if expected.contains(&range.start) {
            self.sequential = true;
            self.reached = self.reached.max(range.end);
        } else {
            *self = State { reached: range.end, ahead: FIRST, sequential: false };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequential_reader_that_waits_gets_more_and_a_jump_starts_over() {
        let window = Window::new(1 << 40);
        assert_eq!(window.missed(&(0..4096)), FIRST);
        let mut last = FIRST;
        for step in 1..5 {
            let ahead = window.missed(&(step * FIRST..step * FIRST + 4096));
            assert_eq!(ahead, last * 2);
            last = ahead;
        }
        assert_eq!(window.missed(&(1 << 30..(1 << 30) + 4096)), 0, "a jump");
        assert!(window.goal(&(1 << 32..(1 << 32) + 4096)).is_none());
        assert!(window.goal(&((1 << 32) + 4096..(1 << 32) + 8192)).is_some(), "in sequence again");
    }

    #[test]
    fn a_small_cache_keeps_the_window_small() {
        let window = Window::new(16 << 20);
        for step in 0..20 {
            assert!(window.missed(&(step * FIRST..(step + 1) * FIRST)) <= 4 << 20);
        }
    }
}
