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
#[non_exhaustive]
pub struct Identity {
    /// The caller's name there; none for somebody unknown.
    pub name: Option<String>,
    /// Whether the service tells who the caller is at all. One without capabilities does not.
    pub told: bool,
    /// Its clock when it answered, to the second.
    pub time: Option<Timestamp>,
    /// From the request to the answer.
    pub elapsed: Duration,
}

/// Asks for the capabilities (everybody may read them), or for the node itself where there are none, with the caller's credentials: the answer names the caller in
/// `x-vo-authenticated` (CADC services, observed).
pub(crate) async fn ask(inner: &Arc<Inner>, uri: &VosUri) -> Result<Identity> {
    let service = inner.service(uri).await?;
    let url = if service.is_fixed() {
        let mut url = service.node(uri)?;
        url.query_pairs_mut().append_pair("limit", "1");
        url
    } else {
        inner.registry.capabilities_url(&inner.http, &uri.resource_id()).await?
    };
    let started = Instant::now();
    let answer = inner.http.fetch_following(&Request::get(url, Grant::Caller)).await?;
    let text = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok());
    Ok(Identity {
        name: text("x-vo-authenticated").map(str::to_owned),
        told: !service.is_fixed(),
        time: text(DATE.as_str()).and_then(parse_http_date),
        elapsed: started.elapsed(),
    })
}
