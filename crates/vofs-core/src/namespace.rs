//! The metadata cache: attributes, complete listings and absent names, each with its own time-to-live.
//!
//! Memory answers; SQLite is what the next mount starts from, and what holds the directories that memory has no room
//! for. A directory is loaded from it when it is first touched. What expires is not dropped: it is what a stale listing is held
//! against (`merge`), so that a service whose listings lag never shrinks or blanks a file that we know better. After a
//! crash all of it counts as expired: our own last changes may not have been written down.
//!
//! Own changes are recorded as they happen. A listing is taken in child by child as it arrives and never held as a
//! whole beside the directory. Absence from a listing proves nothing by itself: [`Namespace::unlisted`] hands such names back
//! for a question each, and only [`Namespace::remove`] drops them.
//!
//! One lock, never held across anything that waits.

mod directory;
mod merge;
mod packed;
mod persist;

use std::sync::Arc;
use std::time::Duration;

use lru::LruCache;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::clock::{Clock, Millis};
use crate::config::Config;
use crate::db::Db;
use crate::error::Result;
use crate::meta::Meta;
use crate::path::NodePath;
use crate::remote::Shown;
use crate::version::Version;

use directory::Directory;

pub(crate) use packed::{Packed, Stamp};
pub(crate) use persist::Record;

/// Nodes kept in memory, some 25 MB; the others wait in SQLite. A single directory may have more.
const NODES: usize = 200_000;

/// What a directory itself counts for, in nodes: directories without children take memory too.
const DIRECTORY: usize = 4;

/// So many single questions about names of one directory are always taken for what they are.
const FEW_QUESTIONS: u32 = 8;

/// A listing is worth one single question for so many of its children: a round trip of 20 ms, at the 0.1 ms that a service takes for
/// each child (Vault, observed).
const CHILDREN_A_QUESTION: u32 = 200;

/// A node as it is known, and since when.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Known {
    pub(crate) meta: Meta,
    /// When the service last said so; `Millis(0)` asks for a new question at the next opportunity.
    pub(crate) fetched: Millis,
    /// Our own upload, if these bytes came from one.
    pub(crate) own: Option<Own>,
}

/// An upload of our own: for a while nothing but a single node that shows other bytes, never ours, may contradict it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Own {
    /// Until when.
    until: Millis,
    /// What the service had before, the latest last: what was there when the first of our uploads within that time began,
    /// and all but the last of these.
    before: Vec<Version>,
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

/// The names of a directory with what is known of each.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) nodes: Vec<Packed>,
    /// Which state of the directory this is; see [`Namespace::shown`].
    pub(crate) revision: u64,
}

/// A listing that is in the air.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InAir {
    stamp: Stamp,
    begun: Millis,
}

/// A child of a listing that has just arrived.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// It is to be shown like this, and written down if there is a record.
    Child(Packed, Option<Record>),
    /// What was listed contradicts what is known better: the single node decides.
    Doubtful(Packed, Option<Record>),
    /// It was there already.
    Repeated,
}

#[derive(Debug)]
struct Inner {
    root: Option<Known>,
    directories: LruCache<NodePath, Directory>,
    /// Nodes in all of them, each directory with a share of its own.
    weight: usize,
    /// As many of them are kept.
    limit: usize,
    stamps: u32,
    revisions: u64,
}

/// The metadata cache of one mount.
#[derive(Debug)]
pub(crate) struct Namespace {
    inner: Mutex<Inner>,
    db: Db,
    clock: Arc<dyn Clock>,
    /// Nothing that a former mount learned up to here is fresh.
    distrusted: Millis,
    attribute_ttl: Duration,
    listing_ttl: Duration,
    negative_ttl: Duration,
    /// Modification times are kept at the service too.
    shared_mtime: bool,
}

