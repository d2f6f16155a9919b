//! `vrmdir`: empty containers. What a container holds is removed only by `vrm -R`.

use anyhow::{Context as _, bail};
use clap::Args;
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
    match session.client.delete(&node.uri).await {
        Err(error) if error.kind() == ErrorKind::NotEmpty => {
            bail!("{name} is not empty; remove it with all that it holds by vrm -R")
        }
        result => result.with_context(|| name.clone())?,
    }
    tracing::info!("removed {name}");
    Ok(())
}
