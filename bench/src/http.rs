//! Plain HTTP, past all clients under test: the request log of a service, and what a program without any cleverness
//! would send.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use reqwest::Method;
use serde::Deserialize;
use tokio::runtime::Runtime;

/// Longest that one request may take: a listing over a slow link in a debug build.
const LIMIT: Duration = Duration::from_secs(120);

/// Idle connections are closed before the service does it: between two looks at its log a work may take minutes.
const IDLE: Duration = Duration::from_secs(2);

/// A client that waits for its answers.
#[derive(Debug)]
pub(crate) struct Http {
    runtime: Runtime,
    client: reqwest::Client,
}

/// One line of a request log; the other fields are of no interest here.
#[derive(Debug, Deserialize)]
struct Logged {
    path: String,
    bytes_out: u64,
}

impl Http {
    /// A client that trusts every certificate: those of the services here are of their own making.
    pub(crate) fn new() -> Result<Self> {
        // A second installation in the same process is refused, and as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let client = reqwest::Client::builder()
            .tls_danger_accept_invalid_certs(true)
            .timeout(LIMIT)
            .pool_idle_timeout(IDLE)
            .build()?;
        Ok(Self { runtime, client })
    }

    /// One request, redirects followed; the body of a good answer.
    pub(crate) fn request(&self, method: &str, url: &str, token: Option<&str>, range: Option<&str>) -> Result<Vec<u8>> {
        self.runtime.block_on(async {
            let method = Method::from_bytes(method.as_bytes())?;
            let mut request = self.client.request(method, url);
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            if let Some(range) = range {
                request = request.header("range", format!("bytes={range}"));
            }
            let answer = request.send().await.context("no answer")?;
            let status = answer.status();
            let body = answer.bytes().await?;
            ensure!(status.is_success(), "{url}: {status}: {}", String::from_utf8_lossy(&body));
            Ok(body.to_vec())
        })
    }

    /// Empties the request log of a service.
    pub(crate) fn forget(&self, base: &str) -> Result<()> {
        self.request("DELETE", &format!("{base}/_bench/log"), None, None).map(|_| ())
    }

    /// Requests and bytes of answers since then.
    pub(crate) fn traffic(&self, base: &str) -> Result<(u64, u64)> {
        let log: Vec<Logged> =
            serde_json::from_slice(&self.request("GET", &format!("{base}/_bench/log"), None, None)?)?;
        let asked = log.iter().filter(|entry| !entry.path.starts_with("/_bench"));
        Ok(asked.fold((0, 0), |(requests, bytes), entry| (requests + 1, bytes + entry.bytes_out)))
    }
}