impl Namespace {
    /// The cache in `db`, which a former mount may have filled.
    pub(crate) async fn open(db: Db, clock: Arc<dyn Clock>, config: &Config) -> Result<Self> {
        let distrusted = persist::distrusted_until(&db, clock.now()).await?;
        let root = persist::root(&db).await?;
        let directories = LruCache::unbounded();
        Ok(Namespace {
            inner: Mutex::new(Inner { root, directories, weight: 0, limit: NODES, stamps: 0, revisions: 0 }),
            db,
            clock,
            distrusted,
            attribute_ttl: config.attribute_ttl,
            listing_ttl: config.listing_ttl,
            negative_ttl: config.negative_ttl,
            shared_mtime: config.remote_mtime,
        })
    }

    /// Writes down that this mount ended in order, so that the next one may believe what it finds.
    pub(crate) async fn save(&self) -> Result<()> {
        persist::end_in_order(&self.db).await
    }

    /// Returns when a kill of this process takes nothing away of what was recorded so far.
    pub(crate) async fn written(&self) -> Result<()> {
        self.db.call(|_| Ok(())).await
    }

    /// What memory says of `path`, without waiting. A directory that is only in SQLite answers `Ask(None)`; see
    /// [`Namespace::load`].
    pub(crate) fn lookup(&self, path: &NodePath) -> Answer {
        let now = self.clock.now();
        let mut inner = self.inner.lock();
        if path.is_root() {
            let root = inner.root.as_ref();
            return root.map_or(Answer::Ask(None), |known| self.answer(known.fetched, now, known.meta.clone()));
        }
        let Some(directory) = inner.directories.get(path.parent_str()) else { return Answer::Ask(None) };
        if let Some(node) = directory.get(path.name()) {
            let Some(meta) = node.meta() else { return Answer::Ask(None) };
            return self.answer(node.fetched(), now, meta);
        }
        let absent = directory.absent_since(path.name()).and_then(|since| since.remaining(self.negative_ttl, now));
        // A complete listing answers for the names that it lacks, for as long as a single answer would.
        let unlisted = || directory.listed.and_then(|since| since.remaining(self.negative_ttl, now));
        absent.or_else(unlisted).map_or(Answer::Ask(None), Answer::Absent)
    }

    fn answer(&self, fetched: Millis, now: Millis, meta: Meta) -> Answer {
        match fetched.remaining(self.attribute_ttl, now) {
            Some(left) => Answer::Found(meta, left),
            None => Answer::Ask(Some(meta)),
        }
    }

    /// Where listings give names only: the children behind `path` that would have to be asked for, of the next `count`.
    /// `None` where a listing tells more than that.
    pub(crate) fn to_be_asked(&self, path: &NodePath, count: usize) -> Option<Vec<NodePath>> {
        let now = self.clock.now();
        let mut inner = self.inner.lock();
        let directory = inner.directories.get(path.parent_str()).filter(|_| !path.is_root())?;
        let node = directory.get(path.name())?;
        if !directory.only_names && node.is_told() {
            return None;
        }
        let parent = path.parent()?;
        let is_old = |node: &&Packed| node.fetched().remaining(self.attribute_ttl, now).is_none();
        Some(directory.behind(path.name(), count).iter().filter(is_old).map(|node| parent.join(node.name())).collect())
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
        self.with_fresh(directory, |directory| Listing {
            nodes: directory.nodes().to_vec(),
            revision: directory.revision,
        })
    }

    /// The latest complete listing of `directory`, however old.
    pub(crate) fn last_listing(&self, directory: &NodePath) -> Option<Listing> {
        let mut inner = self.inner.lock();
        let directory = inner.directories.get(directory).filter(|directory| directory.listed.is_some())?;
        Some(Listing { nodes: directory.nodes().to_vec(), revision: directory.revision })
    }

    /// Whether a listing or a single answer had this name, even if it told nothing of the node.
    pub(crate) fn has(&self, path: &NodePath) -> bool {
        let mut inner = self.inner.lock();
        inner.directories.get(path.parent_str()).is_some_and(|directory| directory.get(path.name()).is_some())
    }

