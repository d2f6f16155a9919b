//! One request, taken apart: what the resources read of it, and its body, which clients must not be made to lose.

use crate::app::App;
use crate::fault::Fault;
use crate::faults::Effect;
use crate::identity::Caller;
use crate::names;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method};
use futures_util::StreamExt as _;
use parking_lot::Mutex;
use std::sync::Arc;

/// Unread bytes of a refused upload that are still taken in, so that the client reads the refusal and not a reset.
const SWALLOWED: usize = 2 << 20;

/// One request, taken apart.
#[derive(Debug)]
pub struct Call {
    /// The application.
    pub app: Arc<App>,
    /// Who calls.
    pub caller: Caller,
    /// The method.
    pub method: Method,
    /// `http://host:port`.
    pub base: String,
    /// The path behind the resource, as sent: `/a/b%20c`, or empty.
    pub rest: String,
    /// The query, as sent.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// What goes wrong with this request, on demand of a test.
    pub effect: Option<Effect>,
    /// The body; behind a lock because a body alone is not `Sync`, and a call is shared between steps.
    pub(crate) body: Mutex<Body>,
}

impl Call {
    /// The first query parameter of this name, in any case.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = url::form_urlencoded::parse(self.query.as_bytes());
        pairs.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.into_owned())
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The announced length of the body.
    pub fn content_length(&self) -> Option<u64> {
        self.header("content-length")?.parse().ok()
    }

    /// Whether the body is a form.
    pub fn is_form(&self) -> bool {
        self.header("content-type").is_some_and(|value| {
            let value = value.to_ascii_lowercase();
            value.starts_with("application/x-www-form-urlencoded") || value.starts_with("multipart/form-data")
        })
    }

    /// Takes the body; a second time it is empty.
    pub fn body(&self) -> Body {
        std::mem::take(&mut *self.body.lock())
    }

    /// Reads the body, up to this many bytes.
    pub async fn take_body(&self, limit: usize) -> Result<Bytes, Fault> {
        let mut chunks = self.body().into_data_stream();
        let deadline = tokio::time::Instant::now() + self.app.patience;
        let mut text = Vec::new();
        loop {
            // All of it within the time that a large body may be silent: drop by drop it takes no longer.
            match tokio::time::timeout_at(deadline, chunks.next()).await {
                Ok(None) => return Ok(text.into()),
                Ok(Some(Ok(chunk))) => text.extend_from_slice(&chunk),
                Ok(Some(Err(error))) => return Err(Fault::argument(format!("read input failure: {error}"))),
                Err(_) => return Err(Fault::argument("read input failure: it took too long")),
            }
            if text.len() > limit {
                // The real services answer an oversized document with the failure of a cast.
                let fault = Fault::internal("java.lang.ClassCastException: document too large");
                return refuse(Body::from_stream(chunks), fault).await;
            }
        }
    }

    /// The parameters of query and form body together, names in upper case.
    pub async fn parameters(&self) -> Result<Vec<(String, String)>, Fault> {
        let mut text = self.query.clone().into_bytes();
        if self.is_form() {
            text.push(b'&');
            text.extend_from_slice(&self.take_body(1 << 16).await?);
        }
        let pairs = url::form_urlencoded::parse(&text);
        Ok(pairs.map(|(key, value)| (key.to_ascii_uppercase(), value.into_owned())).collect())
    }

    /// The path of the node, as the servlet container hands it on.
    pub fn servlet_path(&self) -> Result<String, Fault> {
        names::servlet_path(&self.rest)
    }
}

/// Takes in what is left of a body, within bounds, and then answers with the fault.
pub async fn refuse<T>(body: Body, fault: Fault) -> Result<T, Fault> {
    swallow(body).await;
    Err(fault)
}

/// Takes in what is left of a body, within bounds.
pub async fn swallow(body: Body) {
    let mut chunks = body.into_data_stream();
    let mut taken = 0;
    while let Some(Ok(chunk)) = chunks.next().await {
        taken += chunk.len();
        if taken > SWALLOWED {
            break;
        }
    }
}
