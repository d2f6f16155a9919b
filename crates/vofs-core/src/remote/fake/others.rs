//! What other clients do, and what the service holds when a test looks into it.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{FakeNode, FakeRemote};
use crate::meta::{Kind, Meta};
use crate::path::NodePath;

impl FakeRemote {
    /// Another client makes a directory.
    pub(crate) fn add_directory(&self, path: &str) {
        let node = FakeNode::new(Meta::new(Kind::Directory), Bytes::new());
        self.0.lock().nodes.insert(NodePath::new(path), node);
    }

    /// Another client writes a file.
    pub(crate) fn store(&self, path: &str, bytes: impl Into<Bytes>) {
        self.0.lock().store(&NodePath::new(path), bytes.into());
    }

    /// A program changes a file past the service. Where that writes in place it is a directory which others can mount, and the
    /// digest stays; elsewhere it is another client.
    pub(crate) fn write_past(&self, path: &str, bytes: impl Into<Bytes>) {
        let (mut inner, path) = (self.0.lock(), NodePath::new(path));
        let md5 = inner.nodes.get(&path).and_then(|node| node.meta.version.md5);
        inner.store(&path, bytes.into());
        let keeps_digest = inner.is_in_place;
        if let Some(node) = inner.nodes.get_mut(&path).filter(|_| keeps_digest) {
            node.meta.version.md5 = md5;
        }
    }

    /// The next upload and another one go over each other, and this is left.
    pub(crate) fn mix_next_put(&self, left: impl Into<Bytes>) {
        self.0.lock().mixed = Some(left.into());
    }

    /// What an upload leaves that broke in the middle.
    pub(super) fn tear(&self, path: &NodePath, bytes: &[u8]) {
        if self.0.lock().is_in_place {
            self.write_past(path.as_str(), bytes[..bytes.len() / 2].to_vec());
        }
    }

    /// Another client deletes a node.
    pub(crate) fn drop_node(&self, path: &str) {
        self.0.lock().nodes.remove(&NodePath::new(path));
    }

    /// Another client deletes a node and all below it.
    pub(crate) fn drop_tree(&self, path: &str) {
        let path = NodePath::new(path);
        self.0.lock().nodes.retain(|node, _| !node.is_within(&path));
    }

    /// Another client moves a node and all below it.
    pub(crate) fn relocate(&self, from: &str, to: &str) {
        self.0.lock().relocate(&NodePath::new(from), &NodePath::new(to));
    }

    /// All that there is but the root; directories have no bytes.
    pub(crate) fn tree(&self) -> BTreeMap<String, Option<Bytes>> {
        let inner = self.0.lock();
        let nodes = inner.nodes.iter().filter(|(path, _)| !path.is_root());
        nodes.map(|(path, node)| (path.as_str().to_owned(), node.meta.is_file().then(|| node.bytes.clone()))).collect()
    }

    /// Whether requests are answered as they should be.
    pub(crate) fn is_well(&self) -> bool {
        let inner = self.0.lock();
        !inner.down && inner.faults.is_empty()
    }
}
