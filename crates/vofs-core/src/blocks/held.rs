//! One cached file and its sparse file on disk: opened when first needed, kept open while anybody works with it.

use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::{Mutex, RwLock};

use crate::path::NodePath;
use crate::platform;
use crate::version::{Pin, Version};

use super::presence::{Presence, State};
use super::room::Room;
use super::{BLOCK, CHUNK};

/// What is to be thought of the bytes of a cached file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Fate {
    /// In use.
    Valid = 0,
    /// The service has another version, or none: who has it open reads on, nothing is added.
    Superseded = 1,
    /// The digest that the service gives is another one, but that digest is only a hint: as superseded, and the next
    /// open of the same version fetches it again.
    Doubted = 2,
    /// The bytes are not those of the version: nobody reads them, the next open fetches them again.
    Damaged = 3,
}

impl Fate {
    fn of(number: u8) -> Self {
        match number {
            0 => Fate::Valid,
            1 => Fate::Superseded,
            2 => Fate::Doubted,
            _ => Fate::Damaged,
        }
    }
}

/// One version of one file in the cache, whether open or not.
#[derive(Debug)]
pub(crate) struct CachedFile {
    pub(super) id: i64,
    pub(super) version: Version,
    pub(super) place: PathBuf,
    pub(super) path: Mutex<NodePath>,
    pub(super) presence: Mutex<Presence>,
    /// Shared by who reads or writes blocks, exclusive for who punches a hole.
    pub(super) punching: RwLock<()>,
    /// What the answers of the service have said of this version so far.
    pub(super) pin: Mutex<Pin>,
    /// The index has a row of it.
    pub(super) indexed: AtomicBool,
    /// The MD5 of the whole was found right, or the bytes came from us.
    pub(super) confirmed: AtomicBool,
    /// It waits for its digest to be taken.
    pub(super) queued: AtomicBool,
    /// Bytes that it takes on the disk.
    bytes: AtomicU64,
    fate: AtomicU8,
    disk: RwLock<Option<Arc<File>>>,
    holder: Mutex<Weak<Hold>>,
}

/// Keeps a cached file open; with the last of them the disk file is closed, and a version that is gone frees its room.
#[derive(Debug)]
pub(super) struct Hold {
    pub(super) file: Arc<CachedFile>,
    room: Arc<Room>,
}

/// Why a run of blocks could not be read.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The block has other bytes than were written; whether this process wrote or checked it before.
    Damaged(u64, bool),
    /// The disk file is missing, or not of its length: somebody else had his hands in it.
    Cut,
    /// The disk failed.
    Disk(io::Error),
}

impl CachedFile {
    pub(super) fn new(id: i64, path: NodePath, version: Version, place: PathBuf) -> Self {
        CachedFile {
            id,
            version,
            place,
            path: Mutex::new(path),
            presence: Mutex::default(),
            punching: RwLock::new(()),
            pin: Mutex::default(),
            indexed: AtomicBool::new(false),
            confirmed: AtomicBool::new(false),
            queued: AtomicBool::new(false),
            bytes: AtomicU64::new(0),
            fate: AtomicU8::new(Fate::Valid as u8),
            disk: RwLock::new(None),
            holder: Mutex::new(Weak::new()),
        }
    }

    pub(super) fn fate(&self) -> Fate {
        Fate::of(self.fate.load(Ordering::SeqCst))
    }

    /// Only the first verdict counts.
    pub(super) fn condemn(&self, fate: Fate) -> bool {
        self.fate.compare_exchange(Fate::Valid as u8, fate as u8, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    pub(super) fn hold(self: &Arc<Self>, room: &Arc<Room>) -> Arc<Hold> {
        let mut holder = self.holder.lock();
        if let Some(hold) = holder.upgrade() {
            return hold;
        }
        let hold = Arc::new(Hold { file: Arc::clone(self), room: Arc::clone(room) });
        *holder = Arc::downgrade(&hold);
        hold
    }

    pub(super) fn is_held(&self) -> bool {
        self.holder.lock().strong_count() > 0
    }

    pub(super) fn add_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::AcqRel);
    }

    /// Bytes of it are gone from the disk.
    pub(super) fn subtract_bytes(&self, bytes: u64, room: &Room) {
        self.bytes.fetch_sub(bytes, Ordering::AcqRel);
        room.give_back(bytes);
    }

