//! One file from a place in VOSpace to another, through this machine and not onto its disk.
//!
//! The bytes are digested as they pass; the digest must be that of the source and of what the target stored. When a part
//! has to be sent again, it is read again.

use std::sync::Arc;

use bytes::Bytes;

use crate::client::Client;
use crate::transfer::from_node::FromNode;
use crate::transfer::spool::Spool;
use crate::transfer::{PutOptions, UploadSource};
use crate::uri::VosUri;
use crate::view::View;

use super::run::{Outcome, confirmed};
use super::standing::file_at;
use super::watch::Meter;
use super::{BulkError, Compare, Facts, Known, Options, Place};

/// Copies `from`, or a part of it, to `to`.
#[allow(clippy::too_many_arguments, reason = "what a task holds, and how it is done")]
pub(super) async fn relay(
    client: &Client,
    from: &VosUri,
    to: &VosUri,
    view: Option<&View>,
    listed: &Facts,
    known: Known,
    options: &Options,
    meter: &Meter,
) -> Result<Outcome, BulkError> {
    if let Known::Listed(there) = &known
        && matches!(options.compare, Compare::Listings | Compare::Times)
        && view.is_none()
        && listed.is_copied(there, options.compare)
    {
        return Ok(Outcome::Unchanged);
    }
    // Lengths and digests of a listing may be old.
    let facts = Facts::from(&client.stat(from).await.map_err(|error| BulkError::remote(from, error))?);
    let mut to = to.clone();
    let standing = file_at(client, &to, known).await?;
    let new = standing.is_none();
    if let Some(node) = standing {
        if node.uri == *from {
            return Err(BulkError::Itself(Place::Remote(node.uri)));
        }
        if view.is_none() && facts.is_copied(&Facts::from(&node), options.compare) {
            return Ok(Outcome::Unchanged);
        }
        to = node.uri;
        if !confirmed(options, (&to).into()).await {
            return Ok(Outcome::Kept);
        }
    }
    if options.dry_run {
        return Ok(Outcome::Copied(facts.length().filter(|_| view.is_none()).unwrap_or(0)));
    }
    if view.is_none() {
        facts.check_emptied(from)?;
    }
    let (source, md5, identity) = match (view, facts.length()) {
        (None, Some(0)) => (UploadSource::Bytes(Bytes::new()), None, None),
        (None, Some(length)) => {
            let identity = facts.md5().map(|md5| format!("{}\n{md5}\n{length}", from.to_wire()));
            let bytes = FromNode::new(&client.inner, from, length, facts.md5());
            (UploadSource::Supply(Arc::new(bytes)), facts.md5(), identity)
        }
        // Nobody knows how long a part is before it is here, or a file whose node does not tell.
        (view, _) => {
            let opened = match view {
                Some(view) => client.open_view(from, view).await,
                None => client.open_wide(from, 0).await,
            };
            let body = opened.map_err(|error| BulkError::remote(from, error))?.body;
            let spool = Spool::of_stream(body).await;
            let spool = spool.map_err(|error| BulkError::Broken { node: from.clone(), error })?;
            (UploadSource::Supply(Arc::new(spool)), facts.md5().filter(|_| view.is_none()), None)
        }
    };
    meter.started(&Place::Remote(to.clone()), source.length());
    let meter = meter.clone();
    let progress: crate::transfer::Progress = Arc::new(move |bytes| meter.moved(bytes));
    let put = PutOptions { md5, progress: Some(progress), identity, new, ..PutOptions::default() };
    let uploaded = client.put(&to, source, put).await.map_err(|error| BulkError::remote(&to, error))?;
    Ok(Outcome::Copied(uploaded.length))
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use super::*;
    use crate::node::Node;
    use crate::testing::{Reply, Stub, uri};
    use crate::xml::write;

    #[tokio::test]
    async fn a_file_of_unknown_length_is_copied_whole() {
        let stored = Arc::new(Mutex::new(None));
        let held = Arc::clone(&stored);
        let stub = Stub::service(move |seen, _| match (seen.method.as_str(), seen.target.as_str()) {
            ("GET", "/svc/files/a") => Reply::ok("0123"),
            ("PUT", "/svc/files/") => Reply::fault(400, "not a data node"),
            ("PUT", "/svc/files/b") => {
                *held.lock() = Some(seen.body.clone());
                Reply::status(201)
            }
            ("GET", "/svc/nodes/b?limit=0") if held.lock().is_none() => Reply::fault(404, "NodeNotFound"),
            (_, target) if target.starts_with("/svc/nodes/b") => {
                held.lock().get_or_insert_default();
                Reply::ok(write::node(&Node::data(uri("/b")), [].into_iter()))
            }
            _ => Reply::ok(write::node(&Node::data(uri("/a")), [].into_iter())),
        })
        .await;
        let (client, listed) = (stub.client(), Facts::from(&Node::data(uri("/a"))));
        let (options, meter) = (Options::default(), Meter::default());
        let outcome = relay(&client, &uri("/a"), &uri("/b"), None, &listed, Known::Absent, &options, &meter).await;
        assert!(matches!(outcome.unwrap(), Outcome::Copied(4)));
        assert_eq!(stored.lock().as_deref(), Some(&b"0123"[..]));
    }
}
