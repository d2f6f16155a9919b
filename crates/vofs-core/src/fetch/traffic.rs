//! The requests of a mount that are in the air, and who may start another.
//!
//! What a reader waits for is started at once, up to a number that no service minds; what is fetched ahead takes turns:
//! a file may have as many requests as it can use while it is alone, and its share of all while it is not. Since a service
//! gives each connection its part of the link, readers of different files then get the same.
//!
//! One lock, never held across anything that waits.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::flight::Flight;

/// Requests ahead of all readers together. Thirty-two connections of 25 MB/s are 800 MB/s, more than a disk takes.
const MOUNT: usize = 32;

/// Requests ahead of the readers of one file.
const FILE: usize = 16;

/// Also among many files each may have so many: one that is being read and the one behind it.
const LEAST: usize = 2;

/// Requests in the air.
#[derive(Debug, Default)]
pub(super) struct Traffic(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    files: HashMap<i64, Vec<Arc<Flight>>>,
    total: usize,
}

/// The requests for one file, while nobody else can change them.
pub(super) struct Lane<'a> {
    inner: parking_lot::MutexGuard<'a, Inner>,
    file: i64,
}

impl Traffic {
    /// The requests for a file.
    pub(super) fn lane(&self, file: i64) -> Lane<'_> {
        Lane { inner: self.0.lock(), file }
    }

    /// This request has ended.
    pub(super) fn landed(&self, file: i64, flight: &Arc<Flight>) {
        self.lane(file).remove(flight);
    }

    /// All requests.
    pub(super) fn all(&self) -> Vec<Arc<Flight>> {
        self.0.lock().files.values().flatten().cloned().collect()
    }

    /// How many files are being streamed whole.
    pub(super) fn streams(&self) -> usize {
        self.0.lock().files.values().flatten().filter(|flight| flight.is_whole()).count()
    }

    /// All requests for a file are taken out, to be ended.
    pub(super) fn clear(&self, file: i64) -> Vec<Arc<Flight>> {
        let mut inner = self.0.lock();
        let flying = inner.files.remove(&file).unwrap_or_default();
        inner.total -= flying.len();
        flying
    }
}

impl Lane<'_> {
    /// What is in the air for the file.
    pub(super) fn flying(&self) -> &[Arc<Flight>] {
        self.inner.files.get(&self.file).map_or(&[], Vec::as_slice)
    }

    /// True when nobody would be pushed aside by one more request ahead of this file's readers.
    pub(super) fn has_room(&self) -> bool {
        let own = self.flying().len();
        let files = self.inner.files.len() + usize::from(own == 0);
        own < FILE.min((MOUNT / files).max(LEAST)) && self.inner.total < MOUNT
    }

    /// One more.
    pub(super) fn start(&mut self, flight: Arc<Flight>) {
        self.inner.files.entry(self.file).or_default().push(flight);
        self.inner.total += 1;
    }

    /// Takes one out.
    pub(super) fn remove(&mut self, flight: &Arc<Flight>) {
        let Some(flying) = self.inner.files.get_mut(&self.file) else { return };
        let before = flying.len();
        flying.retain(|other| !Arc::ptr_eq(other, flight));
        let (gone, none_left) = (before - flying.len(), flying.is_empty());
        self.inner.total -= gone;
        if none_left {
            self.inner.files.remove(&self.file);
        }
    }
}
