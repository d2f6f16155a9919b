//! Links: where they lead.
//!
//! Where links are symbolic links of a file system, the target is kept as such a link holds it: relative to the
//! container that the link is in. So a link that is moved leads elsewhere, and links inside a moved tree still lead to
//! what moved along (Cavern, observed). Elsewhere the target is kept as it was given, whatever it is.

use super::Space;
use crate::fault::Fault;
use crate::names;
use crate::store::nodes::{Kind, Row};

impl Space {
    /// The target as the row of a link in this container keeps it.
    pub(super) fn kept_target(&self, parent: &str, target: &str) -> Result<String, Fault> {
        if !self.profile.links.symbolic {
            return Ok(target.to_owned());
        }
        match self.parsed(target) {
            Ok(uri) if uri.authority() == self.authority => Ok(relative(parent, uri.path())),
            _ => Err(Fault::argument(format!("link to external resource: {target}"))),
        }
    }

    /// The target as documents show it; `path` is the link's own. That of a symbolic link is not escaped.
    pub(super) fn shown_target(&self, link: &Row, path: &str) -> String {
        let kept = link.target.as_deref().unwrap_or_default();
        if !self.profile.links.symbolic {
            return kept.to_owned();
        }
        match resolved(path, kept) {
            Some(target) => format!("vos://{}{target}", self.authority),
            None => format!("file://{kept}"),
        }
    }

    /// The path within the space that a link leads to; `path` is the link's own.
    pub fn linked_path(&self, link: &Row, path: &str) -> Result<String, Fault> {
        let kept = link.target.as_deref().unwrap_or_default();
        let external = || Fault::argument(format!("cannot navigate external link {kept}"));
        if self.profile.links.symbolic {
            return resolved(path, kept).ok_or_else(external);
        }
        match self.parsed(kept) {
            Ok(uri) if uri.authority() == self.authority => Ok(uri.path().to_owned()),
            Ok(_) => Err(Fault::argument(format!("cannot navigate external vospace link {kept}"))),
            Err(_) => Err(external()),
        }
    }

    /// Refuses a link whose target is a name that no URI can hold: its document cannot be written, and a listing ends
    /// before it.
    pub fn require_writable_target(&self, row: &Row, path: &str) -> Result<(), Fault> {
        if row.kind != Kind::Link || !self.profile.links.symbolic {
            return Ok(());
        }
        let target = self.linked_path(row, path)?;
        match names::pasted(&target) {
            Ok(_) => Ok(()),
            Err(_) => Err(Fault::argument(format!("invalid link target: {target}"))),
        }
    }
}

/// A path as a link in this container holds it.
pub fn relative(container: &str, target: &str) -> String {
    let parts = |path: &str| path.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let (from, to) = (parts(container), parts(target));
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let mut way = vec!["..".to_owned(); from.len() - shared];
    way.extend_from_slice(&to[shared..]);
    if way.is_empty() { ".".to_owned() } else { way.join("/") }
}

/// The path that a link at this path leads to; `None` if that is outside the space.
fn resolved(link: &str, kept: &str) -> Option<String> {
    let mut names: Vec<&str> = link.split('/').filter(|name| !name.is_empty()).collect();
    names.pop();
    for name in kept.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                names.pop()?;
            }
            name => names.push(name),
        }
    }
    Some(format!("/{}", names.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_from_where_it_stands() {
        for (container, target, kept) in [
            ("/m/d", "/m/d/h", "h"),
            ("/m/d", "/m/e/h", "../e/h"),
            ("/m/d", "/", "../.."),
            ("/", "/m", "m"),
            ("/m", "/m", "."),
        ] {
            assert_eq!(relative(container, target), kept);
            assert_eq!(resolved(&names::join(container, "l"), kept).as_deref(), Some(target));
        }
        assert_eq!(resolved("/e/l", "h").as_deref(), Some("/e/h"), "moved to another container");
        assert_eq!(resolved("/l", "../h"), None, "outside");
    }
}
