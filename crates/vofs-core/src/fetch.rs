//! Bytes in: from the service into the block cache, and to whoever waits for them.
//!
//! A **flight** is one request for a run of blocks. Flights over one file never overlap, and a reader joins the one that
//! will bring its block: it is answered as soon as its blocks are in the cache, not when the flight has landed. What is
//! fetched ahead of readers ([`window`]) is cut into several requests side by side, within the connections that a mount
//! takes ([`traffic`]) and the memory budget. Where a service ignores ranges a file is one stream that all its readers
//! share; that is learned from the first answer, before which there is one request at a time.
//!
//! Each flight checks that the service still has the version that was opened. If not, the cached file is doomed and
//! readers get [`Error::Stale`]: bytes of two versions are never mixed. The first flight of a file can also stand in for
//! the question which version a name has ([`Fetcher::confirm`]).
//!
//! A read whose blocks are evicted before it comes to copy them is fetched past the cache in the end.

pub(crate) mod ahead;
mod flight;
mod pace;
mod stream;
pub(crate) mod sweep;
pub(crate) mod tally;
mod traffic;
pub(crate) mod window;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use parking_lot::Mutex;

use crate::blocks::{BLOCK, Cached, OpenBlocks, Store};
use crate::budget::Budget;
use crate::error::{Error, Result};
use crate::path::NodePath;
use crate::permits::Permits;
use crate::remote::{Incoming, Remote, Route};

pub(crate) use flight::Extent;
use flight::{Flight, Kind, Landing, Proof};
use pace::Paces;
use stream::{Share, Waiter, Wish};
use tally::Tally;
use traffic::{Lane, Traffic};
use window::{LONGEST, Plan, Window};

/// A read that keeps losing its blocks to eviction before it can copy them gives up after so many rounds: the cache is
/// too small for what runs on it, and fetching past it is better than an endless loop.
const ROUNDS: usize = 16;

/// Connections of one mount unless it is told another number, but for streams of whole files, which last as long as their
/// file is open. Readers that need more wait for their turn.
const CONNECTIONS: usize = 64;

/// Where ranges are ignored, files of so small a part of the cache are fetched whole, however many are read at a time.
const SMALL: u64 = 8;

/// Fetches for one mount.
#[derive(Debug)]
pub(crate) struct Fetcher {
    remote: Arc<dyn Remote>,
    store: Arc<Store>,
    /// How long a read waits without one new byte.
    deadline: Mutex<Duration>,
    budget: Arc<Budget>,
    runtime: tokio::runtime::Handle,
    traffic: Traffic,
    ranges: Ranges,
    paces: Paces,
    /// Held by the one request that may be in the air while it is not known whether the service has ranges.
    learning: tokio::sync::Mutex<()>,
    connections: Permits,
    tally: Tally,
}

/// Whether the service sends parts of files; `None` until it has been asked for one.
#[derive(Debug, Default)]
struct Ranges(Mutex<Option<bool>>);

impl Ranges {
    fn get(&self) -> Option<bool> {
        *self.0.lock()
    }

    /// A service that has sent a part can do so; where it sends a whole file nevertheless, that is a matter of this file.
    fn learn(&self, path: &NodePath, partial: bool) {
        let mut known = self.0.lock();
        if partial {
            *known = Some(true);
        } else if known.is_none() {
            *known = Some(false);
            tracing::debug!(%path, "the service ignores ranges: one shared stream a file from now on");
        }
    }
}

impl Fetcher {
    pub(crate) fn new(remote: Arc<dyn Remote>, store: Arc<Store>, deadline: Duration, budget: Arc<Budget>) -> Self {
        Fetcher {
            remote,
            store,
            deadline: Mutex::new(deadline),
            budget,
            runtime: tokio::runtime::Handle::current(),
            traffic: Traffic::default(),
            ranges: Ranges::default(),
            paces: Paces::default(),
            learning: tokio::sync::Mutex::default(),
            connections: Permits::new(CONNECTIONS),
            tally: Tally::default(),
        }
    }

