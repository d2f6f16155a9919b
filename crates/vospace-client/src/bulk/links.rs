//! Links: from a node to the node that it finally stands for.

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
