//! What is known is asked for anew, because the user says so.

use std::sync::Arc;

use crate::engine::Engine;
use crate::error::Result;
use crate::inode::{Ino, Type};
use crate::path::NodePath;

/// An inode of which a kernel may believe something that holds no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expired {
    /// Its number.
    pub ino: Ino,
    /// Whether it is a directory, whose entries the kernel keeps too.
    pub is_directory: bool,
}

impl Engine {
    /// Believes nothing any more that was known of `path` and all below it, and asks for `path` itself. Returns what a kernel
    /// has to be told of. Bytes are kept: whether they still are those of their files is asked when these are opened.
    ///
    /// # Errors
    /// What the service said of `path`; [`crate::Error::CacheDir`] when the index cannot be written.
    pub async fn refresh(self: &Arc<Self>, path: &NodePath) -> Result<Vec<Expired>> {
        self.names.expire_tree(path).await?;
        self.properties.clear();
        let known = self.inodes.within(path);
        self.resolve(path).await?;
        Ok(known.into_iter().map(|(ino, kind)| Expired { ino, is_directory: kind == Type::Directory }).collect())
    }

    /// Whether a kernel knows of `name` in `parent` as something that is there.
    pub fn has_inode(&self, parent: Ino, name: &str) -> bool {
        self.inodes.peek(parent, name).is_some()
    }

    /// The path of an inode, for who shows requests to people.
    pub fn path_of(&self, ino: Ino) -> Option<NodePath> {
        self.inodes.path(ino)
    }
}
