//! One node, read without its children, and what its document tells of the service.
//!
//! `limit=0` leaves the children away. A service that refuses it (pyvospace, observed: 400) is asked with `limit=1`, and of
//! what comes only the beginning is read: a container of any size costs no more. So is one that takes no notice of it and
//! shows all children (Astro Data Lab, observed), from the first large container on: to give up the rest of an answer costs the
//! connection, which small ones are not worth.

use std::sync::Arc;

use reqwest::header::{DATE, HeaderMap};
use reqwest::{StatusCode, Url};

use crate::dialect::{Dialect, Learned, Namespace};
use crate::http::{Answer, Failure, Grant, Outcome, Request, parse_http_date};
use crate::inner::Inner;
use crate::node::{Node, NodeKind, Timestamp};
use crate::service::Service;
use crate::uri::VosUri;
use crate::xml::XmlError;
use crate::xml::read::{self, ListingReader};
use crate::{Error, ErrorKind, Result};

/// The longest answer, in bytes, that a container without children is believed to give: properties are short texts.
const CHILDLESS: usize = 256 << 10;

/// An answer about one node.
pub(super) struct Told {
    pub(super) node: Node,
    /// What time it was for the service, to the second, if it says.
    time: Option<Timestamp>,
    /// The node's URI as it stands in the answer.
    pub(super) written: String,
}

pub(crate) async fn stat(inner: &Arc<Inner>, uri: &VosUri) -> Result<Node> {
    Ok(as_told(inner, uri).await?.node)
}

/// A node, and how the service writes its URI.
pub(super) async fn as_told(inner: &Arc<Inner>, uri: &VosUri) -> Result<Told> {
    let service = inner.service(uri).await?;
    ask(inner, &service, uri, None).await
}

/// Reads the nearest node above `uri` that can be, where nothing was read of a service without capabilities yet: it shows in
/// which namespace documents are to be written, and one in another is refused (pyvospace, observed: a transfer without
/// target). Those with capabilities say by them which one is theirs.
pub(crate) async fn acquaint(inner: &Arc<Inner>, service: &Service, uri: &VosUri) {
    let mut above = uri.parent().filter(|_| service.is_fixed());
    while service.dialect().namespace == Namespace::Unknown
        && let Some(node) = above
    {
        if let Err(error) = stat(inner, &node).await {
            tracing::debug!("{node} does not show how documents are written: {error}");
        }
        above = node.parent();
    }
}

/// A node, and what time it was for the service when it answered, to the second, if it says.
pub(crate) async fn with_time(inner: &Arc<Inner>, uri: &VosUri) -> Result<(Node, Option<Timestamp>)> {
    let told = as_told(inner, uri).await?;
    Ok((told.node, told.time))
}

/// A node with what the service computes for this caller besides what it stores.
pub(crate) async fn in_full(inner: &Arc<Inner>, uri: &VosUri) -> Result<Node> {
    let service = inner.service(uri).await?;
    Ok(ask(inner, &service, uri, Some("max")).await?.node)
}

async fn ask(inner: &Arc<Inner>, service: &Service, uri: &VosUri, detail: Option<&str>) -> Result<Told> {
    let mut refused = None;
    if service.dialect().limit_zero != Learned::No {
        match inner.http.fetch_following(&Request::get(url(service, uri, 0, detail)?, Grant::Caller)).await {
            Ok(answer) => {
                let (node, written) = to_node_and_uri(service, uri, &answer)?;
                let ignored = matches!(node.kind, NodeKind::Container) && answer.body.len() > CHILDLESS;
                service.learn(|dialect| {
                    dialect.limit_zero = (!ignored).into();
                    note_single(dialect, &node);
                });
                return Ok(Told { node, time: clock(&answer.headers), written });
            }
            Err(failure)
                if failure.status == Some(StatusCode::BAD_REQUEST) || failure.outcome == Outcome::Oversized =>
            {
                refused = Some(failure);
            }
            Err(failure) => return Err(at_root(service, uri, failure)),
        }
    }
    match beginning(inner, service, uri, detail).await {
        Ok(found) => {
            service.learn(|dialect| {
                if refused.is_some() {
                    dialect.limit_zero = Learned::No;
                }
                note_single(dialect, &found.node);
            });
            Ok(found)
        }
        // Refused both ways, it was not for the limit: for a link on the way, say (`LinkFound`).
        Err(error)
            if matches!(error.kind(), ErrorKind::BadRequest | ErrorKind::InvalidName)
                || refused.as_ref().is_some_and(|refused| refused.kind() == error.kind()) =>
        {
            Err(refused.map_or(error, Error::from))
        }
        Err(error) => {
            if refused.is_some() {
                service.learn(|dialect| dialect.limit_zero = Learned::No);
            }
            Err(error)
        }
    }
}

