//! Properties of nodes that were asked for just now.
//!
//! A program that looks at extended attributes asks for their names and then for each value; that is one question to the
//! service. What is here is a few seconds old at most, and gone when anything of ours changed the node.

pub(crate) mod swept;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use lru::LruCache;
use parking_lot::Mutex;

use crate::clock::Millis;
use crate::path::NodePath;
use crate::remote::Property;

/// Of so many nodes at a time: what a program walks through.
const NODES: NonZeroUsize = NonZeroUsize::new(256).expect("invariant: not zero");

/// For so long: time to ask for each value after the names.
const BELIEVED: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(crate) struct PropertyCache(Mutex<LruCache<NodePath, Answer>>);

/// When it was asked for, and what was told.
type Answer = (Millis, Arc<Vec<Property>>);

impl Default for PropertyCache {
    fn default() -> Self {
        PropertyCache(Mutex::new(LruCache::new(NODES)))
    }
}

impl PropertyCache {
    pub(crate) fn get(&self, path: &NodePath, now: Millis) -> Option<Arc<Vec<Property>>> {
        let mut nodes = self.0.lock();
        let (since, properties) = nodes.get(path)?;
        since.remaining(BELIEVED, now).map(|_| Arc::clone(properties))
    }

    pub(crate) fn put(&self, path: &NodePath, properties: Vec<Property>, now: Millis) -> Arc<Vec<Property>> {
        let properties = Arc::new(properties);
        self.0.lock().put(path.clone(), (now, Arc::clone(&properties)));
        properties
    }

    /// Something was changed, renamed or removed.
    pub(crate) fn clear(&self) {
        self.0.lock().clear();
    }
}