    /// All of it is gone from the disk.
    pub(super) fn free(&self, room: &Room) {
        room.give_back(self.bytes.swap(0, Ordering::AcqRel));
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Acquire)
    }

    pub(super) fn blocks(&self) -> u64 {
        self.version.length.div_ceil(BLOCK)
    }

    pub(super) fn block_length(&self, number: u64) -> usize {
        self.version.length.saturating_sub(number * BLOCK).min(BLOCK) as usize
    }

    /// The bytes of `number` when it is whole, which the last block may be before [`BLOCK`].
    fn block_range(&self, number: u64) -> Range<u64> {
        number * BLOCK..number * BLOCK + self.block_length(number) as u64
    }

    pub(super) fn is_complete(&self) -> bool {
        self.presence.lock().blocks() == self.blocks()
    }

    /// The disk file. One that is not open yet is made when `create` says so, and is checked for its length otherwise.
    pub(super) fn disk(&self, create: bool) -> Result<Arc<File>, Trouble> {
        if let Some(disk) = &*self.disk.read() {
            return Ok(Arc::clone(disk));
        }
        let mut slot = self.disk.write();
        if let Some(disk) = &*slot {
            return Ok(Arc::clone(disk));
        }
        let file =
            OpenOptions::new().read(true).write(true).create(create).truncate(create).mode(0o600).open(&self.place);
        let file = match file {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !create => return Err(Trouble::Cut),
            Err(error) => return Err(Trouble::Disk(error)),
        };
        if create {
            // Its full length from the start: a file of another one was tampered with.
            file.set_len(self.version.length).map_err(Trouble::Disk)?;
        } else if file.metadata().map_err(Trouble::Disk)?.len() != self.version.length {
            return Err(Trouble::Cut);
        }
        let file = Arc::new(file);
        // Without a holder nobody would close it again.
        if self.is_held() {
            *slot = Some(Arc::clone(&file));
        }
        Ok(file)
    }

    /// Closes the disk file; the next use opens it anew.
    pub(super) fn close(&self) {
        *self.disk.write() = None;
    }

    /// Reads bytes of blocks that are on the disk. Every block that lies whole in them is checked against its checksum; of
    /// one that is cut, the whole is read and checked if this process has not done so before. The caller shares
    /// `punching`.
    pub(super) fn read_run(&self, offset: u64, into: &mut [u8]) -> Result<(), Trouble> {
        let disk = self.disk(false)?;
        read_exact(&disk, into, offset)?;
        let end = offset + into.len() as u64;
        for number in offset / BLOCK..end.div_ceil(BLOCK) {
            let state = self.presence.lock().state(number);
            let (expected, known) = match state {
                State::Verified(expected) => (expected, true),
                State::Unverified(expected) => (expected, false),
                State::Absent => return Err(Trouble::Damaged(number, false)),
            };
            let block = self.block_range(number);
            let right = if offset <= block.start && block.end <= end {
                let bytes = &into[(block.start - offset) as usize..(block.end - offset) as usize];
                crc32fast::hash(bytes) == expected
            } else if known {
                continue;
            } else {
                let mut whole = vec![0; self.block_length(number)];
                read_exact(&disk, &mut whole, block.start)?;
                crc32fast::hash(&whole) == expected
            };
            if !right {
                return Err(Trouble::Damaged(number, known));
            }
            if !known {
                self.presence.lock().verify(number);
            }
        }
        Ok(())
    }

    /// Takes a chunk off the disk. Where the file system knows no holes that takes the whole file; then this says true.
    pub(super) fn punch(&self, range: Range<u64>) -> io::Result<bool> {
        let disk = match self.disk(false) {
            Ok(disk) => disk,
            // There is nothing, or nothing that could be trusted.
            Err(Trouble::Cut | Trouble::Damaged(..)) => return Ok(true),
            Err(Trouble::Disk(error)) => return Err(error),
        };
        match platform::punch_hole(&disk, range) {
            Ok(()) => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                self.empty(&disk)?;
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    fn empty(&self, disk: &File) -> io::Result<()> {
        disk.set_len(0)?;
        disk.set_len(self.version.length)
    }

    /// Empties the disk file: none of its bytes can be trusted.
    pub(super) fn wipe(&self) {
        self.close();
        let _ = std::fs::remove_file(&self.place);
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if self.file.is_held() {
            // Somebody opened it again in the meantime.
            return;
        }
        self.file.close();
        if self.file.fate() != Fate::Valid {
            self.file.free(&self.room);
        }
    }
}

/// The range of bytes of a chunk.
pub(super) fn chunk_range(chunk: u64) -> Range<u64> {
    chunk * CHUNK..(chunk + 1) * CHUNK
}

fn read_exact(disk: &File, into: &mut [u8], offset: u64) -> Result<(), Trouble> {
    disk.read_exact_at(into, offset).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => Trouble::Cut,
        _ => Trouble::Disk(error),
    })
}

impl From<Trouble> for io::Error {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Disk(error) => error,
            Trouble::Cut | Trouble::Damaged(..) => io::ErrorKind::InvalidData.into(),
        }
    }
}
