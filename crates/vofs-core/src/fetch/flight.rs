//! One request for a run of blocks, from its start to its landing.
//!
//! Blocks are handed over one by one as they come; who waits for one is woken then. A request that brings the whole file,
//! because the service ignores ranges, is the one stream of that file: it goes on while the file is open, but stands still
//! when it is so far ahead of all readers that it would push out of the cache what they have not read.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use futures_util::StreamExt;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::timeout;

use crate::blocks::{BLOCK, OpenBlocks};
use crate::budget::Permit;
use crate::error::Error;
use crate::path::NodePath;
use crate::remote::{Incoming, Route};

use super::{Fetcher, check_version};

/// How far a flight is.
#[derive(Debug)]
struct Progress {
    /// The next block that it brings.
    next: u64,
    /// One past its last block.
    end: u64,
    /// What the answer told of the file, once there is an answer.
    proof: Option<Proof>,
    /// How it ended, if it has.
    outcome: Option<Outcome>,
}

#[derive(Debug, Clone)]
enum Outcome {
    Done,
    Failed(Error),
}

/// What an answer says of the version whose bytes it brings. One that shows another version is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// It is the one that was asked for, by its digest.
    Same,
    /// Nothing speaks against it.
    Possible,
}

/// What a reader learns of its block.
#[derive(Debug)]
pub(super) enum Landing {
    /// It came, or the flight ended without failing: look into the cache.
    Arrived,
    /// The service failed.
    Failed(Error),
}

/// What kind of request it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A range of an open file.
    Range,
    /// The whole file, for a service without ranges.
    Whole,
    /// The first piece of a file that nobody may open: where it turns into a stream of the whole, it is broken off.
    Taste,
}

/// One request.
#[derive(Debug)]
pub(super) struct Flight {
    kind: Kind,
    route: Route,
    progress: watch::Sender<Progress>,
    task: Mutex<Option<AbortHandle>>,
    whole: AtomicBool,
    /// Memory for what is on its way: for what is waited for, and for what comes behind it.
    memory: Mutex<[Permit; 2]>,
    /// Blocks that readers wait for, and how many of them.
    awaited: Mutex<BTreeMap<u64, usize>>,
    /// Where the file was read last, in bytes.
    reader: AtomicU64,
    /// A reader has moved.
    moved: Notify,
}

/// A reader that waits for a block of a flight.
pub(super) struct Waiter<'a> {
    flight: &'a Flight,
    block: u64,
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let mut awaited = self.flight.awaited.lock();
        if let Some(count) = awaited.get_mut(&self.block) {
            *count -= 1;
            if *count == 0 {
                awaited.remove(&self.block);
            }
        }
    }
}

impl Flight {
    pub(super) fn new(kind: Kind, route: Route, run: Range<u64>, memory: [Permit; 2]) -> Self {
        let reader = AtomicU64::new(run.start * BLOCK);
        let progress = Progress { next: run.start, end: run.end, proof: None, outcome: None };
        Flight {
            kind,
            route,
            progress: watch::Sender::new(progress),
            task: Mutex::new(None),
            whole: AtomicBool::new(kind == Kind::Whole),
            memory: Mutex::new(memory),
            awaited: Mutex::default(),
            reader,
            moved: Notify::new(),
        }
    }

    /// True while the block is still to come.
    pub(super) fn will_bring(&self, block: u64) -> bool {
        let progress = self.progress.borrow();
        progress.outcome.is_none() && (progress.next..progress.end).contains(&block)
    }

    /// One past the last block that it brings.
    pub(super) fn reach(&self) -> u64 {
        self.progress.borrow().end
    }

    pub(super) fn subscribe(&self) -> Subscription {
        Subscription(self.progress.subscribe())
    }

    /// What has become of `block` (of the whole flight without one), once that is known.
    pub(super) fn landing(&self, block: Option<u64>) -> Option<Landing> {
        let progress = self.progress.borrow();
        match &progress.outcome {
            Some(Outcome::Done) => Some(Landing::Arrived),
            Some(Outcome::Failed(error)) => Some(Landing::Failed(error.clone())),
            None => {
                block.is_some_and(|block| !(progress.next..progress.end).contains(&block)).then_some(Landing::Arrived)
            }
        }
    }

