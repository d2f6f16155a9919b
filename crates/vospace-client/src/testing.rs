//! A service for tests: a listener in this process whose answers are the test's.
//!
//! It speaks just enough HTTP/1.1, can also break off or fall silent at will, and remembers every request.

mod gate;
mod heard;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::auth::{Credentials, Secret};
use crate::client::Client;
use crate::config::{ClientConfig, Deadlines, RetryPolicy};
use crate::services::{AuthSettings, ServiceSettings};
use crate::uri::VosUri;
use crate::xml::capabilities::{self, Capabilities, Capability, Interface};
use crate::{ErrorKind, Result};

pub(crate) use gate::Gate;
pub(crate) use heard::Heard;

/// A request as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// Path with query.
    pub(crate) target: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// The client certificate (DER) that came with it.
    pub(crate) certificate: Option<Vec<u8>>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// `METHOD target`, for matching.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }
}

/// What to answer.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Status, headers (Content-Length is added), body.
    Whole(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// Bytes as they are, then the connection is closed.
    Raw(Vec<u8>),
    /// Bytes as they are, then silence.
    Stall(Vec<u8>),
    /// This, once the gate lets it go.
    Held(Box<Reply>, Gate),
}

impl Reply {
    pub(crate) fn status(status: u16) -> Self {
        Reply::Whole(status, Vec::new(), Vec::new())
    }

    pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Self {
        Reply::Whole(200, Vec::new(), body.into())
    }

    pub(crate) fn fault(status: u16, text: &str) -> Self {
        Reply::Whole(status, vec![("Content-Type", "text/plain".to_owned())], text.as_bytes().to_vec())
    }

    pub(crate) fn redirect(location: impl Into<String>) -> Self {
        Reply::Whole(303, vec![("Location", location.into())], Vec::new())
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if let Reply::Whole(_, headers, _) = &mut self {
            headers.push((name, value.into()));
        }
        self
    }

    fn bytes(&self, head: bool) -> Vec<u8> {
        match self {
            Reply::Raw(bytes) | Reply::Stall(bytes) => bytes.clone(),
            Reply::Held(reply, _) => reply.bytes(head),
            Reply::Whole(status, headers, body) => {
                let mut text = format!("HTTP/1.1 {status} X\r\nConnection: close\r\n");
                for (name, value) in headers {
                    text.push_str(&format!("{name}: {value}\r\n"));
                }
                if *status != 204 && !headers.iter().any(|(name, _)| *name == "Content-Length") {
                    text.push_str(&format!("Content-Length: {}\r\n", body.len()));
                }
                text.push_str("\r\n");
                let mut bytes = text.into_bytes();
                if !head {
                    bytes.extend_from_slice(body);
                }
                bytes
            }
        }
    }
}

