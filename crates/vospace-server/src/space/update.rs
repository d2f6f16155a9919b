//! Change of properties: `POST /nodes/…`, also for whole trees.
//!
//! Merge: what the document names is replaced, `xsi:nil` removes, the rest stays. The target of a link stays. Locks are
//! not asked, so that one can be lifted. Where metadata are copied, storing the row loses the copy (all but the
//! length) until the next refresh.

use super::attributes::Lasting;
use super::changes::Changes;
use super::document::Detail;
use super::walk::Leaf;
use super::{Space, now};
use crate::fault::{Fault, FaultKind};
use crate::identity::Caller;
use crate::profile::Metadata;
use crate::store::nodes::{self, Copied, Kind, Row};
use crate::store::{artifacts, copies, properties};
use rusqlite::Connection;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use vospace_client::node::{Node, NodeKind};

impl Space {
    /// Changes properties of the node at this path.
    ///
    /// Where properties race, all are read first and all written back in a second step; what another change did between
    /// the two is lost. `gap` is a pause between them, for tests.
    pub async fn set_properties(
        self: &Arc<Self>,
        caller: Caller,
        path: String,
        node: Node,
        gap: Duration,
    ) -> Result<Node, Fault> {
        let space = Arc::clone(self);
        if !self.profile.properties_race {
            let outcome = self.store.write(move |tx| space.set_properties_in(tx, &caller, &path, &node)).await?;
            return self.settle(outcome);
        }
        let (reader, user, wanted) = (Arc::clone(self), caller.clone(), path.clone());
        let before = self
            .store
            .read(move |db| match reader.walk(db, &user, &wanted, Leaf::Keep)?.leaf {
                Some(row) => Ok(Some((properties::all(db, row.id)?, row))),
                None => Ok(None),
            })
            .await?;
        if !gap.is_zero() {
            tokio::time::sleep(gap).await;
        }
        let outcome = self
            .store
            .write(move |tx| {
                if let Some((texts, row)) = &before {
                    space.set_back(tx, row, texts)?;
                }
                space.set_properties_in(tx, &caller, &path, &node)
            })
            .await?;
        self.settle(outcome)
    }

    /// Puts properties and permissions back to what they were when they were read.
    fn set_back(&self, db: &Connection, before: &Row, texts: &[(String, String)]) -> Result<(), Fault> {
        let Some(mut row) = nodes::by_id(db, before.id)? else { return Ok(()) };
        let known: HashMap<&str, &str> = texts.iter().map(|(uri, value)| (uri.as_str(), value.as_str())).collect();
        for (uri, value) in properties::all(db, row.id)? {
            if known.get(uri.as_str()) != Some(&value.as_str()) {
                properties::set(db, row.id, &uri, known.get(uri.as_str()).copied())?;
            }
        }
        for (uri, value) in texts {
            properties::set(db, row.id, uri, Some(value))?;
        }
        row.is_public = before.is_public;
        row.inherit = before.inherit;
        row.locked = before.locked;
        row.group_read.clone_from(&before.group_read);
        row.group_write.clone_from(&before.group_write);
        nodes::update(db, &row)
    }

    fn set_properties_in(
        &self,
        db: &Connection,
        caller: &Caller,
        path: &str,
        node: &Node,
    ) -> Result<Result<Node, Lasting>, Fault> {
        let (walked, row) = self.find(db, caller, path, Leaf::Keep).map_err(|fault| match fault.kind() {
            FaultKind::NodeNotFound => Fault::new(FaultKind::NodeNotFound, format!("Target {}", self.uri(path))),
            _ => fault,
        })?;
        let same_kind = matches!(
            (&node.kind, row.kind),
            (NodeKind::Container, Kind::Container)
                | (NodeKind::Data { .. }, Kind::Data)
                | (NodeKind::Link { .. }, Kind::Link)
        );
        if !same_kind {
            return Err(Fault::argument(format!("cannot change the type of a node: {}", self.uri(path))));
        }
        if !self.may_write(caller, &walked, &row) {
            return Err(Fault::denied(self.uri(path)));
        }
        let changes = Changes::of(self, caller, node)?;
        let row = self.change_row(db, row, &changes)?;
        if let Err(lost) = self.lose_if_too_large(db, &row)? {
            return Ok(Err(lost));
        }
        let rights = self.rights(caller, walked.allocation_owner());
        Ok(Ok(self.document(db, &row, &walked.path, Detail::Properties, &rights)?))
    }

    /// Applies checked changes to one row.
    pub fn change_row(&self, db: &Connection, mut row: Row, changes: &Changes) -> Result<Row, Fault> {
        let mut changed = changes.apply(&mut row, self.profile.local_groups_only);
        for (uri, value) in &changes.texts {
            if properties::get(db, row.id, uri)? != *value {
                properties::set(db, row.id, uri, value.as_deref())?;
                changed = true;
            }
        }
        if self.profile.metadata == Metadata::Copied {
            let artifact = artifacts::get(db, &row.storage)?;
            if artifact.is_some() {
                let text = |value: &Option<Option<String>>| value.clone();
                let (content_type, encoding) = (text(&changes.content_type), text(&changes.encoding));
                let described = content_type.is_some() || encoding.is_some();
                if described {
                    let content_type = content_type.as_ref().map(Option::as_deref);
                    let encoding = encoding.as_ref().map(Option::as_deref);
                    artifacts::describe(db, &row.storage, content_type, encoding)?;
                    copies::describe(db, &row.storage, content_type, encoding)?;
                }
                row.copied = match artifacts::get(db, &row.storage)? {
                    Some(artifact) if self.refreshes_at_once() => artifact.copied(),
                    _ => Copied { length: row.copied.length, ..Copied::default() },
                };
                changed = true;
            }
            if changed {
                row.modified = now();
            }
        }
        if changed {
            nodes::update(db, &row)?;
        }
        Ok(row)
    }
}
