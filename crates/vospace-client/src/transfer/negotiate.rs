//! Where bytes may be put or fetched, asked of the service (VOSpace 2.1 §3.6, synchronous form).
//!
//! The answer to the transfer document leads through redirects to the document with endpoints. Failure hides: in a
//! document without endpoints, in a status at the last step, always in the job's error; that text is what is reported.

use std::sync::Arc;

use reqwest::{Method, Url};

use crate::dialect::Learned;
use crate::http::{Grant, Repeat, Request};
use crate::inner::Inner;
use crate::ops::{jobs, rename};
use crate::service::Service;
use crate::uri::VosUri;
use crate::xml::job::Phase;
use crate::xml::transfer::{self, Direction, HTTP_GET, HTTP_PUT, HTTPS_GET, HTTPS_PUT, Protocol, Transfer};
use crate::{Error, ErrorKind, Result};

/// Redirects from the transfer document to its answer; services use two.
const STEPS: usize = 5;

/// One URL for the bytes. Not to be shown: it may carry its own grant.
#[derive(Clone)]
pub(crate) struct Endpoint {
    pub(crate) url: Url,
    pub(crate) grant: Grant,
}

/// One URL to PUT to, asked for with a single request instead of three (VOSpace 2.1 §3.6, parameter form), where the
/// service answers that way. None where it does not, or not at present: then the whole negotiation tells.
///
/// # Errors
/// Refusals, which this form gives directly.
pub(crate) async fn push_shortly(inner: &Arc<Inner>, service: &Service, uri: &VosUri) -> Result<Option<Endpoint>> {
    let http = &inner.http;
    let Some(url) = service.sync().filter(|_| service.dialect().short_negotiation != Learned::No) else {
        return Ok(None);
    };
    let protocol = if url.scheme() == "https" { HTTPS_PUT } else { HTTP_PUT };
    let target = uri.to_wire();
    let fields =
        [("TARGET", target.as_str()), ("DIRECTION", "pushToVoSpace"), ("PROTOCOL", protocol), ("REQUEST", "redirect")];
    let request = Request::new(Method::POST, url.clone(), Grant::Caller).form(&fields).repeat(Repeat::Freely);
    let answer = match http.fetch(&request).await {
        Ok(answer) => answer,
        Err(failure) => {
            return match failure.kind() {
                ErrorKind::Unsupported | ErrorKind::BadRequest | ErrorKind::Service | ErrorKind::Unauthorized => {
                    Ok(None)
                }
                _ => Err(failure.into()),
            };
        }
    };
    let place = answer.status.is_redirection().then(|| http.redirected(&request, &answer.url, &answer.headers));
    let place = place.transpose()?.filter(|place| rename::job_of(place).is_none());
    let learned = if place.is_some() { Learned::Yes } else { Learned::No };
    service.learn(|dialect| dialect.short_negotiation = learned);
    // Such a URL carries its own grant.
    Ok(place.map(|place| Endpoint { url: place.url, grant: Grant::Url }))
}

/// URLs to PUT to, in the order offered. The service makes the node at once if there is none.
pub(crate) async fn push(inner: &Arc<Inner>, service: &Service, uri: &VosUri) -> Result<Vec<Endpoint>> {
    negotiate(inner, service, uri, Direction::PushToVoSpace, HTTPS_PUT, HTTP_PUT).await
}

/// URLs to GET from, in the order offered. None for an empty file.
pub(crate) async fn pull(inner: &Arc<Inner>, service: &Service, uri: &VosUri) -> Result<Vec<Endpoint>> {
    negotiate(inner, service, uri, Direction::PullFromVoSpace, HTTPS_GET, HTTP_GET).await
}

async fn negotiate(
    inner: &Arc<Inner>,
    service: &Service,
    uri: &VosUri,
    direction: Direction,
    secure: &str,
    plain: &str,
) -> Result<Vec<Endpoint>> {
    let http = &inner.http;
    let Some(url) = service.sync() else {
        return Err(Error::node(ErrorKind::Unsupported, uri, "the service has no transfer negotiation"));
    };
    uri.check()?;
    let mut wanted = Transfer::new(uri.to_wire(), direction);
    let mut ask = |protocol: &str| {
        let method = http.security_method().map(|method| vec![method.to_owned()]);
        for security_methods in method.into_iter().chain([Vec::new()]) {
            wanted.protocols.push(Protocol { uri: protocol.to_owned(), endpoint: None, security_methods });
        }
    };
    ask(secure);
    if http.allows_plain() {
        ask(plain);
    }
    // Negotiating twice gives new URLs for the same thing.
    let request =
        Request::new(Method::POST, url.clone(), Grant::Caller).xml(transfer::write(&wanted)).repeat(Repeat::Freely);
    let mut job = None;
    let mut answer = http.fetch(&request).await?;
    let mut current = request;
    for _ in 0..STEPS {
        if !answer.status.is_redirection() {
            break;
        }
        current = http.redirected(&current, &answer.url, &answer.headers)?;
        job = job.or_else(|| rename::job_of(&current));
        answer = match http.fetch(&current).await {
            Ok(answer) => answer,
            Err(failure) => return Err(reason(inner, uri, job).await.unwrap_or_else(|| failure.into())),
        };
    }
    let offered = transfer::read(&answer.body).map_err(|error| {
        Error::node(ErrorKind::Service, uri, format!("the negotiation was answered with no usable document: {error}"))
    })?;
    let endpoints: Vec<Endpoint> = offered
        .protocols
        .iter()
        .filter(|protocol| protocol.uri == secure || (http.allows_plain() && protocol.uri == plain))
        .filter_map(|protocol| {
            let url = Url::parse(protocol.endpoint.as_deref()?).ok()?;
            let usable = url.scheme() == "https" || (url.scheme() == "http" && http.allows_plain());
            // A URL without security method carries its own grant; credentials beside it do harm.
            let own = protocol.security_methods.is_empty() || !http.is_trusted(&url);
            usable.then_some(Endpoint { url, grant: if own { Grant::Url } else { Grant::Caller } })
        })
        .collect();
    if endpoints.is_empty()
        && let Some(error) = reason(inner, uri, job).await
    {
        return Err(error);
    }
    Ok(endpoints)
}

/// Why a negotiation failed, if its job says so.
async fn reason(inner: &Arc<Inner>, uri: &VosUri, job: Option<jobs::JobUrl>) -> Option<Error> {
    match jobs::phase_and_error(inner, &job?).await {
        Ok((Some(Phase::Error), text)) => Some(jobs::fault(uri, Phase::Error, &text)),
        _ => None,
    }
}
