//! Symbolic links: LinkNodes whose targets are URIs, shown as relative paths where they stay in this mount.

use std::sync::Arc;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::inode::Ino;
use crate::meta::Kind;
use crate::path::NodePath;

use super::lookup::Entry;

impl Engine {
    /// Where a link points: a relative path within the mount, an absolute one on this machine, else the URI as the
    /// service has it.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a node that is no link.
    pub async fn readlink(self: &Arc<Self>, ino: Ino) -> Result<String> {
        let path = self.path(ino)?;
        match self.resolve(&path).await?.kind {
            Kind::Link { target } => Ok(self.shown(&path, &target)),
            Kind::File | Kind::Directory => Err(Error::Invalid { path, cause: "not a link".into() }),
        }
    }

    /// The text of the link at `path` to the URI `target`.
    pub(crate) fn shown(&self, path: &NodePath, target: &str) -> String {
        match self.remote.path_of(target) {
            Some(inside) => relative(path, &inside),
            None => target.strip_prefix(LOCAL).unwrap_or(target).to_owned(),
        }
    }

    /// Makes a link. The target is a URI, a path relative to the link's directory, or an absolute path, which is stored as
    /// a `file:` URI: it means something on machines that have that path, and nothing to the service.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a relative path that leaves the mount: it depends on where this one is mounted.
    pub async fn symlink(&self, parent: Ino, name: &str, target: &str) -> Result<Entry> {
        let path = self.new_child(parent, name)?;
        if self.local.stays(&path) {
            let cause = "a name that stays on this machine is that of a file or a directory (--local-only)".into();
            return Err(Error::NotPermitted { path, cause });
        }
        let uri = if target.contains("://") {
            target.to_owned()
        } else if target.starts_with('/') {
            format!("{LOCAL}{target}")
        } else {
            let inside = resolve(&path, target).ok_or_else(|| Error::Invalid {
                path: path.clone(),
                cause: format!("the target {target} is outside the mount; give a relative path or a vos: URI"),
            })?;
            self.remote.uri_of(&inside)
        };
        let meta = self.dated(self.or_doubt(self.remote.make_link(&path, &uri).await, &[&path]).await?);
        self.names.record_own(&path, meta.clone());
        self.touch_parent(&path);
        Ok(self.entry(parent, &path, &meta, self.config.attribute_ttl))
    }
}

/// What stands before an absolute path in a link's target.
const LOCAL: &str = "file://";

/// The path from the directory of `link` to `target`.
fn relative(link: &NodePath, target: &NodePath) -> String {
    let from: Vec<&str> = link.components().collect();
    let to: Vec<&str> = target.components().collect();
    let above = from.len().saturating_sub(1);
    let common = from.iter().take(above).zip(&to).take_while(|(a, b)| a == b).count();
    let mut parts = vec![".."; above - common];
    parts.extend(&to[common..]);
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

/// The node that `target`, relative to the directory of `link`, names; `None` above the root.
fn resolve(link: &NodePath, target: &str) -> Option<NodePath> {
    let mut at = link.parent()?;
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => at = at.parent()?,
            name => at = at.join(name),
        }
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_targets_there_and_back() {
        for (link, target, text) in [
            ("a/l", "a/f", "f"),
            ("a/b/l", "c/f", "../../c/f"),
            ("l", "d", "d"),
            ("a/l", "a", "."),
            ("a/b/l", "a", ".."),
        ] {
            let (link, target) = (NodePath::new(link), NodePath::new(target));
            assert_eq!(relative(&link, &target), text);
            assert_eq!(resolve(&link, text), Some(target));
        }
        assert_eq!(resolve(&NodePath::new("l"), "../x"), None);
    }
}
