//! The one real [`Remote`]: a container of a VOSpace, through the client library.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use lru::LruCache;
use parking_lot::Mutex;
use tokio::sync::OnceCell;
use vospace_client::client::Client;
use vospace_client::error::ErrorKind;
use vospace_client::transfer::{Progress, PutOptions, UploadSource};
use vospace_client::{Node, NodeKind, Properties, Timestamp, VosUri, property};

use super::{Incoming, Outgoing, Property, Remote, Route, Shown};
use crate::clock::Millis;
use crate::error::{Error, Result};
use crate::meta::{Access, Kind, Meta, mtime};
use crate::path::NodePath;
use crate::version::Version;

/// Of so many directories it is remembered whether anything may be made in them.
const RIGHTS: NonZeroUsize = NonZeroUsize::new(1024).expect("invariant: not zero");

/// For so long that nothing may: as long as attributes are believed, because rights are changed as they are.
const FORBIDDEN_FOR: Duration = Duration::from_secs(15);

/// For so long that something may, or that the service does not say: whoever loses a right is told by his next upload.
const ALLOWED_FOR: Duration = Duration::from_secs(600);

/// A container of a VOSpace, as the root of a mount.
#[derive(Debug)]
pub struct VoSpace {
    client: Client,
    root: VosUri,
    /// What the service said of the right to make something in a directory, and when.
    rights: Mutex<LruCache<NodePath, (Instant, Option<bool>)>>,
    /// Whether the service tells callers their rights at all.
    tells_rights: OnceCell<bool>,
}

impl VoSpace {
    /// Everything below `root`.
    pub fn new(client: Client, root: VosUri) -> Self {
        VoSpace { client, root, rights: Mutex::new(LruCache::new(RIGHTS)), tells_rights: OnceCell::new() }
    }

    /// What a node that was asked for by itself is. A file of which the service does not tell the length is no empty one:
    /// who is shown that copies nothing and believes it. So its bytes are asked how many they are, each time: what else such a
    /// service tells may be the same of other bytes (a date to the second).
    async fn whole(&self, path: &NodePath, node: &Node) -> Result<Meta> {
        let mut meta = meta(node);
        if meta.is_file() && node.properties.length().is_none() {
            meta.version.length = self.measure(&node.uri).await.map_err(at(path))?;
            tracing::debug!(%path, length = meta.version.length, "its node does not tell its length: asked its bytes");
        }
        Ok(meta)
    }

    /// How many bytes a file has: as their answer says, else counted.
    async fn measure(&self, uri: &VosUri) -> vospace_client::Result<u64> {
        // Anew: a kept address may be that of other bytes. Without a range: of an empty file each is refused.
        let bytes = self.client.open_anew(uri, None).await?;
        match bytes.total {
            Some(length) => Ok(length),
            None => bytes.body.try_fold(0, async |length, piece| Ok(length + piece.len() as u64)).await,
        }
    }

    /// Whether the caller may write a node of which all details were asked for. The CADC services tell rights that there are,
    /// and nothing of those that there are not.
    async fn may_write(&self, node: &Node) -> Option<bool> {
        match node.properties.property(property::WRITABLE) {
            // A user can store one of this name, which a Cavern then shows instead of its own (observed).
            Some(stored) if !stored.read_only => None,
            Some(told) if told.value.as_deref() == Some("true") => Some(true),
            // The owner may write what is locked once it is not, so the upload is to find that out.
            _ if node.properties.is_locked() => None,
            Some(_) => Some(false),
            None => self.tells_rights(node).await.then_some(false),
        }
    }

    async fn tells_rights(&self, node: &Node) -> bool {
        let asked = || async { self.client.stat_in_full(&self.root).await.map(|root| shows_rights(&root)) };
        shows_rights(node) || self.tells_rights.get_or_try_init(asked).await.is_ok_and(|tells| *tells)
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

fn shows_rights(node: &Node) -> bool {
    let told = |uri| node.properties.property(uri).is_some_and(|property| property.read_only);
    told(property::READABLE) || told(property::WRITABLE)
}

/// Makes an error of the client one of `path`.
fn at(path: &NodePath) -> impl Fn(vospace_client::Error) -> Error + Send + 'static {
    let path = path.clone();
    move |error| Error::remote(&path, &error)
}

/// What a node tells. Who asks for a file looks whether its length is told ([`VoSpace::whole`], [`shown`]).
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
        taken: None,
    };
    let access = Access {
        public: properties.is_public(),
        group_read: !properties.group_read().is_empty(),
        group_write: !properties.group_write().is_empty(),
    };
    let kept = properties.get(mtime::KEY).and_then(|text| mtime::of_text(text, &version));
    Meta { version, access, local_mtime: kept, ..Meta::new(kind) }
}

/// A child of a listing. Services differ in what they tell of one: what is missing is no zero.
fn shown(node: &Node) -> Shown {
    let properties = &node.properties;
    let is_told = match &node.kind {
        NodeKind::Container => properties.iter().next().is_some(),
        NodeKind::Data { .. } => properties.length().is_some(),
        NodeKind::Link { target } => !target.is_empty(),
    };
    let meta = meta(node);
    if is_told { Shown::Whole(meta) } else { Shown::Named(meta.kind) }
}

