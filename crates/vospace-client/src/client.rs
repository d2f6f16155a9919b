//! The verbs of a VOSpace client, in one place.
//!
//! A [`Client`] talks to all services with one set of credentials. It is cheap to clone and every method may run
//! concurrently with every other. Retries, deadlines and the doubts of a lost answer are dealt with below; what
//! comes back as an error is final as far as this crate is concerned.
//!
//! The verbs are thin: `ops` has those on nodes, `transfer` those on bytes.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, Weak};

use futures_util::Stream;
use parking_lot::Mutex;

use crate::Result;
use crate::http::Http;
use crate::node::{Node, NodeKind, Properties};
use crate::ops::{jobs, listing, nodes, rename};
use crate::registry::Registry;
use crate::service::Service;
use crate::transfer::{Download, PutOptions, UploadSource, Uploaded, download, redirects::Redirects, upload};
use crate::uri::VosUri;

pub use crate::config::{ClientConfig, Deadlines, RetryPolicy};
pub use crate::ops::jobs::JobCounts;

/// The children of a container, as they arrive.
pub type NodeStream = Pin<Box<dyn Stream<Item = Result<Node>> + Send + 'static>>;

/// All services, one set of credentials.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

/// What the clones of a client share.
pub(crate) struct Inner {
    pub(crate) http: Http,
    pub(crate) registry: Registry,
    pub(crate) redirects: Redirects,
    /// One lock per node that is being updated: services lose one of two concurrent updates. A lock lives as long
    /// as somebody holds or awaits it.
    updates: Mutex<HashMap<VosUri, Weak<tokio::sync::Mutex<()>>>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("http", &self.inner.http).finish_non_exhaustive()
    }
}

impl Client {
    /// A client with these settings. Nothing is sent yet.
    ///
    /// # Errors
    /// When credentials or certificate authorities cannot be read, or the registry is no URL.
    pub fn new(config: ClientConfig) -> Result<Client> {
        let registry = Registry::new(&config)?;
        let http = Http::new(&config, registry.is_plain())?;
        let inner = Inner { http, registry, redirects: Redirects::default(), updates: Mutex::default() };
        Ok(Client { inner: Arc::new(inner) })
    }