    /// What its answer says of the version; `None` before there is one, and `Some(None)` when there will be none.
    pub(super) fn proof(&self) -> Option<Option<Proof>> {
        let progress = self.progress.borrow();
        progress.proof.map(Some).or_else(|| progress.outcome.as_ref().map(|_| None))
    }

    /// Somebody waits for `block` as long as this lives.
    pub(super) fn await_block(&self, block: u64) -> Waiter<'_> {
        *self.awaited.lock().entry(block).or_default() += 1;
        self.reader_at((block + 1) * BLOCK);
        Waiter { flight: self, block }
    }

    /// True when somebody waits for a block that is still to come.
    pub(super) fn is_awaited(&self) -> bool {
        let next = self.progress.borrow().next;
        self.awaited.lock().range(next..).next().is_some()
    }

    /// A reader of the file is at this byte.
    pub(super) fn reader_at(&self, byte: u64) {
        self.reader.store(byte, Ordering::Relaxed);
        self.moved.notify_one();
    }

    pub(super) fn can_be_ended_by(&self, task: AbortHandle) {
        *self.task.lock() = Some(task);
    }

    /// Ends the request; readers that still wait look again.
    pub(super) fn end(&self) {
        if let Some(task) = self.task.lock().take() {
            task.abort();
        }
        self.progress.send_modify(|progress| {
            progress.outcome.get_or_insert(Outcome::Done);
        });
        self.return_memory();
    }

    fn passed(&self, block: u64) {
        let [needed, ahead] = &mut *self.memory.lock();
        let first = if needed.bytes() > 0 { needed } else { ahead };
        first.give_back(BLOCK);
        self.progress.send_modify(|progress| progress.next = progress.next.max(block));
    }

    fn return_memory(&self) {
        for permit in &mut *self.memory.lock() {
            permit.give_back(permit.bytes());
        }
    }

    /// The service sends the whole file, whatever was asked for.
    pub(super) fn becomes_whole(&self, blocks: &OpenBlocks) {
        self.whole.store(true, Ordering::Relaxed);
        self.progress.send_modify(|progress| {
            progress.next = 0;
            progress.end = blocks.length().div_ceil(BLOCK);
        });
    }

    /// True for the one stream of a whole file.
    pub(super) fn is_whole(&self) -> bool {
        self.whole.load(Ordering::Relaxed)
    }

    /// Stands still while a stream of the whole file is more than `slack` bytes ahead of where the file was read last and
    /// nobody waits for what is still to come.
    async fn keep_near(&self, block: u64, slack: u64) {
        while self.is_whole()
            && block * BLOCK > self.reader.load(Ordering::Relaxed).saturating_add(slack)
            && !self.is_awaited()
        {
            self.moved.notified().await;
        }
    }
}

/// News of a flight.
#[derive(Debug)]
pub(super) struct Subscription(watch::Receiver<Progress>);

impl Subscription {
    /// Waits for news; false when there will be none.
    pub(super) async fn news(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }
}

/// Requests in a row that bring no new block before a body that keeps breaking off is an error.
const TRIES: u32 = 4;

/// Pause before the second of them; it doubles.
const PAUSE: Duration = Duration::from_millis(100);

/// Flies: asks, checks, and puts block after block into the cache. A body that breaks off is asked for again from where
/// it broke; what the client library itself could not get by trying again is final.
pub(super) async fn fly(fetcher: Arc<Fetcher>, path: NodePath, blocks: OpenBlocks, flight: Arc<Flight>) {
    let mut tries = 0;
    let outcome = loop {
        let before = flight.progress.borrow().next;
        match carry(&fetcher, &path, &blocks, &flight).await {
            Ok(()) => break Outcome::Done,
            // A stream that stood still for so long that the service gave up: asked for again when somebody reads on.
            Err(Trouble::Cut(_)) if flight.is_whole() && !flight.is_awaited() => break Outcome::Done,
            Err(Trouble::Cut(error)) => {
                tries = if flight.progress.borrow().next > before { 1 } else { tries + 1 };
                if tries == TRIES {
                    break Outcome::Failed(error);
                }
                tracing::debug!(%path, %error, "asked for again");
                tokio::time::sleep(PAUSE * 2_u32.pow(tries - 1)).await;
            }
            Err(Trouble::Final(error)) => {
                if matches!(error, Error::Stale(_)) {
                    fetcher.store.doom_version(&blocks);
                }
                break Outcome::Failed(error);
            }
        }
    };
    fetcher.traffic.landed(blocks.id(), &flight);
    flight.return_memory();
    flight.progress.send_modify(|progress| progress.outcome = Some(outcome));
}

