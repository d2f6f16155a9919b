//! `vrmdir`: empty containers. What a container holds is removed only by `vrm -R`.
//!
//! By the standard the deletion of a container takes all that it holds with it (VOSpace 2.1, deleteNode), and the services of CADC
//! refuse it; so a container is looked into first.

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use futures_util::StreamExt as _;
use vospace_client::error::ErrorKind;
use vospace_client::node::{Node, NodeKind};

use crate::complete;
use crate::output::Status;
use crate::session::Session;
use crate::wildcard;

/// Options of `vrmdir`.
#[derive(Debug, Args)]
pub(crate) struct RmdirArgs {
    /// Empty containers to remove; wildcards are expanded (quote them)
    #[arg(required = true, value_name = "CONTAINER", add = complete::containers())]
    nodes: Vec<String>,
}

/// Removes empty containers.
pub(crate) async fn run(session: &Session, args: &RmdirArgs) -> anyhow::Result<Status> {
    wildcard::each(session, &args.nodes, async |node, _| remove(session, node).await).await
}

async fn remove(session: &Session, node: &Node) -> anyhow::Result<()> {
    let name = session.name(&node.uri);
    match &node.kind {
        NodeKind::Container => {}
        NodeKind::Link { target } => bail!("{name} is a link to {target}, not a container; remove the link with vrm"),
        NodeKind::Data { .. } => bail!("{name} is a file, not a container; remove it with vrm"),
    }
    let not_empty = || anyhow!("{name} is not empty; remove it with all that it holds by vrm -R");
    if session.client.list(&node.uri).next().await.transpose().with_context(|| name.clone())?.is_some() {
        return Err(not_empty());
    }
    match session.client.delete(&node.uri).await {
        Err(error) if error.kind() == ErrorKind::NotEmpty => return Err(not_empty()),
        result => result.with_context(|| name.clone())?,
    }
    tracing::info!("removed {name}");
    Ok(())
}
