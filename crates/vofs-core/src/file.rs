//! Files that are open or have changes of their own: the state that all handles of one file share.
//!
//! An inode has one set of pages in the kernel, so all handles of an inode read one version. Where another client replaced a
//! file while programs here only read it, they keep the old one and its inode, both without a name by then, and whoever
//! looks the name up gets a new inode. Where one of them may write there is one inode as before: its changes go to the name.
//!
//! A file that the kernel reads past us (`FileState::through`) is all its handles' way or none's, and nothing of it may change.
//! So who wants to change it gets a new inode too, and those who read keep what they opened.
//!
//! A file is in the table from its first open until it is neither open nor dirty. A file that a former mount left in the
//! journal is in it from the start, so that it shows, reads and is renamed like any other before it is uploaded.
//!
//! Lock order: `OpenFile::flushing` (may be held across the network; it is what makes one upload of a file at a time;
//! of several files in the order of their paths), then `FileTable`, then `OpenFile::state`, then those of the block cache. The
//! table and the state are held for a few assignments only.

use std::collections::HashMap;
use std::io;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use lru::LruCache;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::blocks::{Backing, OpenBlocks, Store};
use crate::clock::Millis;
use crate::dirty::DirtyFile;
use crate::error::{Error, Result};
use crate::inode::{Ino, InodeTable};
use crate::journal::{Digest, Stage};
use crate::meta::{Access, Kind, Meta};
use crate::path::NodePath;
use crate::version::{Comparison, Version};

/// Of so many closed files it is remembered which version the kernel has pages of.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(65_536).expect("invariant: not zero");

/// For so long a file that somebody wants to change is not lent to the kernel before he comes again: the kernel tries an
/// opening twice.
const AWAITED: Duration = Duration::from_secs(1);

/// Why a file is still not on the service.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    pub(crate) tries: u32,
    /// Some `fsync` has told it.
    pub(crate) told: bool,
}

/// For what a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be read.
    Read,
    /// To be changed by this opening itself, or by the mount.
    Change,
    /// To be written by the program.
    Write,
}

/// What all handles of a file share.
#[derive(Debug)]
pub(crate) struct FileState {
    /// Where it is; `None` once it was unlinked.
    pub(crate) path: Option<NodePath>,
    /// What the service has of it; `None` for a file that was made here and not uploaded yet.
    pub(crate) on_service: Option<Version>,
    /// Cached bytes of `on_service`, once needed.
    pub(crate) blocks: Option<OpenBlocks>,
    /// All handles are read by the kernel itself, past us.
    pub(crate) through: Option<Arc<Backing>>,
    /// Changes that the service does not have.
    pub(crate) dirty: Option<Arc<DirtyFile>>,
    /// Which generation of `dirty` the journal holds a record of.
    pub(crate) journaled: Option<u64>,
    /// Where that record stands.
    pub(crate) stage: Stage,
    /// Data files that the journal may still name in place of `dirty`: they go when it names that.
    pub(crate) former: Vec<Arc<DirtyFile>>,
    /// An upload reads `dirty`: a write waits for it.
    pub(crate) uploading: bool,
    /// So many changes of `dirty` are being made: an upload waits for them.
    changing: usize,
    /// What ends the upload that is under way in the background, where nobody waits for it.
    pub(crate) interrupt: Option<CancellationToken>,
    /// Bytes of `dirty` are on their way.
    pub(crate) sending: Option<Arc<AtomicU64>>,
    /// Somebody sends it in the background, again and again until that succeeds.
    pub(crate) attended: bool,
    /// When it was last made durable: it is left alone for a while after that.
    pub(crate) kept_at: Option<Instant>,
    /// A PUT of these changes was begun and never confirmed: what stands on the service may be its wreck.
    pub(crate) begun: bool,
    /// The generation of `dirty` of which that is so and whose digest is not in `attempted` yet.
    pub(crate) unrecognised: Option<u64>,
    /// Former contents of which that is so.
    pub(crate) attempted: Vec<Digest>,
    /// Properties that users had set of the node, before an upload that may delete it and make it anew.
    pub(crate) properties: Vec<(String, String)>,
    /// What the last try met, and how many there were.
    pub(crate) failure: Option<Failure>,
    /// Handles.
    pub(crate) handles: usize,
    /// Those of them that may write.
    pub(crate) writers: usize,
    /// The name stands for another version by now, under another inode; this one is only read to its end.
    pub(crate) superseded: bool,
    /// Counts uploads of our own: a handle then turns to the new version.
    pub(crate) epoch: u64,
    /// Who may do what.
    pub(crate) access: Access,
    /// A change of `access` that waits for the node to exist.
    pub(crate) wanted_access: Option<Access>,
    /// Modification time set by a program.
    pub(crate) local_mtime: Option<Millis>,
}

