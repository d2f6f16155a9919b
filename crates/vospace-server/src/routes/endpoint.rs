//! URLs of single jobs: bytes where they are neither at a byte service nor under `/files`.
//!
//! Each is good for one request, whatever comes of it: a HEAD uses it up as well as a PUT that breaks off. Ranges,
//! conditions and checksums are not looked at. The bytes of a PUT become true in one step, at its end.

use crate::call::{Call, refuse};
use crate::fault::Fault;
use crate::faults::bodies::hampered;
use crate::replies::{not_allowed, not_mounted};
use crate::routes::bytes::{cut_fault, described, open};
use crate::routes::facts::send;
use crate::space::negotiate::{Negotiated, Way};
use crate::space::sites::Origin;
use crate::space::{Space, now};
use crate::store::artifacts::{self, Artifact};
use crate::store::blocking;
use crate::uploads::{Abandoned, Sink, finished};
use axum::body::Body;
use axum::http::{HeaderValue, Method, Response, StatusCode, header};
use std::sync::Arc;
use uuid::Uuid;

/// The site whose storage is used: there is no other.
const SITE: usize = 0;

/// All methods of the URL of a job.
pub async fn serve(call: Call, space: Arc<Space>, resource: &str) -> Result<Response<Body>, Fault> {
    let id = call.rest.trim_matches('/').to_owned();
    let file = match space.jobs.get(&id).and_then(|job| job.negotiated) {
        Some(file) if space.profile.transfers.job_urls.door(file.way == Way::Push) == resource => file,
        _ => return refuse(call.body(), not_mounted()).await,
    };
    if space.profile.access.members_only && file.caller != call.caller {
        return refuse(call.body(), Fault::denied(&id)).await;
    }
    let allowed = match file.way {
        Way::Push => "PUT",
        Way::Pull => "GET, HEAD",
    };
    if !allowed.split(", ").any(|method| call.method == method) {
        let answer = not_allowed(&call.method, allowed);
        let _ = refuse::<()>(call.body(), Fault::denied("")).await;
        return Ok(answer);
    }
    if !space.jobs.spend(&id) {
        return refuse(call.body(), Fault::plain(400, format!("job {id} is not EXECUTING"))).await;
    }
    let outcome = match file.way {
        Way::Push => put(&call, &space, file).await,
        Way::Pull => get(&call, &space, file).await,
    };
    match &outcome {
        Ok(_) => {
            space.jobs.complete(&id);
        }
        Err(fault) => space.jobs.fail(&id, fault.clone()),
    }
    outcome
}

async fn get(call: &Call, space: &Arc<Space>, file: Negotiated) -> Result<Response<Body>, Fault> {
    let storage = file.row.storage.clone();
    let known = space.store.read(move |db| artifacts::get(db, &storage)).await?;
    let mut response = match known {
        Some(_) => {
            let (artifact, blob) = open(space, SITE, &file.row.storage, call.method == Method::GET).await?;
            match blob {
                Some(blob) => send(blob, artifact.length),
                None => empty(artifact.length),
            }
        }
        None => empty(0),
    };
    let kind = HeaderValue::from_static("application/octet-stream");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}

fn empty(length: u64) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    response
}

async fn put(call: &Call, space: &Arc<Space>, file: Negotiated) -> Result<Response<Body>, Fault> {
    let announced = call.content_length();
    let (content_type, encoding) = described(call);
    let blob = Uuid::new_v4().to_string();
    let (creator, name) = (Arc::clone(space), blob.clone());
    let staged = blocking(move || Ok(creator.store.site(SITE).create(&name)?)).await?;
    let mut sink = Sink::new(staged, Abandoned::Discard(Arc::clone(&space.store), SITE, blob.clone()));
    let body = hampered(call.effect.as_ref(), &mut sink, call.body());
    let sink = sink.pour(body, announced).await.map_err(|cut| cut_fault(cut, announced))?;
    let artifact = Artifact {
        storage: file.row.storage,
        blob,
        length: sink.written(),
        md5: finished(sink.md5()).to_string(),
        content_date: now(),
        content_type,
        encoding,
    };
    sink.keep();
    space.store_artifact(SITE, artifact, Origin::Put { first: false }).await?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(space.profile.transfers.stored).unwrap_or(StatusCode::OK);
    Ok(response)
}
