//! `/files`: bytes by path.
//!
//! Where bytes are at the byte service, GET redirects to it and PUT is not there. Where they are in place, GET sends the
//! whole file whatever range is asked for, and PUT writes into the file that others read: what fails, empties it.

use crate::call::{Call, refuse};
use crate::fault::{Fault, FaultKind};
use crate::faults::bodies::hampered;
use crate::faults::{Effect, endpoints};
use crate::grants::Permit;
use crate::headers::DIGEST;
use crate::identity::Caller;
use crate::names;
use crate::profile::names::Decoding;
use crate::profile::{Bytes, Metadata};
use crate::replies::{not_allowed, see_other};
use crate::routes::facts::{Facts, send};
use crate::space::Space;
use crate::space::negotiate::{Negotiated, Way};
use crate::space::walk::{Leaf, Walked};
use crate::store::nodes::{self, Kind, Row};
use crate::store::{artifacts, properties};
use crate::uploads::{Abandoned, Cut, Sink, finished};
use axum::body::Body;
use axum::http::{HeaderValue, Method, Response, StatusCode, header};
use rusqlite::Connection;
use std::sync::Arc;
use vospace_client::node::{Md5, property};
use vospace_client::xml::job::Phase;

/// All methods of the resource.
pub async fn serve(mut call: Call, space: Arc<Space>) -> Result<Response<Body>, Fault> {
    if call.rest.is_empty() && space.profile.bytes == Bytes::InPlace {
        return refuse(call.body(), Fault::internal("no path")).await;
    }
    let path = match path_of(&mut call, &space) {
        Ok(path) => path,
        Err(fault) => return refuse(call.body(), fault).await,
    };
    match (space.profile.bytes, call.method.clone()) {
        (Bytes::Redirected | Bytes::AtJobs, Method::GET) => redirect(&call, space, path).await,
        (Bytes::InPlace, Method::GET) => download(&call, space, path).await,
        (_, Method::HEAD) => head(&call, space, path).await,
        (Bytes::InPlace, Method::PUT) => upload(call, space, path).await,
        (habit, method) => {
            let allowed = if habit == Bytes::InPlace { "GET, HEAD, PUT" } else { "GET, HEAD" };
            let answer = not_allowed(&method, allowed);
            // The body is taken in first, or the client sees a reset instead of the refusal.
            let _ = refuse::<()>(call.body(), Fault::denied("")).await;
            Ok(answer)
        }
    }
}

/// The node's path; a grant in the path names the caller.
fn path_of(call: &mut Call, space: &Space) -> Result<String, Fault> {
    if space.profile.bytes == Bytes::Redirected {
        return call.servlet_path();
    }
    let path = call.servlet_path()?;
    let Some(granted) = path.strip_prefix("/preauth:") else {
        return names::pasted(&path);
    };
    let invalid = || Fault::denied("Invalid auth token");
    let (token, path) = granted.split_once('/').ok_or_else(invalid)?;
    let path = format!("/{path}");
    let grant = space.grants.verify(token, &path).ok_or_else(invalid)?;
    let permitted = match grant.permit {
        Permit::Read => matches!(call.method, Method::GET | Method::HEAD),
        Permit::Write => call.method == Method::PUT,
    };
    if !permitted {
        return Err(invalid());
    }
    // Credentials beside the grant count before it.
    if call.caller == Caller::Anonymous {
        call.caller = match (grant.user, grant.permit) {
            (None, _) => Caller::Anonymous,
            (Some(user), Permit::Read) => Caller::Granted(Arc::from(user)),
            (Some(user), Permit::Write) => Caller::User(Arc::from(user)),
        };
    }
    names::pasted(&path)
}

/// The file at a path; read permission on it is asked for GET only (HEAD does not, as observed).
async fn find(call: &Call, space: &Arc<Space>, path: String) -> Result<(Row, String), Fault> {
    let (finder, caller) = (Arc::clone(space), call.caller.clone());
    let check = call.method == Method::GET;
    let (row, path) = space
        .store
        .read(move |db| {
            let (walked, row) = finder.find(db, &caller, &path, Leaf::Follow)?;
            if row.kind != Kind::Data {
                return Err(Fault::argument("Resolved target is not a data node"));
            }
            if check {
                finder.ask_groups(&finder.rights_in(&caller, &walked), &row, false)?;
            }
            if check && !finder.may_read(&caller, &walked, &row) {
                return Err(Fault::denied(finder.uri(&walked.path)));
            }
            Ok((row, walked.path))
        })
        .await?;
    Ok((space.refreshed(row).await?, path))
}