    /// How long a read waits without one new byte.
    pub(crate) fn deadline(&self) -> Duration {
        *self.deadline.lock()
    }

    /// Changes that, for what begins to wait from now on.
    pub(crate) fn set_deadline(&self, deadline: Duration) {
        *self.deadline.lock() = deadline;
    }

    /// How many requests for bytes there may be at a time.
    pub(crate) fn connections(&self) -> usize {
        self.connections.limit()
    }

    /// Changes that.
    pub(crate) fn set_connections(&self, limit: usize) {
        self.connections.set(limit, &self.runtime);
    }

    /// What readers found in the cache, and what not.
    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// What is on its way in: the file, and which bytes of it from where on.
    pub(crate) fn under_way(&self) -> Vec<(NodePath, Extent)> {
        self.traffic.all().into_iter().map(|flight| (flight.path().clone(), flight.extent())).collect()
    }

    /// Fills `into` from `offset` on if all of that is present, without waiting; keeps the reader's window ahead of it.
    pub(crate) fn read_now(
        self: &Arc<Self>,
        path: &NodePath,
        blocks: &OpenBlocks,
        offset: u64,
        into: &mut [u8],
        window: &Window,
    ) -> Option<Result<usize>> {
        match self.store.read(blocks, offset, into) {
            Cached::Hit(length) => {
                self.tally.hit(length as u64);
                let range = offset..offset + length as u64;
                self.look_ahead(path, blocks, &range, window, &window.note(&range, false));
                Some(Ok(length))
            }
            Cached::Gone => Some(Err(Error::Stale(path.clone()))),
            Cached::Miss(_) => None,
        }
    }

    /// Bytes `range` of a file (cut at its end), fetched as far as they are not present.
    pub(crate) async fn read(
        self: &Arc<Self>,
        path: &NodePath,
        blocks: &OpenBlocks,
        range: Range<u64>,
        window: &Window,
    ) -> Result<Vec<u8>> {
        let range = range.start..range.end.min(blocks.length());
        let mut bytes = vec![0; range.end.saturating_sub(range.start) as usize];
        let mut noted = false;
        for _ in 0..ROUNDS {
            let missing = match self.store.read(blocks, range.start, &mut bytes) {
                Cached::Hit(_) => {
                    if !noted {
                        self.tally.hit(range.end.saturating_sub(range.start));
                        self.look_ahead(path, blocks, &range, window, &window.note(&range, false));
                    }
                    return Ok(bytes);
                }
                Cached::Gone => return Err(Error::Stale(path.clone())),
                Cached::Miss(block) => block,
            };
            let plan = if noted { Plan::default() } else { window.note(&range, true) };
            let waiter = self.join_or_start(path, blocks, missing..range.end.div_ceil(BLOCK), &plan);
            if !noted {
                self.tally.miss(range.end - range.start);
                self.look_ahead(path, blocks, &range, window, &plan);
                noted = true;
            }
            let Some(waiter) = waiter else { continue };
            match self.wait(path, &waiter).await? {
                Landing::Arrived => {}
                Landing::Failed(error) => return Err(error),
            }
        }
        self.read_past_cache(path, blocks, range).await
    }

    /// Keeps the requests of a reader in the air ahead of it, as far as there is room for them.
    fn look_ahead(
        self: &Arc<Self>,
        path: &NodePath,
        blocks: &OpenBlocks,
        read: &Range<u64>,
        window: &Window,
        plan: &Plan,
    ) {
        if !plan.warm.is_empty() {
            blocks.warm(plan.warm.clone());
        }
        match self.ranges.get() {
            // One request at a time until that is known.
            None => return,
            Some(false) => {
                if let Some(end) = window.reach(read) {
                    for flight in self.traffic.lane(blocks.id()).flying() {
                        flight.reader_at(read.end..end);
                    }
                }
            }
            Some(true) => {}
        }
        let file = blocks.length().div_ceil(BLOCK);
        let last = plan.run.end.div_ceil(BLOCK).min(file);
        let mut block = plan.run.start / BLOCK;
        while !plan.run.is_empty() && block < last {
            match self.start_ahead(path, blocks, block..last, plan.piece) {
                Some(reach) => block = reach,
                None => break,
            }
        }
        if !plan.run.is_empty() {
            window.cover((block * BLOCK).min(plan.run.end));
        }
        for stride in &plan.strides {
            let run = stride.start / BLOCK..stride.end.div_ceil(BLOCK).min(file);
            if run.is_empty() || self.start_ahead(path, blocks, run, LONGEST).is_none() {
                return;
            }
        }
    }

