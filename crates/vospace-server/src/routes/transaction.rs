//! PUT transactions of the byte service: an upload in segments that can be resumed.
//!
//! `start` gives an identity; further PUTs append; HEAD tells how much has come; POST `revert` takes the last segment
//! back, once; POST `abort` ends it; PUT `commit` makes the artifact. Segments carry no offset. The digest of every
//! answer is that of the segments that ended well; a `Digest` of the request is the whole file's and is compared only
//! when the announced total is reached. A commit does not ask whether the total was reached.
//!
//! Length and checksum are not bound together, which is how the real service commits bytes that are not what their MD5
//! says (Vault, observed), and a client has to be able to bear it: a segment that a client cuts is rolled back, but one
//! that is refused with 412 leaves its bytes and not its checksum, so does one that the service itself was killed in,
//! and of two at the same time one checksum wins. HEAD then shows a length and the digest of something shorter. A commit
//! through another file's URL makes the bytes that other file's.

use crate::call::{Call, refuse};
use crate::fault::Fault;
use crate::faults::Effect;
use crate::faults::bodies::hampered;
use crate::grants::Permit;
use crate::headers::DIGEST;
use crate::replies::not_allowed;
use crate::routes::bytes::{ARTIFACT_ID, Target, cut_fault, described, wanted_digest};
use crate::routes::files::created;
use crate::space::now;
use crate::space::sites::Origin;
use crate::store::artifacts::Artifact;
use crate::store::blocking;
use crate::store::transactions::{self, PutTransaction};
use crate::uploads::{Abandoned, Cut, Sink, finished, frozen, thawed};
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use md5::{Digest as _, Md5};
use std::fs::OpenOptions;
use std::path::PathBuf;
use std::sync::Arc;
use step::{ID, Refusal, Step};
use uuid::Uuid;

pub mod step;

/// The header with the least length of a segment: of a file system, one byte.
const LEAST: HeaderName = HeaderName::from_static("x-put-segment-minbytes");
/// The header with the greatest length of a segment, if there is one.
const MOST: HeaderName = HeaderName::from_static("x-put-segment-maxbytes");

/// All requests with one of the headers.
pub async fn serve(call: Call, target: Target, permit: Permit) -> Result<Response<Body>, Fault> {
    if permit != Permit::Write {
        return refuse(call.body(), Fault::denied("invalid auth token")).await;
    }
    if let (Some(Effect::ForgetTransaction(true)), Some(id)) = (&call.effect, call.header(ID.as_str())) {
        forget(&target, id).await?;
    }
    match Step::of(&call.method, &call.headers) {
        Ok(Step::Start { total }) => start(call, target, total).await,
        Ok(Step::Append(id)) => append(call, target, id).await,
        Ok(Step::Commit(id)) => finish(call, target, id).await,
        Ok(Step::Status(id)) => status(target, id).await,
        Ok(Step::Revert(id)) => revert(target, id).await,
        Ok(Step::Abort(id)) => abort(target, id).await,
        Ok(Step::Nothing(id)) => accepted(&target, &load(&target, &id).await?.0),
        Err(Refusal::Operation) => refuse(call.body(), Fault::argument("invalid transaction operation")).await,
        Err(Refusal::Length) => refuse(call.body(), Fault::argument("invalid length")).await,
        Err(Refusal::Method) => Ok(not_allowed(&call.method, "HEAD, PUT, POST")),
    }
}

/// The record, whatever file it was begun for, and its file.
async fn load(target: &Target, id: &str) -> Result<(PutTransaction, PathBuf), Fault> {
    let wanted = id.to_owned();
    let record = target.space.store.read(move |db| transactions::get(db, &wanted)).await?;
    let record = record.filter(|record| record.site == target.site).ok_or_else(|| transactions::unknown(id))?;
    let path = target.space.store.site(target.site).transaction(id);
    Ok((record, path))
}

async fn length_of(path: PathBuf) -> Result<u64, Fault> {
    blocking(move || Ok(std::fs::metadata(path)?.len())).await
}

/// Stores the new boundary; the transaction may have ended meanwhile.
async fn save(target: &Target, record: &PutTransaction) -> Result<(), Fault> {
    let stored = record.clone();
    let there = target.space.store.write(move |tx| transactions::update(tx, &stored)).await?;
    if there { Ok(()) } else { Err(transactions::unknown(&record.id)) }
}

fn accepted(target: &Target, record: &PutTransaction) -> Result<Response<Body>, Fault> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::ACCEPTED;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    headers.insert(LEAST, HeaderValue::from(target.space.profile.least_segment));
    if let Some(most) = target.space.profile.longest_segment {
        headers.insert(MOST, HeaderValue::from(most));
    }
    if let Ok(id) = HeaderValue::from_str(&record.id) {
        headers.insert(ID, id);
    }
    put_digest(&mut response, record)?;
    Ok(response)
}

fn put_digest(response: &mut Response<Body>, record: &PutTransaction) -> Result<(), Fault> {
    if record.digested > 0
        && let Ok(value) = HeaderValue::from_str(&finished(thawed(&record.state)?).to_digest_header())
    {
        response.headers_mut().insert(DIGEST, value);
    }
    Ok(())
}

async fn start(call: Call, target: Target, total: Option<u64>) -> Result<Response<Body>, Fault> {
    let length = call.content_length();
    let record = PutTransaction {
        id: Uuid::new_v4().to_string(),
        site: target.site,
        storage: target.storage.clone(),
        total: total.or(length.filter(|length| *length > 0)),
        digested: 0,
        state: frozen(&Md5::new()),
        previous: None,
    };
    let stored = record.clone();
    let path = target.space.store.site(target.site).transaction(&record.id);
    target
        .space
        .store
        .write(move |tx| {
            std::fs::File::create_new(path)?;
            transactions::insert(tx, &stored)
        })
        .await?;
    if length == Some(0) {
        return accepted(&target, &record);
    }
    append(call, target, record.id).await
}

