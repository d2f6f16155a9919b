//! What one reader of one open file will want next.
//!
//! A reader is followed along a few **trails**, places at which it reads in sequence: each has a window that doubles
//! when the reader has to wait and that a skip halves. Going back within what a trail has passed is free. A read that
//! fits no trail is a jump: it begins a new one with nothing fetched ahead, so that random reads fetch what they read.
//!
//! Jumps of the same distance are **strides** (rows of an image section, one extension of many): the next ones are
//! fetched ahead, as long as the longest so far, and nothing between them.
//!
//! A window only says what to fetch. Whether there is a connection and memory for it is decided elsewhere.

use std::collections::VecDeque;
use std::ops::Range;

use parking_lot::Mutex;

/// What a first read fetches: a FITS header of many units, and no more.
pub(crate) const FIRST: u64 = 64 * 1024;

/// What is fetched ahead at most: sixteen requests of [`LONGEST`], which fill a line of 200 MB/s by connections of 25 MB/s
/// with as much to spare for latency.
const LARGEST: u64 = 64 * 1024 * 1024;

/// Longest request. At 25 MB/s it takes 170 ms, in which a round trip of 20 ms does not count for much, and sixteen of
/// them are in the air for a reader that has a whole link to itself.
pub(crate) const LONGEST: u64 = 4 * 1024 * 1024;

/// Requests that a window is cut into while it grows.
const PIECES: u64 = 4;

/// Reads this far from where one was expected are still in sequence: the kernel sends the pieces of one read-ahead in any
/// order, and a request of its own for what is left out would cost more than to fetch it.
const GAP: u64 = 128 * 1024;

/// Places at which one open file is followed at a time.
const TRAILS: usize = 4;

/// The kernel reads whole pages, so strides of any number of bytes look uneven by up to one page at either end.
const JITTER: u64 = 4096;

/// Equal jumps after which a stride is believed.
const EQUAL_JUMPS: u64 = 2;

/// Strides fetched ahead at first and at most; doubled when the reader waits. Fewer than the requests that one file may have.
const DEPTH: (u64, u64) = (2, 12);

/// What the disk is told to bring into the page cache ahead of who reads a cached file in sequence: in one request of the
/// kernel's after the other, a disk would stand still between them. Told again at half of it.
const WARM: u64 = 8 * 1024 * 1024;

/// A reader that has come so far in sequence will come further.
const STEADY: u64 = 256 * 1024;

/// The share of the cache that may hold what one reader has not read yet: eight readers must not push out each other's.
const SHARE: u64 = 8;

/// What to fetch besides what was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// In sequence: from what was asked for already to the end of the window; empty while the reader is far enough ahead.
    pub(crate) run: Range<u64>,
    /// Bytes for one request of it.
    pub(crate) piece: u64,
    /// Places far ahead, each to be fetched by itself.
    pub(crate) strides: Vec<Range<u64>>,
    /// What the disk should bring in as far as it is cached; empty most of the time.
    pub(crate) warm: Range<u64>,
}

/// A place at which a reader reads in sequence.
#[derive(Debug, Clone, Copy)]
struct Trail {
    start: u64,
    /// End of its furthest read.
    reached: u64,
    /// How far beyond that to fetch.
    ahead: u64,
    /// Up to where everything was asked for already.
    covered: u64,
    /// Up to where the disk was told to read.
    warmed: u64,
}

/// Jumps of equal distance.
#[derive(Debug, Clone, Copy)]
struct Strides {
    /// Where the first of them began.
    origin: u64,
    /// Where the last one ended, which is where the present trail starts.
    last: u64,
    /// How many.
    count: u64,
    /// The longest trail between two of them.
    length: u64,
    depth: u64,
    /// Strides after `origin` that were asked for.
    asked: u64,
}

#[derive(Debug)]
struct State {
    /// The one that was used last is at the back.
    trails: VecDeque<Trail>,
    strides: Option<Strides>,
    /// End of the furthest read.
    extent: u64,
}

/// The read window of one open file.
#[derive(Debug)]
pub(crate) struct Window {
    state: Mutex<State>,
    largest: u64,
    /// Nothing is wanted from here on.
    end: u64,
}

impl Window {
    /// A window for a cache of `capacity` bytes: what is fetched ahead must not push out what is being read.
    pub(crate) fn new(capacity: u64) -> Self {
        // Nearly every program begins at the beginning: a first read there is no jump.
        let start = Trail { start: 0, reached: 0, ahead: 0, covered: 0, warmed: 0 };
        let state = State { trails: VecDeque::from([start]), strides: None, extent: 0 };
        Window { state: Mutex::new(state), largest: LARGEST.min(capacity / SHARE).max(FIRST), end: u64::MAX }
    }