    /// Whether all names of `directory` were known once.
    pub(crate) fn was_listed(&self, directory: &NodePath) -> bool {
        self.inner.lock().directories.get(directory).is_some_and(|directory| directory.listed.is_some())
    }

    /// The names of the files with bytes in `directory`, in the order of its listing, if that is fresh.
    pub(crate) fn files(&self, directory: &NodePath) -> Option<Vec<String>> {
        self.with_fresh(directory, |directory| {
            let files = directory.nodes().iter().filter(|node| node.has_bytes());
            files.map(|node| node.name().to_owned()).collect()
        })
    }

    /// How many children of `directory` are known.
    pub(crate) fn children(&self, directory: &NodePath) -> usize {
        self.inner.lock().directories.get(directory).map_or(0, Directory::len)
    }

    /// Whether a kernel still has the listing of `directory` as it was given it; `None` when a new listing has to be made.
    pub(crate) fn is_shown(&self, directory: &NodePath) -> Option<bool> {
        self.with_fresh(directory, |directory| directory.shown == Some(directory.revision))
    }

    fn with_fresh<T>(&self, directory: &NodePath, give: impl FnOnce(&Directory) -> T) -> Option<T> {
        let now = self.clock.now();
        let mut inner = self.inner.lock();
        let directory = inner.directories.get(directory)?;
        directory.listed.and_then(|since| since.remaining(self.listing_ttl, now))?;
        Some(give(directory))
    }

    /// A kernel was given this revision of `directory` from beginning to end.
    pub(crate) fn shown(&self, directory: &NodePath, revision: u64) {
        if let Some(directory) = self.inner.lock().directories.get_mut(directory) {
            directory.shown = Some(revision);
        }
    }

    /// Brings `directory` from SQLite into memory, if it is not there yet.
    pub(crate) async fn load(&self, directory: &NodePath) -> Result<()> {
        if self.inner.lock().directories.get(directory).is_some_and(|known| known.is_loaded) {
            return Ok(());
        }
        let mut stored = persist::load(&self.db, directory, self.distrusted).await?;
        stored.is_loaded = true;
        let now = self.clock.now();
        let mut inner = self.inner.lock();
        if let Some(known) = inner.take(directory) {
            if known.is_loaded {
                stored = known;
            } else {
                stored.take_over(known);
            }
        }
        inner.put(directory.clone(), stored);
        inner.make_room(now);
        Ok(())
    }

    /// A single-node answer of the service. Returns what holds from now on, which is our own upload where the service
    /// still shows what was there before it.
    pub(crate) fn record(&self, path: &NodePath, meta: Meta) -> Meta {
        let now = self.clock.now();
        self.put(path, |known| merge::single(known, meta, now, self.shared_mtime))
    }

    /// A change of our own that the service has confirmed.
    pub(crate) fn record_own(&self, path: &NodePath, meta: Meta) {
        let now = self.clock.now();
        self.put(path, |known| merge::own(known, None, meta, now));
    }

    /// The bytes of `path` are taken to be the file's from now on only: the service tells nothing of a change, and what was
    /// cached is too old to be believed. Returns what holds then.
    pub(crate) fn take_anew(&self, path: &NodePath, meta: &Meta) -> Meta {
        let now = self.clock.now();
        self.put(path, |known| {
            // Another mark than the one before, also within one millisecond.
            let before = known.and_then(|known| known.meta.version.taken).unwrap_or(Millis(0));
            let taken = Some(now.max(Millis(before.0 + 1)));
            let version = Version { length: meta.version.length, taken, ..Version::default() };
            let own = known.and_then(|known| known.own.clone());
            Known { meta: Meta { version, ..meta.clone() }, fetched: now, own }
        })
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
        if path.is_root() {
            if let Some(root) = &mut inner.root {
                root.fetched = Millis(0);
            }
            return;
        }
        if let Some(directory) = inner.directories.get_mut(path.parent_str()) {
            directory.forget_absent(path.name());
            match directory.get_mut(path.name()) {
                Some(node) => node.expire(),
                None => directory.listed = None,
            }
        }
    }

