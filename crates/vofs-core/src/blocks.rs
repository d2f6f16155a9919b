//! The block cache: clean bytes of files on disk, one sparse file per (node, version).
//!
//! Two units. A **block** ([`BLOCK`]) is what is fetched, checksummed and answered; a **chunk** ([`CHUNK`]) of 32
//! blocks is what is remembered, aged and evicted. Presence lives in memory (a bit a block) and behind it in SQLite,
//! from which the next mount reads it without looking at the disk. A read never touches SQLite. Every block that is read
//! whole is checked against its CRC-32, and any block before its first use in a mount; one that fails is a miss.
//!
//! The limit holds before bytes are written (`room`): room is taken first, by dropping the chunks used longest ago and
//! punching them out of their files. What is pinned stays (`keep`). Dirty bytes are not here and do not count.
//!
//! What a mount that was killed left uncounted is removed before anything is added (`sweep`).
//!
//! The cache never fails its callers. What the disk does not take is kept in memory, as far as that goes (`memory`);
//! how long a disk is used that refuses blocks is decided in `health`; what it lost or changed is fetched again.
//!
//! A version that the service no longer has is *doomed*: its file is unlinked, who holds it open may go on reading
//! what is present, nothing is added. One whose bytes turned out not to be those of its digest is fetched again by the
//! next open (`verify`).
//!
//! A complete file can be lent to the kernel, and is left as it is for that time (`backing`).
//!
//! Lock order: `CachedFile::punching`, then `Store::state`, then those of a single file. None is held across the
//! network. `punching` is shared by who reads or writes blocks and exclusive for who punches a hole, so that a hole
//! never lands on bytes that were just written.

mod backing;
mod evict;
mod health;
mod held;
mod index;
mod keep;
mod memory;
mod presence;
mod recency;
mod room;
mod sweep;
mod verify;

use std::collections::{HashMap, HashSet};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rusqlite::Connection;

use crate::budget::Budget;
use crate::db::Db;
use crate::error::Result;
use crate::path::NodePath;
use crate::pins::Pins;
use crate::platform;
use crate::remote::Incoming;
use crate::version::{Answer, Version};

use backing::Lent;
use health::Health;
use held::{CachedFile, Fate, Hold, Trouble};
use memory::Memory;
use recency::{Recency, Use};
use room::{PER_CHUNK, Room, on_disk};
use verify::Unverified;

pub use backing::Backing;
pub(crate) use verify::Verdict;

/// What is fetched and checksummed: small enough that a random read of 4 KiB brings at most 64 KiB along even where it
/// straddles two, large enough that a file of 100 GB needs 3 million bits.
pub(crate) const BLOCK: u64 = 32 * 1024;

/// What is aged and evicted: 32 blocks, one row of the index.
pub(crate) const CHUNK: u64 = 32 * BLOCK;

/// What the slowest devices take in one request (NVMe of 128 KiB and more).
const ADVISED: u64 = 128 * 1024;

/// What a read of the cache gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cached {
    /// All bytes that were asked for and exist: so many.
    Hit(usize),
    /// The first block that is not present.
    Miss(u64),
    /// The version is gone and the block was never fetched.
    Gone,
}

/// A cached file that is held open: what handles and fetches work with.
#[derive(Debug, Clone)]
pub(crate) struct OpenBlocks {
    hold: Arc<Hold>,
    memory: Arc<Memory>,
}

#[derive(Debug)]
struct State {
    by_path: HashMap<NodePath, Arc<CachedFile>>,
    by_id: HashMap<i64, Arc<CachedFile>>,
    recency: Recency,
    /// Chunks of which the index does not know the latest.
    changed: HashSet<(i64, u64)>,
    /// Counts uses: what orders them over the end of a mount.
    uses: i64,
    next_id: i64,
    /// What the kernel reads by itself; its chunks are not in `recency`.
    lent: Lent,
}

/// For so long the bytes of pinned files are not counted again.
const RECOUNT: Duration = Duration::from_secs(1);

