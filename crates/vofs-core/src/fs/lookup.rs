//! Names to inodes.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::inode::Ino;
use crate::meta::{Kind, Meta};
use crate::namespace::Answer;
use crate::path::NodePath;

use super::attr::{Attr, type_of};

/// Longest name that a Linux file system has, in bytes.
pub(crate) const LONGEST_NAME: usize = 255;

/// How long a question waits for a listing that may answer it: several round trips, and far from any deadline.
const LISTING_PATIENCE: Duration = Duration::from_secs(2);

/// A name that was found.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its attributes; the kernel holds one more reference to the inode.
    pub attr: Attr,
    /// For how long the kernel may believe them.
    pub ttl: Duration,
}

/// What a look-up gave.
#[derive(Debug, Clone)]
pub enum Lookup {
    /// The name exists.
    Found(Entry),
    /// It does not, and need not be asked for again for so long.
    Absent(Duration),
}

/// For how long the kernel may keep a name that holds for `ttl`. One that can be written in two ways (NFC and NFD) is two
/// names for the kernel, of which it would not know that they end together: those it asks for each time.
pub(super) fn kept(path: &NodePath, ttl: Duration) -> Duration {
    if path.name().is_ascii() { ttl } else { Duration::ZERO }
}

impl Engine {
    /// Looks a name up without a question, if that is possible.
    pub fn lookup_now(&self, parent: Ino, name: &str) -> Option<Result<Lookup>> {
        let path = match self.child(parent, name) {
            Ok(path) => path,
            Err(error) => return Some(Err(error)),
        };
        match self.meta_now(&path)? {
            Ok(Some((meta, ttl))) => Some(Ok(Lookup::Found(self.entry(parent, &path, &meta, ttl)))),
            Ok(None) => Some(Ok(Lookup::Absent(self.absent_for(&path)))),
            Err(error) => Some(Err(error)),
        }
    }

    /// Looks a name up.
    ///
    /// # Errors
    /// What the service said, other than that there is no such node.
    pub async fn lookup(self: &Arc<Self>, parent: Ino, name: &str) -> Result<Lookup> {
        let path = self.child(parent, name)?;
        match self.resolve(&path).await {
            Ok(meta) => {
                let ttl = match self.names.lookup(&path) {
                    Answer::Found(_, left) => left,
                    Answer::Absent(_) | Answer::Ask(_) => Duration::ZERO,
                };
                Ok(Lookup::Found(self.entry(parent, &path, &meta, ttl)))
            }
            Err(Error::NotFound(_)) => Ok(Lookup::Absent(self.absent_for(&path))),
            Err(error) => Err(error),
        }
    }

    /// For how much longer it may be believed that there is no such name.
    fn absent_for(&self, path: &NodePath) -> Duration {
        match self.names.lookup(path) {
            Answer::Absent(left) => kept(path, left),
            Answer::Found(..) | Answer::Ask(_) => Duration::ZERO,
        }
    }

    /// The kernel drops references to an inode.
    pub fn forget(&self, ino: Ino, count: u64) {
        self.inodes.forget(ino, count);
    }

    pub(crate) fn entry(&self, parent: Ino, path: &NodePath, meta: &Meta, ttl: Duration) -> Entry {
        self.files.supersede(&self.inodes, path, &meta.version);
        let ino = self.inodes.lookup(parent, path.name(), type_of(meta));
        Entry { attr: self.attr(ino, meta), ttl: kept(path, ttl) }
    }

    /// A child of which only this is known, for a kernel that wants an entry. It believes nothing of it, and looks the name up
    /// before it shows anything.
    pub(crate) fn named_entry(&self, parent: Ino, path: &NodePath, kind: &Kind) -> Entry {
        let meta = self.files.get(path).map_or_else(|| Meta::new(kind.clone()), |file| file.meta());
        let ino = self.inodes.lookup(parent, path.name(), type_of(&meta));
        Entry { attr: self.attr(ino, &meta), ttl: Duration::ZERO }
    }

