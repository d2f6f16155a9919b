//! What `stat` shows, and what `chmod`, `chown`, `truncate` and `utimens` change.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::clock::Millis;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::handles::Fh;
use crate::inode::{Ino, Type};
use crate::meta::{Access, Kind, Meta};
use crate::namespace::Answer;
use crate::path::NodePath;
use crate::upload;

/// A file of its own changes shows for so long without a new question: the engine itself is the truth of it.
const OWN_TTL: Duration = Duration::from_secs(1);

/// Attributes of an inode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attr {
    /// Its number.
    pub ino: Ino,
    /// What it is.
    pub kind: Kind,
    /// Length in bytes; of a link, that of its text.
    pub size: u64,
    /// Modification time; also shown as access and change time, for the service has no others.
    pub mtime: SystemTime,
    /// Permission bits.
    pub mode: u16,
    /// How many names it has: one, or none once that is removed.
    pub links: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// What to change; `None` leaves as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct SetAttr {
    /// Permission bits: those for others and the group become public and group rights.
    pub mode: Option<u32>,
    /// New owner: only the present one is accepted.
    pub uid: Option<u32>,
    /// New group: only the present one is accepted.
    pub gid: Option<u32>,
    /// New length in bytes.
    pub size: Option<u64>,
    /// New modification time.
    pub mtime: Option<SystemTime>,
}

impl Engine {
    pub(crate) fn attr(&self, ino: Ino, meta: &Meta) -> Attr {
        let size = match &meta.kind {
            Kind::File => meta.version.length,
            Kind::Directory => 0,
            Kind::Link { target } => {
                self.inodes.path(ino).map_or(target.len(), |path| self.shown(&path, target).len()) as u64
            }
        };
        Attr {
            ino,
            kind: meta.kind.clone(),
            size,
            mtime: meta.mtime().to_system_time(),
            mode: self.mode(meta),
            links: 1,
            uid: self.config.uid,
            gid: self.config.gid,
        }
    }

    fn mode(&self, meta: &Meta) -> u16 {
        let Access { public, group_read, group_write } = meta.access;
        let bits = |read: bool, bit: u16| if read { bit } else { 0 };
        // Who may write may read, and a Cavern then shows the one right only.
        let rights = 0o600 | bits(group_read || group_write, 0o040) | bits(group_write, 0o020) | bits(public, 0o004);
        let mode = match meta.kind {
            Kind::Link { .. } => return 0o777,
            Kind::File => rights,
            Kind::Directory => rights | (rights & 0o444) >> 2,
        };
        if self.config.read_only { mode & !0o222 } else { mode }
    }

    /// Attributes that need no question, and for how long they hold.
    pub fn getattr_now(&self, ino: Ino) -> Option<Result<(Attr, Duration)>> {
        let Some(path) = self.inodes.path(ino) else {
            return Some(match self.files.orphan(ino) {
                Some(file) => Ok((Attr { links: 0, ..self.attr(ino, &file.meta()) }, OWN_TTL)),
                None => Err(Error::Stale(NodePath::root())),
            });
        };
        let (meta, ttl) = self.meta_now(&path)?.transpose()?.ok()?;
        Some(Ok(self.attr_as_read(ino, &path, &meta, ttl)))
    }

    /// Attributes of the version that who has the inode open reads: the kernel would cut their pages to another length.
    fn attr_as_read(&self, ino: Ino, path: &NodePath, meta: &Meta, ttl: Duration) -> (Attr, Duration) {
        match self.files.get(path).filter(|file| file.is_read_in_another(&meta.version)) {
            Some(file) => (self.attr(ino, &file.meta()), OWN_TTL),
            None => (self.attr(ino, meta), ttl),
        }
    }

    /// What is known of `path` without a question: from its open file, or from the cache. `Some(Ok(None))` is a name
    /// that is known to be absent.
    pub(crate) fn meta_now(&self, path: &NodePath) -> Option<Result<Option<(Meta, Duration)>>> {
        if let Some(file) = self.files.get(path)
            && file.state().dirty.is_some()
        {
            return Some(Ok(Some((file.meta(), OWN_TTL))));
        }
        if self.local.is_directory(path) {
            return Some(Ok(Some((self.local.meta(path), OWN_TTL))));
        }
        if self.local.is_below_local(path) {
            return Some(Ok(None));
        }
        match self.names.lookup(path) {
            Answer::Found(meta, ttl) => Some(Ok(Some((meta, ttl)))),
            Answer::Absent(_) => Some(Ok(None)),
            Answer::Ask(_) => None,
        }
    }

    /// Attributes of an inode.
    ///
    /// # Errors
    /// [`Error::Stale`] for an inode whose name is gone; what the service said otherwise.
    pub async fn getattr(self: &Arc<Self>, ino: Ino) -> Result<(Attr, Duration)> {
        if let Some(answer) = self.getattr_now(ino) {
            return answer;
        }
        let path = self.path(ino)?;
        let meta = self.resolve(&path).await?;
        let ttl = self.meta_now(&path).and_then(Result::ok).flatten().map_or(Duration::ZERO, |(_, ttl)| ttl);
        Ok(self.attr_as_read(ino, &path, &meta, ttl))
    }

    pub(crate) fn path(&self, ino: Ino) -> Result<NodePath> {
        self.inodes.path(ino).ok_or_else(|| Error::Stale(NodePath::root()))
    }

