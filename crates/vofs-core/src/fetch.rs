//! Bytes in: from the service into the block cache, and to whoever waits for them.
//!
//! A **flight** is one request for a run of blocks. Flights over one file never overlap, and a reader joins the one that
//! will bring its block: it is answered as soon as that block is in the cache, not when the flight has landed. Where a
//! service ignores ranges the first flight turns into one stream of the whole file that all readers share; that is
//! learned from the first answer and remembered for the service.
//!
//! Each flight checks that the service still has the version that was opened. If not, the cached file is doomed and
//! readers get [`Error::Stale`]: bytes of two versions are never mixed.
//!
//! A read whose blocks are evicted before it comes to copy them is fetched past the cache in the end.

mod flight;
pub(crate) mod window;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use parking_lot::Mutex;

use crate::blocks::{BLOCK, Cached, OpenBlocks, Store};
use crate::budget::Budget;
use crate::error::{Error, Result};
use crate::path::NodePath;
use crate::remote::{Incoming, Remote};

use flight::{Flight, Landing};
use window::Window;

/// A read that keeps losing its blocks to eviction before it can copy them gives up after so many rounds: the cache is
/// too small for what runs on it, and fetching past it is better than an endless loop.
const ROUNDS: usize = 16;

/// Longest single request, in blocks (8 MiB): long enough that its round trip does not count, short enough that a
/// window is spread over several connections.
const LONGEST_FLIGHT: u64 = 8 * 1024 * 1024 / BLOCK;

/// Fetches for one mount.
#[derive(Debug)]
pub(crate) struct Fetcher {
    remote: Arc<dyn Remote>,
    store: Arc<Store>,
    deadline: Duration,
    budget: Arc<Budget>,
    runtime: tokio::runtime::Handle,
    flights: Mutex<HashMap<i64, Vec<Arc<Flight>>>>,
    /// False once the service has ignored a range.
    ranges: AtomicBool,
    /// True once the service has answered at all: until then one request at a time, lest two turn into whole files.
    answered: AtomicBool,
}

/// What a reader waits for.
#[derive(Debug)]
enum Joined {
    /// The flight will bring the block.
    ForBlock(Arc<Flight>),
    /// The flight stands in the way of the one that will.
    ForEnd(Arc<Flight>),
}

impl Fetcher {
    pub(crate) fn new(remote: Arc<dyn Remote>, store: Arc<Store>, deadline: Duration, budget: Arc<Budget>) -> Self {
        let runtime = tokio::runtime::Handle::current();
        Fetcher {
            remote,
            store,
            deadline,
            budget,
            runtime,
            flights: Mutex::new(HashMap::new()),
            ranges: AtomicBool::new(true),
            answered: AtomicBool::new(false),
        }
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
                self.look_ahead(path, blocks, offset..offset + into.len() as u64, window);
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
        let ahead = window.missed(&range);
        let mut bytes = vec![0; range.end.saturating_sub(range.start) as usize];
        for _ in 0..ROUNDS {
            let missing = match self.store.read(blocks, range.start, &mut bytes) {
                Cached::Hit(_) => {
                    self.look_ahead(path, blocks, range, window);
                    return Ok(bytes);
                }
                Cached::Gone => return Err(Error::Stale(path.clone())),
                Cached::Miss(block) => block,
            };
            let wanted = missing..(range.end + ahead).min(blocks.length()).div_ceil(BLOCK);
            let (flight, awaited) = match self.join_or_start(path, blocks, wanted) {
                Joined::ForBlock(flight) => (flight, Some(missing)),
                Joined::ForEnd(flight) => (flight, None),
            };
            self.look_ahead(path, blocks, range.clone(), window);
            match self.wait(path, &flight, awaited).await? {
                Landing::Arrived => {}
                Landing::Failed(error) => return Err(error),
            }
        }
        self.read_past_cache(path, blocks, range).await
    }

    /// Keeps the requests of a sequential reader in the air ahead of it.
    fn look_ahead(self: &Arc<Self>, path: &NodePath, blocks: &OpenBlocks, range: Range<u64>, window: &Window) {
        let Some(goal) = window.goal(&range).filter(|_| self.answered.load(Ordering::Relaxed)) else { return };
        let last = goal.min(blocks.length()).div_ceil(BLOCK);
        let mut block = range.end / BLOCK;
        while block < last {
            let Some(next) = self.first_uncovered(blocks, block..last) else { return };
            match self.join_or_start(path, blocks, next..last) {
                Joined::ForBlock(flight) => block = flight.reach().max(next + 1),
                Joined::ForEnd(_) => return,
            }
        }
    }