    /// The path of `name` in `parent`, in the form that the service stores names in (NFC).
    pub(crate) fn child(&self, parent: Ino, name: &str) -> Result<NodePath> {
        let path = self.path(parent)?.join(&vospace_client::uri::to_nfc(name));
        if path.name().len() > LONGEST_NAME {
            return Err(Error::NameTooLong(path));
        }
        Ok(path)
    }

    /// The path of a name that is to be made: one that the service cannot hold is refused before anything is sent.
    pub(crate) fn new_child(&self, parent: Ino, name: &str) -> Result<NodePath> {
        let path = self.child(parent, name)?;
        self.check_writable(&path)?;
        match self.remote.refuses_name(path.name()).filter(|_| !self.local.stays(&path)) {
            Some(cause) => {
                tracing::warn!(%path, %cause, "name refused");
                Err(Error::Name { path, cause })
            }
            None => Ok(path),
        }
    }

    /// What there is at `path`, if that is known without a question.
    pub(crate) fn resolve_now(&self, path: &NodePath) -> Option<Result<Meta>> {
        let known = self.meta_now(path)?;
        Some(known.and_then(|known| known.map(|(meta, _)| meta).ok_or_else(|| Error::NotFound(path.clone()))))
    }

    /// What there is at `path`: from an open file, the cache, the former mount's cache, or the service.
    pub(crate) async fn resolve(self: &Arc<Self>, path: &NodePath) -> Result<Meta> {
        for attempt in 0..2 {
            if let Some(known) = self.resolve_now(path) {
                return known;
            }
            if let (0, Some(parent)) = (attempt, path.parent()) {
                self.names.load(&parent).await?;
            }
        }
        if !self.outage.is_on()
            && self.names.is_listing_cheaper(path)
            && let Some(parent) = path.parent()
        {
            let listing = self.list(&parent);
            let arrival = listing.until(|| self.meta_now(path).is_some());
            // Past that a single question is cheaper after all.
            let _ = tokio::time::timeout(LISTING_PATIENCE, arrival).await;
            if let Some(known) = self.resolve_now(path) {
                return known;
            }
        }
        self.asked_or_known(path, self.ask_along(path)).await
    }

    /// Asks the service about one node.
    pub(crate) async fn ask(&self, path: &NodePath) -> Result<Meta> {
        let question = async { Ok((self.remote.stat(path).await?, None)) };
        self.ask_for(path, question).await.map(|(meta, _)| meta)
    }

    /// The same for who will write to it. What may not be written is refused, where the service says so; where the right to the
    /// directory is enough (Cavern, observed), that has to be missing too.
    pub(crate) async fn ask_to_write(&self, path: &NodePath) -> Result<Meta> {
        let (meta, may) = self.ask_for(path, self.remote.stat_to_write(path)).await?;
        if may == Some(false)
            && meta.is_file()
            && let Some(parent) = path.parent()
            && self.remote.may_make_in(&parent).await == Some(false)
        {
            let cause = "the service lets you write neither it nor its directory".to_owned();
            return Err(Error::PermissionDenied { path: path.clone(), cause });
        }
        Ok(meta)
    }

    async fn ask_for(
        &self,
        path: &NodePath,
        question: impl Future<Output = Result<(Meta, Option<bool>)>>,
    ) -> Result<(Meta, Option<bool>)> {
        if !path.is_root() && self.remote.refuses_name(path.name()).is_some() {
            // It cannot be asked for without acting on another name. If a listing showed it, that is all we know.
            return self.names.known(path).map(|meta| (meta, None)).ok_or_else(|| Error::NotFound(path.clone()));
        }
        self.check_known(path)?;
        match question.await {
            Ok((meta, may)) => {
                self.identity.note(&meta);
                Ok((self.names.record(path, meta), may))
            }
            Err(Error::NotFound(_)) => {
                self.names.remove(path);
                Err(Error::NotFound(path.clone()))
            }
            Err(error) => Err(error),
        }
    }
}