/// The block cache of one mount.
#[derive(Debug)]
pub(crate) struct Store {
    directory: PathBuf,
    room: Arc<Room>,
    pins: Arc<Pins>,
    health: Mutex<Health>,
    memory: Arc<Memory>,
    unverified: Unverified,
    /// All that is on the disk has been counted.
    swept: AtomicBool,
    /// What pinned files take, and when that was counted.
    counted: Mutex<Option<(u64, Instant)>>,
    /// Counts blocks that came and reads that were answered.
    activity: AtomicU64,
    /// Files may be lent to the kernel.
    lends: AtomicBool,
    db: Db,
    state: Mutex<State>,
}

impl Store {
    /// Opens the cache in `directory`, as a former mount left it.
    pub(crate) async fn open(
        directory: &Path,
        limit: u64,
        db: Db,
        budget: Arc<Budget>,
        pins: Arc<Pins>,
    ) -> Result<Arc<Self>> {
        let index::Loaded { state, in_order } = index::load(&db, directory).await?;
        let used = state.by_id.values().map(|file| file.bytes()).sum();
        let store = Arc::new(Store {
            directory: directory.to_path_buf(),
            room: Arc::new(Room::new(directory, limit, used)),
            pins,
            health: Mutex::new(Health::new()),
            memory: Arc::new(Memory::new(budget)),
            unverified: Unverified::default(),
            swept: AtomicBool::new(false),
            counted: Mutex::default(),
            activity: AtomicU64::new(0),
            lends: AtomicBool::new(false),
            db,
            state: Mutex::new(state),
        });
        store.shrink();
        sweep::start(&store, in_order);
        store.queue_unverified();
        Ok(store)
    }

    /// Changes whenever a block has come or a read was answered.
    pub(crate) fn activity(&self) -> u64 {
        self.activity.load(Ordering::Relaxed)
    }

    /// Bytes of clean blocks on the disk.
    pub(crate) fn used(&self) -> u64 {
        self.room.used()
    }

    /// The most that they may be.
    pub(crate) fn limit(&self) -> u64 {
        self.room.limit()
    }

    /// Changes that; what is too much is dropped, the oldest first.
    pub(crate) fn set_limit(&self, bytes: u64) {
        self.room.set_limit(bytes);
        self.shrink();
    }

    /// The memory that this and the fetches share.
    pub(crate) fn budget(&self) -> &Budget {
        self.memory.budget()
    }

    /// What stays free of the disk.
    pub(crate) fn floor(&self) -> u64 {
        self.room.floor()
    }

    /// Changes that.
    pub(crate) fn set_floor(&self, bytes: u64) {
        self.room.set_floor(bytes);
        self.shrink();
    }

    /// The blocks on the disk are those of another space: none of them is in the index any more.
    pub(crate) fn forget_order(connection: &Connection) -> rusqlite::Result<()> {
        index::was_in_order(connection).map(drop)
    }

    /// How many bytes of clean blocks fit at present: only memory counts while the disk takes none, or so few that a reader would
    /// lose its own.
    pub(crate) fn capacity(&self) -> u64 {
        if self.takes_none() || self.is_crowded() { self.memory.limit() } else { self.on_disk_at_most() }
    }

    fn is_crowded(&self) -> bool {
        self.on_disk_at_most() < memory::LEAST
    }

    /// How many fit on the disk. What is there and cannot go for others takes of it: versions that are gone and still open, pinned
    /// files, those that are lent.
    fn on_disk_at_most(&self) -> u64 {
        let can_go = self.state.lock().recency.bytes();
        let stays = self.room.used().saturating_sub(can_go) + self.pinned_lately();
        self.room.ceiling().saturating_sub(stays)
    }

    /// What pinned files take on the disk, as of a second ago: whoever streams asks for every block.
    fn pinned_lately(&self) -> u64 {
        if self.pins.is_empty() {
            return 0;
        }
        let mut known = self.counted.lock();
        match *known {
            Some((bytes, at)) if at.elapsed() < RECOUNT => bytes,
            _ => {
                let bytes = self.pinned(&[]);
                *known = Some((bytes, Instant::now()));
                bytes
            }
        }
    }

    /// True when all that is on the disk has been counted.
    #[cfg(test)]
    pub(crate) fn is_swept(&self) -> bool {
        self.swept.load(Ordering::Acquire)
    }

    /// True while the disk is down, or has bytes that nobody has counted.
    fn takes_none(&self) -> bool {
        !self.swept.load(Ordering::Acquire) || self.health.lock().is_down()
    }

