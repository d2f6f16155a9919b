//! The life of a mount: start with recovery, and drain.

mod recover;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::blocks::Store;
use crate::budget::Budget;
use crate::cachedir::CacheDir;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::{Db, Durability, schema};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::fetch::Fetcher;
use crate::fetch::ahead::LookedAhead;
use crate::fetch::sweep::Sweeps;
use crate::file::FileTable;
use crate::handles::Handles;
use crate::inode::InodeTable;
use crate::journal::Journal;
use crate::listing::Listings;
use crate::namespace::Namespace;
use crate::path::NodePath;
use crate::remote::Remote;
use crate::upkeep::Upkeep;

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
        let journal = Journal::open(&cache_dir.journal(), &cache_dir.dirty(), &config.identity).await?;
        let index = open_index(&cache_dir, &config.identity).await?;
        let budget = Budget::new(config.memory_limit);
        let store = Store::open(&cache_dir.blocks(), config.cache_limit, index.clone(), Arc::clone(&budget)).await?;
        let fetcher = Fetcher::new(Arc::clone(&remote), Arc::clone(&store), config.read_deadline, budget);
        let names = Namespace::open(index, Arc::clone(&clock), &config).await?;
        let engine = Arc::new(Engine {
            inodes: InodeTable::new(),
            names,
            fetcher: Arc::new(fetcher),
            files: FileTable::new(),
            handles: Handles::default(),
            listings: Listings::default(),
            sweeps: Sweeps::default(),
            looked_ahead: LookedAhead::default(),
            uploads: Semaphore::new(config.uploads.max(1)),
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

    /// Uploads what is not uploaded yet, for at most `limit`; then writes the indexes. Returns the paths that remain: they
    /// are in the journal and go out at the next mount.
    pub async fn drain(self: &Arc<Self>, limit: Duration) -> Vec<NodePath> {
        let willing = self.files.dirty().into_iter().filter(|file| !file.state().refused);
        let uploads = willing.map(|file| {
            let engine = Arc::clone(self);
            async move { engine.flush_file(&file, true).await }
        });
        let _ = tokio::time::timeout(limit, futures_util::future::join_all(uploads)).await;
        if let Err(error) = self.store.save().await {
            tracing::warn!(%error, "block cache: the index was not saved");
        }
        if let Err(error) = self.names.save().await {
            tracing::warn!(%error, "metadata cache: the index was not saved");
        }
        let remaining = self.files.dirty();
        let mut paths: Vec<_> = remaining.iter().filter_map(|file| file.state().path.clone()).collect();
        paths.sort();
        paths
    }
}

/// The index is a cache: one that is damaged, or of another space, is started anew.
async fn open_index(cache_dir: &CacheDir, identity: &str) -> Result<Db> {
    let place = cache_dir.index();
    let open = || Db::open(&place, schema::INDEX, Durability::Process);
    let db = match open() {
        Ok(db) => db,
        Err(error) => {
            tracing::warn!(%error, index = %place.display(), "cache index: damaged, started anew");
            remove_database(&place);
            open().map_err(|error| Error::CacheDir(format!("cache index {}: {error}", place.display())))?
        }
    };
    let wanted = identity.to_owned();
    db.call(move |connection| {
        let owner: Option<String> = connection
            .query_row("SELECT value FROM property WHERE key = 'identity'", [], |row| row.get(0))
            .map(Some)
            .or_else(|error| if error == rusqlite::Error::QueryReturnedNoRows { Ok(None) } else { Err(error) })?;
        if owner.as_deref() != Some(&wanted) {
            connection.execute_batch("DELETE FROM directory; DELETE FROM file;")?;
            connection.execute("INSERT OR REPLACE INTO property (key, value) VALUES ('identity', ?1)", [&wanted])?;
        }
        Ok(())
    })
    .await?;
    Ok(db)
}

fn remove_database(place: &std::path::Path) {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = place.as_os_str().to_owned();
        name.push(suffix);
        let _ = std::fs::remove_file(name);
    }
}

#[cfg(test)]
mod listings;
#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
