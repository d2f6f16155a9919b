//! The UWS resources: `/transfers`, `/async-delete` and `/async-setprops`.

use crate::call::Call;
use crate::documents::in_namespace;
use crate::fault::{Fault, FaultKind};
use crate::faults::Effect;
use crate::identity::Caller;
use crate::jobs::{Job, Kind, Work};
use crate::profile::jobs::Results;
use crate::profile::transfers::{Announced, Failures};
use crate::replies::{not_allowed, ok, see_other};
use crate::routes::reading;
use crate::routes::transfers::{LONGEST_DOCUMENT, details_of_job, is_text_xml, perform, require_jobs};
use crate::space::Space;
use crate::space::tree::Counts;
use axum::body::Body;
use axum::http::{Method, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use vospace_client::xml::job::{self as document, ErrorSummary, Phase};
use vospace_client::xml::transfer::Direction;

/// The list of jobs, or one job and what belongs to it.
pub async fn serve(call: Call, space: Arc<Space>, list: &str) -> Result<Response<Body>, Fault> {
    require_jobs(&call)?;
    let list_url = format!("{}/{}/{list}", call.base, space.profile.service);
    let rest = call.rest.trim_matches('/').to_owned();
    let mut parts = rest.splitn(2, '/');
    let (id, below) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if id.is_empty() {
        return match call.method {
            Method::POST => create(call, &space, list, &list_url).await,
            Method::GET if space.profile.jobs.listed => show_list(&call, &space, list),
            _ => Ok(not_allowed(&call.method, if space.profile.jobs.listed { "GET, POST" } else { "POST" })),
        };
    }
    if matches!(call.effect, Some(Effect::LoseJob(true))) {
        space.jobs.remove(id);
    }
    let job = space.jobs.get(id).ok_or_else(|| Fault::plain(404, format!("job not found: {id}")))?;
    if job.owner != Caller::Anonymous && job.owner != call.caller {
        return Err(Fault::denied(id));
    }
    let job_url = format!("{list_url}/{id}");
    match (call.method.clone(), below) {
        (Method::GET, "") => {
            if let Some(text) = call.parameter("wait").filter(|_| space.profile.jobs.waits) {
                let seconds = text.parse().map_err(|_| Fault::argument(format!("invalid WAIT: {text}")))?;
                space.jobs.wait(id, seconds).await;
            }
            let job = space.jobs.get(id).unwrap_or(job);
            let text = document::write(&job_document(&space, &call.base, list, job));
            Ok(ok("text/xml", in_namespace(&space, text)))
        }
        (Method::DELETE, "") if space.profile.jobs.removable => {
            space.jobs.remove(id);
            Ok(see_other(&list_url))
        }
        (Method::GET, "phase") => Ok(ok("text/plain", job.phase.as_str())),
        (Method::POST, "phase") => change_phase(call, &space, job, &job_url).await,
        (Method::GET, "error" | "results/error") => match &job.fault {
            Some(_) if below == "error" && space.profile.jobs.error_redirects => {
                Ok(see_other(&format!("{job_url}/results/error")))
            }
            Some(fault) => Ok(ok("text/plain", space.said(fault))),
            None => Err(Fault::plain(404, format!("{id}/error"))),
        },
        (Method::GET, "results/transferDetails") => {
            let transfers = |work: &Work| match work {
                Work::Transfer(transfer) => {
                    matches!(transfer.direction, Direction::PushToVoSpace | Direction::PullFromVoSpace)
                }
                _ => false,
            };
            let empty = job.fault.is_some() && space.profile.transfers.failures == Failures::Empty;
            if (job.work.as_ref().is_some_and(transfers) || empty) && job.phase != Phase::Pending {
                if space.profile.transfers.details_at_once {
                    return details_of_job(&call, &space, job).await;
                }
                Ok(see_other(&format!("{}/{}/xfer/{id}", call.base, space.profile.service)))
            } else {
                Err(Fault::plain(404, "no such result"))
            }
        }
        (Method::GET, _) => Err(Fault::plain(404, format!("not found: {below}"))),
        (method, _) => Ok(not_allowed(&method, "GET, POST, DELETE")),
    }
}

async fn create(call: Call, space: &Space, list: &str, list_url: &str) -> Result<Response<Body>, Fault> {
    let work = if list == "async-delete" {
        let parameters = call.parameters().await?;
        Work::Remove(parameters.into_iter().find(|(key, _)| key == "TARGET").map(|(_, value)| value))
    } else {
        let is_document = is_text_xml(&call);
        let body = call.take_body(LONGEST_DOCUMENT).await?;
        if !is_document && (list != "transfers" || space.profile.transfers.announced == Announced::Xml) {
            return Err(Fault::argument("invalid content type"));
        }
        if list == "transfers" {
            Work::Transfer(reading::transfer(&body, space)?)
        } else {
            Work::SetProperties(Box::new(reading::node(&body, space)?.0))
        }
    };
    let id = space.jobs.create(call.caller.clone(), Some(work), Phase::Pending);
    Ok(see_other(&format!("{list_url}/{id}")))
}

fn show_list(call: &Call, space: &Space, list: &str) -> Result<Response<Body>, Fault> {
    if call.caller == Caller::Anonymous {
        return Err(Fault::new(FaultKind::PermissionDenied, "anonymous job list"));
    }
    let kind = match list {
        "async-delete" => Kind::Remove,
        "async-setprops" => Kind::SetProperties,
        _ => Kind::Transfer,
    };
    let mut jobs = space.jobs.of(&call.caller, kind);
    if let Some(phase) = call.parameter("phase") {
        jobs.retain(|(_, other)| other.as_str().eq_ignore_ascii_case(&phase));
    }
    if let Some(text) = call.parameter("last") {
        let last = text.parse().map_err(|_| Fault::argument(format!("invalid LAST: {text}")))?;
        jobs.drain(..jobs.len().saturating_sub(last));
    }
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
        <uws:jobs xmlns:uws=\"http://www.ivoa.net/xml/UWS/v1.0\" version=\"1.1\">\n"
        .to_owned();
    for (id, phase) in jobs {
        text.push_str(&format!("<uws:jobref id=\"{id}\"><uws:phase>{}</uws:phase></uws:jobref>\n", phase.as_str()));
    }
    text.push_str("</uws:jobs>\n");
    Ok(ok("text/xml", text))
}

async fn change_phase(call: Call, space: &Arc<Space>, job: Job, job_url: &str) -> Result<Response<Body>, Fault> {
    let phase = if space.profile.jobs.phase_exact {
        let body = call.take_body(LONGEST_DOCUMENT).await?;
        std::str::from_utf8(&body).ok().and_then(|text| text.strip_prefix("PHASE=")).map(str::to_owned)
    } else {
        let parameters = call.parameters().await?;
        parameters.into_iter().find(|(key, _)| key == "PHASE").map(|(_, value)| value.to_ascii_uppercase())
    };
    match phase.as_deref() {
        Some("RUN") => {
            let Some((work, stop)) = space.jobs.start(&job.id) else {
                return Err(Fault::internal(format!("cannot run job in phase {}", job.phase.as_str())));
            };
            // Detached on purpose: the job goes on when its starter has gone.
            let (space, caller) = (Arc::clone(space), call.caller.clone());
            tokio::spawn(run(space, caller, job.id.clone(), work, stop, call.effect.clone()));
        }
        Some("ABORT") => space.jobs.abort(&job.id),
        other => return Err(Fault::argument(format!("invalid phase: {}", other.unwrap_or_default()))),
    }
    Ok(see_other(job_url))
}

async fn run(
    space: Arc<Space>,
    caller: Caller,
    id: String,
    work: Option<Work>,
    stop: Arc<AtomicBool>,
    effect: Option<Effect>,
) {
    let Some(_place) = space.jobs.begin(&id, effect.as_ref()).await else { return };
    let outcome = match work {
        Some(Work::Transfer(transfer)) => return perform(&space, &caller, &id, &transfer, effect.as_ref()).await,
        Some(Work::Remove(Some(target))) => match space.path_of(&target) {
            Ok(path) => space.remove_tree(caller, path, Arc::clone(&stop)).await,
            Err(fault) => Err(fault),
        },
        Some(Work::SetProperties(node)) => space.set_tree(caller, *node, Arc::clone(&stop)).await,
        Some(Work::Remove(None)) | None => Err(Fault::argument("missing parameter: target")),
    };
    space.jobs.change(&id, |job| match outcome {
        Ok(counts) => settle(job, counts, stop.load(Ordering::Relaxed)),
        Err(fault) => {
            job.fault = Some(fault);
            job.phase = Phase::Error;
        }
    });
}

fn settle(job: &mut Job, counts: Counts, stopped: bool) {
    job.results.push(("successcount".to_owned(), format!("final:{}", counts.done)));
    if counts.failed > 0 {
        job.results.push(("errorcount".to_owned(), format!("final:{}", counts.failed)));
    }
    job.phase = if stopped || counts.failed > 0 { Phase::Aborted } else { Phase::Completed };
}

fn job_document(space: &Space, base: &str, list: &str, job: Job) -> document::Job {
    let mut result = document::Job::new(job.id.clone(), job.phase);
    result.owner = job.owner.name().map(str::to_owned);
    result.creation_time = Some(job.created);
    result.start_time = job.started;
    result.end_time = job.ended;
    result.destruction = job.created.checked_add(jiff::SignedDuration::from_hours(24 * 7)).ok();
    result.results = job.results;
    if space.profile.byte_urls_once && job.negotiated.is_some() {
        let service = space.profile.service;
        let details = match space.profile.transfers.details_at_once {
            true => format!("{base}/{service}/{list}/{}/results/transferDetails", job.id),
            false => format!("{base}/{service}/xfer/{}", job.id),
        };
        result.results.push(("transferDetails".to_owned(), details));
    }
    match space.profile.jobs.results {
        Results::Shown => {}
        Results::Empty => result.results.clear(),
        Results::Escaped => result.results.iter_mut().for_each(|(_, href)| {
            *href = utf8_percent_encode(href, NON_ALPHANUMERIC).to_string();
        }),
    }
    result.error_summary = job.fault.map(|fault| ErrorSummary {
        transient: matches!(fault.kind(), FaultKind::Unavailable(_)),
        message: if space.profile.uws_words { fault.words().to_owned() } else { space.said(&fault) },
        detailed: true,
    });
    match job.work {
        Some(Work::Transfer(transfer)) => result.transfer = Some(transfer),
        Some(Work::Remove(Some(target))) => result.parameters.push(("target".to_owned(), target)),
        _ => {}
    }
    result
}
