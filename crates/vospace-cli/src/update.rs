//! Changes of properties, of one node or of a whole tree, with the messages of the Python commands.

use anyhow::{Context as _, bail};
use vospace_client::client::JobCounts;
use vospace_client::node::{Node, Properties};

use crate::session::Session;

/// Changes the properties of a node, and with `recursive` of all below it by a job of the service.
pub(crate) async fn apply(session: &Session, node: &Node, changes: &Properties, recursive: bool) -> anyhow::Result<()> {
    let name = session.name(&node.uri);
    if !recursive {
        session.client.set_properties(&node.uri, &node.kind, changes).await.context(name)?;
        return Ok(());
    }
    let counts = session.client.set_properties_tree(&node.uri, &node.kind, changes).await;
    let JobCounts { succeeded, failed, .. } = counts.with_context(|| name.clone())?;
    if failed > 0 {
        bail!("{name}: {succeeded} nodes updated, {failed} could not be");
    }
    tracing::info!("DONE. updated count: {succeeded}");
    Ok(())
}
