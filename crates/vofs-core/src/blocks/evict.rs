//! Room for new blocks: the chunks used longest ago go first, and the limit holds before anything is written.

use std::fs::OpenOptions;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use nix::fcntl::{FallocateFlags, fallocate};

use crate::path::NodePath;

use super::{CHUNK, CachedFile, State, Store, index};

impl Store {
    /// Drops chunks until `bytes` more fit.
    pub(super) fn make_room(&self, bytes: u64) {
        loop {
            let victim = {
                let state = self.state.lock();
                if state.used + bytes <= self.limit {
                    return;
                }
                state.recency.peek_lru().map(|(key, _)| *key)
            };
            let Some((id, chunk)) = victim else { return };
            self.drop_chunk(id, chunk);
        }
    }

    /// Brings a cache that a former mount left with a higher limit down to this one.
    pub(super) fn shrink(&self) {
        self.make_room(0);
    }

    /// Gives up a part of the cache at once: the disk is full and dirty data needs the room.
    pub(crate) fn give_up(&self, bytes: u64) {
        let mut freed = 0;
        while freed < bytes {
            let Some((key, held)) = self.state.lock().recency.peek_lru().map(|(key, held)| (*key, *held)) else {
                return;
            };
            self.drop_chunk(key.0, key.1);
            freed += held;
        }
    }

    /// Chunks were used.
    pub(super) fn touch(&self, id: i64, chunks: Range<u64>) {
        let mut state = self.state.lock();
        for chunk in chunks {
            state.recency.promote(&(id, chunk));
        }
    }

    /// Removes one chunk from the books and from the disk.
    pub(super) fn drop_chunk(&self, id: i64, chunk: u64) {
        let file = self.state.lock().by_id.get(&id).cloned();
        let Some(file) = file else {
            self.state.lock().forget_chunk(id, chunk);
            return;
        };
        {
            let _punching = file.punching.write();
            self.state.lock().forget_chunk(id, chunk);
            file.presence.lock().remove(chunk);
            if let Err(error) = punch(&file, chunk) {
                tracing::warn!(%error, file = %file.place.display(), "block cache: a hole could not be punched");
            }
        }
        index::remove_chunk(&self.db, id, chunk);
        self.drop_if_empty(&file);
    }

    /// A file of which nothing is left and that nobody has open leaves the cache.
    fn drop_if_empty(&self, file: &Arc<CachedFile>) {
        let mut state = self.state.lock();
        let unused = file.open.lock().strong_count() == 0 && file.presence.lock().is_empty();
        if !unused {
            return;
        }
        state.by_path.retain(|_, known| !Arc::ptr_eq(known, file));
        state.by_id.remove(&file.id);
        drop(state);
        index::remove_file(&self.db, file.id);
        let _ = std::fs::remove_file(&file.place);
    }

    /// The service no longer has the version that is cached for `path`.
    pub(crate) fn doom(&self, path: &NodePath) {
        let file = {
            let mut state = self.state.lock();
            let Some(file) = state.by_path.remove(path) else { return };
            file.doomed.store(true, Ordering::Release);
            state.by_id.remove(&file.id);
            for chunk in 0..file.version.length.div_ceil(CHUNK) {
                state.forget_chunk(file.id, chunk);
            }
            file
        };
        index::remove_file(&self.db, file.id);
        if let Err(error) = std::fs::remove_file(&file.place) {
            tracing::warn!(%error, file = %file.place.display(), "block cache: an old version could not be removed");
        }
    }

    /// The service no longer has `path` nor anything below it.
    pub(crate) fn doom_tree(&self, path: &NodePath) {
        let below: Vec<NodePath> = {
            let state = self.state.lock();
            state.by_path.keys().filter(|known| known.is_within(path)).cloned().collect()
        };
        for path in below {
            self.doom(&path);
        }
    }
}

impl State {
    fn forget_chunk(&mut self, id: i64, chunk: u64) {
        if let Some(bytes) = self.recency.pop(&(id, chunk)) {
            self.used -= bytes;
        }
    }
}

fn punch(file: &CachedFile, chunk: u64) -> io::Result<()> {
    let disk = match file.open.lock().upgrade() {
        Some(disk) => disk,
        None => Arc::new(OpenOptions::new().write(true).open(&file.place)?),
    };
    let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
    fallocate(&*disk, flags, (chunk * CHUNK) as libc::off_t, CHUNK as libc::off_t).map_err(io::Error::from)
}