    fn first_uncovered(&self, blocks: &OpenBlocks, run: Range<u64>) -> Option<u64> {
        let flights = self.flights.lock();
        let flying = flights.get(&blocks.id());
        let first = blocks.first_absent(run.clone())?;
        (first..run.end).find(|block| {
            !blocks.is_present(*block)
                && !flying.is_some_and(|flying| flying.iter().any(|flight| flight.will_bring(*block)))
        })
    }

    /// The flight that will bring the first block of `wanted`; a new one takes as many of the others as are free.
    fn join_or_start(self: &Arc<Self>, path: &NodePath, blocks: &OpenBlocks, wanted: Range<u64>) -> Joined {
        let mut flights = self.flights.lock();
        let flying = flights.entry(blocks.id()).or_default();
        let first = wanted.start;
        if let Some(flight) = flying.iter().find(|flight| flight.will_bring(first)) {
            return Joined::ForBlock(Arc::clone(flight));
        }
        let ranges = self.ranges.load(Ordering::Relaxed);
        if !ranges && let Some(whole) = flying.first() {
            // It has passed the block, which was evicted since. Two downloads of one file would only get in each
            // other's way: the caller waits for its end and then starts the next.
            return Joined::ForEnd(Arc::clone(whole));
        }
        let run = if ranges {
            let limit = first + LONGEST_FLIGHT.min((self.store.capacity() / BLOCK / 4).max(1));
            let free =
                |block: &u64| !blocks.is_present(*block) && !flying.iter().any(|flight| flight.will_bring(*block));
            let end = (first + 1..wanted.end.min(limit)).find(|block| !free(block)).unwrap_or(wanted.end.min(limit));
            first..end.max(first + 1)
        } else {
            0..blocks.length().div_ceil(BLOCK)
        };
        // The block that is waited for is always granted; what comes behind it is only as much as there is room for.
        let needed = self.budget.need(BLOCK);
        let ahead = self.budget.spare((run.end - run.start - 1) * BLOCK);
        let run = if ranges { first..(first + 1 + ahead.bytes() / BLOCK) } else { run };
        let flight = Arc::new(Flight::new(run, [needed, ahead]));
        flying.push(Arc::clone(&flight));
        drop(flights);
        let task = flight::fly(Arc::clone(self), path.clone(), blocks.clone(), Arc::clone(&flight));
        let handle = self.runtime.spawn(task);
        flight.can_be_ended_by(handle.abort_handle());
        Joined::ForBlock(flight)
    }

    async fn wait(&self, path: &NodePath, flight: &Flight, block: Option<u64>) -> Result<Landing> {
        let mut progress = flight.subscribe();
        loop {
            if let Some(landing) = flight.landing(block) {
                return Ok(landing);
            }
            match tokio::time::timeout(self.deadline, progress.changed()).await {
                Ok(Ok(())) => {}
                // The flight was ended because nobody seemed to need it; the caller looks again.
                Ok(Err(_)) => return Ok(flight.landing(block).unwrap_or(Landing::Arrived)),
                Err(_) => {
                    let cause = format!("no byte for {} s while reading", self.deadline.as_secs());
                    return Err(Error::Timeout { path: path.clone(), cause });
                }
            }
        }
    }

    /// Fetches a range past the cache: for one that is too small for what runs on it.
    async fn read_past_cache(&self, path: &NodePath, blocks: &OpenBlocks, range: Range<u64>) -> Result<Vec<u8>> {
        let incoming = self.remote.open(path, range.clone()).await?;
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
        for flight in self.flights.lock().remove(&blocks.id()).unwrap_or_default() {
            flight.end();
        }
    }

    /// The service sends the whole file to `flight`, which becomes its one stream, unless there is one already.
    fn takes_whole(&self, blocks: &OpenBlocks, flight: &Arc<Flight>) -> bool {
        let flights = self.flights.lock();
        let flying = flights.get(&blocks.id());
        if flying.is_some_and(|flying| flying.iter().any(|other| other.is_whole() && !Arc::ptr_eq(other, flight))) {
            return false;
        }
        flight.becomes_whole(blocks);
        true
    }

    fn landed(&self, blocks: &OpenBlocks, flight: &Arc<Flight>) {
        let mut flights = self.flights.lock();
        if let Some(flying) = flights.get_mut(&blocks.id()) {
            flying.retain(|other| !Arc::ptr_eq(other, flight));
            if flying.is_empty() {
                flights.remove(&blocks.id());
            }
        }
    }
}

/// An answer that shows other bytes than those that were opened is not used.
fn check_version(path: &NodePath, blocks: &OpenBlocks, incoming: &Incoming) -> Result<()> {
    if !blocks.agrees_with(incoming) {
        tracing::info!(%path, "replaced on the service while it was open");
        return Err(Error::Stale(path.clone()));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
