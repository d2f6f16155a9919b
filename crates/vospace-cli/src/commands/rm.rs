//! `vrm`: files, links, and with `-R` containers and all that they hold.
//!
//! A link is removed, never what it points to: Vault's recursive delete of a link would delete the target's tree
//! (observed), so only a node that was just read as a container is ever deleted recursively.

use anyhow::{Context as _, bail};
use clap::Args;
use vospace_client::client::JobCounts;
use vospace_client::node::{Node, NodeKind};

use crate::complete;
use crate::output::Status;
use crate::session::Session;
use crate::wildcard;

/// Options of `vrm`.
#[derive(Debug, Args)]
pub(crate) struct RmArgs {
    /// Nodes to remove; wildcards are expanded (quote them)
    #[arg(required = true, value_name = "NODE", add = complete::nodes())]
    nodes: Vec<String>,
    /// Remove containers and all that they hold
    #[arg(short = 'R', long)]
    pub(crate) recursive: bool,
}

/// Removes nodes.
pub(crate) async fn run(session: &Session, args: &RmArgs) -> anyhow::Result<Status> {
    wildcard::each(session, &args.nodes, async |node, text| remove(session, args, node, text.ends_with('/')).await)
        .await
}

async fn remove(session: &Session, args: &RmArgs, node: &Node, slash: bool) -> anyhow::Result<()> {
    let name = session.name(&node.uri);
    match &node.kind {
        NodeKind::Container if !args.recursive => {
            bail!("{name} is a container; add -R to remove it and all that it holds")
        }
        NodeKind::Container => {
            let JobCounts { succeeded, failed } = session.client.delete_tree(&node.uri).await.context(name.clone())?;
            if failed > 0 {
                bail!("{name}: {succeeded} nodes removed, {failed} could not be; list what is left with vls");
            }
            tracing::info!("DONE. deleted count: {succeeded}");
        }
        NodeKind::Link { target } if slash => {
            bail!("{name} is a link to {target}; write it without the slash to remove the link, or name its target")
        }
        NodeKind::Data { .. } if slash => bail!("{name} is not a container; write it without the slash to remove it"),
        NodeKind::Link { .. } | NodeKind::Data { .. } => {
            session.client.delete(&node.uri).await.with_context(|| name.clone())?;
            tracing::info!("removed {name}");
        }
    }
    Ok(())
}
