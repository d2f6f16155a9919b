//! `vmv`: move and rename within one service.

use anyhow::{Context as _, bail};
use clap::Args;
use vospace_client::bulk;
use vospace_client::error::ErrorKind;
use vospace_client::node::Node;
use vospace_client::uri::VosUri;

use crate::ends::{self, Ends};
use crate::output::{self, Status};
use crate::session::Session;
use crate::wildcard;

/// Options of `vmv`.
#[derive(Debug, Args)]
#[command(
    override_usage = ends::usage("vospace mv"),
    after_help = "Wildcards in the names of the sources are expanded (quote them). The destination is the new name, or the \
                  container to move into."
)]
pub(crate) struct MvArgs {
    #[command(flatten)]
    pub(crate) ends: Ends,
    /// Where the service cannot move a file (or anything), copy it, verify the copy and delete the original.
    #[arg(long)]
    pub(crate) emulate_rename: bool,
}

/// Moves nodes.
pub(crate) async fn run(session: &Session, args: &MvArgs) -> anyhow::Result<Status> {
    let destination = session.uri(args.ends.destination())?;
    let container = container(session, &destination).await?;
    if container.is_none() && args.ends.destination().ends_with('/') {
        bail!("{} is not a container that exists; create it with vmkdir first", args.ends.destination());
    }
    let mut status = Status::Done;
    let mut nodes = Vec::new();
    for text in args.ends.sources() {
        match wildcard::expand(session, text).await {
            Ok(mut found) => nodes.append(&mut found),
            Err(error) => status = output::status(Err(error))?,
        }
    }
    if nodes.len() > 1 && container.is_none() {
        bail!("{} is not a container that exists; several sources need one", args.ends.destination());
    }
    for node in nodes {
        let moved = rename(session, &node, &destination, container.as_ref(), args.emulate_rename).await;
        status = status.and(output::status(moved)?);
    }
    Ok(status)
}

/// What stands at the destination: a container, nothing, or an error, because a move never replaces.
async fn container(session: &Session, uri: &VosUri) -> anyhow::Result<Option<VosUri>> {
    let name = || session.name(uri);
    match session.client.stat(uri).await {
        Ok(node) => {
            let node = bulk::follow(&session.client, node).await?;
            if !node.is_container() {
                bail!("{} exists already; remove it first, a move never replaces a file", name());
            }
            Ok(Some(node.uri))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(name),
    }
}

async fn rename(
    session: &Session,
    node: &Node,
    destination: &VosUri,
    container: Option<&VosUri>,
    emulate: bool,
) -> anyhow::Result<()> {
    let to = match container {
        Some(container) => container.join(node.uri.name()),
        None => destination.clone(),
    };
    let (from, into) = (session.name(&node.uri), session.name(&to));
    if node.uri.authority() != to.authority() {
        bail!("cannot move {from} to {into}: they are in different services; copy with vcp, then remove with vrm");
    }
    match session.client.rename(&node.uri, &to).await {
        Err(error) if error.kind() == ErrorKind::Unsupported && emulate => {
            tracing::warn!("{from} is copied to {into} and deleted then: {error}");
            session.client.rename_by_copy(&node.uri, &to).await.with_context(|| format!("{from} to {into}"))?;
        }
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            bail!("{from} to {into}: {error}; --emulate-rename copies and deletes it");
        }
        outcome => outcome.with_context(|| format!("{from} to {into}"))?,
    }
    tracing::info!("{from} -> {into}");
    Ok(())
}
