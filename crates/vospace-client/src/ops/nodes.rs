//! One node: read, make, change, delete.
//!
//! Making and deleting are not repeated blindly when the answer was lost: the node is asked for, and what is found
//! decides whether it was done.

use std::sync::Arc;

use reqwest::Method;
use reqwest::header::DATE;

use super::probe::takes_direct_put;
use crate::http::{Answer, Grant, Outcome, Repeat, Request, parse_http_date};
use crate::inner::Inner;
use crate::node::{Node, NodeKind, Properties, Property, Timestamp, property};
use crate::service::Service;
use crate::uri::VosUri;
use crate::xml::{read, write};
use crate::{Error, ErrorKind, Result};

/// How often something is sent whose answer gets lost each time.
const ROUNDS: u32 = 3;

/// Bytes that the properties of a node may take on a service which keeps them in its file system. Cavern *deletes the
/// file* when they do not fit; ext4 holds about 3.9 kB per file, access lists and what others keep there included.
const FILE_SYSTEM_LIMIT: usize = 3300;
/// What ext4 adds to each: its header, and padding of name and value.
const FILE_SYSTEM_HEADER: usize = 24;
/// Bytes of one property's URI there: the name of an extended attribute, less its `user.` prefix.
const FILE_SYSTEM_KEY_LIMIT: usize = 250;

/// Computed by services. Echoing them does harm on Cavern: it erases the MD5 and stores `readable` for everybody.
const NEVER_SENT: [&str; 7] = [
    property::MD5,
    property::LENGTH,
    property::DATE,
    property::CONTENT_DATE,
    property::AVAILABLE_SPACE,
    property::READABLE,
    property::WRITABLE,
];

/// What such a service makes of modes, owners, times and quotas, and keeps in no attribute.
const NOT_KEPT_APART: [&str; 12] = [
    property::LENGTH,
    property::DATE,
    property::CONTENT_DATE,
    property::AVAILABLE_SPACE,
    property::READABLE,
    property::WRITABLE,
    property::CREATOR,
    property::QUOTA,
    property::IS_PUBLIC,
    property::GROUP_READ,
    property::GROUP_WRITE,
    property::INHERIT_PERMISSIONS,
];

pub(crate) async fn stat(inner: &Arc<Inner>, uri: &VosUri) -> Result<Node> {
    Ok(stat_with_time(inner, uri).await?.0)
}

/// A node, and what time it was for the service when it answered, to the second, if it says.
pub(crate) async fn stat_with_time(inner: &Arc<Inner>, uri: &VosUri) -> Result<(Node, Option<Timestamp>)> {
    let service = inner.service(uri).await?;
    let mut url = service.node(uri)?;
    url.query_pairs_mut().append_pair("limit", "0");
    let answer = inner.http.fetch_following(&Request::get(url, Grant::Caller)).await?;
    let time = answer.headers.get(DATE).and_then(|text| parse_http_date(text.to_str().ok()?));
    Ok((to_node(uri, &answer)?, time))
}

/// A node with what the service computes for this caller besides what it stores.
pub(crate) async fn stat_in_full(inner: &Arc<Inner>, uri: &VosUri) -> Result<Node> {
    let mut url = inner.service(uri).await?.node(uri)?;
    url.query_pairs_mut().append_pair("limit", "0").append_pair("detail", "max");
    to_node(uri, &inner.http.fetch_following(&Request::get(url, Grant::Caller)).await?)
}

/// The node of an answer, under the URI that was asked for: the path may have led through a link, or the service may
/// call itself by another name.
fn to_node(uri: &VosUri, answer: &Answer) -> Result<Node> {
    let node = read::read_node(&answer.body).map_err(|error| broken(uri, &error))?;
    Ok(Node { uri: uri.clone(), ..node })
}

pub(super) fn broken(uri: &VosUri, error: &crate::xml::XmlError) -> Error {
    let kind = match error {
        crate::xml::XmlError::Io(_) => ErrorKind::Unreachable,
        _ => ErrorKind::Protocol,
    };
    Error::node(kind, uri, error.to_string())
}