/// A listener and what it was asked.
#[derive(Clone)]
pub(crate) struct Stub {
    pub(crate) base: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Stub {
    /// Starts one. `answer` gets each request and how many came before it.
    pub(crate) async fn start(answer: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::listen(None, answer).await
    }

    /// Starts one that speaks TLS.
    pub(crate) async fn start_tls(
        tls: TlsAcceptor,
        answer: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::listen(Some(tls), answer).await
    }

    async fn listen(tls: Option<TlsAcceptor>, answer: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let base = format!("{scheme}://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let stub = Stub { base, seen: Arc::clone(&seen) };
        let answer = Arc::new(answer);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, answer, tls) = (Arc::clone(&seen), Arc::clone(&answer), tls.clone());
                tokio::spawn(async move {
                    let answer = |request| {
                        let mut seen = seen.lock();
                        let reply = answer(&request, seen.len());
                        seen.push(request);
                        reply
                    };
                    match tls {
                        None => serve(stream, None, answer).await,
                        Some(tls) => {
                            let Ok(stream) = tls.accept(stream).await else { return };
                            let presented = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
                            let certificate = presented.map(|certificate| certificate.as_ref().to_vec());
                            serve(stream, certificate, answer).await;
                        }
                    }
                });
            }
        });
        stub
    }

    /// Starts a registry with one service, `ivo://test/svc`, whose requests (below `/svc`) get `answer`; the second
    /// argument counts those alone.
    pub(crate) async fn service(answer: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::service_of(OFFERED, answer).await
    }

    /// The same, of a service that offers these: standard id and path below it.
    pub(crate) async fn service_of(
        offered: &'static [(&'static str, &'static str)],
        answer: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let own = Arc::new(Mutex::new((String::new(), 0)));
        let shared = Arc::clone(&own);
        let stub = Stub::start(move |request, _| {
            let (base, count) = {
                let mut shared = shared.lock();
                let now = shared.clone();
                shared.1 += usize::from(request.target.starts_with("/svc/") && request.target != "/svc/capabilities");
                now
            };
            match request.target.as_str() {
                "/reg/resource-caps" => Reply::ok(format!("# list\nivo://test/svc = {base}/svc/capabilities\n")),
                "/svc/capabilities" => Reply::ok(capabilities(&base, offered)),
                _ => answer(request, count),
            }
        })
        .await;
        own.lock().0.clone_from(&stub.base);
        stub
    }

    /// A client with a token, short patience and no disk.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.config()).unwrap()
    }

    pub(crate) fn config(&self) -> ClientConfig {
        let millis = Duration::from_millis;
        ClientConfig {
            registry: Some(format!("{}/reg", self.base)),
            credentials: Credentials::Token(Secret::new("TOKEN")),
            cache_dir: None,
            retry: RetryPolicy { attempts: 4, min_delay: millis(1), max_delay: millis(2), max_total: millis(100) },
            deadlines: Deadlines {
                connect: millis(2000),
                headers: millis(300),
                idle: millis(300),
                metadata: millis(10_000),
            },
            ..ClientConfig::default()
        }
    }

    /// Requests to the service itself, `METHOD target` without `/svc`.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.requests().iter().map(|seen| seen.line().replacen("/svc", "", 1)).collect()
    }

    /// Requests to the service itself.
    pub(crate) fn requests(&self) -> Vec<Seen> {
        let all = self.seen.lock().clone();
        all.into_iter()
            .filter(|seen| !matches!(seen.target.as_str(), "/reg/resource-caps" | "/svc/capabilities"))
            .collect()
    }

    /// Every request.
    pub(crate) fn all(&self) -> Vec<Seen> {
        self.seen.lock().clone()
    }
}

/// Fails unless it failed so, with this in its message.
#[track_caller]
pub(crate) fn refused<T>(result: Result<T>, kind: ErrorKind, text: &str) {
    let error = result.map(drop).unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(text), "no {text:?} in: {error}");
}

/// A node of the test service.
pub(crate) fn uri(path: &str) -> VosUri {
    VosUri::new("test~svc", path)
}

/// The settings of a service in a registry, with credentials of its own.
pub(crate) fn settings(resource_id: &str, auth: AuthSettings) -> ServiceSettings {
    ServiceSettings {
        name: "test".to_owned(),
        prefix: "test".to_owned(),
        resource_id: resource_id.to_owned(),
        registry: None,
        base_url: None,
        endpoints: BTreeMap::new(),
        auth: Some(auth),
        groups: None,
        quirks: serde_json::Map::new(),
    }
}

/// What a service of CADC offers.
pub(crate) const OFFERED: &[(&str, &str)] = &[
    (capabilities::NODES, "nodes"),
    (capabilities::FILES, "files"),
    (capabilities::SYNC, "sync"),
    (capabilities::TRANSFERS, "transfers"),
    (capabilities::RECURSIVE_DELETE, "async-delete"),
];

pub(crate) fn capabilities(base: &str, offered: &[(&str, &str)]) -> String {
    let capability = |(id, path): &(&str, &str)| Capability {
        standard_id: (*id).to_owned(),
        interfaces: vec![Interface {
            url: format!("{base}/svc/{path}"),
            base: matches!(*id, capabilities::NODES | capabilities::FILES),
            security_methods: vec![String::new(), "ivo://ivoa.net/sso#token".to_owned()],
        }],
    };
    capabilities::write(&Capabilities { capabilities: offered.iter().map(capability).collect() })
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    certificate: Option<Vec<u8>>,
    answer: impl FnOnce(Seen) -> Reply,
) {
    let Some(request) = read(&mut stream).await else { return };
    let request = Seen { certificate, ..request };
    let head = request.method == "HEAD";
    let reply = answer(request);
    if let Reply::Held(_, gate) = &reply {
        gate.pass().await;
    }
    let _ = stream.write_all(&reply.bytes(head)).await;
    if matches!(reply, Reply::Stall(_)) {
        // Until the other side gives up.
        let _ = stream.read_u8().await;
    }
    let _ = stream.shutdown().await;
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Seen> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let mut lines = text.lines();
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = bytes[end..].to_vec();
    while body.len() < length.unwrap_or(0) {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Seen { method, target, headers, body, certificate: None })
}
