//! The block cache: clean bytes of files on disk, one sparse file per (node, version).
//!
//! Two units. A **block** ([`BLOCK`]) is what is fetched, checksummed and answered; a **chunk** ([`CHUNK`]) of sixteen
//! blocks is what is remembered, aged and evicted. Presence lives in memory (a bit a block) and behind it in SQLite,
//! from which the next mount reads it without looking at the disk. A block that a former mount wrote is checked against
//! its CRC-32 before its first use; a block that fails is a miss.
//!
//! The limit holds before bytes are written: room is made first, by dropping the chunks used longest ago and punching
//! them out of their files. Dirty bytes are not here and do not count.
//!
//! A version that the service no longer has is *doomed*: its file is unlinked, who holds it open may go on reading
//! what is present, nothing is added.
//!
//! Lock order: `CachedFile::punching`, then `Store::state`, then `CachedFile::presence`. None is held across the
//! network. `punching` is shared by who reads or writes blocks and exclusive for who punches a hole, so that a hole
//! never lands on bytes that were just written.

mod evict;
mod index;
mod presence;

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use lru::LruCache;
use parking_lot::{Mutex, RwLock};

use crate::db::Db;
use crate::error::Result;
use crate::path::NodePath;
use crate::version::Version;

use presence::Presence;

/// What is fetched and checksummed: small enough that a random read of 4 KiB does not drag much along, large enough that
/// a file of 100 GB needs 1.6 million bits.
pub(crate) const BLOCK: u64 = 64 * 1024;

/// What is aged and evicted: sixteen blocks, one row of the index.
pub(crate) const CHUNK: u64 = 16 * BLOCK;

/// What a read of the cache gave.
#[derive(Debug)]
pub(crate) enum Cached {
    /// All bytes that were asked for and exist.
    Hit(Vec<u8>),
    /// The first block that is not present.
    Miss(u64),
    /// The version is gone and the block was never fetched.
    Gone,
}

/// One version of one file in the cache, whether open or not.
#[derive(Debug)]
pub(crate) struct CachedFile {
    id: i64,
    version: Version,
    place: PathBuf,
    presence: Mutex<Presence>,
    /// Open while anybody holds an [`OpenBlocks`] of it.
    open: Mutex<Weak<File>>,
    punching: RwLock<()>,
    doomed: AtomicBool,
}

/// A cached file that is held open: what handles and fetches work with.
#[derive(Debug, Clone)]
pub(crate) struct OpenBlocks {
    file: Arc<CachedFile>,
    disk: Arc<File>,
}

#[derive(Debug)]
struct State {
    by_path: HashMap<NodePath, Arc<CachedFile>>,
    by_id: HashMap<i64, Arc<CachedFile>>,
    /// Chunks in order of use; the value is the bytes that are present.
    recency: LruCache<(i64, u64), u64>,
    used: u64,
    next_id: i64,
}

/// The block cache of one mount.
#[derive(Debug)]
pub(crate) struct Store {
    directory: PathBuf,
    limit: u64,
    db: Db,
    state: Mutex<State>,
}

impl Store {
    /// Opens the cache in `directory`, as a former mount left it.
    pub(crate) async fn open(directory: &Path, limit: u64, db: Db) -> Result<Self> {
        let state = index::load(&db, directory).await?;
        index::sweep(directory, &state);
        let store = Store { directory: directory.to_path_buf(), limit, db, state: Mutex::new(state) };
        store.shrink();
        Ok(store)
    }

    /// Bytes on disk.
    #[cfg(test)]
    pub(crate) fn used(&self) -> u64 {
        self.state.lock().used
    }

    /// The upper bound of [`Store::used`].
    pub(crate) fn limit(&self) -> u64 {
        self.limit
    }

