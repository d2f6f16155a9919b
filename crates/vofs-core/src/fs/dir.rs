//! Listing directories: entries are handed on as the service sends them.
//!
//! One request for a directory at a time: who opens it meanwhile joins the one in the air. A child that was known and
//! that the listing lacks is asked for singly, for a listing that broke off can look complete; only then it is gone. So is
//! one of which the listing contradicts what is known better, for listings lag.
//!
//! Where a listing gives names and kinds only, that is what is shown, at once: attributes are asked for when a program wants
//! them (`along`).
//!
//! A kernel that was given a listing to its end keeps it, and is told at each `opendir` whether it still holds.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::{StreamExt, stream};

use crate::clock::Millis;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::handles::{DirHandle, Fh};
use crate::inode::Ino;
use crate::listing::{Children, Place};
use crate::meta::{Kind, Meta};
use crate::namespace::{Arrival, InAir, Known, Listing, Packed, Record, Stamp};
use crate::path::NodePath;

use super::lookup::Entry;
use super::rename::steps::{MOVING, REPLACED};

/// Children that are asked for singly at a time.
const SINGLE_QUESTIONS: usize = 8;

/// Children that are written to the index at a time: what waits there of a listing is never more than two such.
const WRITTEN_AT_ONCE: usize = 1000;

/// An open directory.
#[derive(Debug, Clone, Copy)]
pub struct OpenedDir {
    /// Its handle.
    pub fh: Fh,
    /// The entries that the kernel has of the directory still hold.
    pub keep_cache: bool,
}

/// What `readdir` gives of one child.
#[derive(Debug, Clone)]
pub struct DirEntry {
    /// Its number.
    pub ino: Ino,
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Where the next `readdir` begins.
    pub next: u64,
    /// Its attributes, where they were asked for (`readdirplus`).
    pub entry: Option<Entry>,
}

impl Engine {
    /// Opens a directory without a question, if that is possible.
    pub fn opendir_now(&self, ino: Ino) -> Option<Result<OpenedDir>> {
        let path = self.inodes.path(ino)?;
        let (meta, _) = self.meta_now(&path)?.ok()??;
        if !meta.is_directory() {
            return Some(Err(Error::NotADirectory(path)));
        }
        let keep_cache = self.names.is_shown(&path)?;
        Some(Ok(self.opened(ino, path, OnceLock::new(), keep_cache)))
    }

    /// Opens a directory; its listing is on its way when this returns.
    ///
    /// # Errors
    /// [`Error::NotADirectory`]; what the service said of the directory itself.
    pub async fn opendir(self: &Arc<Self>, ino: Ino) -> Result<OpenedDir> {
        let path = self.path(ino)?;
        if !self.resolve(&path).await?.is_directory() {
            return Err(Error::NotADirectory(path));
        }
        if self.local.is_directory(&path) {
            return Ok(self.opened(ino, path, OnceLock::new(), false));
        }
        self.names.load(&path).await?;
        let is_shown = self.names.is_shown(&path);
        let children = if is_shown.is_some() { OnceLock::new() } else { OnceLock::from(self.list(&path)) };
        Ok(self.opened(ino, path, children, is_shown.unwrap_or(false)))
    }

    fn opened(&self, ino: Ino, path: NodePath, children: OnceLock<Arc<Children>>, keep_cache: bool) -> OpenedDir {
        OpenedDir { fh: self.handles.add_directory(DirHandle { ino, path, children }), keep_cache }
    }

    /// The children for a handle that has none yet.
    pub(crate) fn children(self: &Arc<Self>, path: &NodePath) -> Arc<Children> {
        // Before the listing: a file that is uploaded in between is then in either of the two.
        let local = self.unlisted_here(path);
        let known = if self.local.is_directory(path) {
            Some(Listing { nodes: Vec::new(), revision: 0 })
        } else {
            self.names.listing(path)
        };
        let Some(mut listing) = known else { return self.list(path) };
        let fresh = local.into_iter().filter(|(name, _)| listing.nodes.iter().all(|node| node.name() != name));
        let fresh: Vec<Packed> = fresh.map(|(name, meta)| shown(&name, meta)).collect();
        listing.nodes.extend(fresh);
        Arc::new(Children::known(listing))
    }

    /// What this machine has in `path` and a listing of the service may lack.
    fn unlisted_here(&self, path: &NodePath) -> Vec<(String, Meta)> {
        let directories = self.local.directories_in(path).into_iter();
        let directories = directories.map(|name| (name, Meta::new(Kind::Directory)));
        self.files.dirty_names(path).into_iter().chain(directories).collect()
    }

