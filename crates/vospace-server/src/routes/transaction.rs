//! PUT transactions of the byte service: an upload in segments that can be resumed.
//!
//! `start` gives an identity; further PUTs append; HEAD tells how far it is settled; POST `revert` takes the last
//! segment back, once; POST `abort` ends it; PUT `commit` makes the artifact. Segments are sequential and carry no
//! offset. A segment that is cut is lost as a whole. The digest of every answer is that of all bytes so far; a `Digest`
//! of the request is the whole file's and is compared only when the announced total is reached. A commit does not ask
//! whether the total was reached.

use crate::app::{Call, not_allowed, refuse};
use crate::fault::Fault;
use crate::grants::Permit;
use crate::routes::bytes::{Target, cut_fault, described, publish, record as record_artifact, wanted_digest};
use crate::routes::files::{DIGEST, created};
use crate::space::now;
use crate::store::artifacts::Artifact;
use crate::store::blocking;
use crate::store::transactions::{self, PutTransaction};
use crate::uploads::{Abandoned, Running, Sink, checksum, finished};
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Method, Response, StatusCode, header};
use md5::{Digest as _, Md5};
use std::fs::OpenOptions;
use std::io::{Seek as _, SeekFrom};
use std::sync::Arc;
use uuid::Uuid;

/// The header with the identity of a transaction.
pub const ID: HeaderName = HeaderName::from_static("x-put-txn-id");
/// The header that says what to do with it.
pub const OPERATION: HeaderName = HeaderName::from_static("x-put-txn-op");
/// The header that announces the length of the whole.
const TOTAL: HeaderName = HeaderName::from_static("x-total-length");
/// The header with the least length of a segment: of a file system, one byte.
const LEAST: HeaderName = HeaderName::from_static("x-put-segment-minbytes");

/// All requests with one of the headers.
pub async fn serve(call: Call, target: Target, permit: Permit) -> Result<Response<Body>, Fault> {
    if permit != Permit::Write {
        return refuse(call.body(), Fault::denied("invalid auth token")).await;
    }
    let operation = call.header(OPERATION.as_str()).map(str::to_owned);
    let id = call.header(ID.as_str()).map(str::to_owned);
    match (call.method.clone(), operation.as_deref(), id) {
        (Method::PUT, Some("start"), None) => start(call, target).await,
        (Method::PUT, Some("commit"), Some(id)) => finish(call, target, id).await,
        (Method::PUT, None, Some(id)) => append(call, target, id).await,
        (Method::HEAD, _, Some(id)) => status(target, id).await,
        (Method::POST, Some("revert"), Some(id)) => revert(target, id).await,
        (Method::POST, Some("abort"), Some(id)) => abort(target, id).await,
        (Method::PUT | Method::POST | Method::HEAD, ..) => {
            refuse(call.body(), Fault::argument("invalid transaction operation")).await
        }
        (method, ..) => Ok(not_allowed(&method, "HEAD, PUT, POST")),
    }
}

async fn load(target: &Target, id: &str) -> Result<PutTransaction, Fault> {
    let (wanted, storage) = (id.to_owned(), target.storage.clone());
    let record = target.space.store.read(move |db| transactions::get(db, &wanted)).await?;
    match record {
        Some(record) if record.storage == storage => Ok(record),
        _ => Err(Fault::argument(format!("unknown transaction: {id}"))),
    }
}

/// The running checksums, from memory or from the file.
async fn running(target: &Target, record: &PutTransaction) -> Result<Running, Fault> {
    if let Some(running) = target.space.uploads.running(&record.id, record.length) {
        return Ok(running);
    }
    let (path, length, previous) = (target.space.store.bytes().transaction(&record.id), record.length, record.previous);
    blocking(move || {
        let mut file = std::fs::File::open(path)?;
        let md5 = checksum(&mut file, length)?;
        let previous = previous.map(|length| checksum(&mut file, length)).transpose()?;
        Ok(Running { length, md5, previous })
    })
    .await
}

fn accepted(record: &PutTransaction, md5: Md5) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::ACCEPTED;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    headers.insert(LEAST, HeaderValue::from_static("1"));
    if let Ok(id) = HeaderValue::from_str(&record.id) {
        headers.insert(ID, id);
    }
    put_digest(&mut response, record, md5);
    response
}

fn put_digest(response: &mut Response<Body>, record: &PutTransaction, md5: Md5) {
    if record.length > 0
        && let Ok(value) = HeaderValue::from_str(&finished(md5).to_digest_header())
    {
        response.headers_mut().insert(DIGEST, value);
    }
}

async fn start(call: Call, target: Target) -> Result<Response<Body>, Fault> {
    let Ok(total) = call.header(TOTAL.as_str()).map(str::parse::<u64>).transpose() else {
        return refuse(call.body(), Fault::argument("invalid length")).await;
    };
    let length = call.content_length();
    let record = PutTransaction {
        id: Uuid::new_v4().to_string(),
        storage: target.storage.clone(),
        total: total.or(length.filter(|length| *length > 0)),
        length: 0,
        previous: None,
    };
    let stored = record.clone();
    let path = target.space.store.bytes().transaction(&record.id);
    target
        .space
        .store
        .write(move |tx| {
            std::fs::File::create_new(path)?;
            transactions::put(tx, &stored)
        })
        .await?;
    if length == Some(0) {
        return Ok(accepted(&record, Md5::new()));
    }
    append_to(call, target, record).await
}

