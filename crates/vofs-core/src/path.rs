//! Where a node stands below the root of the mount: `""` is the root, `a/b` a child of `a`.

use std::borrow::Borrow;
use std::fmt;

/// A path below the root of the mount, without leading or trailing slash. Cheap enough to clone; the key of every
/// store but the inode table.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct NodePath(String);

impl NodePath {
    /// The root of the mount.
    pub fn root() -> Self {
        NodePath(String::new())
    }

    /// A path from its text (`a/b`).
    pub fn new(text: &str) -> Self {
        NodePath(text.trim_matches('/').to_owned())
    }

    /// The child `name` of this directory.
    pub fn join(&self, name: &str) -> Self {
        if self.0.is_empty() { NodePath(name.to_owned()) } else { NodePath(format!("{}/{name}", self.0)) }
    }

    /// The directory that holds this node; the root has none.
    pub fn parent(&self) -> Option<Self> {
        if self.0.is_empty() {
            return None;
        }
        Some(NodePath(self.parent_str().to_owned()))
    }

    /// The text of the path of the directory that holds this node; that of the root is the root's.
    pub fn parent_str(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(parent, _)| parent)
    }

    /// The last component; empty for the root.
    pub fn name(&self) -> &str {
        self.0.rsplit_once('/').map_or(self.0.as_str(), |(_, name)| name)
    }

    /// The text, without leading slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True for the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// True when this is `ancestor` or stands below it.
    pub fn is_within(&self, ancestor: &NodePath) -> bool {
        self.below(ancestor).is_some()
    }

    /// What follows `ancestor` in this path (empty for the ancestor itself); `None` when it stands elsewhere.
    pub fn below(&self, ancestor: &NodePath) -> Option<&str> {
        if ancestor.is_root() {
            return Some(&self.0);
        }
        let rest = self.0.strip_prefix(&ancestor.0)?;
        if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
    }

    /// This path after `from` was renamed to `to`; `None` when it does not stand within `from`.
    pub fn moved(&self, from: &NodePath, to: &NodePath) -> Option<NodePath> {
        let rest = self.below(from)?;
        Some(if rest.is_empty() { to.clone() } else { to.join(rest) })
    }

    /// The components, from the root down.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|component| !component.is_empty())
    }
}

/// Maps with these keys answer for a text without a path being made of it.
impl Borrow<str> for NodePath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", self.0)
    }
}

impl fmt::Debug for NodePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sibling_with_the_same_beginning_is_not_within() {
        let dir = NodePath::new("a/proj");
        assert!(NodePath::new("a/proj/x").is_within(&dir));
        assert!(!NodePath::new("a/proj2/x").is_within(&dir));
        assert_eq!(NodePath::new("a/proj/x/y").moved(&dir, &NodePath::new("b")), Some(NodePath::new("b/x/y")));
    }

    #[test]
    fn parents_end_at_the_root() {
        let path = NodePath::new("a/b");
        assert_eq!((path.name(), path.parent()), ("b", Some(NodePath::new("a"))));
        assert_eq!(NodePath::new("a").parent(), Some(NodePath::root()));
        assert_eq!(NodePath::root().parent(), None);
    }
}
