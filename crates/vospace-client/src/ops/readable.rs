//! Whether an empty listing is one: the CADC services list a container that the caller may not read as empty, with
//! status 200 (Vault and Cavern, observed).
//!
//! They tell `readable` to those who may, and only when all details are asked for. A service that has no such property
//! tells it of nothing; so the container above is asked for as well, which can be read, or nothing below it would have
//! been found.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream;

use super::listing::{self, Fill, NodeStream};
use super::stat;
use crate::inner::Inner;
use crate::node::{Node, property};
use crate::uri::VosUri;
use crate::{Error, ErrorKind, Result};

/// The children of a container; one that is shown without any because the caller may not read it is an error.
pub(crate) fn list(inner: Arc<Inner>, uri: VosUri, fill: Fill) -> NodeStream {
    let children = listing::list(Arc::clone(&inner), uri.clone(), fill);
    let state = (children, Some((inner, uri)));
    stream::unfold(state, |(mut children, empty)| async move {
        match (children.next().await, empty) {
            (Some(item), _) => Some((item, (children, None))),
            (None, Some((inner, uri))) => match check(&inner, &uri).await {
                Ok(()) => None,
                Err(error) => Some((Err(error), (children, None))),
            },
            (None, None) => None,
        }
    })
    .boxed()
}

async fn check(inner: &Arc<Inner>, uri: &VosUri) -> Result<()> {
    let Some(above) = uri.parent() else { return Ok(()) };
    if is_readable(&stat::in_full(inner, uri).await?) {
        return Ok(());
    }
    let above = match stat::in_full(inner, &above).await {
        // A root that the service does not show tells nothing of what is below it.
        Err(error) if error.kind() == ErrorKind::Unsupported => return Ok(()),
        above => above?,
    };
    if is_readable(&above) {
        let text = "you may not read what it holds, and the service shows it as empty";
        return Err(Error::node(ErrorKind::PermissionDenied, uri, text));
    }
    Ok(())
}

/// A user can store a property of this name; the computed one is marked.
fn is_readable(node: &Node) -> bool {
    node.properties
        .property(property::READABLE)
        .is_some_and(|told| told.read_only && told.value.as_deref() == Some("true"))
}
