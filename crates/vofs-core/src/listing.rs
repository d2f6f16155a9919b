//! Listings on their way: what has arrived of a directory, and who waits for more.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::error::Result;
use crate::namespace::{Listing, Packed};
use crate::path::NodePath;

/// The children of a directory, as far as they are known yet.
#[derive(Debug, Default)]
pub(crate) struct Children {
    entries: Mutex<Vec<Packed>>,
    progress: watch::Sender<Progress>,
}

#[derive(Debug, Clone, Default)]
struct Progress {
    count: usize,
    /// Set at the end: the revision of the directory that this is.
    outcome: Option<Result<u64>>,
}

/// What there is at a place of a listing.
#[derive(Debug)]
pub(crate) enum Place {
    /// This child.
    Child(Packed),
    /// Nothing: the listing, of this revision, ended before.
    End(u64),
}

/// The listings that are in the air.
#[derive(Debug, Default)]
pub(crate) struct Listings(Mutex<HashMap<NodePath, Arc<Children>>>);

impl Listings {
    /// The listing of `path` that is in the air, or a new one that the caller has to fill (`true`).
    pub(crate) fn join_or_begin(&self, path: &NodePath) -> (Arc<Children>, bool) {
        let mut flying = self.0.lock();
        if let Some(children) = flying.get(path) {
            return (Arc::clone(children), false);
        }
        let children = Arc::<Children>::default();
        flying.insert(path.clone(), Arc::clone(&children));
        (children, true)
    }

    /// It has ended; who opens the directory from now on begins anew.
    pub(crate) fn end(&self, path: &NodePath) {
        self.0.lock().remove(path);
    }
}

impl Children {
    /// A listing that needs no question.
    pub(crate) fn known(listing: Listing) -> Self {
        let progress = Progress { count: listing.nodes.len(), outcome: Some(Ok(listing.revision)) };
        Children { entries: Mutex::new(listing.nodes), progress: watch::Sender::new(progress) }
    }

    pub(crate) fn push(&self, child: Packed) {
        let mut entries = self.entries.lock();
        entries.push(child);
        self.progress.send_modify(|progress| progress.count = entries.len());
    }

    /// How many have arrived.
    pub(crate) fn count(&self) -> usize {
        self.progress.borrow().count
    }

    /// The names that have arrived.
    pub(crate) fn names(&self) -> HashSet<String> {
        self.entries.lock().iter().map(|child| child.name().to_owned()).collect()
    }

    pub(crate) fn finish(&self, outcome: Result<u64>) {
        self.progress.send_modify(|progress| progress.outcome = Some(outcome));
    }

    /// Returns when the listing has brought what is waited for, or has come to its end.
    pub(crate) async fn until(&self, is_there: impl Fn() -> bool) {
        // The sender is part of this, so it lives.
        let _ = self.progress.subscribe().wait_for(|progress| progress.outcome.is_some() || is_there()).await;
    }

    /// What is at `index`, unless that is not known yet.
    pub(crate) fn now(&self, index: usize) -> Option<Result<Place>> {
        if let Some(child) = self.entries.lock().get(index) {
            return Some(Ok(Place::Child(child.clone())));
        }
        let progress = self.progress.borrow();
        // Between the two looks a child may have come.
        if index < progress.count {
            drop(progress);
            return self.now(index);
        }
        progress.outcome.clone().map(|outcome| outcome.map(Place::End))
    }

    /// What is at `index`, once that is known.
    pub(crate) async fn get(&self, index: usize) -> Result<Place> {
        let mut progress = self.progress.subscribe();
        loop {
            progress.borrow_and_update();
            if let Some(place) = self.now(index) {
                return place;
            }
            // The sender is part of this, so it lives.
            let _ = progress.changed().await;
        }
    }
}
