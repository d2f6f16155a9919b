//! How many of a kind may be under way at a time: a number that may change while they are. Where small ones take less than
//! large ones do, each has a part of a place.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// More are taken for so many: a semaphore has a bound of its own.
const MOST: usize = 4096;

/// See the module.
#[derive(Debug)]
pub(crate) struct Permits {
    semaphore: Arc<Semaphore>,
    limit: Mutex<usize>,
    /// So many small ones are allowed for a large one.
    parts: u32,
}

impl Permits {
    /// So many, one at least.
    pub(crate) fn new(limit: usize) -> Self {
        Permits::in_parts(limit, 1)
    }

    /// The same, or so many `parts` for each of them.
    pub(crate) fn in_parts(limit: usize, parts: u32) -> Self {
        let limit = limit.clamp(1, MOST);
        let semaphore = Arc::new(Semaphore::new(limit * parts as usize));
        Permits { semaphore, limit: Mutex::new(limit), parts }
    }

    /// How many there may be.
    pub(crate) fn limit(&self) -> usize {
        *self.limit.lock()
    }

    /// Changes that. What is under way beyond the new number goes on; nothing begins until enough of it has ended.
    pub(crate) fn set(&self, limit: usize, runtime: &tokio::runtime::Handle) {
        let limit = limit.clamp(1, MOST);
        let mut now = self.limit.lock();
        if limit >= *now {
            self.semaphore.add_permits((limit - *now) * self.parts as usize);
        } else {
            let surplus = (*now - limit) * self.parts as usize;
            let taken = self.semaphore.forget_permits(surplus);
            let in_use = u32::try_from(surplus - taken).unwrap_or(u32::MAX);
            if in_use > 0 {
                let semaphore = Arc::clone(&self.semaphore);
                runtime.spawn(async move {
                    if let Ok(permits) = semaphore.acquire_many_owned(in_use).await {
                        permits.forget();
                    }
                });
            }
        }
        *now = limit;
    }

    /// Waits for the turn.
    pub(crate) async fn acquire(&self) -> OwnedSemaphorePermit {
        self.acquire_parts(self.parts).await
    }

    /// The same for a small one.
    pub(crate) async fn acquire_part(&self) -> OwnedSemaphorePermit {
        self.acquire_parts(1).await
    }

    async fn acquire_parts(&self, parts: u32) -> OwnedSemaphorePermit {
        let semaphore = Arc::clone(&self.semaphore);
        semaphore.acquire_many_owned(parts).await.expect("invariant: it is never closed")
    }

    /// Nothing more can begin at present.
    #[cfg(test)]
    pub(crate) fn are_taken(&self) -> bool {
        self.semaphore.available_permits() == 0
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn the_number_changes_while_they_are_in_use() {
        let permits = Permits::new(3);
        let held = [permits.acquire().await, permits.acquire().await];
        let runtime = tokio::runtime::Handle::current();
        permits.set(1, &runtime);
        let next = tokio::time::timeout(Duration::from_millis(50), permits.acquire()).await;
        assert!(next.is_err(), "two are under way, one is allowed");
        drop(held);
        let one = tokio::time::timeout(Duration::from_secs(10), permits.acquire()).await.expect("its turn");
        assert!(tokio::time::timeout(Duration::from_millis(50), permits.acquire()).await.is_err());
        permits.set(2, &runtime);
        drop((tokio::time::timeout(Duration::from_secs(10), permits.acquire()).await.expect("its turn"), one));
        assert_eq!(permits.limit(), 2);
    }
}
