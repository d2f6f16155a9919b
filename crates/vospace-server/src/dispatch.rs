//! From a request to the resource that answers it.
//!
//! Paths are taken apart by hand and not by a router, because the text of the path as sent matters: what a servlet
//! container makes of it is part of the behaviour. The caller is identified before anything else; a credential that is
//! not good is refused everywhere, on public things too. Every answer to an anonymous caller carries the challenges,
//! every other one the user's name.

use crate::answering::{Answer, Answered, Entrance};
use crate::app::App;
use crate::call::{Call, refuse, swallow};
use crate::control::{Control, Mode};
use crate::fault::{Fault, FaultKind};
use crate::faults::{Asked, Due};
use crate::identity::{AUTHENTICATED, Caller, challenges, forms, presented};
use crate::oplog::{Entry, redacted};
use crate::profile::Bytes as ByteHabit;
use crate::profile::access::Access;
use crate::profile::documents::Wording;
use crate::replies::{not_allowed, not_mounted, ok};
use crate::routes;
use crate::shaping::Shaper;
use crate::space::Space;
use crate::space::sites::{service_of, site_of};
use crate::tls::PeerUser;
use crate::uploads::patient;
use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, header};
use parking_lot::Mutex;
use std::sync::Arc;

/// Longest head of a request, as observed: 8 kB of request line and headers together.
const LONGEST_HEAD: usize = 8 << 10;

impl Answer for App {
    fn answer(self: Arc<Self>, entrance: Entrance, request: Request<Body>) -> Answered {
        Box::pin(answer(self, entrance, request))
    }
}

/// Answers a request, faults on demand included.
async fn answer(app: Arc<App>, entrance: Entrance, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = patient(body, app.patience);
    let path = parts.uri.path().to_owned();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let mut segments = path.trim_start_matches('/').splitn(3, '/');
    let (service, resource) = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
    let rest = segments.next().map(|rest| format!("/{rest}")).unwrap_or_default();

    let space = app.space(service).cloned();
    let access = space.as_ref().map_or(&Access::CADC, |space| space.access());
    let certificate = parts.extensions.get::<PeerUser>().and_then(|peer| peer.0.as_deref());
    let identified = identify(&app, &parts.headers, certificate, access).await;
    let caller = identified.as_ref().map_or(Caller::Anonymous, Clone::clone);
    let method = parts.method.clone();
    let base = app.base(&parts.headers);
    let (url, own) = (format!("{base}{}", parts.uri), base.clone());
    let control = app.control.as_ref().filter(|_| service != "_bench");
    let route = if site_of(service).is_some() { "bytes" } else { resource };
    let mut headers = parts.headers;
    let asked = Asked { method: method.as_str(), route, path: &path, query: &query, headers: &headers };
    let due = control.and_then(|control| control.faults.due(&asked));
    let mut entry = entry(&method, &path, &query, &headers, &caller);
    let (body, refusal) = match &due {
        Some(due) => due.before(&mut headers, body).await,
        None => (body, None),
    };
    let rate = due.as_ref().and_then(Due::rate);
    let shaper = if service == "_bench" { &Shaper::default() } else { &app.shaper };
    shaper.arrive().await;
    let call = Call {
        app: Arc::clone(&app),
        caller: caller.clone(),
        method,
        base,
        rest,
        query,
        headers,
        effect: due.as_ref().map(|due| due.effect.clone()),
        body: Mutex::new(shaper.shape(body, rate)),
    };
    let mode = control.map_or(Mode::ReadWrite, Control::mode);
    let bad_credential = identified.is_err();
    let refusal = refusal.or_else(|| unfit(&call, &url));
    let outcome = match (refusal, identified) {
        (Some(response), _) => {
            swallow(call.body()).await;
            Ok(response)
        }
        (None, Err(_))
            if resource == "availability" && space.as_ref().is_some_and(|space| space.profile.availability_asks) =>
        {
            Err(Fault::plain(503, "<html><body><h1>HTTP Status 503</h1></body></html>"))
        }
        (None, Err(fault)) => refuse(call.body(), fault).await,
        (None, Ok(Caller::Anonymous)) if access.members_only && resource != "login" => {
            refuse(call.body(), Fault::denied("Credentials not found.")).await
        }
        (None, Ok(_)) if space.is_some() && !mode.allows(resource, &call.method) => {
            refuse(call.body(), Fault::new(FaultKind::Unavailable(180), mode.note())).await
        }
        (None, Ok(_)) => dispatch(call, entrance, space.clone(), service, resource).await,
    };
    let wording = space.as_ref().map_or(Wording::Name, |space| space.profile.documents.wording);
    let mut response = outcome.unwrap_or_else(|fault| fault.answer(wording));
    decorate(&mut response, &caller, bad_credential, &own, service, space.as_deref());
    entry.status = response.status().as_u16();
    tracing::debug!(method = %entry.method, path = %entry.path, status = entry.status, "answered");
    let (mut parts, body) = response.into_parts();
    // Counted bodies lose their length; without it the client could not tell a cut answer.
    if let Some(length) = HttpBody::size_hint(&body).exact().filter(|length| *length > 0) {
        parts.headers.entry(header::CONTENT_LENGTH).or_insert(HeaderValue::from(length));
    }
    let mut response = Response::from_parts(parts, shaper.shape(body, rate));
    if let Some(due) = due {
        response = due.after(&url, response).await;
    }
    let (parts, body) = response.into_parts();
    match control {
        Some(control) => Response::from_parts(parts, control.log.add(entry, body)),
        None => Response::from_parts(parts, body),
    }
}