    /// The cached bytes of `path` in this `version`; those of any other version are doomed.
    pub(crate) fn version(&self, path: &NodePath, version: &Version) -> OpenBlocks {
        // Held before the lock is given up, so that it is not dropped as unused in between.
        let known = self.state.lock().by_path.get(path).map(|file| self.hold(file));
        match known {
            Some(blocks) if blocks.version().is_same(version) => blocks,
            Some(other) => {
                self.doom_version(&other);
                self.register(path, version)
            }
            None => self.register(path, version),
        }
    }

    /// What is cached of `path` in this `version`, if anything is. Unlike [`Store::version`] this changes nothing.
    pub(crate) fn known(&self, path: &NodePath, version: &Version) -> Option<OpenBlocks> {
        let known = self.state.lock().by_path.get(path).map(|file| self.hold(file));
        known.filter(|blocks| blocks.version().is_same(version))
    }

    /// True when the first block of `path` in this `version` needs no fetch.
    pub(crate) fn begins(&self, path: &NodePath, version: &Version) -> bool {
        self.known(path, version).is_some_and(|blocks| blocks.is_present(0))
    }

    fn hold(&self, file: &Arc<CachedFile>) -> OpenBlocks {
        OpenBlocks { hold: file.hold(&self.room), memory: Arc::clone(&self.memory) }
    }

    fn register(&self, path: &NodePath, version: &Version) -> OpenBlocks {
        let mut state = self.state.lock();
        state.next_id += 1;
        let id = state.next_id;
        let place = index::place(&self.directory, id);
        let file = Arc::new(CachedFile::new(id, path.clone(), version.clone(), place));
        state.by_path.insert(path.clone(), Arc::clone(&file));
        let blocks = self.hold(&file);
        state.by_id.insert(id, file);
        blocks
    }

    /// Takes `complete`, a file of ours that holds all bytes of `version`, into the cache as `path`. A file that is large
    /// beside the cache is removed instead.
    pub(crate) fn adopt(&self, path: &NodePath, version: &Version, complete: &Path) -> io::Result<Option<OpenBlocks>> {
        self.doom(path);
        let too_large = version.length > self.room.ceiling() / 2;
        let blocks = version.length.div_ceil(BLOCK);
        // As `mark` wants it; what is too much of that it gives back.
        let room = on_disk(version.length) + blocks * PER_CHUNK;
        if too_large || self.takes_none() || !self.make_room(room) {
            std::fs::remove_file(complete)?;
            return Ok(None);
        }
        let blocks = self.register(path, version);
        let file = Arc::clone(blocks.file());
        if let Err(error) = std::fs::rename(complete, &file.place) {
            self.room.give_back(room);
            return Err(error);
        }
        file.confirmed.store(version.md5.is_some(), Ordering::Release);
        let mut marked = 0;
        let outcome = self.mark_all(&file, &mut marked);
        if outcome.is_err() {
            self.wipe(&file);
            let rest = (marked..file.blocks()).map(|number| on_disk(file.block_length(number) as u64) + PER_CHUNK);
            self.room.give_back(rest.sum());
        }
        outcome.map(|()| Some(blocks))
    }

    /// Books all blocks of a file that is on the disk, and for which room was taken; counts them in `marked`.
    fn mark_all(&self, file: &Arc<CachedFile>, marked: &mut u64) -> io::Result<()> {
        let _writing = file.punching.read();
        let disk = file.disk(false)?;
        let mut block = vec![0; BLOCK as usize];
        while *marked < file.blocks() {
            let length = file.block_length(*marked);
            disk.read_exact_at(&mut block[..length], *marked * BLOCK)?;
            self.mark(file, *marked, crc32fast::hash(&block[..length]));
            *marked += 1;
        }
        Ok(())
    }

