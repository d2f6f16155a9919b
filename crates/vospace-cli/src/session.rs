//! What every command starts with: the client with its credentials, and the prefixes of the user's configuration.

use anyhow::Context as _;
use vospace_client::auth::{self, AuthOptions, Credentials};
use vospace_client::client::{Bandwidth, Client, ClientConfig};
use vospace_client::node::Node;
use vospace_client::services::{self, ServiceSettings};
use vospace_client::uri::{Prefixes, VosUri};

use crate::common::Common;
use crate::groups::Groups;
use crate::output;

/// A client with these credentials. Nothing is sent yet.
pub(crate) fn client(
    common: &Common,
    credentials: Credentials,
    services: Vec<ServiceSettings>,
    bandwidth: Option<u64>,
) -> anyhow::Result<Client> {
    Ok(Client::new(config(common, credentials, services, bandwidth))?)
}

/// The settings of one.
pub(crate) fn config(
    common: &Common,
    credentials: Credentials,
    services: Vec<ServiceSettings>,
    bandwidth: Option<u64>,
) -> ClientConfig {
    let mut config = ClientConfig { credentials, services, ..ClientConfig::from_env() };
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
}

impl Session {
    /// Reads configuration and credentials; nothing is sent yet.
    pub(crate) fn open(common: &Common, bandwidth: Option<u64>) -> anyhow::Result<Self> {
        let services = services::load()?;
        let prefixes = Prefixes::load(&services)?;
        let groups = Groups::new(&services);
        let options = AuthOptions { token: common.token.clone(), certfile: common.certfile.clone() };
        let client = client(common, auth::choose(options, &services)?, services, bandwidth)?;
        Ok(Self { client, prefixes, groups, logs_much: output::logs_much(common) })
    }

    /// A node that the user named.
    pub(crate) fn uri(&self, text: &str) -> anyhow::Result<VosUri> {
        let uri = self.prefixes.parse(text)?;
        uri.check()?;
        Ok(uri)
    }

    /// How a node is called towards the user.
    pub(crate) fn name(&self, uri: &VosUri) -> String {
        self.prefixes.short(uri)
    }

    /// Reads one node.
    pub(crate) async fn stat(&self, uri: &VosUri) -> anyhow::Result<Node> {
        self.client.stat(uri).await.with_context(|| self.name(uri))
    }
}