    /// The cached bytes of `path` in this `version`; those of any other version are doomed.
    pub(crate) fn version(&self, path: &NodePath, version: &Version) -> io::Result<OpenBlocks> {
        let known = self.state.lock().by_path.get(path).cloned();
        if let Some(file) = known {
            if file.version.is_same(version) {
                return file.open();
            }
            self.doom(path);
        }
        self.create(path, version, None)
    }

    /// Takes `complete`, a file of ours that holds all bytes of `version`, into the cache as `path`. A file larger than
    /// the cache is removed instead.
    pub(crate) fn adopt(&self, path: &NodePath, version: &Version, complete: &Path) -> io::Result<Option<OpenBlocks>> {
        self.doom(path);
        if version.length > self.limit / 2 {
            std::fs::remove_file(complete)?;
            return Ok(None);
        }
        self.make_room(version.length);
        let blocks = self.create(path, version, Some(complete))?;
        let writing = blocks.file.punching.read();
        let mut block = vec![0; BLOCK as usize];
        for number in 0..version.length.div_ceil(BLOCK) {
            let length = blocks.block_length(number);
            blocks.disk.read_exact_at(&mut block[..length], number * BLOCK)?;
            self.mark(&blocks.file, number, crc32fast::hash(&block[..length]));
        }
        drop(writing);
        Ok(Some(blocks))
    }

    fn create(&self, path: &NodePath, version: &Version, from: Option<&Path>) -> io::Result<OpenBlocks> {
        let id = {
            let mut state = self.state.lock();
            state.next_id += 1;
            state.next_id
        };
        let place = index::place(&self.directory, id);
        match from {
            Some(from) => std::fs::rename(from, &place)?,
            None => {
                OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&place)?;
            }
        }
        let file = Arc::new(CachedFile::new(id, version.clone(), place, Presence::default()));
        let blocks = file.open()?;
        let mut state = self.state.lock();
        state.by_path.insert(path.clone(), Arc::clone(&file));
        state.by_id.insert(id, file);
        drop(state);
        index::store_file(&self.db, id, path, version);
        Ok(blocks)
    }

    /// Reads `length` bytes at `offset`, less at the end of the file.
    pub(crate) fn read(&self, blocks: &OpenBlocks, offset: u64, length: usize) -> io::Result<Cached> {
        let end = blocks.length().min(offset.saturating_add(length as u64));
        if offset >= end {
            return Ok(Cached::Hit(Vec::new()));
        }
        let reading = blocks.file.punching.read();
        for number in offset / BLOCK..end.div_ceil(BLOCK) {
            match blocks.check(number) {
                presence::State::Verified => {}
                presence::State::Absent if blocks.is_doomed() => return Ok(Cached::Gone),
                presence::State::Absent => return Ok(Cached::Miss(number)),
                presence::State::Unverified(_) => {
                    drop(reading);
                    tracing::warn!(file = %blocks.file.place.display(), number, "block cache: damaged on disk, fetched again");
                    self.drop_chunk(blocks.file.id, number * BLOCK / CHUNK);
                    return Ok(Cached::Miss(number));
                }
            }
        }
        let mut bytes = vec![0; (end - offset) as usize];
        blocks.disk.read_exact_at(&mut bytes, offset)?;
        drop(reading);
        self.touch(blocks.file.id, offset / CHUNK..end.div_ceil(CHUNK));
        Ok(Cached::Hit(bytes))
    }

    /// Puts one whole block (the last one of a file may be shorter) into the cache. Nothing is kept of a doomed version.
    pub(crate) fn write(&self, blocks: &OpenBlocks, number: u64, bytes: &[u8]) -> io::Result<()> {
        debug_assert_eq!(bytes.len(), blocks.block_length(number));
        if blocks.is_doomed() || blocks.is_present(number) {
            return Ok(());
        }
        self.make_room(bytes.len() as u64);
        let _writing = blocks.file.punching.read();
        blocks.disk.write_all_at(bytes, number * BLOCK)?;
        self.mark(&blocks.file, number, crc32fast::hash(bytes));
        Ok(())
    }

    fn mark(&self, file: &Arc<CachedFile>, number: u64, checksum: u32) {
        let chunk = number * BLOCK / CHUNK;
        let bytes = file.block_length(number) as u64;
        let row = {
            let mut state = self.state.lock();
            if file.doomed.load(Ordering::Acquire) || !file.presence.lock().insert(number, checksum) {
                return;
            }
            state.used += bytes;
            let present = state.recency.peek(&(file.id, chunk)).copied().unwrap_or(0);
            state.recency.put((file.id, chunk), present + bytes);
            file.presence.lock().row(chunk)
        };
        // A row a block would be sixteen times the writes; a chunk that is cut short costs at most its own refetch.
        if row.is_complete(file.version.length) {
            index::store_chunk(&self.db, file.id, row);
        }
    }

    /// Writes down what is present, and in which order it was used: at the end of a mount.
    pub(crate) async fn save(&self) -> Result<()> {
        index::save(&self.db, &self.state).await
    }

    /// `from` is now called `to`, with all below it.
    pub(crate) fn rename(&self, from: &NodePath, to: &NodePath) {
        self.doom_tree(to);
        let mut state = self.state.lock();
        let moved: Vec<NodePath> = state.by_path.keys().filter(|path| path.is_within(from)).cloned().collect();
        for old in moved {
            if let (Some(new), Some(file)) = (old.moved(from, to), state.by_path.remove(&old)) {
                index::rename_file(&self.db, file.id, &new);
                state.by_path.insert(new, file);
            }
        }
    }
}

