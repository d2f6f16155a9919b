//! Jobs of UWS 1.1: made, started, waited for.
//!
//! A job does nothing before it is told to run, so making one may be repeated; telling it twice to run is answered with
//! an error, so after a doubt the job is looked at. `WAIT` returns at any change of phase: it is sent until the phase is
//! a final one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::{Method, Url};
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::{nodes, stat};
use crate::http::{Answer, Failure, Grant, Outcome, Repeat, Request, classify_fault, nonsense};
use crate::inner::Inner;
use crate::node::{NodeKind, Properties};
use crate::service::Service;
use crate::uri::VosUri;
use crate::xml::job::{self, Job, Phase};
use crate::{Error, ErrorKind, Result};

/// Seconds that a service is asked to hold its answer back; below the time limit for an answer.
const WAIT: &str = "30";
/// A job that moved nothing by then is given up: jobs that were running when a service crashed stay so for ever.
pub(super) const MOVE_LIMIT: Duration = Duration::from_secs(600);
/// A large tree takes its time.
const TREE_LIMIT: Duration = Duration::from_secs(4 * 3600);
/// Between questions when the service does not hold its answer back.
const POLL: Duration = Duration::from_millis(500);

/// How far the service came with a whole tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobCounts {
    /// Nodes deleted or changed.
    pub succeeded: u64,
    /// Nodes that could not be.
    pub failed: u64,
}

/// Deletes a container, which was just seen to be one, and all below it.
pub(super) async fn delete_tree(inner: &Arc<Inner>, service: &Service, uri: &VosUri, url: &Url) -> Result<JobCounts> {
    let request = Request::new(Method::POST, url.clone(), Grant::Caller)
        .form(&[("target", &service.dialect().transfer_uri(uri)?)]);
    let job = run_on_tree(inner, uri, request).await;
    let job = match job {
        Ok(job) => job,
        // The job may have done its work although nobody could say so.
        Err(error) => match stat::stat(inner, uri).await {
            Err(gone) if gone.kind() == ErrorKind::NotFound => return Ok(JobCounts { succeeded: 1, failed: 0 }),
            _ => return Err(error),
        },
    };
    counts(uri, &job)
}

/// Changes properties of a node and of everything below it.
pub(crate) async fn set_properties_tree(
    inner: &Arc<Inner>,
    uri: &VosUri,
    kind: &NodeKind,
    changes: &Properties,
) -> Result<JobCounts> {
    let service = inner.service(uri).await?;
    let Some(url) = service.recursive_properties() else {
        return Err(Error::node(ErrorKind::Unsupported, uri, "the service cannot change the properties of a tree"));
    };
    let changes = nodes::sendable(inner, &service, uri, changes).await?;
    let document = nodes::document(&service, uri, kind, &changes)?;
    let request = Request::new(Method::POST, url.clone(), Grant::Caller).xml(document);
    counts(uri, &run_on_tree(inner, uri, request).await?)
}

/// What a job over a tree says of it.
fn counts(uri: &VosUri, job: &Job) -> Result<JobCounts> {
    let count = |id: &str| job.result(id).and_then(|href| href.trim_start_matches("final:").parse().ok());
    match (job.phase, count("successcount"), count("errorcount")) {
        // `errorcount` is absent when there were none.
        (Phase::Completed, succeeded, failed) => {
            Ok(JobCounts { succeeded: succeeded.unwrap_or(0), failed: failed.unwrap_or(0) })
        }
        (Phase::Aborted, Some(succeeded), failed) => Ok(JobCounts { succeeded, failed: failed.unwrap_or(1) }),
        _ => Err(failed(uri, job)),
    }
}

/// Work on a whole tree, which the service is told to stop when nobody waits for it any more.
async fn run_on_tree(inner: &Arc<Inner>, uri: &VosUri, request: Request) -> Result<Job> {
    let job = make(inner, request).await?;
    let mut waiting = Waiting { inner: Arc::clone(inner), job: Some(job.clone()), _work: inner.work.token() };
    let ended = finish(inner, uri, &job, TREE_LIMIT).await;
    waiting.job = None;
    ended
}

/// Calls a job off when it is dropped before the job's end. What was done by then stays done.
struct Waiting {
    inner: Arc<Inner>,
    job: Option<JobUrl>,
    /// A program that ends waits for this.
    _work: TaskTrackerToken,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Some(job) = self.job.take() else { return };
        let inner = Arc::clone(&self.inner);
        self.inner.in_background(async move {
            let request = Request::new(Method::POST, below(&job.url, "phase"), job.grant).form(&[("PHASE", "ABORT")]);
            if let Err(failure) = inner.http.fetch(&request).await {
                tracing::warn!("a job of the service could not be stopped: {}", failure.error);
            }
        });
    }
}

