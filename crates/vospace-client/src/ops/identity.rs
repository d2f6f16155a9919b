//! Who a service takes the caller for, and what time it is there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::DATE;

use crate::Result;
use crate::http::{Grant, Request, parse_http_date};
use crate::inner::Inner;
use crate::node::Timestamp;
use crate::uri::VosUri;

/// What a service says of the caller.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The caller's name there; none for somebody unknown.
    pub name: Option<String>,
    /// Its clock when it answered, to the second.
    pub time: Option<Timestamp>,
    /// From the request to the answer.
    pub elapsed: Duration,
}

/// Asks for the capabilities (everybody may read them) with the caller's credentials: the answer names the caller in
/// `x-vo-authenticated` (CADC services, observed).
pub(crate) async fn ask(inner: &Arc<Inner>, uri: &VosUri) -> Result<Identity> {
    inner.service(uri).await?;
    let url = inner.registry.capabilities_url(&inner.http, &uri.resource_id()).await?;
    let started = Instant::now();
    let answer = inner.http.fetch_following(&Request::get(url, Grant::Caller)).await?;
    let text = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok());
    Ok(Identity {
        name: text("x-vo-authenticated").map(str::to_owned),
        time: text(DATE.as_str()).and_then(parse_http_date),
        elapsed: started.elapsed(),
    })
}