    /// Changes attributes; `fh` when the program did so through an open file.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] for another owner; [`Error::ReadOnly`]; what the service said.
    pub async fn setattr(self: &Arc<Self>, ino: Ino, fh: Option<Fh>, change: SetAttr) -> Result<(Attr, Duration)> {
        let path = self.inodes.path(ino);
        let subject = path.clone().unwrap_or_default();
        self.check_writable(&subject)?;
        if change.uid.is_some_and(|uid| uid != self.config.uid) || change.gid.is_some_and(|gid| gid != self.config.gid)
        {
            return Err(Error::NotPermitted { path: subject, cause: "a VOSpace node cannot be given away".into() });
        }
        if let Some(size) = change.size {
            self.set_size(ino, fh, size).await?;
        }
        if let (Some(mode), Some(path)) = (change.mode, &path) {
            self.set_mode(path, mode).await?;
        }
        if let Some(mtime) = change.mtime {
            self.set_mtime(ino, path.as_ref(), Millis::from_system_time(mtime)).await?;
        }
        self.getattr(ino).await
    }

    async fn set_mode(self: &Arc<Self>, path: &NodePath, mode: u32) -> Result<()> {
        let mut wanted =
            Access { public: mode & 0o004 != 0, group_read: mode & 0o040 != 0, group_write: mode & 0o020 != 0 };
        if self.keeps_rights.get() == Some(&false) && wanted != Access::default() {
            return Err(no_rights(path));
        }
        if let Some(file) = self.files.get(path)
            && file.state().on_service.is_none()
        {
            // An upload that ends just now makes the node.
            let _flushing = file.flushing.lock().await;
            if file.state().on_service.is_none() {
                // Only groups that the directory has can be given.
                if let Some(above) = path.parent().and_then(|parent| self.names.known(&parent)) {
                    wanted.group_read &= above.access.group_read;
                    wanted.group_write &= above.access.group_write;
                }
                file.state().wanted_access = Some(wanted);
                return upload::durable::keep_again(self, &file).await;
            }
        }
        let meta = self.resolve(path).await?;
        if meta.access == wanted || matches!(meta.kind, Kind::Link { .. }) {
            return Ok(());
        }
        let given = self.give_access(path, &meta, wanted).await?;
        self.properties_change();
        if let Some(file) = self.files.get(path) {
            file.state().access = given;
        }
        self.names.update(path, |meta| meta.access = given);
        Ok(())
    }

    /// Changes who may do what. A service may take that and not do it, which is seen by asking, once in the life of a mount.
    pub(crate) async fn give_access(&self, path: &NodePath, meta: &Meta, wanted: Access) -> Result<Access> {
        let given = match self.remote.set_access(path, meta, wanted).await {
            Err(Error::Unsupported { .. }) => {
                let _ = self.keeps_rights.set(false);
                return Err(no_rights(path));
            }
            given => given?,
        };
        if given == meta.access || self.keeps_rights.get() == Some(&true) {
            return Ok(given);
        }
        let now = self.remote.stat(path).await?.access;
        // Who may write may read, and a Cavern names that one right only.
        let is_kept = (now.public, now.group_write) == (given.public, given.group_write)
            && (now.group_read == given.group_read || now.group_write);
        let _ = self.keeps_rights.set(is_kept);
        if is_kept { Ok(given) } else { Err(no_rights(path)) }
    }

    async fn set_mtime(self: &Arc<Self>, ino: Ino, path: Option<&NodePath>, mtime: Millis) -> Result<()> {
        let file = path.and_then(|path| self.files.get(path)).or_else(|| self.files.orphan(ino));
        let journaled = file.as_ref().and_then(|file| {
            let mut state = file.state();
            state.local_mtime = Some(mtime);
            let dirty = state.dirty.clone()?;
            dirty.set_mtime(mtime);
            state.journaled.is_some().then(|| Arc::clone(file))
        });
        let Some(path) = path else { return Ok(()) };
        self.names.update(path, |meta| meta.local_mtime = Some(mtime));
        if let Some(file) = journaled {
            let _flushing = file.flushing.lock().await;
            return upload::durable::keep_again(self, &file).await;
        }
        let waits = file.is_some_and(|file| file.state().dirty.is_some());
        match self.names.known(path).filter(|meta| meta.is_file() && !waits) {
            Some(meta) => upload::mtime::publish(self, path, &meta).await,
            None => Ok(()),
        }
    }

    /// Something was made, renamed or removed in the directory of `path`: that is a change of the directory. A Vault does
    /// not date it, and a Cavern's date is known at the next question only: it is this change's then, and no reason to
    /// give up a time that was shown, or set, since.
    pub(crate) fn touch_parent(&self, path: &NodePath) {
        if let Some(parent) = path.parent() {
            self.names.update(&parent, |meta| *meta = self.dated(meta.clone()));
        }
    }

    /// A directory or link that was just made or changed here: its date at the service is not known, and it shows ours.
    pub(crate) fn dated(&self, mut meta: Meta) -> Meta {
        meta.version.date = None;
        meta.local_mtime = Some(self.clock.now());
        meta
    }
}

fn no_rights(path: &NodePath) -> Error {
    let cause = "the service took the change of rights, and does not keep any".to_owned();
    tracing::warn!(%path, %cause, "chmod refused");
    Error::Unsupported { path: path.clone(), cause }
}

/// The inode type of a node.
pub(crate) fn type_of(meta: &Meta) -> Type {
    match meta.kind {
        Kind::Directory => Type::Directory,
        Kind::File => Type::File,
        Kind::Link { .. } => Type::Link,
    }
}