fn url(service: &Service, uri: &VosUri, limit: usize, detail: Option<&str>) -> Result<Url> {
    let mut url = service.node(uri)?;
    let mut query = url.query_pairs_mut();
    query.append_pair("limit", &limit.to_string());
    if let Some(detail) = detail {
        query.append_pair("detail", detail);
    }
    drop(query);
    Ok(url)
}

/// Reads a node up to its first child.
async fn beginning(inner: &Arc<Inner>, service: &Service, uri: &VosUri, detail: Option<&str>) -> Result<Told> {
    let request = Request::get(url(service, uri, 1, detail)?, Grant::Caller);
    let response = inner.http.begin(&request).await.map_err(|failure| at_root(service, uri, failure))?;
    let time = clock(&response.headers);
    let mut reader = ListingReader::new(response.reader());
    let node = reader.container().await.map_err(|error| broken(uri, &error))?;
    service.note_node(&node, reader.manner());
    Ok(Told { node: Node { uri: uri.clone(), ..node }, time, written: reader.manner().uri.clone() })
}

fn clock(headers: &HeaderMap) -> Option<Timestamp> {
    parse_http_date(headers.get(DATE)?.to_str().ok()?)
}

/// What a node that is asked for by itself shows: all that the service keeps of it.
fn note_single(dialect: &mut Dialect, node: &Node) {
    // One that has it counts more than one that lacks it: a file may have come another way than through the service.
    let note = |known: &mut Learned, has: bool| {
        if has {
            *known = Learned::Yes;
        } else if *known == Learned::Unknown {
            *known = Learned::No;
        }
    };
    if matches!(node.kind, NodeKind::Data { .. }) && node.properties.length().is_some_and(|length| length > 0) {
        note(&mut dialect.digests, node.properties.md5().is_some());
        note(&mut dialect.dates, node.properties.date().is_some());
    }
    if node.uri.is_root() {
        dialect.root = Learned::Yes;
    }
}

/// The failure of a request for a node; a service may answer 500 for its root and only for that (Astro Data Lab,
/// observed), which repeating does not change.
pub(super) fn at_root(service: &Service, uri: &VosUri, failure: Failure) -> Error {
    let dialect = service.dialect();
    // It has answered for another node, and so is not down; or it is known to be so.
    let lives = dialect.namespace != Namespace::Unknown || dialect.root == Learned::No;
    if uri.is_root()
        && failure.status == Some(StatusCode::INTERNAL_SERVER_ERROR)
        && dialect.root != Learned::Yes
        && lives
    {
        service.learn(|dialect| dialect.root = Learned::No);
        return rootless(uri);
    }
    failure.into()
}

/// The error of a service that does not show its root.
pub(super) fn rootless(uri: &VosUri) -> Error {
    Error::node(
        ErrorKind::Unsupported,
        uri,
        "the service does not show its root; name a container below it, such as yours",
    )
}

/// The node of an answer, under the URI that was asked for: the path may have led through a link, or the service may
/// call itself by another name.
pub(super) fn to_node(service: &Service, uri: &VosUri, answer: &Answer) -> Result<Node> {
    Ok(to_node_and_uri(service, uri, answer)?.0)
}

fn to_node_and_uri(service: &Service, uri: &VosUri, answer: &Answer) -> Result<(Node, String)> {
    let (node, manner) = read::read_node_and_manner(&answer.body).map_err(|error| broken(uri, &error))?;
    service.note_node(&node, &manner);
    Ok((Node { uri: uri.clone(), ..node }, manner.uri))
}

pub(super) fn broken(uri: &VosUri, error: &XmlError) -> Error {
    let kind = match error {
        XmlError::Io(_) => ErrorKind::Unreachable,
        _ => ErrorKind::Protocol,
    };
    Error::node(kind, uri, error.to_string())
}

#[cfg(test)]
mod tests;