/// One open or dirty file.
#[derive(Debug)]
pub(crate) struct OpenFile {
    state: Mutex<FileState>,
    /// Held by whoever uploads, renames or removes the file.
    pub(crate) flushing: tokio::sync::Mutex<()>,
    /// Told when no change is being made any more.
    unchanging: Notify,
}

/// A change that is being made of a file; while it lives, no upload begins to read the file, and nobody cuts it.
#[derive(Debug)]
pub(crate) struct Changing<'a> {
    file: &'a OpenFile,
    dirty: Arc<DirtyFile>,
}

impl std::ops::Deref for Changing<'_> {
    type Target = Arc<DirtyFile>;

    fn deref(&self) -> &Arc<DirtyFile> {
        &self.dirty
    }
}

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        let mut state = self.file.state();
        state.changing -= 1;
        if state.changing == 0 {
            self.file.unchanging.notify_waiters();
        }
    }
}

impl OpenFile {
    fn new(path: &NodePath, meta: &Meta, on_service: Option<Version>) -> Self {
        let state = FileState {
            path: Some(path.clone()),
            on_service,
            blocks: None,
            through: None,
            dirty: None,
            journaled: None,
            stage: Stage::Waiting,
            former: Vec::new(),
            uploading: false,
            changing: 0,
            interrupt: None,
            sending: None,
            attended: false,
            kept_at: None,
            begun: false,
            unrecognised: None,
            attempted: Vec::new(),
            properties: Vec::new(),
            failure: None,
            handles: 0,
            writers: 0,
            superseded: false,
            epoch: 0,
            access: meta.access,
            wanted_access: None,
            local_mtime: meta.local_mtime,
        };
        OpenFile { state: Mutex::new(state), flushing: tokio::sync::Mutex::new(()), unchanging: Notify::new() }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, FileState> {
        self.state.lock()
    }

    /// The file as `stat` shows it.
    pub(crate) fn meta(&self) -> Meta {
        let state = self.state.lock();
        let mut version = state.on_service.clone().unwrap_or_default();
        let mut local_mtime = state.local_mtime;
        if let Some(dirty) = &state.dirty {
            version.length = dirty.length();
            local_mtime = Some(dirty.mtime());
        }
        let access = state.wanted_access.unwrap_or(state.access);
        Meta { version, access, local_mtime, ..Meta::new(Kind::File) }
    }

    /// True when programs have it open, only read it, and this version is certainly another one than theirs.
    pub(crate) fn is_read_in_another(&self, version: &Version) -> bool {
        let state = self.state.lock();
        let is_other = |known: &Version| known.compare(version) == Comparison::Different;
        let is_rejected = || state.blocks.as_ref().is_some_and(OpenBlocks::is_rejected);
        state.handles > 0
            && state.writers == 0
            && state.dirty.is_none()
            && !state.uploading
            && (state.on_service.as_ref().is_some_and(is_other) || is_rejected())
    }

    /// True when the kernel reads it past us and an opening of `version` for this purpose cannot be one of those.
    fn is_closed_to(&self, version: Option<&Version>, purpose: Purpose) -> bool {
        let state = self.state.lock();
        let is_same = || state.on_service.as_ref().zip(version).is_some_and(|(known, version)| known.is_same(version));
        state.is_read_through() && (purpose != Purpose::Read || !is_same())
    }

    /// Ends an upload that goes on in the background, so that its lock is free soon. One that somebody waits for goes on.
    pub(crate) fn interrupt(&self) {
        if let Some(interrupt) = &self.state.lock().interrupt {
            interrupt.cancel();
        }
    }

    /// The same, unless its bytes are on their way already.
    pub(crate) fn interrupt_if_queued(&self) {
        let state = self.state.lock();
        if let (Some(interrupt), None) = (&state.interrupt, &state.sending) {
            interrupt.cancel();
        }
    }

    /// Begins to change the file, if that has not begun. `None` while an upload reads it, or before the digest is known of
    /// what a lost upload may have stored ([`crate::upload::durable::recognise`]).
    pub(crate) fn dirty(
        &self,
        store: &Store,
        directory: &Path,
        keep: bool,
        now: Millis,
    ) -> Result<Option<Changing<'_>>> {
        let mut state = self.state.lock();
        let path = state.path.clone().unwrap_or_default();
        if state.uploading || state.is_unrecognised() {
            return Ok(None);
        }
        let dirty = match state.dirty.clone() {
            Some(dirty) => dirty,
            None => {
                let base_length = state.on_service.as_ref().filter(|_| keep).map_or(0, |version| version.length);
                if base_length > 0 {
                    state.blocks(store);
                }
                let dirty = DirtyFile::create(directory, base_length, now)
                    .map_err(|error| Error::disk(&path, "create", &error))?;
                Arc::clone(state.dirty.insert(Arc::new(dirty)))
            }
        };
        state.changing += 1;
        Ok(Some(Changing { file: self, dirty }))
    }

