//! From a resource id to a service: the registry's list, then the service's capabilities.
//!
//! Both are kept on disk and in memory for ten minutes. When they cannot be fetched anew, a copy of any age serves: a
//! registry that is down must not stop work with services that are up.
//!
//! A service of the configuration file may be looked up in a list of its own, or in none: then its addresses are those of
//! its section.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use reqwest::Url;

use crate::cache::DiskCache;
use crate::config::{ClientConfig, DEFAULT_REGISTRY};
use crate::dialect::{Dialect, Forced, Lessons};
use crate::http::{Grant, Http, Request};
use crate::service::Service;
use crate::services::ServiceSettings;
use crate::uri::VosUri;
use crate::xml::capabilities::{self, Capabilities};
use crate::{Error, ErrorKind, Result};

/// How long a copy counts as current; what the existing clients use.
const FRESH: Duration = Duration::from_secs(600);

/// A list of services, and where copies are kept. Each list has its own: the same resource id may be another service
/// there.
#[derive(Debug)]
struct List {
    url: Url,
    cache: DiskCache,
}

impl List {
    fn new(config: &ClientConfig, mut url: Url) -> Self {
        if !url.path().ends_with("/resource-caps") {
            let path = format!("{}/resource-caps", url.path().trim_end_matches('/'));
            url.set_path(&path);
        }
        let cache = cache_of(config, &url);
        List { url, cache }
    }
}

