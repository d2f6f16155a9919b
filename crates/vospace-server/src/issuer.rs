//! The OIDC issuer: whose a token is, where tokens are those of somebody else.
//!
//! The service asks as the identity manager of an SRCNet site does: what the discovery document of the issuer names as
//! `userinfo_endpoint` is asked with the token of the request, each time. A token that the issuer does not take is not good
//! (401); an issuer that does not answer is a failure of the service (500), and says nothing of the token. Tokens are never
//! kept and never logged.

use crate::fault::{Fault, FaultKind};
use crate::identity::Caller;
use parking_lot::Mutex;
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

/// Where an issuer says what it has (OpenID Connect Discovery 1.0 §4).
const DISCOVERY: &str = "/.well-known/openid-configuration";

/// How long an issuer may take for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// An issuer of tokens.
#[derive(Debug)]
pub struct Issuer {
    url: String,
    http: Client,
    /// Known from the first question on.
    userinfo: Mutex<Option<String>>,
}

#[derive(Deserialize)]
struct Discovery {
    userinfo_endpoint: String,
}

#[derive(Deserialize)]
struct UserInfo {
    sub: String,
    preferred_username: Option<String>,
}

impl Issuer {
    /// The issuer at this URL; nothing is asked yet.
    ///
    /// # Errors
    /// Why the HTTP client cannot be set up.
    pub fn new(url: &str) -> Result<Issuer, String> {
        // A second installation is refused, and the first one is the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder().timeout(PATIENCE).build().map_err(|error| error.to_string())?;
        Ok(Issuer { url: url.trim_end_matches('/').to_owned(), http, userinfo: Mutex::new(None) })
    }

    /// Whose token this is.
    ///
    /// # Errors
    /// 401 if the issuer does not take it, 500 if it does not answer.
    pub async fn caller(&self, token: &str) -> Result<Caller, Fault> {
        let endpoint = self.userinfo().await?;
        let answer = self.http.get(&endpoint).bearer_auth(token).send().await.map_err(|error| self.silent(&error))?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                return Err(Fault::new(FaultKind::NotAuthenticated, "invalid token"));
            }
            other => return Err(self.silent(&other)),
        }
        let text = answer.bytes().await.map_err(|error| self.silent(&error))?;
        let user: UserInfo = serde_json::from_slice(&text).map_err(|error| self.silent(&error))?;
        Ok(Caller::User(Arc::from(user.preferred_username.unwrap_or(user.sub))))
    }

    async fn userinfo(&self) -> Result<String, Fault> {
        if let Some(known) = self.userinfo.lock().clone() {
            return Ok(known);
        }
        let answer = self.http.get(format!("{}{DISCOVERY}", self.url)).send().await;
        let answer = answer.and_then(reqwest::Response::error_for_status).map_err(|error| self.silent(&error))?;
        let text = answer.bytes().await.map_err(|error| self.silent(&error))?;
        let found: Discovery = serde_json::from_slice(&text).map_err(|error| self.silent(&error))?;
        *self.userinfo.lock() = Some(found.userinfo_endpoint.clone());
        Ok(found.userinfo_endpoint)
    }

    fn silent(&self, cause: &impl Display) -> Fault {
        Fault::internal(format!("the issuer {} does not answer: {cause}", self.url))
    }
}
