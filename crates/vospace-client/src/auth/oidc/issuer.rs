//! Requests to an issuer: what it offers (OpenID Connect Discovery 1.0 §4), log-in by a code on another device (RFC 8628),
//! renewal (RFC 6749 §6), and the end of it (RFC 7009).
//!
//! Four forms with answers of a few fields. (The crates that know the whole of OAuth bring other versions of half of what is
//! linked here, and an RSA implementation for ID tokens; no ID token is looked at here: who the caller is, the service says.)
//! What an issuer says in an error is shown; what is in a token never is.

use std::time::Duration;

use reqwest::{RequestBuilder, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::store::Tokens;
use crate::auth::{Secret, password};
use crate::error::causes;
use crate::node::Timestamp;
use crate::plain::Plain;
use crate::services::OidcSettings;
use crate::{Error, ErrorKind, Result};

/// How long one request to an issuer may take.
const LIMIT: Duration = Duration::from_secs(30);

/// Largest answer of an issuer.
const MOST: usize = 1 << 20;

/// Between two questions whether the person has decided, where the issuer does not say (RFC 8628 §3.2), and how much longer
/// after `slow_down` or no answer (§3.5).
const INTERVAL: u64 = 5;
const SLOWER: u64 = 5;

/// The grant of RFC 8628 §3.4.
const BY_DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// What an issuer says of itself, as far as it is used.
#[derive(Debug, Deserialize)]
struct Metadata {
    issuer: String,
    token_endpoint: Address,
    device_authorization_endpoint: Option<Address>,
    revocation_endpoint: Option<Address>,
    scopes_supported: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Address(Url);

impl TryFrom<String> for Address {
    type Error = url::ParseError;

    fn try_from(text: String) -> Result<Self, url::ParseError> {
        Url::parse(&text).map(Address)
    }
}

/// A log-in that waits for a person (RFC 8628 §3.2).
#[derive(Deserialize)]
pub(crate) struct DeviceCode {
    device_code: String,
    pub(crate) user_code: String,
    #[serde(alias = "verification_url")]
    pub(crate) verification_uri: String,
    pub(crate) verification_uri_complete: Option<String>,
    /// Seconds.
    pub(crate) expires_in: u64,
    interval: Option<u64>,
}

impl std::fmt::Debug for DeviceCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeviceCode").field("user_code", &self.user_code).finish_non_exhaustive()
    }
}

/// RFC 6749 §5.1.
#[derive(Deserialize)]
struct Given {
    access_token: String,
    refresh_token: Option<String>,
    expires_in: Option<i64>,
}

/// RFC 6749 §5.2.
#[derive(Debug, Deserialize)]
struct Refusal {
    error: String,
    error_description: Option<String>,
}

/// Why there is no good answer.
enum Failed {
    /// The issuer said so.
    Refused(Refusal),
    Other(Error),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Issuer {
    settings: OidcSettings,
    secret: Option<Secret>,
    metadata: Metadata,
    client: reqwest::Client,
}

impl Issuer {
    /// Asks it what it offers.
    ///
    /// # Errors
    /// When it does not answer, or with something else.
    pub(crate) async fn find(settings: &OidcSettings, client: &reqwest::Client) -> Result<Self> {
        let secret = settings.client_secret_file.as_deref().map(password::load).transpose()?;
        let metadata = metadata(&settings.issuer, client).await?;
        Ok(Issuer { settings: settings.clone(), secret, metadata, client: client.clone() })
    }

    /// Asks for a code that a person enters on another device.
    ///
    /// # Errors
    /// When the issuer has no such log-in, or does not want this client.
    pub(crate) async fn begin(&self) -> Result<DeviceCode> {
        let Some(Address(url)) = &self.metadata.device_authorization_endpoint else {
            let text = "the issuer has no log-in by a code (RFC 8628)";
            return Err(Error::node(ErrorKind::Unsupported, &self.settings.issuer, text));
        };
        // Some refuse what they do not know.
        let offered = |word: &&str| {
            self.metadata.scopes_supported.as_ref().is_none_or(|all| all.iter().any(|known| known == word))
        };
        let scope = self.settings.scope.split_whitespace().filter(offered).collect::<Vec<_>>().join(" ");
        self.ask(url, &[("scope", &scope)]).await.map_err(|failed| self.explain(failed))
    }

