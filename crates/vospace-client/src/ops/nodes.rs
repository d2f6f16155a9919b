//! One node: made, changed.
//!
//! Making is not repeated blindly when the answer was lost: the node is asked for, and what is found decides whether it was
//! done. Nor is an answer believed that says it was: a service that cut the name shows another node's, and one that did
//! not understand a document has dropped its properties without a word.

mod lost;

use std::sync::Arc;

use reqwest::Method;

use self::lost::{is_right, lost};
use super::probe::takes_direct_put;
use super::stat::{stat, to_node};
use crate::dialect::{Dialect, NamesInDocuments, Namespace};
use crate::http::{Grant, Outcome, Repeat, Request, nonsense};
use crate::inner::Inner;
use crate::node::{Node, NodeKind, Properties, Property, property};
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

/// The document of a request that makes or changes a node, as the service wants it.
pub(super) fn document(service: &Service, uri: &VosUri, kind: &NodeKind, properties: &Properties) -> Result<String> {
    let dialect = service.dialect();
    Ok(write::request_node(dialect.namespace.uri(), &dialect.node_uri(uri)?, kind, properties))
}

pub(crate) async fn create(inner: &Arc<Inner>, uri: &VosUri, kind: &NodeKind, properties: &Properties) -> Result<Node> {
    let service = inner.service(uri).await?;
    let mut sent = written(&service.dialect(), properties);
    NEVER_SENT.iter().for_each(|uri| drop(sent.remove(uri)));
    let document = document(&service, uri, kind, &sent)?;
    let request = Request::new(Method::PUT, service.node(uri)?, Grant::Caller).xml(document);
    let mut doubt = false;
    for round in 1.. {
        let failure = match inner.http.fetch(&request).await {
            Ok(answer) if !answer.status.is_success() => {
                return Err(nonsense(&answer.url, format!("it answered {} to a new node", answer.status)));
            }
            // Cavern's answer has neither date nor length, and some services answer nothing, or half of it.
            Ok(answer) => {
                let node = match read::read_node(&answer.body) {
                    Ok(made) if made.uri.name() != uri.name() => return Err(another(uri, &made.uri)),
                    Ok(_) => to_node(&service, uri, &answer)?,
                    Err(_) => stat(inner, uri).await?,
                };
                inner.note_meant(uri);
                return match lost(&sent, &node.properties) {
                    None => Ok(node),
                    Some(_) => update(inner, &service, uri, kind, &sent).await,
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

/// Makes the file whose name is the first that services write in two ways: its document shows which of them this one means
/// in a transfer too, where the other would be the name of another file (pyvospace, observed: `é` becomes `%C3%A9`). Those
/// with capabilities were seen to read both. Whether a file was made.
pub(crate) async fn show_names(inner: &Arc<Inner>, service: &Service, uri: &VosUri) -> Result<bool> {
    let known = || service.dialect().names_in_documents != NamesInDocuments::Unknown;
    if uri.path().is_ascii() || !service.is_fixed() || known() {
        return Ok(false);
    }
    match create(inner, uri, &NodeKind::Data { busy: false }, &Properties::new()).await {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => stat(inner, uri).await.map(|_| false),
        // One that reads it in neither way tells so of the transfer, too.
        Err(error) if matches!(error.kind(), ErrorKind::BadRequest | ErrorKind::Unsupported) => Ok(false),
        Err(error) => Err(error),
    }
}

/// A service that made a node of another name has cut or decoded the one that it was given. What it made is left alone: it
/// may have been there.
fn another(asked: &VosUri, made: &VosUri) -> Error {
    let text = format!("the service made '{}' of it, and so does not take this name", made.name());
    Error::node(ErrorKind::InvalidName, asked, text)
}

fn is_same_kind(a: &NodeKind, b: &NodeKind) -> bool {
    match (a, b) {
        (NodeKind::Container, NodeKind::Container) | (NodeKind::Data { .. }, NodeKind::Data { .. }) => true,
        (NodeKind::Link { target: a }, NodeKind::Link { target: b }) => a == b,
        _ => false,
    }
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
    update(inner, &service, uri, kind, &changes).await
}

/// Sends changes and looks at what became of them: a document in another namespace than the service's is answered as if
/// nothing had been asked (pyvospace, observed). Then it is sent in the other, which is used from then on if that works.
async fn update(
    inner: &Arc<Inner>,
    service: &Service,
    uri: &VosUri,
    kind: &NodeKind,
    changes: &Properties,
) -> Result<Node> {
    if service.dialect().namespace == Namespace::Unknown {
        // Any document of the service shows it.
        stat(inner, uri).await?;
    }
    let mut node = post(inner, service, uri, kind, changes).await?;
    if lost(changes, &node.properties).is_some() {
        // An answer may show less than the node.
        node = stat(inner, uri).await?;
    }
    let Some(key) = lost(changes, &node.properties) else { return Ok(node) };
    let before = service.dialect().namespace;
    let other = before.other();
    service.learn(|dialect| dialect.namespace = other);
    // A forced one stays.
    if service.dialect().namespace == other
        && let Ok(node) = post(inner, service, uri, kind, changes).await
        && lost(changes, &node.properties).is_none()
    {
        let id = service.resource_id();
        tracing::warn!(
            "{id} dropped properties of a document in the namespace {}; from now on it gets {}",
            before.uri(),
            other.uri()
        );
        return Ok(node);
    }
    service.learn(|dialect| dialect.namespace = before);
    let text = format!("the service took the change of {key} and did not make it");
    let kind = if is_right(key) { ErrorKind::Unsupported } else { ErrorKind::Protocol };
    Err(Error::node(kind, uri, text))
}

async fn post(
    inner: &Arc<Inner>,
    service: &Service,
    uri: &VosUri,
    kind: &NodeKind,
    changes: &Properties,
) -> Result<Node> {
    let document = document(service, uri, kind, changes)?;
    // Setting the same values twice changes nothing more.
    let request = Request::new(Method::POST, service.node(uri)?, Grant::Caller).xml(document).repeat(Repeat::Freely);
    let answer = inner.http.fetch(&request).await?;
    if !answer.status.is_success() {
        return Err(nonsense(&answer.url, format!("it answered {} to a change of properties", answer.status)));
    }
    match to_node(service, uri, &answer) {
        Ok(node) if is_whole(&node, changes) => Ok(node),
        _ => stat(inner, uri).await,
    }
}

/// Whether an answer to a change shows the node, and not only the change (pyvospace and Astro Data Lab, observed). No
/// node has nothing but what a user just changed.
fn is_whole(node: &Node, changes: &Properties) -> bool {
    node.properties.iter().any(|(uri, _)| changes.property(uri).is_none())
}

/// The properties with lists of groups as the service separates them.
fn written(dialect: &Dialect, properties: &Properties) -> Properties {
    let mut written = properties.clone();
    for uri in [property::GROUP_READ, property::GROUP_WRITE] {
        if let Some(list) = properties.get(uri) {
            written.set(uri, dialect.groups(list));
        }
    }
    written
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
    let changes = written(&service.dialect(), &harmless(changes));
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
mod tests;
