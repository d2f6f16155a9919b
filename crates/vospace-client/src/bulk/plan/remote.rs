//! What stands at a place in a VOSpace, for whoever plans a copy to it.

use std::collections::{HashMap, HashSet};

use futures_util::StreamExt as _;

use crate::bulk::standing::node_at;
use crate::bulk::{BulkError, Known, Options, Place};
use crate::client::Client;
use crate::dialect::Learned;
use crate::error::ErrorKind;
use crate::node::Node;
use crate::uri::VosUri;

/// What stands at the remote destination, links followed.
pub(super) enum Standing {
    Nothing,
    Container(VosUri),
    Data(VosUri),
}

pub(super) async fn standing(client: &Client, uri: &VosUri) -> Result<Standing, BulkError> {
    Ok(match node_at(client, uri).await? {
        None => Standing::Nothing,
        Some(node) if node.is_container() => Standing::Container(node.uri),
        Some(node) => Standing::Data(node.uri),
    })
}

/// The same of the destination of so many `sources`; an error where they cannot go there. `directory`: it was written as
/// one, with a slash at its end.
pub(super) async fn destination(
    client: &Client,
    uri: &VosUri,
    directory: bool,
    sources: usize,
) -> Result<Standing, BulkError> {
    let standing = standing(client, uri).await?;
    if directory && matches!(standing, Standing::Nothing) {
        return Err(BulkError::NoSuchDirectory(Place::Remote(uri.clone())));
    }
    if !matches!(standing, Standing::Container(_)) && (sources > 1 || directory) {
        return Err(BulkError::NeedsDirectory(Place::Remote(uri.clone())));
    }
    Ok(standing)
}

/// What a container holds.
#[derive(Debug)]
pub(super) struct Children {
    by_name: HashMap<String, Node>,
    /// What is known of a name that is not among them.
    pub(super) absent: Known,
}

impl Children {
    /// Those of a container that is not there yet.
    pub(super) fn none() -> Self {
        Children { by_name: HashMap::new(), absent: Known::Absent }
    }

    /// Those that a listing shows; none where there is no such container.
    ///
    /// What it lacks is certain where its end was proved, which takes a service with pages. Others end a listing as if it
    /// were whole when it breaks off (Cavern, observed): a name that it lacks is asked for, or files would be sent again
    /// and again, and overwritten without a question to the user. Of an empty one nothing can be proved; it is taken at its
    /// word unless the user wants to be asked.
    ///
    /// With `wanted` nobody looks at other names: where all of them were shown, the end need not be waited for.
    pub(super) async fn list(
        client: &Client,
        uri: &VosUri,
        wanted: Option<&HashSet<String>>,
        options: &Options,
    ) -> Result<Option<Self>, BulkError> {
        let mut by_name = HashMap::new();
        let mut left = wanted.map_or(usize::MAX, HashSet::len);
        let mut listing = client.list(uri);
        while let Some(child) = listing.next().await {
            match child {
                Ok(child) => {
                    let name = child.uri.name().to_owned();
                    left -= usize::from(wanted.is_some_and(|wanted| wanted.contains(&name)));
                    by_name.insert(name, child);
                    if left == 0 {
                        return Ok(Some(Children { by_name, absent: Known::Nothing }));
                    }
                }
                Err(error) if error.kind() == ErrorKind::NotFound && by_name.is_empty() => return Ok(None),
                Err(error) => return Err(BulkError::remote(uri, error)),
            }
        }
        let service = client.service(uri).await.map_err(|error| BulkError::remote(uri, error))?;
        let certain = match by_name.is_empty() {
            true => options.confirm.is_none(),
            false => service.dialect().paging == Learned::Yes,
        };
        Ok(Some(Children { by_name, absent: if certain { Known::Absent } else { Known::Nothing } }))
    }

    /// The child of this name.
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        self.by_name.get(name)
    }

    /// All of them.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.by_name.values()
    }
}
