//! An access token of an OpenID Connect issuer, kept current.
//!
//! `vospace login` puts tokens into a file; here they are read, and renewed shortly before the access token ends or when it
//! was refused. Whatever another program writes to the file is used from the next request on.
//!
//! Invariants: of the programs of a user one renews at a time (`store`), and a renewal that was begun goes on to the end
//! when nobody waits for it any more, for the token that renews may be good for one use.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::{BELIEVED, Secret, token};
use crate::node::Timestamp;
use crate::services::OidcSettings;
use crate::{Error, ErrorKind, Result};

pub(crate) mod issuer;
pub(crate) mod store;

use issuer::Issuer;
use store::Tokens;

/// How long a failure to renew is believed.
const PAUSE: Duration = Duration::from_secs(5);

/// See the module.
#[derive(Debug)]
pub(crate) struct Oidc {
    settings: OidcSettings,
    client: reqwest::Client,
    /// An access token that a service refused, though it should be good, and when.
    refused: Mutex<Option<(Instant, Secret)>>,
    failure: Mutex<Option<Failure>>,
    renewing: tokio::sync::Mutex<()>,
}

/// A renewal that did not work.
#[derive(Debug, Clone)]
struct Failure {
    at: Instant,
    /// What was to be renewed: of a new log-in it says nothing.
    tokens: Tokens,
    error: Error,
}

impl Oidc {
    pub(super) fn new(settings: &OidcSettings, client: reqwest::Client) -> Self {
        Oidc {
            settings: settings.clone(),
            client,
            refused: Mutex::default(),
            failure: Mutex::default(),
            renewing: tokio::sync::Mutex::default(),
        }
    }

    /// What it is, and until when it is good if nothing renews it.
    pub(super) fn describe(&self) -> Result<(String, Option<Timestamp>)> {
        let tokens = self.read()?;
        if let Some(failure) = &*self.failure.lock()
            && failure.tokens == tokens
            && failure.error.kind() == ErrorKind::Certificate
        {
            return Err(failure.error.clone());
        }
        let what = format!("the log-in at {}", self.settings.issuer);
        let until = tokens.until();
        Ok(match until {
            Some(until) if tokens.refresh_token.is_some() => {
                (format!("{what}, whose access token ends at {until} and is renewed before"), None)
            }
            until => (what, until),
        })
    }

    /// What to do when it ends.
    pub(super) fn renewal(&self) -> String {
        format!("run: vospace login {}", self.settings.service)
    }

    /// An access token that is good as far as can be told.
    pub(super) async fn token(self: &Arc<Self>) -> Result<Secret> {
        let tokens = self.read()?;
        if self.serves(&tokens) {
            return Ok(tokens.access());
        }
        let this = Arc::clone(self);
        let renewal = tokio::spawn(async move { this.renew().await });
        renewal
            .await
            .unwrap_or_else(|error| Err(Error::node(ErrorKind::Service, &self.settings.issuer, error.to_string())))
    }

    /// A service refused this one.
    pub(super) fn forget(&self, refused: &Secret) {
        let mut last = self.refused.lock();
        if last.as_ref().is_none_or(|(at, _)| at.elapsed() >= BELIEVED) {
            *last = Some((Instant::now(), refused.clone()));
        }
    }

    fn read(&self) -> Result<Tokens> {
        let tokens = store::read(&self.settings.token_file)?;
        tokens.ok_or_else(|| issuer::not_logged_in(&self.settings, "there is none"))
    }

    /// Whether requests may go on with these.
    fn serves(&self, tokens: &Tokens) -> bool {
        !self.is_refused(tokens) && token::lasts(tokens.until(), tokens.margin())
    }

    fn is_refused(&self, tokens: &Tokens) -> bool {
        self.refused.lock().as_ref().is_some_and(|(_, refused)| *refused == tokens.access())
    }

    async fn renew(&self) -> Result<Secret> {
        let _alone = self.renewing.lock().await;
        let lock = store::lock(&self.settings.token_file).await;
        // Another task, or another program, may have renewed meanwhile.
        let tokens = self.read()?;
        if self.serves(&tokens) {
            return Ok(tokens.access());
        }
        let recent = self.failure.lock().clone();
        let recent = recent.filter(|failure| failure.tokens == tokens && failure.at.elapsed() < PAUSE);
        let result = match (recent, lock) {
            (Some(Failure { error, .. }), _) | (None, Err(error)) => Err(error),
            (None, Ok(_held)) => {
                let result = self.exchange(&tokens).await;
                let failed =
                    |error: &Error| Failure { at: Instant::now(), tokens: tokens.clone(), error: error.clone() };
                *self.failure.lock() = result.as_ref().err().map(failed);
                result
            }
        };
        let still_good = !self.is_refused(&tokens) && token::lasts(tokens.until(), Duration::ZERO);
        match result {
            Err(error) if still_good => {
                tracing::warn!("{error}; the access token is good for a moment yet and stays in use");
                Ok(tokens.access())
            }
            result => result,
        }
    }

    async fn exchange(&self, tokens: &Tokens) -> Result<Secret> {
        let OidcSettings { issuer, token_file, .. } = &self.settings;
        let Some(refresh) = &tokens.refresh_token else {
            return Err(issuer::ended(&self.settings, Some("the issuer gave nothing to renew it with")));
        };
        let new = Issuer::find(&self.settings, &self.client).await?.renew(refresh).await?;
        store::write(token_file, &new)?;
        tracing::info!("the access token of {issuer} was renewed");
        Ok(new.access())
    }
}

#[cfg(test)]
mod tests;
