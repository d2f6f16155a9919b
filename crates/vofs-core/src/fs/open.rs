//! Opening, making and closing files. Close-to-open consistency is made here: every open asks the service, but for those
//! that were answered ahead (`proof`).
//!
//! Where the node is known and fresh, and its first bytes are not here yet, the question is the request for these bytes:
//! asked for by the name, their answer tells by its digest whether the name still stands for the version that is known.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::blocks::Backing;
use crate::config::WriteBack;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::fetch::window::{FIRST, Window};
use crate::file::{OpenFile, Purpose};
use crate::handles::{Fh, FileHandle, OpenFlags};
use crate::inode::Ino;
use crate::journal::Change;
use crate::meta::{Kind, Meta};
use crate::namespace::Answer;
use crate::path::NodePath;
use crate::upload;
use crate::version::Version;

use super::attr::type_of;
use super::lookup::{Entry, kept};

fn only_reads(flags: OpenFlags) -> bool {
    flags.read && !flags.write && !flags.truncate
}

/// An open file.
#[derive(Debug, Clone)]
pub struct Opened {
    /// Its handle.
    pub fh: Fh,
    /// The pages that the kernel has of the file are of the version that was opened.
    pub keep_cache: bool,
    /// What the kernel may read by itself. It has to, while another handle of the inode is read so; it must not where this
    /// is nothing.
    pub backing: Option<Arc<Backing>>,
}

impl Engine {
    /// Opens a file. One that nobody here has changed is asked for: a change made elsewhere is seen now.
    ///
    /// # Errors
    /// [`Error::IsADirectory`], [`Error::ReadOnly`], [`Error::NotFound`] when it was removed elsewhere, [`Error::Renumbered`]
    /// when the name stands for another inode by now, [`Error::PermissionDenied`] for who would write where the service says
    /// that he may not, or what the service said.
    pub async fn open(self: &Arc<Self>, ino: Ino, flags: OpenFlags) -> Result<Opened> {
        let Some(path) = self.inodes.path(ino) else {
            let file = self.files.orphan(ino).ok_or_else(|| Error::Stale(NodePath::root()))?;
            return self.open_orphan(ino, file, flags);
        };
        if flags.write || flags.truncate {
            self.check_writable(&path)?;
        }
        let local = self.files.get(&path).filter(|file| file.state().dirty.is_some());
        let (meta, on_service) = match local {
            Some(file) => (file.meta(), file.state().on_service.clone()),
            None => {
                let meta = self.ask_to_open(&path, flags).await?;
                // Who reads it already would lose what he has not read yet, of a file that may be as it was.
                let is_open = self.files.get(&path).is_some_and(|file| file.state().handles > 0);
                let is_overdue = self.is_overdue(&meta.version) && !is_open;
                let meta = if is_overdue { self.names.take_anew(&path, &meta) } else { meta };
                let version = meta.version.clone();
                (meta, Some(version))
            }
        };
        match meta.kind {
            Kind::File => {}
            Kind::Directory => return Err(Error::IsADirectory(path)),
            Kind::Link { .. } => return Err(Error::LinkLoop(path)),
        }
        if let Some(version) = &on_service {
            self.files.supersede(&self.inodes, &path, version);
        }
        let renumbered = || Error::Renumbered(path.clone());
        let file = self.attach((ino, &path), &meta, on_service, flags).ok_or_else(renumbered)?;
        if flags.truncate
            && let Err(error) = self.change_length(&file, 0).await
        {
            self.detach(&file, ino, flags);
            return Err(error);
        }
        Ok(self.opened_file(ino, file, flags))
    }

    /// Opens a file without a question, if that is possible. Called on the thread that took the request.
    pub fn open_now(self: &Arc<Self>, ino: Ino, flags: OpenFlags) -> Option<Opened> {
        let path = self.inodes.path(ino).filter(|_| only_reads(flags))?;
        if self.files.get(&path).is_some_and(|file| file.state().dirty.is_some()) {
            return None;
        }
        let meta = self.answered(&path)?;
        if self.files.is_to_be_parted(&path, &meta.version) {
            // This inode will not be that of the name any more, which can only be said by an error.
            return None;
        }
        let file = self.attach((ino, &path), &meta, Some(meta.version.clone()), flags)?;
        Some(self.opened_file(ino, file, flags))
    }