/// Where copies of what a host says are kept.
fn cache_of(config: &ClientConfig, url: &Url) -> DiskCache {
    let directory = format!("{}_{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(0));
    DiskCache::new(config.cache_dir.as_ref().map(|root| root.join("services").join(directory)))
}

/// What the configuration file says of a service.
struct Configured {
    settings: ServiceSettings,
    forced: Forced,
    /// Where it is looked up, if not where all are.
    list: Option<List>,
    /// What was learned of it, where no list has it.
    cache: DiskCache,
}

impl Configured {
    fn new(config: &ClientConfig, settings: &ServiceSettings) -> Result<Self> {
        let forced = Dialect::forced(&settings.quirks).map_err(|error| Error::Credentials {
            what: format!("[service.{}]", settings.name),
            reason: error.to_string(),
            remedy: format!("vospace doctor {}: shows what is known of it", settings.prefix),
        })?;
        let list = settings.registry.clone().map(|url| List::new(config, url));
        let cache = settings.base_url.as_ref().map_or_else(|| DiskCache::new(None), |url| cache_of(config, url));
        Ok(Configured { settings: settings.clone(), forced, list, cache })
    }
}

/// See the module.
pub(crate) struct Registry {
    list: List,
    /// By resource id.
    configured: HashMap<String, Configured>,
    services: Mutex<HashMap<String, (Instant, Arc<Service>)>>,
    /// Held while a service is looked up for the first time: others wait for the same answer.
    looking: tokio::sync::Mutex<()>,
}

impl Registry {
    pub(crate) fn new(config: &ClientConfig) -> Result<Self> {
        let text = config.registry.as_deref().unwrap_or(DEFAULT_REGISTRY).trim();
        let broken = |reason: &str| Error::Credentials {
            what: format!("registry {text}"),
            reason: reason.to_owned(),
            remedy: "give the full URL, such as https://host/reg/resource-caps (VOSPACE_REGISTRY_URL or --registry)"
                .to_owned(),
        };
        let url = Url::parse(text).map_err(|error| broken(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(broken("it is not an http or https URL"));
        }
        let mut configured = HashMap::new();
        for settings in &config.services {
            // As the URIs of its nodes have it.
            let resource_id = VosUri::new(&settings.authority(), "/").resource_id();
            configured.insert(resource_id, Configured::new(config, settings)?);
        }
        let list = List::new(config, url);
        Ok(Registry { list, configured, services: Mutex::default(), looking: tokio::sync::Mutex::default() })
    }

    /// Where a service is looked up.
    fn list_of(&self, resource_id: &str) -> &List {
        self.configured.get(resource_id).and_then(|configured| configured.list.as_ref()).unwrap_or(&self.list)
    }

    /// A service that is where its section says.
    fn at_base(&self, resource_id: &str) -> Option<&Configured> {
        self.configured.get(resource_id).filter(|configured| configured.settings.base_url.is_some())
    }

    /// The list that services are looked up in.
    pub(crate) fn url(&self) -> &Url {
        &self.list.url
    }

    /// Whether the user's registry is plain http, and so everything behind it may be.
    pub(crate) fn is_plain(&self) -> bool {
        self.list.url.scheme() == "http"
    }

    /// The service of this resource id, looked up if nobody did before.
    pub(crate) async fn service(&self, http: &Http, resource_id: &str) -> Result<Arc<Service>> {
        let _alone = self.looking.lock().await;
        // Somebody may have looked it up while this one waited.
        if let Some((service, _)) = self.known(resource_id) {
            return Ok(service);
        }
        let (cache, forced) = match self.configured.get(resource_id) {
            Some(configured) if configured.settings.base_url.is_some() => {
                (&configured.cache, configured.forced.clone())
            }
            Some(configured) => (&self.list_of(resource_id).cache, configured.forced.clone()),
            None => (&self.list.cache, Forced::default()),
        };
        let lessons = Arc::new(Lessons::load(cache, resource_id, forced));
        let service = Arc::new(self.resolve(http, resource_id, lessons).await?);
        self.keep(http, resource_id, &service);
        Ok(service)
    }

    /// A service that was looked up before, however long ago.
    pub(crate) fn remembered(&self, resource_id: &str) -> Option<Arc<Service>> {
        self.services.lock().get(resource_id).map(|(_, service)| Arc::clone(service))
    }

    /// A service that was looked up before, and whether that was long ago. It then says so once per period, to one
    /// caller: work goes on with the known addresses while that one has them looked up again.
    pub(crate) fn known(&self, resource_id: &str) -> Option<(Arc<Service>, bool)> {
        let mut services = self.services.lock();
        let (since, service) = services.get_mut(resource_id)?;
        let old = since.elapsed() >= FRESH;
        if old {
            *since = Instant::now();
        }
        Some((Arc::clone(service), old))
    }

    /// Looks a known service up again. What was learned of it stays.
    pub(crate) async fn refresh(&self, http: &Http, known: &Service) {
        match self.resolve(http, known.resource_id(), known.lessons()).await {
            Ok(service) => self.keep(http, known.resource_id(), &Arc::new(service)),
            Err(error) => {
                let id = known.resource_id();
                tracing::warn!("{id} cannot be looked up again, its known addresses stay in use: {error}");
            }
        }
    }

    fn keep(&self, http: &Http, resource_id: &str, service: &Arc<Service>) {
        for url in service.endpoints() {
            http.trust(resource_id, url);
            if !http.is_trusted(url) && http.security_method(resource_id).is_some() {
                tracing::warn!("{url} is plain http and gets no credentials, for the registry is https");
            }
        }
        self.services.lock().insert(resource_id.to_owned(), (Instant::now(), Arc::clone(service)));
    }

    async fn resolve(&self, http: &Http, resource_id: &str, lessons: Arc<Lessons>) -> Result<Service> {
        if let Some(configured) = self.at_base(resource_id) {
            return Service::fixed(resource_id, &configured.settings.endpoints, lessons);
        }
        let method = http.security_method(resource_id);
        let build = |document: &Capabilities| Service::new(resource_id, document, method, Arc::clone(&lessons));
        self.capabilities(http, resource_id, build).await
    }

    /// The URL of one capability of any service, a VOSpace or not. Credentials may be sent there from now on.
    pub(crate) async fn capability(&self, http: &Http, resource_id: &str, standard_id: &str) -> Result<Url> {
        let method = http.security_method(resource_id);
        let find = |document: &Capabilities| {
            let url = document.url(standard_id, method).and_then(|text| Url::parse(text).ok());
            url.ok_or_else(|| Error::UnknownService {
                resource_id: resource_id.to_owned(),
                reason: format!("it does not offer {standard_id}"),
            })
        };
        let url = self.capabilities(http, resource_id, find).await?;
        http.trust(resource_id, &url);
        Ok(url)
    }

    /// What `build` makes of the capabilities of a service; a document of which it makes nothing is not kept.
    async fn capabilities<T>(
        &self,
        http: &Http,
        resource_id: &str,
        build: impl Fn(&Capabilities) -> Result<T>,
    ) -> Result<T> {
        let url = self.capabilities_url(http, resource_id).await?;
        // Services name this host, not always the one that was asked, in the addresses of their jobs.
        http.trust(resource_id, &url);
        let name = format!("{}.capabilities.xml", resource_id.trim_start_matches("ivo://"));
        let build = |bytes: &[u8]| {
            let document =
                capabilities::read(bytes).map_err(|error| Error::node(ErrorKind::Protocol, &url, error.to_string()))?;
            build(&document.read_at(&url))
        };
        let cache = &self.list_of(resource_id).cache;
        let (bytes, _) = document(cache, http, &url, &name, FRESH, |bytes| build(bytes).map(|_| ())).await?;
        build(&bytes)
    }

    /// Where the capabilities of a service are.
    pub(crate) async fn capabilities_url(&self, http: &Http, resource_id: &str) -> Result<Url> {
        if self.at_base(resource_id).is_some() {
            let reason = "it is configured by its base URL, and has no capabilities".to_owned();
            return Err(Error::UnknownService { resource_id: resource_id.to_owned(), reason });
        }
        let List { url, cache } = self.list_of(resource_id);
        let find = |bytes: &[u8]| {
            let list = read_list(bytes);
            list.get(&resource_id.to_lowercase()).map(|url| Url::parse(url))
        };
        let check = |bytes: &[u8]| {
            let any = !read_list(bytes).is_empty();
            any.then_some(()).ok_or_else(|| Error::node(ErrorKind::Protocol, url, "it is no list of services"))
        };
        let (mut bytes, mut from_cache) = document(cache, http, url, "resource-caps", FRESH, check).await?;
        if from_cache && find(&bytes).is_none() {
            // The service may be newer than the copy.
            (bytes, from_cache) = document(cache, http, url, "resource-caps", Duration::ZERO, check).await?;
        }
        let reason = match find(&bytes) {
            Some(Ok(url)) => return Ok(url),
            Some(Err(error)) => format!("the registry {url} has a broken address for it: {error}"),
            None if from_cache => format!("an old copy of the registry {url} does not know it"),
            None => format!("the registry {url} does not know it"),
        };
        Err(Error::UnknownService { resource_id: resource_id.to_owned(), reason })
    }
}

/// A document from disk if it is younger than `fresh`, else from its URL, else from disk at any age. What `check`
/// refuses (the page of a hotel's network, say) is neither taken nor kept. Also says whether it is a copy.
async fn document(
    cache: &DiskCache,
    http: &Http,
    url: &Url,
    name: &str,
    fresh: Duration,
    check: impl Fn(&[u8]) -> Result<()>,
) -> Result<(Bytes, bool)> {
    let copy = cache.read(name).filter(|(content, _)| check(content).is_ok());
    if let Some((content, age)) = &copy
        && *age < fresh
    {
        return Ok((content.clone().into(), true));
    }
    let request = Request::get(url.clone(), Grant::Url);
    let fetched =
        if copy.is_some() { http.fetch_briefly(&request).await } else { http.fetch_following(&request).await };
    let error = match fetched {
        Ok(answer) if answer.status.is_success() => match check(&answer.body) {
            Ok(()) => {
                cache.write(name, &answer.body);
                return Ok((answer.body, false));
            }
            Err(error) => error,
        },
        Ok(answer) => Error::node(ErrorKind::Protocol, url, format!("it answered {}", answer.status)),
        Err(failure) => failure.into(),
    };
    match copy {
        Some((content, age)) => {
            tracing::warn!("{url} cannot be read, a copy {} s old is used: {error}", age.as_secs());
            Ok((content.into(), true))
        }
        None => Err(error),
    }
}

/// `ivo://authority/name = URL` per line, `#` starts a comment. Lines that are anything else are passed over.
fn read_list(bytes: &[u8]) -> BTreeMap<String, String> {
    String::from_utf8_lossy(bytes)
        .lines()
        .filter_map(|line| {
            let (id, url) = line.trim().split_once('=')?;
            let id = id.trim();
            id.starts_with("ivo://").then(|| (id.to_lowercase(), url.trim().to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests;
