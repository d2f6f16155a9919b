//! `vlock`: locks. A locked node is not written, moved or deleted until it is unlocked; whoever may write it may do so.

use anyhow::{Context as _, bail};
use clap::Args;
use vospace_client::node::{Node, Properties, property};

use crate::complete;
use crate::output::Status;
use crate::session::Session;
use crate::wildcard;

/// Options of `vlock`.
#[derive(Debug, Args)]
pub(crate) struct LockArgs {
    /// Nodes; wildcards are expanded (quote them). Without an option: exit status 0 if all are locked, 255 if not
    #[arg(required = true, value_name = "NODE", add = complete::nodes())]
    nodes: Vec<String>,
    /// Lock
    #[arg(long, conflicts_with = "unlock")]
    lock: bool,
    /// Unlock
    #[arg(long)]
    unlock: bool,
}

/// Locks, unlocks, or tells.
pub(crate) async fn run(session: &Session, args: &LockArgs) -> anyhow::Result<Status> {
    if args.lock || args.unlock {
        return wildcard::each(session, &args.nodes, async |node, _| set(session, node, args.lock).await).await;
    }
    let all_locked = std::cell::Cell::new(true);
    let status = wildcard::each(session, &args.nodes, async |node, _| {
        let locked = node.properties.is_locked();
        tracing::info!("{} {}", session.name(&node.uri), if locked { "is locked" } else { "is not locked" });
        all_locked.set(all_locked.get() && locked);
        Ok(())
    })
    .await?;
    Ok(if status == Status::Done && !all_locked.get() { Status::Unlocked } else { status })
}

async fn set(session: &Session, node: &Node, lock: bool) -> anyhow::Result<()> {
    let name = session.name(&node.uri);
    let mut changes = Properties::new();
    changes.set(property::IS_LOCKED, if lock { "true" } else { "false" });
    session.client.set_properties(&node.uri, &node.kind, &changes).await.with_context(|| name.clone())?;
    // Cavern takes the property and does not keep it (observed): a lock that does not hold must not look as if it did.
    if session.stat(&node.uri).await?.properties.is_locked() != lock {
        bail!("{name} could not be {}: this service has no locks", if lock { "locked" } else { "unlocked" });
    }
    Ok(())
}