impl CachedFile {
    fn new(id: i64, version: Version, place: PathBuf, presence: Presence) -> Self {
        CachedFile {
            id,
            version,
            place,
            presence: Mutex::new(presence),
            open: Mutex::new(Weak::new()),
            punching: RwLock::new(()),
            doomed: AtomicBool::new(false),
        }
    }

    fn open(self: &Arc<Self>) -> io::Result<OpenBlocks> {
        let mut open = self.open.lock();
        let disk = match open.upgrade() {
            Some(disk) => disk,
            None => {
                let disk = Arc::new(OpenOptions::new().read(true).write(true).open(&self.place)?);
                *open = Arc::downgrade(&disk);
                disk
            }
        };
        Ok(OpenBlocks { file: Arc::clone(self), disk })
    }

    fn block_length(&self, number: u64) -> usize {
        self.version.length.saturating_sub(number * BLOCK).min(BLOCK) as usize
    }
}

impl OpenBlocks {
    /// Tells cached files apart.
    pub(crate) fn id(&self) -> i64 {
        self.file.id
    }

    /// The version whose bytes these are.
    pub(crate) fn version(&self) -> &Version {
        &self.file.version
    }

    /// Length of the whole file in bytes.
    pub(crate) fn length(&self) -> u64 {
        self.file.version.length
    }

    /// Bytes in block `number`: [`BLOCK`], less in the last one.
    pub(crate) fn block_length(&self, number: u64) -> usize {
        self.file.block_length(number)
    }

    /// True when the block needs no fetch.
    pub(crate) fn is_present(&self, number: u64) -> bool {
        self.file.presence.lock().is_present(number)
    }

    /// What can be said of the block after a look at the disk: `Unverified` means that it is damaged.
    fn check(&self, number: u64) -> presence::State {
        let state = self.file.presence.lock().state(number);
        let presence::State::Unverified(expected) = state else { return state };
        let mut block = vec![0; self.block_length(number)];
        if self.disk.read_exact_at(&mut block, number * BLOCK).is_ok() && crc32fast::hash(&block) == expected {
            self.file.presence.lock().verify(number);
            return presence::State::Verified;
        }
        state
    }

    /// True when the service has other bytes by now.
    pub(crate) fn is_doomed(&self) -> bool {
        self.file.doomed.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests;
