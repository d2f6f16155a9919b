//! Requests: the one place that knows sockets, credentials on the wire, repetition and time limits.
//!
//! Invariants:
//! * Credentials go only to *trusted* origins, those that the registry and a service's own capabilities name, and over
//!   plain http only when the user's own registry is plain http. To every other URL (pre-authorised byte URLs above
//!   all) goes a client without certificate and without header.
//! * Redirects are never followed by the HTTP library. `redirect` decides, and never goes from https to http.
//! * What is logged or shown of a URL is redacted.
//! * A request is repeated only by `retry`, and only if its [`Repeat`] allows it.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use reqwest::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
};
use reqwest::{Method, StatusCode, Url};
use url::Origin;

use crate::auth::Authenticator;
use crate::body::pace::Pace;
use crate::body::pulse::Pulse;
use crate::body::upload::Upload;
use crate::config::{ClientConfig, Deadlines, RetryPolicy};
use crate::{Error, ErrorKind, Result};

mod classify;
mod deadline;
mod failure;
mod redact;
mod redirect;
mod response;
mod retry;
pub(crate) mod trust;

pub(crate) use classify::classify_fault;
pub(crate) use failure::{Failure, Outcome, parse_http_date};
pub(crate) use response::Response;

/// Largest document that is not a listing: jobs, capabilities, one node, the registry's list.
pub(crate) const MAX_DOCUMENT: usize = 4 << 20;
/// Redirects of one request. Negotiation has two; a loop must end.
const MAX_REDIRECTS: usize = 8;

/// Whose rights a request uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grant {
    /// The caller's, where the origin is trusted.
    Caller,
    /// What the URL carries itself, or nobody's.
    Url,
}

/// Whether a request whose outcome is unknown may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Yes: a second time changes nothing more.
    Freely,
    /// No: only when it certainly was not acted upon. The caller asks what became of it.
    Unless,
}

/// A request body that can be sent again.
#[derive(Debug, Clone, Default)]
pub(crate) enum Body {
    #[default]
    Empty,
    Bytes(Bytes),
    /// Bytes of a file.
    Upload(Arc<Upload>),
}

/// A request that can be sent again.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    pub(crate) grant: Grant,
    pub(crate) repeat: Repeat,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, redact::show(self))
    }
}

impl Request {
    pub(crate) fn new(method: Method, url: Url, grant: Grant) -> Self {
        let repeat = if method.is_safe() { Repeat::Freely } else { Repeat::Unless };
        Request { method, url, headers: HeaderMap::new(), body: Body::Empty, grant, repeat }
    }

    pub(crate) fn get(url: Url, grant: Grant) -> Self {
        Self::new(Method::GET, url, grant)
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// An XML document as body. `text/xml`: services do not know `application/xml`.
    pub(crate) fn xml(mut self, document: String) -> Self {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
        self.body = Body::Bytes(document.into());
        self
    }

    /// Form fields as body.
    pub(crate) fn form(mut self, fields: &[(&str, &str)]) -> Self {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.body = Body::Bytes(text.into());
        self
    }

    pub(crate) fn repeat(mut self, repeat: Repeat) -> Self {
        self.repeat = repeat;
        self
    }
}

/// A small answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Of the last request, after redirects.
    pub(crate) url: Url,
    pub(crate) body: Bytes,
}

/// See the module.
pub(crate) struct Http {
    /// Without any credential.
    bare: reqwest::Client,
    /// With the client certificate, and the version of the file that it was built from.
    certified: Mutex<Option<(u64, reqwest::Client)>>,
    trust: trust::Settings,
    auth: Authenticator,
    trusted: RwLock<HashSet<Origin>>,
    allow_plain: bool,
    retry: RetryPolicy,
    deadlines: Deadlines,
    pace: Option<Arc<Pace>>,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("auth", &self.auth).finish_non_exhaustive()
    }
}