    /// Starts a request of `piece` bytes for the first blocks of `run` that are neither present nor on their way. Returns
    /// up to where nothing is missing now, or `None` when there is no room for a request.
    fn start_ahead(self: &Arc<Self>, path: &NodePath, blocks: &OpenBlocks, run: Range<u64>, piece: u64) -> Option<u64> {
        let lane = self.traffic.lane(blocks.id());
        let absent = blocks.first_absent(run.clone()).unwrap_or(run.end);
        let Some(first) = (absent..run.end).find(|block| is_free(blocks, &lane, *block)) else { return Some(run.end) };
        if !lane.has_room() {
            return None;
        }
        if self.ranges.get() == Some(false) {
            if lane.flying().is_empty() {
                self.start(path, blocks, lane, Arc::new(self.whole(path, blocks)));
            }
            return Some(run.end);
        }
        let wanted = first..free_run(blocks, &lane, first..run.end.min(first + (piece / BLOCK).max(1)));
        let length = (wanted.end - wanted.start) * BLOCK;
        let ahead = self.budget.spare(length);
        if ahead.bytes() < length {
            return None;
        }
        let flight = Flight::new(path, Kind::Range, Route::Kept, wanted.clone(), [self.budget.need(0), ahead]);
        self.start(path, blocks, lane, Arc::new(flight));
        Some(wanted.end)
    }

    /// Waits for the flight that will bring the first block of `needed`; a new one takes as many of the others as are
    /// free, and the first piece of what is to be fetched ahead. `None` where the block has come since the caller looked.
    fn join_or_start(
        self: &Arc<Self>,
        path: &NodePath,
        blocks: &OpenBlocks,
        needed: Range<u64>,
        plan: &Plan,
    ) -> Option<Waiter> {
        let mut lane = self.traffic.lane(blocks.id());
        let first = needed.start;
        if let Some(waiter) = lane.flying().iter().find_map(|flight| flight.join(needed.clone())) {
            return Some(waiter);
        }
        // A flight that has just brought it looks like one that passed it and dropped it, and would be begun anew.
        if blocks.is_present(first) {
            return None;
        }
        if self.ranges.get() == Some(false) {
            if let Some(other) = lane.flying().first().cloned() {
                // Two downloads of one file would only get in each other's way.
                if !other.is_whole() || other.is_awaited() {
                    return Some(other.join_behind());
                }
                // It has passed the block, which was evicted since, and nobody waits for what it still brings.
                lane.remove(&other);
                other.end();
            }
            return Some(self.start_for(path, blocks, lane, self.whole(path, blocks), needed));
        }
        let most = first + LONGEST.min(self.store.capacity() / 4).max(BLOCK) / BLOCK;
        let needed_end = free_run(blocks, &lane, first..needed.end.min(most));
        let ahead = if plan.run.start.div_ceil(BLOCK) <= needed_end { plan.run.end.div_ceil(BLOCK) } else { 0 };
        let wanted_end = ahead.min(needed_end + plan.piece / BLOCK).min(most).min(blocks.length().div_ceil(BLOCK));
        let free_end = if wanted_end > needed_end { free_run(blocks, &lane, first..wanted_end) } else { needed_end };
        let spare = self.budget.spare((free_end - needed_end) * BLOCK);
        let run = first..needed_end + spare.bytes() / BLOCK;
        let memory = [self.budget.need((needed_end - first) * BLOCK), spare];
        let flight = Flight::new(path, Kind::Range, Route::Kept, run, memory);
        Some(self.start_for(path, blocks, lane, flight, needed))
    }

