//! One service: where its endpoints are, and what was learned of it.
//!
//! ```
//! use vospace_client::dialect::Learned;
//! use vospace_client::{Client, VosUri};
//!
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/stub.rs"));
//! # #[tokio::main]
//! # async fn main() -> vospace_client::Result<()> {
//! # let client = Client::new(configured(&[("GET /nodes/d", 200, CONTAINER)]))?;
//! let place = VosUri::from_wire("vos://lab.example~vospace/d")?;
//! let service = client.service(&place).await?;
//! assert!(service.is_fixed(), "it is where its section of the configuration says");
//! assert!(service.addresses().any(|(name, _)| name == "files"));
//! // What is known comes of answers.
//! assert_eq!(service.dialect().limit_zero, Learned::Unknown);
//! client.stat(&place).await?;
//! assert_eq!(service.dialect().limit_zero, Learned::Yes);
//! # Ok(())
//! # }
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::Url;

use crate::dialect::{Dialect, Forced, Lessons};
use crate::node::{Node, property};
use crate::uri::VosUri;
use crate::xml::capabilities::{self, Capabilities};
use crate::xml::read::Manner;
use crate::{Error, Result};

/// See the module. Made by [`crate::Client::service`].
#[derive(Debug)]
pub struct Service {
    resource_id: String,
    nodes: Url,
    files: Option<Url>,
    sync: Option<Url>,
    transfers: Option<Url>,
    recursive_delete: Option<Url>,
    recursive_properties: Option<Url>,
    /// They are those of the configuration file, and nobody but the user vouches for them.
    fixed: bool,
    lessons: Arc<Lessons>,
}

impl Service {
    /// Takes the endpoints that fit the caller's security method out of the service's own capabilities. They are
    /// followed as they stand: see [`capabilities`].
    pub(crate) fn new(
        resource_id: &str,
        capabilities: &Capabilities,
        method: Option<&str>,
        lessons: Arc<Lessons>,
    ) -> Result<Self> {
        let url = |standard_id: &str| {
            let text = capabilities.url(standard_id, method)?;
            Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        };
        let unknown =
            |reason: &str| Error::UnknownService { resource_id: resource_id.to_owned(), reason: reason.to_owned() };
        Ok(Service {
            resource_id: resource_id.to_owned(),
            nodes: url(capabilities::NODES).ok_or_else(|| unknown("it is no VOSpace service (it has no nodes)"))?,
            files: url(capabilities::FILES),
            sync: url(capabilities::SYNC),
            transfers: url(capabilities::TRANSFERS),
            recursive_delete: url(capabilities::RECURSIVE_DELETE),
            recursive_properties: url(capabilities::RECURSIVE_PROPERTIES),
            fixed: false,
            lessons,
        })
    }

    /// One without capabilities: its endpoints, by the names of [`crate::services::ENDPOINTS`], are the user's.
    pub(crate) fn fixed(resource_id: &str, endpoints: &BTreeMap<String, Url>, lessons: Arc<Lessons>) -> Result<Self> {
        let url = |name: &str| endpoints.get(name).cloned();
        let nodes = url("nodes").ok_or_else(|| Error::UnknownService {
            resource_id: resource_id.to_owned(),
            reason: "its section names no address for its nodes".to_owned(),
        })?;
        Ok(Service {
            resource_id: resource_id.to_owned(),
            nodes,
            files: url("files"),
            sync: url("sync"),
            transfers: url("transfers"),
            recursive_delete: url("recursive-delete"),
            recursive_properties: url("recursive-properties"),
            fixed: true,
            lessons,
        })
    }

    /// Whether its addresses are those of the configuration file, and it has no capabilities.
    #[must_use]
    pub fn is_fixed(&self) -> bool {
        self.fixed
    }

    /// Whether the user put it at a plain http address, so that bytes may go that way too.
    pub(crate) fn is_plain(&self) -> bool {
        self.fixed && self.nodes.scheme() == "http"
    }

    /// Its name in the registry.
    #[must_use]
    pub fn resource_id(&self) -> &str {
        &self.resource_id
    }