    /// Waits until the person has decided.
    ///
    /// # Errors
    /// When the person refused, or took too long.
    pub(crate) async fn finish(&self, begun: &DeviceCode) -> Result<Tokens> {
        let mut interval = begun.interval.unwrap_or(INTERVAL);
        // One more question after the end, so that the issuer says whether it was in time.
        let limit = Duration::from_secs(begun.expires_in.saturating_add(interval + SLOWER));
        let late = || self.not_logged_in("the code has expired before it was entered");
        let fields = [("grant_type", BY_DEVICE), ("device_code", &begun.device_code)];
        let work = async {
            loop {
                tokio::time::sleep(Duration::from_secs(interval)).await;
                let refusal = match self.ask::<Given>(&self.metadata.token_endpoint.0, &fields).await {
                    Ok(given) => return Ok(tokens(given, None)),
                    Err(Failed::Other(error)) if error.is_transient() => {
                        tracing::debug!("asked again later: {error}");
                        interval += SLOWER;
                        continue;
                    }
                    Err(Failed::Other(error)) => return Err(error),
                    Err(Failed::Refused(refusal)) => refusal,
                };
                match refusal.error.as_str() {
                    "authorization_pending" => {}
                    "slow_down" => interval += SLOWER,
                    "access_denied" => return Err(self.not_logged_in("the log-in was refused there")),
                    "expired_token" => return Err(late()),
                    _ => return Err(self.explain(Failed::Refused(refusal))),
                }
            }
        };
        tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(late()))
    }

    /// A new access token. The one that renewed it may be used up: the answer has the one that counts from now on.
    ///
    /// # Errors
    /// `Certificate` when the log-in has ended; all else may pass.
    pub(crate) async fn renew(&self, refresh: &str) -> Result<Tokens> {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
        match self.ask(&self.metadata.token_endpoint.0, &fields).await {
            Ok(given) => Ok(tokens(given, Some(refresh))),
            Err(Failed::Refused(refusal)) if refusal.error == "invalid_grant" => {
                Err(ended(&self.settings, refusal.error_description.as_deref()))
            }
            Err(failed) => Err(self.explain(failed)),
        }
    }

    /// Ends a log-in at the issuer; false where it has no means for that.
    ///
    /// # Errors
    /// When it does not answer that it did.
    pub(crate) async fn revoke(&self, tokens: &Tokens) -> Result<bool> {
        let Some(Address(url)) = &self.metadata.revocation_endpoint else { return Ok(false) };
        // The token that renews takes those that came of it with it (RFC 7009 §2.1).
        let (token, hint) = match &tokens.refresh_token {
            Some(refresh) => (refresh.as_str(), "refresh_token"),
            None => (tokens.access_token.as_str(), "access_token"),
        };
        let (status, _) = fetch(url, self.form(url, &[("token", token), ("token_type_hint", hint)])).await?;
        if status.is_success() {
            return Ok(true);
        }
        Err(Error::node(ErrorKind::Service, url, format!("the issuer answered the end of the log-in with {status}")))
    }

    /// A form with what says which client asks: by its secret, if it has one (RFC 6749 §2.3.1), else by its name.
    fn form(&self, url: &Url, fields: &[(&str, &str)]) -> RequestBuilder {
        let client_id = self.settings.client_id.as_str();
        let request = self.client.post(url.clone());
        match &self.secret {
            Some(secret) => request.basic_auth(client_id, Some(secret.expose())).form(fields),
            None => request.form(&[fields, &[("client_id", client_id)]].concat()),
        }
    }

    async fn ask<T: DeserializeOwned>(&self, url: &Url, fields: &[(&str, &str)]) -> Result<T, Failed> {
        let (status, body) = fetch(url, self.form(url, fields)).await.map_err(Failed::Other)?;
        let nonsense = |kind: ErrorKind| {
            // The text of a broken answer may hold a token.
            Failed::Other(Error::node(kind, url, format!("an answer of the issuer makes no sense ({status})")))
        };
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|_| nonsense(ErrorKind::Protocol));
        }
        match serde_json::from_slice(&body) {
            Ok(refusal) if status.is_client_error() => Err(Failed::Refused(refusal)),
            _ if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                Err(nonsense(ErrorKind::Service))
            }
            _ => Err(nonsense(ErrorKind::Protocol)),
        }
    }

    fn explain(&self, failed: Failed) -> Error {
        let refusal = match failed {
            Failed::Other(error) => return error,
            Failed::Refused(refusal) => refusal,
        };
        let more = refusal.error_description.map(|more| format!(": {more}")).unwrap_or_default();
        Error::Credentials {
            what: self.settings.issuer.to_string(),
            reason: format!("the issuer refuses: {}", Plain(&format!("{}{more}", refusal.error))),
            remedy: format!("check client-id and scope in [service.{}.auth]", self.settings.service),
        }
    }

    fn not_logged_in(&self, reason: &str) -> Error {
        not_logged_in(&self.settings, reason)
    }
}