    /// Reads bytes at `offset` until `into` is full or the file ends.
    pub(crate) fn read(&self, blocks: &OpenBlocks, offset: u64, into: &mut [u8]) -> Cached {
        let file = blocks.file();
        let end = file.version.length.min(offset.saturating_add(into.len() as u64));
        if offset >= end {
            return Cached::Hit(0);
        }
        if file.fate() == Fate::Damaged {
            return Cached::Gone;
        }
        self.activity.fetch_add(1, Ordering::Relaxed);
        let length = (end - offset) as usize;
        let reading = file.punching.read();
        let outcome = self.read_pieces(file, offset, &mut into[..length]);
        drop(reading);
        match outcome {
            Ok(None) => {
                self.touch(file.id, offset / CHUNK..end.div_ceil(CHUNK));
                Cached::Hit(length)
            }
            Ok(Some(_)) if file.fate() != Fate::Valid => Cached::Gone,
            Ok(Some(missing)) => Cached::Miss(missing),
            Err(trouble) => {
                let number = self.mend(file, offset / BLOCK, &trouble);
                if file.fate() == Fate::Valid { Cached::Miss(number) } else { Cached::Gone }
            }
        }
    }

    /// Fills `into` from the disk, and from memory what is not there; or gives the first block that is in neither.
    fn read_pieces(
        &self,
        file: &CachedFile,
        offset: u64,
        into: &mut [u8],
    ) -> std::result::Result<Option<u64>, Trouble> {
        let end = offset + into.len() as u64;
        let last = end.div_ceil(BLOCK);
        let mut at = offset;
        while at < end {
            let first = at / BLOCK;
            let absent = file.presence.lock().first_absent(first..last);
            let run_end = absent.map_or(end, |block| (block * BLOCK).clamp(at, end));
            if run_end > at {
                file.read_run(at, &mut into[(at - offset) as usize..(run_end - offset) as usize])?;
                at = run_end;
            }
            let Some(absent) = absent else { break };
            let Some(block) = self.memory.get(file.id, absent) else { return Ok(Some(absent)) };
            let from = (at - absent * BLOCK) as usize;
            let piece_end = end.min(absent * BLOCK + block.len() as u64);
            let piece = &mut into[(at - offset) as usize..(piece_end - offset) as usize];
            piece.copy_from_slice(&block[from..from + piece.len()]);
            at = piece_end;
        }
        Ok(None)
    }

    /// Gives up what cannot be read, so that it is fetched again; says which block that begins with.
    fn mend(&self, file: &Arc<CachedFile>, first: u64, trouble: &Trouble) -> u64 {
        let place = file.place.display();
        if self.state.lock().is_lent(file.id) {
            tracing::warn!(file = %place, ?trouble, "block cache: a file that the kernel reads is not as it was written; the next open fetches it again");
            self.condemn(file, Fate::Damaged);
            return first;
        }
        match trouble {
            Trouble::Damaged(number, known) => {
                tracing::warn!(file = %place, number, "block cache: damaged on disk, fetched again");
                self.drop_chunk(file.id, number * BLOCK / CHUNK);
                if *known {
                    // It was right when this process wrote or checked it.
                    self.disk_failed(&io::Error::from(io::ErrorKind::InvalidData));
                }
                *number
            }
            Trouble::Cut => {
                tracing::warn!(file = %place, "block cache: a file was removed or cut by somebody else, fetched again");
                self.wipe(file);
                first
            }
            Trouble::Disk(error) => {
                tracing::debug!(file = %place, %error, "block cache: not readable, fetched again");
                self.wipe(file);
                self.disk_failed(error);
                first
            }
        }
    }

    /// Puts one whole block (the last one of a file may be shorter) into the cache: on the disk, or in memory where that
    /// does not take it. Nothing is kept of a doomed version.
    pub(crate) fn write(&self, blocks: &OpenBlocks, number: u64, bytes: &[u8]) {
        debug_assert_eq!(bytes.len(), blocks.block_length(number));
        let file = blocks.file();
        if file.fate() != Fate::Valid || blocks.is_present(number) {
            return;
        }
        self.activity.fetch_add(1, Ordering::Relaxed);
        match self.write_to_disk(file, number, bytes) {
            Ok(true) => self.memory.drop_oldest(),
            Ok(false) => self.memory.insert(file.id, number, bytes),
            Err(error) => {
                self.memory.insert(file.id, number, bytes);
                self.disk_failed(&error);
            }
        }
    }

