//! Where bytes may be put or fetched, asked of the service (VOSpace 2.1 §3.6, synchronous form).
//!
//! The answer to the transfer document leads through redirects to the document with endpoints. Failure hides: in a
//! document without endpoints, in one with nothing at all, in a status at the last step, always in the job's error; that
//! text is what is reported.
//!
//! Services disagree about the document: how it is announced, whether a view has to be named, and which protocols may
//! stand in it ([`Form`]). A form that is refused has done nothing, so the next one is tried, until one works; that is
//! remembered and used from then on.
//!
//! An endpoint is not touched here, and nowhere before its use: most are good once.

use std::collections::HashSet;
use std::sync::Arc;

use reqwest::header::HeaderMap;
use reqwest::{Method, Url};

use crate::dialect::{Dialect, Learned, OfferedProtocols, TransferType};
use crate::http::{Answer, Failure, Grant, Repeat, Request, VO_FAULT, classify_fault};
use crate::inner::Inner;
use crate::ops::{jobs, rename, stat};
use crate::service::Service;
use crate::uri::VosUri;
use crate::xml::job::Phase;
use crate::xml::transfer::{self, Direction, HTTP_GET, HTTP_PUT, HTTPS_GET, HTTPS_PUT, Protocol, Transfer};
use crate::{Error, ErrorKind, Result};

/// Redirects from the transfer document to its answer; services use two.
const STEPS: usize = 5;

/// The view that every service has (VOSpace 2.1 §3.5.1).
const DEFAULT_VIEW: &str = "ivo://ivoa.net/vospace/core#defaultview";

/// One URL for the bytes. Not to be shown: it may carry its own grant.
#[derive(Clone)]
pub(crate) struct Endpoint {
    pub(crate) url: Url,
    pub(crate) grant: Grant,
}

/// What became of asking with one request.
pub(crate) enum Short {
    /// The place.
    Place(Endpoint),
    /// The service does not answer that way, or not at present: the whole negotiation tells.
    Refused,
    /// It is known not to.
    NotTried,
}

/// One URL to PUT to, asked for with a single request instead of three (VOSpace 2.1 §3.6, parameter form), where the
/// service answers that way.
///
/// # Errors
/// Refusals, which this form gives directly.
pub(crate) async fn push_shortly(inner: &Arc<Inner>, service: &Service, uri: &VosUri) -> Result<Short> {
    let http = &inner.http;
    let dialect = service.dialect();
    let Some(url) = service.sync().filter(|_| dialect.short_negotiation != Learned::No) else {
        return Ok(Short::NotTried);
    };
    let protocol = if url.scheme() == "https" { HTTPS_PUT } else { HTTP_PUT };
    let target = dialect.transfer_uri(uri)?;
    let fields =
        [("TARGET", target.as_str()), ("DIRECTION", "pushToVoSpace"), ("PROTOCOL", protocol), ("REQUEST", "redirect")];
    // One that does not know the form may answer 500 to it (pyvospace, observed).
    let repeat = if dialect.short_negotiation == Learned::Yes { Repeat::Freely } else { Repeat::Unless };
    let request = Request::new(Method::POST, url.clone(), Grant::Caller).form(&fields).repeat(repeat);
    let answer = match http.fetch(&request).await {
        Ok(answer) => answer,
        Err(failure) => {
            return match failure.kind() {
                ErrorKind::Unsupported | ErrorKind::BadRequest | ErrorKind::Service | ErrorKind::Unauthorized => {
                    Ok(Short::Refused)
                }
                _ => Err(failure.into()),
            };
        }
    };
    let place = answer.status.is_redirection().then(|| http.redirected(&request, &answer.url, &answer.headers));
    let place = place.transpose()?.filter(|place| rename::job_of(place).is_none());
    service.learn(|dialect| dialect.short_negotiation = place.is_some().into());
    // Such a URL carries its own grant.
    Ok(place.map_or(Short::Refused, |place| Short::Place(Endpoint { url: place.url, grant: Grant::Url })))
}

