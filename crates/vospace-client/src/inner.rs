//! What the verbs share: requests, the registry, where bytes are, and who is updating what.
//!
//! It stands below `ops` and `transfer`, which do the work with it, and below [`crate::client`], which hands out clones
//! of one [`Inner`].

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use lru::LruCache;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::Result;
use crate::config::ClientConfig;
use crate::cuts;
use crate::http::Http;
use crate::redirects::Redirects;
use crate::registry::Registry;
use crate::service::Service;
use crate::uri::VosUri;

/// Files remembered: more than are stored within any second.
const MEANT: NonZeroUsize = NonZeroUsize::new(4096).expect("invariant: not zero");

/// Pieces of files in memory, [`crate::transfer::wide`]: 64 MiB, and connections that fill a link of 200 MB/s by 25 MB/s
/// each, twice.
const PIECES: usize = 16;

/// See the module.
pub(crate) struct Inner {
    pub(crate) http: Http,
    pub(crate) registry: Registry,
    pub(crate) redirects: Redirects,
    /// Room for pieces of files on their way in.
    pub(crate) pieces: Arc<Semaphore>,
    /// Bytes of a segment of a large upload.
    pub(crate) segment: u64,
    /// Where unfinished uploads are noted.
    pub(crate) state_dir: Option<PathBuf>,
    /// Uploads under way, and what is cleaned up after them.
    pub(crate) work: TaskTracker,
    /// Files that this client made or stored lately, and meant to. What a failed upload left behind is told from a file
    /// by its date, which is exact to a second only, and by its length, which a service may not know yet.
    meant: Mutex<LruCache<VosUri, ()>>,
    /// One lock per node that is being updated: services lose one of two concurrent updates. A lock lives as long
    /// as somebody holds or awaits it.
    updates: Mutex<HashMap<VosUri, Weak<tokio::sync::Mutex<()>>>>,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("http", &self.http).finish_non_exhaustive()
    }
}

impl Inner {
    pub(crate) fn new(config: &ClientConfig) -> Result<Inner> {
        let registry = Registry::new(config)?;
        let http = Http::new(config, registry.is_plain())?;
        Ok(Inner {
            http,
            registry,
            redirects: Redirects::default(),
            pieces: Arc::new(Semaphore::new(PIECES)),
            segment: config.segment.max(1),
            state_dir: config.state_dir.clone(),
            work: TaskTracker::new(),
            meant: Mutex::new(LruCache::new(MEANT)),
            updates: Mutex::default(),
        })
    }

    /// The service that a node is of. One that is known is given at once, and renewed in the background when it has
    /// been known for long.
    pub(crate) async fn service(self: &Arc<Self>, uri: &VosUri) -> Result<Arc<Service>> {
        let resource_id = uri.resource_id();
        let service = match self.registry.known(&resource_id) {
            Some((service, false)) => service,
            Some((service, true)) => {
                let (inner, old) = (Arc::clone(self), Arc::clone(&service));
                tokio::spawn(async move { inner.registry.refresh(&inner.http, &old).await });
                service
            }
            None => self.registry.service(&self.http, &resource_id).await?,
        };
        cuts::look(&self.http, &service, uri).await;
        Ok(service)
    }

    /// Does something after its caller has gone; nothing is done where no runtime is left to do it.
    pub(crate) fn in_background(&self, task: impl Future<Output = ()> + Send + 'static) {
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            self.work.spawn_on(task, &runtime);
        }
    }

    /// Notes a file that is there because it was meant to be.
    pub(crate) fn note_meant(&self, uri: &VosUri) {
        self.meant.lock().put(uri.clone(), ());
    }

    /// Notes that it no longer is.
    pub(crate) fn forget_meant(&self, uri: &VosUri) {
        self.meant.lock().pop(uri);
    }

    /// Whether a file was noted.
    pub(crate) fn is_meant(&self, uri: &VosUri) -> bool {
        self.meant.lock().contains(uri)
    }

    /// The lock under which a node is updated.
    pub(crate) fn update_lock(&self, uri: &VosUri) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.updates.lock();
        if let Some(lock) = locks.get(uri).and_then(Weak::upgrade) {
            return lock;
        }
        locks.retain(|_, lock| lock.strong_count() > 0);
        let lock = Arc::new(tokio::sync::Mutex::new(()));
        locks.insert(uri.clone(), Arc::downgrade(&lock));
        lock
    }
}
