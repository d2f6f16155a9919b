//! Who the caller is: token, client certificate, name and password, cookie, or nobody.
//!
//! [`choose`] picks one kind from options, environment and the usual files, for every service that has none of its own in
//! the configuration ([`AuthSettings`]). `Authenticator` keeps either current: a file that is renewed is picked up at the
//! next request, without restart, and what can be asked for again is asked for when it ends or is refused.
//!
//! A credential never reaches a log (`Secret` and header values are redacted). Which host it may be sent to is decided
//! in `http`, not here.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, COOKIE, HeaderName, HeaderValue};
use reqwest::{StatusCode, Url};

use crate::node::Timestamp;
use crate::services::{AuthSettings, TokenSource};
use crate::xml::transfer::{SECURITY_BASIC, SECURITY_CERTIFICATE, SECURITY_COOKIE, SECURITY_TOKEN};
use crate::{Error, Result};

mod basic;
pub(crate) mod certificate;
mod choose;
mod form;
mod helper;
mod netrc;
pub(crate) mod oidc;
mod password;
mod private;
mod token;
mod watched;

pub use choose::{AuthOptions, choose};

use certificate::Certificate;
use form::Form;
use helper::Helper;
use netrc::Logins;
use oidc::Oidc;
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

/// One way to say who the caller is, at every service that has none of its own.
#[derive(Debug, Clone)]
#[non_exhaustive]
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
        /// The name.
        user: String,
        /// Its password.
        password: Secret,
    },
    /// Those that were meant and cannot be used, which matters to services without their own only.
    Unusable(Error),
}

/// Credentials as a person is told of them: no secret is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What they are.
    pub what: String,
    /// Until when they are good, where that can be told and nothing renews them.
    pub until: Option<Timestamp>,
    /// What to do when they end.
    pub renewal: String,
}

/// How long a refusal stands for what it says when something was just had anew because of one: a service that refuses
/// whatever it is shown must not have a program run, an issuer asked or a form sent for every request.
const BELIEVED: Duration = Duration::from_secs(60);

/// What goes along with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proof {
    pub(crate) name: HeaderName,
    pub(crate) value: HeaderValue,
    /// The token in it.
    token: Option<Secret>,
}

impl Proof {
    fn new(name: HeaderName, value: HeaderValue) -> Self {
        Proof { name, value, token: None }
    }

    fn of_token(name: &HeaderName, token: Secret) -> Result<Self> {
        let value = token::header(name, &token)?;
        Ok(Proof { name: name.clone(), value, token: Some(token) })
    }
}

/// The credentials for some services, kept current.
#[derive(Debug)]
pub(crate) enum Authenticator {
    Anonymous,
    Token(Secret),
    TokenFile(Watched<Secret>, HeaderName),
    Helper(Helper, HeaderName),
    Oidc(Arc<Oidc>),
    Certificate(Watched<Certificate>),
    Netrc(Watched<Logins>),
    Login { user: String, header: HeaderValue },
    Password { user: String, file: Watched<Secret> },
    Form(Form),
}

impl Authenticator {
    /// Reads what there is to read, so that a mistake shows at the start.
    pub(crate) fn new(credentials: &Credentials) -> Result<Self> {
        Ok(match credentials {
            Credentials::Anonymous => Authenticator::Anonymous,
            Credentials::Unusable(error) => return Err(error.clone()),
            Credentials::Token(secret) => {
                token::check(secret, "the token")?;
                Authenticator::Token(secret.clone())
            }
            Credentials::TokenFile(path) => Authenticator::TokenFile(Watched::new(path, token::load)?, AUTHORIZATION),
            Credentials::Certificate(path) => Authenticator::Certificate(Watched::new(path, certificate::load)?),
            Credentials::Netrc(path) => Authenticator::Netrc(Watched::new(path, netrc::load)?),
            Credentials::Login { user, password } => {
                Authenticator::Login { user: user.clone(), header: basic::header(user, password)? }
            }
        })
    }

    /// Those that the configuration has for a service. `client` asks for what has to be asked for; it carries nothing.
    pub(crate) fn of_service(settings: &AuthSettings, client: &reqwest::Client) -> Result<Self> {
        Ok(match settings {
            AuthSettings::Anonymous => Authenticator::Anonymous,
            AuthSettings::Token { source, header } => {
                let name = match header {
                    None => AUTHORIZATION,
                    Some(name) => HeaderName::try_from(name).map_err(|error| Error::Credentials {
                        what: format!("the header {name}"),
                        reason: error.to_string(),
                        remedy: "give the name of a header".to_owned(),
                    })?,
                };
                match source {
                    TokenSource::File(path) => Authenticator::TokenFile(Watched::new(path, token::load_private)?, name),
                    TokenSource::Command { words, limit } => Authenticator::Helper(Helper::new(words, *limit), name),
                }
            }
            AuthSettings::Oidc(oidc) => Authenticator::Oidc(Arc::new(Oidc::new(oidc, client.clone()))),
            AuthSettings::Certificate { file } => Authenticator::Certificate(Watched::new(file, certificate::load)?),
            AuthSettings::Basic { user, password_file } => {
                let file = Watched::new(password_file, password::load)?;
                basic::header(user, &file.get().1)?;
                Authenticator::Password { user: user.clone(), file }
            }
            AuthSettings::Cookie(form) => Authenticator::Form(Form::new(form, client.clone())),
        })
    }

