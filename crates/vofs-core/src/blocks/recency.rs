//! The chunks that may be dropped, in the order of their use, and what they take on the disk together.

use lru::LruCache;

/// A chunk: of which file, and its number.
pub(super) type Key = (i64, u64);

/// When a chunk was used, and what it takes on the disk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Use {
    pub(super) bytes: u64,
    pub(super) order: i64,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Recency {
    chunks: LruCache<Key, Use>,
    bytes: u64,
}

impl Recency {
    pub(super) fn new() -> Self {
        Recency { chunks: LruCache::unbounded(), bytes: 0 }
    }

    /// What all of them take on the disk.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn len(&self) -> usize {
        self.chunks.len()
    }

    pub(super) fn get(&self, key: Key) -> Option<Use> {
        self.chunks.peek(&key).copied()
    }

    /// It was used last.
    pub(super) fn put(&mut self, key: Key, used: Use) {
        self.bytes += used.bytes;
        self.bytes -= self.chunks.put(key, used).map_or(0, |before| before.bytes);
    }

    /// The same of one that is there; false when it is not.
    pub(super) fn touch(&mut self, key: Key, order: i64) -> bool {
        self.chunks.get_mut(&key).map(|used| used.order = order).is_some()
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<Use> {
        let used = self.chunks.pop(&key)?;
        self.bytes -= used.bytes;
        Some(used)
    }

    /// The one that was used longest ago.
    pub(super) fn oldest(&self) -> Option<Key> {
        self.chunks.peek_lru().map(|(key, _)| *key)
    }

    /// It goes to the other end, and keeps its number.
    pub(super) fn promote(&mut self, key: Key) {
        self.chunks.promote(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_that_of_what_is_there() {
        let mut recency = Recency::new();
        recency.put((1, 0), Use { bytes: 10, order: 1 });
        recency.put((1, 1), Use { bytes: 20, order: 2 });
        recency.put((1, 0), Use { bytes: 15, order: 3 });
        assert_eq!((recency.bytes(), recency.len(), recency.oldest()), (35, 2, Some((1, 1))));
        assert!(recency.touch((1, 1), 4) && !recency.touch((2, 0), 5));
        assert_eq!((recency.oldest(), recency.get((1, 1)).map(|used| used.order)), (Some((1, 0)), Some(4)));
        recency.promote((1, 0));
        assert_eq!(recency.oldest(), Some((1, 1)));
        assert_eq!(recency.remove((1, 1)).map(|used| used.bytes), Some(20));
        assert!(recency.remove((1, 1)).is_none());
        assert_eq!(recency.bytes(), 15);
    }
}
