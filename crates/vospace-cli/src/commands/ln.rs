//! `vln`: links to nodes, or to anything that has a URL.

use anyhow::{Context as _, bail};
use clap::Args;
use vospace_client::bulk;
use vospace_client::error::ErrorKind;
use vospace_client::uri::VosUri;

use crate::ends::{self, Ends};
use crate::output::{self, Status};
use crate::session::Session;
use crate::wildcard;

/// Options of `vln`.
#[derive(Debug, Args)]
#[command(
    override_usage = ends::usage("vospace ln"),
    after_help = "A source is what the link points to: a node (wildcards are expanded: quote them), or any URL, which is \
                  stored as it stands; it need not exist. The destination is the link to make, or the container to make \
                  it in: with a slash at its end, with several sources, and with wildcards."
)]
pub(crate) struct LnArgs {
    #[command(flatten)]
    pub(crate) ends: Ends,
}

/// What a link is to point to, and what it is called in a container.
struct Source {
    points_to: String,
    name: String,
}

/// Makes links.
pub(crate) async fn run(session: &Session, args: &LnArgs) -> anyhow::Result<Status> {
    let (texts, target) = (args.ends.sources(), args.ends.destination());
    if !session.prefixes.is_remote(target) {
        bail!("{target} is no node; the link to make is written vos:path");
    }
    let place = session.uri(target)?;
    let container = if texts.len() > 1 || texts.iter().any(|text| is_pattern(text)) {
        Some(container(session, &place).await?)
    } else {
        target.ends_with('/').then(|| place.clone())
    };
    let mut status = Status::Done;
    for text in texts {
        match sources(session, text).await {
            Ok(sources) => {
                for source in sources {
                    let link = container.as_ref().map_or(place.clone(), |container| container.join(&source.name));
                    status = status.and(output::status(make(session, &link, &source.points_to).await)?);
                }
            }
            Err(error) => status = output::status(Err(error))?,
        }
    }
    Ok(status)
}

/// A URL may have a question mark that stands for itself.
fn is_pattern(text: &str) -> bool {
    (!text.contains("://") || text.starts_with("vos://")) && wildcard::is_pattern(text)
}

/// Where several links go to.
async fn container(session: &Session, uri: &VosUri) -> anyhow::Result<VosUri> {
    let node = bulk::follow(&session.client, session.stat(uri).await?).await?;
    if !node.is_container() {
        bail!("{} is not a container; several links need one", session.name(uri));
    }
    Ok(node.uri)
}

async fn sources(session: &Session, text: &str) -> anyhow::Result<Vec<Source>> {
    let of_node = |uri: &VosUri| Source { points_to: uri.to_wire(), name: uri.name().to_owned() };
    if is_pattern(text) {
        return Ok(wildcard::expand(session, text).await?.iter().map(|node| of_node(&node.uri)).collect());
    }
    if text.contains("://") {
        let name = text.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
        return Ok(vec![Source { points_to: text.to_owned(), name }]);
    }
    Ok(vec![of_node(&session.uri(text)?)])
}

async fn make(session: &Session, link: &VosUri, points_to: &str) -> anyhow::Result<()> {
    // The name of a URL need not be one that a node can have.
    link.check()?;
    let shown = session.name(link);
    match session.client.link(link, points_to).await {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("{shown} exists already; remove it first (vrm), a link never replaces anything")
        }
        result => result.with_context(|| shown.clone())?,
    };
    tracing::info!("{shown} -> {points_to}");
    Ok(())
}
