//! Who the caller is at which service, and which URLs are that service's.
//!
//! Each configured service with credentials of its own is an account; everything else shares the first one. An account's
//! credentials go to the origins that were trusted for it and to no other. Where two services share an origin, the one
//! whose known addresses have more of the path in common with a URL is the one that it belongs to.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use reqwest::Url;
use url::Origin;

use super::trust;
use crate::auth::{Authenticator, Credentials};
use crate::config::ClientConfig;
use crate::services::{self, AuthSettings};
use crate::{Error, Result};

/// The account of every service that has none of its own.
const EVERYBODY: usize = 0;

/// Who the caller is at some services.
pub(super) struct Account {
    source: Source,
    /// A service that nobody asks must not stop anything, so its secrets are read when they are needed.
    built: Mutex<Option<Arc<Authenticator>>>,
    /// With the client certificate, and the version of the file that it was built from.
    certified: Mutex<Option<(u64, reqwest::Client)>>,
    bare: reqwest::Client,
    /// Credentials may go over plain http, because the user's own registry or address is that.
    pub(super) allow_plain: bool,
}

/// Where the credentials come from.
enum Source {
    /// Options, environment and the usual files.
    Chosen(Credentials),
    /// The configuration of the service.
    Configured(AuthSettings),
    /// Nowhere, though the user named some for this run: they might be meant for this service, which is at an address that only its
    /// section names, and might be meant for others.
    Unsaid { section: String, option: &'static str },
}

impl Account {
    fn new(source: Source, bare: reqwest::Client, allow_plain: bool) -> Self {
        Account { source, built: Mutex::default(), certified: Mutex::default(), bare, allow_plain }
    }

    /// Whether the user named credentials of which nobody knows whether they are for this service: it is asked for nothing then.
    pub(super) fn is_unsaid(&self) -> bool {
        matches!(self.source, Source::Unsaid { .. })
    }

    /// What knows the credentials.
    ///
    /// # Errors
    /// What keeps them from being read.
    pub(super) fn authenticator(&self) -> Result<Arc<Authenticator>> {
        let mut built = self.built.lock();
        if let Some(built) = &*built {
            return Ok(Arc::clone(built));
        }
        let made = Arc::new(match &self.source {
            Source::Chosen(credentials) => Authenticator::new(credentials)?,
            Source::Configured(settings) => Authenticator::of_service(settings, &self.bare)?,
            Source::Unsaid { section, option } => {
                return Err(Error::Credentials {
                    what: (*option).to_owned(),
                    reason: format!(
                        "it is not sent to the base-url of [service.{section}], which does not say who you are there"
                    ),
                    remedy: format!(
                        "write its auth into that section (scheme = \"anonymous\" for nobody), or leave {option} out"
                    ),
                });
            }
        });
        *built = Some(Arc::clone(&made));
        Ok(made)
    }

    /// What requests are sent with, without certificate where there is none.
    pub(super) fn client(&self, authenticator: &Authenticator, trust: &trust::Settings) -> Result<reqwest::Client> {
        let Some((version, certificate)) = authenticator.certificate()? else { return Ok(self.bare.clone()) };
        let mut cached = self.certified.lock();
        if let Some((built, client)) = &*cached
            && *built == version
        {
            return Ok(client.clone());
        }
        let client = trust.client(Some(certificate.identity("the client certificate")?))?;
        *cached = Some((version, client.clone()));
        Ok(client)
    }
}

/// Addresses of one account.
#[derive(Debug)]
struct Address {
    origin: Origin,
    path: Vec<String>,
    account: usize,
}

/// See the module.
pub(super) struct Accounts {
    all: Vec<Account>,
    /// Authority of a service → place in `all`.
    owners: HashMap<String, usize>,
    addresses: RwLock<Vec<Address>>,
}

impl Accounts {
    /// `allow_plain`: the registry of those that are looked up is plain http.
    ///
    /// # Errors
    /// When the credentials that are for every service cannot be read.
    pub(super) fn new(config: &ClientConfig, allow_plain: bool, bare: &reqwest::Client) -> Result<Self> {
        let everybody = Account::new(Source::Chosen(config.credentials.clone()), bare.clone(), allow_plain);
        if !matches!(config.credentials, Credentials::Unusable(_)) {
            // What is wrong with them shows at the start.
            everybody.authenticator()?;
        }
        let mut accounts = Accounts { all: vec![everybody], owners: HashMap::new(), addresses: RwLock::default() };
        for service in &config.services {
            let source = match (config.named_by, service.own_auth()) {
                (Some(option), _) if service.is_unsaid() => Source::Unsaid { section: service.name.clone(), option },
                (_, Some(auth)) => Source::Configured(auth),
                (_, None) => continue,
            };
            let plain = match service.base_url.as_ref().or(service.registry.as_ref()) {
                Some(url) => url.scheme() == "http",
                None => allow_plain,
            };
            accounts.owners.insert(service.authority(), accounts.all.len());
            accounts.all.push(Account::new(source, bare.clone(), plain));
        }
        Ok(accounts)
    }

    fn place(&self, resource_id: &str) -> usize {
        let authority = services::authority(resource_id).unwrap_or_default();
        self.owners.get(&authority).copied().unwrap_or(EVERYBODY)
    }

    /// Who the caller is at a service.
    pub(super) fn of_service(&self, resource_id: &str) -> &Account {
        &self.all[self.place(resource_id)]
    }

    /// Notes an address of a service.
    pub(super) fn trust(&self, resource_id: &str, url: &Url) {
        let (origin, path, account) = (url.origin(), segments(url), self.place(resource_id));
        let mut addresses = self.addresses.write();
        let known = |known: &Address| known.origin == origin && known.path == path && known.account == account;
        if !addresses.iter().any(known) {
            addresses.push(Address { origin, path, account });
        }
    }

    /// Whose credentials may go to a URL.
    pub(super) fn of_url(&self, url: &Url) -> Option<&Account> {
        let account = &self.all[self.owner(url)?];
        (url.scheme() == "https" || account.allow_plain).then_some(account)
    }

    /// Whether a URL belongs to the account of a service.
    pub(super) fn is_of(&self, resource_id: &str, url: &Url) -> bool {
        self.owner(url) == Some(self.place(resource_id))
    }

    /// Whether two URLs belong to the same account.
    pub(super) fn is_same(&self, one: &Url, other: &Url) -> bool {
        self.owner(one).is_some_and(|owner| self.owner(other) == Some(owner))
    }

    fn owner(&self, url: &Url) -> Option<usize> {
        let (origin, path) = (url.origin(), segments(url));
        let common = |address: &Address| address.path.iter().zip(&path).take_while(|(one, other)| one == other).count();
        let addresses = self.addresses.read();
        addresses
            .iter()
            .filter(|address| address.origin == origin)
            .max_by_key(|address| common(address))
            .map(|found| found.account)
    }

    /// Hosts and ports that the credentials of an account may go to.
    pub(super) fn hosts(&self, resource_id: &str) -> Vec<(String, u16)> {
        let account = self.place(resource_id);
        let host = |address: &Address| match &address.origin {
            Origin::Tuple(_, host, port) if address.account == account => Some((host.to_string(), *port)),
            _ => None,
        };
        self.addresses.read().iter().filter_map(host).collect()
    }
}

fn segments(url: &Url) -> Vec<String> {
    let all = url.path_segments().into_iter().flatten();
    all.filter(|segment| !segment.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