    /// Whether requests carry no credentials.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.inner.http.is_anonymous()
    }

    /// The service that a node is of: its endpoints, and what was learned of it.
    ///
    /// # Errors
    /// `UnknownService` when the registry has no such service, else what went wrong in asking.
    pub async fn service(&self, uri: &VosUri) -> Result<Arc<Service>> {
        let resource_id = uri.resource_id();
        match self.inner.registry.known(&resource_id) {
            Some((service, false)) => Ok(service),
            Some((service, true)) => {
                let (client, old) = (self.clone(), Arc::clone(&service));
                tokio::spawn(async move { client.inner.registry.refresh(&client.inner.http, &old).await });
                Ok(service)
            }
            None => self.inner.registry.service(&self.inner.http, &resource_id).await,
        }
    }

    /// One node, without children. A link is not followed.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied` and everything else of [`crate::ErrorKind`].
    pub async fn stat(&self, uri: &VosUri) -> Result<Node> {
        nodes::stat(self, uri).await
    }

    /// The children of a container as they arrive, in the order of the service. A failure is an `Err` item, after
    /// which nothing follows; the stream ends without one only when the listing came to its end as far as that can be
    /// known. (Services close a listing properly that broke off. Where they page, the end is asked for again; where
    /// they do not, absence from a listing proves nothing and each missing child has to be asked for.)
    ///
    /// A container that the caller may not read is listed as empty by the CADC services.
    #[must_use]
    pub fn list(&self, uri: &VosUri) -> NodeStream {
        listing::list(self.clone(), uri.clone())
    }

    /// Makes a container. Its parent must exist.
    ///
    /// # Errors
    /// `AlreadyExists`, `NotFound` (the parent), `PermissionDenied` and others.
    pub async fn mkdir(&self, uri: &VosUri, properties: &Properties) -> Result<Node> {
        nodes::create(self, uri, &NodeKind::Container, properties).await
    }

    /// Makes an empty file. Its parent must exist.
    ///
    /// # Errors
    /// As [`Client::mkdir`].
    pub async fn create(&self, uri: &VosUri, properties: &Properties) -> Result<Node> {
        nodes::create(self, uri, &NodeKind::Data { busy: false }, properties).await
    }

    /// Makes a link to any URI. Cavern takes only targets in its own space.
    ///
    /// # Errors
    /// As [`Client::mkdir`].
    pub async fn link(&self, uri: &VosUri, target: &str) -> Result<Node> {
        nodes::create(self, uri, &NodeKind::Link { target: target.to_owned() }, &Properties::new()).await
    }

    /// Deletes a file, a link (not its target) or an empty container.
    ///
    /// # Errors
    /// `NotEmpty`, `NotFound`, `PermissionDenied`, `Locked` and others.
    pub async fn delete(&self, uri: &VosUri) -> Result<()> {
        self.inner.redirects.forget(uri);
        nodes::delete(self, uri).await
    }

    /// Deletes a container and everything below it. Refused for anything but a container: of a link, the service would
    /// delete the tree that it points to.
    ///
    /// # Errors
    /// `NotAContainer`, `PermissionDenied` and others. A deletion that succeeded in part is no error: see the counts.
    pub async fn delete_tree(&self, uri: &VosUri) -> Result<JobCounts> {
        self.inner.redirects.forget_tree(uri);
        jobs::delete_tree(self, uri).await
    }

    /// Gives a node another name or container, of the same service. Never replaces anything and never moves *into* an
    /// existing container.
    ///
    /// # Errors
    /// `AlreadyExists`, `NotFound`, `MoveIntoRoot`, `MovePrefix`, `Unsupported` (another service) and others.
    pub async fn rename(&self, from: &VosUri, to: &VosUri) -> Result<()> {
        self.inner.redirects.forget_tree(from);
        self.inner.redirects.forget_tree(to);
        rename::rename(self, from, to).await
    }

    /// Changes properties: those given are set, those marked nil deleted, all others stay. Updates of one node by this
    /// client follow one another.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied`, `TooLarge` and others.
    pub async fn set_properties(&self, uri: &VosUri, kind: &NodeKind, changes: &Properties) -> Result<Node> {
        let lock = self.update_lock(uri);
        let _held = lock.lock().await;
        nodes::set_properties(self, uri, kind, changes).await
    }

    /// Opens the bytes of a file, whole or a range of them. A link is followed by the service. A service without
    /// ranges gives the whole: see [`Download::start`].
    ///
    /// # Errors
    /// `NotFound`, `NotData`, `RangeNotSatisfiable`, `PermissionDenied` and others.
    pub async fn open(&self, uri: &VosUri, range: Option<Range<u64>>) -> Result<Download> {
        download::open(self, uri, range).await
    }

    /// Stores the bytes of a file, making or overwriting it. What the service stored is compared by its digest.
    ///
    /// # Errors
    /// `NotFound` (the parent), `NotData`, `PermissionDenied`, `QuotaExceeded`, `ChecksumMismatch`, `Local` and others.
    pub async fn put(&self, uri: &VosUri, source: UploadSource, options: PutOptions) -> Result<Uploaded> {
        self.inner.redirects.forget(uri);
        let result = upload::put(self, uri, source, options).await;
        self.inner.redirects.forget(uri);
        result
    }

    pub(crate) fn update_lock(&self, uri: &VosUri) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.inner.updates.lock();
        if let Some(lock) = locks.get(uri).and_then(Weak::upgrade) {
            return lock;
        }
        locks.retain(|_, lock| lock.strong_count() > 0);
        let lock = Arc::new(tokio::sync::Mutex::new(()));
        locks.insert(uri.clone(), Arc::downgrade(&lock));
        lock
    }
}
