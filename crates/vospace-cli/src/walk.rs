//! A tree, seen once: every node below a container, as the listings bring them, several containers at a time.
//!
//! What is remembered are the containers still to be listed, not the nodes. Links are shown and not followed. A
//! container that cannot be listed is named, and the others are walked.

use anyhow::Context as _;
use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use vospace_client::Client;
use vospace_client::node::Node;
use vospace_client::uri::VosUri;

use crate::output::{self, Status};
use crate::session::Session;

/// Nodes on their way from the listings to who looks at them.
const UNDERWAY: usize = 1024;

/// Shows `visit` every node below `root`, in no certain order.
///
/// # Errors
/// Those of `visit`. Containers that cannot be listed make the status `Failed`.
pub(crate) async fn walk(
    session: &Session,
    root: &VosUri,
    at_once: usize,
    mut visit: impl FnMut(&Node) -> anyhow::Result<()>,
) -> anyhow::Result<Status> {
    let mut status = Status::Done;
    let mut waiting = vec![root.clone()];
    let mut listings: JoinSet<anyhow::Result<()>> = JoinSet::new();
    let (sender, mut nodes) = mpsc::channel(UNDERWAY);
    loop {
        while listings.len() < at_once.max(1)
            && let Some(container) = waiting.pop()
        {
            let name = session.name(&container);
            listings.spawn(list(session.client.clone(), container, name, sender.clone()));
        }
        tokio::select! {
            biased;
            Some(node) = nodes.recv() => {
                let node: Node = node;
                visit(&node)?;
                if node.is_container() {
                    waiting.push(node.uri);
                }
            }
            ended = listings.join_next(), if !listings.is_empty() => match ended {
                Some(Ok(listed)) => status = status.and(output::status(listed)?),
                Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
                None => {}
            },
            else => break,
        }
        // Nothing is on its way once every listing has ended and its nodes were seen.
        if listings.is_empty() && waiting.is_empty() && nodes.is_empty() {
            break;
        }
    }
    Ok(status)
}

async fn list(client: Client, container: VosUri, name: String, nodes: mpsc::Sender<Node>) -> anyhow::Result<()> {
    let mut children = client.list_readable(&container);
    while let Some(child) = children.next().await {
        if nodes.send(child.with_context(|| name.clone())?).await.is_err() {
            // Nobody looks any more.
            return Ok(());
        }
    }
    Ok(())
}