impl Http {
    /// `allow_plain`: credentials may go over plain http.
    pub(crate) fn new(config: &ClientConfig, allow_plain: bool) -> Result<Self> {
        let trust = trust::Settings::new(config)?;
        let auth = Authenticator::new(&config.credentials)?;
        Ok(Http {
            bare: trust.client(None)?,
            certified: Mutex::new(None),
            trust,
            auth,
            trusted: RwLock::default(),
            allow_plain,
            retry: config.retry.clone(),
            deadlines: config.deadlines.clone(),
            pace: config.bandwidth.map(|rate| Arc::new(Pace::new(rate))),
        })
    }

    pub(crate) fn is_anonymous(&self) -> bool {
        let hosts: Vec<String> = self
            .trusted
            .read()
            .iter()
            .filter_map(|origin| match origin {
                Origin::Tuple(_, host, _) => Some(host.to_string()),
                Origin::Opaque(_) => None,
            })
            .collect();
        self.auth.is_anonymous(hosts.iter().map(String::as_str))
    }

    pub(crate) fn security_method(&self) -> Option<&'static str> {
        self.auth.security_method()
    }

    pub(crate) fn allows_plain(&self) -> bool {
        self.allow_plain
    }

    /// Allows credentials to be sent to the origin of this URL.
    pub(crate) fn trust(&self, url: &Url) {
        self.trusted.write().insert(url.origin());
    }

    /// Whether credentials may be sent to this URL.
    pub(crate) fn is_trusted(&self, url: &Url) -> bool {
        (url.scheme() == "https" || self.allow_plain) && self.trusted.read().contains(&url.origin())
    }

    /// Sends once. An answer of 400 and above is a [`Failure`], its text read; redirects are answers.
    pub(crate) async fn send(&self, request: &Request) -> Result<Response, Failure> {
        let present = request.grant == Grant::Caller && self.is_trusted(&request.url);
        let client = if present { self.certified_client().map_err(Failure::before)? } else { self.bare.clone() };
        let pulse = Arc::new(Pulse::default());
        let mut builder = client.request(request.method.clone(), request.url.clone()).headers(request.headers.clone());
        // Stored encodings are the caller's business; nothing may be decoded on the way.
        builder = builder.header(ACCEPT_ENCODING, "identity");
        if present && let Some(header) = self.auth.header(&request.url) {
            builder = builder.header(AUTHORIZATION, header);
        }
        match &request.body {
            Body::Empty if matches!(request.method, Method::PUT | Method::POST) => {
                builder = builder.header(CONTENT_LENGTH, 0);
            }
            Body::Empty => {}
            Body::Bytes(bytes) => builder = builder.body(bytes.clone()),
            Body::Upload(upload) => {
                let body = upload.body(Arc::clone(&pulse), self.pace.clone());
                builder = builder.header(CONTENT_LENGTH, upload.length()).body(body);
            }
        }
        let started = std::time::Instant::now();
        let sent = deadline::watch(builder.send(), &pulse, self.deadlines.headers).await;
        let shown = redact::show(request);
        let response = match sent {
            Some(Ok(response)) => response,
            Some(Err(error)) => {
                // A fault of the local file shows as a broken body; it is the file that has to be named.
                let local = match &request.body {
                    Body::Upload(upload) => upload.fault(),
                    Body::Empty | Body::Bytes(_) => None,
                };
                let failure = local.map_or_else(|| Failure::transport(request, error), Failure::before);
                tracing::debug!(method = %request.method, url = shown, elapsed = ?started.elapsed(), error = %failure.error);
                return Err(failure);
            }
            None => {
                tracing::debug!(method = %request.method, url = shown, elapsed = ?started.elapsed(), "no answer in time");
                let text = format!("no answer within {} s", self.deadlines.headers.as_secs());
                return Err(Failure::new(request, ErrorKind::Timeout, None, text, Outcome::Unknown));
            }
        };
        tracing::debug!(method = %request.method, url = shown, status = %response.status(), elapsed = ?started.elapsed());
        let response = Response::new(response, request, self.deadlines.idle, self.pace.clone());
        if response.status.is_client_error() || response.status.is_server_error() {
            return Err(response.into_failure().await);
        }
        Ok(response)
    }

    /// Sends, and again while that makes sense.
    pub(crate) async fn call(&self, request: &Request) -> Result<Response, Failure> {
        retry::repeat(&self.retry, request, || self.send(request)).await
    }

    /// Sends and reads a small answer whole, and again while that makes sense.
    pub(crate) async fn fetch(&self, request: &Request) -> Result<Answer, Failure> {
        self.fetch_with(request, &self.retry).await
    }

    /// [`Http::fetch`] that gives up after two requests: for what there is a fallback for.
    pub(crate) async fn fetch_briefly(&self, request: &Request) -> Result<Answer, Failure> {
        let policy = RetryPolicy { attempts: self.retry.attempts.min(2), ..self.retry.clone() };
        self.fetch_with(request, &policy).await
    }

    async fn fetch_with(&self, request: &Request, policy: &RetryPolicy) -> Result<Answer, Failure> {
        let work = retry::repeat(policy, request, || async {
            let response = self.send(request).await?;
            let (status, headers, url) = (response.status, response.headers.clone(), response.url.clone());
            Ok(Answer { status, headers, url, body: response.bytes(MAX_DOCUMENT).await? })
        });
        self.in_time(request, work).await
    }

    /// [`Http::call`] for a document that is read as it comes: its beginning has to be there in the time of a whole
    /// metadata request.
    pub(crate) async fn begin(&self, request: &Request) -> Result<Response, Failure> {
        self.in_time(request, self.call(request)).await
    }

    async fn in_time<T>(
        &self,
        request: &Request,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let limit = self.deadlines.metadata;
        tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
            let text = format!("not done within {} s", limit.as_secs());
            Err(Failure::new(request, ErrorKind::Timeout, None, text, Outcome::Unknown))
        })
    }

    /// The request that a redirect leads to: a GET. It keeps the caller's rights only if it had them and stays among
    /// trusted origins.
    pub(crate) fn redirected(&self, request: &Request, from: &Url, headers: &HeaderMap) -> Result<Request, Failure> {
        let url = redirect::location(request, from, headers)?;
        let grant = if request.grant == Grant::Caller && self.is_trusted(&url) { Grant::Caller } else { Grant::Url };
        Ok(Request::get(url, grant))
    }

    /// [`Http::fetch`], then wherever its redirects lead.
    pub(crate) async fn fetch_following(&self, request: &Request) -> Result<Answer, Failure> {
        let mut current = request.clone();
        for _ in 0..MAX_REDIRECTS {
            let answer = self.fetch(&current).await?;
            if !answer.status.is_redirection() {
                return Ok(answer);
            }
            current = self.redirected(&current, &answer.url, &answer.headers)?;
        }
        let text = format!("more than {MAX_REDIRECTS} redirects");
        Err(Failure::new(request, ErrorKind::Protocol, None, text, Outcome::Answered))
    }

    fn certified_client(&self) -> Result<reqwest::Client> {
        let Some((version, certificate)) = self.auth.certificate()? else { return Ok(self.bare.clone()) };
        let mut cached = self.certified.lock();
        if let Some((built, client)) = &*cached
            && *built == version
        {
            return Ok(client.clone());
        }
        let client = self.trust.client(Some(certificate.identity("the client certificate")?))?;
        *cached = Some((version, client.clone()));
        Ok(client)
    }

    /// Waits before the `round`th repetition (from 1) of something that is more than one request.
    pub(crate) async fn pause(&self, round: u32) {
        let delay = self.retry.min_delay.saturating_mul(1 << round.min(6));
        tokio::time::sleep(delay.min(self.retry.max_delay)).await;
    }
}

/// An answer that makes no sense.
pub(crate) fn nonsense(url: &Url, text: impl Into<String>) -> Error {
    Error::node(ErrorKind::Protocol, redact::url(url, Grant::Url), text)
}

#[cfg(test)]
mod tests;