/// Who calls: by the tokens that are known here, or by what the issuer says of them.
async fn identify(app: &App, headers: &HeaderMap, certificate: Option<&str>, access: &Access) -> Result<Caller, Fault> {
    match app.issuer.as_ref().filter(|_| access.issued) {
        Some(issuer) => match presented(headers, access)? {
            Some(token) => issuer.caller(&token).await,
            None => Ok(Caller::Anonymous),
        },
        None => app.users.identify(headers, certificate, access),
    }
}

/// Refuses what a servlet container refuses before it looks for anything (Tomcat, observed).
fn unfit(call: &Call, url: &str) -> Option<Response<Body>> {
    let lengths = call.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
    let html = |status, text: &str| {
        let mut response = Fault::plain(status, format!("<html><body><h1>{text}</h1></body></html>")).response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
        Some(response)
    };
    if url.len() + lengths.sum::<usize>() > LONGEST_HEAD {
        return html(400, "Request header is too large");
    }
    if call.header("expect").is_some_and(|expected| !expected.eq_ignore_ascii_case("100-continue")) {
        return html(417, "Expectation Failed");
    }
    match call.method {
        Method::GET | Method::HEAD | Method::POST | Method::PUT | Method::DELETE => None,
        Method::OPTIONS => {
            let mut response = Response::new(Body::empty());
            response
                .headers_mut()
                .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE, OPTIONS"));
            Some(response)
        }
        _ => html(501, "Not Implemented"),
    }
}

/// What the log says of a request; the status is not known yet.
fn entry(method: &Method, path: &str, query: &str, headers: &HeaderMap, caller: &Caller) -> Entry {
    let text = |value: &HeaderValue| value.to_str().map(str::to_owned).ok();
    Entry {
        seq: 0,
        method: method.to_string(),
        path: redacted(path),
        query: query.to_owned(),
        status: 0,
        user: caller.name().map(str::to_owned),
        credentials: forms(headers),
        range: headers.get(header::RANGE).and_then(text),
        bytes_out: 0,
    }
}

