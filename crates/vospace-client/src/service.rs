//! One service: where its endpoints are, and what was learned of it.

use std::sync::Arc;

use reqwest::Url;

use crate::dialect::{Dialect, Lessons};
use crate::uri::VosUri;
use crate::xml::capabilities::{self, Capabilities};
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
            lessons,
        })
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
        append(&self.nodes, uri)
    }

    /// The URL of a file's bytes, if the service has such.
    pub(crate) fn file(&self, uri: &VosUri) -> Result<Option<Url>> {
        self.files.as_ref().map(|base| append(base, uri)).transpose()
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
        let lessons = Arc::new(Lessons::load(&DiskCache::new(None), "ivo://a/b"));
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
