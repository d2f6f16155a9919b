//! `vospace df`: quota, and what of it is used.
//!
//! A quota belongs to a container (an allocation) and holds for everything below it, so the nearest container with one
//! is looked for upwards. What is used is the container's own length, which services keep up to date when they like.

use std::io::Write as _;

use clap::Args;
use serde_json::json;
use vospace_client::node::{Node, property};

use crate::output::{self, Status};
use crate::session::Session;
use crate::{complete, sizes, wildcard};

/// Options of `df`.
#[derive(Debug, Args)]
pub(crate) struct DfArgs {
    /// Nodes; wildcards are expanded (quote them)
    #[arg(required = true, value_name = "NODE", add = complete::nodes())]
    nodes: Vec<String>,
    /// All digits
    #[arg(short, long)]
    bytes: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// Prints quotas.
pub(crate) async fn run(session: &Session, args: &DfArgs) -> anyhow::Result<Status> {
    if !args.json {
        writeln!(std::io::stdout(), "{:>12} {:>12} {:>12} {:>5} Container", "Quota", "Used", "Available", "Use%")?;
    }
    wildcard::each(session, &args.nodes, async |node, _| show(session, args, node).await).await
}

async fn show(session: &Session, args: &DfArgs, node: &Node) -> anyhow::Result<()> {
    let mut allocation = node.clone();
    while allocation.properties.quota().is_none()
        && let Some(parent) = allocation.uri.parent()
    {
        match session.client.stat(&parent).await {
            Ok(node) => allocation = node,
            // Whoever may read a node need not be allowed to read what stands above it.
            Err(error) => {
                tracing::info!("{}: {error}", session.name(&parent));
                break;
            }
        }
    }
    let quota = allocation.properties.quota();
    let allocation = if quota.is_some() { &allocation } else { node };
    let used = allocation.properties.length();
    let told = allocation.properties.get(property::AVAILABLE_SPACE).and_then(|text| text.parse().ok());
    let available: Option<u64> = told.or_else(|| Some(quota?.saturating_sub(used?)));
    let name = session.name(&allocation.uri);
    let mut out = std::io::stdout();
    if args.json {
        let line = json!({ "container": name, "quota": quota, "used": used, "available": available });
        writeln!(out, "{line}")?;
        return Ok(());
    }
    let size = |bytes: Option<u64>| bytes.map_or("-".to_owned(), |bytes| sizes::shown(bytes, !args.bytes));
    let percent = match (used, quota) {
        (Some(used), Some(quota)) if quota > 0 => format!("{:.0}%", 100.0 * used as f64 / quota as f64),
        _ => "-".to_owned(),
    };
    let name = output::shown(&name);
    writeln!(out, "{:>12} {:>12} {:>12} {percent:>5} {name}", size(quota), size(used), size(available))?;
    Ok(())
}