    /// The listing of `path` that is in the air, or a new one.
    pub(crate) fn list(self: &Arc<Self>, path: &NodePath) -> Arc<Children> {
        let (children, to_fill) = self.listings.join_or_begin(path);
        if !to_fill {
            return children;
        }
        let (engine, path, filled) = (Arc::clone(self), path.clone(), Arc::clone(&children));
        self.runtime.spawn(async move {
            let listing = engine.names.begin_listing(&path);
            let outcome = match engine.fill_or_be_cut_off(&path, listing, &filled).await {
                Ok(revision) => Ok(revision),
                Err(error) => {
                    engine.names.broken_off(&path, listing);
                    engine.instead_of_listing(&path, &filled, error).await
                }
            };
            engine.listings.end(&path);
            filled.finish(outcome);
        });
        children
    }

    /// Takes a listing in, unless the service cannot be reached.
    async fn fill_or_be_cut_off(self: &Arc<Self>, path: &NodePath, listing: InAir, children: &Children) -> Result<u64> {
        if self.outage.is_on() {
            self.names.load(path).await?;
            if self.names.was_listed(path) || !self.outage.is_over().await {
                return Err(self.out_of_reach(path));
            }
        }
        tokio::select! {
            biased;
            outcome = self.fill(path, listing, children) => outcome,
            () = self.silence(|| children.count()) => Err(self.out_of_reach(path)),
        }
    }

    /// What is shown when a listing failed: nothing more, but where the service cannot be reached what was listed last.
    async fn instead_of_listing(self: &Arc<Self>, path: &NodePath, children: &Children, error: Error) -> Result<u64> {
        if error.is_unreachable() && self.outage.is_cut_off().await {
            self.names.load(path).await?;
            if let Some(last) = self.names.last_listing(path) {
                let shown_before = children.names();
                let local = self.unlisted_here(path).into_iter().map(|(name, meta)| shown(&name, meta));
                let known: HashSet<String> = last.nodes.iter().map(|child| child.name().to_owned()).collect();
                let local = local.filter(|child| !known.contains(child.name()));
                let more = last.nodes.iter().cloned().chain(local);
                more.filter(|child| !shown_before.contains(child.name())).for_each(|child| children.push(child));
                return Ok(last.revision);
            }
        }
        tracing::warn!(%path, %error, "listing failed");
        Err(error)
    }

    /// Takes a listing in. Returns the revision that the directory has then.
    async fn fill(self: &Arc<Self>, path: &NodePath, listing: InAir, children: &Children) -> Result<u64> {
        let mut arriving = self.remote.list(path);
        let mut index = IndexWriter::new(self, path);
        let (mut doubtful, mut leftovers) = (Vec::new(), Vec::new());
        while let Some(node) = arriving.next().await {
            let (name, shown) = node?;
            if name.starts_with(REPLACED) || name.starts_with(MOVING) {
                leftovers.push(name.clone());
            }
            if !is_entry_name(&name) {
                tracing::debug!(%path, name, "listing: entry left out");
                continue;
            }
            match self.names.arrived(path, listing, &name, shown) {
                Arrival::Child(child, record) => {
                    children.push(child);
                    index.add(record).await;
                }
                Arrival::Doubtful(child, record) => {
                    doubtful.push(child);
                    index.add(record).await;
                }
                // A service may repeat a child at the edge of a page, and lists NFC and NFD twins under one name.
                Arrival::Repeated => tracing::debug!(%path, name, "listing: repeated"),
            }
        }
        index.finish().await;
        let local = self.unlisted_here(path);
        let (since, missing) = self.names.unlisted(path, listing);
        let extra: Vec<(String, Meta)> =
            local.into_iter().filter(|(name, _)| self.names.known(&path.join(name)).is_none()).collect();
        since.into_iter().for_each(|child| children.push(child));
        let mut questions = stream::iter(doubtful.into_iter().chain(missing))
            .map(|known| async move {
                let answer = self.ask(&path.join(known.name())).await;
                (known, answer)
            })
            .buffer_unordered(SINGLE_QUESTIONS);
        while let Some((known, answer)) = questions.next().await {
            match answer {
                Ok(meta) => children.push(shown(known.name(), meta)),
                Err(Error::NotFound(_)) => {}
                // Nobody said that it is gone.
                Err(Error::PermissionDenied { .. } | Error::Locked(_)) => children.push(known),
                Err(error) => return Err(error),
            }
        }
        extra.into_iter().for_each(|(name, meta)| children.push(shown(&name, meta)));
        if !leftovers.is_empty() {
            self.tell_of_leftovers(path, &leftovers).await;
        }
        Ok(self.names.listed(path, listing))
    }

