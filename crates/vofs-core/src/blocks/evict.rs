//! Room for new blocks: the chunks used longest ago go first, and the limit holds before anything is written.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::path::NodePath;

use super::held::{CachedFile, Fate, chunk_range};
use super::{OpenBlocks, State, Store, index};

/// What a full disk is relieved of at least.
const RELIEF: u64 = 8 << 20;

impl Store {
    /// Takes room for `bytes`, dropping chunks until they fit; false when there is nothing left to drop.
    pub(super) fn make_room(&self, bytes: u64) -> bool {
        while !self.room.take(bytes) {
            let Some((id, chunk)) = self.oldest() else { return false };
            self.drop_chunk(id, chunk);
        }
        true
    }

    /// Brings a cache that a former mount left with a higher limit down to this one.
    pub(super) fn shrink(&self) {
        self.make_room(0);
    }

    /// Gives up a part of the cache at once: the disk is full, or dirty data needs the room.
    pub(crate) fn give_up(&self, bytes: u64) {
        let goal = self.room.used().saturating_sub(bytes.max(RELIEF));
        while self.room.used() > goal
            && let Some((id, chunk)) = self.oldest()
        {
            self.drop_chunk(id, chunk);
        }
    }

    /// The chunk used longest ago that is not pinned. Those that are go to the other end of the order, so that they are not
    /// looked at again for each block.
    fn oldest(&self) -> Option<(i64, u64)> {
        let mut state = self.state.lock();
        for _ in 0..state.recency.len() {
            let key = state.recency.oldest()?;
            let is_pinned = state.by_id.get(&key.0).is_some_and(|file| self.pins.hold(&file.path.lock()));
            if !is_pinned {
                return Some(key);
            }
            state.recency.promote(key);
        }
        None
    }

    /// Chunks were used.
    pub(super) fn touch(&self, id: i64, chunks: Range<u64>) {
        let mut state = self.state.lock();
        let order = state.next_use();
        for chunk in chunks {
            if state.recency.touch((id, chunk), order) {
                state.changed.insert((id, chunk));
            }
        }
    }

    /// Removes one chunk from the books and from the disk.
    pub(super) fn drop_chunk(&self, id: i64, chunk: u64) {
        let file = self.state.lock().by_id.get(&id).cloned();
        let Some(file) = file else {
            self.state.lock().forget_chunk(id, chunk);
            return;
        };
        let punching = file.punching.write();
        let freed = {
            let mut state = self.state.lock();
            if state.is_lent(id) {
                // Since it was chosen; it is not among those that can be chosen any more.
                return;
            }
            state.forget_chunk(id, chunk)
        };
        file.presence.lock().remove(chunk);
        let whole_file = match file.punch(chunk_range(chunk)) {
            Ok(whole_file) => whole_file,
            Err(error) => {
                tracing::debug!(%error, file = %file.place.display(), "block cache: a hole could not be punched");
                true
            }
        };
        if !whole_file {
            file.subtract_bytes(freed, &self.room);
        }
        drop(punching);
        file.confirmed.store(false, Ordering::Release);
        index::remove_chunk(&self.db, id, chunk);
        if whole_file {
            self.wipe(&file);
        }
        self.drop_if_empty(&file);
    }

    /// Removes everything of a file from the books and from the disk: it cannot be trusted, or holes cannot be made.
    pub(super) fn wipe(&self, file: &Arc<CachedFile>) {
        let punching = file.punching.write();
        {
            let mut state = self.state.lock();
            let mut presence = file.presence.lock();
            for chunk in presence.chunks() {
                state.forget_chunk(file.id, chunk);
                presence.remove(chunk);
            }
        }
        file.wipe();
        file.free(&self.room);
        drop(punching);
        file.confirmed.store(false, Ordering::Release);
        index::remove_chunks(&self.db, file.id);
    }

    /// A file of which nothing is left and that nobody has open leaves the cache.
    pub(super) fn drop_if_empty(&self, file: &Arc<CachedFile>) {
        let mut state = self.state.lock();
        if file.is_held() || file.presence.lock().blocks() > 0 {
            return;
        }
        state.remove(file);
        drop(state);
        index::remove_file(&self.db, file.id);
        let _ = std::fs::remove_file(&file.place);
    }

    /// The service no longer has the version that is cached for `path`.
    pub(crate) fn doom(&self, path: &NodePath) {
        let file = self.state.lock().by_path.get(path).cloned();
        if let Some(file) = file {
            self.condemn(&file, Fate::Superseded);
        }
    }

    /// The service no longer has the version of these blocks; what is cached of another one stays.
    pub(crate) fn doom_version(&self, blocks: &OpenBlocks) {
        self.condemn(blocks.file(), Fate::Superseded);
    }

    /// Takes a file out of the cache; says false when that was done before.
    pub(super) fn condemn(&self, file: &Arc<CachedFile>, fate: Fate) -> bool {
        // The last who holds it frees its room, when it is off the disk.
        let hold = file.hold(&self.room);
        {
            let mut state = self.state.lock();
            if !file.condemn(fate) {
                return false;
            }
            state.remove(file);
            for chunk in file.presence.lock().chunks() {
                state.forget_chunk(file.id, chunk);
            }
        }
        // Nobody finds it from now on, so nobody comes to hold it.
        if Arc::strong_count(&hold) > 1 {
            // Whoever holds it may not have read anything yet; only a disk file that is open outlives its name.
            let _ = file.disk(false);
        } else {
            self.memory.forget(file.id);
        }
        index::remove_file(&self.db, file.id);
        if let Err(error) = std::fs::remove_file(&file.place)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, file = %file.place.display(), "block cache: an old version could not be removed");
        }
        true
    }

    /// The service no longer has `path` nor anything below it.
    pub(crate) fn doom_tree(&self, path: &NodePath) {
        let below: Vec<Arc<CachedFile>> = {
            let state = self.state.lock();
            let within = state.by_path.iter().filter(|(known, _)| known.is_within(path));
            within.map(|(_, file)| Arc::clone(file)).collect()
        };
        for file in below {
            self.condemn(&file, Fate::Superseded);
        }
    }
}

impl State {
    /// Gives the bytes that the chunk took.
    fn forget_chunk(&mut self, id: i64, chunk: u64) -> u64 {
        self.changed.remove(&(id, chunk));
        self.recency.remove((id, chunk)).map_or(0, |used| used.bytes)
    }

    fn remove(&mut self, file: &Arc<CachedFile>) {
        let path = file.path.lock();
        if self.by_path.get(&*path).is_some_and(|known| Arc::ptr_eq(known, file)) {
            self.by_path.remove(&*path);
        }
        self.by_id.remove(&file.id);
    }
}
