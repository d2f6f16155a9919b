//! The metadata cache: attributes, complete listings and absent names, each with its own time-to-live.
//!
//! Memory answers; SQLite is what the next mount starts from. A directory is loaded from it when it is first touched.
//! What expires is not dropped: it is what a stale listing is held against (`merge`), so that a service whose
//! listings lag never shrinks or blanks a file that we know better. After a crash all of it counts as expired: our own last
//! changes may not have been written down.
//!
//! Own changes are recorded as they happen. Absence from a listing proves nothing by itself: [`Namespace::list`] hands
//! such names back for a question each, and only [`Namespace::remove`] drops them.
//!
//! One lock, never held across anything that waits.

mod merge;
mod persist;

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use lru::LruCache;
use parking_lot::Mutex;

use crate::clock::{Clock, Millis};
use crate::config::Config;
use crate::db::Db;
use crate::error::Result;
use crate::meta::Meta;
use crate::path::NodePath;
use crate::version::Version;

pub(crate) use persist::distrust_after_crash;

/// Directories kept in memory; the others wait in SQLite. At 1,000 names each this is about 100 MB.
const DIRECTORIES: NonZeroUsize = NonZeroUsize::new(512).expect("invariant: not zero");

/// A node as it is known, and since when.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Known {
    pub(crate) meta: Meta,
    /// When the service last said so; `Millis(0)` asks for a new question at the next opportunity.
    pub(crate) fetched: Millis,
    /// Our own upload, if these bytes came from one.
    pub(crate) own: Option<Own>,
}

/// An upload of our own: for a while nothing but a single node that shows a third version may contradict it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Own {
    /// Until when.
    until: Millis,
    /// What the service had before; `None` when it had no such file.
    before: Option<Version>,
}

/// What the cache can say of a name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// It is this, for so long.
    Found(Meta, Duration),
    /// There is none, for so long.
    Absent(Duration),
    /// It has to be asked; the last known state, if any.
    Ask(Option<Meta>),
}

/// The names of a directory with what is known of each, sorted by name.
pub(crate) type Listing = Arc<Vec<(String, Meta)>>;

#[derive(Debug, Default)]
struct Directory {
    nodes: HashMap<String, Known>,
    absent: HashMap<String, Millis>,
    /// When the service last gave a complete listing.
    listed: Option<Millis>,
}

#[derive(Debug)]
struct Inner {
    root: Option<Known>,
    directories: LruCache<NodePath, Directory>,
}

/// The metadata cache of one mount.
#[derive(Debug)]
pub(crate) struct Namespace {
    inner: Mutex<Inner>,
    db: Db,
    clock: Arc<dyn Clock>,
    attribute_ttl: Duration,
    listing_ttl: Duration,
    negative_ttl: Duration,
}

impl Namespace {
    pub(crate) fn new(db: Db, clock: Arc<dyn Clock>, config: &Config) -> Self {
        Namespace {
            inner: Mutex::new(Inner { root: None, directories: LruCache::new(DIRECTORIES) }),
            db,
            clock,
            attribute_ttl: config.attribute_ttl,
            listing_ttl: config.listing_ttl,
            negative_ttl: config.negative_ttl,
        }
    }

    /// Writes down that this mount ended in order, so that the next one may believe what it finds.
    pub(crate) async fn save(&self) -> Result<()> {
        persist::end_in_order(&self.db).await
    }

    /// What memory says of `path`, without waiting. A directory that is only in SQLite answers `Ask(None)`; see
    /// [`Namespace::load`].
    pub(crate) fn lookup(&self, path: &NodePath) -> Answer {
        let now = self.clock.now();
        let mut inner = self.inner.lock();
        let Some(parent) = path.parent() else {
            return inner.root.as_ref().map_or(Answer::Ask(None), |known| self.answer(known, now));
        };
        let Some(directory) = inner.directories.get(&parent) else { return Answer::Ask(None) };
        if let Some(known) = directory.nodes.get(path.name()) {
            return self.answer(known, now);
        }
        let absent = directory.absent.get(path.name()).and_then(|since| since.remaining(self.negative_ttl, now));
        // A complete listing answers for the names that it lacks, for as long as a single answer would.
        let unlisted = || directory.listed.and_then(|since| since.remaining(self.negative_ttl, now));
        absent.or_else(unlisted).map_or(Answer::Ask(None), Answer::Absent)
    }

