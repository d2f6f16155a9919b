//! Nodes are deleted: one, an empty container, or a whole tree.
//!
//! By the standard DELETE takes a container with all that is in it (VOSpace 2.1 §3.2.6); the CADC services refuse where
//! anything is in it. So a container that is to be empty is looked into first, unless the service was seen to refuse, and
//! a tree is deleted by the service's own job, or from its leaves up.
//!
//! Deleting is not repeated blindly when the answer was lost: the node is asked for, and what is found decides.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::Method;

use super::jobs::{self, JobCounts};
use super::listing::{self, Fill};
use super::stat;
use crate::dialect::Learned;
use crate::http::{Grant, Outcome, Request, nonsense};
use crate::inner::Inner;
use crate::node::Node;
use crate::uri::VosUri;
use crate::{Error, ErrorKind, Result};

/// How often something is sent whose answer gets lost each time.
const ROUNDS: u32 = 3;
/// Nodes of a container that are deleted at a time.
const AT_ONCE: usize = 8;

/// Deletes a file or a link, or a container with whatever the service takes with it: see [`empty_container`].
pub(crate) async fn delete(inner: &Arc<Inner>, uri: &VosUri) -> Result<()> {
    if uri.is_root() {
        return Err(Error::node(ErrorKind::BadRequest, uri, "the root container cannot be deleted"));
    }
    let service = inner.service(uri).await?;
    let request = Request::new(Method::DELETE, service.node(uri)?, Grant::Caller);
    let mut doubt = false;
    for round in 1.. {
        let failure = match inner.http.fetch(&request).await {
            Ok(answer) if answer.status.is_success() => return Ok(()),
            Ok(answer) => return Err(nonsense(&answer.url, format!("it answered {} to a deletion", answer.status))),
            Err(failure) if doubt && failure.kind() == ErrorKind::NotFound => return Ok(()),
            Err(failure) => failure,
        };
        if failure.kind() == ErrorKind::NotEmpty {
            service.learn(|dialect| dialect.deletes_trees = Learned::No);
        }
        if failure.outcome != Outcome::Unknown || round == ROUNDS {
            return Err(failure.into());
        }
        match stat::stat(inner, uri).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(_) => return Err(failure.into()),
            Ok(_) => {}
        }
        doubt = true;
        inner.http.pause(round).await;
    }
    unreachable!("the loop ends by returning")
}

/// Deletes a container in which nothing is.
pub(crate) async fn empty_container(inner: &Arc<Inner>, uri: &VosUri) -> Result<()> {
    let service = inner.service(uri).await?;
    if service.dialect().deletes_trees != Learned::No && listing::has_children(inner, &service, uri).await? {
        return Err(Error::node(ErrorKind::NotEmpty, uri, "something is in it"));
    }
    delete(inner, uri).await
}

/// Deletes a container and all below it.
pub(crate) async fn tree(inner: &Arc<Inner>, uri: &VosUri) -> Result<JobCounts> {
    if uri.is_root() {
        return Err(Error::node(ErrorKind::BadRequest, uri, "the root container cannot be deleted"));
    }
    if !stat::stat(inner, uri).await?.is_container() {
        return Err(Error::node(ErrorKind::NotAContainer, uri, "only containers are deleted with all they contain"));
    }
    let service = inner.service(uri).await?;
    match service.recursive_delete() {
        Some(url) => jobs::delete_tree(inner, &service, uri, url).await,
        None => Ok(from_the_leaves(Arc::clone(inner), uri.clone()).await),
    }
}

/// Deletes a container after everything in it. What cannot be deleted is counted, and so is every container above it.
fn from_the_leaves(inner: Arc<Inner>, uri: VosUri) -> Pin<Box<dyn Future<Output = JobCounts> + Send>> {
    Box::pin(async move {
        let none = JobCounts { succeeded: 0, failed: 0 };
        let children: Vec<Node> = match listing::list(Arc::clone(&inner), uri.clone(), Fill::Never).try_collect().await
        {
            Ok(children) => children,
            Err(error) => {
                tracing::warn!("{uri} is not deleted: {error}");
                return JobCounts { failed: 1, ..none };
            }
        };
        let mut below = stream::iter(children)
            .map(|child| {
                let inner = Arc::clone(&inner);
                async move {
                    if child.is_container() {
                        return from_the_leaves(inner, child.uri).await;
                    }
                    counted(&child.uri, delete(&inner, &child.uri).await)
                }
            })
            .buffer_unordered(AT_ONCE);
        let mut all = none;
        while let Some(part) = below.next().await {
            all = JobCounts { succeeded: all.succeeded + part.succeeded, failed: all.failed + part.failed };
        }
        // A container that still holds something would take it along on some services.
        let own = if all.failed > 0 {
            JobCounts { failed: 1, ..none }
        } else {
            counted(&uri, empty_container(&inner, &uri).await)
        };
        JobCounts { succeeded: all.succeeded + own.succeeded, failed: all.failed + own.failed }
    })
}

fn counted(uri: &VosUri, deleted: Result<()>) -> JobCounts {
    match deleted {
        Ok(()) => JobCounts { succeeded: 1, failed: 0 },
        // Somebody else was quicker.
        Err(error) if error.kind() == ErrorKind::NotFound => JobCounts { succeeded: 1, failed: 0 },
        Err(error) => {
            tracing::warn!("{uri} is not deleted: {error}");
            JobCounts { succeeded: 0, failed: 1 }
        }
    }
}

#[cfg(test)]
mod tests;
