//! How many clean bytes may be on the disk, and how many are: counted before they are written.
//!
//! The limit of the mount is one bound; the other is the disk itself, of which a part stays free for what is not a cache:
//! changed files, the journal, everybody else. Bytes of a version that is gone count until its last reader has
//! closed it, because until then they are on the disk.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::platform;

/// What stays free of a disk: a twentieth of it, a GiB at most.
const FREE_SHARE: u64 = 20;
const FREE_MOST: u64 = 1 << 30;

/// So many bytes are written at most before the disk is asked again how much room it has: others write to it too.
const LOOK_EVERY: u64 = 64 << 20;

/// What a file system hands out: a shorter end of a file takes a whole one.
const PAGE: u64 = 4096;

/// What a file system needs to know where the pieces of a chunk are, at most: ext4 keeps 340 pieces in a page of its own
/// once a file has more than four.
pub(super) const PER_CHUNK: u64 = PAGE;

/// The bytes of one cache.
#[derive(Debug)]
pub(super) struct Room {
    directory: PathBuf,
    limit: AtomicU64,
    /// What stays free of the disk; at the highest number a share of it.
    floor: AtomicU64,
    used: AtomicU64,
    /// The limit, or what the disk had room for at the last look if that is less.
    ceiling: AtomicU64,
    /// Bytes that may be written until the next look.
    unseen: AtomicU64,
    /// It was said that the disk is smaller than the limit.
    said: AtomicBool,
}

impl Room {
    pub(super) fn new(directory: &Path, limit: u64, used: u64) -> Self {
        let room = Room {
            directory: directory.to_path_buf(),
            limit: AtomicU64::new(limit),
            floor: AtomicU64::new(u64::MAX),
            used: AtomicU64::new(used),
            ceiling: AtomicU64::new(limit),
            unseen: AtomicU64::new(0),
            said: AtomicBool::new(false),
        };
        room.look();
        room
    }

    pub(super) fn used(&self) -> u64 {
        self.used.load(Ordering::Acquire)
    }

    /// What may be on the disk where that has the room.
    pub(super) fn limit(&self) -> u64 {
        self.limit.load(Ordering::Acquire)
    }

    /// Changes what may be on the disk. What is there above it has to be dropped by the caller.
    pub(super) fn set_limit(&self, bytes: u64) {
        self.limit.store(bytes, Ordering::Release);
        self.look();
    }

    /// What stays free of the disk.
    pub(super) fn floor(&self) -> u64 {
        self.floor_of(|| platform::room(&self.directory).map_or(0, |disk| disk.size))
    }

    /// The same of a disk of so many bytes.
    fn floor_of(&self, size: impl FnOnce() -> u64) -> u64 {
        match self.floor.load(Ordering::Acquire) {
            u64::MAX => (size() / FREE_SHARE).min(FREE_MOST),
            chosen => chosen,
        }
    }

    /// Changes that. As [`Room::set_limit`].
    pub(super) fn set_floor(&self, bytes: u64) {
        self.floor.store(bytes, Ordering::Release);
        self.look();
    }

    /// What may be on the disk at present.
    pub(super) fn ceiling(&self) -> u64 {
        self.ceiling.load(Ordering::Acquire)
    }

    /// Takes room for bytes that are about to be written; false when others have to go first.
    pub(super) fn take(&self, bytes: u64) -> bool {
        let counted = self.unseen.fetch_update(Ordering::AcqRel, Ordering::Acquire, |unseen| unseen.checked_sub(bytes));
        if counted.is_err() {
            self.look();
        }
        let ceiling = self.ceiling();
        let taken = |used: u64| used.checked_add(bytes).filter(|used| *used <= ceiling);
        let taken = self.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, taken).is_ok();
        if !taken && ceiling < self.limit() && !self.said.swap(true, Ordering::AcqRel) {
            tracing::warn!(
                directory = %self.directory.display(), limit = self.limit(), room = ceiling,
                "block cache: the disk has less room than --cache_limit; what fits is used"
            );
        }
        taken
    }

    /// Bytes are gone from the disk, or were never written.
    pub(super) fn give_back(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::AcqRel);
    }

    /// Asks the disk how much it has left.
    pub(super) fn look(&self) {
        let Ok(disk) = platform::room(&self.directory) else { return };
        let kept = self.floor_of(|| disk.size);
        let limit = self.limit();
        let left = disk.free;
        let used = self.used();
        let ceiling = limit.min((used + left).saturating_sub(kept));
        if self.ceiling.swap(ceiling, Ordering::AcqRel) < limit && ceiling == limit {
            self.said.store(false, Ordering::Release);
        }
        self.unseen.store((left.saturating_sub(kept) / 2).min(LOOK_EVERY), Ordering::Release);
    }
}

/// What `bytes` take on a disk.
pub(super) fn on_disk(bytes: u64) -> u64 {
    bytes.next_multiple_of(PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_byte_is_promised_twice() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let room = Room::new(place.path(), 1 << 20, 0);
        let taken: usize = std::thread::scope(|scope| {
            let takers: Vec<_> =
                (0..8).map(|_| scope.spawn(|| (0..1000).filter(|_| room.take(PAGE)).count())).collect();
            takers.into_iter().map(|taker| taker.join().expect("ended")).sum()
        });
        assert_eq!((taken as u64 * PAGE, room.used()), (1 << 20, 1 << 20));
        room.give_back(PAGE);
        assert!(room.take(1) && on_disk(1) == PAGE);
    }
}