    fn answer(&self, known: &Known, now: Millis) -> Answer {
        match known.fetched.remaining(self.attribute_ttl, now) {
            Some(left) => Answer::Found(known.meta.clone(), left),
            None => Answer::Ask(Some(known.meta.clone())),
        }
    }

    /// What is known of `path`, fresh or not.
    pub(crate) fn known(&self, path: &NodePath) -> Option<Meta> {
        match self.lookup(path) {
            Answer::Found(meta, _) => Some(meta),
            Answer::Absent(_) => None,
            Answer::Ask(meta) => meta,
        }
    }

    /// The complete listing of `directory`, if there is one that is fresh.
    pub(crate) fn listing(&self, directory: &NodePath) -> Option<Listing> {
        let now = self.clock.now();
        let mut inner = self.inner.lock();
        let directory = inner.directories.get(directory)?;
        directory.listed.and_then(|since| since.remaining(self.listing_ttl, now))?;
        let mut names: Vec<_> =
            directory.nodes.iter().map(|(name, known)| (name.clone(), known.meta.clone())).collect();
        names.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        Some(Arc::new(names))
    }

    /// Brings `directory` from SQLite into memory, if it is not there yet.
    pub(crate) async fn load(&self, directory: &NodePath) -> Result<()> {
        if self.inner.lock().directories.contains(directory) {
            return Ok(());
        }
        let stored = persist::load(&self.db, directory).await?;
        let mut inner = self.inner.lock();
        if !inner.directories.contains(directory) {
            inner.directories.put(directory.clone(), stored);
        }
        Ok(())
    }

    /// A single-node answer of the service. Returns what holds from now on, which is our own upload where the service
    /// still shows what was there before it.
    pub(crate) fn record(&self, path: &NodePath, meta: Meta) -> Meta {
        let now = self.clock.now();
        self.put(path, |known| merge::single(known, meta, now))
    }

    /// A change of our own that the service has confirmed.
    pub(crate) fn record_own(&self, path: &NodePath, meta: Meta) {
        let now = self.clock.now();
        self.put(path, |known| {
            let before = known.filter(|known| known.meta.is_file()).map(|known| known.meta.version.clone());
            let own = meta.is_file().then_some(Own { until: Millis(now.0 + merge::OWN_MILLIS), before });
            Known { meta, fetched: now, own }
        });
    }

    /// Changes what is known of `path`, if anything is.
    pub(crate) fn update(&self, path: &NodePath, change: impl FnOnce(&mut Meta)) {
        if self.known(path).is_none() {
            return;
        }
        self.put(path, |known| {
            let mut known = known.cloned().unwrap_or_else(|| unreachable!("checked above"));
            change(&mut known.meta);
            known
        });
    }

    /// The next question about `path` goes to the service.
    pub(crate) fn expire(&self, path: &NodePath) {
        let mut inner = self.inner.lock();
        let Some(parent) = path.parent() else {
            if let Some(root) = &mut inner.root {
                root.fetched = Millis(0);
            }
            return;
        };
        if let Some(directory) = inner.directories.get_mut(&parent) {
            directory.absent.remove(path.name());
            if let Some(known) = directory.nodes.get_mut(path.name()) {
                known.fetched = Millis(0);
            } else {
                directory.listed = None;
            }
        }
    }