    fn opened_file(&self, ino: Ino, file: Arc<OpenFile>, flags: OpenFlags) -> Opened {
        let (shown, backing) = {
            let state = file.state();
            (state.on_service.clone().filter(|_| state.dirty.is_none()), state.through.clone())
        };
        let keep_cache = shown.is_none_or(|version| self.files.paged(ino, &version));
        Opened { fh: self.handle(ino, file, flags), keep_cache, backing }
    }

    fn attach(
        &self,
        at: (Ino, &NodePath),
        meta: &Meta,
        on_service: Option<Version>,
        flags: OpenFlags,
    ) -> Option<Arc<OpenFile>> {
        let purpose = match flags {
            _ if flags.write => Purpose::Write,
            _ if flags.truncate => Purpose::Change,
            _ => Purpose::Read,
        };
        self.files.attach((&self.inodes, &self.store), at, meta, on_service, purpose)
    }

    fn detach(&self, file: &Arc<OpenFile>, ino: Ino, flags: OpenFlags) -> bool {
        self.files.detach(file, ino, flags.write)
    }

    /// What the service has at `path` now.
    async fn ask_to_open(self: &Arc<Self>, path: &NodePath, flags: OpenFlags) -> Result<Meta> {
        if only_reads(flags) {
            let answer = self.asked_or_known(path, self.ask_to_read(path)).await;
            self.proofs.opened(path);
            return answer;
        }
        match self.config.write_back {
            WriteBack::Close => self.ask_to_write(path).await,
            // It waits for the service anyway, which is asked for its version before anything is sent.
            WriteBack::Background => self.asked_or_known(path, self.ask_to_write(path)).await,
        }
    }

    async fn ask_to_read(self: &Arc<Self>, path: &NodePath) -> Result<Meta> {
        if self.remote.refuses_name(path.name()).is_some() {
            return self.ask(path).await;
        }
        if let Some(meta) = self.swept(path).await {
            return Ok(meta);
        }
        if let Answer::Found(known, _) = self.names.lookup(path)
            && let Some(meta) = self.begin_reading(path, &known, FIRST, false).await
        {
            return Ok(meta);
        }
        if let Some(meta) = self.listed_just_now(path).await {
            return Ok(meta);
        }
        self.ask(path).await
    }

    /// Sends for the first `piece` bytes of a file of which a version is known. Returns that if the answer proves that the
    /// service still has it; where answers cannot, the bytes are on their way while the caller asks for the node. With
    /// `taste` nobody has the file open.
    pub(crate) async fn begin_reading(
        self: &Arc<Self>,
        path: &NodePath,
        known: &Meta,
        piece: u64,
        taste: bool,
    ) -> Option<Meta> {
        if !known.is_file() || known.version.length == 0 || self.is_overdue(&known.version) {
            return None;
        }
        let blocks = self.store.version(path, &known.version);
        if known.version.content_date.is_some() && known.version.md5.is_some() {
            return self.fetcher.confirm(path, &blocks, piece, taste).await.then(|| known.clone());
        }
        // A digest may be that of older bytes where there is no content-date (`version`).
        self.fetcher.begin(path, &blocks, piece, taste);
        None
    }

    fn open_orphan(&self, ino: Ino, file: Arc<OpenFile>, flags: OpenFlags) -> Result<Opened> {
        let backing = {
            let mut state = file.state();
            if flags.write && (state.superseded || state.is_read_through()) {
                // What was written would have no name to go to.
                return Err(Error::Stale(state.path.clone().unwrap_or_default()));
            }
            state.handles += 1;
            state.writers += usize::from(flags.write);
            state.wake();
            state.through.clone()
        };
        Ok(Opened { fh: self.handle(ino, file, flags), keep_cache: true, backing })
    }

