//! What stands at a place in a VOSpace, links followed. A listing may be old when a file's turn comes: it is asked for.

use crate::client::Client;
use crate::error::ErrorKind;
use crate::node::Node;
use crate::uri::VosUri;

use super::{BulkError, Known, Place, follow};

/// The node at `uri`; none where nothing is.
pub(super) async fn node_at(client: &Client, uri: &VosUri) -> Result<Option<Node>, BulkError> {
    match client.stat(uri).await {
        Ok(node) => Ok(Some(follow(client, node).await?)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(BulkError::remote(uri, error)),
    }
}

/// The file that stands where one is to go; none where nothing is, or is known to be.
pub(super) async fn file_at(client: &Client, to: &VosUri, known: Known) -> Result<Option<Node>, BulkError> {
    if known == Known::Absent {
        return Ok(None);
    }
    match node_at(client, to).await? {
        Some(node) if node.is_container() => Err(BulkError::TargetIsDirectory(Place::Remote(node.uri))),
        other => Ok(other),
    }
}