/// What the headers say of a file.
async fn facts(space: &Arc<Space>, row: Row) -> Result<Facts, Fault> {
    if space.profile.metadata == Metadata::Copied {
        let copied = row.copied;
        return Ok(Facts {
            length: copied.length.unwrap_or(0),
            md5: copied.md5.as_deref().and_then(Md5::from_hex),
            modified: copied.content_date.unwrap_or(row.modified),
            content_type: copied.content_type,
            encoding: copied.encoding,
            name: Some(row.name),
        });
    }
    let reader = Arc::clone(space);
    space
        .store
        .read(move |db| {
            let (length, modified) = reader.store.bytes().stat(&row.storage)?.unwrap_or((0, row.modified));
            let text = |uri| properties::get(db, row.id, uri);
            Ok(Facts {
                length,
                md5: text(property::MD5)?.as_deref().and_then(Md5::from_hex),
                modified,
                content_type: text(property::TYPE)?,
                encoding: text(property::ENCODING)?,
                name: Some(row.name.clone()),
            })
        })
        .await
}

fn no_content() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

async fn head(call: &Call, space: Arc<Space>, path: String) -> Result<Response<Body>, Fault> {
    let (row, _) = find(call, &space, path).await?;
    let facts = facts(&space, row).await?;
    let mut response = Response::new(Body::empty());
    facts.describe(response.headers_mut());
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(facts.length));
    if space.profile.bytes == Bytes::Redirected {
        response.headers_mut().insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    }
    Ok(response)
}

async fn redirect(call: &Call, space: Arc<Space>, path: String) -> Result<Response<Body>, Fault> {
    let name = names::split(&path).map(|(_, name)| names::encoded_in_url(name)).unwrap_or_default();
    let (row, path) = find(call, &space, path).await?;
    // The endpoint is pasted together from the path: that fails for names that no URI can hold, and where a name is cut
    // or decoded again the bytes are looked for under another one.
    let addressed = space.profile.names.decoding != Decoding::Twice || names::pasted(&path)? == path;
    let (finder, storage) = (Arc::clone(&space), row.storage.clone());
    let (known, sites) = space
        .store
        .read(move |db| Ok((artifacts::get(db, &storage)?.is_some(), finder.sites_for_reading(db, &storage)?)))
        .await?;
    let stale = matches!(call.effect, Some(Effect::Stale(true)));
    if stale || (!known && row.copied.length.unwrap_or(0) == 0) {
        return Ok(no_content());
    }
    let sites = if matches!(call.effect, Some(Effect::NoEndpoints(true))) { Vec::new() } else { sites };
    let Some(site) = sites.first() else {
        return Err(Fault::new(FaultKind::Unavailable(30), "no copies of the file are available"));
    };
    if !addressed {
        return Err(Fault::new(FaultKind::Unavailable(30), "no copies of the file are available"));
    }
    let once = space.profile.byte_urls_once.then(|| space.jobs.create(call.caller.clone(), None, Phase::Executing));
    let file = Negotiated { way: Way::Pull, row, path, caller: call.caller.clone(), once };
    let mut url = space.byte_url(&call.base, *site, &file);
    if let Some(Effect::FirstEndpoint(place)) = &call.effect {
        url = endpoints::moved(&url, place);
    }
    let mut location = format!("{url}:fo/{name}");
    if !call.query.is_empty() {
        location = format!("{location}?{}", call.query);
    }
    let mut response = see_other(&location);
    facts(&space, file.row).await?.describe(response.headers_mut());
    response.headers_mut().insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    Ok(response)
}

async fn download(call: &Call, space: Arc<Space>, path: String) -> Result<Response<Body>, Fault> {
    let (row, _) = find(call, &space, path).await?;
    let storage = row.storage.clone();
    let facts = facts(&space, row).await?;
    if facts.length == 0 {
        return Ok(no_content());
    }
    let opener = Arc::clone(&space);
    let file = crate::store::blocking(move || Ok(opener.store.bytes().open_blob(&storage)?)).await?;
    let mut response = send(file, facts.length);
    facts.describe(response.headers_mut());
    Ok(response)
}

