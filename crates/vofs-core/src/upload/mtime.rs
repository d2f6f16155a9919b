//! Modification times that programs set, at the service (`--remote-mtime`).

use crate::engine::Engine;
use crate::error::Result;
use crate::meta::{Kind, Meta, mtime};
use crate::path::NodePath;

/// Keeps the modification time of the file `meta` as a property of the node, if this mount does so.
pub(crate) async fn publish(engine: &Engine, path: &NodePath, meta: &Meta) -> Result<()> {
    let Some(time) = meta.local_mtime.filter(|_| engine.config.remote_mtime) else { return Ok(()) };
    let text = mtime::to_text(time, &meta.version);
    engine.remote.set_property(path, &Kind::File, mtime::KEY, Some(&text)).await?;
    engine.properties_change();
    Ok(())
}
