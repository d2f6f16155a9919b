//! One request for a run of blocks, from its start to its landing.
//!
//! Blocks are handed over one by one as they come; who waits for one is woken then. A request that brings the whole file,
//! because the service ignores ranges, is the one stream of that file; what it keeps, when it stands still and when it
//! begins anew is decided in `stream`.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};

use crate::blocks::{BLOCK, OpenBlocks};
use crate::budget::Permit;
use crate::error::Error;
use crate::path::NodePath;
use crate::remote::{Incoming, Route};

use super::pace::Pace;
use super::stream::{Readers, Share, Step, Waiter, Wish};
use super::{Fetcher, check_version};

/// How far a flight is.
#[derive(Debug)]
struct Progress {
    /// The first block that it was asked for.
    first: u64,
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

/// Where a request is: bytes of its file. The end may lie up to a block behind that of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) start: u64,
    pub(crate) at: u64,
    pub(crate) end: u64,
}

/// One request.
#[derive(Debug)]
pub(super) struct Flight {
    path: NodePath,
    kind: Kind,
    route: Route,
    progress: watch::Sender<Progress>,
    task: Mutex<Option<AbortHandle>>,
    whole: AtomicBool,
    /// Memory for what is on its way: for what is waited for, and for what comes behind it.
    memory: Mutex<[Permit; 2]>,
    /// Who reads.
    readers: Readers,
}

impl Flight {
    pub(super) fn new(path: &NodePath, kind: Kind, route: Route, run: Range<u64>, memory: [Permit; 2]) -> Self {
        let progress = Progress { first: run.start, next: run.start, end: run.end, proof: None, outcome: None };
        Flight {
            path: path.clone(),
            kind,
            route,
            progress: watch::Sender::new(progress),
            task: Mutex::new(None),
            whole: AtomicBool::new(kind == Kind::Whole),
            memory: Mutex::new(memory),
            readers: Readers::default(),
        }
    }

    pub(super) fn path(&self) -> &NodePath {
        &self.path
    }