    /// Starts a flight and waits for `needed`, which begins where it begins or later.
    fn start_for(
        self: &Arc<Self>,
        path: &NodePath,
        blocks: &OpenBlocks,
        lane: Lane<'_>,
        flight: Flight,
        needed: Range<u64>,
    ) -> Waiter {
        let flight = Arc::new(flight);
        let waiter = flight.join(needed).unwrap_or_else(|| flight.join_behind());
        self.start(path, blocks, lane, flight);
        waiter
    }

    /// What a stream of the file may leave in the cache: with all others no more than half of it, and small files whole.
    fn share(&self, blocks: &OpenBlocks) -> Share {
        let capacity = self.store.capacity();
        let bytes = capacity / 2 / self.traffic.streams().max(1) as u64;
        Share { bytes, is_whole_file: blocks.length() <= bytes.max(capacity / SMALL) }
    }

    /// A stream of the whole file. What is buffered of it is no more than a block.
    fn whole(&self, path: &NodePath, blocks: &OpenBlocks) -> Flight {
        let run = 0..blocks.length().div_ceil(BLOCK);
        Flight::new(path, Kind::Whole, Route::Kept, run, [self.budget.need(BLOCK), self.budget.need(0)])
    }

    fn start(self: &Arc<Self>, path: &NodePath, blocks: &OpenBlocks, mut lane: Lane<'_>, flight: Arc<Flight>) {
        lane.start(Arc::clone(&flight));
        drop(lane);
        let task = flight::fly(Arc::clone(self), path.clone(), blocks.clone(), Arc::clone(&flight));
        let handle = self.runtime.spawn(task);
        flight.can_be_ended_by(handle.abort_handle());
    }

    /// Asks for the first `piece` bytes of a file by its name. Returns whether the answer proves that the name still stands
    /// for this version; false where it does not say, or nothing was asked because the bytes are there or on their way.
    ///
    /// With `taste` nobody has the file open: a service that ignores the range is not listened to beyond the piece.
    pub(crate) async fn confirm(
        self: &Arc<Self>,
        path: &NodePath,
        blocks: &OpenBlocks,
        piece: u64,
        taste: bool,
    ) -> bool {
        let Some(flight) = self.send_for_first(path, blocks, piece, taste) else { return false };
        let mut progress = flight.subscribe();
        loop {
            if let Some(proof) = flight.proof() {
                return proof == Some(Proof::Same);
            }
            if !matches!(tokio::time::timeout(self.deadline(), progress.news()).await, Ok(true)) {
                return false;
            }
        }
    }

    /// [`Fetcher::confirm`] without waiting for the answer.
    pub(crate) fn begin(self: &Arc<Self>, path: &NodePath, blocks: &OpenBlocks, piece: u64, taste: bool) {
        self.send_for_first(path, blocks, piece, taste);
    }

    /// The request of [`Fetcher::confirm`]; `None` where none is needed. An answer that is on its way already is no proof:
    /// it may have been given before the question arose.
    fn send_for_first(
        self: &Arc<Self>,
        path: &NodePath,
        blocks: &OpenBlocks,
        piece: u64,
        taste: bool,
    ) -> Option<Arc<Flight>> {
        let lane = self.traffic.lane(blocks.id());
        if blocks.length() == 0 || !is_free(blocks, &lane, 0) {
            return None;
        }
        let file = blocks.length().div_ceil(BLOCK);
        let kind = match self.ranges.get() {
            _ if taste => Kind::Taste,
            Some(false) if !lane.flying().is_empty() => return None,
            Some(false) => Kind::Whole,
            None | Some(true) => Kind::Range,
        };
        let end = if kind == Kind::Whole { file } else { free_run(blocks, &lane, 0..piece.div_ceil(BLOCK).min(file)) };
        let memory = if kind == Kind::Whole { BLOCK } else { end * BLOCK };
        let flight = Flight::new(path, kind, Route::Named, 0..end, [self.budget.need(memory), self.budget.need(0)]);
        let flight = Arc::new(flight);
        self.start(path, blocks, lane, Arc::clone(&flight));
        Some(flight)
    }