    /// The same for who needs nothing from `end` on.
    pub(crate) fn up_to(end: u64, capacity: u64) -> Self {
        Window { end, ..Window::new(capacity) }
    }

    /// Notes a read, and says what to fetch besides it. `waits` when it has to wait for its bytes.
    pub(crate) fn note(&self, range: &Range<u64>, waits: bool) -> Plan {
        let mut plan = self.planned(range, waits);
        plan.run.end = plan.run.end.min(self.end).max(plan.run.start);
        plan.strides.retain(|stride| stride.end <= self.end);
        plan
    }

    fn planned(&self, range: &Range<u64>, waits: bool) -> Plan {
        if range.is_empty() {
            return Plan::default();
        }
        let mut state = self.state.lock();
        state.extent = state.extent.max(range.end);
        match state.trails.iter().rposition(|trail| trail.leads_to(range, self.largest)) {
            Some(index) => {
                if let Some(trail) = state.trails.remove(index) {
                    state.trails.push_back(trail);
                }
                let limit = state.strides.and_then(|strides| strides.end_of(state.trails.back()?));
                let Some(trail) = state.trails.back_mut() else { return Plan::default() };
                trail.follow(range, waits, self.largest, limit)
            }
            None => state.jump(range, waits),
        }
    }

    /// Everything up to `end` was asked for, on the trail of the latest read.
    pub(crate) fn cover(&self, end: u64) {
        if let Some(trail) = self.state.lock().trails.back_mut() {
            trail.covered = trail.covered.max(end);
        }
    }

    /// Up to where a reader that has just read `range` in sequence will want to go on; `None` after a jump.
    pub(crate) fn reach(&self, range: &Range<u64>) -> Option<u64> {
        let state = self.state.lock();
        let trail = state.trails.back().filter(|trail| trail.start < range.start || trail.start == 0)?;
        let end = if trail.is_header() { FIRST } else { trail.reached + trail.ahead };
        Some(end.min(self.end)).filter(|end| *end > range.end)
    }

    /// End of the furthest read.
    pub(crate) fn extent(&self) -> u64 {
        self.state.lock().extent
    }
}

impl Trail {
    fn leads_to(&self, range: &Range<u64>, largest: u64) -> bool {
        let gap = GAP.max(2 * (range.end - range.start));
        let back = self.start.max(self.reached.saturating_sub(largest));
        let forth = (self.reached + gap).max(self.covered);
        (back..=forth).contains(&range.start)
            || (range.start < self.start && range.end + gap >= self.start && self.is_new())
    }

    /// True until it has been followed: the kernel may have sent the second piece of a read before the first.
    fn is_new(&self) -> bool {
        self.ahead == 0 && self.start > 0
    }

    /// True while what was read is within the first piece of the file: it may be all that the reader came for.
    fn is_header(&self) -> bool {
        self.start == 0 && self.reached <= FIRST
    }

    fn follow(&mut self, range: &Range<u64>, waits: bool, largest: u64, limit: Option<u64>) -> Plan {
        self.start = self.start.min(range.start);
        let skipped = range.start.saturating_sub(self.reached);
        let advanced = range.end > self.reached;
        self.reached = self.reached.max(range.end);
        self.covered = self.covered.max(self.reached);
        if skipped > GAP.max(2 * (range.end - range.start)) {
            self.ahead /= 2;
        } else if waits && advanced && !self.is_header() {
            self.ahead = (self.ahead * 2).clamp(FIRST, largest);
        }
        let goal = if self.is_header() { FIRST } else { self.reached + self.ahead };
        let goal = goal.min(limit.unwrap_or(u64::MAX));
        let piece = (self.ahead / PIECES).clamp(FIRST, LONGEST);
        // Nothing is fetched ahead of a reader that goes back, nor of one that has what it came for in the first piece,
        // nor in bits smaller than a piece.
        let wanted = advanced && goal >= self.covered + if waits { 1 } else { piece };
        let run = if wanted { self.covered..goal } else { self.covered..self.covered };
        let warm = if waits { 0..0 } else { self.warm() };
        Plan { run, piece, strides: Vec::new(), warm }
    }

    fn warm(&mut self) -> Range<u64> {
        if self.reached - self.start < STEADY || self.warmed >= self.reached + WARM / 2 {
            return 0..0;
        }
        let from = self.warmed.max(self.reached);
        self.warmed = self.reached + WARM;
        from..self.warmed
    }
}

