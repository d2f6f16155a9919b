//! Logging in at an issuer, and out: OAuth 2.0 Device Authorization Grant (RFC 8628).
//!
//! For programs that talk to a person: [`begin`] gives what to show, [`Pending::finish`] waits for the person.
//!
//! ```
//! use vospace_client::services::AuthSettings;
//! use vospace_client::{ClientConfig, login};
//!
//! async fn log_in(config: &ClientConfig) -> vospace_client::Result<()> {
//!     for service in &config.services {
//!         let Some(AuthSettings::Oidc(oidc)) = &service.auth else { continue };
//!         let pending = login::begin(config, oidc).await?;
//!         println!("{}: open {} and enter {}", service.name, pending.url(), pending.code());
//!         let (_until, is_renewed) = pending.finish().await?;
//!         assert!(is_renewed);
//!     }
//!     Ok(())
//! }
//!
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/stub.rs"));
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let issuer = answering(&[
//! #     ("GET /.well-known/openid-configuration", 200, r#"{"issuer": "BASE", "token_endpoint": "BASE/token",
//! #         "device_authorization_endpoint": "BASE/device"}"#),
//! #     ("POST /device", 200, r#"{"device_code": "d", "user_code": "ABCD", "verification_uri": "BASE/enter",
//! #         "expires_in": 60, "interval": 1}"#),
//! #     ("POST /token", 200, r#"{"access_token": "a", "refresh_token": "r", "token_type": "Bearer", "expires_in": 60}"#),
//! # ]);
//! # let home = tempfile::tempdir()?;
//! # let tokens = home.path().join("tokens.json");
//! # std::fs::write(home.path().join("config.toml"), format!("[service.lab]\nresource-id = \"ivo://lab.example/vospace\"\n\
//! #     auth = {{ scheme = \"oidc\", issuer = \"{issuer}\", client-id = \"me\", token-file = \"{}\" }}\n", tokens.display()))?;
//! # let services = vospace_client::services::load_from(&[home.path().join("config.toml")])?;
//! # let config = ClientConfig { services, ..ClientConfig::default() };
//! log_in(&config).await?;
//! assert!(tokens.exists(), "they are kept, and used by all programs of this user");
//! # Ok(())
//! # }
//! ```

use std::time::Duration;

use crate::Result;
use crate::auth::oidc::issuer::{DeviceCode, Issuer};
use crate::auth::oidc::store;
use crate::config::ClientConfig;
use crate::http::trust;
use crate::node::Timestamp;
use crate::services::OidcSettings;

/// A log-in that waits for a person.
#[derive(Debug)]
pub struct Pending {
    settings: OidcSettings,
    issuer: Issuer,
    begun: DeviceCode,
}

/// What became of a log-in that was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// There was none.
    None,
    /// The tokens are removed, and the issuer knows.
    Everywhere,
    /// The tokens are removed; the issuer has no means to be told, or did not take it.
    Here,
}

/// Asks the issuer for a code.
///
/// # Errors
/// When the issuer does not answer, has no such log-in, or does not want this client.
pub async fn begin(config: &ClientConfig, settings: &OidcSettings) -> Result<Pending> {
    let client = trust::Settings::new(config)?.client(None)?;
    let issuer = Issuer::find(settings, &client).await?;
    let begun = issuer.begin().await?;
    Ok(Pending { settings: settings.clone(), issuer, begun })
}

impl Pending {
    /// Where the person goes.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.begun.verification_uri
    }

    /// What the person enters there.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.begun.user_code
    }

    /// The same address with the code in it, where the issuer has such.
    #[must_use]
    pub fn url_with_code(&self) -> Option<&str> {
        self.begun.verification_uri_complete.as_deref()
    }

    /// How long the code is good.
    #[must_use]
    pub fn expires_in(&self) -> Duration {
        Duration::from_secs(self.begun.expires_in)
    }

    /// Waits until the person has decided, and keeps the tokens. Gives the end of the access token where that is known, and
    /// whether it can be renewed.
    ///
    /// # Errors
    /// When the person refused or took too long, or the tokens cannot be kept.
    pub async fn finish(self) -> Result<(Option<Timestamp>, bool)> {
        let tokens = self.issuer.finish(&self.begun).await?;
        let _held = store::lock(&self.settings.token_file).await?;
        store::write(&self.settings.token_file, &tokens)?;
        Ok((tokens.until(), tokens.refresh_token.is_some()))
    }
}

/// Removes the tokens, and has the issuer forget them.
///
/// # Errors
/// When the tokens cannot be removed.
pub async fn end(config: &ClientConfig, settings: &OidcSettings) -> Result<Ended> {
    let _held = store::lock(&settings.token_file).await?;
    // What cannot be read cannot be told to the issuer either, and goes all the same.
    let tokens = store::read(&settings.token_file).unwrap_or_default();
    let revoked = match &tokens {
        None => false,
        Some(tokens) => {
            let client = trust::Settings::new(config)?.client(None)?;
            let told = async { Issuer::find(settings, &client).await?.revoke(tokens).await };
            told.await.unwrap_or_else(|error| {
                tracing::warn!("{error}; the tokens are removed here and end at the issuer by themselves");
                false
            })
        }
    };
    Ok(match (store::remove(&settings.token_file)?, revoked) {
        (false, _) => Ended::None,
        (true, true) => Ended::Everywhere,
        (true, false) => Ended::Here,
    })
}
