//! The application: from a request to the resource that answers it.
//!
//! Paths are taken apart by hand and not by a router, because the text of the path as sent matters: what a servlet
//! container makes of it is part of the behaviour. The caller is identified before anything else; a credential that is
//! not good is refused everywhere, on public things too. Every answer to an anonymous caller carries the challenges,
//! every other one the user's name.

use crate::answering::Answering;
use crate::control::{Control, Mode};
use crate::fault::{Fault, FaultKind};
use crate::faults::{Asked, Due, Effect};
use crate::identity::{AUTHENTICATED, Caller, Users, challenges};
use crate::listening::Door;
use crate::names;
use crate::oplog::{Entry, redacted};
use crate::profile::{Bytes as ByteHabit, UnknownScheme};
use crate::routes;
use crate::shaping::Shaper;
use crate::space::Space;
use crate::space::sites::{service_of, site_of};
use crate::tls::PeerUser;
use crate::uploads::patient;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use futures_util::StreamExt as _;
use parking_lot::Mutex;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Unread bytes of a refused upload that are still taken in, so that the client reads the refusal and not a reset.
const SWALLOWED: usize = 2 << 20;

/// Longest head of a request, as observed: 8 kB of request line and headers together.
const LONGEST_HEAD: usize = 8 << 10;

/// Everything that a request may need.
#[derive(Debug)]
pub struct App {
    /// The spaces of this process.
    pub spaces: Vec<Arc<Space>>,
    /// The users.
    pub users: Users,
    /// Whether the connection is TLS.
    pub tls: bool,
    /// The folder with the certificate authority.
    pub authority: PathBuf,
    /// Host and port for requests that name none.
    pub host: String,
    /// The control resource, if it is on.
    pub control: Option<Control>,
    /// How slow the network seems to be.
    pub shaper: Shaper,
    /// How long a client may be silent within a body.
    pub patience: Duration,
    /// The ports that the byte sites have of their own, or nothing.
    pub site_doors: OnceLock<Vec<Door>>,
}

/// Where a request came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entrance {
    /// At the port of the service.
    Main,
    /// At the port of this byte site, where nothing else is to be had.
    Site(usize),
}

impl App {
    /// The byte sites are at these ports from now on, and no more at that of the service.
    pub fn open_sites(&self, doors: Vec<Door>) {
        for space in &self.spaces {
            space.sites.set_ports(doors.iter().map(|door| door.address().port()).collect());
        }
        // Once, at the start.
        let _ = self.site_doors.set(doors);
    }

