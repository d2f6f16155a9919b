//! Requests: the one place that knows sockets, credentials on the wire, repetition and time limits.
//!
//! Invariants:
//! * Credentials go only to the *trusted* origins of the service that they are for, those that the registry, the service's
//!   own capabilities or the user's configuration name (`accounts`), and over plain http only when the user's own registry
//!   or address is plain http. To every other URL (pre-authorised byte URLs above all) goes a client without certificate and
//!   without header.
//! * What is refused with 401 is had anew once, where it can be, and the request sent again with it.
//! * Redirects are never followed by the HTTP library. `redirect` decides, and never goes from https to http.
//! * What is logged or shown of a URL is redacted.
//! * A request is repeated only by `retry`, and only if its [`Repeat`] allows it.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::RwLock;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode, Url};

use crate::auth::{Authenticator, Proof, Standing};
use crate::body::pace::Pace;
use crate::body::pulse::Pulse;
use crate::body::upload::Upload;
use crate::config::{Bandwidth, ClientConfig, Deadlines, RetryPolicy};
use crate::{Error, ErrorKind, Result};

mod accounts;
mod classify;
mod deadline;
mod failure;
mod redact;
mod redirect;
mod response;
mod retry;
pub(crate) mod trust;
pub(crate) mod vitals;

use accounts::{Account, Accounts};
pub(crate) use classify::classify_fault;
pub(crate) use failure::{Failure, Outcome, VO_FAULT, parse_http_date};
pub(crate) use response::Response;
use vitals::Vitals;

/// Largest document that is not a listing: jobs, capabilities, one node, the registry's list.
pub(crate) const MAX_DOCUMENT: usize = 4 << 20;
/// Redirects of one request. Negotiation has two; a loop must end.
const MAX_REDIRECTS: usize = 8;

/// Places of the directions in [`Http::paces`].
pub(crate) const UP: usize = 0;
pub(crate) const DOWN: usize = 1;

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
    pub(crate) fn xml(self, document: String) -> Self {
        self.document("text/xml", document)
    }

    /// A document as body that is announced as something else than XML, if need be.
    pub(crate) fn document(mut self, kind: &'static str, document: String) -> Self {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
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
    trust: trust::Settings,
    accounts: Accounts,
    retry: RetryPolicy,
    deadlines: RwLock<Deadlines>,
    /// Bytes out and bytes in; the same where they share a limit.
    paces: [Arc<Pace>; 2],
    vitals: Vitals,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").finish_non_exhaustive()
    }
}

impl Http {
    /// `allow_plain`: credentials may go over plain http.
    pub(crate) fn new(config: &ClientConfig, allow_plain: bool) -> Result<Self> {
        let trust = trust::Settings::new(config)?;
        let bare = trust.client(None)?;
        Ok(Http {
            accounts: Accounts::new(config, allow_plain, &bare)?,
            bare,
            trust,
            retry: config.retry.clone(),
            deadlines: RwLock::new(config.deadlines),
            paces: match config.bandwidth {
                Bandwidth::Shared(rate) => {
                    let pace = Arc::new(Pace::new(Some(rate)));
                    [Arc::clone(&pace), pace]
                }
                Bandwidth::Each { up, down } => [up, down].map(|rate| Arc::new(Pace::new(rate))),
            },
            vitals: Vitals::default(),
        })
    }

    /// Whether the caller is nobody at a service. Credentials that cannot be read are somebody's.
    pub(crate) fn is_anonymous(&self, resource_id: &str) -> bool {
        let hosts = self.accounts.hosts(resource_id);
        let hosts = hosts.iter().map(|(host, port)| (host.as_str(), *port));
        self.accounts.of_service(resource_id).authenticator().is_ok_and(|auth| auth.is_anonymous(hosts))
    }

    /// The credentials for a service.
    ///
    /// # Errors
    /// When they cannot be used.
    pub(crate) fn standing(&self, resource_id: &str) -> Result<Standing> {
        self.accounts.of_service(resource_id).authenticator()?.standing()
    }

    /// The pace of bytes in one direction, [`UP`] or [`DOWN`].
    pub(crate) fn pace(&self, direction: usize) -> &Pace {
        &self.paces[direction]
    }

    /// How long each phase of a request may take.
    pub(crate) fn deadlines(&self) -> Deadlines {
        *self.deadlines.read()
    }

    /// Changes that for requests to come, but for the time until they are connected.
    pub(crate) fn set_deadlines(&self, deadlines: Deadlines) {
        *self.deadlines.write() = deadlines;
    }

    pub(crate) fn vitals(&self) -> &Vitals {
        &self.vitals
    }

