//! Listing directories: entries are handed on as the service sends them.
//!
//! One request for a directory at a time: who opens it meanwhile joins the one in the air. A child that was known and
//! that the listing lacks is asked for singly, for a listing that broke off can look complete; only then it is gone.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::{StreamExt, stream};

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::handles::{DirHandle, Fh};
use crate::inode::Ino;
use crate::listing::Children;
use crate::meta::{Kind, Meta};
use crate::path::NodePath;

use super::lookup::Entry;

/// Children that are asked for singly at a time.
const SINGLE_QUESTIONS: usize = 8;

/// What `readdir` gives of one child.
#[derive(Debug, Clone)]
pub struct DirEntry {
    /// Its number; for a child that the kernel has not looked up yet, any number but 0.
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
    /// Opens a directory; its listing is on its way when this returns.
    ///
    /// # Errors
    /// [`Error::NotADirectory`]; what the service said of the directory itself.
    pub async fn opendir(self: &Arc<Self>, ino: Ino) -> Result<Fh> {
        let path = self.path(ino)?;
        if !self.resolve(&path).await?.is_directory() {
            return Err(Error::NotADirectory(path));
        }
        self.names.load(&path).await?;
        // Before the listing: a file that is uploaded in between is then in either of the two.
        let local = self.files.dirty_names(&path);
        let children = match self.names.listing(&path) {
            Some(listing) => cached(&listing, local),
            None => self.list(&path),
        };
        Ok(self.handles.add_directory(DirHandle { ino, path, children }))
    }

    fn list(self: &Arc<Self>, path: &NodePath) -> Arc<Children> {
        let (children, to_fill) = self.listings.join_or_begin(path);
        if !to_fill {
            return children;
        }
        let (engine, path, filled) = (Arc::clone(self), path.clone(), Arc::clone(&children));
        self.runtime.spawn(async move {
            let outcome = engine.fill(&path, &filled).await;
            if let Err(error) = &outcome {
                tracing::warn!(%path, %error, "listing failed");
            }
            engine.listings.end(&path);
            filled.finish(outcome);
        });
        children
    }

    async fn fill(&self, path: &NodePath, children: &Children) -> Result<()> {
        let mut arriving = self.remote.list(path);
        let mut nodes = Vec::new();
        let mut seen = HashSet::new();
        while let Some(node) = arriving.next().await {
            let (name, meta) = node?;
            // A service may repeat a child at the edge of a page, and lists NFC and NFD twins under one name.
            if !is_entry_name(&name) || !seen.insert(name.clone()) {
                tracing::debug!(%path, name, "listing: entry left out");
                continue;
            }
            children.push(name.clone(), self.names.merged(&path.join(&name), meta.clone()));
            nodes.push((name, meta));
        }
        let local = self.files.dirty_names(path);
        let missing = self.names.list(path, nodes);
        let mut questions = stream::iter(missing)
            .map(|name| async move {
                let answer = self.ask(&path.join(&name)).await;
                (name, answer)
            })
            .buffer_unordered(SINGLE_QUESTIONS);
        while let Some((name, answer)) = questions.next().await {
            match answer {
                Ok(meta) => {
                    seen.insert(name.clone());
                    children.push(name, meta);
                }
                Err(Error::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        for (name, meta) in local {
            if seen.insert(name.clone()) {
                children.push(name, meta);
            }
        }
        Ok(())
    }

    /// Hands the children from `offset` on to `sink`, until that returns false (it has no room for this one) or there are
    /// no more. With `plus` each one that was taken counts as a look-up.
    ///
    /// # Errors
    /// What the service said when the listing broke off; what arrived before was handed on.
    pub async fn readdir(
        &self,
        fh: Fh,
        offset: u64,
        plus: bool,
        mut sink: impl FnMut(&DirEntry) -> bool + Send,
    ) -> Result<()> {
        let handle = self.handles.directory(fh)?;
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
            if taken && !handle.children.is_known(index) {
                return Ok(());
            }
            let (name, listed) = match handle.children.get(index).await {
                Ok(Some(child)) => child,
                Ok(None) => return Ok(()),
                // What came before is shown; the next call, which begins here, gets the error.
                Err(_) if taken => return Ok(()),
                Err(error) => return Err(error),
            };
            at += 1;
            let path = handle.path.join(&name);
            let (meta, ttl) = match self.meta_now(&path) {
                Some(Ok(Some((meta, ttl)))) => (meta, ttl),
                // Known to be gone since the listing: removed here, or found missing by a question.
                Some(Ok(None)) if self.names.listing(&handle.path).is_some() => continue,
                _ => (listed, std::time::Duration::ZERO),
            };
            // Any number but 0 will do for a name that the kernel has not looked up.
            let ino = self.inodes.peek(handle.ino, &name).unwrap_or(Ino(u64::MAX));
            let entry = plus.then(|| self.entry(handle.ino, &path, &meta, ttl));
            let ino = entry.as_ref().map_or(ino, |entry| entry.attr.ino);
            let child = DirEntry { ino, kind: meta.kind, name, next: at, entry };
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

/// A listing that needs no question, with the files that the service may not have yet.
fn cached(listing: &[(String, Meta)], local: Vec<(String, Meta)>) -> Arc<Children> {
    let children = Arc::new(Children::default());
    let listed: HashSet<&str> = listing.iter().map(|(name, _)| name.as_str()).collect();
    for (name, meta) in listing {
        children.push(name.clone(), meta.clone());
    }
    for (name, meta) in local.into_iter().filter(|(name, _)| !listed.contains(name.as_str())) {
        children.push(name, meta);
    }
    children.finish(Ok(()));
    children
}

/// False for what a hostile or broken service may send and no directory can show.
fn is_entry_name(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0'])
}
