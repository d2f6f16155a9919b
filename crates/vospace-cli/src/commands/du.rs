//! `vospace du`: how many bytes the files of trees have.

use std::collections::BTreeMap;
use std::io::Write as _;

use clap::Args;
use serde_json::json;
use vospace_client::node::{Node, NodeKind};

use crate::limits::AtOnce;
use crate::output::{self, Status};
use crate::session::Session;
use crate::walk::walk;
use crate::{complete, sizes, wildcard};

/// Options of `du`.
#[derive(Debug, Args)]
pub(crate) struct DuArgs {
    /// Containers or files; wildcards are expanded (quote them)
    #[arg(required = true, value_name = "NODE", add = complete::nodes())]
    nodes: Vec<String>,
    /// Only the sum of each node, not of the containers directly below it
    #[arg(short, long)]
    summarize: bool,
    /// Sizes with a unit
    #[arg(short = 'H', long)]
    human: bool,
    #[command(flatten)]
    at_once: AtOnce,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// Bytes and files of a tree.
#[derive(Debug, Default, Clone, Copy)]
struct Sum {
    bytes: u64,
    files: u64,
    /// Of these files the service tells no length, so that the sum lacks them.
    untold: u64,
}

/// Prints sums.
pub(crate) async fn run(session: &Session, args: &DuArgs) -> anyhow::Result<Status> {
    let incomplete = std::cell::Cell::new(Status::Done);
    let status = wildcard::each(session, &args.nodes, async |node, _| {
        incomplete.set(incomplete.get().and(sum(session, args, node).await?));
        Ok(())
    })
    .await?;
    Ok(status.and(incomplete.get()))
}

async fn sum(session: &Session, args: &DuArgs, node: &Node) -> anyhow::Result<Status> {
    let depth = node.uri.names().count();
    let mut total = Sum::default();
    let mut below: BTreeMap<String, Sum> = BTreeMap::new();
    let mut status = Status::Done;
    if node.is_container() {
        status = walk(session, &node.uri, args.at_once.get(), |node| {
            let mut names = node.uri.names();
            let child = names.nth(depth).unwrap_or_default();
            let inside = node.is_container() || names.next().is_some();
            let own = file(node);
            total = total.and(own);
            if inside && !args.summarize {
                let child = below.entry(child.to_owned()).or_default();
                *child = child.and(own);
            }
            Ok(())
        })
        .await?;
    } else {
        total = file(node);
    }
    for (name, sum) in below {
        print(args, &session.name(&node.uri.join(&name)), sum)?;
    }
    let name = session.name(&node.uri);
    print(args, &name, total)?;
    if total.untold > 0 {
        let files = if total.untold == 1 { "1 file".to_owned() } else { format!("{} files", total.untold) };
        output::error(format_args!("{name}: the service tells no length of {files}, which the sum lacks"));
        status = status.and(Status::Failed);
    }
    Ok(status)
}

impl Sum {
    fn and(self, other: Sum) -> Sum {
        Sum { bytes: self.bytes + other.bytes, files: self.files + other.files, untold: self.untold + other.untold }
    }
}

/// What a node counts itself: only data nodes do. The length of a container is the sum of what it holds.
fn file(node: &Node) -> Sum {
    match node.kind {
        NodeKind::Data { .. } => {
            let length = node.properties.length();
            Sum { bytes: length.unwrap_or(0), files: 1, untold: u64::from(length.is_none()) }
        }
        NodeKind::Container | NodeKind::Link { .. } => Sum::default(),
    }
}

fn print(args: &DuArgs, name: &str, sum: Sum) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    if args.json {
        writeln!(out, "{}", json!({ "node": name, "bytes": sum.bytes, "files": sum.files }))?;
    } else {
        writeln!(out, "{}\t{}", sizes::shown(sum.bytes, args.human), output::shown(name))?;
    }
    Ok(())
}
