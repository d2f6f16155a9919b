//! Where the bytes of recently read files are: the redirect of a file, kept for later ranges.
//!
//! Saves a request per range. It may lead to old bytes after the file was replaced by somebody else (a redirect names
//! one artifact), so it is dropped at the first refusal, after every change that this client makes, and by age.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use lru::LruCache;
use parking_lot::Mutex;
use reqwest::Url;

use crate::uri::VosUri;

/// Files; more than any program reads at once, less than a megabyte.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(4096).expect("invariant: not zero");
/// A grant may be revoked and a site shut down; asking once in five minutes costs nothing.
const LIFETIME: Duration = Duration::from_secs(300);

/// Node → pre-authorised URL.
pub(crate) struct Redirects(Mutex<LruCache<VosUri, (Instant, Url)>>);

impl Default for Redirects {
    fn default() -> Self {
        Redirects(Mutex::new(LruCache::new(CAPACITY)))
    }
}

impl Redirects {
    pub(crate) fn get(&self, uri: &VosUri) -> Option<Url> {
        let mut kept = self.0.lock();
        match kept.get(uri) {
            Some((since, url)) if since.elapsed() < LIFETIME => Some(url.clone()),
            Some(_) => {
                kept.pop(uri);
                None
            }
            None => None,
        }
    }

    pub(crate) fn keep(&self, uri: &VosUri, url: Url) {
        self.0.lock().put(uri.clone(), (Instant::now(), url));
    }

    pub(crate) fn forget(&self, uri: &VosUri) {
        self.0.lock().pop(uri);
    }

    /// Forgets a node and all below it.
    pub(crate) fn forget_tree(&self, root: &VosUri) {
        let mut kept = self.0.lock();
        let gone: Vec<VosUri> = kept.iter().map(|(uri, _)| uri).filter(|uri| uri.starts_with(root)).cloned().collect();
        for uri in gone {
            kept.pop(&uri);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_forgotten_and_its_neighbour_kept() {
        let redirects = Redirects::default();
        let uri = |path: &str| VosUri::new("a~b", path);
        for path in ["/d", "/d/e/f", "/de"] {
            redirects.keep(&uri(path), Url::parse("http://h/").unwrap());
        }
        redirects.forget_tree(&uri("/d"));
        assert!(redirects.get(&uri("/d/e/f")).is_none() && redirects.get(&uri("/d")).is_none());
        assert!(redirects.get(&uri("/de")).is_some());
        redirects.forget(&uri("/de"));
        assert!(redirects.get(&uri("/de")).is_none());
    }
}
