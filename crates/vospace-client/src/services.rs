//! What the user says of single services: `[service.NAME]` of the configuration file.
//!
//! The file is that of `mountvofs`, `vofs/config.toml` below the user's directory of configurations and below `/etc`;
//! [`file`] reads it for everybody. A section gives a service its prefix, says where it is when no registry does, who the
//! caller is there, and what it can. Of a name that stands in both files the user's section counts, whole.
//!
//! Nothing secret stands in such a file, which is for many eyes: it names files that hold secrets, or commands that print
//! them. Nothing is sent and no secret is read here; a name that is not known is an error that says what was meant.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};
use url::Url;

pub mod file;
mod parse;
mod section;

/// Where the file is wrong, and how.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct SettingsError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

/// What is said of one service.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceSettings {
    /// `NAME` of the section.
    pub name: String,
    /// What stands for the service in `prefix:path`; the name, unless the section says otherwise. In small letters.
    pub prefix: String,
    /// Its name in a registry, and the authority of its nodes: `ivo://AUTHORITY/NAME`.
    pub resource_id: String,
    /// The list that it is looked up in, where that is another than everybody's.
    pub registry: Option<Url>,
    /// Where it is, for one that no registry knows or that has no capabilities.
    pub base_url: Option<Url>,
    /// Its resources below that, by the names of [`ENDPOINTS`].
    pub endpoints: BTreeMap<String, Url>,
    /// Who the caller is there. None: whoever the caller is elsewhere, where a registry names the service; nobody at a
    /// base URL.
    pub auth: Option<AuthSettings>,
    /// The service of groups that a name alone is one of: `ivo://AUTHORITY/NAME`.
    pub groups: Option<String>,
    /// What is known of it and need not be learned: fields of [`crate::dialect::Dialect`].
    pub quirks: Map<String, Value>,
}

/// The resources that `endpoints` can name.
pub const ENDPOINTS: [&str; 6] = ["nodes", "files", "sync", "transfers", "recursive-delete", "recursive-properties"];

/// Who the caller is at a service.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthSettings {
    /// Nobody.
    Anonymous,
    /// A token, as `Authorization: Bearer` (RFC 6750) or in a header of another name.
    Token {
        /// Where it comes from.
        source: TokenSource,
        /// The name of the header that it is sent in; none for `Authorization`.
        header: Option<String>,
    },
    /// An access token of an OpenID Connect issuer, renewed by its refresh token.
    Oidc(OidcSettings),
    /// A client certificate.
    Certificate {
        /// A PEM file with certificate and key.
        file: PathBuf,
    },
    /// Name and password (RFC 7617).
    Basic {
        /// The name.
        user: String,
        /// A file that holds the password.
        password_file: PathBuf,
    },
    /// The cookie of a form for logging in.
    Cookie(FormSettings),
}

/// Where a token comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenSource {
    /// A file, read again when it changes.
    File(PathBuf),
    /// What a program prints, run again when the token ends or is refused.
    Command {
        /// The program and its arguments, as they are: no shell reads them.
        words: Vec<String>,
        /// How long it may take.
        limit: Duration,
    },
}

/// An issuer of access tokens, and this program's place there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcSettings {
    /// The section that says so, by which `vospace login` is called.
    pub service: String,
    /// The issuer (OpenID Connect Discovery 1.0 §3).
    pub issuer: Url,
    /// What this program is registered as there.
    pub client_id: String,
    /// A file with the secret of the client, for issuers that give none without one.
    pub client_secret_file: Option<PathBuf>,
    /// What is asked for, in words separated by blanks.
    pub scope: String,
    /// Where the tokens are kept.
    pub token_file: PathBuf,
}

/// A form for logging in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormSettings {
    /// Where it is sent.
    pub login_url: Url,
    /// The name.
    pub user: String,
    /// A file that holds the password.
    pub password_file: PathBuf,
    /// What the form calls the name.
    pub user_field: String,
    /// What the form calls the password.
    pub password_field: String,
}

