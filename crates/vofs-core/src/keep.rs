//! What the user keeps in the cache (pins), and sends away (forget).

use std::sync::Arc;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::path::NodePath;

/// What left the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forgotten {
    /// How many files had blocks there.
    pub files: usize,
    /// What they took on the disk.
    pub bytes: u64,
}

impl Engine {
    /// Keeps `path` and all below it: what is in the cache of it is not evicted any more. Durable on return. Nothing is
    /// fetched. False when it was pinned.
    ///
    /// # Errors
    /// What the service said of `path`; [`Error::CacheDir`] when the journal cannot be written.
    pub async fn pin(self: &Arc<Self>, path: &NodePath) -> Result<bool> {
        self.resolve(path).await?;
        let is_new = self.pins.add(path);
        self.journal.write_pins(&self.pins).await?;
        Ok(is_new)
    }

    /// Lets it be evicted again. False when it was not pinned by this name.
    ///
    /// # Errors
    /// [`Error::CacheDir`] when the journal cannot be written.
    pub async fn unpin(&self, path: &NodePath) -> Result<bool> {
        let was = self.pins.remove(path);
        self.journal.write_pins(&self.pins).await?;
        Ok(was)
    }

    /// What is pinned.
    pub fn pinned(&self) -> Vec<NodePath> {
        self.pins.list()
    }

    /// The pins go with the names that they are of.
    pub(crate) fn rename_pins(self: &Arc<Self>, from: &NodePath, to: &NodePath) {
        if self.pins.rename(from, to) {
            let engine = Arc::clone(self);
            self.runtime.spawn(async move {
                if let Err(error) = engine.journal.write_pins(&engine.pins).await {
                    tracing::warn!(%error, "a pin was not written down under its new name");
                }
            });
        }
    }

    /// Drops what is cached of `path` and all below it, but for what is pinned, and what is known of them. Changes that are
    /// not uploaded yet stay.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what is pinned itself; [`Error::CacheDir`] when the index cannot be written.
    pub async fn forget_cached(self: &Arc<Self>, path: &NodePath) -> Result<Forgotten> {
        if self.pins.hold(path) {
            let cause = "it is pinned; `mountvofs unpin` comes first".to_owned();
            return Err(Error::Invalid { path: path.clone(), cause });
        }
        self.names.expire_tree(path).await?;
        let (store, path) = (Arc::clone(&self.store), path.clone());
        let dropped = tokio::task::spawn_blocking(move || store.forget_tree(&path)).await.unwrap_or_default();
        Ok(Forgotten { files: dropped.files, bytes: dropped.bytes })
    }
}
