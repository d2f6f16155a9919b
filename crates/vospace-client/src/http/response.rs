//! An answer whose body is still to be read, under a limit of size or of silence.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::header::{CONTENT_LENGTH, HeaderMap};
use reqwest::{StatusCode, Url};
use tokio::io::AsyncBufRead;
use tokio_util::io::StreamReader;

use super::failure::{Failure, Outcome};
use super::{Body, Request};
use crate::body::ByteStream;
use crate::body::pace::Pace;
use crate::{Error, ErrorKind};

/// Text of a failure that is worth reading.
const MAX_TEXT: usize = 4 << 10;

/// See the module.
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) url: Url,
    /// It was given to nobody, because the certificate has expired.
    pub(crate) expired: Option<Error>,
    inner: reqwest::Response,
    /// For errors; without body.
    request: Request,
    idle: Duration,
    pace: Arc<Pace>,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.status).finish_non_exhaustive()
    }
}

impl Response {
    pub(super) fn new(inner: reqwest::Response, request: &Request, idle: Duration, pace: Arc<Pace>) -> Self {
        let request = Request { body: Body::Empty, ..request.clone() };
        Response {
            status: inner.status(),
            headers: inner.headers().clone(),
            url: inner.url().clone(),
            expired: None,
            inner,
            request,
            idle,
            pace,
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// `Content-Length`, if it is there and a number.
    pub(crate) fn length(&self) -> Option<u64> {
        self.headers.get(CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
    }

    /// The whole body, which must not be larger than `limit` bytes.
    pub(crate) async fn bytes(mut self, limit: usize) -> Result<Bytes, Failure> {
        let mut first: Option<Bytes> = None;
        let mut all: Vec<u8> = Vec::new();
        while let Some(chunk) = next(&mut self.inner, &self.request, self.idle).await? {
            if all.len() + first.as_ref().map_or(0, Bytes::len) + chunk.len() > limit {
                let text = format!("the answer is larger than {limit} bytes");
                return Err(Failure::new(&self.request, ErrorKind::Protocol, None, text, Outcome::Oversized));
            }
            match first.take() {
                None if all.is_empty() => first = Some(chunk),
                None => all.extend_from_slice(&chunk),
                Some(before) => {
                    all.extend_from_slice(&before);
                    all.extend_from_slice(&chunk);
                }
            }
        }
        Ok(first.unwrap_or_else(|| all.into()))
    }

    /// The body as it arrives. If `expected` is given, other than so many bytes is an error, and an early end is one
    /// in any case.
    pub(crate) fn stream(self, expected: Option<u64>) -> ByteStream {
        struct State {
            inner: reqwest::Response,
            request: Request,
            idle: Duration,
            pace: Arc<Pace>,
            left: Option<u64>,
            done: bool,
        }
        let Response { inner, request, idle, pace, .. } = self;
        let state = State { inner, request, idle, pace, left: expected, done: false };
        let items = stream::unfold(state, |mut state| async move {
            if state.done {
                return None;
            }
            let broken = |request: &Request, text: String| {
                Error::from(Failure::new(request, ErrorKind::Unreachable, None, text, Outcome::Unknown))
            };
            let item = match next(&mut state.inner, &state.request, state.idle).await {
                Ok(Some(chunk)) => match &mut state.left {
                    None => Ok(chunk),
                    Some(left) if *left >= chunk.len() as u64 => {
                        *left -= chunk.len() as u64;
                        Ok(chunk)
                    }
                    Some(_) => Err(broken(&state.request, "the body is longer than announced".to_owned())),
                },
                Ok(None) => match state.left {
                    None | Some(0) => return None,
                    Some(left) => Err(broken(&state.request, format!("the body ended {left} bytes too early"))),
                },
                Err(failure) => Err(failure.into()),
            };
            if let Ok(chunk) = &item {
                state.pace.pass(chunk.len(), || ()).await;
            }
            state.done = item.is_err();
            Some((item, state))
        });
        items.boxed()
    }

    /// The body as it arrives, for who reads lines or documents from it.
    pub(crate) fn reader(self) -> impl AsyncBufRead + Send + Unpin + 'static {
        StreamReader::new(self.stream(None).map_err(io::Error::other))
    }

    /// Reads the text of a failure.
    pub(super) async fn into_failure(mut self) -> Failure {
        let mut text: Vec<u8> = Vec::new();
        while text.len() < MAX_TEXT
            && let Ok(Some(chunk)) = next(&mut self.inner, &self.request, self.idle).await
        {
            text.extend_from_slice(&chunk);
        }
        text.truncate(MAX_TEXT);
        let text = String::from_utf8_lossy(&text);
        let text = text.trim();
        // A page made for browsers (by Tomcat or a proxy) tells less than the status.
        let text = if text.starts_with('<') { self.status.canonical_reason().unwrap_or_default() } else { text };
        Failure::answer(&self.request, self.status, &self.headers, text.to_owned())
    }
}

/// The next piece of a body, or an error when none comes for `idle`.
async fn next(inner: &mut reqwest::Response, request: &Request, idle: Duration) -> Result<Option<Bytes>, Failure> {
    match tokio::time::timeout(idle, inner.chunk()).await {
        Ok(Ok(chunk)) => Ok(chunk),
        Ok(Err(error)) => Err(Failure::transport(request, error)),
        Err(_) => {
            let text = format!("no byte came for {} s", idle.as_secs());
            Err(Failure::new(request, ErrorKind::Timeout, None, text, Outcome::Unknown))
        }
    }
}