    async fn wait(&self, path: &NodePath, waiter: &Waiter) -> Result<Landing> {
        let flight = &waiter.flight;
        let block = match &waiter.wish {
            Wish::Blocks(run) => Some(run.end - 1),
            Wish::Turn { .. } => None,
        };
        let mut progress = flight.subscribe();
        loop {
            if let Some(landing) = flight.landing(block) {
                return Ok(landing);
            }
            let deadline = self.deadline();
            match tokio::time::timeout(deadline, progress.news()).await {
                Ok(true) => {}
                // The flight was ended because nobody seemed to need it; the caller looks again.
                Ok(false) => return Ok(flight.landing(block).unwrap_or(Landing::Arrived)),
                Err(_) => {
                    let cause = format!("no byte for {} s while reading", deadline.as_secs());
                    return Err(Error::Timeout { path: path.clone(), cause });
                }
            }
        }
    }

    /// Fetches a range past the cache: for one that is too small for what runs on it.
    async fn read_past_cache(&self, path: &NodePath, blocks: &OpenBlocks, range: Range<u64>) -> Result<Vec<u8>> {
        let incoming = self.remote.open(path, range.clone(), Route::Kept).await?;
        check_version(path, blocks, &incoming)?;
        let mut skip = range.start.saturating_sub(incoming.start) as usize;
        let wanted = (range.end - range.start) as usize;
        let mut bytes = Vec::with_capacity(wanted);
        let mut body = incoming.body;
        while bytes.len() < wanted
            && let Some(part) = body.next().await
        {
            let part = part?;
            let from = skip.min(part.len());
            skip -= from;
            bytes.extend_from_slice(&part[from..]);
        }
        bytes.truncate(wanted);
        if bytes.len() < wanted {
            return Err(Error::Io {
                path: path.clone(),
                cause: "the service sent fewer bytes than the file has".into(),
            });
        }
        Ok(bytes)
    }

    /// Nobody has the file open any more: what is still in the air is ended.
    pub(crate) fn abandon(&self, blocks: &OpenBlocks) {
        for flight in self.traffic.clear(blocks.id()) {
            flight.end();
        }
    }

    /// The service sends the whole file to `flight`, which becomes its one stream, unless there is one already.
    fn takes_whole(&self, blocks: &OpenBlocks, flight: &Arc<Flight>) -> bool {
        let lane = self.traffic.lane(blocks.id());
        if lane.flying().iter().any(|other| other.is_whole() && !Arc::ptr_eq(other, flight)) {
            return false;
        }
        flight.becomes_whole(blocks);
        true
    }
}

/// True for a block that is neither present nor on its way.
fn is_free(blocks: &OpenBlocks, lane: &Lane<'_>, block: u64) -> bool {
    !blocks.is_present(block) && !lane.flying().iter().any(|flight| flight.will_bring(block))
}

/// Where the free blocks end that `run` begins with; the first one is taken for free.
fn free_run(blocks: &OpenBlocks, lane: &Lane<'_>, run: Range<u64>) -> u64 {
    let mut rest = run.start + 1..run.end;
    rest.find(|block| !is_free(blocks, lane, *block)).unwrap_or(run.end).max(run.start + 1)
}

/// An answer that shows other bytes than those that were opened is not used.
fn check_version(path: &NodePath, blocks: &OpenBlocks, incoming: &Incoming) -> Result<Proof> {
    if !blocks.agrees_with(incoming) {
        tracing::info!(%path, "replaced on the service while it was open");
        return Err(Error::Stale(path.clone()));
    }
    let version = blocks.version();
    let same = incoming.total == Some(version.length) && version.md5.is_some() && incoming.md5 == version.md5;
    // Where there is no content-date the digest may be that of older bytes (`version`).
    Ok(if same && version.content_date.is_some() { Proof::Same } else { Proof::Possible })
}

#[cfg(test)]
mod tests;
