//! `vrm`: files, links, and with `-R` containers and all that they hold.
//!
//! A link is removed, never what it points to: Vault's recursive delete of a link would delete the target's tree
//! (observed), so only a node that was just read as a container is ever deleted recursively.

use std::collections::HashSet;
use std::iter::successors;

use anyhow::{Context as _, bail};
use clap::Args;
use futures_util::stream::{self, StreamExt as _};
use vospace_client::client::JobCounts;
use vospace_client::node::{Node, NodeKind};
use vospace_client::uri::VosUri;

use crate::complete;
use crate::limits::AtOnce;
use crate::output::{self, Status};
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
    #[command(flatten)]
    at_once: AtOnce,
}

/// Removes nodes.
pub(crate) async fn run(session: &Session, args: &RmArgs) -> anyhow::Result<Status> {
    let mut status = Status::Done;
    let mut nodes = Vec::new();
    let expand = stream::iter(&args.nodes).map(|text| async move { (text, wildcard::expand(session, text).await) });
    let mut expanded = expand.buffered(args.at_once.get());
    while let Some((text, found)) = expanded.next().await {
        match found {
            Ok(found) => nodes.extend(found.into_iter().map(|node| (node, text.ends_with('/')))),
            Err(error) => status = output::status(Err(error))?,
        }
    }
    // Of two, one below the other, the one that was named first goes first.
    let at_once = if any_below(&nodes) { 1 } else { args.at_once.get() };
    let removals = stream::iter(&nodes).map(|(node, slash)| remove(session, args, node, *slash));
    let mut removals = removals.buffer_unordered(at_once);
    while let Some(removed) = removals.next().await {
        status = status.and(output::status(removed)?);
    }
    Ok(status)
}

/// Whether one of them is below another, or the same.
fn any_below(nodes: &[(Node, bool)]) -> bool {
    let all: HashSet<&VosUri> = nodes.iter().map(|(node, _)| &node.uri).collect();
    let below = |uri: &VosUri| successors(uri.parent(), VosUri::parent).any(|above| all.contains(&above));
    all.len() < nodes.len() || nodes.iter().any(|(node, _)| below(&node.uri))
}

async fn remove(session: &Session, args: &RmArgs, node: &Node, slash: bool) -> anyhow::Result<()> {
    let name = session.name(&node.uri);
    match &node.kind {
        NodeKind::Container if !args.recursive => {
            bail!("{name} is a container; add -R to remove it and all that it holds")
        }
        NodeKind::Container => {
            let JobCounts { succeeded, failed, .. } =
                session.client.delete_tree(&node.uri).await.context(name.clone())?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_below_another_is_noticed() {
        let below = |paths: &[&str]| {
            let node = |path: &&str| (Node::data(VosUri::new("cadc.nrc.ca~vault", path)), false);
            any_below(&paths.iter().map(node).collect::<Vec<_>>())
        };
        assert!(!below(&["/a/x", "/a/y", "/a-b", "/ab/c"]));
        assert!(below(&["/a/b/c", "/d", "/a"]) && below(&["/a", "/a"]));
    }
}
