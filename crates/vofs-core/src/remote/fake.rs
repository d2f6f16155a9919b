//! A VOSpace in memory, with faults and a record of what was asked: for tests of the engine.

mod faults;
mod others;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use md5::{Digest, Md5};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::{Incoming, Outgoing, Property, Remote, Route, Shown};
use crate::clock::Millis;
use crate::error::{Error, Result};
use crate::meta::{Access, Kind, Meta};
use crate::path::NodePath;
use crate::version::Version;

use faults::Faults;
pub(crate) use faults::{Fault, How};

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

    fn given(self) -> Vec<Property> {
        let length = Property { key: "length".into(), value: self.bytes.len().to_string(), read_only: true };
        let others = self.properties.into_iter().map(|(key, value)| Property { key, value, read_only: false });
        std::iter::once(length).chain(others).collect()
    }
}

impl Habits {
    /// What is shown of a node that has all this.
    fn told(self, mut meta: Meta) -> Meta {
        let version = &mut meta.version;
        if self.tells_only_lengths {
            *version = Version { length: version.length, ..Version::default() };
        }
        if self.has_no_digests {
            (version.md5, version.content_date) = (None, None);
        }
        meta
    }
}

#[derive(Debug, Default)]
struct Inner {
    nodes: BTreeMap<NodePath, FakeNode>,
    requests: Vec<String>,
    ticks: i64,
    faults: Faults,
    /// Connections are refused.
    down: bool,
    /// No upload is done while this holds.
    puts_held: watch::Sender<bool>,
    /// So many requests are answered yet; `None` for all.
    answered: watch::Sender<Option<usize>>,
    /// The first one after these is done, too.
    does_last: bool,
    /// What that was: its answer does not come.
    last: Option<String>,
    /// A request waits for an answer that does not come.
    stalled: watch::Sender<bool>,
    /// Nothing may be made in these.
    forbidden: Vec<NodePath>,
    /// The caller may not write these.
    protected: Vec<NodePath>,
    /// Takes a directory for an ancestor of what contains its path.
    refuses_prefixes: bool,
    /// Files are written in place: they have a live date and no content-date, and keep their digest until an upload has ended.
    is_in_place: bool,
    /// What another upload leaves of the next one, under the digest of that.
    mixed: Option<Bytes>,
    /// Send the whole file whatever is asked for.
    ignores_ranges: bool,
    /// So many answers are still to give a wrong length of the whole file.
    misreported: usize,
    /// Cut every body after so many bytes.
    cut: Option<usize>,
    /// Time between two parts of a body that begins now, which it keeps.
    pause: Duration,
    /// Hold every body at so many bytes until it is raised.
    held: watch::Sender<Option<usize>>,
    bodies: Arc<Mutex<Bodies>>,
    /// What listings show of these, which is not what is so.
    listed: BTreeMap<NodePath, Option<Meta>>,
    habits: Habits,
}

