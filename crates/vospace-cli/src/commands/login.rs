//! `vospace login` and `vospace logout`: the tokens of a service whose callers an OpenID Connect issuer knows.
//!
//! The person logs in with a browser, on this machine or any other; here only a code is shown and waited for.

use std::io::Write as _;

use anyhow::Context as _;
use clap::Args;
use vospace_client::login::{self, Ended};
use vospace_client::services::{self, AuthSettings, OidcSettings, ServiceSettings};
use vospace_client::{ClientConfig, Credentials};

use crate::common::Common;
use crate::output::{self, Status};
use crate::session;

/// Options of `login`.
#[derive(Debug, Args)]
pub(crate) struct LoginArgs {
    /// The service, by its name or prefix in ~/.config/vofs/config.toml
    service: String,
}

/// Options of `logout`.
#[derive(Debug, Args)]
pub(crate) struct LogoutArgs {
    /// The service, by its name or prefix in ~/.config/vofs/config.toml
    service: String,
}

/// Shows where to log in, and waits for it.
pub(crate) async fn run(common: &Common, args: &LoginArgs) -> anyhow::Result<Status> {
    let (config, settings) = settings(common, &args.service)?;
    let pending = login::begin(&config, &settings).await?;
    let (url, code) = (output::shown(pending.url()), output::shown(pending.code()));
    let mut out = std::io::stdout();
    writeln!(out, "Open {url} on any device and enter the code {code}")?;
    if let Some(whole) = pending.url_with_code() {
        writeln!(out, "or open {}", output::shown(whole))?;
    }
    writeln!(out, "Waiting for it; the code is good for {} s", pending.expires_in().as_secs())?;
    let (until, renewed) = pending.finish().await?;
    let until = until.map(|until| format!("; the access token ends at {until}")).unwrap_or_default();
    let renewed = if renewed { ", and is renewed by itself" } else { "" };
    writeln!(out, "Logged in to {}{until}{renewed}", settings.service)?;
    Ok(Status::Done)
}

/// Removes the tokens here and at the issuer.
pub(crate) async fn end(common: &Common, args: &LogoutArgs) -> anyhow::Result<Status> {
    let (config, settings) = settings(common, &args.service)?;
    let text = match login::end(&config, &settings).await? {
        Ended::None => "there was no log-in",
        Ended::Everywhere => "logged out",
        Ended::Here => "the tokens are removed; at the issuer they end by themselves",
    };
    writeln!(std::io::stdout(), "{}: {text}", settings.service)?;
    Ok(Status::Done)
}

/// The issuer of the service that is meant.
fn settings(common: &Common, name: &str) -> anyhow::Result<(ClientConfig, OidcSettings)> {
    let services = services::load()?;
    let wanted = name.trim_end_matches(':');
    let meant = |service: &&ServiceSettings| service.name == wanted || service.prefix == wanted.to_lowercase();
    let service = services.iter().find(meant).with_context(|| {
        format!(
            "'{wanted}' is no service of the configuration; write [service.{wanted}] into ~/.config/vofs/config.toml"
        )
    })?;
    let Some(AuthSettings::Oidc(oidc)) = &service.auth else {
        anyhow::bail!(
            "{wanted} has no log-in: its section needs auth = {{ scheme = \"oidc\", issuer = …, client-id = … }}"
        );
    };
    let oidc = oidc.clone();
    Ok((session::config(common, Credentials::Anonymous, services, None), oidc))
}
