//! The life of a mount: start with recovery, and drain.

mod databases;
mod recover;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;

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
use crate::identity::Identity;
use crate::inode::InodeTable;
use crate::listing::Listings;
use crate::local::{self, Local};
use crate::offline::Outage;
use crate::path::NodePath;
use crate::pins::Pins;
use crate::proof::Proofs;
use crate::properties::PropertyCache;
use crate::properties::swept::Swept;
use crate::remote::Remote;
use crate::upkeep::Upkeep;
use crate::upload::{self, Wish};

/// Longest pause between two tries of a drain: somebody waits for it.
const DRAIN_PAUSE: Duration = Duration::from_secs(10);

impl Engine {
    /// Opens the cache, asks for the root, and takes up what a former mount left unfinished. Without the service it begins with
    /// what a former mount knew, if that is anything.
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
        let pins = Arc::new(Pins::new(journal.pins().await?));
        let (names, store) = databases::open_index(&cache_dir, &config, &clock, &budget, &pins).await?;
        let fetcher = Fetcher::new(Arc::clone(&remote), Arc::clone(&store), config.read_deadline, budget);
        fetcher.set_connections(config.transfers);
        let engine = Arc::new(Engine {
            inodes: InodeTable::new(),
            names,
            fetcher: Arc::new(fetcher),
            files: FileTable::new(),
            handles: Handles::default(),
            local: Local::open(config.local_only.clone(), local::root(&config.cache_dir)),
            properties: PropertyCache::default(),
            swept: Swept::default(),
            listings: Listings::default(),
            along: Arc::default(),
            identity: Identity::default(),
            keeps_properties: OnceLock::new(),
            keeps_rights: OnceLock::new(),
            sweeps: Sweeps::default(),
            looked_ahead: LookedAhead::default(),
            outage: Arc::new(Outage::new(config.hope)),
            pins,
            proofs: Proofs::default(),
            uploads: upload::places(config.uploads),
            hurry: Arc::default(),
            unsettled: Mutex::default(),
            leftovers: Mutex::default(),
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
        let root = engine.root_at_start().await?;
        if !root.is_directory() {
            return Err(Error::NotADirectory(NodePath::root()));
        }
        engine.recover().await?;
        engine.store.lend_files(engine.config.passthrough);
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

    /// Uploads what is not uploaded yet, again and again for at most `limit` where that fails and may succeed later; then writes
    /// the indexes. Returns the paths that remain: they are in the journal and go out at the next mount.
    pub async fn drain(self: &Arc<Self>, limit: Duration) -> Vec<NodePath> {
        let _ = tokio::time::timeout(limit, self.send_until_sent()).await;
        if let Err(error) = self.store.save().await {
            tracing::warn!(%error, "block cache: the index was not saved");
        }
        if let Err(error) = self.names.save().await {
            tracing::warn!(%error, "metadata cache: the index was not saved");
        }
        self.remaining()
    }

    /// Returns when all is sent that may be. A service that is down for a minute at the end of a batch job costs a minute then,
    /// and not the results: its cache directory may go with the job.
    async fn send_until_sent(self: &Arc<Self>) {
        let (mut pause, _) = self.config.retry_pause;
        while self.sync_all().await.is_err() && !self.uploads_left().is_empty() {
            upload::sender::rest(self, pause).await;
            pause = (pause * 2).min(DRAIN_PAUSE);
        }
    }

    /// The paths of files that are still to be sent.
    pub fn remaining(&self) -> Vec<NodePath> {
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
mod habits;
#[cfg(test)]
mod interrupted;
#[cfg(test)]
mod kept;
#[cfg(test)]
mod kills;
#[cfg(test)]
mod lending;
#[cfg(test)]
mod listings;
#[cfg(test)]
mod model;
#[cfg(test)]
mod offline;
#[cfg(test)]
mod opening;
#[cfg(test)]
mod promises;
#[cfg(test)]
mod races;
#[cfg(test)]
mod refused;
#[cfg(test)]
mod spoilt;
#[cfg(test)]
mod tests;