    /// What was learned of it so far.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.lessons.get()
    }

    /// Notes an ability.
    pub(crate) fn learn(&self, note: impl FnOnce(&mut Dialect)) {
        self.lessons.learn(note);
    }

    /// What of that is forced by the configuration, and not learned.
    #[must_use]
    pub fn forced(&self) -> &Forced {
        self.lessons.forced()
    }

    /// Learns from a node's document what every document shows.
    pub(crate) fn note_node(&self, node: &Node, manner: &Manner) {
        self.lessons.learn(|dialect| {
            dialect.note_manner(manner);
            for groups in [property::GROUP_READ, property::GROUP_WRITE] {
                dialect.note_groups(node.properties.get(groups).unwrap_or_default());
            }
        });
    }

    pub(crate) fn lessons(&self) -> Arc<Lessons> {
        Arc::clone(&self.lessons)
    }

    /// What it offers and where.
    pub fn addresses(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let others = [
            ("files", &self.files),
            ("transfers (synchronous)", &self.sync),
            ("transfers (jobs)", &self.transfers),
            ("recursive removal", &self.recursive_delete),
            ("recursive properties", &self.recursive_properties),
        ];
        let others = others.into_iter().filter_map(|(name, url)| Some((name, url.as_ref()?.as_str())));
        std::iter::once(("nodes", self.nodes.as_str())).chain(others)
    }

    /// Every endpoint, for deciding where credentials may go.
    pub(crate) fn endpoints(&self) -> impl Iterator<Item = &Url> {
        let others = [&self.files, &self.sync, &self.transfers, &self.recursive_delete, &self.recursive_properties];
        std::iter::once(&self.nodes).chain(others.into_iter().flatten())
    }

    /// The URL of a node.
    pub(crate) fn node(&self, uri: &VosUri) -> Result<Url> {
        self.dialect().check(uri)?;
        append(&self.nodes, uri)
    }

    /// The URL of a file's bytes, if the service has such.
    pub(crate) fn file(&self, uri: &VosUri) -> Result<Option<Url>> {
        self.dialect().check(uri)?;
        self.files.as_ref().map(|base| append(base, uri)).transpose()
    }

    /// Whether it has a lasting address for the bytes of each file.
    pub(crate) fn has_files(&self) -> bool {
        self.files.is_some()
    }

    pub(crate) fn sync(&self) -> Option<&Url> {
        self.sync.as_ref()
    }

    pub(crate) fn transfers(&self) -> Option<&Url> {
        self.transfers.as_ref()
    }

    pub(crate) fn recursive_delete(&self) -> Option<&Url> {
        self.recursive_delete.as_ref()
    }

    pub(crate) fn recursive_properties(&self) -> Option<&Url> {
        self.recursive_properties.as_ref()
    }
}

/// Appends the encoded path as text: the URL type's own ways to add segments would resolve some of them.
fn append(base: &Url, uri: &VosUri) -> Result<Url> {
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    let path = format!("{}/{}", base.path().trim_end_matches('/'), uri.encoded_path()?);
    url.set_path(&path);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use crate::cache::DiskCache;
    use crate::xml::capabilities::{Capability, Interface};

    fn service(urls: &[(&str, &str)]) -> Result<Service> {
        let capabilities = urls
            .iter()
            .map(|(id, url)| Capability {
                standard_id: (*id).to_owned(),
                interfaces: vec![Interface { url: (*url).to_owned(), base: true, security_methods: vec![] }],
            })
            .collect();
        let lessons = Arc::new(Lessons::load(&DiskCache::new(None), "ivo://a/b", Forced::default()));
        Service::new("ivo://a/b", &Capabilities { capabilities }, None, lessons)
    }

    #[test]
    fn urls_keep_every_name_as_one_segment() {
        let service = service(&[(capabilities::NODES, "https://h:8443/svc/nodes/")]).unwrap();
        let url = |path: &str| service.node(&VosUri::new("a~b", path)).map(String::from);
        assert_eq!(url("/").unwrap(), "https://h:8443/svc/nodes/");
        assert_eq!(url("/d/a;b é").unwrap_err().kind(), ErrorKind::InvalidName);
        assert_eq!(url("/d/a;b+é=...").unwrap(), "https://h:8443/svc/nodes/d/a%3Bb%2B%C3%A9%3D...");
        assert_eq!(url("/d/..").unwrap_err().kind(), ErrorKind::InvalidName);
        assert!(service.file(&VosUri::new("a~b", "/x")).unwrap().is_none());
    }

    #[test]
    fn what_has_no_nodes_is_no_vospace() {
        assert_eq!(service(&[]).unwrap_err().kind(), ErrorKind::UnknownService);
        assert_eq!(service(&[(capabilities::NODES, "file:///x")]).unwrap_err().kind(), ErrorKind::UnknownService);
    }
}