    /// Hands the children from `offset` on to `sink`, until that returns false (it has no room for this one) or there are
    /// no more. With `plus` each one that was taken counts as a look-up.
    ///
    /// # Errors
    /// What the service said when the listing broke off; what arrived before was handed on.
    pub async fn readdir(
        self: &Arc<Self>,
        fh: Fh,
        offset: u64,
        plus: bool,
        mut sink: impl FnMut(&DirEntry) -> bool + Send,
    ) -> Result<()> {
        let handle = self.handles.directory(fh)?;
        let children = handle.children.get_or_init(|| self.children(&handle.path));
        let mut at = offset;
        let parent = self.inodes.parent(handle.ino).unwrap_or(Ino::ROOT);
        for (index, (name, ino)) in [(".", handle.ino), ("..", parent)].into_iter().enumerate() {
            if at > index as u64 {
                continue;
            }
            at = index as u64 + 1;
            let dot = DirEntry { ino, kind: Kind::Directory, name: name.to_owned(), next: at, entry: None };
            if !sink(&dot) {
                return Ok(());
            }
        }
        // Waits for the first child only: what has arrived is shown, the rest at the next call.
        let mut taken = at > offset;
        loop {
            let index = (at - 2) as usize;
            let place = match children.now(index) {
                Some(place) => place,
                None if taken => return Ok(()),
                None => children.get(index).await,
            };
            let child = match place {
                Ok(Place::Child(child)) => child,
                Ok(Place::End(revision)) => {
                    if !taken {
                        self.names.shown(&handle.path, revision);
                    }
                    return Ok(());
                }
                // What came before is shown; the next call, which begins here, gets the error.
                Err(_) if taken => return Ok(()),
                Err(error) => return Err(error),
            };
            at += 1;
            let name = child.name();
            let path = handle.path.join(name);
            let (meta, ttl) = match self.meta_now(&path) {
                Some(Ok(Some((meta, ttl)))) => (Some(meta), ttl),
                // Gone since it was listed: removed here, or found missing by a question.
                Some(Ok(None)) => continue,
                _ => (self.names.known(&path).or_else(|| child.meta()), Duration::ZERO),
            };
            let kind = meta.as_ref().map_or_else(|| child.kind(), |meta| meta.kind.clone());
            let entry = plus.then(|| match &meta {
                Some(meta) => self.entry(handle.ino, &path, meta, ttl),
                None => self.named_entry(handle.ino, &path, &kind),
            });
            let ino = match &entry {
                Some(entry) => entry.attr.ino,
                None => self.inodes.number(handle.ino, name),
            };
            let child = DirEntry { ino, kind, name: name.to_owned(), next: at, entry };
            if !sink(&child) {
                if plus {
                    self.inodes.forget(child.ino, 1);
                }
                return Ok(());
            }
            taken = true;
        }
    }

    /// Closes a directory.
    pub fn releasedir(&self, fh: Fh) {
        self.handles.remove_directory(fh);
    }
}

/// A child as it is shown, when the metadata cache knows more of it.
fn shown(name: &str, meta: Meta) -> Packed {
    Packed::new(name, &Known { meta, fetched: Millis(0), own: None }, Stamp::default())
}

/// False for what a hostile or broken service may send and no directory can show.
fn is_entry_name(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0'])
}

/// Writes a listing to the index while it arrives: one batch is written while the next one fills.
struct IndexWriter<'a> {
    engine: &'a Arc<Engine>,
    directory: &'a NodePath,
    batch: Vec<Record>,
    writing: Option<tokio::task::JoinHandle<()>>,
}

impl<'a> IndexWriter<'a> {
    fn new(engine: &'a Arc<Engine>, directory: &'a NodePath) -> Self {
        IndexWriter { engine, directory, batch: Vec::new(), writing: None }
    }

    async fn add(&mut self, record: Option<Record>) {
        self.batch.extend(record);
        if self.batch.len() >= WRITTEN_AT_ONCE {
            self.write().await;
        }
    }

    async fn write(&mut self) {
        if let Some(writing) = self.writing.take() {
            let _ = writing.await;
        }
        let batch = std::mem::take(&mut self.batch);
        if batch.is_empty() {
            return;
        }
        let (engine, directory) = (Arc::clone(self.engine), self.directory.clone());
        self.writing = Some(self.engine.runtime.spawn(async move {
            if let Err(error) = engine.names.store(&directory, batch).await {
                tracing::warn!(%directory, %error, "metadata cache: a listing was not written down");
            }
        }));
    }

    /// Returns when everything is written.
    async fn finish(mut self) {
        self.write().await;
        self.write().await;
    }
}