/// URLs to PUT to, in the order offered. The service makes the node at once if there is none.
pub(crate) async fn push(inner: &Arc<Inner>, service: &Service, uri: &VosUri) -> Result<Vec<Endpoint>> {
    Ok(different(service, negotiate(inner, service, uri, &Direction::PushToVoSpace).await?))
}

/// URLs to GET from, in the order offered. None for an empty file.
pub(crate) async fn pull(inner: &Arc<Inner>, service: &Service, uri: &VosUri) -> Result<Vec<Endpoint>> {
    Ok(different(service, negotiate(inner, service, uri, &Direction::PullFromVoSpace).await?))
}

/// Each place once where it is good once: one service offers the same for each security method that it was asked for
/// (pyvospace, observed), and the second answer would hide what the first one said.
fn different(service: &Service, mut endpoints: Vec<Endpoint>) -> Vec<Endpoint> {
    if !service.dialect().may_ask_again(service.has_files()) {
        let mut seen = HashSet::new();
        endpoints.retain(|endpoint| seen.insert(endpoint.url.clone()));
    }
    endpoints
}

/// How a transfer document is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Form {
    kind: TransferType,
    view: bool,
    https: bool,
    http: bool,
}

impl Form {
    /// The forms to try, the likeliest first; one if all is known. `plain`: bytes may go over http. Where they may not,
    /// https is asked for, and then, of a service without lasting addresses, http by its name alone: one that knows no
    /// other may mean places that are https all the same, as it is itself (Astro Data Lab). What is not is left out.
    fn of(dialect: &Dialect, plain: bool, has_files: bool) -> Vec<Form> {
        use TransferType::{Form as AsForm, Xml};
        let all =
            [(Xml, false, true), (Xml, false, false), (Xml, true, true), (AsForm, true, true), (AsForm, true, false)];
        let rounds: &[bool] = match (plain, has_files) {
            (true, _) => &[true],
            (false, false) => &[false, true],
            (false, true) => &[false],
        };
        let mut forms = Vec::new();
        for (http, (kind, view, https)) in rounds.iter().flat_map(|http| all.map(|form| (*http, form))) {
            let https = if plain { https || dialect.protocols != OfferedProtocols::Unknown } else { !http };
            let form = Form {
                kind: if dialect.transfer_type == TransferType::Unknown { kind } else { dialect.transfer_type },
                view: if dialect.transfer_view == Learned::Unknown {
                    view
                } else {
                    dialect.transfer_view == Learned::Yes
                },
                https: dialect.protocols.https() && https,
                http: dialect.protocols.http() && http,
            };
            if (form.https || form.http) && !forms.contains(&form) {
                forms.push(form);
            }
        }
        forms
    }

    /// Whether the other asks for http in its place, and is the same else.
    fn asks_but_for(self, other: Form) -> bool {
        !self.http && other == Form { https: false, http: true, ..self }
    }

    /// That a negotiation went well in this form.
    fn note(self, dialect: &mut Dialect) {
        dialect.transfer_type = self.kind;
        dialect.transfer_view = self.view.into();
        dialect.protocols = match (self.https, self.http) {
            (true, true) => OfferedProtocols::Both,
            (false, true) => OfferedProtocols::Http,
            // Nobody asked for http.
            _ => dialect.protocols,
        };
    }
}

/// Why a negotiation failed.
enum Attempt {
    /// It may be for its form.
    Form(Error),
    /// It is not.
    Failed(Error),
}

impl Attempt {
    fn of(failure: Failure) -> Attempt {
        let status = failure.status.map(|status| status.as_u16());
        if matches!(status, Some(400 | 405 | 406 | 415 | 422 | 500 | 501)) {
            Attempt::told(failure.into())
        } else {
            Attempt::Failed(failure.into())
        }
    }

    /// By what the service said.
    fn told(error: Error) -> Attempt {
        match error.kind() {
            ErrorKind::BadRequest | ErrorKind::Unsupported | ErrorKind::Service => Attempt::Form(error),
            _ => Attempt::Failed(error),
        }
    }
}