    /// How a service calls what the caller shows to it.
    pub(crate) fn security_method(&self, resource_id: &str) -> Option<&'static str> {
        self.accounts.of_service(resource_id).authenticator().ok()?.security_method()
    }

    /// Whether credentials for a service may go over plain http.
    pub(crate) fn allows_plain(&self, resource_id: &str) -> bool {
        self.accounts.of_service(resource_id).allow_plain
    }

    /// Allows the credentials for a service to be sent to the origin of this URL.
    pub(crate) fn trust(&self, resource_id: &str, url: &Url) {
        self.accounts.trust(resource_id, url);
    }

    /// Whether credentials may be sent to this URL.
    pub(crate) fn is_trusted(&self, url: &Url) -> bool {
        self.accounts.of_url(url).is_some()
    }

    /// Whether the credentials for a service may be sent to this URL.
    pub(crate) fn is_trusted_for(&self, resource_id: &str, url: &Url) -> bool {
        self.is_trusted(url) && self.accounts.is_of(resource_id, url)
    }

    /// Whether what a service at `from` says may send its own credentials to this URL.
    pub(crate) fn is_trusted_by(&self, from: &Url, url: &Url) -> bool {
        self.is_trusted(url) && self.accounts.is_same(from, url)
    }

    /// Sends once, and a second time where credentials were refused that could be had anew. An answer of 400 and above is a
    /// [`Failure`], its text read; redirects are answers.
    pub(crate) async fn send(&self, request: &Request) -> Result<Response, Failure> {
        let account = (request.grant == Grant::Caller).then(|| self.accounts.of_url(&request.url)).flatten();
        let Some(account) = account else { return self.send_with(request, &self.bare, None, None).await };
        let (client, auth, proof) = match self.means(account, &request.url).await {
            Ok(means) => means,
            // What anybody may read can be read without it.
            Err(error)
                if request.method.is_safe() && error.kind() == ErrorKind::Certificate && !account.is_unsaid() =>
            {
                return self.send_with(request, &self.bare, None, Some(error)).await;
            }
            Err(error) => return Err(Failure::before(error)),
        };
        let result = self.send_with(request, &client, proof.as_ref(), None).await;
        let (Err(failure), Some(proof)) = (&result, &proof) else { return result };
        // Some say 401 to who may not, with the reason (Vault, observed): that is no refusal of credentials.
        let status = match (failure.status, failure.kind()) {
            // By status or in words.
            (Some(_), ErrorKind::Unauthorized) => StatusCode::UNAUTHORIZED,
            (Some(StatusCode::FORBIDDEN), _) => StatusCode::FORBIDDEN,
            _ => return result,
        };
        match self.another_proof(&auth, proof, status, &request.url).await {
            Ok(Some(another)) => self.send_with(request, &client, Some(&another), None).await,
            Ok(None) => result,
            // That tells more than the refusal: a log-in has ended, and how to begin another.
            Err(error) if error.kind() == ErrorKind::Certificate => Err(Failure::before(error)),
            Err(error) => {
                tracing::warn!("the credentials are refused, and cannot be had anew: {error}");
                result
            }
        }
    }

    /// What a request to a URL of an account is sent with.
    async fn means(
        &self,
        account: &Account,
        url: &Url,
    ) -> Result<(reqwest::Client, Arc<Authenticator>, Option<Proof>)> {
        let auth = account.authenticator()?;
        let proof = auth.proof(url).await?;
        Ok((account.client(&auth, &self.trust)?, auth, proof))
    }

    /// What to show instead of what was refused, if there is something else.
    async fn another_proof(
        &self,
        auth: &Authenticator,
        refused: &Proof,
        status: StatusCode,
        url: &Url,
    ) -> Result<Option<Proof>> {
        auth.refused(refused, status).await;
        Ok(auth.proof(url).await?.filter(|another| another != refused))
    }

    async fn send_with(
        &self,
        request: &Request,
        client: &reqwest::Client,
        proof: Option<&Proof>,
        expired: Option<Error>,
    ) -> Result<Response, Failure> {
        let deadlines = self.deadlines();
        let pulse = Arc::new(Pulse::default());
        let mut builder = client.request(request.method.clone(), request.url.clone()).headers(request.headers.clone());
        // Stored encodings are the caller's business; nothing may be decoded on the way.
        builder = builder.header(ACCEPT_ENCODING, "identity");
        if let Some(proof) = proof {
            builder = builder.header(&proof.name, &proof.value);
        }
        match &request.body {
            Body::Empty if matches!(request.method, Method::PUT | Method::POST) => {
                builder = builder.header(CONTENT_LENGTH, 0);
            }
            Body::Empty => {}
            Body::Bytes(bytes) => builder = builder.body(bytes.clone()),
            Body::Upload(upload) => {
                let body = upload.body(Arc::clone(&pulse), Arc::clone(&self.paces[UP]));
                builder = builder.header(CONTENT_LENGTH, upload.length()).body(body);
            }
        }
        let started = std::time::Instant::now();
        let sent = deadline::watch(builder.send(), &pulse, deadlines.headers).await;
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
                self.vitals.note(Some(&failure));
                return Err(failure);
            }
            None => {
                tracing::debug!(method = %request.method, url = shown, elapsed = ?started.elapsed(), "no answer in time");
                let text = format!("no answer within {} s", deadlines.headers.as_secs());
                let failure = Failure::new(request, ErrorKind::Timeout, None, text, Outcome::Unknown);
                self.vitals.note(Some(&failure));
                return Err(failure);
            }
        };
        tracing::debug!(method = %request.method, url = shown, status = %response.status(), elapsed = ?started.elapsed());
        let mut response = Response::new(response, request, deadlines.idle, Arc::clone(&self.paces[DOWN]));
        response.expired.clone_from(&expired);
        if let Some(error) = &expired
            && response.status.is_client_error()
        {
            // To nobody a node that is there may be refused, or shown as one that is not.
            self.vitals.note(None);
            return Err(Failure::before(error.clone()));
        }
        if response.status.is_client_error() || response.status.is_server_error() {
            let failure = response.into_failure().await;
            self.vitals.note(Some(&failure));
            return Err(failure);
        }
        self.vitals.note(None);
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
        let limit = self.deadlines().metadata;
        tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
            let text = format!("not done within {} s", limit.as_secs());
            Err(Failure::new(request, ErrorKind::Timeout, None, text, Outcome::Unknown))
        })
    }

    /// The request that a redirect leads to: a GET. It keeps the caller's rights only if it had them and stays among the
    /// trusted origins of the same service.
    pub(crate) fn redirected(&self, request: &Request, from: &Url, headers: &HeaderMap) -> Result<Request, Failure> {
        let url = redirect::location(request, from, headers)?;
        let keeps = request.grant == Grant::Caller && self.is_trusted_by(from, &url);
        let grant = if keeps { Grant::Caller } else { Grant::Url };
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