fn node_kind(kind: &Kind) -> NodeKind {
    match kind {
        Kind::Directory => NodeKind::Container,
        Kind::File => NodeKind::Data { busy: false },
        Kind::Link { target } => NodeKind::Link { target: target.clone() },
    }
}

/// Properties of a node that have a value.
fn given(node: &Node) -> impl Iterator<Item = Property> {
    node.properties.iter().filter_map(|(uri, property)| {
        let read_only = property.read_only || property::COMPUTED.contains(&uri);
        Some(Property { key: property::key_of(uri).to_owned(), value: property.value.clone()?, read_only })
    })
}

fn millis(time: Timestamp) -> Millis {
    Millis(time.as_millisecond())
}

#[async_trait]
impl Remote for VoSpace {
    async fn stat(&self, path: &NodePath) -> Result<Meta> {
        let node = self.client.stat(&self.uri(path)).await.map_err(at(path))?;
        self.whole(path, &node).await
    }

    async fn stat_with_properties(&self, path: &NodePath) -> Result<(Meta, Vec<Property>)> {
        let node = self.client.stat(&self.uri(path)).await.map_err(at(path))?;
        Ok((self.whole(path, &node).await?, given(&node).collect()))
    }

    async fn stat_to_write(&self, path: &NodePath) -> Result<(Meta, Option<bool>)> {
        let node = self.client.stat_in_full(&self.uri(path)).await.map_err(at(path))?;
        let may = self.may_write(&node).await;
        Ok((self.whole(path, &node).await?, may))
    }

    async fn may_make_in(&self, directory: &NodePath) -> Option<bool> {
        let known = self.rights.lock().get(directory).copied();
        if let Some((said, may)) = known
            && said.elapsed() < if may == Some(false) { FORBIDDEN_FOR } else { ALLOWED_FOR }
        {
            return may;
        }
        // A question that fails is no answer, and the next one who makes something asks again.
        let node = self.client.stat_in_full(&self.uri(directory)).await.ok()?;
        let may = self.may_write(&node).await;
        self.rights.lock().put(directory.clone(), (Instant::now(), may));
        may
    }

    fn list(&self, path: &NodePath) -> BoxStream<'static, Result<(String, Shown)>> {
        let fail = at(path);
        let named = move |node: vospace_client::Result<Node>| {
            node.map(|node| (node.uri.name().to_owned(), shown(&node))).map_err(&fail)
        };
        self.client.list_as_shown(&self.uri(path)).map(named).boxed()
    }

    async fn make_directory(&self, path: &NodePath) -> Result<Meta> {
        let made = self.client.mkdir(&self.uri(path), &Properties::new()).await.map_err(at(path))?;
        Ok(meta(&made))
    }

    async fn make_file(&self, path: &NodePath, properties: &[(String, String)]) -> Result<()> {
        let mut given = Properties::new();
        for (key, value) in properties {
            given.set(property::of_key(key).into_owned(), value.clone());
        }
        self.client.create(&self.uri(path), &given).await.map(drop).map_err(at(path))
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

    async fn remove_directory(&self, path: &NodePath) -> Result<()> {
        match self.client.rmdir(&self.uri(path)).await {
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
        Ok(given(&node).collect())
    }

    fn list_keys(&self, path: &NodePath) -> BoxStream<'static, Result<(String, Vec<String>)>> {
        let fail = at(path);
        let named = move |node: vospace_client::Result<Node>| {
            node.map(|node| {
                let is_link = matches!(node.kind, NodeKind::Link { .. });
                let keys = given(&node).filter(|_| !is_link).map(|property| property.key).collect();
                (node.uri.name().to_owned(), keys)
            })
            .map_err(&fail)
        };
        // Of a child without any property it is not known what it has.
        let is_told = |node: &vospace_client::Result<Node>| {
            let is_told = node.as_ref().map_or(true, |node| node.properties.iter().next().is_some());
            std::future::ready(is_told)
        };
        self.client.list(&self.uri(path)).filter(is_told).map(named).boxed()
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

    async fn give_properties(&self, path: &NodePath, properties: &[(String, String)]) -> Result<()> {
        let mut changes = Properties::new();
        for (key, value) in properties {
            changes.set(property::of_key(key).into_owned(), value.clone());
        }
        self.client.set_properties(&self.uri(path), &node_kind(&Kind::File), &changes).await.map_err(at(path))?;
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
        let options = PutOptions {
            progress: Some(progress),
            identity: Some(outgoing.identity),
            // What users set of the node is in the journal, and given back by who asks for this.
            new: true,
            ..PutOptions::default()
        };
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

    fn refuses_name(&self, name: &str) -> Option<String> {
        self.client.check_name(&self.root.join(name)).err().map(|error| error.to_string())
    }
}
