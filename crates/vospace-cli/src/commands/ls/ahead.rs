//! Listings made before their turn: containers are shown one after the other, and listed several at a time.
//!
//! What comes before its turn is kept, within limits. A container with very many children is listed anew when it is shown,
//! because an answer that nobody reads for long breaks off.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::stream::{self, StreamExt as _};
use tokio::task::JoinHandle;
use vospace_client::client::{Client, NodeStream};
use vospace_client::node::Node;
use vospace_client::uri::VosUri;

/// Children of one container that are kept: a fraction of a second's worth of any service, some megabytes.
const MOST_OF_ONE: usize = 4096;

/// Children of all containers together with which no further listing is begun.
const MOST_OF_ALL: usize = 16_384;

/// See the module.
#[derive(Debug)]
pub(super) struct Ahead {
    client: Client,
    at_once: usize,
    /// None for a container with too many children.
    begun: HashMap<VosUri, JoinHandle<Option<Vec<vospace_client::Result<Node>>>>>,
    kept: Arc<AtomicUsize>,
}

impl Ahead {
    /// With so many listings at a time.
    pub(super) fn new(client: Client, at_once: usize) -> Self {
        Ahead { client, at_once, begun: HashMap::new(), kept: Arc::default() }
    }

    /// Begins with those of `next`, in this order, for which there is room.
    pub(super) fn begin<'a>(&mut self, next: impl Iterator<Item = &'a VosUri>) {
        let under_way = self.begun.values().filter(|listing| !listing.is_finished()).count();
        // One more is being shown.
        let room = self.at_once.saturating_sub(under_way + 1);
        let new: Vec<&VosUri> =
            next.take(self.at_once).filter(|uri| !self.begun.contains_key(uri)).take(room).collect();
        for uri in new {
            if self.kept.load(Ordering::Relaxed) < MOST_OF_ALL {
                let listing = tokio::spawn(whole(self.client.list_readable(uri), Arc::clone(&self.kept)));
                self.begun.insert(uri.clone(), listing);
            }
        }
    }

    /// The children of a container whose turn it is.
    pub(super) async fn children(&mut self, uri: &VosUri) -> NodeStream {
        match self.begun.remove(uri) {
            Some(listing) => match listing.await {
                Ok(Some(children)) => {
                    self.kept.fetch_sub(children.len(), Ordering::Relaxed);
                    stream::iter(children).boxed()
                }
                Ok(None) => self.client.list_readable(uri),
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            },
            None => self.client.list_readable(uri),
        }
    }
}

/// All children, counted, unless there are too many.
async fn whole(mut children: NodeStream, kept: Arc<AtomicUsize>) -> Option<Vec<vospace_client::Result<Node>>> {
    let mut all = Vec::new();
    while let Some(child) = children.next().await {
        all.push(child);
        kept.fetch_add(1, Ordering::Relaxed);
        if all.len() > MOST_OF_ONE {
            kept.fetch_sub(all.len(), Ordering::Relaxed);
            return None;
        }
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(children: usize) -> NodeStream {
        let node = |at: usize| Ok(Node::data(VosUri::new("a~b", &format!("/c/{at}"))));
        stream::iter((0..children).map(node)).boxed()
    }

    #[tokio::test]
    async fn what_is_kept_is_counted_and_bounded() {
        let kept = Arc::new(AtomicUsize::new(0));
        assert_eq!(whole(listing(3), Arc::clone(&kept)).await.unwrap().len(), 3);
        assert_eq!(whole(listing(MOST_OF_ONE), Arc::clone(&kept)).await.unwrap().len(), MOST_OF_ONE);
        assert!(whole(listing(MOST_OF_ONE + 1), Arc::clone(&kept)).await.is_none());
        assert_eq!(kept.load(Ordering::Relaxed), 3 + MOST_OF_ONE);
    }
}
