//! The byte service: artifacts by pre-authorised URL, as minoc serves them.
//!
//! The grant in the path is the only permission that counts. Ranges: one range of bytes; what is malformed or several
//! is ignored and the whole file sent; a suffix range is served from the beginning, which is a defect of the service
//! that clients have to know. A PUT replaces the artifact in one step, or nothing.

use crate::call::{Call, refuse};
use crate::cutout::{Piece, Wish};
use crate::fault::Fault;
use crate::faults::Effect;
use crate::faults::bodies::{hampered, lost};
use crate::faults::effect::RangeForm;
use crate::grants::Permit;
use crate::replies::{not_allowed, not_mounted, ok};
use crate::routes::facts::{Facts, send};
use crate::routes::files::created;
use crate::routes::range::{Wanted, multipart};
use crate::routes::transaction;
use crate::routes::transaction::step::Step;
use crate::space::sites::{Origin, SiteState};
use crate::space::{Space, now};
use crate::store::artifacts::{self, Artifact};
use crate::store::blob::Blob;
use crate::store::{blocking, copies};
use crate::streaming;
use crate::uploads::{Abandoned, Cut, Sink, finished};
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Method, Response, StatusCode, header};
use std::io::{ErrorKind, Seek as _, SeekFrom};
use std::sync::Arc;
use uuid::Uuid;
use vospace_client::node::Md5;
use vospace_client::xml::job::Phase;

/// The strong validator: the name of the stored bytes.
pub const ARTIFACT_ID: HeaderName = HeaderName::from_static("x-artifact-id");

/// The `Server` header of the byte service; a higher minor version would be refused by Python's `vos`.
pub const SERVER: &str = "OpenCADC/cadc-rest + storage-inventory/minoc-1.0";

/// Looks at record and bytes until they belong together: an overwrite between the two removes the bytes looked for.
const ATTEMPTS: usize = 5;

/// The artifact that a path names: its storage identity and the name to save it under.
#[derive(Debug)]
pub struct Target {
    /// Where it belongs.
    pub space: Arc<Space>,
    /// The site that was asked.
    pub site: usize,
    /// The key of the artifact record.
    pub storage: String,
    /// From `:fo/NAME`.
    pub name: Option<String>,
    /// The job that ends when the bytes have passed, if the URL is good once.
    pub once: Option<String>,
}

/// All methods of `/minoc/files/TOKEN/ARTIFACT`.
pub async fn serve(call: Call, site: usize, resource: &str) -> Result<Response<Body>, Fault> {
    let is_there = call.app.redirected().any(|space| space.sites.state(site).is_some());
    if resource != "files" || !is_there {
        return Err(not_mounted());
    }
    let (target, permit) = match target(&call, site) {
        Ok(found) => found,
        Err(fault) => return refuse(call.body(), fault).await,
    };
    match target.space.sites.state(site) {
        None | Some(SiteState::Up) => {}
        // A site without a port of its own cannot but take the connection first.
        Some(SiteState::Dead | SiteState::Down) => return Ok(lost()),
    }
    let needed = if matches!(call.method, Method::GET | Method::HEAD) { Permit::Read } else { Permit::Write };
    let head_for_writer = call.method == Method::HEAD && permit == Permit::Write;
    if permit != needed && !head_for_writer {
        return refuse(call.body(), Fault::denied("invalid auth token")).await;
    }
    let Some(job) = target.once.clone() else { return serve_artifact(call, target, permit).await };
    // Good once: a download uses the URL up when it begins, an upload when its bytes are there.
    let space = Arc::clone(&target.space);
    let good = match call.method {
        Method::GET => space.jobs.complete(&job),
        _ => space.jobs.get(&job).is_some_and(|job| job.phase == Phase::Executing),
    };
    if !good {
        return refuse(call.body(), Fault::denied("this URL was good once")).await;
    }
    let answer = serve_artifact(call, target, permit).await;
    if answer.as_ref().is_ok_and(|response| response.status() == StatusCode::CREATED) {
        space.jobs.complete(&job);
    }
    answer
}

async fn serve_artifact(call: Call, target: Target, permit: Permit) -> Result<Response<Body>, Fault> {
    if Step::is_meant(&call.headers) {
        return transaction::serve(call, target, permit).await;
    }
    match call.method {
        Method::GET | Method::HEAD => get(&call, target).await,
        Method::PUT => put(call, target).await,
        Method::POST => describe(call, target).await,
        Method::DELETE => remove(target).await,
        _ => Ok(not_allowed(&call.method, "GET, HEAD, PUT, POST, DELETE")),
    }
}

