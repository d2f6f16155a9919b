//! Bytes out: from the journal to the service, one upload of a file at a time, a bounded number in all.
//!
//! The order is the promise: the data file is synchronised and its record committed before anything else; the record is
//! removed only after the service has confirmed the bytes. An upload that fails changes nothing locally.

pub(crate) mod conflict;
pub(crate) mod durable;
mod flush;
pub(crate) mod mtime;
pub(crate) mod sender;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tokio_util::sync::CancellationToken;

use crate::dirty::{DirtyFile, Part};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::fetch::window::Window;
use crate::file::{Failure, OpenFile, on_disk};
use crate::journal::{Change, Stage};
use crate::meta::{Kind, Meta};
use crate::path::NodePath;
use crate::permits::Permits;
use crate::remote::Outgoing;
use crate::version::Version;

use durable::{apply, make_durable, record};
pub(crate) use flush::Wish;

/// How much of the base version is read at a time to fill the holes of a changed file.
const FILL: u64 = 4 * 1024 * 1024;

/// A file of up to so many bytes is on its way for no longer than its questions take (42 ms beside 60 ms, at 25 MB/s and 20 ms a
/// round trip), so that it takes many of them to fill a link.
const SMALL: u64 = 1024 * 1024;

/// So many small files are sent in the place of a large one.
const SMALL_FOR_LARGE: u32 = 4;

/// How often the rest of a file is asked for when what comes is not of the version that the service shows.
const FILLS: usize = 2;

/// What became of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// The service has confirmed it.
    All,
    /// There was nothing to send.
    Nothing,
    /// Given up for who changes or removes the file.
    Interrupted,
}

/// The places for `uploads` files at a time.
pub(crate) fn places(uploads: usize) -> Permits {
    Permits::in_parts(uploads, SMALL_FOR_LARGE)
}

/// Bytes that the service has confirmed.
struct Stored {
    target: NodePath,
    version: Version,
    /// The base was gone before all of it that is needed was read.
    fragment: bool,
}

/// Uploads the changes of `file`. The caller holds its flush lock and has marked it as uploading.
async fn send(
    engine: &Arc<Engine>,
    file: &Arc<OpenFile>,
    dirty: &Arc<DirtyFile>,
    path: &NodePath,
    interrupt: &CancellationToken,
) -> Result<Sent> {
    if !file.state().is_kept() {
        make_durable(engine, file, dirty, path).await?;
    }
    let stored = tokio::select! {
        biased;
        () = interrupt.cancelled() => return Ok(Sent::Interrupted),
        stored = store(engine, file, dirty, path) => stored,
    };
    // Not to be interrupted: the data file becomes cache.
    let outcome = match stored {
        Ok(stored) => {
            finish(engine, file, dirty, path, &stored).await?;
            if stored.fragment { Err(Error::Stale(path.clone())) } else { Ok(Sent::All) }
        }
        Err(error) => Err(error),
    };
    if let Err(error) = &outcome
        && file.state().dirty.is_some()
    {
        let stage = match error {
            Error::Conflict(_) => Stage::Conflict,
            error if error.is_transient() => Stage::Failed,
            _ => Stage::Refused,
        };
        {
            let mut state = file.state();
            let tries = state.failure.as_ref().map_or(0, |failure| failure.tries) + 1;
            state.failure = Some(Failure { error: error.clone(), tries, told: false });
            state.stage = stage;
        }
        apply(engine, path, &Change { put: vec![record(file, dirty, path, stage)], ..Change::default() }).await?;
    }
    outcome
}

