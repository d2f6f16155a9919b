//! `vln`: links to nodes, or to anything that has a URL.

use anyhow::{Context as _, bail};
use clap::Args;
use vospace_client::error::ErrorKind;

use crate::complete;
use crate::output::Status;
use crate::session::Session;

/// Options of `vln`.
#[derive(Debug, Args)]
pub(crate) struct LnArgs {
    /// What the link points to: a node, or any URL, which is stored as it stands. It need not exist
    #[arg(value_name = "SOURCE", add = complete::nodes())]
    source: String,
    /// The link to make, or (with a slash at its end) the container to make it in
    #[arg(value_name = "TARGET", add = complete::nodes())]
    target: String,
}

/// Makes a link.
pub(crate) async fn run(session: &Session, args: &LnArgs) -> anyhow::Result<Status> {
    if !session.prefixes.is_remote(&args.target) {
        bail!("{} is no node; the link to make is written vos:path", args.target);
    }
    let (points_to, name) = if args.source.contains("://") {
        (args.source.clone(), args.source.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned())
    } else {
        let uri = session.uri(&args.source)?;
        (uri.to_wire(), uri.name().to_owned())
    };
    let mut link = session.uri(&args.target)?;
    if args.target.ends_with('/') {
        link = link.join(&name);
        link.check()?;
    }
    let shown = session.name(&link);
    match session.client.link(&link, &points_to).await {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("{shown} exists already; remove it first (vrm), a link never replaces anything")
        }
        result => result.with_context(|| shown.clone())?,
    };
    tracing::info!("{shown} -> {points_to}");
    Ok(Status::Done)
}
