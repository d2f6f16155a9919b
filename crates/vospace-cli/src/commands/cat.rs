//! `vcat`: the bytes of files, exactly, to standard output.

use std::io::{self, Write as _};

use clap::Args;
use vospace_client::bulk;
use vospace_client::node::Node;
use vospace_client::view::View;

use crate::output::{self, Status};
use crate::session::Session;
use crate::{complete, limits, wildcard};

/// Options of `vcat`.
#[derive(Debug, Args)]
pub(crate) struct CatArgs {
    /// Files to print, one after the other; wildcards are expanded (quote them), and cut-outs can stand behind a name:
    /// [1][10:20,30:40] or (ra,dec,radius)
    #[arg(required = true, value_name = "SOURCE", add = complete::nodes())]
    sources: Vec<String>,
    /// Print only the headers of FITS files
    #[arg(long)]
    head: bool,
    /// No messages for what cannot be printed (the exit status still tells)
    #[arg(short, long)]
    quiet: bool,
    /// Bytes per second, like 10M
    #[arg(long, value_name = "RATE", value_parser = limits::rate)]
    pub(crate) bwlimit: Option<u64>,
}

/// Prints files.
pub(crate) async fn run(session: &Session, args: &CatArgs) -> anyhow::Result<Status> {
    let mut status = Status::Done;
    for text in &args.sources {
        if let Err(error) = print(session, text, args.head).await {
            if output::is_closed_pipe(&error) {
                return Err(error);
            }
            status = Status::Failed;
            if !args.quiet {
                output::error(output::words(&error));
            }
        }
    }
    Ok(status)
}

async fn print(session: &Session, text: &str, head: bool) -> anyhow::Result<()> {
    let (text, view) = View::split(text);
    anyhow::ensure!(view.is_none() || !head, "{text}: --head is of whole files; leave out the cut-out");
    let view = if head { Some(View::Header) } else { view };
    for node in wildcard::expand(session, text).await? {
        bytes(session, node, view.as_ref()).await?;
    }
    Ok(())
}

/// The bytes of a file, or of a part of it, to standard output.
pub(super) async fn bytes(session: &Session, node: Node, view: Option<&View>) -> anyhow::Result<()> {
    let name = session.name(&node.uri);
    let node = bulk::follow(&session.client, node).await?;
    anyhow::ensure!(!node.is_container(), "{name} is a container; list it with vls, or name a file in it");
    let mut out = io::stdout().lock();
    bulk::pour(&session.client, &node.uri, view, |chunk| out.write_all(&chunk)).await?;
    out.flush()?;
    Ok(())
}