/// Brings the bytes to the service, under their name or beside it.
async fn store(engine: &Arc<Engine>, file: &Arc<OpenFile>, dirty: &Arc<DirtyFile>, path: &NodePath) -> Result<Stored> {
    engine.check_settled(path)?;
    let fragment = complete(engine, file, dirty, path).await?;
    let _place =
        if dirty.length() <= SMALL { engine.uploads.acquire_part().await } else { engine.uploads.acquire().await };
    let way =
        if fragment { conflict::fragment(engine, path) } else { conflict::decide(engine, file, path, dirty).await? };
    let (target, conflict) = match way {
        conflict::Decision::Send(target, conflict) => (target, conflict),
        conflict::Decision::AlreadyThere(version) => return Ok(Stored { target: path.clone(), version, fragment }),
    };
    let sent = Arc::new(AtomicU64::new(0));
    {
        let mut state = file.state();
        // Beside the file nothing is begun under its name: what stands there is theirs, however it looks at the next try.
        if target == *path {
            state.begun = true;
            state.unrecognised = Some(dirty.generation());
        }
        state.stage = Stage::Sending;
        state.sending = Some(Arc::clone(&sent));
    }
    // Before the first byte leaves: whoever finds a wreck on the service after a crash has to know whose it is.
    apply(engine, path, &Change { put: vec![record(file, dirty, path, Stage::Sending)], ..Change::default() }).await?;
    // The data file is another one for every change that began anew; what of it was changed since, its digest shows.
    let outgoing = Outgoing { identity: format!("{}-{}", dirty.id(), dirty.length()), sent };
    let stored = engine.remote.put(&target, dirty.place(), dirty.length(), outgoing).await?;
    // A service that tells when bytes were stored replaces all of them at once, and has compared digests.
    let version = if engine.identity.is_digested() == Some(true) && engine.identity.is_stamped() {
        stored
    } else {
        looked_at(engine, &target, stored).await?
    };
    if let Some(conflict) = conflict {
        engine.journal.add_conflict(&conflict).await?;
    }
    Ok(Stored { target, version, fragment })
}

/// What the node says right after an upload. A service without digests has confirmed by no more than that it took the bytes: what it
/// shows is all there is to be known, their length and when they were stored. One that writes in place keeps a digest when somebody
/// writes past it (Cavern, observed): only the date shows a later change that keeps the length, and now it is still that of ours; and
/// another length under our digest is two uploads, one over the other.
async fn looked_at(engine: &Engine, path: &NodePath, sent: Version) -> Result<Version> {
    let has_digests = engine.identity.is_digested() != Some(false);
    let told = match engine.remote.stat(path).await {
        Err(_) if has_digests => return Ok(sent),
        told => told?,
    };
    engine.identity.note(&told);
    let told = told.version;
    if told.md5.is_some() && told.md5 != sent.md5 || has_digests && told.md5.is_none() && told.length != sent.length {
        // Somebody else's already, or the node as it was before.
        return Ok(sent);
    }
    if told.length != sent.length {
        let cause = format!("{} bytes were sent, and the service has {}", sent.length, told.length);
        return Err(Error::Io { path: path.clone(), cause });
    }
    Ok(Version { content_date: told.content_date, date: told.date, ..sent })
}