    /// Returns when no change is being made. The caller has seen to it that none begins.
    pub(crate) async fn unchanged(&self) {
        loop {
            let unchanging = self.unchanging.notified();
            if self.state().changing == 0 {
                return;
            }
            unchanging.await;
        }
    }
}

impl OpenFile {
    /// Cuts a file whose uncut contents were promised: they stay as they are until the journal names the cut ones.
    pub(crate) fn supersede(
        &self,
        old: &Arc<DirtyFile>,
        directory: &Path,
        length: u64,
        now: Millis,
    ) -> io::Result<bool> {
        let generation = old.generation();
        let fresh = Arc::new(match length {
            0 => DirtyFile::create(directory, 0, now)?,
            _ => old.cut_copy(directory, length, now)?,
        });
        let mut state = self.state.lock();
        let unchanged = state.dirty.as_ref().is_some_and(|dirty| Arc::ptr_eq(dirty, old))
            && !state.uploading
            && !state.is_unrecognised()
            && state.changing == 0
            && old.generation() == generation;
        if !unchanged {
            drop(state);
            fresh.discard();
            return Ok(false);
        }
        let before = state.dirty.replace(fresh);
        state.former.extend(before);
        state.journaled = None;
        Ok(true)
    }
}

impl FileState {
    /// Whether the journal has all that was changed.
    pub(crate) fn is_kept(&self) -> bool {
        self.dirty.as_ref().is_none_or(|dirty| self.journaled == Some(dirty.generation()))
    }

    /// Whether a PUT of just these contents was begun and never confirmed: their digest has to be known before they change.
    pub(crate) fn is_unrecognised(&self) -> bool {
        self.dirty.as_ref().is_some_and(|dirty| self.unrecognised == Some(dirty.generation()))
    }

    /// Whether the journal names any data file of it.
    pub(crate) fn is_in_journal(&self) -> bool {
        self.journaled.is_some() || !self.former.is_empty()
    }

    /// The data files of it that the journal names.
    pub(crate) fn journaled_ids(&self) -> Vec<String> {
        let present = self.dirty.iter().filter(|_| self.journaled.is_some());
        present.chain(&self.former).map(|dirty| dirty.id().to_owned()).collect()
    }

    /// It has bytes on the service and none here: what a shell makes of a file just before it writes.
    pub(crate) fn is_emptied(&self) -> bool {
        self.dirty.as_ref().is_some_and(|dirty| dirty.length() == 0)
            && self.on_service.as_ref().is_some_and(|version| version.length > 0)
    }

    /// Whether there is something to send that may be sent without anybody's asking: what was promised, and only as it was.
    /// A file that is only emptied by who still has it open is about to be written.
    pub(crate) fn wants_sending(&self) -> bool {
        self.path.is_some()
            && self.dirty.is_some()
            && self.is_kept()
            && self.stage.goes_on()
            && !(self.is_emptied() && self.handles > 0)
    }

    /// The service has it, or the changes are dropped: nothing of them is left to be remembered.
    pub(crate) fn forget_changes(&mut self) -> Option<Arc<DirtyFile>> {
        self.journaled = None;
        self.stage = Stage::Waiting;
        self.kept_at = None;
        self.begun = false;
        self.unrecognised = None;
        self.attempted.clear();
        self.properties.clear();
        self.failure = None;
        self.wanted_access = None;
        self.dirty.take()
    }

