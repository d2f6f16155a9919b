//! A VOSpace in memory, with faults and a record of what was asked: for tests of the engine.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use md5::{Digest, Md5};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::{Incoming, Outgoing, Property, Remote, Route};
use crate::clock::Millis;
use crate::error::{Error, Result};
use crate::meta::{Access, Kind, Meta};
use crate::path::NodePath;
use crate::version::Version;

#[derive(Debug, Clone)]
struct FakeNode {
    meta: Meta,
    bytes: Bytes,
    properties: BTreeMap<String, String>,
}

impl FakeNode {
    fn new(meta: Meta, bytes: Bytes) -> Self {
        FakeNode { meta, bytes, properties: BTreeMap::new() }
    }
}

#[derive(Debug, Default)]
struct Inner {
    nodes: BTreeMap<NodePath, FakeNode>,
    requests: Vec<String>,
    ticks: i64,
    /// Requests that begin with one of these fail with an I/O error.
    broken: Vec<String>,
    /// Requests that begin with one of these are done, and their answers lost.
    lost: Vec<String>,
    /// No upload is done while this holds.
    puts_held: watch::Sender<bool>,
    /// Nothing may be made in these.
    forbidden: Vec<NodePath>,
    /// Takes a directory for an ancestor of what contains its path.
    refuses_prefixes: bool,
    /// Files have a live date and no content-date.
    only_dates: bool,
    /// Send the whole file whatever is asked for.
    ignores_ranges: bool,
    /// Cut every body after so many bytes.
    cut: Option<usize>,
    /// Hold every body at so many bytes until it is raised.
    held: watch::Sender<Option<usize>>,
    bodies: Arc<Mutex<Bodies>>,
    /// What listings show of these, which is not what is so.
    listed: BTreeMap<NodePath, Option<Meta>>,
}

/// What is being sent.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Bodies {
    now: usize,
    /// Bodies that were being sent at the same time, at most.
    pub(crate) most: usize,
    /// Bytes that were taken.
    pub(crate) bytes: u64,
}

/// A body that is being sent.
struct Sending(Arc<Mutex<Bodies>>);

impl Sending {
    fn new(bodies: &Arc<Mutex<Bodies>>) -> Self {
        let mut counts = bodies.lock();
        counts.now += 1;
        counts.most = counts.most.max(counts.now);
        Sending(Arc::clone(bodies))
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.0.lock().now -= 1;
    }
}

/// The fake.
#[derive(Debug, Default)]
pub(crate) struct FakeRemote(Mutex<Inner>);

impl FakeRemote {
    pub(crate) fn new() -> Self {
        let fake = FakeRemote::default();
        let root = FakeNode::new(Meta::new(Kind::Directory), Bytes::new());
        fake.0.lock().nodes.insert(NodePath::root(), root);
        fake
    }

    /// Another client makes a directory.
    pub(crate) fn add_directory(&self, path: &str) {
        let node = FakeNode::new(Meta::new(Kind::Directory), Bytes::new());
        self.0.lock().nodes.insert(NodePath::new(path), node);
    }

    /// Another client writes a file.
    pub(crate) fn store(&self, path: &str, bytes: impl Into<Bytes>) {
        self.0.lock().store(&NodePath::new(path), bytes.into());
    }

    /// Another client deletes a node.
    pub(crate) fn drop_node(&self, path: &str) {
        self.0.lock().nodes.remove(&NodePath::new(path));
    }

    pub(crate) fn bytes(&self, path: &str) -> Option<Bytes> {
        self.0.lock().nodes.get(&NodePath::new(path)).map(|node| node.bytes.clone())
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        self.0.lock().nodes.keys().map(|path| path.as_str().to_owned()).collect()
    }

    /// Listings go on to show this node as it is now.
    pub(crate) fn list_as_it_is(&self, path: &str) {
        let path = NodePath::new(path);
        let mut inner = self.0.lock();
        let now = inner.nodes.get(&path).map(|node| node.meta.clone());
        inner.listed.insert(path, now);
    }

