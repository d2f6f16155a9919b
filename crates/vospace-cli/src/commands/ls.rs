//! `vls`: names, or the long rows that scripts split on blanks.
//!
//! Sorting is done here: the services refuse to (400 on `sort` and `order`, observed). Without it, rows are printed as
//! the pages arrive, in the order of the service.

mod ahead;
mod row;

use std::cmp::Ordering;
use std::io::{BufWriter, StdoutLock, Write as _};

use anyhow::Context as _;
use clap::Args;
use futures_util::stream::{self, StreamExt as _};
use vospace_client::Plain;
use vospace_client::bulk;
use vospace_client::node::Node;

use crate::common::LongHelp;
use crate::complete;
use crate::json;
use crate::limits::AtOnce;
use crate::output::{self, Status};
use crate::quoting::{Quoting, Style};
use crate::session::Session;
use crate::wildcard;

use ahead::Ahead;
use row::Layout;

/// Options of `vls`.
#[derive(Debug, Args)]
pub(crate) struct LsArgs {
    /// Nodes to list; wildcards * ? [] are expanded (quote them)
    #[arg(required = true, value_name = "NODE", add = complete::nodes())]
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
    /// List the containers below, too; links are not followed
    #[arg(short = 'R', long)]
    recursive: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at_once: AtOnce,
    #[command(flatten)]
    quoting: Quoting,
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

/// One thing to list, under its own name: where a link was followed, that of what it leads to.
struct Listed {
    name: String,
    node: Node,
}

/// Lists.
pub(crate) async fn run(session: &Session, args: &LsArgs) -> anyhow::Result<Status> {
    let mut status = Status::Done;
    let mut listed = Vec::new();
    let mut found = stream::iter(&args.nodes).map(|text| find(session, args, text)).buffered(args.at_once.get());
    while let Some(found) = found.next().await {
        match found {
            Ok(mut nodes) => listed.append(&mut nodes),
            Err(error) => status = output::status(Err(error))?,
        }
    }
    let (mut containers, mut files): (Vec<_>, Vec<_>) = listed.into_iter().partition(|item| item.node.is_container());
    files.sort_by(|a, b| args.order(&a.node, &b.node));
    containers.sort_by(|a, b| args.order(&a.node, &b.node));

    let headed = args.recursive || files.len() + containers.len() > 1;
    let mut printer = Printer {
        session,
        args,
        layout: Layout::new(args.long, args.group, args.human, session.groups.clone()),
        style: args.quoting.style(),
        ahead: Ahead::new(session.client.clone(), args.at_once.get()),
        out: BufWriter::new(std::io::stdout().lock()),
    };
    for file in &files {
        printer.row(&file.name, &file.node)?;
    }
    // Depth first, in the order in which they are shown.
    containers.reverse();
    while let Some(container) = containers.pop() {
        printer.ahead.begin(containers.iter().rev().map(|container| &container.node.uri));
        if headed {
            printer.header(&container)?;
        }
        let mut below = Vec::new();
        let listed = list(&mut printer, &container, &mut below).await;
        printer.out.flush()?;
        status = status.and(output::status(listed)?);
        containers.extend(below.into_iter().rev());
    }
    printer.out.flush()?;
    Ok(status)
}

/// Rows and headers, in the form that was asked for.
struct Printer<'a> {
    session: &'a Session,
    args: &'a LsArgs,
    layout: Layout,
    style: Style,
    ahead: Ahead,
    out: BufWriter<StdoutLock<'static>>,
}

impl Printer<'_> {
    fn row(&mut self, name: &str, node: &Node) -> anyhow::Result<()> {
        if self.args.json {
            writeln!(self.out, "{}", json::node(self.session, node))?;
        } else {
            let row = self.layout.row(&self.style.show(name), node);
            match self.style {
                Style::Literal => writeln!(self.out, "{row}")?,
                // Creator, groups and target are the choice of others too.
                Style::Quoted => writeln!(self.out, "{}", Plain(&row))?,
            }
        }
        Ok(())
    }

    fn header(&mut self, container: &Listed) -> anyhow::Result<()> {
        if self.args.json {
            return Ok(());
        }
        writeln!(self.out, "\n{}:", self.style.show(&container.name))?;
        if self.args.long {
            writeln!(self.out, "total: {}", container.node.properties.length().unwrap_or(0))?;
        }
        Ok(())
    }
}

/// The nodes that one argument stands for, links followed where that is the rule.
async fn find(session: &Session, args: &LsArgs, text: &str) -> anyhow::Result<Vec<Listed>> {
    let follow = !args.long || text.ends_with('/');
    let pattern = wildcard::is_pattern(text);
    let mut listed = Vec::new();
    for node in wildcard::expand(session, text).await? {
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
        listed.push(Listed { name: node.uri.name().to_owned(), node });
    }
    Ok(listed)
}

/// Prints the children of a container; with `-R`, adds to `below` those that are containers.
async fn list(printer: &mut Printer<'_>, container: &Listed, below: &mut Vec<Listed>) -> anyhow::Result<()> {
    let (session, args) = (printer.session, printer.args);
    let mut children = printer.ahead.children(&container.node.uri).await;
    let mut sorted = Vec::new();
    while let Some(child) = children.next().await {
        let child = child.with_context(|| session.name(&container.node.uri))?;
        if args.recursive && child.is_container() {
            below.push(Listed { name: format!("{}/{}", container.name, child.uri.name()), node: child.clone() });
        }
        if args.is_sorted() {
            sorted.push(child);
        } else {
            printer.row(child.uri.name(), &child)?;
        }
    }
    sorted.sort_by(|a, b| args.order(a, b));
    for child in &sorted {
        printer.row(child.uri.name(), child)?;
    }
    if args.is_sorted() {
        below.sort_by(|a, b| args.order(&a.node, &b.node));
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