    /// A program works with it: its data file stays open, so that what is read of it is there whatever becomes of its name.
    pub(crate) fn wake(&self) {
        if let Some(dirty) = &self.dirty
            && let Err(error) = dirty.wake()
        {
            tracing::warn!(%error, path = ?self.path, "the data file cannot be opened");
        }
    }

    /// Closes the data file where neither a program nor an upload works with it.
    pub(crate) fn rest(&self) {
        if self.handles == 0
            && !self.uploading
            && let Some(dirty) = &self.dirty
        {
            dirty.rest();
        }
    }

    /// The cached bytes of what the service has; of a superseded version what was held of it, because the name stands for
    /// other bytes by now.
    pub(crate) fn blocks(&mut self, store: &Store) -> Option<OpenBlocks> {
        let usable = self.superseded || self.blocks.as_ref().is_some_and(|blocks| !blocks.is_rejected());
        if let (false, Some(version), Some(path)) = (usable, &self.on_service, &self.path) {
            self.blocks = Some(store.version(path, version));
        }
        self.blocks.clone()
    }

    /// The service has just said that it still has this version. If an answer had shown other bytes, that answer was wrong and
    /// the next may be right: who comes from now on fetches anew, and who has read some of it keeps what there is.
    pub(crate) fn begin_anew(&mut self) {
        self.blocks.take_if(|blocks| blocks.is_doomed());
    }

    /// Holds what is cached of the version, so that it outlives its replacement: a program that has read nothing yet, or
    /// only what the kernel had, will want the rest.
    fn hold(&mut self, store: &Store) {
        if let (None, Some(version), Some(path)) = (&self.blocks, &self.on_service, &self.path) {
            self.blocks = store.known(path, version);
        }
    }

    /// The kernel reads it past us.
    pub(crate) fn is_read_through(&self) -> bool {
        self.through.as_ref().is_some_and(|backing| !backing.is_refused())
    }

    /// Lends it to the kernel, if that may be: the first handle decides for all.
    fn lend(&mut self, store: &Arc<Store>) {
        let clean = self.dirty.is_none() && !self.uploading;
        self.through = self.blocks.as_ref().filter(|_| clean).and_then(|blocks| store.lend(blocks));
    }

    /// True when neither a handle nor a change keeps the file in the table.
    fn is_idle(&self) -> bool {
        self.handles == 0 && self.dirty.is_none() && !self.uploading
    }
}

#[derive(Debug)]
struct Inner {
    by_path: HashMap<NodePath, Arc<OpenFile>>,
    /// Open files whose name was removed, or stands for another version.
    orphans: HashMap<Ino, Arc<OpenFile>>,
    /// Which version the kernel's pages of an inode are of.
    paged: LruCache<Ino, Version>,
    /// Files that somebody wanted to change while the kernel read them past us, since when.
    awaited: HashMap<NodePath, Instant>,
}

/// All open or dirty files of a mount.
#[derive(Debug)]
pub(crate) struct FileTable(Mutex<Inner>);

impl FileTable {
    pub(crate) fn new() -> Self {
        let paged = LruCache::new(REMEMBERED);
        let (by_path, orphans, awaited) = (HashMap::new(), HashMap::new(), HashMap::new());
        FileTable(Mutex::new(Inner { by_path, orphans, paged, awaited }))
    }

    pub(crate) fn get(&self, path: &NodePath) -> Option<Arc<OpenFile>> {
        self.0.lock().by_path.get(path).cloned()
    }

    pub(crate) fn orphan(&self, ino: Ino) -> Option<Arc<OpenFile>> {
        self.0.lock().orphans.get(&ino).cloned()
    }

    /// Where programs read the file at `path` in another version than this one, they keep it with its inode, and the name
    /// gets a new one.
    pub(crate) fn supersede(&self, inodes: &InodeTable, path: &NodePath, version: &Version) {
        let mut inner = self.0.lock();
        let Some(file) = inner.by_path.get(path).filter(|file| file.is_read_in_another(version)).cloned() else {
            return;
        };
        inner.part(inodes, path, file);
    }

    /// Whether an opening of `path` that finds this version takes the name from those who read the file.
    pub(crate) fn is_to_be_parted(&self, path: &NodePath, version: &Version) -> bool {
        let file = self.get(path);
        file.is_some_and(|file| file.is_read_in_another(version) || file.is_closed_to(Some(version), Purpose::Read))
    }

