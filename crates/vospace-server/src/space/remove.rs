//! Removal of one node: `DELETE /nodes/…`. A link is removed itself; a container must be empty.

use super::Space;
use super::walk::Leaf;
use crate::fault::Fault;
use crate::identity::Caller;
use crate::profile::Bytes;
use crate::store::nodes::{self, Kind, Row};
use crate::store::{artifacts, copies};
use rusqlite::Connection;
use std::sync::Arc;

impl Space {
    /// Removes the node at this path.
    pub async fn remove(self: &Arc<Self>, caller: Caller, path: String) -> Result<(), Fault> {
        let space = Arc::clone(self);
        let blobs = self
            .store
            .write(move |tx| {
                let (walked, row) = space.find(tx, &caller, &path, Leaf::Keep)?;
                let Some(parent) = walked.parent() else {
                    return Err(Fault::internal("cannot delete root"));
                };
                space.require_parent(&caller, &walked, parent)?;
                if row.locked {
                    return Err(Fault::denied(space.uri(&path)));
                }
                if row.kind == Kind::Container && nodes::has_children(tx, row.id)? {
                    return Err(Fault::plain(400, format!("container node '{}' is not empty", row.name)));
                }
                space.remove_row(tx, &row)
            })
            .await?;
        self.drop_blobs(blobs);
        Ok(())
    }

    /// Removes a row whose children have gone; returns the bytes to remove once that is committed.
    pub fn remove_row(&self, db: &Connection, row: &Row) -> Result<Vec<String>, Fault> {
        nodes::remove(db, row.id)?;
        self.child_changed(db, row.parent)?;
        match (row.kind, self.profile.bytes) {
            (Kind::Data, Bytes::Redirected | Bytes::AtJobs) => {
                artifacts::remove(db, &row.storage)?;
                copies::remove_all(db, &row.storage)
            }
            (Kind::Data, Bytes::InPlace) => Ok(vec![row.storage.clone()]),
            _ => Ok(Vec::new()),
        }
    }

    /// Removes bytes that nothing names any more.
    pub fn drop_blobs(&self, blobs: impl IntoIterator<Item = String>) {
        for blob in blobs {
            self.store.remove_blob(&blob);
        }
    }
}