impl Strides {
    /// Where a trail of these strides ends, if it is the present one and not longer than those before.
    fn end_of(&self, trail: &Trail) -> Option<u64> {
        let end = trail.start + self.length;
        (self.count >= EQUAL_JUMPS && trail.start == self.last && trail.reached <= end).then_some(end)
    }

    /// The place of stride `number` after the origin, as far as the jumps so far let it be known.
    fn place(&self, number: u64) -> Option<u64> {
        let (origin, count) = (i128::from(self.origin), i128::from(self.count));
        let place = origin + (i128::from(self.last) - origin) * i128::from(number) / count;
        u64::try_from(place).ok()
    }

    fn plan(&mut self, waits: bool) -> Vec<Range<u64>> {
        if self.count < EQUAL_JUMPS {
            return Vec::new();
        }
        if waits && self.count > EQUAL_JUMPS {
            self.depth = (self.depth * 2).min(DEPTH.1);
        }
        let wanted = self.asked.max(self.count) + 1..=self.count + self.depth;
        self.asked = self.asked.max(*wanted.end());
        // The first and the last jump may each be off by a page, which counts more the further it is drawn out.
        let near = |number: u64| {
            let place = self.place(number)?;
            let margin = JITTER * (1 + (number - self.count).div_ceil(self.count));
            Some(place.saturating_sub(margin)..place + self.length + margin)
        };
        wanted.filter_map(near).collect()
    }
}

impl State {
    fn jump(&mut self, range: &Range<u64>, waits: bool) -> Plan {
        let mut strides = match (self.strides, self.trails.back()) {
            (None, None) => None,
            (None, Some(from)) => Some(Strides::new(from, range)),
            (Some(strides), Some(from)) => {
                Some(strides.continued(from, range).unwrap_or_else(|| Strides::new(from, range)))
            }
            (Some(_), None) => None,
        };
        let places = strides.as_mut().map(|strides| strides.plan(waits)).unwrap_or_default();
        self.strides = strides;
        if self.trails.len() == TRAILS {
            self.trails.pop_front();
        }
        self.trails.push_back(Trail {
            start: range.start,
            reached: range.end,
            ahead: 0,
            covered: range.end,
            warmed: 0,
        });
        Plan { run: range.end..range.end, piece: FIRST, strides: places, warm: 0..0 }
    }
}

impl Strides {
    fn new(from: &Trail, to: &Range<u64>) -> Self {
        let length = (from.reached - from.start).max(to.end - to.start);
        Strides { origin: from.start, last: to.start, count: 1, length, depth: DEPTH.0, asked: 0 }
    }