    /// The same for all below `path` too, also where only SQLite knows it.
    pub(crate) async fn expire_tree(&self, path: &NodePath) -> Result<()> {
        self.expire(path);
        {
            let mut inner = self.inner.lock();
            for place in inner.within(path) {
                if let Some(directory) = inner.directories.peek_mut(&place) {
                    directory.expire();
                }
            }
        }
        persist::expire_tree(&self.db, path).await
    }

    /// Nobody knows whether there is such a node, what it is, or what is below it. Without the service it is shown as it was.
    pub(crate) async fn doubt(&self, path: &NodePath) -> Result<()> {
        let Some(parent) = path.parent() else { return Ok(()) };
        self.load(&parent).await?;
        self.expire_tree(path).await?;
        if let Some(directory) = self.inner.lock().directories.get_mut(&parent) {
            directory.doubt();
        }
        Ok(())
    }

    fn put(&self, path: &NodePath, make: impl FnOnce(Option<&Known>) -> Known) -> Meta {
        let now = self.clock.now();
        let mut inner = self.inner.lock();
        let Some(parent) = path.parent() else {
            let known = make(inner.root.as_ref());
            let meta = known.meta.clone();
            if inner.root.as_ref().is_none_or(|before| before.meta != meta) {
                persist::store(&self.db, path, Record::of(&Packed::new("", &known, Stamp::default())));
            }
            inner.root = Some(known);
            return meta;
        };
        let name = path.name();
        let (directory, weight, revisions) = inner.directory(&parent);
        let before = directory.get(name).and_then(Packed::known);
        let known = make(before.as_ref());
        if let Some(own) = &known.own {
            directory.own_until = directory.own_until.max(own.until);
        }
        let seen = directory.get(name).map_or_else(Stamp::default, |node| node.seen);
        let node = Packed::new(name, &known, seen);
        let record = Record::of(&node);
        let was_other_kind = before.is_some_and(|before| before.meta.kind != known.meta.kind);
        let is_new = directory.insert(node);
        *weight += usize::from(is_new);
        if is_new || was_other_kind {
            *revisions += 1;
            directory.revision = *revisions;
        }
        inner.make_room(now);
        drop(inner);
        persist::store(&self.db, &parent, record);
        known.meta
    }

    /// There is no such node: the service said so, or we removed it.
    pub(crate) fn remove(&self, path: &NodePath) {
        let Some(parent) = path.parent() else { return };
        let now = self.clock.now();
        let mut inner = self.inner.lock();
        let was = inner.drop_name(&parent, path.name(), now);
        if was.is_some_and(|node| node.is_directory()) {
            inner.drop_tree(path);
        }
        inner.make_room(now);
        drop(inner);
        persist::remove(&self.db, path);
    }

    /// `from` is now `to`, with all below it.
    pub(crate) fn rename(&self, from: &NodePath, to: &NodePath) {
        let now = self.clock.now();
        let moved = {
            let mut inner = self.inner.lock();
            let moved = inner.directories.get(from.parent_str()).and_then(|directory| directory.get(from.name()));
            let moved = moved.and_then(Packed::known);
            // What is known of a directory that made way would be shown of the one that takes its name.
            inner.drop_tree(to);
            for path in inner.within(from) {
                if let (Some(new), Some(mut directory)) = (path.moved(from, to), inner.take(&path)) {
                    // A listing that is in the air is one of the old name.
                    directory.in_air = None;
                    inner.put(new, directory);
                }
            }
            if let Some(parent) = from.parent() {
                inner.drop_name(&parent, from.name(), now);
            }
            moved
        };
        persist::remove(&self.db, to);
        persist::rename(&self.db, from, to);
        if let Some(Known { meta, own, .. }) = moved {
            self.put(to, |known| merge::own(known, own.as_ref(), meta, now));
        }
    }

