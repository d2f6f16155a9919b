//! Opening the databases of the cache directory, as they were left, damaged, of another space, or on a disk that is full.
//!
//! The index and the blocks are a cache: where they cannot be used they are set aside and begun anew. The journal is not.

use std::sync::Arc;

use crate::blocks::Store;
use crate::budget::Budget;
use crate::cachedir::CacheDir;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::{Db, Durability, schema};
use crate::error::{Error, Result};
use crate::journal::Journal;
use crate::namespace::Namespace;
use crate::pins::Pins;

/// The journal. Where the disk is full, the cache makes room for it: without a journal nothing could be written.
pub(super) async fn open_journal(cache_dir: &CacheDir, config: &Config) -> Result<Journal> {
    let (database, dirty) = (cache_dir.journal(), cache_dir.dirty());
    let open = || Journal::open(&database, &dirty, &config.identity);
    match open().await {
        Err(error) if cache_dir.is_full() => {
            tracing::warn!(%error, "the disk of the cache directory is full: the block cache is given up for the journal");
            cache_dir.remove_blocks();
            open().await.map_err(|error| if cache_dir.is_full() { cache_dir.full() } else { error })
        }
        outcome => outcome,
    }
}

/// The metadata and the block cache, out of one index.
pub(super) async fn open_index(
    cache_dir: &CacheDir,
    config: &Config,
    clock: &Arc<dyn Clock>,
    budget: &Arc<Budget>,
    pins: &Arc<Pins>,
) -> Result<(Namespace, Arc<Store>)> {
    match try_index(cache_dir, config, clock, budget, pins).await {
        Ok(opened) => Ok(opened),
        Err(error) => {
            tracing::warn!(%error, "cache index: damaged; set aside and begun anew, with an empty block cache");
            cache_dir.set_index_aside()?;
            try_index(cache_dir, config, clock, budget, pins).await
        }
    }
}

async fn try_index(
    cache_dir: &CacheDir,
    config: &Config,
    clock: &Arc<dyn Clock>,
    budget: &Arc<Budget>,
    pins: &Arc<Pins>,
) -> Result<(Namespace, Arc<Store>)> {
    let place = cache_dir.index();
    let db = Db::open(&place, schema::INDEX, Durability::Process)
        .map_err(|error| Error::CacheDir(format!("cache index {}: {error}", place.display())))?;
    let wanted = config.identity.clone();
    db.call(move |connection| {
        let owner: Option<String> = connection
            .query_row("SELECT value FROM property WHERE key = 'identity'", [], |row| row.get(0))
            .map(Some)
            .or_else(|error| if error == rusqlite::Error::QueryReturnedNoRows { Ok(None) } else { Err(error) })?;
        let of_another = owner.as_deref() != Some(&wanted);
        if of_another {
            connection.execute_batch("DELETE FROM directory; DELETE FROM file;")?;
            Store::forget_order(connection)?;
            connection.execute("INSERT OR REPLACE INTO property (key, value) VALUES ('identity', ?1)", [&wanted])?;
        }
        Ok(())
    })
    .await?;
    let names = Namespace::open(db.clone(), Arc::clone(clock), config).await?;
    let store = Store::open(&cache_dir.blocks(), config.cache_limit, db, Arc::clone(budget), Arc::clone(pins)).await?;
    if let Some(floor) = config.free_space {
        store.set_floor(floor);
    }
    Ok((names, store))
}
