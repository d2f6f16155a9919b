//! The TLS side of the clients: which authorities are trusted, which certificate is presented.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::{Certificate, Identity};

use crate::config::ClientConfig;
use crate::{Error, Result};

/// Idle connections are closed before the services do (Tomcat after 20 s, proxies later): a request on a connection
/// that the other side is closing has an unknown outcome.
const POOL_IDLE: Duration = Duration::from_secs(15);

/// Everything that a client is built from, to build it again when the certificate changes.
pub(crate) struct Settings {
    roots: Vec<Certificate>,
    insecure: bool,
    user_agent: String,
    connect: Duration,
}

impl Settings {
    /// Reads the extra authorities.
    pub(crate) fn new(config: &ClientConfig) -> Result<Self> {
        let mut roots = Vec::new();
        for path in &config.extra_roots {
            roots.extend(read_roots(path)?);
        }
        Ok(Settings {
            roots,
            insecure: config.insecure,
            user_agent: config.user_agent.clone(),
            connect: config.deadlines.connect,
        })
    }

    /// A client that presents this certificate, or none.
    pub(crate) fn client(&self, identity: Option<Identity>) -> Result<reqwest::Client> {
        // Another part of the program may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = || {
            let mut builder = reqwest::Client::builder()
                .user_agent(&self.user_agent)
                .connect_timeout(self.connect)
                .pool_idle_timeout(POOL_IDLE)
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .no_proxy()
                .tcp_nodelay(true)
                // Bulk transfers run side by side on connections of their own; over HTTP/2 they would share one.
                .http1_only()
                .tls_danger_accept_invalid_certs(self.insecure);
            if let Some(identity) = &identity {
                builder = builder.identity(identity.clone());
            }
            builder
        };
        let with_system = builder().tls_certs_merge(self.roots.clone()).build();
        // A machine without any authorities (a bare container) can still reach services over plain http, or those
        // whose authority is given.
        with_system.or_else(|_| builder().tls_certs_only(self.roots.clone()).build()).map_err(|error| {
            Error::Credentials {
                what: "TLS".to_owned(),
                reason: error.to_string(),
                remedy: "check the certificate authorities (VOSPACE_CA_BUNDLE) and the client certificate".to_owned(),
            }
        })
    }
}

fn read_roots(path: &PathBuf) -> Result<Vec<Certificate>> {
    let broken = |reason: String| Error::Credentials {
        what: path.display().to_string(),
        reason,
        remedy: "VOSPACE_CA_BUNDLE must name a PEM file with certificates of authorities".to_owned(),
    };
    let pem = std::fs::read(path).map_err(|error| broken(error.to_string()))?;
    let roots = Certificate::from_pem_bundle(&pem).map_err(|error| broken(error.to_string()))?;
    if roots.is_empty() { Err(broken("it contains no certificate".to_owned())) } else { Ok(roots) }
}

#[cfg(test)]
mod tests;