/// What ends a request before its last block.
#[derive(Debug)]
enum Trouble {
    /// Asking again would not help.
    Final(Error),
    /// The body broke off.
    Cut(Error),
}

async fn carry(fetcher: &Fetcher, path: &NodePath, blocks: &OpenBlocks, flight: &Arc<Flight>) -> Result<(), Trouble> {
    let deadline = fetcher.deadline;
    let late = |what: &str| {
        let cause = format!("no {what} for {} s while reading", deadline.as_secs());
        Trouble::Final(Error::Timeout { path: path.clone(), cause })
    };
    // Until the service has shown whether it has ranges, one request at a time: two could both turn into whole files.
    let learning = match fetcher.ranges.get() {
        None => Some(fetcher.learning.lock().await),
        Some(_) => None,
    };
    // Streams of whole files last for as long as somebody reads; they do not count.
    let connection = match flight.kind {
        Kind::Whole => None,
        Kind::Range | Kind::Taste => fetcher.connections.acquire().await.ok(),
    };
    let (first, end) = (flight.progress.borrow().next, flight.reach());
    let whole = first == 0 && end * BLOCK >= blocks.length();
    if learning.is_some() && fetcher.ranges.get() == Some(false) && !whole && flight.kind == Kind::Range {
        // Learned meanwhile; who waits for this one turns to the stream.
        return Ok(());
    }
    let range = first * BLOCK..(end * BLOCK).min(blocks.length());
    let opening = timeout(deadline, fetcher.remote.open(path, range, flight.route)).await;
    let incoming = opening.map_err(|_| late("answer"))?.map_err(Trouble::Final)?;
    let proof = check_version(path, blocks, &incoming).map_err(Trouble::Final)?;
    flight.progress.send_modify(|progress| progress.proof = Some(proof));
    if !whole {
        fetcher.ranges.learn(path, incoming.partial);
    }
    drop(learning);
    if !incoming.partial && !whole && flight.kind == Kind::Range && !fetcher.takes_whole(blocks, flight) {
        // Another request of the same moment streams the file already; who waits for this one turns to that.
        return Ok(());
    }
    let _connection = connection.filter(|_| !flight.is_whole());
    let start = incoming.start / BLOCK;
    if !incoming.start.is_multiple_of(BLOCK) || (incoming.partial && start != first) {
        let cause = format!("asked for bytes from {} on, the service sent them from {}", first * BLOCK, incoming.start);
        return Err(Trouble::Final(Error::Io { path: path.clone(), cause }));
    }
    receive(fetcher, path, blocks, flight, incoming, start, &late).await
}

async fn receive(
    fetcher: &Fetcher,
    path: &NodePath,
    blocks: &OpenBlocks,
    flight: &Flight,
    incoming: Incoming,
    mut block: u64,
    late: &(dyn Fn(&str) -> Trouble + Sync),
) -> Result<(), Trouble> {
    let mut body = incoming.body;
    let mut buffer = BytesMut::with_capacity(BLOCK as usize);
    while block < flight.reach() {
        flight.keep_near(block, fetcher.store.capacity() / 2).await;
        let length = blocks.block_length(block);
        let filled = timeout(fetcher.deadline, async {
            while buffer.len() < length {
                let Some(part) = body.next().await else {
                    let cause = format!("the service ended the file at byte {}", block * BLOCK + buffer.len() as u64);
                    return Err(Trouble::Cut(Error::Io { path: path.clone(), cause }));
                };
                buffer.extend_from_slice(&part.map_err(Trouble::Cut)?);
            }
            Ok(())
        });
        filled.await.map_err(|_| late("block"))??;
        let bytes = buffer.split_to(length);
        fetcher.store.write(blocks, block, &bytes);
        block += 1;
        flight.passed(block);
    }
    Ok(())
}
