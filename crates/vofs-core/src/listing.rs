//! Listings on their way: what has arrived of a directory, and who waits for more.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::error::Result;
use crate::meta::Meta;
use crate::path::NodePath;

/// The children of a directory, as far as they are known yet.
#[derive(Debug, Default)]
pub(crate) struct Children {
    entries: Mutex<Vec<(String, Meta)>>,
    progress: watch::Sender<Progress>,
}

#[derive(Debug, Clone, Default)]
struct Progress {
    count: usize,
    outcome: Option<Result<()>>,
}

/// The listings that are in the air.
#[derive(Debug, Default)]
pub(crate) struct Listings(Mutex<HashMap<NodePath, Arc<Children>>>);

impl Listings {
    /// The listing of `path` that is in the air, or a new one that the caller has to fill (`true`).
    pub(crate) fn join_or_begin(&self, path: &NodePath) -> (Arc<Children>, bool) {
        let mut flying = self.0.lock();
        if let Some(children) = flying.get(path) {
            return (Arc::clone(children), false);
        }
        let children = Arc::<Children>::default();
        flying.insert(path.clone(), Arc::clone(&children));
        (children, true)
    }

    /// It has ended; who opens the directory from now on begins anew.
    pub(crate) fn end(&self, path: &NodePath) {
        self.0.lock().remove(path);
    }
}

impl Children {
    pub(crate) fn push(&self, name: String, meta: Meta) {
        let mut entries = self.entries.lock();
        entries.push((name, meta));
        self.progress.send_modify(|progress| progress.count = entries.len());
    }

    pub(crate) fn finish(&self, outcome: Result<()>) {
        self.progress.send_modify(|progress| progress.outcome = Some(outcome));
    }

    /// True when [`Children::get`] of `index` would not wait.
    pub(crate) fn is_known(&self, index: usize) -> bool {
        let progress = self.progress.borrow();
        index < progress.count || progress.outcome.is_some()
    }

    /// The child at `index`, once it is there; `None` past the last one.
    pub(crate) async fn get(&self, index: usize) -> Result<Option<(String, Meta)>> {
        let mut progress = self.progress.subscribe();
        loop {
            let outcome = {
                let progress = progress.borrow_and_update();
                if index < progress.count {
                    break;
                }
                progress.outcome.clone()
            };
            if let Some(outcome) = outcome {
                return outcome.map(|()| None);
            }
            if progress.changed().await.is_err() {
                return Ok(None);
            }
        }
        Ok(self.entries.lock().get(index).cloned())
    }
}