    /// The file at `path`, put into the table if need be, with one more handle; `None` when `ino` does not stand for
    /// that path any more.
    pub(crate) fn attach(
        &self,
        (inodes, store): (&InodeTable, &Arc<Store>),
        (ino, path): (Ino, &NodePath),
        meta: &Meta,
        on_service: Option<Version>,
        purpose: Purpose,
    ) -> Option<Arc<OpenFile>> {
        let mut inner = self.0.lock();
        if inodes.path(ino).as_ref() != Some(path) {
            return None;
        }
        let is_closed = |file: &&Arc<OpenFile>| file.is_closed_to(on_service.as_ref(), purpose);
        if let Some(file) = inner.by_path.get(path).filter(is_closed).cloned() {
            inner.part(inodes, path, file);
            if purpose != Purpose::Read {
                inner.awaited.retain(|_, since| since.elapsed() < AWAITED);
                inner.awaited.insert(path.clone(), Instant::now());
            }
            return None;
        }
        let is_awaited = inner.awaited.get(path).is_some_and(|since| since.elapsed() < AWAITED);
        if purpose != Purpose::Read {
            inner.awaited.remove(path);
        }
        let file = inner
            .by_path
            .entry(path.clone())
            .or_insert_with(|| Arc::new(OpenFile::new(path, meta, on_service.clone())));
        let mut state = file.state();
        let is_first = state.handles == 0;
        state.handles += 1;
        state.writers += usize::from(purpose == Purpose::Write);
        let replaced = match (&state.on_service, &on_service) {
            (Some(old), Some(new)) => !old.is_same(new),
            (old, new) => old.is_some() != new.is_some(),
        };
        if state.dirty.is_none() && replaced {
            // Replaced on the service: handles that are open keep their version, new ones see this one.
            state.on_service = on_service;
            state.blocks = None;
        } else if state.dirty.is_none() {
            state.begin_anew();
        }
        state.hold(store);
        state.wake();
        if is_first && purpose == Purpose::Read && !is_awaited {
            state.lend(store);
        }
        drop(state);
        Some(Arc::clone(file))
    }

    /// A file that a former mount left in the journal.
    pub(crate) fn restore(
        &self,
        path: &NodePath,
        meta: &Meta,
        base: Option<Version>,
        dirty: DirtyFile,
    ) -> Arc<OpenFile> {
        let file = Arc::new(OpenFile::new(path, meta, base));
        {
            let mut state = file.state();
            state.journaled = Some(dirty.generation());
            state.dirty = Some(Arc::new(dirty));
        }
        self.0.lock().by_path.insert(path.clone(), Arc::clone(&file));
        file
    }

    /// One handle less; the file leaves the table when nothing keeps it. Returns true when that was the last handle.
    pub(crate) fn detach(&self, file: &Arc<OpenFile>, ino: Ino, writes: bool) -> bool {
        let mut inner = self.0.lock();
        let (last, returned) = {
            let mut state = file.state();
            state.handles = state.handles.saturating_sub(1);
            state.writers = state.writers.saturating_sub(usize::from(writes));
            let last = state.handles == 0;
            state.rest();
            (last, state.through.take_if(|_| last))
        };
        if last && inner.orphans.get(&ino).is_some_and(|orphan| Arc::ptr_eq(orphan, file)) {
            inner.orphans.remove(&ino);
        }
        inner.drop_if_idle(file);
        drop(inner);
        // The kernel is told, outside the lock.
        drop(returned);
        last
    }

    /// The upload is done, or was given up with the file: it leaves the table if nothing else keeps it.
    pub(crate) fn settle(&self, file: &Arc<OpenFile>) {
        self.0.lock().drop_if_idle(file);
    }

    /// The name of the file is gone; who has it open keeps it.
    pub(crate) fn unlink(&self, path: &NodePath, ino: Option<Ino>) -> Option<Arc<OpenFile>> {
        let mut inner = self.0.lock();
        let file = inner.by_path.remove(path)?;
        let open = {
            let mut state = file.state();
            state.path = None;
            state.handles > 0
        };
        if let (true, Some(ino)) = (open, ino) {
            inner.orphans.insert(ino, Arc::clone(&file));
        }
        Some(file)
    }

