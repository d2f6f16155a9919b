//! `/synctrans` and `/xfer`: negotiation, and the synchronous move.
//!
//! The document form always answers 303 to the details of a job, also when the negotiation failed: the reason is then
//! in the job. The parameter form answers 303 to the first endpoint, or the fault itself. A move is done when its 303
//! comes, but the details that it points to do not exist.

use crate::call::Call;
use crate::control::Control;
use crate::documents::in_namespace;
use crate::fault::{Fault, FaultKind};
use crate::faults::{self, Effect, endpoints};
use crate::identity::Caller;
use crate::jobs::{Job, Work};
use crate::names;
use crate::profile::Bytes;
use crate::profile::moves::{Copies, Synchronous};
use crate::profile::names::Decoding;
use crate::profile::transfers::{Announced, Failures, Https, Parameters};
use crate::replies::{not_allowed, ok, redirect, see_other};
use crate::routes::{package, reading};
use crate::space::Space;
use crate::space::negotiate::{Negotiated, Way};
use axum::body::Body;
use axum::http::{Method, Response, StatusCode};
use std::sync::Arc;
use std::time::Duration;
use vospace_client::xml::job::Phase;
use vospace_client::xml::transfer::{self, Direction, Protocol, Transfer};

/// Longest transfer document taken; the real services take more than node documents here.
pub const LONGEST_DOCUMENT: usize = 1 << 20;

/// Views that mean the plain bytes.
const VIEWS: [&str; 2] = ["ivo://ivoa.net/vospace/core#defaultview", "ivo://cadc.nrc.ca/vospace/view#data"];

/// `/synctrans`, or `/sync`. A service that does not find its own address does what is asked and answers nothing of use.
pub async fn synchronous(call: Call, space: Arc<Space>) -> Result<Response<Body>, Fault> {
    let lost = space.profile.looks_itself_up && call.app.control.as_ref().is_some_and(Control::registry_down);
    let answer = transfer_now(call, space).await?;
    Ok(if lost { Response::new(Body::empty()) } else { answer })
}

async fn transfer_now(call: Call, space: Arc<Space>) -> Result<Response<Body>, Fault> {
    let habits = space.profile.transfers;
    match (&call.method, habits.parameters) {
        (&Method::GET, Parameters::Anywhere) => return by_parameters(call, space).await,
        (&Method::POST, Parameters::Anywhere) if call.is_form() => return by_parameters(call, space).await,
        (&Method::POST, Parameters::InQueryOfPost) if !call.query.is_empty() => {
            return by_parameters(call, space).await;
        }
        (&Method::POST, _) => {}
        (method, Parameters::Anywhere) => return Ok(not_allowed(method, "GET, POST")),
        (method, _) => return Ok(not_allowed(method, "POST")),
    }
    require_jobs(&call)?;
    let (is_document, is_form) = (is_text_xml(&call), call.is_form());
    let body = call.take_body(LONGEST_DOCUMENT).await?;
    let details = |id: &str| details_of(&call, &space, id);
    if habits.announced == Announced::Form && !is_form {
        return Err(Fault::internal("there is no field"));
    }
    if !is_document && habits.announced == Announced::Xml {
        let id = space.jobs.create(call.caller.clone(), None, Phase::Pending);
        space.jobs.fail(&id, Fault::plain(500, "could not create Transfer from request"));
        return Ok(details(&id));
    }
    let transfer = reading::transfer(&body, &space)?;
    let synchronous = space.profile.moves.synchronous;
    if matches!(transfer.direction, Direction::Node(_)) && synchronous == Synchronous::Denied {
        return Err(Fault::denied(transfer.target()));
    }
    let work = Some(Work::Transfer(transfer.clone()));
    let packaged = space.profile.resources.packages && transfer.view.as_deref() == Some(package::VIEW);
    if packaged && transfer.direction == Direction::PullFromVoSpace {
        let id = space.jobs.create(call.caller.clone(), work, Phase::Suspended);
        return Ok(see_other(&format!("{}/{}/pkg/{id}/run", call.base, space.profile.service)));
    }
    let id = space.jobs.create(call.caller.clone(), work, Phase::Executing);
    if matches!(transfer.direction, Direction::Node(_)) && synchronous == Synchronous::Absent {
        space.jobs.fail(&id, Fault::argument("a node cannot be moved synchronously"));
    } else {
        perform(&space, &call.caller, &id, &transfer, call.effect.as_ref()).await;
    }
    tokio::time::sleep(Duration::from_millis(habits.pause_ms)).await;
    match space.jobs.get(&id).and_then(|job| job.fault) {
        Some(fault) if habits.failures == Failures::AtOnce => Err(fault),
        _ => Ok(details(&id)),
    }
}

