//! What a program may choose about the client, with defaults that suit everybody else.

use std::path::PathBuf;
use std::time::Duration;

use crate::auth::Credentials;
use crate::places;
use crate::services::{AuthSettings, ServiceSettings};
use crate::uri::VosUri;

/// Where CADC publishes which services exist and where.
pub(crate) const DEFAULT_REGISTRY: &str = "https://ws.cadc-ccda.hia-iha.nrc-cnrc.gc.ca/reg/resource-caps";

/// Some seconds' worth on a fast line: little to send again, and few requests for a large file.
const SEGMENT: u64 = 64 << 20;

/// Everything that [`crate::Client::new`] needs to know.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// Full URL of the registry's list, or a base to which `/resource-caps` is added. None: that of CADC.
    pub registry: Option<String>,
    /// Who the caller is, where `services` does not say otherwise.
    pub credentials: Credentials,
    /// The option by which the user named them for this run, if so ([`crate::AuthOptions::named_by`]). A service that they are
    /// not sent to, and of which nothing says who the caller is there, is then an error: to be nobody unasked is worse.
    pub named_by: Option<&'static str>,
    /// What the user says of single services: [`crate::services::load`].
    pub services: Vec<ServiceSettings>,
    /// Where the registry, capabilities and what was learned of services are kept. None: nothing is kept.
    pub cache_dir: Option<PathBuf>,
    /// PEM files with certificate authorities to trust besides the system's.
    pub extra_roots: Vec<PathBuf>,
    /// Do not check the certificates of servers. For tests on one's own machine only.
    pub insecure: bool,
    /// `User-Agent` of every request.
    pub user_agent: String,
    /// How often and how long to try again.
    pub retry: RetryPolicy,
    /// How long to wait for what.
    pub deadlines: Deadlines,
    /// Bytes of a segment, on services that take large files in segments. Longer files go that way: what is sent again
    /// after a lost connection is at most this much.
    pub segment: u64,
    /// How fast bytes of files move at most.
    pub bandwidth: Bandwidth,
    /// Where unfinished uploads are noted, to be taken up by the next program. None: nowhere.
    pub state_dir: Option<PathBuf>,
}

impl Default for ClientConfig {
    fn default() -> Self {
        ClientConfig {
            registry: None,
            credentials: Credentials::Anonymous,
            named_by: None,
            services: Vec::new(),
            cache_dir: places::cache(),
            extra_roots: Vec::new(),
            insecure: false,
            user_agent: concat!("vospace-client/", env!("CARGO_PKG_VERSION")).to_owned(),
            retry: RetryPolicy::default(),
            deadlines: Deadlines::default(),
            segment: SEGMENT,
            bandwidth: Bandwidth::default(),
            state_dir: places::state(),
        }
    }
}

impl ClientConfig {
    /// The defaults, changed by the environment: `VOSPACE_REGISTRY_URL` (full URL or base), else
    /// `VOSPACE_WEBSERVICE` or `LOCAL_VOSPACE_WEBSERVICE` (`host[:port]`, https); `VOSPACE_CA_BUNDLE` and
    /// `SSL_CERT_FILE` (PEM files with more authorities). Credentials are chosen by [`crate::auth::choose`].
    #[must_use]
    pub fn from_env() -> Self {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        let host = || set("VOSPACE_WEBSERVICE").or_else(|| set("LOCAL_VOSPACE_WEBSERVICE"));
        ClientConfig {
            registry: set("VOSPACE_REGISTRY_URL")
                .or_else(|| host().map(|host| format!("https://{}/reg/resource-caps", host.trim()))),
            extra_roots: ["VOSPACE_CA_BUNDLE", "SSL_CERT_FILE"]
                .into_iter()
                .filter_map(set)
                .map(PathBuf::from)
                .collect(),
            ..ClientConfig::default()
        }
    }

    fn section(&self, uri: &VosUri) -> Option<&ServiceSettings> {
        self.services.iter().find(|service| service.authority() == uri.authority())
    }

    /// Where the service of a node is found: its own address or registry, or that of all services. None: the registry of CADC. Nodes
    /// of one URI at two places are two nodes.
    #[must_use]
    pub fn place_of(&self, uri: &VosUri) -> Option<String> {
        let own = self.section(uri).and_then(|service| service.base_url.as_ref().or(service.registry.as_ref()));
        own.map(|url| url.as_str().to_owned()).or_else(|| self.registry.clone())
    }

    /// Whether requests for a node would carry no credentials, as far as that can be told without reading any.
    #[must_use]
    pub fn is_anonymous(&self, uri: &VosUri) -> bool {
        let section = self.section(uri);
        if self.named_by.is_some() && section.is_some_and(ServiceSettings::is_unsaid) {
            return false;
        }
        match section.and_then(ServiceSettings::own_auth) {
            Some(auth) => auth == AuthSettings::Anonymous,
            None => matches!(self.credentials, Credentials::Anonymous),
        }
    }

    /// What to tell of credentials that were named for this run, where they are not used for a node because its service has its own.
    #[must_use]
    pub fn overruled(&self, uri: &VosUri) -> Option<String> {
        let (option, section) = (self.named_by?, self.section(uri)?);
        section.auth.as_ref()?;
        let name = &section.name;
        Some(format!("{option} is not used for {}: the auth of [service.{name}] comes before it", section.prefix))
    }
}

/// When a request that may be repeated is repeated. Delays double, with jitter; `Retry-After` replaces them.
#[derive(Debug, Clone)]
pub struct RetryPolicy {
    /// Requests in all, the first included.
    pub attempts: usize,
    /// First delay.
    pub min_delay: Duration,
    /// Longest delay; a longer `Retry-After` is not waited for but reported.
    pub max_delay: Duration,
    /// Delays in all.
    pub max_total: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy {
            attempts: 7,
            min_delay: Duration::from_millis(250),
            max_delay: Duration::from_secs(15),
            max_total: Duration::from_secs(30),
        }
    }
}

/// Limits to the speed of all transfers together, in bytes per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bandwidth {
    /// Both directions share one.
    Shared(u64),
    /// One each; none: as fast as it goes.
    Each {
        /// Out.
        up: Option<u64>,
        /// In.
        down: Option<u64>,
    },
}

impl Default for Bandwidth {
    fn default() -> Self {
        Bandwidth::Each { up: None, down: None }
    }
}

/// How long each phase of a request may take. There is no limit for a whole transfer: it may be of any size.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// Until connected, name look-up and TLS included.
    pub connect: Duration,
    /// From the last byte sent to the header of the answer.
    pub headers: Duration,
    /// Without a single byte in either direction.
    pub idle: Duration,
    /// For a whole metadata request, repetitions included.
    pub metadata: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Deadlines {
            connect: Duration::from_secs(10),
            headers: Duration::from_secs(60),
            idle: Duration::from_secs(60),
            metadata: Duration::from_secs(120),
        }
    }
}
