//! The one memory budget of a mount: what is fetched ahead, stream buffers and blocks kept in memory live within it.
//!
//! Nobody ever waits for room here, so nobody can wait for somebody who waits: what is fetched *ahead* of its readers
//! gets as much as is free, down to nothing, and shrinks; what a reader waits for *now* is granted whole and at once, out
//! of a quarter that look-ahead never gets. Only more requests at a time than that quarter holds can go beyond the
//! total, by the length of those requests.

mod machine;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) use machine::default_limit;

/// Bytes of memory that a mount may hold, and how many of them are taken.
#[derive(Debug)]
pub(crate) struct Budget {
    total: AtomicU64,
    taken: AtomicU64,
}

/// Bytes taken from a [`Budget`]; given back when it is dropped.
#[derive(Debug)]
#[must_use = "what is not held is given back at once"]
pub(crate) struct Permit {
    budget: Arc<Budget>,
    bytes: u64,
}

impl Budget {
    /// A budget of `total` bytes.
    pub(crate) fn new(total: u64) -> Arc<Self> {
        Arc::new(Budget { total: AtomicU64::new(total), taken: AtomicU64::new(0) })
    }

    /// All of it.
    pub(crate) fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// Changes that. What is taken beyond it stays so until it is given back.
    pub(crate) fn set_total(&self, total: u64) {
        self.total.store(total, Ordering::Relaxed);
    }

    /// What is taken now.
    #[cfg(test)]
    pub(crate) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// For what a reader waits for: `bytes`, whatever else is taken.
    pub(crate) fn need(self: &Arc<Self>, bytes: u64) -> Permit {
        self.taken.fetch_add(bytes, Ordering::Relaxed);
        Permit { budget: Arc::clone(self), bytes }
    }

    /// For what is fetched ahead: up to `wanted` bytes, at most half of what is free, so that whoever asks next finds
    /// something too. May grant nothing.
    pub(crate) fn spare(self: &Arc<Self>, wanted: u64) -> Permit {
        let total = self.total();
        let ceiling = total - total / 4;
        let mut granted = 0;
        let _ = self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
            granted = wanted.min(ceiling.saturating_sub(taken) / 2);
            Some(taken + granted)
        });
        Permit { budget: Arc::clone(self), bytes: granted }
    }
}

impl Permit {
    /// How much this is.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Gives a part of it back early: these bytes have arrived and are elsewhere now.
    pub(crate) fn give_back(&mut self, bytes: u64) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        self.budget.taken.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn what_is_fetched_ahead_shrinks_and_what_is_needed_is_granted() {
        let budget = Budget::new(64 * MIB);
        let first = budget.spare(100 * MIB);
        let second = budget.spare(100 * MIB);
        assert!(first.bytes() > second.bytes() && second.bytes() > 0);
        let ahead: Vec<Permit> = (0..64).map(|_| budget.spare(100 * MIB)).collect();
        assert!(budget.taken() <= 48 * MIB, "a quarter stays for what is needed: {}", budget.taken());
        assert_eq!(budget.spare(MIB).bytes(), 0);
        let needed: Vec<Permit> = (0..32).map(|_| budget.need(MIB)).collect();
        assert!(needed.iter().all(|permit| permit.bytes() == MIB), "never less, never later");
        drop((first, second, ahead, needed));
        assert_eq!(budget.taken(), 0);
    }

    #[test]
    fn a_part_can_be_given_back_early_and_nothing_twice() {
        let budget = Budget::new(64 * MIB);
        let mut permit = budget.need(10 * MIB);
        permit.give_back(4 * MIB);
        assert_eq!((permit.bytes(), budget.taken()), (6 * MIB, 6 * MIB));
        permit.give_back(100 * MIB);
        assert_eq!(budget.taken(), 0);
        drop(permit);
        assert_eq!(budget.taken(), 0);
    }
}