pub(crate) async fn create(inner: &Arc<Inner>, uri: &VosUri, kind: &NodeKind, properties: &Properties) -> Result<Node> {
    let service = inner.service(uri).await?;
    let mut sent = properties.clone();
    NEVER_SENT.iter().for_each(|uri| drop(sent.remove(uri)));
    let document = write::request_node(uri, kind, &sent)?;
    let request = Request::new(Method::PUT, service.node(uri)?, Grant::Caller).xml(document);
    let mut doubt = false;
    for round in 1.. {
        let failure = match inner.http.fetch(&request).await {
            // Cavern's answer has neither date nor length, and some services answer nothing.
            Ok(answer) => {
                inner.note_meant(uri);
                return match to_node(uri, &answer) {
                    Ok(node) => Ok(node),
                    Err(_) => stat(inner, uri).await,
                };
            }
            Err(failure) => failure,
        };
        let unknown = failure.outcome == Outcome::Unknown;
        if unknown || (doubt && failure.kind() == ErrorKind::AlreadyExists) {
            match stat(inner, uri).await {
                Ok(node) if is_same_kind(&node.kind, kind) => {
                    inner.note_meant(uri);
                    return Ok(node);
                }
                Ok(_) => return Err(failure.into()),
                Err(error) if error.kind() == ErrorKind::NotFound && unknown && round < ROUNDS => {}
                Err(_) => return Err(failure.into()),
            }
            doubt = true;
            inner.http.pause(round).await;
            continue;
        }
        return Err(failure.into());
    }
    unreachable!("the loop ends by returning")
}

fn is_same_kind(a: &NodeKind, b: &NodeKind) -> bool {
    match (a, b) {
        (NodeKind::Container, NodeKind::Container) | (NodeKind::Data { .. }, NodeKind::Data { .. }) => true,
        (NodeKind::Link { target: a }, NodeKind::Link { target: b }) => a == b,
        _ => false,
    }
}

pub(crate) async fn delete(inner: &Arc<Inner>, uri: &VosUri) -> Result<()> {
    if uri.is_root() {
        return Err(Error::node(ErrorKind::BadRequest, uri, "the root container cannot be deleted"));
    }
    let service = inner.service(uri).await?;
    let request = Request::new(Method::DELETE, service.node(uri)?, Grant::Caller);
    let mut doubt = false;
    for round in 1.. {
        let failure = match inner.http.fetch(&request).await {
            Ok(_) => return Ok(()),
            Err(failure) if doubt && failure.kind() == ErrorKind::NotFound => return Ok(()),
            Err(failure) => failure,
        };
        if failure.outcome != Outcome::Unknown || round == ROUNDS {
            return Err(failure.into());
        }
        match stat(inner, uri).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(_) => return Err(failure.into()),
            Ok(_) => {}
        }
        doubt = true;
        inner.http.pause(round).await;
    }
    unreachable!("the loop ends by returning")
}

pub(crate) async fn set_properties(
    inner: &Arc<Inner>,
    uri: &VosUri,
    kind: &NodeKind,
    changes: &Properties,
) -> Result<Node> {
    let service = inner.service(uri).await?;
    let changes = sendable(inner, &service, uri, changes).await?;
    if changes.is_empty() {
        // An update without changes still changes the date on Vault.
        return stat(inner, uri).await;
    }
    let adds = |uri: &str, property: &Property| property.value.is_some() && !NOT_KEPT_APART.contains(&uri);
    if changes.iter().any(|(uri, property)| adds(uri, property)) && takes_direct_put(inner, &service, uri).await? {
        check_size(uri, &merged(stat(inner, uri).await?.properties, &changes))?;
    }
    let document = write::request_node(uri, kind, &changes)?;
    // Setting the same values twice changes nothing more.
    let request = Request::new(Method::POST, service.node(uri)?, Grant::Caller).xml(document).repeat(Repeat::Freely);
    let answer = inner.http.fetch(&request).await?;
    match to_node(uri, &answer) {
        Ok(node) => Ok(node),
        Err(_) => stat(inner, uri).await,
    }
}