/// There is no log-in, or none any more.
pub(crate) fn not_logged_in(OidcSettings { service, issuer, .. }: &OidcSettings, reason: &str) -> Error {
    Error::Credentials {
        what: format!("{service}: the log-in at {issuer}"),
        reason: reason.to_owned(),
        remedy: format!("run: vospace login {service}"),
    }
}

/// The issuer does not renew it.
pub(crate) fn ended(settings: &OidcSettings, said: Option<&str>) -> Error {
    let said = said.map(|said| format!(" ({})", Plain(said))).unwrap_or_default();
    not_logged_in(settings, &format!("it has ended{said}"))
}

/// What the answer holds. One without a token for renewing means that the present one stays (RFC 6749 §6).
fn tokens(given: Given, present: Option<&str>) -> Tokens {
    let now = Timestamp::now().as_second();
    Tokens {
        access_token: given.access_token,
        refresh_token: given.refresh_token.or_else(|| present.map(str::to_owned)),
        expires_at: given.expires_in.map(|life| now.saturating_add(life)),
        obtained_at: Some(now),
    }
}

async fn metadata(issuer: &Url, client: &reqwest::Client) -> Result<Metadata> {
    let base = issuer.as_str().trim_end_matches('/');
    let strange = |reason: String| Error::Credentials {
        what: issuer.to_string(),
        reason,
        remedy: "check the issuer in the configuration".to_owned(),
    };
    let text = format!("{base}/.well-known/openid-configuration");
    let url = Url::parse(&text).map_err(|error| strange(error.to_string()))?;
    let (status, body) = fetch(&url, client.get(url.clone())).await?;
    if status != StatusCode::OK {
        let answered = format!("{url} was answered with {status}");
        return Err(match status.is_server_error() {
            true => Error::node(ErrorKind::Service, issuer, answered),
            false => strange(answered),
        });
    }
    let metadata: Metadata = serde_json::from_slice(&body)
        .map_err(|error| strange(format!("{url} is no description of an issuer: {error}")))?;
    // Another issuer's addresses would get this one's tokens (Discovery §4.3).
    if metadata.issuer.trim_end_matches('/') != base {
        return Err(strange(format!("it says that it is {}", Plain(&metadata.issuer))));
    }
    let Metadata { token_endpoint, device_authorization_endpoint, revocation_endpoint, .. } = &metadata;
    let others = [device_authorization_endpoint, revocation_endpoint].into_iter().flatten();
    let is_plain = |Address(url): &&Address| url.scheme() != "https" && issuer.scheme() == "https";
    if let Some(Address(plain)) = std::iter::once(token_endpoint).chain(others).find(is_plain) {
        return Err(strange(format!("it is https, and names {plain}, which is not")));
    }
    Ok(metadata)
}

/// Status and body of an answer. Redirects are answers: what is sent is for this address alone.
async fn fetch(url: &Url, request: RequestBuilder) -> Result<(StatusCode, Vec<u8>)> {
    let fail = |error: reqwest::Error| {
        let kind = if error.is_timeout() { ErrorKind::Timeout } else { ErrorKind::Unreachable };
        Error::node(kind, url, format!("the issuer does not answer: {}", causes(&error.without_url())))
    };
    let request = request.header(reqwest::header::ACCEPT, "application/json").timeout(LIMIT);
    let mut answer = request.send().await.map_err(fail)?;
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(fail)? {
        body.extend_from_slice(&chunk);
        if body.len() > MOST {
            return Err(Error::node(ErrorKind::Protocol, url, "the answer of the issuer is too large"));
        }
    }
    Ok((answer.status(), body))
}
