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