    /// Listings break off before this node and look complete.
    pub(crate) fn leave_out_of_listings(&self, path: &str) {
        self.0.lock().listed.insert(NodePath::new(path), None);
    }

    /// What was asked since the last call.
    pub(crate) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().requests)
    }

    /// Requests that begin with `prefix` fail from now on.
    pub(crate) fn break_requests(&self, prefix: &str) {
        self.0.lock().broken.push(prefix.to_owned());
    }

    /// Requests that begin with `prefix` are done from now on, but nobody hears of it.
    pub(crate) fn lose_answers(&self, prefix: &str) {
        self.0.lock().lost.push(prefix.to_owned());
    }

    /// Nothing may be made in this directory.
    pub(crate) fn forbid(&self, directory: &str) {
        self.0.lock().forbidden.push(NodePath::new(directory));
    }

    /// Uploads begin and do not end, until they are let go.
    pub(crate) fn hold_puts(&self, held: bool) {
        self.0.lock().puts_held.send_replace(held);
    }

    fn answer<T>(&self, path: &NodePath, request: &str, answer: T) -> Result<T> {
        let lost = self.0.lock().lost.iter().any(|prefix| request.starts_with(prefix.as_str()));
        if lost { Err(Error::Io { path: path.clone(), cause: "the answer was lost".into() }) } else { Ok(answer) }
    }

    pub(crate) fn mend(&self) {
        let mut inner = self.0.lock();
        inner.broken.clear();
        inner.lost.clear();
        inner.cut = None;
    }

    /// Directories move from now on as a Vault and a Cavern let them.
    pub(crate) fn refuse_prefixes(&self) {
        self.0.lock().refuses_prefixes = true;
    }

    /// Files that are stored from now on have one date, that of their bytes.
    pub(crate) fn give_no_content_dates(&self) {
        self.0.lock().only_dates = true;
    }

    pub(crate) fn ignore_ranges(&self) {
        self.0.lock().ignores_ranges = true;
    }

    pub(crate) fn cut_bodies(&self, after: usize) {
        self.0.lock().cut = Some(after);
    }

    /// Every body stops after so many bytes, until this is called again; `None` lets all of it go.
    pub(crate) fn hold_bodies(&self, at: Option<usize>) {
        self.0.lock().held.send_replace(at);
    }

    /// What was sent since the last call.
    pub(crate) fn bodies(&self) -> Bodies {
        let inner = self.0.lock();
        let mut counts = inner.bodies.lock();
        let now = counts.now;
        std::mem::replace(&mut counts, Bodies { now, most: now, bytes: 0 })
    }

    fn ask(&self, path: &NodePath, request: String) -> Result<()> {
        let mut inner = self.0.lock();
        let broken = inner.broken.iter().any(|prefix| request.starts_with(prefix.as_str()));
        inner.requests.push(request);
        if broken { Err(Error::Io { path: path.clone(), cause: "broken link".into() }) } else { Ok(()) }
    }

    fn node(&self, path: &NodePath) -> Result<FakeNode> {
        self.0.lock().nodes.get(path).cloned().ok_or_else(|| Error::NotFound(path.clone()))
    }
}

impl Inner {
    fn store(&mut self, path: &NodePath, bytes: Bytes) -> Version {
        self.ticks += 1;
        let version = Version {
            length: bytes.len() as u64,
            // As on a Vault, where a file without bytes has nothing that tells of bytes.
            md5: (!bytes.is_empty()).then(|| Md5::digest(&bytes).into()),
            content_date: (!bytes.is_empty() && !self.only_dates).then_some(Millis(self.ticks)),
            date: Some(Millis(self.ticks)),
        };
        let meta = Meta { version: version.clone(), ..Meta::new(Kind::File) };
        self.nodes.insert(path.clone(), FakeNode::new(meta, bytes));
        version
    }
}