    /// Counts a single question about `path`, and says whether a listing of its directory would be cheaper than to go on like
    /// this: one name after the other is asked for anew, as `git status` does it, or who reads a directory slowly; or one that
    /// is not there, in a directory that was listed before, by who fills it.
    pub(crate) fn is_listing_cheaper(&self, path: &NodePath) -> bool {
        let now = self.clock.now();
        let mut inner = self.inner.lock();
        let Some(directory) = inner.directories.get_mut(path.parent_str()).filter(|_| !path.is_root()) else {
            return false;
        };
        let known = directory.get(path.name());
        if known.is_none() && directory.listed.is_none() || known.is_some() && directory.only_names {
            return false;
        }
        if directory.asked.replace(now).is_none_or(|asked| asked.remaining(self.attribute_ttl, now).is_none()) {
            directory.questions = 0;
        }
        let children = u32::try_from(directory.len()).unwrap_or(u32::MAX);
        directory.questions += 1;
        directory.questions > FEW_QUESTIONS.max(children / CHILDREN_A_QUESTION)
    }

    /// A listing of `directory` begins. It ends with [`Namespace::listed`], or by [`Namespace::broken_off`].
    pub(crate) fn begin_listing(&self, directory: &NodePath) -> InAir {
        let begun = self.clock.now();
        let mut inner = self.inner.lock();
        // After four billion listings the numbers begin again; 0 stays none.
        inner.stamps = inner.stamps.wrapping_add(1).max(1);
        let stamp = Stamp(inner.stamps);
        let known = inner.directory(directory).0;
        known.in_air = Some(stamp);
        known.only_names = false;
        InAir { stamp, begun }
    }

    /// A child of a listing.
    pub(crate) fn arrived(&self, directory: &NodePath, listing: InAir, name: &str, shown: Shown) -> Arrival {
        let now = self.clock.now();
        let mut inner = self.inner.lock();
        let Some((known, weight)) = inner.in_air(directory, listing) else {
            let child = match shown {
                Shown::Whole(meta) => Packed::new(name, &Known { meta, fetched: Millis(0), own: None }, listing.stamp),
                Shown::Named(kind) => Packed::untold(name, kind, listing.stamp),
            };
            return Arrival::Child(child, None);
        };
        let before = known.get(name);
        if before.is_some_and(|before| before.seen == listing.stamp) {
            return Arrival::Repeated;
        }
        let meta = match shown {
            Shown::Whole(meta) => meta,
            Shown::Named(kind) => {
                let (node, is_news) = merge::named(before, name, kind, listing.stamp);
                let record = is_news.then(|| Record::of(&node));
                known.only_names = true;
                *weight += usize::from(known.insert(node.clone()));
                return Arrival::Child(node, record);
            }
        };
        let merged = merge::listed(before.and_then(Packed::known).as_ref(), meta, now, self.shared_mtime);
        let node = Packed::new(name, &merged, listing.stamp);
        let is_same = before.is_some_and(|before| before.fetched() != Millis(0) && before.says_as(&node));
        let is_doubtful = node.fetched() == Millis(0);
        let record = (!is_same || is_doubtful).then(|| Record::of(&node));
        *weight += usize::from(known.insert(node.clone()));
        if is_doubtful { Arrival::Doubtful(node, record) } else { Arrival::Child(node, record) }
    }

    /// Writes down what a listing brought.
    pub(crate) async fn store(&self, directory: &NodePath, records: Vec<Record>) -> Result<()> {
        persist::store_all(&self.db, directory, records).await
    }

    /// What was known and a listing that has come to its end lacks. The first were learned since it began. The others have to
    /// be asked for singly before they are dropped, for a listing that broke off can look complete.
    pub(crate) fn unlisted(&self, directory: &NodePath, listing: InAir) -> (Vec<Packed>, Vec<Packed>) {
        let mut inner = self.inner.lock();
        let Some((known, _)) = inner.in_air(directory, listing) else { return Default::default() };
        known.unseen(listing.stamp).cloned().partition(|node| node.fetched() >= listing.begun)
    }