/// Brings in what is needed of the base version, durably; true when that is gone. While the service still shows the base, an
/// answer with other bytes is one that broke, and the next one may be right; where it shows the node and not its bytes, they may come.
async fn complete(engine: &Arc<Engine>, file: &Arc<OpenFile>, dirty: &Arc<DirtyFile>, path: &NodePath) -> Result<bool> {
    for _ in 0..FILLS {
        let has_bytes = match fill_holes(engine, file, dirty, path).await {
            Err(Error::Stale(_)) => true,
            Err(Error::NotFound(_)) => false,
            Err(error) => return Err(error),
            Ok(()) => {
                if dirty.has_unsynced() {
                    durable::synchronise(dirty, path).await?;
                }
                return Ok(false);
            }
        };
        let base = file.state().on_service.clone();
        match engine.remote.stat(path).await {
            Ok(found) if base.as_ref().is_some_and(|base| base.is_told_as(&found.version)) => {
                if !has_bytes {
                    let cause = "the service shows it, and has none of its bytes".to_owned();
                    return Err(Error::Io { path: path.clone(), cause });
                }
                file.state().begin_anew();
            }
            Ok(_) | Err(Error::NotFound(_)) => return Ok(true),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// What users set of the node may be gone when the service has the bytes: it gets that again. A service that keeps it is asked
/// once in the life of a mount.
async fn return_properties(engine: &Engine, file: &OpenFile, path: &NodePath) -> Result<()> {
    let set = file.state().properties.clone();
    if set.is_empty() || engine.keeps_properties.get() == Some(&true) {
        return Ok(());
    }
    let there = engine.remote.properties(path).await?;
    let is_there = |key: &str| there.iter().any(|property| property.key == key);
    let lost: Vec<_> = set.into_iter().filter(|(key, _)| !is_there(key)).collect();
    let was_emptied = file.state().is_emptied();
    if lost.is_empty() {
        if !was_emptied {
            let _ = engine.keeps_properties.set(true);
        }
        return Ok(());
    }
    let _ = engine.keeps_properties.set(false);
    match engine.remote.give_properties(path, &lost).await {
        Err(error) if !error.is_transient() => {
            let lost: Vec<String> = lost.into_iter().map(|(key, _)| key).collect();
            // The bytes are safe, and nothing would change if this were tried again.
            tracing::error!(%path, ?lost, %error, "the service dropped these properties at the upload, and does not take them again");
            Ok(())
        }
        outcome => outcome,
    }
}

/// Brings in what of the base version is still part of the file.
pub(crate) async fn fill_holes(
    engine: &Engine,
    file: &Arc<OpenFile>,
    dirty: &Arc<DirtyFile>,
    path: &NodePath,
) -> Result<()> {
    let length = dirty.length();
    for part in dirty.parts(0..length) {
        let Part::Base(range) = part else { continue };
        let blocks = file.state().blocks(&engine.store).ok_or_else(|| Error::Stale(path.clone()))?;
        // What is behind it was written here.
        let window = Window::up_to(range.end, engine.store.capacity());
        let mut at = range.start;
        while at < range.end {
            let end = range.end.min(at + FILL);
            let bytes = engine.fetcher.read(path, &blocks, at..end, &window).await?;
            dirty.fill(at, &bytes).map_err(on_disk(path, "write"))?;
            dirty.sync_ahead(&engine.runtime);
            at = end;
        }
    }
    Ok(())
}

/// The service has confirmed the bytes: the record goes, they become cache.
async fn finish(
    engine: &Arc<Engine>,
    file: &Arc<OpenFile>,
    dirty: &Arc<DirtyFile>,
    path: &NodePath,
    stored: &Stored,
) -> Result<()> {
    let (target, version) = (&stored.target, stored.version.clone());
    if target == path {
        return_properties(engine, file, path).await?;
    }
    let (mut access, wanted) = {
        let state = file.state();
        (state.access, state.wanted_access)
    };
    let mut meta = Meta { version: version.clone(), access, local_mtime: Some(dirty.mtime()), ..Meta::new(Kind::File) };
    if let Some(wanted) = wanted
        && wanted != access
    {
        match engine.give_access(target, &meta, wanted).await {
            Ok(given) => access = given,
            // The bytes are safe; a mode that could not be set must not make the upload look failed.
            Err(error) => tracing::warn!(path = %target, %error, "the mode was not set"),
        }
    }
    meta.access = access;
    // The bytes are safe: a property that could not be set must not make the upload look failed.
    if let Err(error) = mtime::publish(engine, target, &meta).await {
        tracing::warn!(path = %target, %error, "the modification time was not set");
    }
    engine.properties_change();
    // While the journal still has it, or a mount that begins without the service after a kill between the two would take the
    // version before for the one that the service has: show that, and hold ours for a change of somebody else.
    engine.names.record_own(target, meta.clone());
    if let Err(error) = engine.names.written().await {
        tracing::debug!(path = %target, %error, "metadata cache: a version may be forgotten by a kill");
    }
    let superseded = std::mem::take(&mut file.state().former);
    let remove = superseded.iter().map(|old| old.id().to_owned()).chain([dirty.id().to_owned()]).collect();
    apply(engine, path, &Change { remove, ..Change::default() }).await?;
    superseded.iter().for_each(|old| old.discard());
    // A program may have set it meanwhile.
    meta.local_mtime = Some(dirty.mtime());
    engine.names.record_own(target, meta);
    // Who comes to read it in this moment finds it in neither place by its name.
    file.state().wake();
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
    state.forget_changes();
    state.access = access;
    state.local_mtime = Some(dirty.mtime());
    state.epoch += 1;
    state.on_service = Some(version);
    state.blocks = blocks;
    Ok(())
}
