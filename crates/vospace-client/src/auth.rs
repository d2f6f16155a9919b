//! Who the caller is: token, client certificate, netrc, or nobody.
//!
//! [`choose`] picks one kind from options, environment and the usual files; `Authenticator` keeps it current: a
//! token or certificate file that is renewed is picked up at the next request, without restart.
//!
//! A credential never reaches a log (`Secret` and header values are redacted). Which host it may be sent to is decided
//! in `http`, not here.

use std::fmt;
use std::path::{Path, PathBuf};

use reqwest::Url;
use reqwest::header::HeaderValue;

use crate::node::Timestamp;
use crate::xml::transfer::{SECURITY_BASIC, SECURITY_CERTIFICATE, SECURITY_TOKEN};
use crate::{Error, Result};

mod basic;
pub(crate) mod certificate;
mod choose;
mod netrc;
mod token;
mod watched;

pub use choose::{AuthOptions, choose};

use certificate::Certificate;
use netrc::Logins;
use watched::Watched;

/// A text that must not be shown. Debug prints asterisks.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    /// The secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Secret(text)
    }
}

/// One way to say who the caller is.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// Nobody.
    Anonymous,
    /// A bearer token.
    Token(Secret),
    /// A file with a bearer token, read again when it changes.
    TokenFile(PathBuf),
    /// A PEM file with certificate and key, read again when it changes.
    Certificate(PathBuf),
    /// A netrc file; hosts without an entry are visited anonymously.
    Netrc(PathBuf),
    /// A name and its password (RFC 7617), for the services that take them.
    Login {
        /// The name at CADC.
        user: String,
        /// Its password.
        password: Secret,
    },
}

impl Credentials {
    /// What they are, without any secret, and until when they are good where that can be told.
    ///
    /// # Errors
    /// When the certificate cannot be read or has expired.
    pub fn describe(&self) -> Result<(String, Option<Timestamp>)> {
        Ok(match self {
            Credentials::Anonymous => ("none: anonymous".to_owned(), None),
            Credentials::Token(_) => ("a bearer token".to_owned(), None),
            Credentials::TokenFile(path) => (format!("the bearer token in {}", path.display()), None),
            Credentials::Certificate(path) => {
                let certificate = certificate::load(path)?;
                (format!("the certificate {}", path.display()), Some(certificate.not_after()))
            }
            Credentials::Netrc(path) => (format!("names and passwords in {}", path.display()), None),
            Credentials::Login { user, .. } => (format!("the password of {user}"), None),
        })
    }
}

/// The credentials of one client, kept current.
#[derive(Debug)]
pub(crate) enum Authenticator {
    Anonymous,
    Token(HeaderValue),
    TokenFile(Watched<HeaderValue>),
    Certificate(Watched<Certificate>),
    Netrc(Watched<Logins>),
    Login(HeaderValue),
}

impl Authenticator {
    /// Reads what there is to read, so that a mistake shows at the start.
    pub(crate) fn new(credentials: &Credentials) -> Result<Self> {
        Ok(match credentials {
            Credentials::Anonymous => Authenticator::Anonymous,
            Credentials::Token(secret) => Authenticator::Token(token::header(secret, "the token")?),
            Credentials::TokenFile(path) => Authenticator::TokenFile(Watched::new(path, token::load)?),
            Credentials::Certificate(path) => Authenticator::Certificate(Watched::new(path, certificate::load)?),
            Credentials::Netrc(path) => Authenticator::Netrc(Watched::new(path, netrc::load)?),
            Credentials::Login { user, password } => Authenticator::Login(basic::header(user, password)?),
        })
    }

    /// `Authorization` for a request to this URL.
    pub(crate) fn header(&self, url: &Url) -> Option<HeaderValue> {
        match self {
            Authenticator::Anonymous | Authenticator::Certificate(_) => None,
            Authenticator::Token(header) | Authenticator::Login(header) => Some(header.clone()),
            Authenticator::TokenFile(file) => Some(file.get().1),
            Authenticator::Netrc(file) => file.get().1.header(url.host_str()?),
        }
    }

    /// The client certificate with a number that changes when the file does.
    ///
    /// # Errors
    /// When it has expired since: the service would only close the connection.
    pub(crate) fn certificate(&self) -> Result<Option<(u64, Certificate)>> {
        match self {
            Authenticator::Certificate(file) => {
                let (version, certificate) = file.get();
                certificate.check(file.path())?;
                Ok(Some((version, certificate)))
            }
            _ => Ok(None),
        }
    }

    /// Whether requests to these hosts carry no credentials. Only a netrc makes it depend on the host.
    pub(crate) fn is_anonymous<'a>(&self, mut hosts: impl Iterator<Item = &'a str>) -> bool {
        match self {
            Authenticator::Anonymous => true,
            Authenticator::Netrc(file) => {
                let logins = file.get().1;
                let mut any = false;
                let found = hosts.any(|host| {
                    any = true;
                    logins.header(host).is_some()
                });
                any && !found
            }
            _ => false,
        }
    }

    /// The security method that capabilities and transfers call it by.
    pub(crate) fn security_method(&self) -> Option<&'static str> {
        match self {
            Authenticator::Anonymous => None,
            Authenticator::Token(_) | Authenticator::TokenFile(_) => Some(SECURITY_TOKEN),
            Authenticator::Certificate(_) => Some(SECURITY_CERTIFICATE),
            Authenticator::Netrc(_) | Authenticator::Login(_) => Some(SECURITY_BASIC),
        }
    }
}

fn unusable(path: &Path, reason: impl fmt::Display, remedy: &str) -> Error {
    Error::Credentials { what: path.display().to_string(), reason: reason.to_string(), remedy: remedy.to_owned() }
}
