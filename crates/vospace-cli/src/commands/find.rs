//! `vospace find`: the nodes of a tree that fit.

use std::io::{BufWriter, Write as _};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use glob::Pattern;
use vospace_client::node::{Node, NodeKind};

use crate::output::Status;
use crate::session::Session;
use crate::walk::walk;
use crate::{json, output};

/// Options of `find`.
#[derive(Debug, Args)]
pub(crate) struct FindArgs {
    /// Containers whose trees are looked through
    #[arg(required = true, value_name = "CONTAINER")]
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
        let length = node.properties.length().unwrap_or(0);
        let sized = self.larger.is_none() && self.smaller.is_none() || kind == Kind::File;
        self.kind.is_none_or(|wanted| wanted == kind)
            && self.name.as_ref().is_none_or(|pattern| pattern.matches(node.uri.name()))
            && sized
            && self.larger.is_none_or(|least| length >= least.0)
            && self.smaller.is_none_or(|most| length <= most.0)
    }
}

/// Prints the nodes that fit.
pub(crate) async fn run(session: &Session, args: &FindArgs) -> anyhow::Result<Status> {
    let mut status = Status::Done;
    let mut out = BufWriter::new(std::io::stdout().lock());
    for text in &args.containers {
        let root = session.uri(text)?;
        match session.stat(&root).await {
            Ok(node) if node.is_container() => {}
            Ok(_) => {
                status = output::status(Err(anyhow::anyhow!("{text} is not a container")))?;
                continue;
            }
            Err(error) => {
                status = output::status(Err(error))?;
                continue;
            }
        }
        let seen = walk(session, &root, |node| {
            if args.fits(node) {
                let line = if args.json { json::node(session, node).to_string() } else { session.name(&node.uri) };
                writeln!(out, "{line}")?;
            }
            Ok(())
        })
        .await?;
        status = status.and(seen);
    }
    out.flush().context("standard output")?;
    Ok(status)
}