async fn append(call: Call, target: Target, id: String) -> Result<Response<Body>, Fault> {
    match load(&target, &id).await {
        Ok(record) => append_to(call, target, record).await,
        Err(fault) => refuse(call.body(), fault).await,
    }
}

async fn append_to(call: Call, target: Target, record: PutTransaction) -> Result<Response<Body>, Fault> {
    let wanted = match wanted_digest(&call) {
        Ok(wanted) => wanted,
        Err(fault) => return refuse(call.body(), fault).await,
    };
    let turn = target.space.uploads.turn(&record.id);
    let _turn = turn.lock().await;
    // Another segment may have been settled while this one waited.
    let mut record = load(&target, &record.id).await?;
    let before = running(&target, &record).await?;
    let path = target.space.store.bytes().transaction(&record.id);
    let settled = record.length;
    let file = blocking(move || {
        let mut file = OpenOptions::new().write(true).open(path)?;
        // A segment that never ended may have left bytes.
        file.set_len(settled)?;
        file.seek(SeekFrom::Start(settled))?;
        Ok(file)
    })
    .await?;
    let announced = call.content_length();
    let sink = Sink::resumed(file, before.md5.clone(), Abandoned::Leave);
    let sink = sink.pour(call.body(), announced).await.map_err(|cut| cut_fault(cut, announced))?;
    if sink.written() == 0 && record.length == 0 {
        return Err(Fault::argument("invalid input: no content"));
    }
    record.previous = Some(settled);
    record.length = settled + sink.written();
    let md5 = sink.md5();
    if record.total.is_some_and(|total| record.length > total) {
        return Err(Fault::plain(412, format!("content-length exceeded: {}", record.length)));
    }
    if record.total == Some(record.length) && wanted.is_some_and(|wanted| wanted != finished(md5.clone())) {
        return Err(Fault::plain(412, format!("checksum mismatch: actual md5:{}", finished(md5))));
    }
    let stored = record.clone();
    target.space.store.write(move |tx| transactions::put(tx, &stored)).await?;
    let running = Running { length: record.length, md5: md5.clone(), previous: Some(before.md5) };
    target.space.uploads.remember(&record.id, running);
    Ok(accepted(&record, md5))
}

async fn status(target: Target, id: String) -> Result<Response<Body>, Fault> {
    let record = load(&target, &id).await?;
    let running = running(&target, &record).await?;
    let mut response = Response::new(Body::empty());
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(record.length));
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(ID, id);
    }
    put_digest(&mut response, &record, running.md5);
    Ok(response)
}

async fn revert(target: Target, id: String) -> Result<Response<Body>, Fault> {
    let turn = target.space.uploads.turn(&id);
    let _turn = turn.lock().await;
    let mut record = load(&target, &id).await?;
    let now = running(&target, &record).await?;
    let (Some(length), Some(md5)) = (record.previous, now.previous) else {
        return Err(Fault::argument("transaction not revertable"));
    };
    record.length = length;
    record.previous = None;
    let stored = record.clone();
    target.space.store.write(move |tx| transactions::put(tx, &stored)).await?;
    target.space.uploads.remember(&id, Running { length, md5: md5.clone(), previous: None });
    Ok(accepted(&record, md5))
}

async fn abort(target: Target, id: String) -> Result<Response<Body>, Fault> {
    load(&target, &id).await?;
    let turn = target.space.uploads.turn(&id);
    let _turn = turn.lock().await;
    let path = target.space.store.bytes().transaction(&id);
    let record = id.clone();
    target
        .space
        .store
        .write(move |tx| {
            transactions::remove(tx, &record)?;
            std::fs::remove_file(path)?;
            Ok(())
        })
        .await?;
    target.space.uploads.forget(&id);
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

async fn finish(call: Call, target: Target, id: String) -> Result<Response<Body>, Fault> {
    if call.content_length().is_some_and(|length| length != 0) {
        return refuse(call.body(), Fault::argument("commit takes no content")).await;
    }
    let turn = target.space.uploads.turn(&id);
    let _turn = turn.lock().await;
    let record = load(&target, &id).await?;
    if record.length == 0 {
        return Err(Fault::internal("java.lang.NullPointerException"));
    }
    let md5 = finished(running(&target, &record).await?.md5);
    let (content_type, encoding) = described(&call);
    let blob = Uuid::new_v4().to_string();
    let (space, name, length, transaction) = (Arc::clone(&target.space), blob.clone(), record.length, id.clone());
    blocking(move || {
        let bytes = space.store.bytes();
        OpenOptions::new().write(true).open(bytes.transaction(&transaction))?.set_len(length)?;
        Ok(bytes.adopt_transaction(&transaction, &name)?)
    })
    .await?;
    let artifact = Artifact {
        storage: target.storage.clone(),
        blob,
        length: record.length,
        md5: md5.to_string(),
        content_date: now(),
        content_type,
        encoding,
    };
    let before = record_artifact(&target.space, artifact.clone()).await?;
    publish(&target.space, &artifact.blob, before).await?;
    let gone = id.clone();
    target.space.store.write(move |tx| transactions::remove(tx, &gone)).await?;
    target.space.uploads.forget(&id);
    Ok(created(md5, None))
}