async fn negotiate(
    inner: &Arc<Inner>,
    service: &Service,
    uri: &VosUri,
    direction: &Direction,
) -> Result<Vec<Endpoint>> {
    let Some(url) = service.sync() else {
        return Err(Error::node(ErrorKind::Unsupported, uri, "the service has no transfer negotiation"));
    };
    stat::acquaint(inner, service, uri).await;
    let mut forms = Form::of(&service.dialect(), may_be_plain(inner, service), service.has_files()).into_iter();
    let repeat = if forms.len() > 1 { Repeat::Unless } else { Repeat::Freely };
    let mut first = None;
    while let Some(form) = forms.next() {
        match attempt(inner, service, uri, url, direction, form, repeat).await {
            Ok(endpoints) if endpoints.is_empty() => match forms.find(|other| form.asks_but_for(*other)) {
                Some(by_name) => forms = vec![by_name].into_iter(),
                None => return Ok(endpoints),
            },
            Ok(endpoints) => {
                service.learn(|dialect| form.note(dialect));
                return Ok(endpoints);
            }
            Err(Attempt::Failed(error)) => return Err(error),
            Err(Attempt::Form(error)) => {
                tracing::debug!("a transfer as {form:?} is refused: {error}");
                first.get_or_insert(error);
            }
        }
    }
    let Some(error) = first else {
        return Err(Error::node(ErrorKind::Unsupported, uri, "no protocol for its bytes is allowed here"));
    };
    Err(for_its_name(inner, uri, &error).await.unwrap_or(error))
}

/// Why a negotiation failed, where it may be for a name that the service does not take: it can fail there without a word,
/// and say so of the node only (Astro Data Lab, observed).
async fn for_its_name(inner: &Arc<Inner>, uri: &VosUri, error: &Error) -> Option<Error> {
    let common = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if error.kind() != ErrorKind::Service || uri.names().all(|name| name.chars().all(common)) {
        return None;
    }
    stat::stat(inner, uri).await.err().filter(|said| said.kind() == ErrorKind::InvalidName)
}

async fn attempt(
    inner: &Arc<Inner>,
    service: &Service,
    uri: &VosUri,
    url: &Url,
    direction: &Direction,
    form: Form,
    repeat: Repeat,
) -> Result<Vec<Endpoint>, Attempt> {
    let http = &inner.http;
    let (secure, plain) = match direction {
        Direction::PushToVoSpace => (HTTPS_PUT, HTTP_PUT),
        _ => (HTTPS_GET, HTTP_GET),
    };
    let dialect = service.dialect();
    let mut wanted =
        Transfer::new(dialect.transfer_uri(uri).map_err(|error| Attempt::Failed(error.into()))?, direction.clone());
    wanted.view = form.view.then(|| DEFAULT_VIEW.to_owned());
    for protocol in
        [(form.https, secure), (form.http, plain)].into_iter().filter_map(|(asked, uri)| asked.then_some(uri))
    {
        let method = http.security_method(service.resource_id()).map(|method| vec![method.to_owned()]);
        for security_methods in method.into_iter().chain([Vec::new()]) {
            wanted.protocols.push(Protocol { uri: protocol.to_owned(), endpoint: None, security_methods });
        }
    }
    // Negotiating twice gives new URLs for the same thing.
    let request = Request::new(Method::POST, url.clone(), Grant::Caller)
        .document(form.kind.as_str(), transfer::request(&wanted, dialect.namespace.uri()))
        .repeat(repeat);
    let mut job = None;
    let mut answer = http.fetch(&request).await.map_err(Attempt::of)?;
    let mut current = request;
    for _ in 0..STEPS {
        if !answer.status.is_redirection() {
            break;
        }
        current = http
            .redirected(&current, &answer.url, &answer.headers)
            .map_err(|failure| Attempt::Failed(failure.into()))?;
        job = job.or_else(|| rename::job_of(&current));
        answer = match http.fetch(&current).await {
            Ok(answer) => answer,
            Err(failure) => {
                return Err(Attempt::Failed(reason(inner, uri, job).await.unwrap_or_else(|| failure.into())));
            }
        };
    }
    let endpoints = match transfer::read(&answer.body) {
        Ok(offered) => {
            let usable = |protocol: &Protocol| usable(inner, service, protocol, [secure, plain]);
            let endpoints: Vec<Endpoint> = offered.protocols.iter().filter_map(usable).collect();
            if endpoints.is_empty() && form.http && offered.protocols.iter().any(|protocol| protocol.endpoint.is_some())
            {
                let text = "it gives places for bytes over plain http only, where anybody could read and change them, \
                            while it is https itself; ask its operators";
                return Err(Attempt::Failed(Error::node(ErrorKind::Unsupported, uri, text)));
            }
            endpoints
        }
        // One that has nothing in it is how a service says that it failed, with a status of success (Astro Data Lab,
        // observed).
        Err(error) => {
            let text = format!("the negotiation was answered with no usable document: {error}");
            let unexplained = Error::node(ErrorKind::Service, uri, text);
            return Err(match told(uri, &answer) {
                Some(error) => Attempt::told(error),
                None => Attempt::told(reason(inner, uri, job).await.unwrap_or(unexplained)),
            });
        }
    };
    if endpoints.is_empty()
        && let Some(error) = reason(inner, uri, job).await
    {
        return Err(Attempt::told(error));
    }
    Ok(endpoints)
}

