//! `vls`: names, or the long rows that scripts split on blanks.
//!
//! Sorting is done here: the services refuse to (400 on `sort` and `order`, observed). Without it, rows are printed as
//! the pages arrive, in the order of the service.

mod row;

use std::cmp::Ordering;
use std::io::{BufWriter, StdoutLock, Write as _};

use anyhow::Context as _;
use clap::Args;
use futures_util::StreamExt as _;
use vospace_client::bulk;
use vospace_client::node::Node;

use crate::common::LongHelp;
use crate::output::{self, Status};
use crate::session::Session;
use crate::wildcard;

use row::Layout;

/// Options of `vls`.
#[derive(Debug, Args)]
pub(crate) struct LsArgs {
    /// Nodes to list; wildcards * ? [] are expanded (quote them)
    #[arg(required = true, value_name = "NODE")]
    nodes: Vec<String>,
    /// Long rows; a link is shown and not followed, unless its name ends with /
    #[arg(short, long)]
    pub(crate) long: bool,
    /// Long rows without the owner
    #[arg(short, long)]
    group: bool,
    /// Sizes with a unit
    #[arg(short = 'h', long)]
    pub(crate) human: bool,
    /// Largest first
    #[arg(short = 'S', long = "Size")]
    size: bool,
    /// Newest first
    #[arg(short, long)]
    time: bool,
    /// Reverse the order
    #[arg(short, long)]
    reverse: bool,
    #[command(flatten)]
    help: LongHelp,
}

impl LsArgs {
    fn is_sorted(&self) -> bool {
        self.size || self.time || self.reverse
    }

    /// By size or date, then by name; `-r` turns the whole around.
    fn order(&self, a: &Node, b: &Node) -> Ordering {
        let (x, y) = (&a.properties, &b.properties);
        let key = if self.size {
            y.length().cmp(&x.length())
        } else if self.time {
            y.date().cmp(&x.date())
        } else {
            Ordering::Equal
        };
        let order = key.then_with(|| a.uri.name().cmp(b.uri.name()));
        if self.reverse { order.reverse() } else { order }
    }
}

/// One thing to list, under the name that the user gave.
struct Listed {
    name: String,
    node: Node,
}

/// Lists.
pub(crate) async fn run(session: &Session, args: &LsArgs) -> anyhow::Result<Status> {
    let mut status = Status::Done;
    let mut listed = Vec::new();
    for text in &args.nodes {
        match find(session, args, text).await {
            Ok(mut nodes) => listed.append(&mut nodes),
            Err(error) => status = output::status(Err(error))?,
        }
    }
    let (mut containers, mut files): (Vec<_>, Vec<_>) = listed.into_iter().partition(|item| item.node.is_container());
    files.sort_by(|a, b| args.order(&a.node, &b.node));
    containers.sort_by(|a, b| args.order(&a.node, &b.node));

    let layout = Layout::new(args.long, args.group, args.human);
    let mut out = BufWriter::new(std::io::stdout().lock());
    let headed = files.len() + containers.len() > 1;
    for file in &files {
        writeln!(out, "{}", layout.row(&file.name, &file.node))?;
    }
    for container in &containers {
        if headed {
            writeln!(out, "\n{}:", container.name)?;
            if args.long {
                writeln!(out, "total: {}", container.node.properties.length().unwrap_or(0))?;
            }
        }
        let listed = list(session, args, &layout, &container.node, &mut out).await;
        out.flush()?;
        status = status.and(output::status(listed)?);
    }
    out.flush()?;
    Ok(status)
}

/// The nodes that one argument stands for, links followed where that is the rule.
async fn find(session: &Session, args: &LsArgs, text: &str) -> anyhow::Result<Vec<Listed>> {
    let follow = !args.long || text.ends_with('/');
    let pattern = wildcard::is_pattern(text);
    let mut listed = Vec::new();
    for node in wildcard::expand(session, text).await? {
        let name = node.uri.name().to_owned();
        let node = if follow {
            match bulk::follow(&session.client, node.clone()).await {
                Ok(end) => end,
                // A broken link among many matches is itself worth showing.
                Err(_) if pattern => node,
                Err(error) => return Err(error).with_context(|| text.to_owned()),
            }
        } else {
            node
        };
        listed.push(Listed { name, node });
    }
    Ok(listed)
}

async fn list(
    session: &Session,
    args: &LsArgs,
    layout: &Layout,
    container: &Node,
    out: &mut BufWriter<StdoutLock<'static>>,
) -> anyhow::Result<()> {
    let mut children = session.client.list(&container.uri);
    let mut sorted = Vec::new();
    while let Some(child) = children.next().await {
        let child = child.with_context(|| session.name(&container.uri))?;
        if args.is_sorted() {
            sorted.push(child);
        } else {
            writeln!(out, "{}", layout.row(child.uri.name(), &child))?;
        }
    }
    sorted.sort_by(|a, b| args.order(a, b));
    for child in &sorted {
        writeln!(out, "{}", layout.row(child.uri.name(), child))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use vospace_client::node::property;
    use vospace_client::uri::VosUri;

    #[derive(Debug, Parser)]
    #[command(disable_help_flag = true)]
    struct Wrapper {
        #[command(flatten)]
        args: LsArgs,
    }

    fn sorted(options: &str) -> String {
        let args = Wrapper::parse_from(format!("vls {options} vos:x").split(' ')).args;
        let node = |name: &str, length: &str, date: &str| {
            let mut node = Node::data(VosUri::new("cadc.nrc.ca~vault", name));
            node.properties.set(property::LENGTH, length);
            node.properties.set(property::DATE, date);
            node
        };
        let mut nodes = [
            node("b", "10", "2026-01-03T00:00:00.000"),
            node("a", "10", "2026-01-01T00:00:00.000"),
            node("c", "9", "2026-01-02T00:00:00.000"),
        ];
        nodes.sort_by(|a, b| args.order(a, b));
        nodes.iter().map(|node| node.uri.name()).collect()
    }

    #[test]
    fn order_is_by_key_then_name_and_reverses_as_a_whole() {
        assert_eq!(sorted("-S"), "abc");
        assert_eq!(sorted("-S -r"), "cba");
        assert_eq!(sorted("-t"), "bca");
        assert_eq!(sorted("-t -r"), "acb");
        assert_eq!(sorted("-r"), "cba");
        assert_eq!(sorted("-S -t"), "abc");
    }
}
