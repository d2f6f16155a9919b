//! Links: from a node to the node that it finally stands for, and from a path that leads through some to one that does not.
//!
//! The standard has a service refuse such a path (`LinkFound`, VOSpace 2.1 §5); one finds nothing there (pyvospace, observed);
//! those of CADC follow it.

use crate::ErrorKind;
use crate::client::Client;
use crate::node::{Node, NodeKind};
use crate::uri::VosUri;

use super::{BulkError, Place};

/// Links followed before the chain is called a circle; Vault and Cavern stop at 21 (observed).
const MAX_LINKS: usize = 20;

/// The node that `node` stands for: itself, or what its chain of links ends at.
pub async fn follow(client: &Client, node: Node) -> Result<Node, BulkError> {
    let start = node.uri.clone();
    let mut node = node;
    for _ in 0..MAX_LINKS {
        let NodeKind::Link { target } = &node.kind else { return Ok(node) };
        let uri = VosUri::from_wire(target)
            .map_err(|_| BulkError::ExternalLink { link: node.uri.clone(), target: target.clone() })?;
        node = client.stat(&uri).await.map_err(|error| BulkError::remote(&uri, error))?;
    }
    Err(BulkError::LinkLoop(Place::Remote(start)))
}

/// The path of the same node on which no link stands, where one stands on this one; else none.
///
/// # Errors
/// What keeps a node on the way from being read, and links that lead out of VOSpace or round in a circle.
pub async fn around_links(client: &Client, uri: &VosUri) -> Result<Option<VosUri>, BulkError> {
    let mut path = uri.clone();
    for _ in 0..MAX_LINKS {
        let Some(node) = nearest_above(client, &path).await? else { break };
        if !matches!(node.kind, NodeKind::Link { .. }) {
            break;
        }
        let below = path.path()[node.uri.path().len()..].to_owned();
        path = follow(client, node).await?.uri.join(&below);
    }
    Ok((path != *uri).then_some(path))
}

/// The nearest node above this one that the service shows; none below its root.
async fn nearest_above(client: &Client, uri: &VosUri) -> Result<Option<Node>, BulkError> {
    let mut above = uri.parent();
    while let Some(at) = above.filter(|at| !at.is_root()) {
        match client.stat(&at).await {
            Ok(node) => return Ok(Some(node)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::LinkInPath) => above = at.parent(),
            Err(error) => return Err(BulkError::remote(&at, error)),
        }
    }
    Ok(None)
}