    /// Opens or shuts the port of a site, if it has one.
    pub async fn set_site(self: &Arc<Self>, site: usize, up: bool) -> std::io::Result<()> {
        match self.site_doors.get().and_then(|doors| doors.get(site)) {
            Some(door) if up => door.open(Answering { app: Arc::clone(self), entrance: Entrance::Site(site) }),
            Some(door) => {
                door.shut().await;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Lets the requests at the sites end, and takes no more.
    pub async fn close_sites(&self) {
        let doors = self.site_doors.get().into_iter().flatten();
        futures_util::future::join_all(doors.map(Door::close)).await;
    }

    fn has_site_doors(&self) -> bool {
        self.site_doors.get().is_some_and(|doors| !doors.is_empty())
    }

    /// The space of this service name.
    pub fn space(&self, service: &str) -> Option<&Arc<Space>> {
        self.spaces.iter().find(|space| space.profile.service == service)
    }

    /// The spaces whose bytes are at the byte service.
    pub fn redirected(&self) -> impl Iterator<Item = &Arc<Space>> {
        self.spaces.iter().filter(|space| space.profile.bytes == ByteHabit::Redirected)
    }

    /// The URL of this server as the client knows it: with its `Host`, so that tunnels and names work.
    fn base(&self, headers: &HeaderMap) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or(&self.host);
        format!("{scheme}://{host}")
    }
}

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
    body: Mutex<Body>,
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

    /// The path of the node, as it comes out of the URI that is pasted together.
    pub fn node_path(&self) -> Result<String, Fault> {
        names::pasted(&self.servlet_path()?)
    }
}

impl App {
    /// Answers a request, faults on demand included.
    pub async fn answer(self: Arc<Self>, entrance: Entrance, request: Request<Body>) -> Response<Body> {
        let app = self;
        let (parts, body) = request.into_parts();
        let body = patient(body, app.patience);
        let path = parts.uri.path().to_owned();
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let mut segments = path.trim_start_matches('/').splitn(3, '/');
        let (service, resource) = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
        let rest = segments.next().map(|rest| format!("/{rest}")).unwrap_or_default();

        let space = app.space(service).cloned();
        let unknown = space.as_ref().map_or(UnknownScheme::Anonymous, |space| space.profile.unknown_scheme);
        let certificate = parts.extensions.get::<PeerUser>().and_then(|peer| peer.0.as_deref());
        let identified = app.users.identify(&parts.headers, certificate, unknown);
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
                if resource == "availability"
                    && space.as_ref().is_some_and(|space| space.profile.availability_asks) =>
            {
                Err(Fault::plain(503, "<html><body><h1>HTTP Status 503</h1></body></html>"))
            }
            (None, Err(fault)) => refuse(call.body(), fault).await,
            (None, Ok(_)) if space.is_some() && !mode.allows(resource, &call.method) => {
                refuse(call.body(), Fault::new(FaultKind::Unavailable(180), mode.note())).await
            }
            (None, Ok(_)) => dispatch(call, entrance, space.clone(), service, resource).await,
        };
        let mut response = outcome.unwrap_or_else(|fault| fault.response());
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
    match resource {
        "capabilities" => Ok(routes::registry::capabilities(&call, &space)),
        "pubkey" if space.profile.bytes == ByteHabit::Redirected => {
            Ok(ok("application/x-pem-file", space.grants.public_key()))
        }
        "availability" => Ok(routes::registry::availability(&call, &space)),
        "views" | "properties" | "protocols" if space.profile.lists => {
            routes::lists::serve(call, space, resource).await
        }
        "nodes" => routes::nodes::serve(call, space).await,
        "files" => routes::files::serve(call, space).await,
        "synctrans" => routes::transfers::synchronous(call, space).await,
        "pkg" => routes::package::serve(call, space).await,
        "xfer" => routes::transfers::details(call, space).await,
        "transfers" | "async-delete" | "async-setprops" => routes::jobs::serve(call, space, resource).await,
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
    match caller {
        Caller::User(name) | Caller::Granted(name) => {
            if let Ok(value) = HeaderValue::from_str(name) {
                headers.insert(AUTHENTICATED, value);
            }
        }
        Caller::Anonymous => {
            for challenge in challenges(bad_credential, base) {
                headers.append(header::WWW_AUTHENTICATE, challenge);
            }
        }
    }
    let server = space.map(|space| space.profile.server).or(site_of(service).map(|_| routes::bytes::SERVER));
    if let Some(server) = server {
        headers.insert(header::SERVER, HeaderValue::from_static(server));
    }
}

/// Takes in what is left of a body, within bounds, and then answers with the fault.
pub async fn refuse<T>(body: Body, fault: Fault) -> Result<T, Fault> {
    swallow(body).await;
    Err(fault)
}

async fn swallow(body: Body) {
    let mut chunks = body.into_data_stream();
    let mut taken = 0;
    while let Some(Ok(chunk)) = chunks.next().await {
        taken += chunk.len();
        if taken > SWALLOWED {
            break;
        }
    }
}

/// 404 as the servlet container writes it.
pub fn not_mounted() -> Fault {
    Fault::plain(404, "<html><body><h1>HTTP Status 404</h1></body></html>")
}

/// 405 with the methods that are there; what the servlet container answers itself for OPTIONS and for methods that it
/// does not know.
pub fn not_allowed(method: &Method, allowed: &'static str) -> Response<Body> {
    let mut response = match *method {
        Method::OPTIONS => Response::new(Body::empty()),
        Method::GET | Method::HEAD | Method::PUT | Method::POST | Method::DELETE | Method::TRACE => {
            Fault::plain(405, format!("unsupported: HTTP {method}")).response()
        }
        _ => return Fault::plain(501, "<html><body><h1>HTTP Status 501</h1></body></html>").response(),
    };
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}

/// 303 to a URL.
pub fn see_other(location: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    match HeaderValue::from_bytes(&names::latin1(location)) {
        Ok(value) => {
            response.headers_mut().insert(header::LOCATION, value);
            response
        }
        Err(_) => Fault::internal("a location that is no header value").response(),
    }
}

/// 200 with a body of this type.
pub fn ok(content_type: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn welcome(call: &Call) -> Response<Body> {
    ok("text/plain", format!("VOSpace service; registry at {}/reg/resource-caps\n", call.base))
}
