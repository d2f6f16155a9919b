//! `vrm`: files, links, and with `-R` containers and all that they hold.
//!
//! A link is removed, never what it points to: Vault's recursive delete of a link would delete the target's tree
//! (observed), so only a node that was just read as a container is ever deleted recursively.

use anyhow::{Context as _, bail};
use clap::Args;
use vospace_client::node::{Node, NodeKind};

use crate::output::{self, Status};
use crate::session::Session;
use crate::wildcard;

/// Options of `vrm`.
#[derive(Debug, Args)]
pub(crate) struct RmArgs {
    /// Nodes to remove; wildcards are expanded (quote them)
    #[arg(required = true, value_name = "NODE")]
    nodes: Vec<String>,
    /// Remove containers and all that they hold
    #[arg(short = 'R', long)]
    pub(crate) recursive: bool,
}

/// Removes nodes.
pub(crate) async fn run(session: &Session, args: &RmArgs) -> anyhow::Result<Status> {
    let mut status = Status::Done;
    for text in &args.nodes {
        let nodes = match wildcard::expand(session, text).await {
            Ok(nodes) => nodes,
            Err(error) => {
                output::error(format_args!("{error:#}"));
                status = Status::Failed;
                continue;
            }
        };
        for node in nodes {
            if let Err(error) = remove(session, args, &node, text.ends_with('/')).await {
                output::error(format_args!("{error:#}"));
                status = Status::Failed;
            }
        }
    }
    Ok(status)
}

async fn remove(session: &Session, args: &RmArgs, node: &Node, slash: bool) -> anyhow::Result<()> {
    let name = session.name(&node.uri);
    match &node.kind {
        NodeKind::Container if !args.recursive => {
            bail!("{name} is a container; add -R to remove it and all that it holds")
        }
        NodeKind::Container => {
            let counts = session.client.delete_tree(&node.uri).await.with_context(|| name.clone())?;
            if counts.failed > 0 {
                bail!(
                    "{name}: {} nodes removed, {} could not be; list what is left with vls",
                    counts.succeeded,
                    counts.failed
                );
            }
            tracing::info!("removed {name}: {} nodes", counts.succeeded);
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