    /// A listing is complete, and what it lacked was asked for. Gives the revision of the directory from now on.
    pub(crate) fn listed(&self, directory: &NodePath, listing: InAir) -> u64 {
        let now = self.clock.now();
        let mut inner = self.inner.lock();
        inner.revisions += 1;
        let revision = inner.revisions;
        let Some((known, _)) = inner.in_air(directory, listing) else { return revision };
        known.settle();
        known.in_air = None;
        known.listed = Some(now);
        // Where questions came one after the other they will go on: the next of them finds out, and not the next few.
        known.questions = if known.questions > FEW_QUESTIONS { FEW_QUESTIONS } else { 0 };
        known.revision = revision;
        let only_names = known.only_names;
        inner.make_room(now);
        drop(inner);
        persist::listed(&self.db, directory, now, only_names);
        revision
    }

    /// A directory was made just now: its listing is known without asking, for as long as any that is complete.
    pub(crate) fn made_empty(&self, directory: &NodePath) {
        let listing = self.begin_listing(directory);
        self.listed(directory, listing);
    }

    /// A listing ended before its end. What it showed is known; what it did not show is as it was.
    pub(crate) fn broken_off(&self, directory: &NodePath, listing: InAir) {
        let mut inner = self.inner.lock();
        if let Some((known, _)) = inner.in_air(directory, listing) {
            known.in_air = None;
        }
    }
}

impl Inner {
    /// The directory, made if need be, the weight of all, and the last revision.
    fn directory(&mut self, path: &NodePath) -> (&mut Directory, &mut usize, &mut u64) {
        let Inner { directories, weight, revisions, .. } = self;
        if !directories.contains(path) {
            *weight += DIRECTORY;
        }
        (directories.get_or_insert_mut(path.clone(), Directory::default), weight, revisions)
    }

    fn in_air(&mut self, path: &NodePath, listing: InAir) -> Option<(&mut Directory, &mut usize)> {
        let directory = self.directories.get_mut(path)?;
        (directory.in_air == Some(listing.stamp)).then_some((directory, &mut self.weight))
    }

    fn take(&mut self, path: &NodePath) -> Option<Directory> {
        let directory = self.directories.pop(path)?;
        self.weight -= DIRECTORY + directory.len();
        Some(directory)
    }

    fn put(&mut self, path: NodePath, directory: Directory) {
        self.take(&path);
        self.weight += DIRECTORY + directory.len();
        self.directories.put(path, directory);
    }

    fn drop_name(&mut self, parent: &NodePath, name: &str, now: Millis) -> Option<Packed> {
        let (directory, weight, revisions) = self.directory(parent);
        let was = directory.remove(name);
        directory.note_absent(name, now);
        if was.is_some() {
            *weight -= 1;
            *revisions += 1;
            directory.revision = *revisions;
        }
        was
    }

    fn within(&self, path: &NodePath) -> Vec<NodePath> {
        self.directories.iter().map(|(path, _)| path).filter(|known| known.is_within(path)).cloned().collect()
    }

    fn drop_tree(&mut self, path: &NodePath) {
        for path in self.within(path) {
            self.take(&path);
        }
    }

    /// Leaves the directories that were not used for longest to SQLite. Not the last one, none whose listing is in the air,
    /// and none with an upload of ours that a lagging listing could contradict.
    fn make_room(&mut self, now: Millis) {
        let mut spared = 0;
        while self.weight > self.limit && spared + 1 < self.directories.len() {
            let Some((path, directory)) = self.directories.pop_lru() else { return };
            if directory.in_air.is_some() || directory.own_until > now {
                self.directories.put(path, directory);
                spared += 1;
            } else {
                self.weight -= DIRECTORY + directory.len();
            }
        }
    }
}

#[cfg(test)]
mod tests;
