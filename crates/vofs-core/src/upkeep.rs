//! What a mount does by itself while nobody asks: writes the index of its cache down, and checks what became complete.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::AbortOnDropHandle;

use crate::blocks::{Store, Verdict};
use crate::engine::Engine;

/// How often the index learns what was used: what a crash forgets of the order of use at most.
const NOTE_EVERY: Duration = Duration::from_secs(60);

/// A check does not begin while blocks arrive or readers are answered, who need the disk and the processor; but not for
/// longer than so many seconds, or a busy mount would never check anything.
const PATIENCE: u32 = 60;

/// The tasks; they end with the engine.
#[derive(Debug)]
pub(crate) struct Upkeep {
    _notes: AbortOnDropHandle<()>,
    _digests: AbortOnDropHandle<()>,
}

impl Upkeep {
    /// Begins.
    pub(crate) fn start(engine: &Arc<Engine>) -> Self {
        let store = Arc::clone(&engine.store);
        let notes = tokio::spawn(async move {
            loop {
                tokio::time::sleep(NOTE_EVERY).await;
                store.note();
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
        Upkeep { _notes: AbortOnDropHandle::new(notes), _digests: AbortOnDropHandle::new(digests) }
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