/// Refuses if the database of jobs does not answer: a new job later, one that is there for good (Cavern, observed).
pub fn require_jobs(call: &Call) -> Result<(), Fault> {
    let new = call.rest.trim_matches('/').is_empty() && call.method == Method::POST;
    match &call.app.control {
        Some(control) if control.jobs_down() && new => {
            Err(Fault::new(FaultKind::Unavailable(30), "temporarily unavailable: null"))
        }
        Some(control) if control.jobs_down() => Err(Fault::internal("the database of jobs does not answer")),
        _ => Ok(()),
    }
}

/// A redirect to the details of a job.
fn details_of(call: &Call, space: &Space, id: &str) -> Response<Body> {
    let status = StatusCode::from_u16(space.profile.transfers.status).unwrap_or(StatusCode::SEE_OTHER);
    redirect(status, &format!("{}/{}/transfers/{id}/results/transferDetails", call.base, space.profile.service))
}

/// Whether the body is a document in the eyes of the services.
pub fn is_text_xml(call: &Call) -> bool {
    call.header("content-type")
        .and_then(|value| value.split(';').next())
        .is_some_and(|value| value.trim().eq_ignore_ascii_case("text/xml"))
}

/// Does what the transfer asks for, and leaves the outcome in the job. A negotiation stays EXECUTING for ever.
pub async fn perform(space: &Arc<Space>, caller: &Caller, id: &str, transfer: &Transfer, effect: Option<&Effect>) {
    if space.jobs.diverted(id, effect) {
        return;
    }
    let outcome = match &transfer.direction {
        Direction::PushToVoSpace => negotiate(space, caller, transfer, Way::Push, faults::gap(effect))
            .await
            .map(|file| Outcome::Negotiated(Box::new(file))),
        Direction::PullFromVoSpace => negotiate(space, caller, transfer, Way::Pull, Duration::ZERO)
            .await
            .map(|file| Outcome::Negotiated(Box::new(file))),
        Direction::Node(to) if !transfer.keep_bytes.unwrap_or(space.profile.moves.keeps_unless_told) => {
            let moved = relocate(space, caller, transfer.target(), to).await.map(Outcome::Moved);
            match (moved, effect) {
                (Ok(_), Some(Effect::MisreportMove(true))) => Err(Fault::plain(500, "misreported on demand")),
                (moved, _) => moved,
            }
        }
        Direction::Node(to) if space.profile.moves.copies != Copies::Refused => {
            duplicate(space, caller, transfer.target(), to).await.map(Outcome::Moved)
        }
        Direction::Node(_) => Err(Fault::plain(405, "copyNode is not implemented")),
        Direction::PullToVoSpace => Err(Fault::plain(405, "pullToVoSpace not implemented")),
        Direction::PushFromVoSpace => Err(Fault::plain(405, "pushFromVoSpace not implemented")),
        Direction::Other(text) => Err(Fault::plain(400, format!("InternalFault (invalid direction: {text})"))),
    };
    space.jobs.change(id, |job| match outcome {
        Ok(Outcome::Negotiated(file)) => {
            let once = space.profile.byte_urls_once.then(|| id.to_owned());
            job.negotiated = Some(Negotiated { once, ..*file });
        }
        Ok(Outcome::Moved(destination)) => {
            job.results.push(("destination".to_owned(), destination));
            job.phase = Phase::Completed;
        }
        Err(fault) => {
            let silent = space.profile.unknown_view_is_silent && fault.kind() == FaultKind::ViewNotSupported;
            job.fault = Some(fault).filter(|_| !silent);
            job.phase = Phase::Error;
        }
    });
}

enum Outcome {
    Negotiated(Box<Negotiated>),
    Moved(String),
}