/// The artifact and what the grant permits. The first part of the artifact's name is the service that it is of.
fn target(call: &Call, site: usize) -> Result<(Target, Permit), Fault> {
    let path = call.servlet_path()?;
    let invalid = || Fault::denied("invalid auth token");
    let (token, artifact) = path.trim_start_matches('/').split_once('/').ok_or_else(invalid)?;
    let (artifact, name) = match artifact.split_once(":fo/") {
        Some((artifact, name)) => (artifact, Some(name.to_owned())),
        None => (artifact, None),
    };
    let (service, storage) =
        artifact.strip_prefix("cadc:").and_then(|rest| rest.split_once('/')).ok_or_else(invalid)?;
    let space = call.app.redirected().find(|space| space.profile.service == service).ok_or_else(invalid)?;
    let grant = space.grants.verify(token, artifact).ok_or_else(invalid)?;
    let target = Target { space: Arc::clone(space), site, storage: storage.to_owned(), name, once: grant.once };
    Ok((target, grant.permit))
}

/// The record of an artifact, and its bytes if they are wanted.
pub async fn open(
    space: &Arc<Space>,
    site: usize,
    storage: &str,
    wanted: bool,
) -> Result<(Artifact, Option<Blob>), Fault> {
    for _ in 0..ATTEMPTS {
        let (opener, storage) = (Arc::clone(space), storage.to_owned());
        let found = space
            .store
            .read(move |db| {
                let artifact = copies::get(db, site, &storage)?
                    .ok_or_else(|| Fault::plain(404, format!("not found: {storage}")))?;
                if !wanted {
                    return Ok(Some((artifact, None)));
                }
                match opener.store.site(site).open_blob(&artifact.blob) {
                    Ok(file) => Ok(Some((artifact, Some(file)))),
                    Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                    Err(error) => Err(error.into()),
                }
            })
            .await?;
        if let Some(found) = found {
            return Ok(found);
        }
    }
    Err(Fault::internal(format!("the bytes of {storage} are missing")))
}

async fn get(call: &Call, target: Target) -> Result<Response<Body>, Fault> {
    let Target { space, site, storage, name, .. } = target;
    let wanted = call.method == Method::GET;
    let (artifact, file) = open(&space, site, &storage, wanted).await?;
    let facts = Facts::of(&artifact, name);
    let Some(mut file) = file else {
        let mut response = Response::new(Body::empty());
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(facts.length));
        return Ok(finish(response, &facts, &artifact));
    };
    if let Some(answer) = cut(call, &file).await? {
        return Ok(answer);
    }
    let range = call.header("range");
    if range.is_none() && not_modified_since(call, facts.modified) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(finish(response, &facts, &artifact));
    }
    let form = match call.effect {
        Some(Effect::Range(form)) => Some(form),
        _ => None,
    };
    let wanted = range.map_or(Wanted::Whole, |text| Wanted::parse(text, facts.length));
    let response = match form.map_or(wanted, |form| form.of(wanted, facts.length)) {
        Wanted::Whole => send(file, facts.length),
        Wanted::Part { first, last } => {
            file.seek(SeekFrom::Start(first))?;
            let mut response = send(file, last - first + 1);
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let label = format!("bytes {first}-{last}/{}", facts.length);
            match form {
                Some(RangeForm::Unlabelled) => {}
                Some(RangeForm::Multipart) => {
                    return Ok(finish(multipart(response, &label), &Facts { content_type: None, ..facts }, &artifact));
                }
                _ => content_range(&mut response, label),
            }
            response
        }
        Wanted::Nothing => {
            let mut response = Fault::plain(416, "range not satisfiable").response();
            content_range(&mut response, format!("bytes */{}", facts.length));
            return Ok(response);
        }
    };
    Ok(finish(response, &facts, &artifact))
}

/// What is cut out of a FITS file, if the query asks for that: no length, no range, no checksum.
async fn cut(call: &Call, file: &Blob) -> Result<Option<Response<Body>>, Fault> {
    let Some(wanted) = Wish::of(&call.query)? else { return Ok(None) };
    let mut file = file.try_clone()?;
    let is_text = wanted == Wish::Headers;
    let (piece, mut file) = blocking(move || Ok((Piece::of(&wanted, &mut file)?, file))).await?;
    let body = streaming::body(move |out| piece.write(&mut file, out));
    Ok(Some(ok(if is_text { "text/plain" } else { "application/fits" }, body)))
}

fn content_range(response: &mut Response<Body>, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(header::CONTENT_RANGE, value);
    }
}

fn finish(mut response: Response<Body>, facts: &Facts, artifact: &Artifact) -> Response<Body> {
    let headers = response.headers_mut();
    facts.describe(headers);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Ok(value) = HeaderValue::from_str(&artifact.blob) {
        headers.insert(ARTIFACT_ID, value);
    }
    response
}