    fn put(&self, path: &NodePath, make: impl FnOnce(Option<&Known>) -> Known) -> Meta {
        let mut inner = self.inner.lock();
        let Some(parent) = path.parent() else {
            let known = make(inner.root.as_ref());
            let meta = known.meta.clone();
            inner.root = Some(known);
            return meta;
        };
        let directory = inner.directories.get_or_insert_mut(parent.clone(), Directory::default);
        let known = make(directory.nodes.get(path.name()));
        directory.absent.remove(path.name());
        directory.nodes.insert(path.name().to_owned(), known.clone());
        drop(inner);
        persist::store(&self.db, &parent, path.name(), known.clone());
        known.meta
    }

    /// There is no such node: the service said so, or we removed it.
    pub(crate) fn remove(&self, path: &NodePath) {
        let Some(parent) = path.parent() else { return };
        let now = self.clock.now();
        let mut inner = self.inner.lock();
        let directory = inner.directories.get_or_insert_mut(parent, Directory::default);
        let was = directory.nodes.remove(path.name());
        directory.absent.insert(path.name().to_owned(), now);
        let below = was.is_some_and(|known| known.meta.is_directory());
        if below {
            inner.drop_tree(path);
        }
        drop(inner);
        persist::remove(&self.db, path);
    }

    /// `from` is now `to`, with all below it.
    pub(crate) fn rename(&self, from: &NodePath, to: &NodePath) {
        let moved = self.known(from);
        {
            let mut inner = self.inner.lock();
            let below: Vec<NodePath> =
                inner.directories.iter().map(|(path, _)| path.clone()).filter(|path| path.is_within(from)).collect();
            for path in below {
                if let (Some(new), Some(directory)) = (path.moved(from, to), inner.directories.pop(&path)) {
                    inner.directories.put(new, directory);
                }
            }
        }
        persist::remove(&self.db, to);
        persist::rename(&self.db, from, to);
        if let (Some(parent), now) = (from.parent(), self.clock.now()) {
            let mut inner = self.inner.lock();
            let directory = inner.directories.get_or_insert_mut(parent, Directory::default);
            directory.nodes.remove(from.name());
            directory.absent.insert(from.name().to_owned(), now);
        }
        if let Some(meta) = moved {
            self.record_own(to, meta);
        }
    }

    /// What to show of a child that a listing just named, before the listing is complete.
    pub(crate) fn merged(&self, path: &NodePath, listed: Meta) -> Meta {
        let Some(parent) = path.parent() else { return listed };
        let inner = self.inner.lock();
        let known = inner.directories.peek(&parent).and_then(|directory| directory.nodes.get(path.name()));
        merge::listed(known, listed, self.clock.now()).meta
    }

    /// A complete listing of `directory`, as of now. Returns the names that were known and that it lacks: each has to be
    /// asked for singly before it is dropped, for a listing that broke off can look complete.
    pub(crate) fn list(&self, directory: &NodePath, nodes: Vec<(String, Meta)>) -> Vec<String> {
        let now = self.clock.now();
        let mut inner = self.inner.lock();
        let known = inner.directories.get_or_insert_mut(directory.clone(), Directory::default);
        let mut before = std::mem::take(&mut known.nodes);
        for (name, meta) in nodes {
            let merged = merge::listed(before.remove(&name).as_ref(), meta, now);
            known.nodes.insert(name, merged);
        }
        let missing: Vec<String> = before.keys().cloned().collect();
        known.nodes.extend(before);
        known.absent.clear();
        known.listed = Some(now);
        let all = known.nodes.iter().map(|(name, known)| (name.clone(), known.clone())).collect();
        drop(inner);
        persist::replace(&self.db, directory, all, now);
        missing
    }
}

impl Inner {
    fn drop_tree(&mut self, path: &NodePath) {
        let below: Vec<NodePath> =
            self.directories.iter().map(|(path, _)| path.clone()).filter(|known| known.is_within(path)).collect();
        for path in below {
            self.directories.pop(&path);
        }
    }
}

#[cfg(test)]
mod tests;