async fn relocate(space: &Arc<Space>, caller: &Caller, from: &str, to: &str) -> Result<String, Fault> {
    let (from, to) = (space.path_of(from)?, space.path_of(to)?);
    let path = space.relocate(caller.clone(), from, to).await?;
    if space.profile.names.decoding == Decoding::Twice
        && !space.profile.move_cuts_names
        && names::pasted(&path).is_err()
    {
        // The node has moved, and is out of reach by now: the name fails only when the result is written.
        return Err(Fault::plain(500, format!("URISyntaxException: Illegal character in path: {path}")));
    }
    Ok(space.uri(&path))
}

async fn duplicate(space: &Arc<Space>, caller: &Caller, from: &str, to: &str) -> Result<String, Fault> {
    let (from, to) = (space.path_of(from)?, space.path_of(to)?);
    let path = space.duplicate(caller.clone(), from, to).await?;
    Ok(space.uri(&path))
}

async fn negotiate(
    space: &Arc<Space>,
    caller: &Caller,
    transfer: &Transfer,
    way: Way,
    gap: Duration,
) -> Result<Negotiated, Fault> {
    if space.profile.transfers.view_demanded && transfer.view.is_none() {
        return Err(Fault::argument("no view"));
    }
    if transfer.targets.len() > 1 {
        return Err(Fault::plain(400, format!("TooManyTargets ({})", transfer.targets.len())));
    }
    if let Some(view) = transfer.view.as_deref().filter(|view| !VIEWS.contains(view)) {
        return Err(Fault::new(FaultKind::ViewNotSupported, view));
    }
    let path = space.path_of(transfer.target())?;
    space.negotiate(caller.clone(), path, way, gap).await
}

/// `/xfer/JOB`: the details of a negotiation, made anew at each call.
pub async fn details(call: Call, space: Arc<Space>) -> Result<Response<Body>, Fault> {
    let job = space.jobs.get(call.rest.trim_matches('/')).ok_or_else(|| Fault::plain(404, "job not found"))?;
    details_of_job(&call, &space, job).await
}

/// The details of the negotiation of a job.
pub async fn details_of_job(call: &Call, space: &Arc<Space>, job: Job) -> Result<Response<Body>, Fault> {
    if job.owner != Caller::Anonymous && job.owner != call.caller {
        return Err(Fault::plain(401, "Unauthorized: not the owner of the job"));
    }
    let Job { work: Some(Work::Transfer(ref transfer)), ref fault, ref negotiated, .. } = job else {
        return Err(Fault::plain(404, "no details"));
    };
    match (fault, space.profile.transfers.failures) {
        (None, _) | (_, Failures::InDetails) => {}
        (Some(fault), Failures::AtOnce) => return Err(fault.clone()),
        (Some(_), Failures::Empty) => {
            let namespace = space.profile.documents.namespace.uri();
            return Ok(ok("text/xml", format!("<vos:transfer xmlns:vos=\"{namespace}\"></vos:transfer>\n")));
        }
    }
    let mut transfer = transfer.clone();
    let asked = std::mem::take(&mut transfer.protocols);
    match (negotiated, fault) {
        (Some(file), _) => {
            if space.profile.reserved_names {
                // The service may have made the name.
                transfer.targets = vec![space.uri(&file.path)];
            }
            transfer.protocols = space.endpoints(&call.base, file, &asked).await?;
            endpoints::distort(call.effect.as_ref(), &mut transfer.protocols);
        }
        (None, Some(fault)) => match fault.kind() {
            FaultKind::NodeNotFound | FaultKind::ContainerNotFound => {
                let path = space.path_of(transfer.target()).unwrap_or_default();
                return Err(Fault::plain(500, format!("Internal Error: {path}")));
            }
            FaultKind::PermissionDenied => {
                return Err(Fault::plain(401, format!("Unauthorized: {}", fault.text())));
            }
            FaultKind::Internal | FaultKind::Unavailable(_) | FaultKind::Plain(500) => return Err(fault.clone()),
            // The rest is an answer without any endpoint.
            _ => {}
        },
        // Made before the last restart: the negotiation is done again.
        (None, None) if job.phase == Phase::Executing => {
            let way = match transfer.direction {
                Direction::PushToVoSpace => Way::Push,
                Direction::PullFromVoSpace => Way::Pull,
                _ => return Err(Fault::plain(404, "no details")),
            };
            let mut file = negotiate(space, &job.owner, &transfer, way, Duration::ZERO).await?;
            file.once = space.profile.byte_urls_once.then(|| job.id.clone());
            space.jobs.change(&job.id, |job| job.negotiated = Some(file.clone()));
            transfer.protocols = space.endpoints(&call.base, &file, &asked).await?;
        }
        (None, None) => return Err(Fault::plain(404, "no details")),
    }
    transfer.keep_bytes = Some(true);
    let text = transfer::write(&transfer);
    if space.profile.raw_endpoints {
        // The declaration says UTF-8 all the same: not well-formed if a name has letters outside ASCII.
        return Ok(ok("text/xml;charset=ISO-8859-1", names::latin1(&text)));
    }
    Ok(ok("text/xml", in_namespace(space, text)))
}