    /// One stride more, if the jump from `from` is as long as those before.
    fn continued(mut self, from: &Trail, to: &Range<u64>) -> Option<Self> {
        if from.start != self.last {
            return None;
        }
        let expected = self.place(self.count + 1)?;
        if expected.abs_diff(to.start) > 2 * JITTER {
            return None;
        }
        self.length = self.length.max(from.reached - from.start).max(to.end - to.start);
        self.last = to.start;
        self.count += 1;
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn at(start: u64, length: u64) -> Range<u64> {
        start..start + length
    }

    #[test]
    fn a_sequential_reader_that_waits_gets_more_and_a_jump_starts_over() {
        let window = Window::new(1 << 40);
        let mut ahead = FIRST;
        for step in 0..14 {
            let read = at(step * MIB, MIB);
            let plan = window.note(&read, true);
            assert_eq!(plan.run, read.end..read.end + ahead, "step {step}");
            assert!(plan.piece <= LONGEST);
            ahead = (ahead * 2).min(LARGEST);
        }
        let far = window.note(&at(1 << 40, 4096), true);
        assert!(far.run.is_empty() && far.strides.is_empty(), "a jump: {far:?}");
        let next = window.note(&at((1 << 40) + 4096, 4096), true);
        assert_eq!(next.run.end - next.run.start, FIRST, "in sequence again");
    }

    #[test]
    fn a_reader_that_never_waits_is_kept_ahead_of_in_whole_pieces() {
        let window = Window::new(1 << 40);
        for step in 0..10 {
            window.cover(window.note(&at(step * MIB, MIB), true).run.end);
        }
        let mut at_byte = 10 * MIB;
        let mut requests = Vec::new();
        while at_byte < 100 * MIB {
            let plan = window.note(&at(at_byte, 128 * 1024), false);
            if !plan.run.is_empty() {
                requests.push(plan.run.end - plan.run.start);
                window.cover(plan.run.end);
            }
            at_byte += 128 * 1024;
        }
        assert!(requests.iter().all(|length| *length >= LONGEST), "{requests:?}");
        assert!(requests.len() > 10);
    }

    #[test]
    fn the_disk_is_told_ahead_of_who_reads_in_sequence_what_is_cached_and_each_byte_once() {
        let window = Window::new(1 << 40);
        let told: Vec<Range<u64>> = (0..64).map(|step| window.note(&at(step * MIB, MIB), false).warm).collect();
        let told: Vec<Range<u64>> = told.into_iter().filter(|range| !range.is_empty()).collect();
        assert_eq!(told[0], MIB..MIB + WARM);
        assert!(told.windows(2).all(|pair| pair[0].end == pair[1].start), "{told:?}");
        assert!(told.len() < 20, "not at each read: {told:?}");
        let jumps = (0..20).map(|step| window.note(&at((step * 7919 % 4096) << 20, 4096), false));
        assert!(jumps.into_iter().all(|plan| plan.warm.is_empty()));
    }

    #[test]
    fn a_header_is_read_without_fetching_what_follows() {
        let window = Window::new(1 << 40);
        assert_eq!(window.note(&at(0, 2880), true).run, 2880..FIRST);
        window.cover(FIRST);
        for unit in 1..20 {
            assert!(window.note(&at(unit * 2880, 2880), false).run.is_empty());
        }
    }

    #[test]
    fn going_back_costs_nothing_and_changes_nothing() {
        let window = Window::new(1 << 40);
        for step in 0..8 {
            window.cover(window.note(&at(step * MIB, MIB), true).run.end);
        }
        assert!(window.note(&at(2 * MIB, MIB), false).run.is_empty());
        let plan = window.note(&at(8 * MIB, MIB), true);
        assert_eq!(plan.run.end, 9 * MIB + (FIRST << 8), "the window is the one of before: {plan:?}");
    }

    #[test]
    fn readers_at_several_places_of_one_handle_do_not_disturb_each_other() {
        let window = Window::new(1 << 40);
        let places = [0, 1 << 30, 3 << 30];
        for step in 0..10 {
            for place in places {
                window.note(&at(place + step * MIB, MIB), true);
            }
        }
        for place in places {
            let plan = window.note(&at(place + 10 * MIB, MIB), true);
            assert!(plan.run.end - (place + 11 * MIB) >= 16 * MIB, "{plan:?}");
        }
    }

    #[test]
    fn random_reads_fetch_nothing_ahead() {
        let window = Window::new(1 << 40);
        let mut place = 12_345_u64;
        for _ in 0..500 {
            place = place.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let plan = window.note(&at(place >> 32 & !4095, 4096), true);
            assert!(plan.run.is_empty() && plan.strides.is_empty(), "{plan:?}");
        }
    }

    #[test]
    fn rows_of_a_section_are_fetched_ahead_and_nothing_between_them() {
        let window = Window::new(1 << 40);
        // 12,000 bytes of each row of 400,008: in whole pages, as the kernel asks.
        let row = |number: u64| {
            let start = 28_800 + number * 400_008;
            start & !4095..(start + 12_000).next_multiple_of(4096)
        };
        let mut asked: Vec<Range<u64>> = Vec::new();
        for number in 0..100 {
            let plan = window.note(&row(number), number < 6);
            assert!(plan.run.is_empty() || number == 0, "row {number}: {plan:?}");
            if number > 3 {
                assert!(
                    asked.iter().any(|range| range.start <= row(number).start && row(number).end <= range.end),
                    "row {number} was not asked for: {asked:?}"
                );
            }
            assert!(plan.strides.iter().all(|range| range.end - range.start <= 20 * JITTER));
            asked.extend(plan.strides);
        }
        assert!(asked.len() <= 100 + DEPTH.1 as usize, "no row twice: {}", asked.len());
    }

    #[test]
    fn strides_may_go_backwards_and_end_at_the_beginning() {
        let window = Window::new(1 << 40);
        window.note(&at(100 * MIB, 4096), true);
        let plans: Vec<Plan> = (1..9).map(|step| window.note(&at((100 - 12 * step) * MIB, 4096), true)).collect();
        assert!(plans.iter().any(|plan| !plan.strides.is_empty()));
    }

    #[test]
    fn a_small_cache_keeps_the_window_small() {
        let window = Window::new(16 << 20);
        for step in 0..20 {
            let plan = window.note(&at(step * MIB, MIB), true);
            assert!(plan.run.end - plan.run.start <= 2 << 20);
        }
    }
}
