//! From a change to the journal: what `close` and `fsync` promise before anything is sent.

use std::sync::Arc;
use std::time::Instant;

use crate::dirty::DirtyFile;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::file::{OpenFile, on_disk};
use crate::journal::{Change, Pending, Stage};
use crate::kill_points;
use crate::path::NodePath;

/// How much of the cache is given up when the disk is full and something that is to be kept needs room.
pub(crate) const MAKE_ROOM: u64 = 64 * 1024 * 1024;

/// Of so many tries without an answer the contents are remembered. Older ones can hardly still arrive.
const ATTEMPTS: usize = 8;

/// Writes the changes of `file` into the journal; durable on return. The caller holds the flush lock, and nobody writes.
pub(crate) async fn make_durable(
    engine: &Engine,
    file: &Arc<OpenFile>,
    dirty: &Arc<DirtyFile>,
    path: &NodePath,
) -> Result<()> {
    // What is written from now on is another generation.
    let generation = dirty.generation();
    synchronise(dirty, path).await?;
    let superseded = file.state().former.clone();
    let change = Change {
        put: vec![record(file, dirty, path, Stage::Waiting)],
        remove: superseded.iter().map(|old| old.id().to_owned()).collect(),
        end: None,
    };
    apply(engine, path, &change).await?;
    {
        let mut state = file.state();
        state.journaled = Some(generation);
        state.stage = Stage::Waiting;
        state.kept_at = Some(Instant::now());
        state.former.retain(|old| !superseded.iter().any(|gone| gone.id() == old.id()));
    }
    superseded.iter().for_each(|old| old.discard());
    Ok(())
}

/// Something else than its bytes was changed of a file that the journal may know; if bytes were too, their `close` writes down both.
/// The caller holds the flush lock.
pub(crate) async fn keep_again(engine: &Engine, file: &Arc<OpenFile>) -> Result<()> {
    let (dirty, path, stage) = {
        let state = file.state();
        match (&state.dirty, &state.path) {
            (Some(dirty), Some(path)) if state.is_kept() => (Arc::clone(dirty), path.clone(), state.stage),
            _ => return Ok(()),
        }
    };
    apply(engine, &path, &Change { put: vec![record(file, &dirty, &path, stage)], ..Change::default() }).await
}

/// Makes the data survive the end of the machine.
pub(crate) async fn synchronise(dirty: &Arc<DirtyFile>, path: &NodePath) -> Result<()> {
    let synced = Arc::clone(dirty);
    kill_points::pass().await;
    tokio::task::spawn_blocking(move || synced.sync())
        .await
        .unwrap_or_else(|error| Err(std::io::Error::other(error)))
        .map_err(on_disk(path, "synchronise"))?;
    kill_points::pass().await;
    Ok(())
}

/// Changes the journal. Where the disk is full, the cache makes room for it.
pub(crate) async fn apply(engine: &Engine, path: &NodePath, change: &Change) -> Result<()> {
    let at = |error| match error {
        Error::NoSpace(_) => Error::NoSpace(path.clone()),
        other => other,
    };
    kill_points::pass().await;
    match engine.journal.apply(change).await {
        Err(Error::NoSpace(_)) => {
            engine.store.give_up(MAKE_ROOM);
            engine.journal.apply(change).await.map_err(at)?;
        }
        outcome => outcome?,
    }
    kill_points::pass().await;
    Ok(())
}

/// What the journal is to say of a file.
pub(crate) fn record(file: &OpenFile, dirty: &DirtyFile, path: &NodePath, stage: Stage) -> Pending {
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
        error: state.failure.as_ref().map(|failure| failure.error.to_string()),
        begun: state.begun,
        attempted: state.attempted.clone(),
        properties: state.properties.clone(),
    }
}

/// A program is about to change contents of which a PUT was begun whose end nobody knows. Found on the service later, they
/// would look like somebody else's: their digest is written down first. The caller holds the flush lock.
pub(crate) async fn recognise(engine: &Engine, file: &Arc<OpenFile>) -> Result<()> {
    let (dirty, path) = {
        let state = file.state();
        match (&state.dirty, &state.path) {
            (Some(dirty), Some(path)) if state.is_unrecognised() => (Arc::clone(dirty), path.clone()),
            _ => return Ok(()),
        }
    };
    let read = Arc::clone(&dirty);
    let digest = tokio::task::spawn_blocking(move || read.digest())
        .await
        .unwrap_or_else(|error| Err(std::io::Error::other(error)))
        .map_err(on_disk(&path, "read"))?;
    let stage = {
        let mut state = file.state();
        state.attempted.push(digest);
        let excess = state.attempted.len().saturating_sub(ATTEMPTS);
        state.attempted.drain(..excess);
        state.unrecognised = None;
        state.stage
    };
    let change = Change { put: vec![record(file, &dirty, &path, stage)], ..Change::default() };
    apply(engine, &path, &change).await
}
