//! A node gets another name or container.
//!
//! VOSpace has no rename that replaces, and a move *onto* a container goes *into* it; so the destination is looked at
//! first and must not exist. A move within one synchronous request is ten times faster than a job, where the service
//! can (learned). Whatever an answer says in doubt, both ends are looked at: services report errors for moves that were
//! done, and lose answers.

use std::sync::Arc;

use reqwest::Method;

use super::{jobs, nodes};
use crate::dialect::Learned;
use crate::http::{Failure, Grant, Request, nonsense};
use crate::inner::Inner;
use crate::service::Service;
use crate::uri::VosUri;
use crate::xml::job::Phase;
use crate::xml::transfer::{self, Direction, Transfer};
use crate::{Error, ErrorKind, Result};

pub(crate) async fn rename(inner: &Arc<Inner>, from: &VosUri, to: &VosUri) -> Result<()> {
    from.check()?;
    to.check()?;
    if from == to {
        return nodes::stat(inner, from).await.map(drop);
    }
    if from.authority() != to.authority() {
        return Err(Error::node(ErrorKind::Unsupported, from, format!("it cannot move to another service ({to})")));
    }
    if from.is_root() || to.is_root() {
        return Err(Error::node(ErrorKind::MoveIntoRoot, from, "the root container cannot be moved or replaced"));
    }
    if to.starts_with(from) {
        return Err(Error::node(ErrorKind::MovePrefix, from, format!("it cannot move into itself ({to})")));
    }
    match nodes::stat(inner, to).await {
        Ok(_) => return Err(Error::node(ErrorKind::AlreadyExists, to, "it exists, and a move does not replace")),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let service = inner.service(from).await?;
    match attempt(inner, &service, from, to).await {
        Ok(()) => Ok(()),
        Err(error) if was_done(inner, from, to).await => {
            tracing::debug!("the move of {from} was done although it was reported to fail: {error}");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

async fn attempt(inner: &Arc<Inner>, service: &Service, from: &VosUri, to: &VosUri) -> Result<()> {
    let mut transfer = Transfer::new(from.to_wire(), Direction::Node(to.to_wire()));
    // Absent would mean to copy.
    transfer.keep_bytes = Some(false);
    let document = transfer::write(&transfer);
    if let Some(url) = service.sync()
        && service.dialect().sync_move != Learned::No
    {
        let request = Request::new(Method::POST, url.clone(), Grant::Caller).xml(document.clone());
        match synchronous(inner, &request, from).await {
            Ok(()) => {
                service.learn(|dialect| dialect.sync_move = Learned::Yes);
                return Ok(());
            }
            Err(Refusal::NotThisWay(error)) => {
                tracing::debug!("no synchronous move: {error}");
                service.learn(|dialect| dialect.sync_move = Learned::No);
            }
            Err(Refusal::Failed(error)) => return Err(error),
        }
    }
    let Some(url) = service.transfers() else {
        return Err(Error::node(ErrorKind::Unsupported, from, "the service has no moves"));
    };
    let request = Request::new(Method::POST, url.clone(), Grant::Caller).xml(document);
    let job = jobs::run(inner, from, request, jobs::MOVE_LIMIT).await?;
    match job.phase {
        Phase::Completed => Ok(()),
        _ => Err(jobs::failed(from, &job)),
    }
}

enum Refusal {
    /// The service does not move within a request; nothing was done.
    NotThisWay(Error),
    /// The move failed.
    Failed(Error),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Refusal::Failed(failure.into())
    }
}

/// The answer leads to a result that does not exist, but its job tells how the move went.
async fn synchronous(inner: &Arc<Inner>, request: &Request, from: &VosUri) -> Result<(), Refusal> {
    let http = &inner.http;
    let answer = match http.fetch(request).await {
        Ok(answer) if answer.status.is_redirection() => answer,
        Ok(answer) => return Err(Refusal::NotThisWay(nonsense(&answer.url, format!("it answered {}", answer.status)))),
        Err(failure) => {
            return Err(match failure.kind() {
                ErrorKind::Unsupported | ErrorKind::BadRequest => Refusal::NotThisWay(failure.into()),
                // A service that forbids the way and one that forbids the move answer alike; a job tells.
                ErrorKind::PermissionDenied => Refusal::NotThisWay(failure.into()),
                _ => Refusal::Failed(failure.into()),
            });
        }
    };
    let details = http.redirected(request, &answer.url, &answer.headers)?;
    let Some(job) = job_of(&details) else {
        return Err(Refusal::NotThisWay(nonsense(&details.url, "it is not the address of a job's result")));
    };
    match jobs::phase_and_error(inner, &job).await? {
        (Some(Phase::Completed), _) => Ok(()),
        (Some(Phase::Error), text) => Err(Refusal::Failed(jobs::fault(from, Phase::Error, &text))),
        (phase, _) => {
            let phase = phase.map_or("UNKNOWN", Phase::as_str);
            Err(Refusal::NotThisWay(nonsense(&job.url, format!("its phase is {phase}"))))
        }
    }
}

/// The job whose result a synchronous transfer leads to: `…/transfers/JOB/results/transferDetails`.
pub(crate) fn job_of(details: &Request) -> Option<jobs::JobUrl> {
    let path = details.url.path();
    let end = path.find("/results/").or_else(|| path.contains("/xfer/").then_some(path.len()))?;
    let mut url = details.url.clone();
    url.set_query(None);
    url.set_path(&path[..end].replacen("/xfer/", "/transfers/", 1));
    Some(jobs::JobUrl { url, grant: details.grant })
}

async fn was_done(inner: &Arc<Inner>, from: &VosUri, to: &VosUri) -> bool {
    let gone = matches!(nodes::stat(inner, from).await, Err(error) if error.kind() == ErrorKind::NotFound);
    gone && nodes::stat(inner, to).await.is_ok()
}

#[cfg(test)]
mod tests;
