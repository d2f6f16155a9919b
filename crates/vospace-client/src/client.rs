//! The verbs of a VOSpace client, in one place.
//!
//! A [`Client`] talks to all services, to each with the credentials that are for it. It is cheap to clone and every method may run
//! concurrently with every other. Retries, deadlines and the doubts of a lost answer are dealt with below; what
//! comes back as an error is final as far as this crate is concerned.
//!
//! The verbs are thin: `ops` has those on nodes, `transfer` those on bytes.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use crate::Result;
use crate::auth::{Secret, Standing};
use crate::emulate;
use crate::http::{DOWN, UP};
use crate::inner::Inner;
use crate::node::{Node, NodeKind, Properties};
use crate::ops::listing::Fill;
use crate::ops::{certificate, identity, jobs, listing, nodes, readable, remove, rename, stat};
use crate::service::Service;
use crate::transfer::{Download, PutOptions, UploadSource, Uploaded, download, upload, wide};
use crate::uri::VosUri;
use crate::view::View;

pub use crate::config::{Bandwidth, ClientConfig, Deadlines, RetryPolicy};
pub use crate::http::vitals::Health;
pub use crate::ops::identity::Identity;
pub use crate::ops::jobs::JobCounts;
pub use crate::ops::listing::NodeStream;

/// All services.
///
/// ```
/// use futures_util::TryStreamExt as _;
/// use vospace_client::{Client, VosUri};
///
/// async fn sizes(client: &Client, place: &VosUri) -> vospace_client::Result<Vec<(String, String)>> {
///     let mut children = client.list(place);
///     let mut rows = Vec::new();
///     while let Some(node) = children.try_next().await? {
///         // A service need not tell it, and then it is not 0.
///         let length = node.properties.length().map_or("-".to_owned(), |length| length.to_string());
///         rows.push((node.uri.name().to_owned(), length));
///     }
///     Ok(rows)
/// }
///
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/stub.rs"));
/// # #[tokio::main]
/// # async fn main() -> vospace_client::Result<()> {
/// # let config = configured(&[("GET /nodes/d/f", 200, FILE), ("GET /nodes/d", 200, CONTAINER)]);
/// // A program has `ClientConfig { credentials, services, ..ClientConfig::from_env() }`, of `auth::choose` and `services::load`.
/// let client = Client::new(config)?;
/// let rows = sizes(&client, &VosUri::from_wire("vos://lab.example~vospace/d")?).await?;
/// assert_eq!(rows, [("f".to_owned(), "5".to_owned())]);
/// # Ok(())
/// # }
/// ```
///
/// Programs that run against a service are in `examples/` of the crate.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
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
        Ok(Client { inner: Arc::new(Inner::new(&config)?) })
    }

    /// Whether requests for a node carry no credentials.
    #[must_use]
    pub fn is_anonymous(&self, uri: &VosUri) -> bool {
        self.inner.http.is_anonymous(&uri.resource_id())
    }

    /// The credentials for the service of a node: what they are, and until when they are good.
    ///
    /// # Errors
    /// When they cannot be used: a file that is gone, a certificate that has expired, a log-in that has ended.
    pub fn credentials(&self, uri: &VosUri) -> Result<Standing> {
        self.inner.http.standing(&uri.resource_id())
    }

    /// How the services are, by what became of the requests so far.
    #[must_use]
    pub fn health(&self) -> Health {
        self.inner.http.vitals().health()
    }

    /// Bytes of bodies that were sent and received.
    #[must_use]
    pub fn moved(&self) -> (u64, u64) {
        (self.inner.http.pace(UP).moved(), self.inner.http.pace(DOWN).moved())
    }

    /// The limits to the speed out and in, in bytes per second.
    #[must_use]
    pub fn bandwidth(&self) -> (Option<u64>, Option<u64>) {
        (self.inner.http.pace(UP).rate(), self.inner.http.pace(DOWN).rate())
    }

    /// Changes the limit to the speed out, also of transfers that are under way; none: as fast as it goes.
    pub fn limit_uploads(&self, rate: Option<u64>) {
        self.inner.http.pace(UP).set(rate);
    }

    /// The same for what comes in.
    pub fn limit_downloads(&self, rate: Option<u64>) {
        self.inner.http.pace(DOWN).set(rate);
    }

    /// How long each phase of a request may take.
    #[must_use]
    pub fn deadlines(&self) -> Deadlines {
        self.inner.http.deadlines()
    }

    /// Changes that for requests to come. The time until they are connected stays as it was.
    pub fn set_deadlines(&self, deadlines: Deadlines) {
        self.inner.http.set_deadlines(deadlines);
    }

    /// The list of services that is in use.
    #[must_use]
    pub fn registry(&self) -> &str {
        self.inner.registry.url().as_str()
    }

    /// Who the service of a node takes the caller for.
    ///
    /// # Errors
    /// `Unauthorized` when the credentials are refused, and everything that keeps the service from being reached.
    pub async fn identity(&self, uri: &VosUri) -> Result<Identity> {
        identity::ask(&self.inner, uri).await
    }

    /// The service that a node is of: its endpoints, and what was learned of it.
    ///
    /// # Errors
    /// `UnknownService` when the registry has no such service, else what went wrong in asking.
    pub async fn service(&self, uri: &VosUri) -> Result<Arc<Service>> {
        self.inner.service(uri).await
    }

    /// One node, without children. A link is not followed.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied` and everything else of [`crate::ErrorKind`].
    pub async fn stat(&self, uri: &VosUri) -> Result<Node> {
        stat::stat(&self.inner, uri).await
    }

    /// The same with what the service computes for this caller (`core#readable` and `core#writable` of the CADC services)
    /// besides what it stores.
    ///
    /// # Errors
    /// As [`Client::stat`].
    pub async fn stat_in_full(&self, uri: &VosUri) -> Result<Node> {
        stat::in_full(&self.inner, uri).await
    }

    /// The children of a container as they arrive, in the order of the service. A failure is an `Err` item, after
    /// which nothing follows; the stream ends without one only when the listing came to its end as far as that can be
    /// known. (Services close a listing properly that broke off. Where they page, the end is asked for again; where
    /// they do not, absence from a listing proves nothing and each missing child has to be asked for.)
    ///
    /// A container that the caller may not read is listed as empty by the CADC services; [`Client::list_readable`] tells.
    #[must_use]
    pub fn list(&self, uri: &VosUri) -> NodeStream {
        listing::list(Arc::clone(&self.inner), uri.clone(), Fill::Always)
    }

    /// As [`Client::list`], but a container that is shown as empty because the caller may not read it is an error. Where
    /// a listing is empty this takes one request more, or two.
    #[must_use]
    pub fn list_readable(&self, uri: &VosUri) -> NodeStream {
        readable::list(Arc::clone(&self.inner), uri.clone(), Fill::Always)
    }

    /// As [`Client::list_readable`], but children are as the service shows them: where its listings have no properties,
    /// nobody asks for them. For who asks for those that matter.
    #[must_use]
    pub fn list_as_shown(&self, uri: &VosUri) -> NodeStream {
        readable::list(Arc::clone(&self.inner), uri.clone(), Fill::Never)
    }

    /// Whether the service takes these names, by what is known of it so far. Nothing is sent.
    ///
    /// # Errors
    /// The name and the character that it does not take.
    pub fn check_name(&self, uri: &VosUri) -> Result<()> {
        match self.inner.registry.remembered(&uri.resource_id()) {
            Some(service) => service.dialect().check(uri)?,
            None => uri.check()?,
        }
        Ok(())
    }

    /// Makes a container. Its parent must exist.
    ///
    /// # Errors
    /// `AlreadyExists`, `NotFound` (the parent), `PermissionDenied` and others.
    pub async fn mkdir(&self, uri: &VosUri, properties: &Properties) -> Result<Node> {
        nodes::create(&self.inner, uri, &NodeKind::Container, properties).await
    }

    /// Makes an empty file. Its parent must exist.
    ///
    /// # Errors
    /// As [`Client::mkdir`].
    pub async fn create(&self, uri: &VosUri, properties: &Properties) -> Result<Node> {
        nodes::create(&self.inner, uri, &NodeKind::Data { busy: false }, properties).await
    }

    /// Makes a link to any URI. Cavern takes only targets in its own space.
    ///
    /// # Errors
    /// As [`Client::mkdir`].
    pub async fn link(&self, uri: &VosUri, target: &str) -> Result<Node> {
        nodes::create(&self.inner, uri, &NodeKind::Link { target: target.to_owned() }, &Properties::new()).await
    }

    /// Deletes a file or a link (not its target). Not meant for containers: by the standard a service takes them with all
    /// that is in them. See [`Client::rmdir`] and [`Client::delete_tree`].
    ///
    /// # Errors
    /// `NotEmpty`, `NotFound`, `PermissionDenied`, `Locked` and others.
    pub async fn delete(&self, uri: &VosUri) -> Result<()> {
        self.inner.redirects.forget(uri);
        remove::delete(&self.inner, uri).await?;
        self.inner.forget_meant(uri);
        Ok(())
    }

    /// Deletes a container in which nothing is. It is looked into first where the service would delete it with what is
    /// in it; what somebody puts there in that moment is lost with it.
    ///
    /// # Errors
    /// `NotEmpty`, `NotAContainer`, `NotFound`, `PermissionDenied` and others.
    pub async fn rmdir(&self, uri: &VosUri) -> Result<()> {
        self.inner.redirects.forget_tree(uri);
        remove::empty_container(&self.inner, uri).await
    }

    /// Deletes a container and everything below it: by a job of the service, or from the leaves up where it has none.
    /// Refused for anything but a container: of a link, the service would delete the tree that it points to.
    ///
    /// # Errors
    /// `NotAContainer`, `PermissionDenied` and others. A deletion that succeeded in part is no error: see the counts.
    pub async fn delete_tree(&self, uri: &VosUri) -> Result<JobCounts> {
        self.inner.redirects.forget_tree(uri);
        remove::tree(&self.inner, uri).await
    }

    /// Gives a node another name or container, of the same service. Never replaces anything and never moves *into* an
    /// existing container.
    ///
    /// # Errors
    /// `AlreadyExists`, `NotFound`, `MoveIntoRoot`, `MovePrefix`, `Unsupported` (another service) and others.
    pub async fn rename(&self, from: &VosUri, to: &VosUri) -> Result<()> {
        self.inner.redirects.forget_tree(from);
        self.inner.redirects.forget_tree(to);
        rename::rename(&self.inner, from, to).await?;
        self.inner.forget_meant(from);
        Ok(())
    }

    /// The same by copying every byte, verifying it and deleting the original, for services whose moves say `Unsupported`.
    /// Not at once for others, and not to be done unasked: while it goes on both names are there. Nothing is deleted before
    /// all of it is there under the new name, and nothing that was not copied.
    ///
    /// # Errors
    /// As [`Client::rename`]; `ChecksumMismatch` when the copy is another, `VersionChanged` and `NotEmpty` when somebody
    /// changed the original meanwhile: then both are kept.
    pub async fn rename_by_copy(&self, from: &VosUri, to: &VosUri) -> Result<()> {
        self.inner.redirects.forget_tree(from);
        self.inner.redirects.forget_tree(to);
        emulate::rename_by_copy(&self.inner, from, to).await
    }

    /// Changes properties: those given are set, those marked nil deleted, all others stay. Updates of one node by this
    /// client follow one another.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied`, `TooLarge` and others.
    pub async fn set_properties(&self, uri: &VosUri, kind: &NodeKind, changes: &Properties) -> Result<Node> {
        let lock = self.inner.update_lock(uri);
        let _held = lock.lock().await;
        nodes::set_properties(&self.inner, uri, kind, changes).await
    }

    /// Changes properties of a node and of everything below it, by a job of the service. A change that succeeded in
    /// part is no error: see the counts.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied`, `Unsupported` and others.
    pub async fn set_properties_tree(&self, uri: &VosUri, kind: &NodeKind, changes: &Properties) -> Result<JobCounts> {
        jobs::set_properties_tree(&self.inner, uri, kind, changes).await
    }

    /// A new proxy certificate with its key (PEM) from a credential service, such as `ivo://cadc.nrc.ca/cred`, for
    /// `days` days (the service decides when None, and grants no more than it likes).
    ///
    /// # Errors
    /// `Unauthorized` when name and password (or token) are refused, `UnknownService` and others.
    pub async fn certificate(&self, resource_id: &str, days: Option<u32>) -> Result<Secret> {
        certificate::issue(&self.inner, resource_id, days).await.map(Secret::new)
    }

    /// Opens the bytes of a file, whole or a range of them. A link is followed by the service. A service without
    /// ranges gives the whole: see [`Download::start`].
    ///
    /// # Errors
    /// `NotFound`, `NotData`, `RangeNotSatisfiable`, `PermissionDenied` and others.
    pub async fn open(&self, uri: &VosUri, range: Option<Range<u64>>) -> Result<Download> {
        download::open(&self.inner, uri, range, false).await
    }

    /// Opens all bytes of a file from `start` on, to be read to the end: a large one comes by several connections side by
    /// side where the service has ranges. Where it has none, all bytes come: see [`Download::start`].
    ///
    /// # Errors
    /// As [`Client::open`].
    pub async fn open_wide(&self, uri: &VosUri, start: u64) -> Result<Download> {
        wide::open(&self.inner, uri, start).await
    }

    /// [`Client::open`] by the name and nothing else: where the file was found before is not believed, so that the answer
    /// tells which bytes the name stands for now.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub async fn open_anew(&self, uri: &VosUri, range: Option<Range<u64>>) -> Result<Download> {
        download::open(&self.inner, uri, range, true).await
    }

    /// Opens a part of a FITS file that the service cuts out. Its length is not known beforehand.
    ///
    /// # Errors
    /// `Unsupported` where the service cannot (Cavern), `BadRequest` when the file is no FITS file or the part lies
    /// outside, and those of [`Client::open`].
    pub async fn open_view(&self, uri: &VosUri, view: &View) -> Result<Download> {
        download::open_view(&self.inner, uri, view).await
    }

    /// Stores the bytes of a file, making or overwriting it. What the service stored is compared by its digest.
    ///
    /// # Errors
    /// `NotFound` (the parent), `NotData`, `PermissionDenied`, `QuotaExceeded`, `ChecksumMismatch`, `Local` and others.
    pub async fn put(&self, uri: &VosUri, source: UploadSource, options: PutOptions) -> Result<Uploaded> {
        self.inner.redirects.forget(uri);
        let result = upload::put(&self.inner, uri, source, options).await;
        self.inner.redirects.forget(uri);
        result
    }

    /// Waits until uploads that were dropped are cleaned up (empty nodes that they made removed, transactions ended), for
    /// `limit` at most. For a program that is about to end.
    pub async fn settle(&self, limit: Duration) {
        self.inner.work.close();
        if tokio::time::timeout(limit, self.inner.work.wait()).await.is_err() {
            tracing::warn!("not everything could be cleaned up in time");
        }
        self.inner.work.reopen();
    }
}