/// Whether bytes may go over plain http.
fn may_be_plain(inner: &Arc<Inner>, service: &Service) -> bool {
    inner.http.allows_plain(service.resource_id()) || service.is_plain()
}

/// Notes what a place said to a request without the caller's credentials; whether it is worth another with them. A place
/// that names no security method carries its own grant, but one service wants its cookie there all the same (pyvospace,
/// observed).
pub(crate) fn note_grant(
    inner: &Arc<Inner>,
    service: &Service,
    endpoint: &Endpoint,
    refused: Option<ErrorKind>,
) -> bool {
    let bare = endpoint.grant == Grant::Url && inner.http.is_trusted_for(service.resource_id(), &endpoint.url);
    if service.has_files() || !bare || service.dialect().endpoint_credentials != Learned::Unknown {
        return false;
    }
    let wants = match refused {
        None => false,
        Some(ErrorKind::Unauthorized | ErrorKind::PermissionDenied) => true,
        Some(_) => return false,
    };
    service.learn(|dialect| dialect.endpoint_credentials = wants.into());
    wants
}

/// An offered protocol that is one of those that were asked for, with where it leads.
fn usable(inner: &Arc<Inner>, service: &Service, protocol: &Protocol, [secure, plain]: [&str; 2]) -> Option<Endpoint> {
    if protocol.uri != secure && protocol.uri != plain {
        return None;
    }
    let url = Url::parse(protocol.endpoint.as_deref()?).ok()?;
    // By the address itself: what a service calls it proves nothing.
    let allowed = url.scheme() == "https" || (url.scheme() == "http" && may_be_plain(inner, service));
    // A URL without security method carries its own grant; credentials beside it do harm, but where they are wanted.
    let wanted = service.dialect().endpoint_credentials == Learned::Yes;
    let own =
        (protocol.security_methods.is_empty() && !wanted) || !inner.http.is_trusted_for(service.resource_id(), &url);
    allowed.then_some(Endpoint { url, grant: if own { Grant::Url } else { Grant::Caller } })
}

/// What an answer says of a failure beside its body.
fn told(uri: &VosUri, answer: &Answer) -> Option<Error> {
    let text = fault_header(&answer.headers)?;
    Some(Error::node(classify_fault(text).unwrap_or(ErrorKind::Service), uri, text.to_owned()))
}

fn fault_header(headers: &HeaderMap) -> Option<&str> {
    headers.get(VO_FAULT)?.to_str().ok()
}

/// Why a negotiation failed, if its job says so.
async fn reason(inner: &Arc<Inner>, uri: &VosUri, job: Option<jobs::JobUrl>) -> Option<Error> {
    match jobs::phase_and_error(inner, &job?).await {
        Ok((Some(Phase::Error), text)) => Some(jobs::fault(uri, Phase::Error, &text)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
