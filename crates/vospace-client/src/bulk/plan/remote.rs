//! What stands at a place in a VOSpace, for whoever plans a copy to it.

use std::collections::HashMap;

use futures_util::StreamExt as _;

use crate::bulk::{BulkError, follow};
use crate::client::Client;
use crate::error::ErrorKind;
use crate::node::{Node, NodeKind};
use crate::uri::VosUri;

/// What stands at the remote destination, links followed.
pub(super) enum Standing {
    Nothing,
    Container(VosUri),
    Data(VosUri),
}

pub(super) async fn standing(client: &Client, uri: &VosUri) -> Result<Standing, BulkError> {
    let node = match client.stat(uri).await {
        Ok(node) => follow(client, node).await?,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Standing::Nothing),
        Err(error) => return Err(BulkError::remote(uri, error)),
    };
    Ok(if node.kind == NodeKind::Container { Standing::Container(node.uri) } else { Standing::Data(node.uri) })
}

/// What a container holds, by name.
pub(super) async fn children(client: &Client, uri: &VosUri) -> Result<HashMap<String, Node>, BulkError> {
    let mut children = HashMap::new();
    let mut listing = client.list(uri);
    while let Some(child) = listing.next().await {
        let child = child.map_err(|error| BulkError::remote(uri, error))?;
        children.insert(child.uri.name().to_owned(), child);
    }
    Ok(children)
}