fn not_modified_since(call: &Call, modified: i64) -> bool {
    let Some(text) = call.header("if-modified-since") else { return false };
    let parsed = jiff::fmt::rfc2822::parse(text);
    parsed.is_ok_and(|since| modified / 1000 <= since.timestamp().as_second())
}

async fn put(call: Call, target: Target) -> Result<Response<Body>, Fault> {
    let refusal = if target.name.is_some() {
        Some(Fault::internal("filename override is for GET and HEAD only"))
    } else if call.is_form() {
        Some(Fault::argument("invalid input: no content"))
    } else if call.content_length() == Some(0) {
        Some(Fault::argument("invalid StorageMetadata.contentLength: 0"))
    } else {
        None
    };
    if let Some(fault) = refusal {
        return refuse(call.body(), fault).await;
    }
    let wanted = match wanted_digest(&call) {
        Ok(wanted) => wanted,
        Err(fault) => return refuse(call.body(), fault).await,
    };
    let announced = call.content_length();
    let (content_type, encoding) = described(&call);
    let Target { space, site, storage, .. } = target;
    let key = storage.clone();
    let first = space.store.read(move |db| Ok(copies::get(db, site, &key)?.is_none())).await?;
    let blob = Uuid::new_v4().to_string();
    let (creator, name) = (Arc::clone(&space), blob.clone());
    let file = blocking(move || Ok(creator.store.site(site).create(&name)?)).await?;
    let mut sink = Sink::new(file, Abandoned::Discard(Arc::clone(&space.store), site, blob.clone()));
    let body = hampered(call.effect.as_ref(), &mut sink, call.body());
    let sink = sink.pour(body, announced).await.map_err(|cut| cut_fault(cut, announced))?;
    if sink.written() == 0 {
        return Err(Fault::argument("invalid StorageMetadata.contentLength: 0"));
    }
    let md5 = finished(sink.md5());
    if wanted.is_some_and(|wanted| wanted != md5) {
        return Err(Fault::plain(412, format!("checksum mismatch: actual md5:{md5}")));
    }
    let artifact = Artifact {
        storage,
        blob,
        length: sink.written(),
        md5: md5.to_string(),
        content_date: now(),
        content_type,
        encoding,
    };
    sink.keep();
    space.store_artifact(site, artifact, Origin::Put { first }).await?;
    Ok(created(md5, None))
}

/// What a cut upload is answered with, if the client still reads it.
pub fn cut_fault(cut: Cut, announced: Option<u64>) -> Fault {
    match (cut, announced) {
        (Cut::Store(fault), _) => fault,
        (Cut::Body, Some(length)) => {
            Fault::plain(412, format!("premature end-of-stream: expected content-length {length}"))
        }
        (Cut::Body, None) => Fault::argument("read input failure"),
    }
}

/// The checksum that the request announces. Other algorithms than MD5 are refused, one even by a failure.
pub fn wanted_digest(call: &Call) -> Result<Option<Md5>, Fault> {
    call.header("digest").map(announced).transpose()
}

/// The value of a `Digest` header of a request.
///
/// # Errors
/// What the byte service answers to one that is not an MD5.
pub fn announced(text: &str) -> Result<Md5, Fault> {
    match Md5::from_digest_header(text).filter(|_| !text.contains(',')) {
        Some(md5) => Ok(md5),
        None if text.starts_with("sha-256=") => Err(Fault::internal(format!("unsupported checksum algorithm: {text}"))),
        None => Err(Fault::argument(format!("invalid digest: {text}"))),
    }
}

/// Media type and encoding as the request gives them: absent means cleared.
pub fn described(call: &Call) -> (Option<String>, Option<String>) {
    let text = |name| call.header(name).map(str::to_owned);
    (text("content-type"), text("content-encoding"))
}

async fn describe(call: Call, target: Target) -> Result<Response<Body>, Fault> {
    let parameters = call.parameters().await?;
    let value = |name: &str| {
        let found = parameters.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| Some(value.clone()).filter(|value| !value.is_empty()))
    };
    let (content_type, encoding) = (value("CONTENTTYPE"), value("CONTENTENCODING"));
    let Target { space, storage, .. } = target;
    space
        .store
        .write(move |tx| {
            let (content_type, encoding) =
                (content_type.as_ref().map(Option::as_deref), encoding.as_ref().map(Option::as_deref));
            artifacts::describe(tx, &storage, content_type, encoding)?;
            copies::describe(tx, &storage, content_type, encoding)
        })
        .await?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::ACCEPTED;
    Ok(response)
}

async fn remove(target: Target) -> Result<Response<Body>, Fault> {
    let Target { space, site, storage, .. } = target;
    if !space.remove_copy(site, storage).await? {
        return Err(Fault::plain(404, "not found"));
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}