    /// What a request to this URL carries. May take a while: a program is run, an issuer asked.
    ///
    /// # Errors
    /// When there should be something, and there is not.
    pub(crate) async fn proof(&self, url: &Url) -> Result<Option<Proof>> {
        Ok(match self {
            Authenticator::Anonymous | Authenticator::Certificate(_) => None,
            Authenticator::Token(token) => Some(Proof::of_token(&AUTHORIZATION, token.clone())?),
            Authenticator::TokenFile(file, name) => Some(Proof::of_token(name, file.get().1)?),
            Authenticator::Helper(helper, name) => Some(Proof::of_token(name, helper.token().await?)?),
            Authenticator::Oidc(oidc) => Some(Proof::of_token(&AUTHORIZATION, oidc.token().await?)?),
            Authenticator::Login { header, .. } => Some(Proof::new(AUTHORIZATION, header.clone())),
            Authenticator::Password { user, file } => {
                Some(Proof::new(AUTHORIZATION, basic::header(user, &file.get().1)?))
            }
            Authenticator::Form(form) => Some(Proof::new(COOKIE, form.cookie().await?)),
            Authenticator::Netrc(file) => {
                let host = url.host_str().zip(url.port_or_known_default());
                let header = host.and_then(|(host, port)| file.get().1.header(host, port));
                header.map(|header| Proof::new(AUTHORIZATION, header))
            }
        })
    }

    /// The service refused this with such a status. Whatever can be had anew is had anew by the next [`Authenticator::proof`].
    pub(crate) async fn refused(&self, proof: &Proof, status: StatusCode) {
        match (self, &proof.token) {
            (Authenticator::Form(form), _) => form.forget(&proof.value, status).await,
            // Who may not, may not with another token either.
            _ if status != StatusCode::UNAUTHORIZED => {}
            (Authenticator::Helper(helper, _), Some(token)) => helper.forget(token).await,
            (Authenticator::Oidc(oidc), Some(token)) => oidc.forget(token),
            _ => {}
        }
    }

    /// What they are, and until when they are good.
    ///
    /// # Errors
    /// When they cannot be used: a certificate that has expired, a log-in that has ended.
    pub(crate) fn standing(&self) -> Result<Standing> {
        let in_file = |what: &str, path: &Path| format!("{what} {}", path.display());
        let (what, until) = match self {
            Authenticator::Anonymous => ("none: anonymous".to_owned(), None),
            Authenticator::Token(token) => ("a bearer token".to_owned(), token::expiry(token)),
            Authenticator::TokenFile(file, _) => {
                (in_file("the bearer token in", file.path()), token::expiry(&file.get().1))
            }
            Authenticator::Helper(helper, _) => {
                let ends =
                    helper.until().map(|until| format!(", whose present one ends at {until}")).unwrap_or_default();
                (format!("the token that {} prints{ends}", helper.program()), None)
            }
            Authenticator::Oidc(oidc) => oidc.describe()?,
            Authenticator::Certificate(file) => {
                let certificate = file.get().1;
                certificate.check(file.path())?;
                (in_file("the certificate", file.path()), Some(certificate.not_after()))
            }
            Authenticator::Netrc(file) => (in_file("names and passwords in", file.path()), None),
            Authenticator::Login { user, .. } | Authenticator::Password { user, .. } => {
                (format!("the password of {user}"), None)
            }
            Authenticator::Form(form) => {
                let settings = form.settings();
                (format!("a session of {} at {}", settings.user, settings.login_url), None)
            }
        };
        Ok(Standing { what, until, renewal: self.renewal() })
    }

    fn renewal(&self) -> String {
        match self {
            Authenticator::Certificate(_) => "run: cadc-get-cert -u <user>".to_owned(),
            Authenticator::TokenFile(file, _) => format!("put a new token into {}", file.path().display()),
            Authenticator::Token(_) => {
                "start again with a new token; one in a file (VOSPACE_TOKEN_FILE) is read again when it changes"
                    .to_owned()
            }
            Authenticator::Netrc(file) => format!("write the new password into {}", file.path().display()),
            Authenticator::Password { file, .. } => format!("write the new password into {}", file.path().display()),
            Authenticator::Oidc(oidc) => oidc.renewal(),
            Authenticator::Helper(helper, _) => format!("see to what {} prints", helper.program()),
            Authenticator::Form(form) => {
                format!("write the new password into {}", form.settings().password_file.display())
            }
            Authenticator::Anonymous | Authenticator::Login { .. } => "start again with new ones".to_owned(),
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
    pub(crate) fn is_anonymous<'a>(&self, mut hosts: impl Iterator<Item = (&'a str, u16)>) -> bool {
        match self {
            Authenticator::Anonymous => true,
            Authenticator::Netrc(file) => {
                let logins = file.get().1;
                let mut any = false;
                let found = hosts.any(|(host, port)| {
                    any = true;
                    logins.header(host, port).is_some()
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
            Authenticator::Token(_) | Authenticator::Oidc(_) => Some(SECURITY_TOKEN),
            // A header of another name has no name there.
            Authenticator::TokenFile(_, name) | Authenticator::Helper(_, name) => {
                (*name == AUTHORIZATION).then_some(SECURITY_TOKEN)
            }
            Authenticator::Certificate(_) => Some(SECURITY_CERTIFICATE),
            Authenticator::Netrc(_) | Authenticator::Login { .. } | Authenticator::Password { .. } => {
                Some(SECURITY_BASIC)
            }
            Authenticator::Form(_) => Some(SECURITY_COOKIE),
        }
    }
}

fn unusable(path: &Path, reason: impl fmt::Display, remedy: &str) -> Error {
    Error::Credentials { what: path.display().to_string(), reason: reason.to_string(), remedy: remedy.to_owned() }
}
