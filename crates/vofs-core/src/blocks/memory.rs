//! Blocks in memory: those that the cache disk does not take. Bounded, least recently used first out, part of the memory
//! budget of the mount.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use lru::LruCache;
use parking_lot::Mutex;

use crate::budget::{Budget, Permit};

use super::BLOCK;

/// The share of the budget: most of it stays for what is on its way.
const SHARE: u64 = 4;

/// Less than this a reader cannot work with: its own blocks and some that are on their way.
pub(super) const LEAST: u64 = 64 * BLOCK;

#[derive(Debug)]
struct Held {
    bytes: Bytes,
    _permit: Permit,
}

/// The blocks that are in memory only.
#[derive(Debug)]
pub(super) struct Memory {
    budget: Arc<Budget>,
    /// Bytes held; looked at without the lock, because nearly always there are none.
    used: AtomicU64,
    blocks: Mutex<LruCache<(i64, u64), Held>>,
}

impl Memory {
    pub(super) fn new(budget: Arc<Budget>) -> Self {
        Memory { budget, used: AtomicU64::new(0), blocks: Mutex::new(LruCache::unbounded()) }
    }

    pub(super) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// The upper bound of what it holds, in bytes.
    pub(super) fn limit(&self) -> u64 {
        (self.budget.total() / SHARE).max(LEAST)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.used.load(Ordering::Acquire) == 0
    }

    pub(super) fn get(&self, id: i64, number: u64) -> Option<Bytes> {
        if self.is_empty() {
            return None;
        }
        self.blocks.lock().get(&(id, number)).map(|held| held.bytes.clone())
    }

    /// True when the block is there; it does not count as used.
    pub(super) fn holds(&self, id: i64, number: u64) -> bool {
        !self.is_empty() && self.blocks.lock().contains(&(id, number))
    }

    /// Takes a block in, and drops those used longest ago if that is too many.
    pub(super) fn insert(&self, id: i64, number: u64, bytes: &[u8]) {
        let mut blocks = self.blocks.lock();
        let held = Held { bytes: Bytes::copy_from_slice(bytes), _permit: self.budget.need(bytes.len() as u64) };
        self.add(&held);
        if let Some(before) = blocks.put((id, number), held) {
            self.subtract(&before);
        }
        let limit = self.limit();
        while self.used.load(Ordering::Acquire) > limit
            && let Some((_, oldest)) = blocks.pop_lru()
        {
            self.subtract(&oldest);
        }
    }

    /// Drops the block used longest ago: the disk takes blocks again.
    pub(super) fn drop_oldest(&self) {
        if !self.is_empty()
            && let Some((_, oldest)) = self.blocks.lock().pop_lru()
        {
            self.subtract(&oldest);
        }
    }

    /// Drops all blocks of a file.
    pub(super) fn forget(&self, id: i64) {
        if self.is_empty() {
            return;
        }
        let mut blocks = self.blocks.lock();
        let gone: Vec<(i64, u64)> = blocks.iter().map(|(key, _)| *key).filter(|(file, _)| *file == id).collect();
        for key in gone {
            if let Some(held) = blocks.pop(&key) {
                self.subtract(&held);
            }
        }
    }

    fn add(&self, held: &Held) {
        self.used.fetch_add(held.bytes.len() as u64, Ordering::AcqRel);
    }

    fn subtract(&self, held: &Held) {
        self.used.fetch_sub(held.bytes.len() as u64, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_to_its_share_and_gives_back_what_it_drops() {
        let budget = Budget::new(64 << 20);
        let memory = Memory::new(Arc::clone(&budget));
        let block = vec![7; BLOCK as usize];
        for number in 0..2000 {
            memory.insert(1, number, &block);
            memory.get(1, 0);
            assert!(budget.taken() <= 16 << 20);
        }
        assert!(memory.get(1, 0).is_some(), "used again and again");
        assert!(memory.get(1, 1).is_none(), "used longest ago");
        memory.insert(2, 0, &block);
        memory.forget(1);
        assert_eq!(budget.taken(), BLOCK);
        memory.drop_oldest();
        assert!(memory.is_empty() && budget.taken() == 0);
    }
}