/// Starts a job and waits for its end. It may have ended badly: see its phase.
pub(super) async fn finish(inner: &Arc<Inner>, uri: &VosUri, job: &JobUrl, limit: Duration) -> Result<Job> {
    let started = Instant::now();
    start(inner, job).await?;
    loop {
        let asked = Instant::now();
        let mut url = job.url.clone();
        url.query_pairs_mut().append_pair("WAIT", WAIT);
        let answer = inner.http.fetch_following(&Request::get(url, job.grant)).await?;
        let state = read(&answer)?;
        if state.phase.is_final() {
            return Ok(in_detail(inner, job, state).await);
        }
        if started.elapsed() > limit {
            let text = format!("the job of the service is still {} after {} s", state.phase.as_str(), limit.as_secs());
            return Err(Error::node(ErrorKind::Timeout, uri, text));
        }
        if asked.elapsed() < POLL {
            tokio::time::sleep(POLL).await;
        }
    }
}

/// Where a job is. Its URL may be a capability of its own (an anonymous job belongs to who knows it).
#[derive(Clone)]
pub(crate) struct JobUrl {
    pub(crate) url: Url,
    pub(crate) grant: Grant,
}

/// Sends a request that makes a job; the job's URL is where the answer leads.
pub(super) async fn make(inner: &Arc<Inner>, request: Request) -> Result<JobUrl> {
    let http = &inner.http;
    let request = request.repeat(Repeat::Freely);
    let answer = http.fetch(&request).await?;
    if !answer.status.is_redirection() {
        return Err(nonsense(&answer.url, format!("it answered {} where the address of a job was due", answer.status)));
    }
    let job = http.redirected(&request, &answer.url, &answer.headers)?;
    Ok(JobUrl { url: job.url, grant: job.grant })
}

async fn start(inner: &Arc<Inner>, job: &JobUrl) -> Result<()> {
    let request = Request::new(Method::POST, below(&job.url, "phase"), job.grant).form(&[("PHASE", "RUN")]);
    match inner.http.fetch(&request).await {
        Ok(_) => Ok(()),
        Err(failure) if failure.outcome == Outcome::Unknown => {
            // Was it told? A job that is no longer pending was.
            let answer = inner.http.fetch_following(&Request::get(job.url.clone(), job.grant)).await?;
            if read(&answer)?.phase == Phase::Pending { Err(failure.into()) } else { Ok(()) }
        }
        Err(failure) => Err(failure.into()),
    }
}

fn read(answer: &Answer) -> Result<Job> {
    job::read(&answer.body).map_err(|error| nonsense(&answer.url, error.to_string()))
}

/// `job` with one more component, without query.
pub(crate) fn below(job: &Url, name: &str) -> Url {
    let mut url = job.clone();
    url.set_query(None);
    let path = format!("{}/{name}", job.path().trim_end_matches('/'));
    url.set_path(&path);
    url
}

/// The phase and, if it failed, the reason of a job of which no document is needed.
pub(crate) async fn phase_and_error(inner: &Arc<Inner>, job: &JobUrl) -> Result<(Option<Phase>, String), Failure> {
    let answer = inner.http.fetch_following(&Request::get(below(&job.url, "phase"), job.grant)).await?;
    let phase = Phase::parse(&String::from_utf8_lossy(&answer.body));
    let text = if phase == Some(Phase::Error) { reason(inner, job).await } else { String::new() };
    Ok((phase, text))
}

/// Why a job failed, in full. There may be nothing, which is answered 404.
async fn reason(inner: &Arc<Inner>, job: &JobUrl) -> String {
    let answer = inner.http.fetch_following(&Request::get(below(&job.url, "error"), job.grant)).await;
    answer.map(|answer| String::from_utf8_lossy(&answer.body).trim().to_owned()).unwrap_or_default()
}

/// The job with all that is said of its failure: by the standard the summary is a few fixed words (`Internal Fault`;
/// VOSpace 2.1, faults of moveNode), and what went wrong stands in the resource `error`. CADC services say the same in both.
async fn in_detail(inner: &Arc<Inner>, job: &JobUrl, mut state: Job) -> Job {
    if let Some(summary) = state.error_summary.as_mut().filter(|summary| summary.detailed) {
        let reason = reason(inner, job).await;
        if classify_fault(&reason).is_some() || summary.message.is_empty() {
            summary.message = reason;
        } else if !reason.is_empty() && reason != summary.message {
            // Only the words tell what kind of failure it is.
            summary.message = format!("{}: {reason}", summary.message);
        }
    }
    state
}

/// The error that a job's bad end means.
pub(super) fn failed(uri: &VosUri, job: &Job) -> Error {
    let text = job.error_summary.as_ref().map(|summary| summary.message.clone()).unwrap_or_default();
    fault(uri, job.phase, &text)
}

/// The error that a phase and a text mean.
pub(crate) fn fault(uri: &VosUri, phase: Phase, text: &str) -> Error {
    let kind = classify_fault(text).unwrap_or(ErrorKind::Service);
    let text = match text.trim() {
        "" => format!("the job of the service ended as {} without saying why", phase.as_str()),
        text => text.to_owned(),
    };
    Error::node(kind, uri, text)
}

#[cfg(test)]
mod tests;
