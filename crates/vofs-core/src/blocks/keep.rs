//! What the user keeps in the cache, or sends away.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::path::NodePath;
use crate::version::Version;

use super::held::{CachedFile, Fate};
use super::{BLOCK, Store};

/// Blocks that were dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Dropped {
    pub(crate) files: usize,
    /// What they took on the disk.
    pub(crate) bytes: u64,
}

impl Store {
    /// Bytes of this version of a file that need no fetch.
    pub(crate) fn present(&self, path: &NodePath, version: &Version) -> u64 {
        let known = self.state.lock().by_path.get(path).cloned();
        let of_it = known.filter(|file| file.version.is_same(version) && file.fate() == Fate::Valid);
        of_it.map_or(0, |file| (file.presence.lock().blocks() * BLOCK).min(version.length))
    }

    /// How many bytes fit that are to stay: on the disk, unless it takes none at present.
    pub(crate) fn lasting(&self) -> u64 {
        if self.takes_none() { self.memory.limit() } else { self.room.ceiling() }
    }

    /// What pinned files take on the disk, but for those within `apart`.
    pub(crate) fn pinned(&self, apart: &[NodePath]) -> u64 {
        let counts = |path: &NodePath| self.pins.hold(path) && !apart.iter().any(|place| path.is_within(place));
        let state = self.state.lock();
        state.by_path.iter().filter(|(path, _)| counts(path)).map(|(_, file)| file.bytes()).sum()
    }

    /// Drops the blocks of all files within `path` that are not pinned, nor lent to the kernel. Who has one open has it fetched
    /// again.
    pub(crate) fn forget_tree(&self, path: &NodePath) -> Dropped {
        let within: Vec<Arc<CachedFile>> = {
            let state = self.state.lock();
            let files = state.by_path.iter().filter(|(known, _)| known.is_within(path) && !self.pins.hold(known));
            let files = files.filter(|(_, file)| !state.is_lent(file.id));
            files.map(|(_, file)| Arc::clone(file)).collect()
        };
        let mut dropped = Dropped::default();
        for file in within {
            dropped.bytes += file.bytes();
            dropped.files += usize::from(file.presence.lock().blocks() > 0);
            self.memory.forget(file.id);
            self.wipe(&file);
            self.drop_if_empty(&file);
        }
        self.activity.fetch_add(1, Ordering::Relaxed);
        dropped
    }
}
