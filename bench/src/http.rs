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
    method: String,
    path: String,
    status: u16,
    bytes_out: u64,
}

/// One line of a dump of the nodes; the other fields are of no interest here.
#[derive(Debug, Deserialize)]
struct Dumped {
    path: String,
    kind: String,
    length: Option<u64>,
    artifact: Option<String>,
}

/// A file as a service has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    /// Its name.
    pub(crate) name: String,
    /// Bytes; nothing was sent yet where they are none.
    pub(crate) length: u64,
    /// Another one for each content.
    pub(crate) version: String,
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
        let log = self.log(base)?;
        Ok(log.iter().fold((0, 0), |(requests, bytes), entry| (requests + 1, bytes + entry.bytes_out)))
    }

    /// How often bytes were sent to it since then.
    pub(crate) fn uploads(&self, base: &str) -> Result<u64> {
        // Nodes are made by PUT as well, and some clients try whether a service takes bytes at another place.
        let is_upload = |entry: &&Logged| {
            entry.method == "PUT" && !entry.path.contains("/nodes/") && (200..300).contains(&entry.status)
        };
        Ok(self.log(base)?.iter().filter(is_upload).count() as u64)
    }

    fn log(&self, base: &str) -> Result<Vec<Logged>> {
        let text = self.request("GET", &format!("{base}/_bench/log"), None, None)?;
        let mut log: Vec<Logged> = serde_json::from_slice(&text)?;
        log.retain(|entry| !entry.path.starts_with("/_bench"));
        Ok(log)
    }

    /// The files that a service has below a path, past all permissions and caches.
    pub(crate) fn held(&self, base: &str, path: &str) -> Result<Vec<Held>> {
        let text = self.request("GET", &format!("{base}/_bench/tree?path={path}"), None, None)?;
        let nodes: Vec<Dumped> = serde_json::from_slice(&text)?;
        let file = |node: Dumped| Held {
            name: node.path.rsplit('/').next().unwrap_or_default().to_owned(),
            length: node.length.unwrap_or(0),
            version: node.artifact.unwrap_or_default(),
        };
        Ok(nodes.into_iter().filter(|node| node.kind == "data").map(file).collect())
    }
}