    /// `from` is now `to`, with all below it.
    pub(crate) fn rename(&self, from: &NodePath, to: &NodePath) {
        let mut inner = self.0.lock();
        let moved: Vec<NodePath> = inner.by_path.keys().filter(|path| path.is_within(from)).cloned().collect();
        for old in moved {
            if let (Some(new), Some(file)) = (old.moved(from, to), inner.by_path.remove(&old)) {
                file.state().path = Some(new.clone());
                inner.by_path.insert(new, file);
            }
        }
    }

    /// The file now has another name than the one that its programs opened.
    pub(crate) fn move_aside(&self, file: &Arc<OpenFile>, from: &NodePath, to: &NodePath) {
        let mut inner = self.0.lock();
        if inner.by_path.get(from).is_some_and(|known| Arc::ptr_eq(known, file)) {
            inner.by_path.remove(from);
            inner.by_path.insert(to.clone(), Arc::clone(file));
            file.state().path = Some(to.clone());
        }
    }

    /// The files at or below `path`.
    pub(crate) fn within(&self, path: &NodePath) -> Vec<Arc<OpenFile>> {
        let inner = self.0.lock();
        inner.by_path.iter().filter(|(known, _)| known.is_within(path)).map(|(_, file)| Arc::clone(file)).collect()
    }

    /// The files at or below either path, in the order of their paths: the order in which their flush locks are taken.
    pub(crate) fn within_either(&self, one: &NodePath, other: &NodePath) -> Vec<Arc<OpenFile>> {
        let inner = self.0.lock();
        let mut found: Vec<_> =
            inner.by_path.iter().filter(|(path, _)| path.is_within(one) || path.is_within(other)).collect();
        found.sort_unstable_by_key(|(path, _)| *path);
        found.into_iter().map(|(_, file)| Arc::clone(file)).collect()
    }

    /// Names in `directory` of files that the service may not have yet.
    pub(crate) fn dirty_names(&self, directory: &NodePath) -> Vec<(String, Meta)> {
        let inner = self.0.lock();
        let here = inner
            .by_path
            .iter()
            .filter(|(path, file)| path.parent().as_ref() == Some(directory) && file.state().dirty.is_some());
        here.map(|(path, file)| (path.name().to_owned(), file.meta())).collect()
    }

    /// Every file with changes that the service does not have.
    pub(crate) fn dirty(&self) -> Vec<Arc<OpenFile>> {
        let inner = self.0.lock();
        inner.by_path.values().filter(|file| file.state().dirty.is_some()).cloned().collect()
    }

    /// The pages that the kernel has of this version are wrong: the next open does not keep them.
    pub(crate) fn forget_pages(&self, version: &Version) {
        let mut inner = self.0.lock();
        let wrong = inner.paged.iter().filter(|(_, known)| known.is_same(version));
        let wrong: Vec<Ino> = wrong.map(|(ino, _)| *ino).collect();
        for ino in wrong {
            inner.paged.pop(&ino);
        }
    }

    /// Notes which version the kernel's pages of `ino` are of from now on; true when they already were.
    pub(crate) fn paged(&self, ino: Ino, version: &Version) -> bool {
        let mut inner = self.0.lock();
        inner.paged.put(ino, version.clone()).is_some_and(|before| before.is_same(version))
    }
}

impl Inner {
    /// Those who have the file open keep it with its inode, and the name is free for another.
    fn part(&mut self, inodes: &InodeTable, path: &NodePath, file: Arc<OpenFile>) {
        let Some(ino) = inodes.unname(path) else { return };
        tracing::debug!(%path, ino = ino.0, "replaced, or to be changed: who reads it keeps its version, under an inode without a name");
        file.state().superseded = true;
        self.by_path.remove(path);
        self.orphans.insert(ino, file);
    }

    fn drop_if_idle(&mut self, file: &Arc<OpenFile>) {
        let path = {
            let state = file.state();
            if !state.is_idle() {
                return;
            }
            state.path.clone()
        };
        if let Some(path) = path
            && self.by_path.get(&path).is_some_and(|known| Arc::ptr_eq(known, file))
        {
            self.by_path.remove(&path);
        }
    }
}

/// Makes an I/O error of the cache disk one of `path`.
pub(crate) fn on_disk(path: &NodePath, doing: &'static str) -> impl Fn(io::Error) -> Error {
    let path = path.clone();
    move |error| Error::disk(&path, doing, &error)
}
