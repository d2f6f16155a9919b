//! One request for a run of blocks, from its start to its landing.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use futures_util::StreamExt;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::blocks::{BLOCK, OpenBlocks};
use crate::budget::Permit;
use crate::error::Error;
use crate::path::NodePath;

use super::{Fetcher, check_version};

/// How far a flight is.
#[derive(Debug)]
pub(super) struct Progress {
    /// The next block that it brings.
    next: u64,
    /// One past its last block.
    end: u64,
    /// How it ended, if it has.
    outcome: Option<Outcome>,
}

#[derive(Debug, Clone)]
enum Outcome {
    Done,
    Failed(Error),
}

/// What a reader learns of its block.
#[derive(Debug)]
pub(super) enum Landing {
    /// It came, or the flight ended without failing: look into the cache.
    Arrived,
    /// The service failed.
    Failed(Error),
}

/// One request.
#[derive(Debug)]
pub(super) struct Flight {
    progress: watch::Sender<Progress>,
    task: Mutex<Option<AbortHandle>>,
    whole: AtomicBool,
    /// Memory for what is on its way: for the block that is waited for, and for those behind it.
    memory: Mutex<[Permit; 2]>,
}

impl Flight {
    pub(super) fn new(run: Range<u64>, memory: [Permit; 2]) -> Self {
        let progress = watch::Sender::new(Progress { next: run.start, end: run.end, outcome: None });
        Flight { progress, task: Mutex::new(None), whole: AtomicBool::new(false), memory: Mutex::new(memory) }
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

    pub(super) fn subscribe(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
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
    }

    fn passed(&self, block: u64) {
        let [needed, ahead] = &mut *self.memory.lock();
        let first = if needed.bytes() > 0 { needed } else { ahead };
        first.give_back(BLOCK);
        self.progress.send_modify(|progress| progress.next = progress.next.max(block));
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
    fetcher.landed(&blocks, &flight);
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
    let (first, end) = (flight.progress.borrow().next, flight.reach());
    let range = first * BLOCK..(end * BLOCK).min(blocks.length());
    let incoming = fetcher.remote.open(path, range).await.map_err(Trouble::Final)?;
    check_version(path, blocks, &incoming).map_err(Trouble::Final)?;
    if !incoming.partial && (first > 0 || end * BLOCK < blocks.length()) {
        if fetcher.ranges.swap(false, Ordering::Relaxed) {
            tracing::debug!(%path, "the service ignores ranges: one shared stream a file from now on");
        }
        if !fetcher.takes_whole(blocks, flight) {
            // Another request of the same moment streams the file already; who waits for this one turns to that.
            return Ok(());
        }
    }
    fetcher.answered.store(true, Ordering::Relaxed);
    let broken = |cause: String| Error::Io { path: path.clone(), cause };
    let mut block = incoming.start / BLOCK;
    if !incoming.start.is_multiple_of(BLOCK) || (incoming.partial && block != first) {
        let cause = format!("asked for bytes from {} on, the service sent them from {}", first * BLOCK, incoming.start);
        return Err(Trouble::Final(broken(cause)));
    }
    let mut body = incoming.body;
    let mut buffer = BytesMut::with_capacity(BLOCK as usize);
    while block < flight.reach() {
        let length = blocks.block_length(block);
        while buffer.len() < length {
            let Some(part) = body.next().await else {
                let at = block * BLOCK + buffer.len() as u64;
                return Err(Trouble::Cut(broken(format!("the service ended the file at byte {at}"))));
            };
            buffer.extend_from_slice(&part.map_err(Trouble::Cut)?);
        }
        let bytes = buffer.split_to(length);
        fetcher.store.write(blocks, block, &bytes);
        block += 1;
        flight.passed(block);
    }
    Ok(())
}
