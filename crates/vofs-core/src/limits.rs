//! Limits that may change while a mount runs.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::path::NodePath;
use crate::warm::SHARE;

/// Limits of a mount; in a change, those without a value stay as they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of the cache.
    pub cache_limit: Option<u64>,
    /// Bytes of its disk that stay free.
    pub free_space: Option<u64>,
    /// Requests for bytes at a time.
    pub transfers: Option<usize>,
    /// Uploads at a time; of files up to 1 MiB four times as many.
    pub uploads: Option<usize>,
    /// Bytes of memory for what is on its way.
    #[serde(default)]
    pub memory_limit: Option<u64>,
    /// Seconds for which a read waits without one new byte.
    #[serde(default)]
    pub read_timeout: Option<u64>,
}

impl Engine {
    /// The limits as they are.
    pub fn limits(&self) -> Limits {
        Limits {
            cache_limit: Some(self.store.limit()),
            free_space: Some(self.store.floor()),
            transfers: Some(self.fetcher.connections()),
            uploads: Some(self.uploads.limit()),
            memory_limit: Some(self.store.budget().total()),
            read_timeout: Some(self.fetcher.deadline().as_secs()),
        }
    }

    /// Changes some. What the cache has too much of is dropped before this returns.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cache that is too small to work, or for what is pinned; nothing is changed then.
    pub async fn change_limits(self: &Arc<Self>, change: Limits) -> Result<()> {
        if let Some(limit) = change.cache_limit {
            let pinned = self.store.pinned(&[]);
            let least = Config::SMALLEST_CACHE.max(pinned / SHARE.0 * SHARE.1);
            if limit < least {
                let cause =
                    format!("a cache of {limit} bytes is too small: {least} are needed, {pinned} bytes are pinned");
                return Err(Error::Invalid { path: NodePath::root(), cause });
            }
        }
        if let Some(memory) = change.memory_limit {
            self.store.budget().set_total(memory);
        }
        if let Some(seconds) = change.read_timeout {
            self.fetcher.set_deadline(Duration::from_secs(seconds.max(1)));
        }
        if let Some(number) = change.transfers {
            self.fetcher.set_connections(number);
        }
        if let Some(number) = change.uploads {
            self.uploads.set(number, &self.runtime);
        }
        let store = Arc::clone(&self.store);
        let dropped = tokio::task::spawn_blocking(move || {
            change.cache_limit.into_iter().for_each(|limit| store.set_limit(limit));
            change.free_space.into_iter().for_each(|floor| store.set_floor(floor));
        });
        dropped.await.map_err(|error| Error::CacheDir(error.to_string()))
    }
}
