//! The life of a mount: start with recovery, and drain.

mod databases;
mod recover;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};

use crate::budget::Budget;
use crate::cachedir::CacheDir;
use crate::clock::Clock;
use crate::config::Config;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::fetch::Fetcher;
use crate::fetch::ahead::LookedAhead;
use crate::fetch::sweep::Sweeps;
use crate::file::FileTable;
use crate::handles::Handles;
use crate::inode::InodeTable;
use crate::listing::Listings;
use crate::local::{self, Local};
use crate::path::NodePath;
use crate::proof::Proofs;
use crate::properties::PropertyCache;
use crate::remote::Remote;
use crate::upkeep::Upkeep;
use crate::upload::Wish;

impl Engine {
    /// Opens the cache, takes up what a former mount left unfinished, and asks for the root.
    ///
    /// # Errors
    /// [`Error::CacheDir`] when the cache directory cannot be used, else what the service said of the root.
    pub async fn start(config: Config, remote: Arc<dyn Remote>, clock: Arc<dyn Clock>) -> Result<Arc<Self>> {
        if config.cache_limit < Config::SMALLEST_CACHE {
            return Err(Error::CacheDir(format!(
                "the cache limit of {} bytes is too small to work with; give --cache_limit at least {} MiB",
                config.cache_limit,
                Config::SMALLEST_CACHE >> 20
            )));
        }
        let cache_dir = CacheDir::open(&config.cache_dir)?;
        let budget = Budget::new(config.memory_limit);
        let journal = databases::open_journal(&cache_dir, &config).await?;
        let (names, store) = databases::open_index(&cache_dir, &config, &clock, &budget).await?;
        let fetcher = Fetcher::new(Arc::clone(&remote), Arc::clone(&store), config.read_deadline, budget);
        let engine = Arc::new(Engine {
            inodes: InodeTable::new(),
            names,
            fetcher: Arc::new(fetcher),
            files: FileTable::new(),
            handles: Handles::default(),
            local: Local::open(config.local_only.clone(), local::root(&config.cache_dir)),
            properties: PropertyCache::default(),
            listings: Listings::default(),
            sweeps: Sweeps::default(),
            looked_ahead: LookedAhead::default(),
            proofs: Proofs::default(),
            uploads: Semaphore::new(config.uploads.max(1)),
            hurry: Notify::new(),
            unsettled: Mutex::default(),
            space: Mutex::default(),
            runtime: tokio::runtime::Handle::current(),
            config,
            remote,
            clock,
            store,
            journal,
            upkeep: OnceLock::new(),
            _cache_dir: cache_dir,
        });
        let root = engine.resolve(&NodePath::root()).await?;
        if !root.is_directory() {
            return Err(Error::NotADirectory(NodePath::root()));
        }
        engine.recover().await?;
        let _ = engine.upkeep.set(Upkeep::start(&engine));
        Ok(engine)
    }

    /// Uploads what is not uploaded yet.
    ///
    /// # Errors
    /// What one of the uploads met. Its bytes are in the journal and are tried again.
    pub async fn sync_all(self: &Arc<Self>) -> Result<()> {
        let outcomes = futures_util::future::join_all(self.uploads_left()).await;
        outcomes.into_iter().collect()
    }

    /// Uploads of all files that may be sent.
    fn uploads_left(self: &Arc<Self>) -> Vec<impl Future<Output = Result<()>> + use<>> {
        let willing = self.files.dirty().into_iter().filter(|file| file.state().stage.goes_on());
        let upload = |file| {
            let engine = Arc::clone(self);
            async move { engine.flush_file(&file, Wish::Send).await }
        };
        willing.map(upload).collect()
    }

    /// Uploads what is not uploaded yet, for at most `limit`; then writes the indexes. Returns the paths that remain: they
    /// are in the journal and go out at the next mount.
    pub async fn drain(self: &Arc<Self>, limit: Duration) -> Vec<NodePath> {
        let _ = tokio::time::timeout(limit, futures_util::future::join_all(self.uploads_left())).await;
        if let Err(error) = self.store.save().await {
            tracing::warn!(%error, "block cache: the index was not saved");
        }
        if let Err(error) = self.names.save().await {
            tracing::warn!(%error, "metadata cache: the index was not saved");
        }
        let remaining = self.files.dirty();
        let remaining = remaining.iter().filter(|file| !self.stays_here(file));
        let mut paths: Vec<_> = remaining.filter_map(|file| file.state().path.clone()).collect();
        paths.sort();
        paths
    }
}

#[cfg(test)]
mod background;
#[cfg(test)]
mod listings;
#[cfg(test)]
mod model;
#[cfg(test)]
mod opening;
#[cfg(test)]
mod promises;
#[cfg(test)]
mod tests;