    /// False when there is no room, or the disk is left alone for now (see `takes_none`).
    fn write_to_disk(&self, file: &Arc<CachedFile>, number: u64, bytes: &[u8]) -> io::Result<bool> {
        let room = on_disk(bytes.len() as u64) + PER_CHUNK;
        let may_write = self.swept.load(Ordering::Acquire) && self.health.lock().may_write(Instant::now());
        if !may_write || self.is_crowded() || !self.make_room(room) {
            return Ok(false);
        }
        let written = self.put_block(file, number, bytes);
        match written {
            Ok(()) => {
                self.health.lock().succeeded(&self.directory);
                Ok(true)
            }
            Err(trouble) => {
                self.room.give_back(room);
                if matches!(trouble, Trouble::Cut) {
                    self.mend(file, number, &trouble);
                }
                Err(trouble.into())
            }
        }
    }

    /// Writes and books a block in one step: a hole that is punched in between would be taken for its bytes.
    fn put_block(&self, file: &Arc<CachedFile>, number: u64, bytes: &[u8]) -> std::result::Result<(), Trouble> {
        let _writing = file.punching.read();
        let create = file.presence.lock().blocks() == 0;
        let disk = file.disk(create)?;
        let written = disk.write_all_at(bytes, number * BLOCK);
        if let Err(error) = written {
            // What came through of it is not counted.
            let _ = file.punch(number * BLOCK..(number + 1) * BLOCK);
            return Err(Trouble::Disk(error));
        }
        self.mark(file, number, crc32fast::hash(bytes));
        Ok(())
    }

    /// The disk refused, lost or changed a block.
    fn disk_failed(&self, error: &io::Error) {
        self.health.lock().failed(&self.directory, error, Instant::now());
        if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
            self.room.look();
            self.give_up(self.room.used() / 8);
        }
    }

    /// Books a block that was just written, and whose room was taken as if it was the first of its chunk.
    fn mark(&self, file: &Arc<CachedFile>, number: u64, checksum: u32) {
        let chunk = number * BLOCK / CHUNK;
        let bytes = on_disk(file.block_length(number) as u64);
        let (row, order) = {
            let mut state = self.state.lock();
            if file.fate() != Fate::Valid || !file.presence.lock().insert(number, checksum) {
                self.room.give_back(bytes + PER_CHUNK);
                return;
            }
            let before = state.recency.get((file.id, chunk)).map(|used| used.bytes);
            if before.is_some() {
                self.room.give_back(PER_CHUNK);
            }
            let after = before.unwrap_or(PER_CHUNK) + bytes;
            file.add_bytes(after - before.unwrap_or(0));
            let order = state.next_use();
            state.recency.put((file.id, chunk), Use { bytes: after, order });
            let row = file.presence.lock().row(chunk);
            // A row a block would be 32 times the writes; the others are written from time to time.
            if row.blocks().count() as u64 == blocks_of(file, chunk) {
                state.changed.remove(&(file.id, chunk));
                (Some(row), order)
            } else {
                state.changed.insert((file.id, chunk));
                (None, order)
            }
        };
        if !file.indexed.swap(true, Ordering::AcqRel) {
            index::store_file(&self.db, file);
        }
        if let Some(row) = row {
            index::store_chunk(&self.db, file.id, row, order);
        }
        if file.is_complete() {
            self.completed(file);
        }
    }

    /// Writes down in the background what the index does not know yet: presence and order of use.
    pub(crate) fn note(&self) {
        let rows = self.take_changed();
        if !rows.is_empty() {
            self.db.submit(move |connection| index::store_chunks(connection, &rows));
        }
    }

    /// The same, on disk on return: the end of a mount.
    pub(crate) async fn save(&self) -> Result<()> {
        let rows = self.take_changed();
        self.db
            .call(move |connection| {
                index::store_chunks(connection, &rows)?;
                index::end_in_order(connection)
            })
            .await
    }

    fn take_changed(&self) -> Vec<index::ChunkRow> {
        let mut state = self.state.lock();
        let changed = std::mem::take(&mut state.changed);
        let rows = changed.into_iter().filter_map(|(id, chunk)| {
            let order = state.recency.get((id, chunk))?.order;
            let row = state.by_id.get(&id)?.presence.lock().row(chunk);
            Some(index::ChunkRow { file: id, row, order })
        });
        let rows = rows.collect();
        state.drop_unused();
        rows
    }

    /// `from` is now called `to`, with all below it.
    pub(crate) fn rename(&self, from: &NodePath, to: &NodePath) {
        self.doom_tree(to);
        let mut state = self.state.lock();
        let moved: Vec<NodePath> = state.by_path.keys().filter(|path| path.is_within(from)).cloned().collect();
        for old in moved {
            if let (Some(new), Some(file)) = (old.moved(from, to), state.by_path.remove(&old)) {
                *file.path.lock() = new.clone();
                index::rename_file(&self.db, file.id, &new);
                state.by_path.insert(new, file);
            }
        }
    }
}