    /// How far it is, in bytes of the file.
    pub(super) fn extent(&self) -> Extent {
        let Progress { first, next, end, .. } = *self.progress.borrow();
        Extent { start: first * BLOCK, at: next * BLOCK, end: end * BLOCK }
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

    /// Waits for the blocks of `run`, as far as this will bring them; `None` when it will not bring the first.
    pub(super) fn join(self: &Arc<Self>, run: Range<u64>) -> Option<Waiter> {
        let mut places = self.readers.places();
        // No block is passed over between this question and the registration: that takes the same lock.
        let run = run.start..run.end.min(self.reach());
        self.will_bring(run.start).then(|| places.wait(self, Wish::Blocks(run)))
    }

    /// Waits for the end: what is wanted has been passed.
    pub(super) fn join_behind(self: &Arc<Self>) -> Waiter {
        let next = self.progress.borrow().next;
        self.readers.places().wait(self, Wish::Turn { asked_at: next })
    }

    /// True when somebody waits for a block that is still to come.
    pub(super) fn is_awaited(&self) -> bool {
        let next = self.progress.borrow().next;
        self.readers.places().awaits_beyond(next)
    }

    /// One past the last block that anybody waits for or will want next.
    fn wanted_end(&self) -> u64 {
        self.readers.places().wanted_end().min(self.reach())
    }

    /// A reader reads in sequence: these bytes come next.
    pub(super) fn reader_at(&self, zone: Range<u64>) {
        self.readers.reads_on(zone);
    }

    pub(super) fn readers(&self) -> &Readers {
        &self.readers
    }

    pub(super) fn leaves(&self, waiter: u64) {
        self.readers.leaves(waiter);
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
            progress.first = 0;
            progress.next = 0;
            progress.end = blocks.length().div_ceil(BLOCK);
        });
    }

    /// True for the one stream of a whole file.
    pub(super) fn is_whole(&self) -> bool {
        self.whole.load(Ordering::Relaxed)
    }

    /// What is to be done with `block`, the next one. A stream of the whole file waits here while nobody wants more of it.
    async fn next_step(&self, block: u64, share: impl Fn() -> Share) -> Step {
        loop {
            if !self.is_whole() {
                return Step::Keep;
            }
            // Asked for before the lock: it looks at all flights.
            let share = share();
            let step = {
                let mut places = self.readers.places();
                let step = places.step(block, &share);
                if step == Some(Step::Pass) {
                    // Whoever comes to wait for it from now on sees that it was passed.
                    self.progress.send_modify(|progress| progress.next = progress.next.max(block + 1));
                }
                step
            };
            match step {
                Some(step) => return step,
                None => self.readers.changed().await,
            }
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

/// How long a body may stand still before the rest of it is asked for anew; twice as long after each try. Connections
/// die without a word (a router that forgot them), and who comes to read while one is dead would wait for it as
/// long as who was there before. The last try has the whole deadline.
const STILL: Duration = Duration::from_secs(5);

/// The same for a stream of a whole file, which begins at its beginning when it is asked for anew.
const STREAM_STILL: Duration = Duration::from_secs(20);

/// How long the body of the try after `tries` others may stand still.
fn patience(flight: &Flight, tries: u32, deadline: Duration) -> Duration {
    let first = if flight.is_whole() { STREAM_STILL } else { STILL };
    if tries + 1 < TRIES { deadline.min(first * 2_u32.pow(tries)) } else { deadline }
}

/// Flies: asks, checks, and puts block after block into the cache. A body that breaks off is asked for again from where
/// it broke; what the client library itself could not get by trying again is final.
pub(super) async fn fly(fetcher: Arc<Fetcher>, path: NodePath, blocks: OpenBlocks, flight: Arc<Flight>) {
    let mut tries = 0;
    let outcome = loop {
        let before = flight.progress.borrow().next;
        match carry(&fetcher, &path, &blocks, &flight, tries).await {
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

async fn carry(
    fetcher: &Fetcher,
    path: &NodePath,
    blocks: &OpenBlocks,
    flight: &Arc<Flight>,
    tries: u32,
) -> Result<(), Trouble> {
    let deadline = fetcher.deadline();
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
        Kind::Range | Kind::Taste => Some(fetcher.connections.acquire().await),
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
    let still = patience(flight, tries, deadline);
    receive(&Trip { fetcher, path, blocks, flight, still }, incoming, start, &late).await
}

/// What a body is received for.
struct Trip<'a> {
    fetcher: &'a Fetcher,
    path: &'a NodePath,
    blocks: &'a OpenBlocks,
    flight: &'a Flight,
    /// How long the body may stand still.
    still: Duration,
}

async fn receive(
    trip: &Trip<'_>,
    incoming: Incoming,
    mut block: u64,
    late: &(dyn Fn(&str) -> Trouble + Sync),
) -> Result<(), Trouble> {
    let Trip { fetcher, blocks, flight, .. } = trip;
    let mut body = incoming.body;
    let mut buffer = BytesMut::with_capacity(BLOCK as usize);
    let mut pace = Pace::begin();
    while block < flight.reach() {
        let step = flight.next_step(block, || fetcher.share(blocks)).await;
        if step == Step::Yield {
            break;
        }
        let since = Instant::now();
        let length = blocks.block_length(block);
        let filled = timeout(fetcher.deadline(), async {
            while buffer.len() < length {
                let at = block * BLOCK + buffer.len() as u64;
                buffer.extend_from_slice(&trip.next_part(&mut body, at).await?);
            }
            Ok(())
        });
        filled.await.map_err(|_| late("block"))??;
        let bytes = buffer.split_to(length);
        if step == Step::Keep {
            fetcher.store.write(blocks, block, &bytes);
        }
        block += 1;
        flight.passed(block);
        if flight.is_whole()
            && let Some(rate) = pace.note(length, since)
            && fetcher.paces.gives_up(blocks.id(), &pace, rate, block, flight.wanted_end())
        {
            tracing::info!(path = %trip.path, rate, block, "the stream is stuck at a low rate: begun anew");
            return Ok(());
        }
    }
    if flight.is_whole() {
        fetcher.paces.ended(&pace);
    }
    Ok(())
}

impl Trip<'_> {
    /// What comes next of a body that has come to byte `at` of the file.
    async fn next_part(
        &self,
        body: &mut BoxStream<'static, crate::error::Result<Bytes>>,
        at: u64,
    ) -> Result<Bytes, Trouble> {
        let path = || self.path.clone();
        match timeout(self.still, body.next()).await {
            Ok(Some(part)) => part.map_err(Trouble::Cut),
            Ok(None) => {
                let cause = format!("the service ended the file at byte {at}");
                Err(Trouble::Cut(Error::Io { path: path(), cause }))
            }
            Err(_) => {
                let cause = format!("no byte after byte {at} for {} s", self.still.as_secs());
                Err(Trouble::Cut(Error::Timeout { path: path(), cause }))
            }
        }
    }
}
