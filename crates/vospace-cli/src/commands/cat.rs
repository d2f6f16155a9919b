//! `vcat`: the bytes of files, exactly, to standard output.

use std::io::{self, Write as _};

use anyhow::Context as _;
use clap::Args;
use futures_util::StreamExt as _;
use vospace_client::bulk;
use vospace_client::node::Node;
use vospace_client::view::View;

use crate::output::{self, Status};
use crate::session::Session;
use crate::wildcard;

/// Options of `vcat`.
#[derive(Debug, Args)]
pub(crate) struct CatArgs {
    /// Files to print, one after the other; wildcards are expanded (quote them), and cut-outs can stand behind a name:
    /// [1][10:20,30:40] or (ra,dec,radius)
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<String>,
    /// Print only the headers of FITS files
    #[arg(long)]
    head: bool,
    /// No messages for what cannot be printed (the exit status still tells)
    #[arg(short, long)]
    quiet: bool,
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
                output::error(format_args!("{error:#}"));
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

async fn bytes(session: &Session, node: Node, view: Option<&View>) -> anyhow::Result<()> {
    let name = session.name(&node.uri);
    let node = bulk::follow(&session.client, node).await?;
    anyhow::ensure!(!node.is_container(), "{name} is a container; list it with vls, or name a file in it");
    let opened = match view {
        None => session.client.open(&node.uri, None).await,
        Some(view) => session.client.open_view(&node.uri, view).await,
    };
    let mut download = opened.with_context(|| name.clone())?;
    let mut out = io::stdout().lock();
    while let Some(chunk) = download.body.next().await {
        out.write_all(&chunk.with_context(|| name.clone())?)?;
    }
    out.flush()?;
    Ok(())
}
