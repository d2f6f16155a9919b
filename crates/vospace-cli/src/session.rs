//! What every command starts with: the client with its credentials, and the prefixes of the user's configuration.

use std::collections::BTreeMap;

use anyhow::Context as _;
use parking_lot::Mutex;
use vospace_client::auth::{self, AuthOptions, Credentials};
use vospace_client::bulk;
use vospace_client::client::{Bandwidth, Client, ClientConfig};
use vospace_client::node::Node;
use vospace_client::services::{self, ServiceSettings};
use vospace_client::uri::{Prefixes, VosUri};
use vospace_client::{Error, ErrorKind};

use crate::common::Common;
use crate::groups::Groups;
use crate::output;

/// The settings of a client with these credentials.
pub(crate) fn config(
    common: &Common,
    credentials: Credentials,
    services: Vec<ServiceSettings>,
    bandwidth: Option<u64>,
) -> ClientConfig {
    let named_by = options(common).named_by();
    let mut config = ClientConfig { credentials, named_by, services, ..ClientConfig::from_env() };
    if common.registry.is_some() {
        config.registry.clone_from(&common.registry);
    }
    config.insecure |= common.insecure;
    config.bandwidth = bandwidth.map_or_else(Bandwidth::default, Bandwidth::Shared);
    if let Some(limit) = common.timeout {
        config.deadlines.headers = limit;
        config.deadlines.idle = limit;
        config.deadlines.metadata = config.deadlines.metadata.max(limit);
    }
    config
}

/// What the command line says about credentials.
pub(crate) fn options(common: &Common) -> AuthOptions {
    AuthOptions { token: common.token.clone(), certfile: common.certfile.clone() }
}

/// One run of a command.
#[derive(Debug)]
pub(crate) struct Session {
    /// All services.
    pub(crate) client: Client,
    /// Short forms of URIs.
    pub(crate) prefixes: Prefixes,
    /// Short forms of groups.
    pub(crate) groups: Groups,
    /// The log goes on between whatever else is shown.
    pub(crate) logs_much: bool,
    config: ClientConfig,
    /// Of each service that was named: why credentials of the command line are not used for it, if so.
    named: Mutex<BTreeMap<String, Option<String>>>,
}

impl Session {
    /// Reads configuration and credentials; nothing is sent yet.
    pub(crate) fn open(common: &Common, bandwidth: Option<u64>) -> anyhow::Result<Self> {
        let services = services::load()?;
        let prefixes = Prefixes::load(&services)?;
        let groups = Groups::new(&services);
        let credentials = auth::choose(options(common), &services)?;
        let config = config(common, credentials, services, bandwidth);
        let client = Client::new(config.clone())?;
        Ok(Self { client, prefixes, groups, logs_much: output::logs_much(common), config, named: Mutex::default() })
    }

    /// A node that the user named.
    pub(crate) fn uri(&self, text: &str) -> anyhow::Result<VosUri> {
        let uri = self.prefixes.parse(text)?;
        uri.check()?;
        let mut named = self.named.lock();
        named.entry(uri.authority().to_owned()).or_insert_with(|| self.config.overruled(&uri));
        Ok(uri)
    }

    /// Says of credentials on the command line that no service of those that were named has use for them.
    pub(crate) fn tell_overruled(&self) {
        let named = self.named.lock();
        if named.values().all(Option::is_some) {
            named.values().flatten().for_each(output::note);
        }
    }

    /// How a node is called towards the user.
    pub(crate) fn name(&self, uri: &VosUri) -> String {
        self.prefixes.short(uri)
    }

    /// Reads one node, also behind links on its path where the service does not follow these.
    pub(crate) async fn stat(&self, uri: &VosUri) -> anyhow::Result<Node> {
        let told = match self.client.stat(uri).await {
            Err(error) => match self.around_links(uri, &error).await {
                Some(other) => self.client.stat(&other).await,
                None => Err(error),
            },
            told => told,
        };
        told.with_context(|| self.name(uri))
    }

    /// Another path to a node that could not be had, if links stand on this one.
    pub(crate) async fn around_links(&self, uri: &VosUri, error: &Error) -> Option<VosUri> {
        let is_hint = matches!(error.kind(), ErrorKind::NotFound | ErrorKind::LinkInPath);
        if is_hint { bulk::around_links(&self.client, uri).await.ok().flatten() } else { None }
    }
}