async fn dispatch(
    call: Call,
    entrance: Entrance,
    space: Option<Arc<Space>>,
    service: &str,
    resource: &str,
) -> Result<Response<Body>, Fault> {
    if let Entrance::Site(site) = entrance {
        let here = service == service_of(0);
        return if here { routes::bytes::serve(call, site, resource).await } else { Err(not_mounted()) };
    }
    let reads_only = matches!(service, "reg" | "") || matches!(resource, "capabilities" | "availability");
    if reads_only && !matches!(call.method, Method::GET | Method::HEAD) {
        let answer = not_allowed(&call.method, "GET, HEAD");
        swallow(call.body()).await;
        return Ok(answer);
    }
    match (service, space) {
        ("reg", _) => routes::registry::resource_caps(&call, resource),
        ("cred", _) => routes::credentials::cred(&call, resource).await,
        ("ac", _) => routes::credentials::login(&call, resource).await,
        ("_bench", _) => routes::control::serve(call, resource).await,
        ("", _) => Ok(welcome(&call)),
        (_, Some(space)) => in_space(call, space, resource).await,
        (_, None) => match site_of(service).filter(|_| !call.app.has_site_doors()) {
            Some(site) => routes::bytes::serve(call, site, resource).await,
            None => Err(not_mounted()),
        },
    }
}

async fn in_space(call: Call, space: Arc<Space>, resource: &str) -> Result<Response<Body>, Fault> {
    let has = space.profile.resources;
    match resource {
        "capabilities" | "availability" if !has.described => Err(not_mounted()),
        "capabilities" => Ok(routes::registry::capabilities(&call, &space)),
        "pubkey" if space.profile.bytes == ByteHabit::Redirected => {
            Ok(ok("application/x-pem-file", space.grants.public_key()))
        }
        "availability" => Ok(routes::registry::availability(&call, &space)),
        "views" | "properties" | "protocols" if has.lists => routes::lists::serve(call, space, resource).await,
        "nodes" => routes::nodes::serve(call, space).await,
        "files" if has.files => routes::files::serve(call, space).await,
        "login" if has.login => routes::credentials::form(&call, &space).await,
        resource if resource == has.sync.resource() => routes::transfers::synchronous(call, space).await,
        "pkg" if has.packages => routes::package::serve(call, space).await,
        "xfer" if !space.profile.transfers.details_at_once => routes::transfers::details(call, space).await,
        "transfers" => routes::jobs::serve(call, space, resource).await,
        "async-delete" | "async-setprops" if has.tree_jobs => routes::jobs::serve(call, space, resource).await,
        "pushToVoSpace" | "pullFromVoSpace" | "data" if space.profile.bytes == ByteHabit::AtJobs => {
            routes::endpoint::serve(call, space, resource).await
        }
        _ => Err(not_mounted()),
    }
}

fn decorate(
    response: &mut Response<Body>,
    caller: &Caller,
    bad_credential: bool,
    base: &str,
    service: &str,
    space: Option<&Space>,
) {
    let headers = response.headers_mut();
    let access = space.map_or(&Access::CADC, Space::access);
    if space.is_some_and(|space| space.profile.resources.relative_locations)
        && let Some(Some(place)) = headers.get(header::LOCATION).map(|at| at.to_str().ok()?.strip_prefix(base))
        && let Ok(place) = HeaderValue::from_str(place)
    {
        headers.insert(header::LOCATION, place);
    }
    match caller {
        Caller::User(_) | Caller::Granted(_) if !access.names_caller => {}
        Caller::User(name) | Caller::Granted(name) => {
            if let Ok(value) = HeaderValue::from_str(name) {
                headers.insert(AUTHENTICATED, value);
            }
        }
        Caller::Anonymous => {
            for challenge in challenges(access.challenges, bad_credential, base) {
                headers.append(header::WWW_AUTHENTICATE, challenge);
            }
        }
    }
    let server = space.map(|space| space.profile.server).or(site_of(service).map(|_| routes::bytes::SERVER));
    if let Some(server) = server {
        headers.insert(header::SERVER, HeaderValue::from_static(server));
    }
}

fn welcome(call: &Call) -> Response<Body> {
    ok("text/plain", format!("VOSpace service; registry at {}/reg/resource-caps\n", call.base))
}