/// What other services than Vault and Cavern do, or lack.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Habits {
    /// Listings give names and kinds only.
    pub(crate) lists_only_names: bool,
    /// Nodes have neither dates nor digests.
    pub(crate) tells_only_lengths: bool,
    /// Nodes have dates and no digests.
    pub(crate) has_no_digests: bool,
    /// Files that have bytes cannot be moved.
    pub(crate) moves_no_files: bool,
    /// Nothing can be moved.
    pub(crate) moves_nothing: bool,
    /// An upload takes away the properties that users had set.
    pub(crate) drops_properties: bool,
    /// Changes of properties and rights are answered well, and not kept.
    pub(crate) keeps_nothing_set: bool,
    /// Asked for the bytes of a file that was never written, it answers with an error.
    pub(crate) refuses_empty_reads: bool,
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

    /// It has these habits from now on.
    pub(crate) fn has_habits(&self, habits: Habits) {
        self.0.lock().habits = habits;
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
        self.fail(Fault::lasting(prefix, How::Broken));
    }

    /// Requests that begin with `prefix` are done from now on, but nobody hears of it.
    pub(crate) fn lose_answers(&self, prefix: &str) {
        self.fail(Fault::lasting(prefix, How::Lost));
    }

    /// Requests meet this from now on.
    pub(crate) fn fail(&self, fault: Fault) {
        self.0.lock().faults.add(fault);
    }

    /// Nothing may be made in this directory.
    pub(crate) fn forbid(&self, directory: &str) {
        self.0.lock().forbidden.push(NodePath::new(directory));
    }

    /// The caller may not write this file.
    pub(crate) fn protect(&self, path: &str) {
        self.0.lock().protected.push(NodePath::new(path));
    }

    /// Another client sets a property.
    pub(crate) fn set(&self, path: &str, key: &str, value: &str) {
        if let Some(node) = self.0.lock().nodes.get_mut(&NodePath::new(path)) {
            node.properties.insert(key.to_owned(), value.to_owned());
        }
    }

    /// A property that a user set.
    pub(crate) fn property(&self, path: &str, key: &str) -> Option<String> {
        self.0.lock().nodes.get(&NodePath::new(path))?.properties.get(key).cloned()
    }

    /// Uploads begin and do not end, until they are let go.
    pub(crate) fn hold_puts(&self, held: bool) {
        self.0.lock().puts_held.send_replace(held);
    }

    /// The answer to a request that changed something.
    async fn answer<T>(&self, path: &NodePath, request: &str, answer: T) -> Result<T> {
        let stalls = {
            let inner = self.0.lock();
            let stalls = inner.last.as_deref() == Some(request);
            if stalls {
                inner.stalled.send_replace(true);
            }
            stalls.then(|| inner.answered.subscribe())
        };
        if let Some(mut answered) = stalls {
            let _ = answered.wait_for(Option::is_none).await;
        }
        self.0.lock().faults.after(path, request).map_or(Ok(answer), Err)
    }

    pub(crate) fn mend(&self) {
        let mut inner = self.0.lock();
        inner.faults.clear();
        inner.cut = None;
    }

    /// Directories move from now on as a Vault and a Cavern let them.
    pub(crate) fn refuse_prefixes(&self) {
        self.0.lock().refuses_prefixes = true;
    }

    /// Files that are stored from now on are written in place, as on a Cavern.
    pub(crate) fn write_in_place(&self) {
        self.0.lock().is_in_place = true;
    }

    pub(crate) fn ignore_ranges(&self) {
        self.0.lock().ignores_ranges = true;
    }

    /// The next so many answers with bytes give another length of the whole file.
    pub(crate) fn misreport_lengths(&self, answers: usize) {
        self.0.lock().misreported = answers;
    }

    pub(crate) fn cut_bodies(&self, after: usize) {
        self.0.lock().cut = Some(after);
    }

    /// Every body stops after so many bytes, until this is called again; `None` lets all of it go.
    pub(crate) fn hold_bodies(&self, at: Option<usize>) {
        self.0.lock().held.send_replace(at);
    }

    /// Bodies that begin from now on send 10,000 bytes each time that this has passed, to their end.
    pub(crate) fn pace_bodies(&self, pause: Duration) {
        self.0.lock().pause = pause;
    }

    /// What was sent since the last call.
    pub(crate) fn bodies(&self) -> Bodies {
        let inner = self.0.lock();
        let mut counts = inner.bodies.lock();
        let now = counts.now;
        std::mem::replace(&mut counts, Bodies { now, most: now, bytes: 0 })
    }

    /// After so many more requests nothing is answered any more, and nothing done but, with `done`, the first of them; `None`
    /// ends that.
    pub(crate) fn stall_after(&self, requests: Option<usize>, done: bool) {
        let mut inner = self.0.lock();
        inner.stalled.send_replace(false);
        inner.does_last = done && requests.is_some();
        inner.last = None;
        inner.answered.send_replace(requests);
    }

    /// Returns when a request waits for an answer that does not come.
    pub(crate) async fn stalled(&self) {
        let mut stalled = self.0.lock().stalled.subscribe();
        let _ = stalled.wait_for(|stalled| *stalled).await;
    }

    /// Requests that wait for an answer at present.
    pub(crate) fn waiting(&self) -> usize {
        self.0.lock().answered.receiver_count()
    }

    /// Takes a request in, once requests are answered at all.
    async fn arrive(&self, path: &NodePath, request: String) -> Result<()> {
        let mut answered = self.0.lock().answered.subscribe();
        loop {
            {
                let mut inner = self.0.lock();
                let left = *inner.answered.borrow();
                if left != Some(0) {
                    inner.answered.send_replace(left.map(|left| left - 1));
                    break;
                }
                if std::mem::take(&mut inner.does_last) {
                    inner.last = Some(request.clone());
                    break;
                }
                inner.stalled.send_replace(true);
            }
            let _ = answered.wait_for(|left| *left != Some(0)).await;
        }
        self.ask(path, request)
    }

    /// Requests that begin with `prefix` get no answer from now on.
    pub(crate) fn cut_off(&self, prefix: &str) {
        self.fail(Fault::lasting(prefix, How::CutOff));
    }

    /// The service cannot be reached from now on; or can again.
    pub(crate) fn go_down(&self, is_down: bool) {
        self.0.lock().down = is_down;
    }

    fn ask(&self, path: &NodePath, request: String) -> Result<()> {
        let mut inner = self.0.lock();
        let error = if inner.down {
            Some(Error::Unreachable { path: path.clone(), cause: "connection refused".into() })
        } else {
            inner.faults.before(path, &request)
        };
        inner.requests.push(request);
        error.map_or(Ok(()), Err)
    }

    fn told(&self, meta: Meta) -> Meta {
        self.0.lock().habits.told(meta)
    }

    fn has_parent(&self, path: &NodePath) -> Result<()> {
        match path.parent().map(|parent| self.node(&parent)) {
            None => Ok(()),
            Some(Ok(parent)) if parent.meta.is_directory() => Ok(()),
            Some(_) => Err(Error::NotFound(path.clone())),
        }
    }

    fn node(&self, path: &NodePath) -> Result<FakeNode> {
        self.0.lock().nodes.get(path).cloned().ok_or_else(|| Error::NotFound(path.clone()))
    }
}