    /// Makes a file and opens it. Nothing is sent: the service learns of it when it is closed.
    ///
    /// # Errors
    /// [`Error::Exists`] when it must not exist and does; [`Error::Name`] for a name that the service cannot hold;
    /// [`Error::PermissionDenied`] where the service has said that nothing may be made.
    pub async fn create(self: &Arc<Self>, parent: Ino, name: &str, flags: OpenFlags) -> Result<(Entry, Opened)> {
        let path = self.new_child(parent, name)?;
        match self.resolve(&path).await {
            Ok(_) if flags.exclusive => return Err(Error::Exists(path)),
            Ok(meta) => {
                let ino = self.inodes.lookup(parent, path.name(), type_of(&meta));
                let opened = self.open(ino, flags).await;
                if opened.is_err() {
                    self.inodes.forget(ino, 1);
                }
                let entry = Entry { attr: self.getattr(ino).await?.0, ttl: std::time::Duration::ZERO };
                return Ok((entry, opened?));
            }
            Err(Error::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
        if let Some(parent) = path.parent().filter(|_| !self.local.stays(&path) && !self.outage.is_on())
            && self.remote.may_make_in(&parent).await == Some(false)
        {
            let cause = "the service lets you make nothing in its directory".to_owned();
            return Err(Error::PermissionDenied { path, cause });
        }
        let meta = Meta::new(Kind::File);
        let ino = self.inodes.lookup(parent, path.name(), type_of(&meta));
        let made = match self.attach((ino, &path), &meta, None, flags) {
            Some(file) => match file.dirty(&self.store, self.journal.directory(), false, self.clock.now()).map(drop) {
                Ok(()) => Ok(file),
                Err(error) => {
                    self.detach(&file, ino, flags);
                    Err(error)
                }
            },
            // Renamed in this moment.
            None => Err(Error::Renumbered(path.clone())),
        };
        let file = match made {
            Ok(file) => file,
            Err(error) => {
                self.inodes.forget(ino, 1);
                return Err(error);
            }
        };
        let attr = self.attr(ino, &file.meta());
        self.touch_parent(&path);
        let opened = Opened { fh: self.handle(ino, file, flags), keep_cache: true, backing: None };
        Ok((Entry { attr, ttl: kept(&path, std::time::Duration::from_secs(1)) }, opened))
    }

    fn handle(&self, ino: Ino, file: Arc<OpenFile>, flags: OpenFlags) -> Fh {
        let window = Window::new(self.store.capacity());
        self.handles.add_file(FileHandle { ino, file, flags, window, pinned: Mutex::new(None) })
    }

    /// The last reference to a handle is gone. What it changed and `close` could not send goes out now.
    pub async fn release(self: &Arc<Self>, fh: Fh) {
        if let Some(unlinked) = self.let_go(fh) {
            self.discard(&unlinked).await;
        }
    }

    /// [`Engine::release`] for who does not wait for what that leaves to be done.
    pub fn release_now(self: &Arc<Self>, fh: Fh) {
        if let Some(unlinked) = self.let_go(fh) {
            let engine = Arc::clone(self);
            self.runtime.spawn(async move { engine.discard(&unlinked).await });
        }
    }

    /// Drops a handle. With the last one of a removed file its changes are to be discarded.
    fn let_go(self: &Arc<Self>, fh: Fh) -> Option<Arc<OpenFile>> {
        let handle = self.handles.remove_file(fh)?;
        let file = Arc::clone(&handle.file);
        if let Some(directory) = self.inodes.path(handle.ino).and_then(|path| path.parent()) {
            self.sweeps.closed(&directory, handle.window.extent());
        }
        let pinned = handle.pinned.lock().take();
        if let Some((_, blocks)) = pinned
            && file.state().handles == 1
        {
            self.fetcher.abandon(&blocks);
        }
        if !self.detach(&file, handle.ino, handle.flags) {
            return None;
        }
        let (unlinked, dirty) = {
            let state = file.state();
            (state.path.is_none(), state.dirty.is_some())
        };
        if dirty && !unlinked {
            upload::sender::attend(self, &file, upload::sender::Start::WhenQuiet);
        }
        unlinked.then_some(file)
    }

    /// Drops the changes of a file that was removed.
    pub(crate) async fn discard(&self, file: &Arc<OpenFile>) {
        let change = Change { remove: file.state().journaled_ids(), ..Change::default() };
        if !change.remove.is_empty()
            && let Err(error) = self.journal.apply(&change).await
        {
            tracing::warn!(%error, "journal: a record of a removed file stays");
            return;
        }
        self.drop_changes(file);
    }

    /// Drops changes of which the journal knows nothing (any more).
    pub(crate) fn drop_changes(&self, file: &Arc<OpenFile>) {
        let dropped: Vec<_> = {
            let mut state = file.state();
            state.forget_changes().into_iter().chain(std::mem::take(&mut state.former)).collect()
        };
        dropped.iter().for_each(|dirty| dirty.discard());
    }
}
