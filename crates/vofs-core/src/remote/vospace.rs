//! The one real [`Remote`]: a container of a VOSpace, through the client library.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use lru::LruCache;
use parking_lot::Mutex;
use vospace_client::client::Client;
use vospace_client::error::ErrorKind;
use vospace_client::transfer::{Progress, PutOptions, UploadSource};
use vospace_client::uri::check_name;
use vospace_client::{Node, NodeKind, Properties, Timestamp, VosUri, property};

use super::{Incoming, Outgoing, Property, Remote, Route};
use crate::clock::Millis;
use crate::error::{Error, Result};
use crate::meta::{Access, Kind, Meta, mtime};
use crate::path::NodePath;
use crate::version::Version;

/// Of so many directories it is remembered that nothing may be made in them.
const FORBIDDEN: NonZeroUsize = NonZeroUsize::new(1024).expect("invariant: not zero");

/// For so long: as long as attributes are believed, because rights are changed as they are.
const FORBIDDEN_FOR: Duration = Duration::from_secs(15);

/// A container of a VOSpace, as the root of a mount.
#[derive(Debug)]
pub struct VoSpace {
    client: Client,
    root: VosUri,
    /// Directories of which the service said that the caller may not write in them, and when.
    forbidden: Mutex<LruCache<NodePath, Instant>>,
}

impl VoSpace {
    /// Everything below `root`.
    pub fn new(client: Client, root: VosUri) -> Self {
        VoSpace { client, root, forbidden: Mutex::new(LruCache::new(FORBIDDEN)) }
    }

    /// Takes in what a node tells of the caller's rights. Only what the service computed counts: the same property may have
    /// been stored by a client as text.
    fn learn_rights(&self, path: &NodePath, node: &Node) {
        if node.is_container()
            && let Some(writable) = node.properties.property(property::WRITABLE).filter(|found| found.read_only)
        {
            let mut forbidden = self.forbidden.lock();
            match writable.value.as_deref() {
                Some("false") => drop(forbidden.put(path.clone(), Instant::now())),
                _ => drop(forbidden.pop(path)),
            }
        }
    }

    fn uri(&self, path: &NodePath) -> VosUri {
        path.components().fold(self.root.clone(), |uri, name| uri.join(name))
    }

    /// The error of a change of `path`. A lock looks like a missing permission (Vault, observed), so who was refused looks for
    /// one, at the node and at its container.
    async fn refused(&self, path: &NodePath, error: &vospace_client::Error) -> Error {
        if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::Unauthorized) {
            for place in [Some(path.clone()), path.parent()].into_iter().flatten() {
                if self.client.stat(&self.uri(&place)).await.is_ok_and(|node| node.properties.is_locked()) {
                    return Error::Locked(place);
                }
            }
        }
        Error::remote(path, error)
    }

    fn path(&self, uri: &VosUri) -> Option<NodePath> {
        if !uri.starts_with(&self.root) {
            return None;
        }
        let above = self.root.names().count();
        Some(NodePath::new(&uri.names().skip(above).collect::<Vec<_>>().join("/")))
    }
}

/// Makes an error of the client one of `path`.
fn at(path: &NodePath) -> impl Fn(vospace_client::Error) -> Error + Send + 'static {
    let path = path.clone();
    move |error| Error::remote(&path, &error)
}

fn meta(node: &Node) -> Meta {
    let properties = &node.properties;
    let kind = match &node.kind {
        NodeKind::Container => Kind::Directory,
        NodeKind::Data { .. } => Kind::File,
        NodeKind::Link { target } => Kind::Link { target: target.clone() },
    };
    let version = Version {
        length: properties.length().unwrap_or(0),
        md5: properties.md5().map(|md5| md5.0),
        content_date: properties.content_date().map(millis),
        date: properties.date().map(millis),
    };
    let access = Access {
        public: properties.is_public(),
        group_read: !properties.group_read().is_empty(),
        group_write: !properties.group_write().is_empty(),
    };
    let kept = properties.get(mtime::KEY).and_then(|text| mtime::of_text(text, &version));
    Meta { version, access, local_mtime: kept, ..Meta::new(kind) }
}

fn node_kind(kind: &Kind) -> NodeKind {
    match kind {
        Kind::Directory => NodeKind::Container,
        Kind::File => NodeKind::Data { busy: false },
        Kind::Link { target } => NodeKind::Link { target: target.clone() },
    }
}

fn millis(time: Timestamp) -> Millis {
    Millis(time.as_millisecond())
}

#[async_trait]
impl Remote for VoSpace {
    async fn stat(&self, path: &NodePath) -> Result<Meta> {
        let node = self.client.stat(&self.uri(path)).await.map_err(at(path))?;
        self.learn_rights(path, &node);
        Ok(meta(&node))
    }

