//! `vmkdir`: containers, with their parents where asked.

use anyhow::{Context as _, bail};
use clap::Args;
use vospace_client::bulk;
use vospace_client::error::ErrorKind;
use vospace_client::node::Properties;
use vospace_client::uri::VosUri;

use crate::complete;
use crate::output::{self, Status};
use crate::session::Session;

/// Options of `vmkdir`.
#[derive(Debug, Args)]
pub(crate) struct MkdirArgs {
    /// Containers to make
    #[arg(required = true, value_name = "CONTAINER", add = complete::containers())]
    containers: Vec<String>,
    /// Make missing parents too, and take what exists already
    #[arg(short, long)]
    parents: bool,
}

/// Makes containers.
pub(crate) async fn run(session: &Session, args: &MkdirArgs) -> anyhow::Result<Status> {
    let mut status = Status::Done;
    for text in &args.containers {
        status = status.and(output::status(make(session, text, args.parents).await)?);
    }
    Ok(status)
}

async fn make(session: &Session, text: &str, parents: bool) -> anyhow::Result<()> {
    let uri = session.uri(text)?;
    if !parents {
        return create(session, &uri).await;
    }
    // Upwards to what exists, then down again.
    let mut missing = Vec::new();
    let mut next = Some(uri);
    while let Some(uri) = next {
        match session.client.stat(&uri).await {
            Ok(node) => {
                let node = bulk::follow(&session.client, node).await?;
                if !node.is_container() {
                    bail!("{} is a file; a container cannot be made there or below it", session.name(&uri));
                }
                break;
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                next = uri.parent();
                missing.push(uri);
            }
            Err(error) => return Err(error).with_context(|| session.name(&uri)),
        }
    }
    for uri in missing.iter().rev() {
        match session.client.mkdir(uri, &Properties::new()).await {
            // Somebody else was faster.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            result => {
                result.with_context(|| session.name(uri))?;
            }
        }
    }
    Ok(())
}

async fn create(session: &Session, uri: &VosUri) -> anyhow::Result<()> {
    session.client.mkdir(uri, &Properties::new()).await.with_context(|| session.name(uri))?;
    tracing::info!("made {}", session.name(uri));
    Ok(())
}
