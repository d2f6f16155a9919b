//! What the engine needs of a VOSpace: a trait, because tests put a fake there.

mod vospace;

#[cfg(test)]
pub(crate) mod fake;

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;

use crate::clock::Millis;
use crate::error::Result;
use crate::meta::{Access, Kind, Meta};
use crate::path::NodePath;
use crate::version::Version;

pub use vospace::VoSpace;

/// Bytes of a file on their way in.
pub struct Incoming {
    /// Where the first byte of `body` stands in the file.
    pub start: u64,
    /// False when the service ignored the range and sends the whole file.
    pub partial: bool,
    /// Length of the whole file, where the service said so.
    pub total: Option<u64>,
    /// MD5 of the whole file, where the service said so.
    pub md5: Option<[u8; 16]>,
    /// Identity of what is stored (`x-artifact-id`), where the service gives one.
    pub artifact: Option<String>,
    /// `Last-Modified`, cut to seconds.
    pub modified: Option<Millis>,
    /// The bytes; an error item when they end early.
    pub body: BoxStream<'static, Result<Bytes>>,
}

impl std::fmt::Debug for Incoming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Incoming").field("start", &self.start).field("partial", &self.partial).finish_non_exhaustive()
    }
}

/// A child as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// With what the service tells of it.
    Whole(Meta),
    /// By its name and what it is, and no more: the node itself has to be asked for. The target of a link is empty.
    Named(Kind),
}

/// How the bytes of a file are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Where they were found before, if that is known: right for more of a version that is checked against the answer.
    Kept,
    /// By the name, from the beginning: the answer then tells what the name stands for now.
    Named,
}

/// What an upload is told, and tells on its way.
#[derive(Debug, Clone, Default)]
pub struct Outgoing {
    /// What tells these bytes from all others, also after a restart: an upload of them that was interrupted is taken up
    /// where the service can do that.
    pub identity: String,
    /// Bytes that have left so far.
    pub sent: Arc<AtomicU64>,
}

/// A property of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// What users call it: a word of the standard (`title`), else its URI.
    pub key: String,
    /// Its text.
    pub value: String,
    /// It belongs to the service, which ignores or punishes attempts to change it.
    pub read_only: bool,
}

/// A VOSpace below the root of a mount. Retries, credentials and the service's peculiarities are its own business;
/// every error names the node.
#[async_trait]
pub trait Remote: Send + Sync + std::fmt::Debug + 'static {
    /// The node itself; a link is not followed.
    async fn stat(&self, path: &NodePath) -> Result<Meta>;

    /// The node and its properties, by one question.
    async fn stat_with_properties(&self, path: &NodePath) -> Result<(Meta, Vec<Property>)>;

    /// The same as [`Remote::stat`] for who will write to it, and whether the caller may, where the service says so.
    async fn stat_to_write(&self, path: &NodePath) -> Result<(Meta, Option<bool>)>;

    /// Whether the caller may make anything in this directory, where the service says so. It is asked for now and then only:
    /// what changed since shows when it is tried.
    async fn may_make_in(&self, directory: &NodePath) -> Option<bool>;

    /// The children of a directory as they arrive. A listing that breaks off ends in an error item.
    fn list(&self, path: &NodePath) -> BoxStream<'static, Result<(String, Shown)>>;

    /// Makes a directory; its parent must exist.
    async fn make_directory(&self, path: &NodePath) -> Result<Meta>;

    /// Makes an empty file with these properties: keys, as in [`Property`], and values.
    async fn make_file(&self, path: &NodePath, properties: &[(String, String)]) -> Result<()>;

    /// Makes a link to `target`, a URI.
    async fn make_link(&self, path: &NodePath, target: &str) -> Result<Meta>;

    /// Removes a file or a link.
    async fn delete(&self, path: &NodePath) -> Result<()>;

    /// Removes a directory in which nothing is. Services that would take it with all that is in it are not asked to.
    async fn remove_directory(&self, path: &NodePath) -> Result<()>;

    /// Moves a node to a name that must be free.
    async fn rename(&self, from: &NodePath, to: &NodePath) -> Result<()>;

    /// Changes who may do what, from `now` to `wanted`; groups are taken from the parent directory. Gives what it is then:
    /// where the parent has no groups there are none to give.
    async fn set_access(&self, path: &NodePath, meta: &Meta, wanted: Access) -> Result<Access>;

    /// The properties of a node, those by which it is a file system's node included.
    async fn properties(&self, path: &NodePath) -> Result<Vec<Property>>;

    /// The children of a directory with the keys of their properties, as [`Remote::properties`] gives them; of links none.
    /// Those of which the listing tells nothing are left out. A listing that breaks off ends in an error item.
    fn list_keys(&self, path: &NodePath) -> BoxStream<'static, Result<(String, Vec<String>)>>;

    /// Sets a property of a node of `kind`, or removes it.
    async fn set_property(&self, path: &NodePath, kind: &Kind, key: &str, value: Option<&str>) -> Result<()>;

    /// Sets several properties of a file, by one request.
    async fn give_properties(&self, path: &NodePath, properties: &[(String, String)]) -> Result<()>;

    /// Bytes `range` of a file, or more of it where the service cannot send less.
    async fn open(&self, path: &NodePath, range: Range<u64>, route: Route) -> Result<Incoming>;

    /// Stores the first `length` bytes of the local file `from` as the whole content of `path`, which is made if need be;
    /// returns once the service has confirmed them.
    async fn put(&self, path: &NodePath, from: &Path, length: u64, outgoing: Outgoing) -> Result<Version>;

    /// How many bytes the mounted tree may hold, by the nearest quota at or above its root, and how many that quota's
    /// container holds already; `None` where the service does not say.
    async fn quota(&self) -> Result<(Option<u64>, Option<u64>)>;

    /// The path of the node that a link's target names, if it is in this mount.
    fn path_of(&self, target: &str) -> Option<NodePath>;

    /// The URI of a node, for a link that points to it.
    fn uri_of(&self, path: &NodePath) -> String;

    /// Why the service cannot hold `name`, if it cannot.
    fn refuses_name(&self, name: &str) -> Option<String>;
}