    fn list(&self, path: &NodePath) -> BoxStream<'static, Result<(String, Meta)>> {
        let fail = at(path);
        let named = move |node: vospace_client::Result<Node>| {
            node.map(|node| (node.uri.name().to_owned(), meta(&node))).map_err(&fail)
        };
        self.client.list(&self.uri(path)).map(named).boxed()
    }

    async fn make_directory(&self, path: &NodePath) -> Result<Meta> {
        let made = self.client.mkdir(&self.uri(path), &Properties::new()).await.map_err(at(path))?;
        Ok(meta(&made))
    }

    async fn make_link(&self, path: &NodePath, target: &str) -> Result<Meta> {
        Ok(meta(&self.client.link(&self.uri(path), target).await.map_err(at(path))?))
    }

    async fn delete(&self, path: &NodePath) -> Result<()> {
        match self.client.delete(&self.uri(path)).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.refused(path, &error).await),
        }
    }

    async fn rename(&self, from: &NodePath, to: &NodePath) -> Result<()> {
        match self.client.rename(&self.uri(from), &self.uri(to)).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.refused(from, &error).await),
        }
    }

    async fn set_access(&self, path: &NodePath, now: &Meta, wanted: Access) -> Result<Access> {
        // A Cavern keeps the right to write only where both are given: who loses that has to be given the other anew.
        let reads = now.access.group_read && (wanted.group_write || !now.access.group_write);
        let groups_wanted = (wanted.group_read && !reads) || (wanted.group_write && !now.access.group_write);
        let parent = match path.parent().filter(|_| groups_wanted) {
            Some(parent) => self.client.stat(&self.uri(&parent)).await.map_err(at(&parent))?.properties,
            None => Properties::new(),
        };
        // Who may write may read, and is not named twice by a Cavern.
        let writing = parent.group_write();
        let mut reading = parent.group_read();
        reading.extend(writing.iter().cloned());
        reading.sort_unstable();
        reading.dedup();
        let mut changes = Properties::new();
        if wanted.public != now.access.public {
            // Cavern does nothing on a deletion of this one: the value has to be said.
            changes.set(property::IS_PUBLIC, wanted.public.to_string());
        }
        let mut given = wanted;
        for (name, is, wants, groups) in [
            (
                property::GROUP_READ,
                reads || (now.access.group_read && !wanted.group_read),
                &mut given.group_read,
                reading,
            ),
            (property::GROUP_WRITE, now.access.group_write, &mut given.group_write, writing),
        ] {
            match (is, *wants) {
                (true, false) => changes.set_nil(name),
                (false, true) if groups.is_empty() => *wants = false,
                (false, true) => changes.set(name, groups.join(" ")),
                _ => {}
            }
        }
        if changes.is_empty() {
            return Ok(given);
        }
        self.client.set_properties(&self.uri(path), &node_kind(&now.kind), &changes).await.map_err(at(path))?;
        Ok(given)
    }

    async fn properties(&self, path: &NodePath) -> Result<Vec<Property>> {
        let node = self.client.stat(&self.uri(path)).await.map_err(at(path))?;
        let given = node.properties.iter().filter_map(|(uri, property)| {
            let read_only = property.read_only || property::COMPUTED.contains(&uri);
            let key = property::key_of(uri).to_owned();
            Some(Property { key, value: property.value.clone()?, read_only })
        });
        Ok(given.collect())
    }

    async fn set_property(&self, path: &NodePath, kind: &Kind, key: &str, value: Option<&str>) -> Result<()> {
        let uri = property::of_key(key).into_owned();
        if property::COMPUTED.contains(&uri.as_str()) {
            return Err(Error::NotPermitted { path: path.clone(), cause: format!("{key} belongs to the service") });
        }
        let mut changes = Properties::new();
        match value {
            Some(value) => changes.set(uri, value),
            None => changes.set_nil(uri),
        }
        self.client.set_properties(&self.uri(path), &node_kind(kind), &changes).await.map_err(|error| {
            match error.kind() {
                ErrorKind::TooLarge => Error::TooLarge { path: path.clone(), cause: error.to_string() },
                _ => Error::remote(path, &error),
            }
        })?;
        Ok(())
    }

    async fn open(&self, path: &NodePath, range: Range<u64>, route: Route) -> Result<Incoming> {
        let uri = self.uri(path);
        let download = match route {
            Route::Kept => self.client.open(&uri, Some(range)).await,
            Route::Named => self.client.open_anew(&uri, Some(range)).await,
        };
        let download = download.map_err(at(path))?;
        let fail = at(path);
        Ok(Incoming {
            start: download.start,
            partial: download.partial,
            total: download.total,
            md5: download.md5.map(|md5| md5.0),
            artifact: download.artifact_id,
            modified: download.last_modified.map(millis),
            body: download.body.map(move |bytes| bytes.map_err(&fail)).boxed(),
        })
    }

    async fn put(&self, path: &NodePath, from: &Path, length: u64, outgoing: Outgoing) -> Result<Version> {
        let source = UploadSource::File { path: from.to_path_buf(), length };
        let sent = outgoing.sent;
        let progress: Progress = Arc::new(move |bytes| sent.store(bytes, Ordering::Relaxed));
        let options =
            PutOptions { progress: Some(progress), identity: Some(outgoing.identity), ..PutOptions::default() };
        let stored = match self.client.put(&self.uri(path), source, options).await {
            Ok(stored) => stored,
            Err(error) => return Err(self.refused(path, &error).await),
        };
        Ok(Version { length: stored.length, md5: Some(stored.md5.0), ..Version::default() })
    }

    async fn quota(&self) -> Result<(Option<u64>, Option<u64>)> {
        let mut at = Some(self.root.clone());
        while let Some(uri) = at {
            let node = match self.client.stat(&uri).await {
                Ok(node) => node,
                // Above the mount one may not be allowed to look; then no quota is known.
                Err(_) if uri != self.root => break,
                Err(error) => return Err(Error::remote(&NodePath::root(), &error)),
            };
            if let Some(quota) = node.properties.quota() {
                return Ok((Some(quota), node.properties.length()));
            }
            at = uri.parent();
        }
        Ok((None, None))
    }

    fn path_of(&self, target: &str) -> Option<NodePath> {
        self.path(&VosUri::from_wire(target).ok()?)
    }

    fn uri_of(&self, path: &NodePath) -> String {
        self.uri(path).to_wire()
    }

    fn forbids_children(&self, directory: &NodePath) -> bool {
        self.forbidden.lock().get(directory).is_some_and(|said| said.elapsed() < FORBIDDEN_FOR)
    }

    fn refuses_name(&self, name: &str) -> Option<String> {
        check_name(name).err().map(|error| error.to_string())
    }
}