async fn append(call: Call, target: Target, id: String) -> Result<Response<Body>, Fault> {
    let (mut record, path) = match load(&target, &id).await {
        Ok((record, _)) if record.storage != target.storage => {
            return refuse(call.body(), transactions::unknown(&id)).await;
        }
        Ok(found) => found,
        Err(fault) => return refuse(call.body(), fault).await,
    };
    let wanted = match wanted_digest(&call) {
        Ok(wanted) => wanted,
        Err(fault) => return refuse(call.body(), fault).await,
    };
    let (file, before) = blocking(move || {
        // Behind whatever is there: also behind the bytes of a segment that did not end well.
        let file = OpenOptions::new().append(true).open(path)?;
        let length = file.metadata()?.len();
        Ok((file, length))
    })
    .await?;
    let announced = call.content_length();
    let mut sink = Sink::resumed(file, thawed(&record.state)?, Abandoned::RollBack(before));
    let body = hampered(call.effect.as_ref(), &mut sink, call.body());
    let sink = match sink.pour(body, announced).await {
        Ok(sink) => sink,
        Err(Cut::Store(fault)) => {
            // A failure of the disk ends the transaction.
            forget(&target, &id).await?;
            return Err(fault);
        }
        Err(cut) => return Err(cut_fault(cut, announced)),
    };
    let length = before + sink.written();
    if length == 0 {
        return Err(Fault::argument("invalid input: no content"));
    }
    check_segment(&target, sink.written(), record.total == Some(length))?;
    let md5 = sink.md5();
    sink.keep();
    if record.total.is_some_and(|total| length > total) {
        return Err(Fault::plain(412, format!("content-length exceeded: {length}")));
    }
    if record.total == Some(length) && wanted.is_some_and(|wanted| wanted != finished(md5.clone())) {
        return Err(Fault::plain(412, format!("checksum mismatch: actual md5:{}", finished(md5))));
    }
    record.previous = Some((before, std::mem::replace(&mut record.state, frozen(&md5))));
    record.digested = length;
    save(&target, &record).await?;
    accepted(&target, &record)
}

/// Refuses a segment whose length the store does not take; only the last one may be shorter than the least.
fn check_segment(target: &Target, length: u64, is_last: bool) -> Result<(), Fault> {
    let profile = &target.space.profile;
    match profile.longest_segment {
        Some(most) if length > most => Err(Fault::plain(413, format!("limit: {most}"))),
        _ if length < profile.least_segment && !is_last => {
            Err(Fault::argument(format!("invalid segment length: {length}, least: {}", profile.least_segment)))
        }
        _ => Ok(()),
    }
}

async fn status(target: Target, id: String) -> Result<Response<Body>, Fault> {
    let (record, path) = load(&target, &id).await?;
    let length = length_of(path).await?;
    let mut response = Response::new(Body::empty());
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(ID, id);
    }
    // Another one at each call, without meaning (Vault, observed).
    if let Ok(id) = HeaderValue::from_str(&Uuid::new_v4().to_string()) {
        response.headers_mut().insert(ARTIFACT_ID, id);
    }
    put_digest(&mut response, &record)?;
    Ok(response)
}

async fn revert(target: Target, id: String) -> Result<Response<Body>, Fault> {
    let (mut record, path) = load(&target, &id).await?;
    let Some((length, state)) = record.previous.take() else {
        return Err(Fault::argument("transaction not revertable"));
    };
    record.state = state;
    record.digested = length;
    blocking(move || Ok(OpenOptions::new().write(true).open(path)?.set_len(length)?)).await?;
    save(&target, &record).await?;
    accepted(&target, &record)
}

async fn forget(target: &Target, id: &str) -> Result<(), Fault> {
    load(target, id).await?;
    let (space, site, id) = (Arc::clone(&target.space), target.site, id.to_owned());
    // The record first: a record without a file would be a transaction that fails for ever.
    blocking(move || {
        space.store.write_now(|tx| transactions::remove(tx, &id))?;
        space.store.site(site).remove_transaction(&id);
        Ok(())
    })
    .await
}

async fn abort(target: Target, id: String) -> Result<Response<Body>, Fault> {
    forget(&target, &id).await.map_err(|fault| match Uuid::try_parse(&id) {
        // One that is not there any more.
        Ok(_) => Fault::internal(fault.detail()),
        Err(_) => fault,
    })?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

async fn finish(call: Call, target: Target, id: String) -> Result<Response<Body>, Fault> {
    if call.content_length().is_some_and(|length| length != 0) {
        return refuse(call.body(), Fault::argument("commit takes no content")).await;
    }
    let (record, path) = load(&target, &id).await?;
    let length = length_of(path).await?;
    if length == 0 {
        return Err(Fault::internal("java.lang.NullPointerException"));
    }
    let md5 = finished(thawed(&record.state)?);
    let (content_type, encoding) = described(&call);
    let blob = Uuid::new_v4().to_string();
    let (space, name, site, transaction) = (Arc::clone(&target.space), blob.clone(), target.site, id.clone());
    blocking(move || Ok(space.store.site(site).adopt_transaction(&transaction, &name)?)).await?;
    let artifact = Artifact {
        storage: target.storage,
        blob,
        length,
        md5: md5.to_string(),
        content_date: now(),
        content_type,
        encoding,
    };
    target.space.store_artifact(target.site, artifact, Origin::Transaction(id)).await?;
    Ok(created(md5, None))
}
