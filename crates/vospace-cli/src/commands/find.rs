//! `vospace find`: the nodes of a tree that fit.

use std::io::{BufWriter, Write as _};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use glob::Pattern;
use vospace_client::node::{Node, NodeKind};

use crate::limits::AtOnce;
use crate::output::Status;
use crate::quoting::Quoting;
use crate::session::Session;
use crate::walk::walk;
use crate::{complete, json, output, wildcard};

/// Options of `find`.
#[derive(Debug, Args)]
pub(crate) struct FindArgs {
    /// Containers whose trees are looked through; wildcards are expanded (quote them)
    #[arg(required = true, value_name = "CONTAINER", add = complete::containers())]
    containers: Vec<String>,
    /// Only nodes whose name matches this pattern (quote it)
    #[arg(long, value_name = "PATTERN")]
    name: Option<Pattern>,
    /// Only nodes of this kind
    #[arg(long = "type", value_name = "KIND", value_enum)]
    kind: Option<Kind>,
    /// Only files of at least so many bytes, like 10MB or 1GiB
    #[arg(long, value_name = "SIZE")]
    larger: Option<bytesize::ByteSize>,
    /// Only files of at most so many bytes
    #[arg(long, value_name = "SIZE")]
    smaller: Option<bytesize::ByteSize>,
    #[command(flatten)]
    quoting: Quoting,
    #[command(flatten)]
    at_once: AtOnce,
    /// One JSON object a line, with what vls -l shows
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Data nodes
    #[value(name = "f")]
    File,
    /// Containers
    #[value(name = "d")]
    Container,
    /// Links
    #[value(name = "l")]
    Link,
}

impl FindArgs {
    fn fits(&self, node: &Node) -> bool {
        let kind = match node.kind {
            NodeKind::Container => Kind::Container,
            NodeKind::Data { .. } => Kind::File,
            NodeKind::Link { .. } => Kind::Link,
        };
        let length = node.properties.length();
        let sized = self.larger.is_none() && self.smaller.is_none() || kind == Kind::File;
        self.kind.is_none_or(|wanted| wanted == kind)
            && self.name.as_ref().is_none_or(|pattern| pattern.matches(node.uri.name()))
            && sized
            // A file that may have any length is neither.
            && self.larger.is_none_or(|least| length.is_some_and(|length| length >= least.0))
            && self.smaller.is_none_or(|most| length.is_some_and(|length| length <= most.0))
    }
}

/// Prints the nodes that fit.
pub(crate) async fn run(session: &Session, args: &FindArgs) -> anyhow::Result<Status> {
    let style = args.quoting.style();
    let mut status = Status::Done;
    let mut roots = Vec::new();
    for text in &args.containers {
        match wildcard::expand(session, text).await {
            // What a pattern matches besides containers is not meant.
            Ok(nodes) if wildcard::is_pattern(text) => roots.extend(nodes.into_iter().filter(Node::is_container)),
            Ok(nodes) => match nodes.into_iter().find(Node::is_container) {
                Some(root) => roots.push(root),
                None => status = output::status(Err(anyhow::anyhow!("{text} is not a container")))?,
            },
            Err(error) => status = output::status(Err(error))?,
        }
    }
    let mut out = BufWriter::new(std::io::stdout().lock());
    for root in roots {
        let seen = walk(session, &root.uri, args.at_once.get(), |node| {
            if args.fits(node) {
                if args.json {
                    writeln!(out, "{}", json::node(session, node))?;
                } else {
                    writeln!(out, "{}", style.show(&session.name(&node.uri)))?;
                }
            }
            Ok(())
        })
        .await?;
        status = status.and(seen);
    }
    out.flush().context("standard output")?;
    Ok(status)
}