/// Part after part, with time for others in between, no further than bodies may go.
fn sent(
    parts: Vec<Result<Bytes>>,
    held: watch::Receiver<Option<usize>>,
    sending: Sending,
) -> BoxStream<'static, Result<Bytes>> {
    let state = (parts.into_iter(), 0, held, sending);
    let parts = stream::unfold(state, |(mut parts, mut at, mut held, sending)| async move {
        let part = parts.next()?;
        tokio::task::yield_now().await;
        let length = part.as_ref().map_or(0, Bytes::len);
        at += length;
        held.wait_for(|held| held.is_none_or(|held| at <= held)).await.ok()?;
        sending.0.lock().bytes += length as u64;
        Some((part, (parts, at, held, sending)))
    });
    parts.boxed()
}

#[async_trait]
impl Remote for FakeRemote {
    async fn stat(&self, path: &NodePath) -> Result<Meta> {
        self.ask(path, format!("stat {path}"))?;
        Ok(self.node(path)?.meta)
    }

    fn list(&self, path: &NodePath) -> BoxStream<'static, Result<(String, Meta)>> {
        if let Err(error) = self.ask(path, format!("list {path}")) {
            return stream::iter([Err(error)]).boxed();
        }
        let inner = self.0.lock();
        let children: Vec<_> = inner
            .nodes
            .iter()
            .filter(|(child, _)| child.parent().as_ref() == Some(path))
            .filter_map(|(child, node)| {
                let shown = inner.listed.get(child).cloned().unwrap_or_else(|| Some(node.meta.clone()))?;
                Some(Ok((child.name().to_owned(), shown)))
            })
            .collect();
        stream::iter(children).boxed()
    }

    async fn make_directory(&self, path: &NodePath) -> Result<Meta> {
        self.ask(path, format!("mkdir {path}"))?;
        if self.node(path).is_ok() {
            return Err(Error::Exists(path.clone()));
        }
        self.add_directory(path.as_str());
        Ok(Meta::new(Kind::Directory))
    }

    async fn make_link(&self, path: &NodePath, target: &str) -> Result<Meta> {
        self.ask(path, format!("link {path}"))?;
        let meta = Meta::new(Kind::Link { target: target.to_owned() });
        self.0.lock().nodes.insert(path.clone(), FakeNode::new(meta.clone(), Bytes::new()));
        Ok(meta)
    }

    async fn delete(&self, path: &NodePath) -> Result<()> {
        self.ask(path, format!("delete {path}"))?;
        self.node(path)?;
        let mut inner = self.0.lock();
        if inner.nodes.keys().any(|child| child.parent().as_ref() == Some(path)) {
            return Err(Error::NotEmpty(path.clone()));
        }
        inner.nodes.remove(path);
        Ok(())
    }

    async fn rename(&self, from: &NodePath, to: &NodePath) -> Result<()> {
        self.ask(from, format!("rename {from} {to}"))?;
        let directory = self.node(from)?.meta.is_directory();
        let below = to.parent().is_some_and(|parent| parent.as_str().contains(from.as_str()));
        if directory && below && self.0.lock().refuses_prefixes {
            return Err(Error::MovePrefix { path: from.clone(), cause: "it cannot move below itself".into() });
        }
        if self.node(to).is_ok() {
            return Err(Error::Exists(to.clone()));
        }
        let mut inner = self.0.lock();
        let moved: Vec<_> = inner.nodes.keys().filter_map(|path| Some((path.clone(), path.moved(from, to)?))).collect();
        for (old, new) in moved {
            if let Some(node) = inner.nodes.remove(&old) {
                inner.nodes.insert(new, node);
            }
        }
        drop(inner);
        self.answer(from, &format!("rename {from} {to}"), ())
    }

    async fn set_access(&self, path: &NodePath, _meta: &Meta, wanted: Access) -> Result<Access> {
        self.ask(path, format!("access {path}"))?;
        if let Some(node) = self.0.lock().nodes.get_mut(path) {
            node.meta.access = wanted;
        }
        Ok(wanted)
    }

    async fn properties(&self, path: &NodePath) -> Result<Vec<Property>> {
        self.ask(path, format!("properties {path}"))?;
        let node = self.node(path)?;
        let length = Property { key: "length".into(), value: node.bytes.len().to_string(), read_only: true };
        let others = node.properties.into_iter().map(|(key, value)| Property { key, value, read_only: false });
        Ok(std::iter::once(length).chain(others).collect())
    }

    async fn set_property(&self, path: &NodePath, _kind: &Kind, key: &str, value: Option<&str>) -> Result<()> {
        self.ask(path, format!("property {path} {key}"))?;
        self.node(path)?;
        if let Some(node) = self.0.lock().nodes.get_mut(path) {
            match value {
                Some(value) => drop(node.properties.insert(key.to_owned(), value.to_owned())),
                None => drop(node.properties.remove(key)),
            }
        }
        Ok(())
    }

    async fn open(&self, path: &NodePath, range: Range<u64>, _route: Route) -> Result<Incoming> {
        self.ask(path, format!("get {path} {}-{}", range.start, range.end))?;
        let node = self.node(path)?;
        let inner = self.0.lock();
        let range = if inner.ignores_ranges { 0..node.bytes.len() as u64 } else { range };
        let mut bytes = node.bytes.slice(range.start as usize..range.end as usize);
        let cut = inner.cut.filter(|cut| *cut < bytes.len());
        if let Some(cut) = cut {
            bytes.truncate(cut);
        }
        let mut parts: Vec<Result<Bytes>> = bytes.chunks(10_000).map(|part| Ok(Bytes::copy_from_slice(part))).collect();
        if cut.is_some() {
            parts.push(Err(Error::Io { path: path.clone(), cause: "cut".into() }));
        }
        Ok(Incoming {
            start: range.start,
            partial: !inner.ignores_ranges,
            total: Some(node.bytes.len() as u64),
            md5: node.meta.version.md5,
            artifact: None,
            modified: None,
            body: sent(parts, inner.held.subscribe(), Sending::new(&inner.bodies)),
        })
    }

    async fn put(&self, path: &NodePath, from: &Path, length: u64, outgoing: Outgoing) -> Result<Version> {
        let request = format!("put {path} {length}");
        self.ask(path, request.clone())?;
        let mut held = self.0.lock().puts_held.subscribe();
        let _ = held.wait_for(|held| !held).await;
        let bytes = std::fs::read(from).map_err(|error| Error::disk(path, "read", &error))?;
        assert_eq!(bytes.len() as u64, length, "the engine hands over what it says");
        outgoing.sent.store(length, Ordering::Relaxed);
        if path.parent().is_some_and(|parent| self.node(&parent).is_err()) {
            return Err(Error::NotFound(path.clone()));
        }
        let version = Version { content_date: None, date: None, ..self.0.lock().store(path, bytes.into()) };
        self.answer(path, &request, version)
    }

    async fn quota(&self) -> Result<(Option<u64>, Option<u64>)> {
        self.ask(&NodePath::root(), "quota".to_owned())?;
        Ok((Some(1 << 30), Some(1 << 20)))
    }

    fn path_of(&self, target: &str) -> Option<NodePath> {
        target.strip_prefix("vos://fake~test/").map(NodePath::new)
    }

    fn uri_of(&self, path: &NodePath) -> String {
        format!("vos://fake~test{path}")
    }

    fn forbids_children(&self, directory: &NodePath) -> bool {
        self.0.lock().forbidden.contains(directory)
    }

    fn refuses_name(&self, name: &str) -> Option<String> {
        name.contains('#').then(|| "the character `#` would be cut by the service".to_owned())
    }
}