impl Inner {
    fn relocate(&mut self, from: &NodePath, to: &NodePath) {
        let moved: Vec<_> = self.nodes.keys().filter_map(|path| Some((path.clone(), path.moved(from, to)?))).collect();
        for (old, new) in moved {
            if let Some(node) = self.nodes.remove(&old) {
                self.nodes.insert(new, node);
            }
        }
    }

    fn store(&mut self, path: &NodePath, bytes: Bytes) -> Version {
        self.ticks += 1;
        let version = Version {
            length: bytes.len() as u64,
            // As on a Vault, where a file without bytes has nothing that tells of bytes.
            md5: (!bytes.is_empty()).then(|| Md5::digest(&bytes).into()),
            content_date: (!bytes.is_empty() && !self.is_in_place).then_some(Millis(self.ticks)),
            date: Some(Millis(self.ticks)),
            taken: None,
        };
        let meta = Meta { version: version.clone(), ..Meta::new(Kind::File) };
        let properties = self.nodes.remove(path).map(|former| former.properties).unwrap_or_default();
        self.nodes.insert(path.clone(), FakeNode { properties, ..FakeNode::new(meta, bytes) });
        version
    }
}

/// Part after part, with time for others in between, no further than bodies may go.
fn sent(
    parts: Vec<Result<Bytes>>,
    pause: Duration,
    held: watch::Receiver<Option<usize>>,
    sending: Sending,
) -> BoxStream<'static, Result<Bytes>> {
    let state = (parts.into_iter(), 0, held, sending);
    let parts = stream::unfold(state, move |(mut parts, mut at, mut held, sending)| async move {
        let part = parts.next()?;
        tokio::task::yield_now().await;
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
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
        self.arrive(path, format!("stat {path}")).await?;
        Ok(self.told(self.node(path)?.meta))
    }

    async fn stat_with_properties(&self, path: &NodePath) -> Result<(Meta, Vec<Property>)> {
        let meta = self.stat(path).await?;
        Ok((meta, self.node(path)?.given()))
    }

    async fn stat_to_write(&self, path: &NodePath) -> Result<(Meta, Option<bool>)> {
        let may = self.0.lock().protected.contains(path).then_some(false);
        Ok((self.stat(path).await?, may))
    }

    async fn may_make_in(&self, directory: &NodePath) -> Option<bool> {
        Some(!self.0.lock().forbidden.contains(directory))
    }

    fn list(&self, path: &NodePath) -> BoxStream<'static, Result<(String, Shown)>> {
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
                let shown = match shown.kind {
                    Kind::Link { .. } if inner.habits.lists_only_names => {
                        Shown::Named(Kind::Link { target: String::new() })
                    }
                    kind if inner.habits.lists_only_names => Shown::Named(kind),
                    _ => Shown::Whole(inner.habits.told(shown)),
                };
                Some(Ok((child.name().to_owned(), shown)))
            })
            .collect();
        stream::iter(children).boxed()
    }

    async fn make_directory(&self, path: &NodePath) -> Result<Meta> {
        self.arrive(path, format!("mkdir {path}")).await?;
        if self.node(path).is_ok() {
            return Err(Error::Exists(path.clone()));
        }
        self.has_parent(path)?;
        self.add_directory(path.as_str());
        self.answer(path, &format!("mkdir {path}"), Meta::new(Kind::Directory)).await
    }

    async fn make_file(&self, path: &NodePath, properties: &[(String, String)]) -> Result<()> {
        self.arrive(path, format!("make {path}")).await?;
        self.has_parent(path)?;
        let mut node = FakeNode::new(Meta::new(Kind::File), Bytes::new());
        node.properties = properties.iter().cloned().collect();
        self.0.lock().nodes.insert(path.clone(), node);
        self.answer(path, &format!("make {path}"), ()).await
    }

    async fn make_link(&self, path: &NodePath, target: &str) -> Result<Meta> {
        self.arrive(path, format!("link {path}")).await?;
        let meta = Meta::new(Kind::Link { target: target.to_owned() });
        self.0.lock().nodes.insert(path.clone(), FakeNode::new(meta.clone(), Bytes::new()));
        Ok(meta)
    }

    async fn delete(&self, path: &NodePath) -> Result<()> {
        self.arrive(path, format!("delete {path}")).await?;
        self.node(path)?;
        {
            let mut inner = self.0.lock();
            if inner.nodes.keys().any(|child| child.parent().as_ref() == Some(path)) {
                return Err(Error::NotEmpty(path.clone()));
            }
            inner.nodes.remove(path);
        }
        self.answer(path, &format!("delete {path}"), ()).await
    }

    async fn remove_directory(&self, path: &NodePath) -> Result<()> {
        self.delete(path).await
    }

    async fn rename(&self, from: &NodePath, to: &NodePath) -> Result<()> {
        self.arrive(from, format!("rename {from} {to}")).await?;
        let node = self.node(from)?;
        let directory = node.meta.is_directory();
        let habits = self.0.lock().habits;
        if habits.moves_nothing || habits.moves_no_files && !node.bytes.is_empty() {
            return Err(Error::Unsupported { path: from.clone(), cause: "the service cannot move it".into() });
        }
        let below = to.parent().is_some_and(|parent| parent.as_str().contains(from.as_str()));
        if directory && below && self.0.lock().refuses_prefixes {
            return Err(Error::MovePrefix { path: from.clone(), cause: "it cannot move below itself".into() });
        }
        if self.node(to).is_ok() {
            return Err(Error::Exists(to.clone()));
        }
        self.has_parent(to)?;
        self.0.lock().relocate(from, to);
        self.answer(from, &format!("rename {from} {to}"), ()).await
    }

    async fn set_access(&self, path: &NodePath, _meta: &Meta, wanted: Access) -> Result<Access> {
        self.arrive(path, format!("access {path}")).await?;
        if self.0.lock().habits.keeps_nothing_set {
            return Ok(wanted);
        }
        if let Some(node) = self.0.lock().nodes.get_mut(path) {
            node.meta.access = wanted;
        }
        self.answer(path, &format!("access {path}"), wanted).await
    }

    async fn properties(&self, path: &NodePath) -> Result<Vec<Property>> {
        self.arrive(path, format!("properties {path}")).await?;
        Ok(self.node(path)?.given())
    }

    fn list_keys(&self, path: &NodePath) -> BoxStream<'static, Result<(String, Vec<String>)>> {
        if let Err(error) = self.ask(path, format!("list keys {path}")) {
            return stream::iter([Err(error)]).boxed();
        }
        let inner = self.0.lock();
        let children: Vec<_> = inner
            .nodes
            .iter()
            .filter(|(child, _)| child.parent().as_ref() == Some(path) && !inner.listed.contains_key(*child))
            .filter(|_| !inner.habits.lists_only_names)
            .map(|(child, node)| {
                let keys = std::iter::once("length".to_owned()).chain(node.properties.keys().cloned());
                Ok((child.name().to_owned(), keys.collect()))
            })
            .collect();
        stream::iter(children).boxed()
    }

    async fn set_property(&self, path: &NodePath, _kind: &Kind, key: &str, value: Option<&str>) -> Result<()> {
        self.arrive(path, format!("property {path} {key}")).await?;
        self.node(path)?;
        if self.0.lock().habits.keeps_nothing_set {
            return Ok(());
        }
        if let Some(node) = self.0.lock().nodes.get_mut(path) {
            match value {
                Some(value) => drop(node.properties.insert(key.to_owned(), value.to_owned())),
                None => drop(node.properties.remove(key)),
            }
        }
        self.answer(path, &format!("property {path} {key}"), ()).await
    }

    async fn give_properties(&self, path: &NodePath, properties: &[(String, String)]) -> Result<()> {
        self.arrive(path, format!("properties of {path} given")).await?;
        if let Some(node) = self.0.lock().nodes.get_mut(path) {
            node.properties.extend(properties.iter().cloned());
        }
        self.answer(path, &format!("properties of {path} given"), ()).await
    }

    async fn open(&self, path: &NodePath, range: Range<u64>, _route: Route) -> Result<Incoming> {
        self.arrive(path, format!("get {path} {}-{}", range.start, range.end)).await?;
        let node = self.node(path)?;
        let mut inner = self.0.lock();
        if inner.habits.refuses_empty_reads && node.bytes.is_empty() {
            return Err(Error::Invalid { path: path.clone(), cause: "not on any storage device".into() });
        }
        let told = node.bytes.len() as u64 + u64::from(inner.misreported > 0);
        inner.misreported = inner.misreported.saturating_sub(1);
        let length = node.bytes.len() as u64;
        let range = if inner.ignores_ranges { 0..length } else { range.start..range.end.min(length) };
        if range.start > range.end {
            // 416: somebody made the file shorter.
            return Err(Error::Stale(path.clone()));
        }
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
            total: Some(told),
            md5: inner.habits.told(node.meta).version.md5,
            artifact: None,
            modified: None,
            body: sent(parts, inner.pause, inner.held.subscribe(), Sending::new(&inner.bodies)),
        })
    }

    async fn put(&self, path: &NodePath, from: &Path, length: u64, outgoing: Outgoing) -> Result<Version> {
        let request = format!("put {path} {length}");
        self.arrive(path, request.clone()).await?;
        let mut held = self.0.lock().puts_held.subscribe();
        let _ = held.wait_for(|held| !held).await;
        let bytes = std::fs::read(from).map_err(|error| Error::disk(path, "read", &error))?;
        assert_eq!(bytes.len() as u64, length, "the engine hands over what it says");
        outgoing.sent.store(length, Ordering::Relaxed);
        self.has_parent(path)?;
        if self.node(path).is_ok_and(|node| node.meta.is_directory()) {
            return Err(Error::IsADirectory(path.clone()));
        }
        if let Some(former) = self.node(path).ok().filter(|node| length == 0 && !node.bytes.is_empty()) {
            // As a Vault has it: a file is emptied by deleting its node and making it anew.
            self.delete(path).await?;
            self.make_file(path, &former.properties.into_iter().collect::<Vec<_>>()).await?;
        }
        if self.0.lock().faults.tear(&request) {
            self.tear(path, &bytes);
            return Err(Error::Io { path: path.clone(), cause: "the link broke in the middle".into() });
        }
        let version = Version { content_date: None, date: None, ..self.0.lock().store(path, bytes.into()) };
        let mixed = self.0.lock().mixed.take();
        if let Some(mixed) = mixed {
            self.write_past(path.as_str(), mixed);
        }
        if self.0.lock().habits.drops_properties
            && let Some(node) = self.0.lock().nodes.get_mut(path)
        {
            node.properties.clear();
        }
        self.answer(path, &request, version).await
    }

    async fn quota(&self) -> Result<(Option<u64>, Option<u64>)> {
        self.arrive(&NodePath::root(), "quota".to_owned()).await?;
        Ok((Some(1 << 30), Some(1 << 20)))
    }

    fn path_of(&self, target: &str) -> Option<NodePath> {
        target.strip_prefix("vos://fake~test/").map(NodePath::new)
    }

    fn uri_of(&self, path: &NodePath) -> String {
        format!("vos://fake~test{path}")
    }

    fn refuses_name(&self, name: &str) -> Option<String> {
        name.contains('#').then(|| "the character `#` would be cut by the service".to_owned())
    }
}