async fn upload(call: Call, space: Arc<Space>, path: String) -> Result<Response<Body>, Fault> {
    let (finder, caller) = (Arc::clone(&space), call.caller.clone());
    let opened = space
        .store
        .write(move |tx| {
            let walked = finder.walk(tx, &caller, &path, Leaf::Write)?;
            let parent = walked.parent().ok_or_else(|| Fault::argument("not a data node"))?;
            let (row, may) = match &walked.leaf {
                Some(row) if row.kind != Kind::Data => return Err(Fault::argument("not a data node")),
                Some(row) => {
                    let may = finder.may_write(&caller, &walked, row) || finder.may_write(&caller, &walked, parent);
                    (row.clone(), may)
                }
                None => {
                    // The file is made first and permission asked after: it stays behind a refusal, and is the
                    // caller's own at the next try.
                    if caller == Caller::Anonymous {
                        return Err(Fault::internal("anonymous callers cannot own nodes"));
                    }
                    let may = finder.may_write(&caller, &walked, parent);
                    (finder.create_file(tx, &caller, &walked, false)?, may)
                }
            };
            let room = room_for(&finder, tx, &walked, &row)?;
            Ok(if may { Ok((row, room)) } else { Err(Fault::denied(finder.uri(&walked.path))) })
        })
        .await;
    let (row, room) = match opened {
        Ok(Ok(opened)) => opened,
        Ok(Err(fault)) | Err(fault) => return refuse(call.body(), fault).await,
    };
    let (opener, storage) = (Arc::clone(&space), row.storage.clone());
    let file = crate::store::blocking(move || Ok(opener.store.bytes().truncate(&storage)?)).await?;
    let mut sink = Sink::new(file, Abandoned::Truncate);
    if call.is_form() {
        return refuse(call.body(), Fault::internal("request body was taken as parameters")).await;
    }
    let content_type = call.header("content-type").map(str::to_owned);
    let digest = call.headers.get(DIGEST).cloned();
    let caller = call.caller.clone();
    let body = hampered(call.effect.as_ref(), &mut sink, call.body());
    let sink = sink.pour(body, call.content_length()).await.map_err(|cut| match cut {
        Cut::Body => Fault::internal("read input failure"),
        Cut::Store(fault) => fault,
    })?;
    if room.is_some_and(|room| sink.written() > room) {
        // The file system notices while it is written, and what was there is gone by then.
        return Err(Fault::plain(413, format!("limit: {}", room.unwrap_or_default())));
    }
    let md5 = finished(sink.md5());
    if let Some(digest) = digest {
        check_digest(digest.to_str().unwrap_or_default(), md5)?;
    }
    let kind = content_type.clone();
    let writer = Arc::clone(&space);
    let outcome = space
        .store
        .write(move |tx| {
            let Some(mut row) = nodes::by_id(tx, row.id)? else {
                // Removed while its bytes came in: nothing must be left under its identity, which may be given anew.
                return Err(Fault::internal("the node was removed during the upload"));
            };
            let before = properties::get(tx, row.id, property::MD5)?;
            let text = if before.is_some() { format!("md5:{md5}") } else { md5.to_string() };
            properties::set(tx, row.id, property::MD5, Some(&text))?;
            if let Some(kind) = &kind {
                properties::set(tx, row.id, property::TYPE, Some(kind))?;
            }
            if let Some(name) = caller.name() {
                name.clone_into(&mut row.owner);
            }
            nodes::update(tx, &row)?;
            writer.lose_if_too_large(tx, &row)
        })
        .await?;
    space.settle(outcome)?;
    sink.keep();
    Ok(created(md5, content_type.as_deref()))
}

/// How many bytes a file may have under the nearest quota above it, with what the others there take.
fn room_for(space: &Space, db: &Connection, walked: &Walked, file: &Row) -> Result<Option<u64>, Fault> {
    let Some((container, quota)) = walked.chain.iter().rev().find_map(|row| Some((row.id, row.quota?))) else {
        return Ok(None);
    };
    let mut used = 0_u64;
    for storage in nodes::storages_below(db, container)? {
        if storage != file.storage {
            used += space.store.bytes().stat(&storage)?.map_or(0, |(length, _)| length);
        }
    }
    Ok(Some(quota.saturating_sub(used)))
}

/// The checksum of the request against that of the bytes, as the file service compares them.
fn check_digest(digest: &str, md5: Md5) -> Result<(), Fault> {
    match Md5::from_digest_header(digest).filter(|_| !digest.contains(',')) {
        Some(wanted) if wanted == md5 => Ok(()),
        Some(wanted) => Err(Fault::plain(412, format!("checksum mismatch: expected md5:{wanted}, actual md5:{md5}"))),
        None if !digest.contains(',') && digest.to_ascii_lowercase().starts_with("sha") => {
            Err(Fault::plain(412, format!("checksum mismatch: expected {digest}, actual md5:{md5}")))
        }
        None => Err(Fault::argument(format!("invalid digest: {digest}"))),
    }
}

/// 201 with the checksum.
pub fn created(md5: Md5, content_type: Option<&str>) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::CREATED;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    if let Ok(value) = HeaderValue::from_str(&md5.to_digest_header()) {
        headers.insert(DIGEST, value);
    }
    if let Some(Ok(value)) = content_type.map(HeaderValue::from_str) {
        headers.insert(header::CONTENT_TYPE, value);
    }
    response
}