/// The parameter form: only the first protocol counts, and only the first endpoint is told.
async fn by_parameters(call: Call, space: Arc<Space>) -> Result<Response<Body>, Fault> {
    let parameters = call.parameters().await?;
    let value = |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let target = value("TARGET").ok_or_else(|| Fault::argument("missing parameter: TARGET"))?;
    let protocol = value("PROTOCOL").ok_or_else(|| Fault::argument("missing parameter: PROTOCOL"))?;
    let (way, direction) = match value("DIRECTION").as_deref() {
        Some("pushToVoSpace") => (Way::Push, Direction::PushToVoSpace),
        Some("pullFromVoSpace") => (Way::Pull, Direction::PullFromVoSpace),
        other => return Err(Fault::argument(format!("invalid direction: {}", other.unwrap_or_default()))),
    };
    if space.profile.transfers.https == Https::Refused && protocol.contains("#https") {
        return Err(Fault::plain(400, format!("Protocol Not Supported. {protocol}")));
    }
    if space.profile.redirect_on_request && value("REQUEST").as_deref() != Some("redirect") {
        let protocols = vec![Protocol { uri: protocol, ..Protocol::default() }];
        let transfer = Transfer { protocols, ..Transfer::new(target, direction) };
        let work = Some(Work::Transfer(transfer.clone()));
        let id = space.jobs.create(call.caller.clone(), work, Phase::Executing);
        perform(&space, &call.caller, &id, &transfer, call.effect.as_ref()).await;
        let fault = space.jobs.get(&id).and_then(|job| job.fault);
        return match fault.filter(|_| space.profile.transfers.failures == Failures::AtOnce) {
            Some(fault) => Err(fault),
            None => Ok(details_of(&call, &space, &id)),
        };
    }
    let path = space.path_of(&target)?;
    let file = space.negotiate(call.caller.clone(), path, way, faults::gap(call.effect.as_ref())).await;
    let mut file = file.map_err(|fault| match fault.kind() {
        FaultKind::NodeNotFound if way == Way::Pull => Fault::plain(400, "target is not a data node"),
        _ => fault,
    })?;
    file.once = space.profile.byte_urls_once.then(|| space.jobs.create(call.caller.clone(), None, Phase::Executing));
    if let Some(job) = &file.once {
        space.jobs.change(job, |job| job.negotiated = Some(file.clone()));
    }
    // The protocol is not compared with the direction: any serves.
    let suitable = if way == Way::Push { transfer::HTTPS_PUT } else { transfer::HTTPS_GET };
    let known = protocol.contains("vospace/core#http") && space.profile.bytes != Bytes::AtJobs;
    let asked = if known { suitable } else { &protocol };
    let asked = Protocol { uri: asked.to_owned(), ..Protocol::default() };
    let mut offered = space.endpoints(&call.base, &file, &[asked]).await?;
    endpoints::distort(call.effect.as_ref(), &mut offered);
    let endpoint = offered.into_iter().find_map(|protocol| protocol.endpoint);
    match endpoint {
        Some(endpoint) => Ok(see_other(&endpoint)),
        None => Err(Fault::plain(400, "requested transfer specs not supported")),
    }
}
