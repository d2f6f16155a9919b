//! Refresh: node rows catch up with their artifacts.
//!
//! A row is refreshed when its node is fetched by itself, and by a worker that looks at the artifacts that changed
//! lately. Listings show rows as they are: with a refresh interval above zero, files appear empty in listings for a
//! while after their upload. `core#date` is the moment of the refresh, not of the upload.

use super::{Space, now};
use crate::fault::Fault;
use crate::profile::Metadata;
use crate::store::artifacts::{self, Artifact};
use crate::store::nodes::{self, Row};
use rusqlite::Connection;
use std::sync::Arc;

/// How far back the worker looks: what it missed longer ago is mended by a fetch of the single node only.
const LOOK_BACK_MS: i64 = 60_000;

impl Space {
    /// The row as a fetch of the single node shows it.
    pub async fn refreshed(self: &Arc<Self>, row: Row) -> Result<Row, Fault> {
        if self.profile.metadata == Metadata::Live || row.storage.is_empty() {
            return Ok(row);
        }
        let storage = row.storage.clone();
        let artifact = self.store.read(move |db| artifacts::get(db, &storage)).await?;
        match artifact {
            Some(artifact) if artifact.copied() != row.copied => {
                let space = Arc::clone(self);
                let refreshed = self.store.write(move |tx| space.refresh_row(tx, &artifact)).await?;
                Ok(refreshed.unwrap_or(row))
            }
            _ => Ok(row),
        }
    }

    /// Copies an artifact into its node's row; `None` if it has no node any more.
    pub fn refresh_row(&self, db: &Connection, artifact: &Artifact) -> Result<Option<Row>, Fault> {
        let Some(mut row) = nodes::by_storage(db, &artifact.storage)? else {
            return Ok(None);
        };
        let copied = artifact.copied();
        if row.copied != copied {
            row.copied = copied;
            row.modified = now();
            nodes::update(db, &row)?;
        }
        Ok(Some(row))
    }

    /// One round of the worker.
    pub async fn refresh_recent(self: &Arc<Self>) -> Result<(), Fault> {
        let space = Arc::clone(self);
        let since = now() - LOOK_BACK_MS;
        self.store
            .write(move |tx| {
                for artifact in artifacts::changed_since(tx, since)? {
                    space.refresh_row(tx, &artifact)?;
                }
                Ok(())
            })
            .await
    }
}