/// The changes as they may be sent to this service.
///
/// # Errors
/// `TooLarge` where they could cost the file.
pub(super) async fn sendable(
    inner: &Arc<Inner>,
    service: &Service,
    uri: &VosUri,
    changes: &Properties,
) -> Result<Properties> {
    let changes = harmless(changes);
    // A service that takes bytes at the path keeps its nodes in a file system.
    if let Err(error) = check_size(uri, &changes)
        && takes_direct_put(inner, service, uri).await?
    {
        return Err(error);
    }
    Ok(changes)
}

/// The changes without what must never be sent. Cavern ignores the deletion of its two flags, so they are set to false
/// instead, which is the same.
fn harmless(changes: &Properties) -> Properties {
    let mut sent = Properties::new();
    for (uri, property) in changes.iter().filter(|(uri, _)| !NEVER_SENT.contains(uri)) {
        match &property.value {
            Some(value) => sent.set(uri.to_owned(), value.clone()),
            None if uri == property::IS_PUBLIC || uri == property::INHERIT_PERMISSIONS => {
                sent.set(uri.to_owned(), "false")
            }
            None => sent.set_nil(uri.to_owned()),
        }
    }
    sent
}

/// What a node with the properties `there` will keep beside its bytes after `changes`.
fn merged(there: Properties, changes: &Properties) -> Properties {
    let mut all = Properties::new();
    for (uri, property) in there.iter().chain(changes.iter()).filter(|(uri, _)| !NOT_KEPT_APART.contains(uri)) {
        match &property.value {
            Some(value) => all.set(uri.to_owned(), value.clone()),
            None => drop(all.remove(uri)),
        }
    }
    all
}

fn check_size(uri: &VosUri, changes: &Properties) -> Result<()> {
    let refuse = |text: String| Err(Error::node(ErrorKind::TooLarge, uri, text));
    let mut total = 0;
    for (key, property) in changes.iter() {
        if key.len() > FILE_SYSTEM_KEY_LIMIT {
            return refuse(format!("the name of a property is longer than {FILE_SYSTEM_KEY_LIMIT} bytes"));
        }
        total += FILE_SYSTEM_HEADER + key.len() + property.value.as_ref().map_or(0, String::len);
    }
    if total > FILE_SYSTEM_LIMIT {
        return refuse(format!(
            "{total} bytes of properties; a service that keeps them in its file system may lose the file"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn computed_properties_are_never_sent_and_flags_never_deleted() {
        let mut changes = Properties::new();
        changes.set(property::MD5, "x");
        changes.set(property::READABLE, "true");
        changes.set(property::TITLE, "t");
        changes.set_nil(property::IS_PUBLIC);
        changes.set_nil(property::GROUP_READ);
        let sent = harmless(&changes);
        assert_eq!(sent.len(), 3);
        assert_eq!((sent.get(property::TITLE), sent.get(property::IS_PUBLIC)), (Some("t"), Some("false")));
        assert_eq!(sent.property(property::GROUP_READ).unwrap().value, None);
    }

    #[test]
    fn what_could_cost_the_file_is_refused() {
        let uri = VosUri::new("a~b", "/f");
        let mut changes = Properties::new();
        changes.set("custom:a", "x".repeat(2000));
        assert!(check_size(&uri, &changes).is_ok());
        changes.set("custom:b", "x".repeat(1300));
        assert_eq!(check_size(&uri, &changes).unwrap_err().kind(), ErrorKind::TooLarge);
        let mut changes = Properties::new();
        changes.set("k".repeat(300), "x");
        assert!(check_size(&uri, &changes).is_err());
    }

    #[test]
    fn what_a_node_has_counts_with_what_it_gets() {
        let mut there = Properties::new();
        there.set("custom:a", "x".repeat(3000));
        there.set(property::GROUP_READ, "g".repeat(3000));
        let mut changes = Properties::new();
        changes.set("custom:b", "x".repeat(400));
        assert!(check_size(&VosUri::new("a~b", "/f"), &merged(there.clone(), &changes)).is_err());
        changes.set_nil("custom:a");
        assert!(check_size(&VosUri::new("a~b", "/f"), &merged(there, &changes)).is_ok());
    }
}
