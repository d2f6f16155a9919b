//! What a mount does by itself while nobody asks: writes the index of its cache down, checks what became complete, and gives
//! memory back.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::AbortOnDropHandle;

use crate::blocks::{Store, Verdict};
use crate::engine::Engine;
use crate::heap;
use crate::offline;

/// How often the index learns what was used: what a crash forgets of the order of use at most.
const NOTE_EVERY: Duration = Duration::from_secs(60);

/// So many inodes that the kernel forgot since the last look are worth looking for free memory: some 5 MB.
const MANY: usize = 50_000;

/// A check does not begin while blocks arrive or readers are answered, who need the disk and the processor; but not for
/// longer than so many seconds, or a busy mount would never check anything.
const PATIENCE: u32 = 60;

/// The tasks; they end with the engine.
#[derive(Debug)]
pub(crate) struct Upkeep {
    _notes: AbortOnDropHandle<()>,
    _digests: AbortOnDropHandle<()>,
    _outages: AbortOnDropHandle<()>,
}

impl Upkeep {
    /// Begins.
    pub(crate) fn start(engine: &Arc<Engine>) -> Self {
        let (store, weak) = (Arc::clone(&engine.store), Arc::downgrade(engine));
        let notes = tokio::spawn(async move {
            loop {
                tokio::time::sleep(NOTE_EVERY).await;
                store.note();
                if weak.upgrade().is_some_and(|engine| engine.inodes.take_dropped() >= MANY) {
                    let _ = tokio::task::spawn_blocking(heap::trim).await;
                }
            }
        });
        let (store, weak) = (Arc::clone(&engine.store), Arc::downgrade(engine));
        let digests = tokio::spawn(async move {
            // Many small files are checked in one go, not one a second.
            let mut quiet_at = None;
            loop {
                let id = store.next_unverified().await;
                if quiet_at != Some(store.activity()) {
                    quiet(&store).await;
                    quiet_at = Some(store.activity());
                }
                let checked = Arc::clone(&store);
                let verdict = tokio::task::spawn_blocking(move || checked.check_digest(id)).await;
                if let Ok(Verdict::ThrownAway(version)) = verdict
                    && let Some(engine) = weak.upgrade()
                {
                    engine.files.forget_pages(&version);
                }
            }
        });
        let outages = tokio::spawn(offline::watch(Arc::downgrade(engine), Arc::clone(&engine.outage)));
        Upkeep {
            _notes: AbortOnDropHandle::new(notes),
            _digests: AbortOnDropHandle::new(digests),
            _outages: AbortOnDropHandle::new(outages),
        }
    }
}

/// Returns when no block has come and nobody has read for a second.
async fn quiet(store: &Store) {
    for _ in 0..PATIENCE {
        let before = store.activity();
        tokio::time::sleep(Duration::from_secs(1)).await;
        if store.activity() == before {
            return;
        }
    }
}