/// The services of the usual files, in the order of their names.
///
/// # Errors
/// What is wrong with a file.
pub fn load() -> Result<Vec<ServiceSettings>, SettingsError> {
    load_from(&file::places())
}

/// The same of these files; what stands in the first one counts most.
///
/// ```
/// use vospace_client::services::{AuthSettings, load_from};
///
/// let file = tempfile::NamedTempFile::new()?;
/// std::fs::write(&file, r#"
///     [service.lab]
///     resource-id = "ivo://icrar.org/vospace"
///     base-url = "https://vo.example/vospace"
///     auth = { scheme = "basic", user = "me", password-file = "~/.lab-password" }
/// "#)?;
/// let services = load_from(&[file.path().to_owned()])?;
/// assert_eq!((services[0].prefix.as_str(), services[0].authority().as_str()), ("lab", "icrar.org~vospace"));
/// assert!(matches!(&services[0].auth, Some(AuthSettings::Basic { user, .. }) if user == "me"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As [`load`].
pub fn load_from(places: &[PathBuf]) -> Result<Vec<ServiceSettings>, SettingsError> {
    let mut found: BTreeMap<String, ServiceSettings> = BTreeMap::new();
    for path in places {
        let Some(file) = file::read(path)? else { continue };
        for service in file.services {
            let others = found.values().filter(|other| other.name != service.name);
            for other in others {
                let same = if other.prefix == service.prefix { "the prefix" } else { "the resource id" };
                if other.prefix == service.prefix || other.authority() == service.authority() {
                    let reason =
                        format!("[service.{}] and [service.{}] have {same} in common", other.name, service.name);
                    return Err(SettingsError { path: path.clone(), reason });
                }
            }
            found.entry(service.name.clone()).or_insert(service);
        }
    }
    Ok(found.into_values().collect())
}

/// `ivo://authority/service` as the authority of URIs.
pub(crate) fn authority(resource_id: &str) -> Option<String> {
    let (authority, service) = resource_id.strip_prefix("ivo://")?.split_once('/')?;
    let service = service.trim_end_matches('/');
    (!authority.is_empty() && !service.is_empty())
        .then(|| format!("{authority}~{}", service.replace('/', "~")).to_lowercase())
}

impl ServiceSettings {
    /// The authority of its nodes, as [`crate::VosUri::authority`] has it.
    #[must_use]
    pub fn authority(&self) -> String {
        authority(&self.resource_id).unwrap_or_default()
    }

    /// Who the caller is there, if not who the caller is at every service. At an address that only the user names, that is
    /// nobody unless the user says who: what is for one service must not reach another.
    #[must_use]
    pub fn own_auth(&self) -> Option<AuthSettings> {
        self.auth.clone().or_else(|| self.is_unsaid().then_some(AuthSettings::Anonymous))
    }

    /// Whether it is at an address that only the user names, and the user does not say who the caller is there.
    pub(crate) fn is_unsaid(&self) -> bool {
        self.auth.is_none() && self.base_url.is_some()
    }
}

impl AuthSettings {
    /// The files with secrets that are named, for who has to tell whether they are private.
    #[must_use]
    pub fn secret_files(&self) -> BTreeSet<&PathBuf> {
        match self {
            AuthSettings::Anonymous | AuthSettings::Token { source: TokenSource::Command { .. }, .. } => {
                BTreeSet::new()
            }
            AuthSettings::Token { source: TokenSource::File(path), .. } | AuthSettings::Certificate { file: path } => {
                BTreeSet::from([path])
            }
            AuthSettings::Oidc(oidc) => oidc.client_secret_file.iter().chain([&oidc.token_file]).collect(),
            AuthSettings::Basic { password_file, .. } => BTreeSet::from([password_file]),
            AuthSettings::Cookie(form) => BTreeSet::from([&form.password_file]),
        }
    }
}

#[cfg(test)]
mod tests;