impl State {
    fn next_use(&mut self) -> i64 {
        self.uses += 1;
        self.uses
    }

    /// Files that were opened and of which nothing came.
    fn drop_unused(&mut self) {
        let State { by_path, by_id, .. } = self;
        by_id.retain(|_, file| {
            let used = file.is_held() || file.presence.lock().blocks() > 0;
            let path = file.path.lock();
            if !used && by_path.get(&*path).is_some_and(|known| Arc::ptr_eq(known, file)) {
                by_path.remove(&*path);
            }
            used
        });
    }
}

/// How many blocks a chunk of the file has.
fn blocks_of(file: &CachedFile, chunk: u64) -> u64 {
    file.version.length.saturating_sub(chunk * CHUNK).min(CHUNK).div_ceil(BLOCK)
}

impl OpenBlocks {
    fn file(&self) -> &Arc<CachedFile> {
        &self.hold.file
    }

    /// Tells cached files apart.
    pub(crate) fn id(&self) -> i64 {
        self.file().id
    }

    /// The version whose bytes these are.
    pub(crate) fn version(&self) -> &Version {
        &self.file().version
    }

    /// Length of the whole file in bytes.
    pub(crate) fn length(&self) -> u64 {
        self.file().version.length
    }

    /// Bytes in block `number`: [`BLOCK`], less in the last one.
    pub(crate) fn block_length(&self, number: u64) -> usize {
        self.file().block_length(number)
    }

    /// True when the block needs no fetch.
    pub(crate) fn is_present(&self, number: u64) -> bool {
        self.file().presence.lock().is_present(number) || self.memory.holds(self.id(), number)
    }

    /// The first block of `run` that has to be fetched.
    pub(crate) fn first_absent(&self, run: Range<u64>) -> Option<u64> {
        let mut from = run.start;
        loop {
            let absent = self.file().presence.lock().first_absent(from..run.end)?;
            if !self.memory.holds(self.id(), absent) {
                return Some(absent);
            }
            from = absent + 1;
        }
    }

    /// Has the disk bring bytes into the page cache, as far as they are present in a row. Does not wait for it. The kernel
    /// cuts each advice to what the device takes in one request, so it is given for the whole and then piece by piece.
    pub(crate) fn warm(&self, bytes: Range<u64>) {
        let blocks = bytes.start / BLOCK..bytes.end.min(self.length()).div_ceil(BLOCK);
        let absent = self.file().presence.lock().first_absent(blocks.clone());
        let present = bytes.start..absent.unwrap_or(blocks.end) * BLOCK;
        if present.is_empty() {
            return;
        }
        if let Ok(disk) = self.file().disk(false) {
            platform::will_need(&disk, present.clone());
            for start in present.clone().step_by(ADVISED as usize).skip(1) {
                platform::will_need(&disk, start..present.end.min(start + ADVISED));
            }
        }
    }

    /// Whether an answer of the service carries bytes of this version; notes which artifact they are of.
    pub(crate) fn agrees_with(&self, incoming: &Incoming) -> bool {
        let answer = Answer {
            length: incoming.total,
            md5: incoming.md5,
            artifact: incoming.artifact.as_deref(),
            modified: incoming.modified,
        };
        self.file().pin.lock().admits(self.version(), &answer)
    }

    /// True when nothing is added any more: an answer showed other bytes, or these were found to be wrong.
    pub(crate) fn is_doomed(&self) -> bool {
        self.file().fate() != Fate::Valid
    }

    /// True when the bytes turned out not to be those of the version: the next open fetches them again.
    pub(crate) fn is_rejected(&self) -> bool {
        matches!(self.file().fate(), Fate::Doubted | Fate::Damaged)
    }
}

#[cfg(test)]
mod tests;
