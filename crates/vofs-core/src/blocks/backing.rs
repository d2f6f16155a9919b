//! Files that are lent to the kernel, which reads them by itself (FUSE passthrough).
//!
//! What is read that way passes by the checksums and by the order of use, so a file is lent only while all its blocks are on
//! the disk, the MD5 of the whole was right, and every block was written or checked by this process. Nothing of a file
//! that is lent is dropped: its chunks are not in the order of use, no hole is punched in it, and where its bytes can no
//! longer be trusted the whole of it is condemned, which leaves the disk file to those who have it. No more than half
//! of the cache is lent at a time, because the rest has to serve everybody else.
//!
//! Lending and punching exclude each other by `CachedFile::punching`; what is lent is in `State`.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use super::held::{CachedFile, Fate};
use super::recency::Use;
use super::room::{PER_CHUNK, on_disk};
use super::{CHUNK, OpenBlocks, State, Store};

/// Smaller files are not lent: one request of the kernel's reads all of them.
const LEAST: u64 = CHUNK;

/// A complete file on the disk, of which nothing is dropped as long as this lives.
pub struct Backing {
    store: Arc<Store>,
    blocks: OpenBlocks,
    disk: Arc<File>,
    /// Under which name the kernel knows it; nothing where it refused.
    token: OnceLock<Option<Box<dyn Any + Send + Sync>>>,
}

impl fmt::Debug for Backing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Backing").field("blocks", &self.blocks).finish_non_exhaustive()
    }
}

impl Backing {
    /// What `register` made of the disk file when it was called the first time: it is for all opens of an inode the same.
    /// Once it gave nothing, it is not called again.
    pub fn registered<T: Any + Send + Sync>(&self, register: impl FnOnce(&File) -> Option<T>) -> Option<&T> {
        let token = self.token.get_or_init(|| Some(Box::new(register(&self.disk)?) as Box<dyn Any + Send + Sync>));
        token.as_ref()?.downcast_ref()
    }

    /// True when the kernel would not have it, so that it is read like any other file.
    pub(crate) fn is_refused(&self) -> bool {
        self.token.get().is_some_and(Option::is_none)
    }
}

impl Drop for Backing {
    fn drop(&mut self) {
        // The kernel's name of the file goes before what it stands for may change.
        drop(self.token.take());
        self.store.state.lock().take_back(self.blocks.file());
    }
}

/// The files that are lent.
#[derive(Debug, Default)]
pub(super) struct Lent {
    /// How often each is, and what it takes on the disk.
    files: HashMap<i64, (u32, u64)>,
    bytes: u64,
}

impl Store {
    /// From now on files may be lent, or no more. Those that are lent stay so. Says how it was before.
    pub(crate) fn lend_files(&self, lend: bool) -> bool {
        self.lends.swap(lend, Ordering::AcqRel)
    }

    /// Lends a file, if it may be. Of one that is only to be checked before that, the check is begun.
    pub(crate) fn lend(self: &Arc<Self>, blocks: &OpenBlocks) -> Option<Arc<Backing>> {
        let file = blocks.file();
        if !self.lends.load(Ordering::Acquire) || blocks.length() < LEAST || !file.is_complete() {
            return None;
        }
        if !file.confirmed.load(Ordering::Acquire) || !file.presence.lock().is_verified() {
            self.check_again(file);
            return None;
        }
        // A hole that is being punched is in a file that is not complete any more.
        let _whole = file.punching.try_read()?;
        let disk = file.disk(false).ok()?;
        let mut state = self.state.lock();
        if file.fate() != Fate::Valid || !file.is_complete() || !state.lend(file, self.room.ceiling() / 2) {
            return None;
        }
        tracing::debug!(path = %file.path.lock(), "block cache: the kernel reads it by itself");
        Some(Arc::new(Backing { store: Arc::clone(self), blocks: blocks.clone(), disk, token: OnceLock::new() }))
    }
}

impl State {
    pub(super) fn is_lent(&self, id: i64) -> bool {
        self.lent.files.contains_key(&id)
    }

    fn lend(&mut self, file: &CachedFile, most: u64) -> bool {
        if let Some((times, _)) = self.lent.files.get_mut(&file.id) {
            *times += 1;
            return true;
        }
        let bytes = file.bytes();
        if self.lent.bytes + bytes > most {
            return false;
        }
        for chunk in file.presence.lock().chunks() {
            self.recency.remove((file.id, chunk));
        }
        self.lent.bytes += bytes;
        self.lent.files.insert(file.id, (1, bytes));
        true
    }

    /// What comes back is what was used last.
    fn take_back(&mut self, file: &CachedFile) {
        let Some((times, bytes)) = self.lent.files.get_mut(&file.id) else { return };
        *times -= 1;
        if *times > 0 {
            return;
        }
        self.lent.bytes -= *bytes;
        self.lent.files.remove(&file.id);
        if file.fate() != Fate::Valid {
            return;
        }
        let presence = file.presence.lock();
        let order = self.next_use();
        for chunk in presence.chunks() {
            let row = presence.row(chunk);
            let held: u64 = row.blocks().map(|block| on_disk(file.block_length(block) as u64)).sum();
            self.recency.put((file.id, chunk), Use { bytes: held + PER_CHUNK, order });
            self.changed.insert((file.id, chunk));
        }
    }
}
