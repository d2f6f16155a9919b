//! Bytes out: from the journal to the service, one upload of a file at a time, a bounded number in all.
//!
//! The order is the promise: the data file is synchronised and its record committed before anything else; the record is
//! removed only after the service has confirmed the bytes. An upload that fails changes nothing locally.

mod conflict;
mod flush;
pub(crate) mod retry;

use std::sync::Arc;

use crate::dirty::{DirtyFile, Part};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::fetch::window::Window;
use crate::file::{OpenFile, on_disk};
use crate::journal::{Pending, Stage};
use crate::meta::{Kind, Meta};
use crate::path::NodePath;
use crate::version::Version;

/// How much of the base version is read at a time to fill the holes of a changed file.
const FILL: u64 = 4 * 1024 * 1024;

/// Writes the changes of `file` into the journal; durable on return.
pub(crate) async fn make_durable(
    engine: &Engine,
    file: &Arc<OpenFile>,
    dirty: &Arc<DirtyFile>,
    path: &NodePath,
) -> Result<()> {
    let synced = Arc::clone(dirty);
    tokio::task::spawn_blocking(move || synced.sync())
        .await
        .unwrap_or_else(|error| Err(std::io::Error::other(error)))
        .map_err(on_disk(path, "synchronise"))?;
    engine.journal.put(&record(file, dirty, path, Stage::Waiting, None)).await?;
    file.state().journaled = true;
    Ok(())
}

fn record(file: &OpenFile, dirty: &DirtyFile, path: &NodePath, stage: Stage, error: Option<&Error>) -> Pending {
    let snapshot = dirty.snapshot();
    let state = file.state();
    Pending {
        id: dirty.id().to_owned(),
        path: path.as_str().to_owned(),
        length: snapshot.length,
        base: state.on_service.clone(),
        base_length: snapshot.base_length,
        written: snapshot.written,
        mtime: snapshot.mtime,
        access: state.wanted_access,
        stage,
        error: error.map(ToString::to_string),
        begun: state.begun,
    }
}

/// Uploads the changes of `file`. The caller holds its flush lock and has marked it as uploading.
async fn send(engine: &Arc<Engine>, file: &Arc<OpenFile>, dirty: &Arc<DirtyFile>, path: &NodePath) -> Result<()> {
    make_durable(engine, file, dirty, path).await?;
    let outcome = transfer(engine, file, dirty, path).await;
    if let Err(error) = &outcome {
        let stage = if error.is_transient() { Stage::Failed } else { Stage::Refused };
        engine.journal.put(&record(file, dirty, path, stage, Some(error))).await?;
        file.state().refused = stage == Stage::Refused;
    }
    outcome
}

async fn transfer(engine: &Arc<Engine>, file: &Arc<OpenFile>, dirty: &Arc<DirtyFile>, path: &NodePath) -> Result<()> {
    match fill_holes(engine, file, dirty, path).await {
        Err(Error::Stale(_)) => return store_fragment(engine, file, dirty, path).await,
        other => other?,
    }
    let _permit = engine.uploads.acquire().await;
    let (base, begun) = {
        let state = file.state();
        (state.on_service.clone(), state.begun)
    };
    let target = match conflict::decide(engine, path, base.as_ref(), begun, dirty).await? {
        conflict::Decision::Send(target) => target,
        conflict::Decision::AlreadyThere(version) => return finish(engine, file, dirty, path, path, version).await,
    };
    file.state().begun = true;
    let version = engine.remote.put(&target, dirty.place(), dirty.length()).await?;
    finish(engine, file, dirty, path, &target, version).await
}

/// Brings in what of the base version is still part of the file.
async fn fill_holes(engine: &Engine, file: &Arc<OpenFile>, dirty: &Arc<DirtyFile>, path: &NodePath) -> Result<()> {
    let length = dirty.length();
    for part in dirty.parts(0..length) {
        let Part::Base(range) = part else { continue };
        let blocks = file.state().blocks(&engine.store).ok_or_else(|| Error::Stale(path.clone()))?;
        let window = Window::new(engine.store.capacity());
        let mut at = range.start;
        while at < range.end {
            let end = range.end.min(at + FILL);
            let bytes = engine.fetcher.read(path, &blocks, at..end, &window).await?;
            dirty.fill(at, &bytes).map_err(on_disk(path, "write"))?;
            at = end;
        }
    }
    Ok(())
}

/// The version that was changed is gone, and with it the bytes between those that were written: what was written is kept
/// beside the file, at its offsets and with zeros in between, under a name that says so. The program is told.
async fn store_fragment(
    engine: &Arc<Engine>,
    file: &Arc<OpenFile>,
    dirty: &Arc<DirtyFile>,
    path: &NodePath,
) -> Result<()> {
    let aside = conflict::beside(engine, path, ".incomplete");
    tracing::error!(%path, ours = %aside, "replaced on the service while it was changed here; what was written is kept apart");
    let version = engine.remote.put(&aside, dirty.place(), dirty.length()).await?;
    finish(engine, file, dirty, path, &aside, version).await?;
    Err(Error::Stale(path.clone()))
}

/// The service has confirmed `version` at `target`: the record goes, the bytes become cache.
async fn finish(
    engine: &Arc<Engine>,
    file: &Arc<OpenFile>,
    dirty: &Arc<DirtyFile>,
    path: &NodePath,
    target: &NodePath,
    version: Version,
) -> Result<()> {
    let (mut access, wanted) = {
        let state = file.state();
        (state.access, state.wanted_access)
    };
    let mut meta = Meta { version: version.clone(), access, local_mtime: Some(dirty.mtime()), ..Meta::new(Kind::File) };
    if let Some(wanted) = wanted
        && wanted != access
    {
        match engine.remote.set_access(target, &meta, wanted).await {
            Ok(()) => access = wanted,
            // The bytes are safe; a mode that could not be set must not make the upload look failed.
            Err(error) => tracing::warn!(path = %target, %error, "the mode was not set"),
        }
    }
    meta.access = access;
    engine.journal.remove(dirty.id()).await?;
    engine.names.record_own(target, meta);
    let adopted = {
        let (store, target, dirty) = (Arc::clone(&engine.store), target.clone(), Arc::clone(dirty));
        let version = version.clone();
        tokio::task::spawn_blocking(move || store.adopt(&target, &version, dirty.place())).await
    };
    let blocks = match adopted {
        Ok(Ok(blocks)) => blocks,
        Ok(Err(error)) => {
            tracing::debug!(%error, path = %target, "not kept in the cache");
            dirty.discard();
            None
        }
        Err(_) => None,
    };
    if target != path {
        // Under the old name there is what somebody else wrote; who has this file open stays with our version.
        engine.files.move_aside(file, path, target);
        engine.names.expire(path);
        engine.store.doom(path);
    }
    let mut state = file.state();
    state.dirty = None;
    state.journaled = false;
    state.begun = false;
    state.wanted_access = None;
    state.access = access;
    state.local_mtime = Some(dirty.mtime());
    state.epoch += 1;
    state.on_service = Some(version);
    state.blocks = blocks;
    Ok(())
}
