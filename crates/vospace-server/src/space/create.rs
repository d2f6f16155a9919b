//! Creation of a node: `PUT /nodes/…`, and the file that a push negotiation or a direct PUT makes.

use super::attributes::Lasting;
use super::changes::{Changes, LINK_PROPERTIES};
use super::document::Detail;
use super::walk::{Leaf, Walked};
use super::{Space, new_row};
use crate::documents::TYPE;
use crate::fault::{Fault, FaultKind};
use crate::identity::{ADMINISTRATOR, Caller};
use crate::names;
use crate::profile::links::Targets;
use crate::profile::{Bytes, Metadata};
use crate::store::nodes::{self, Kind, Row};
use crate::store::properties;
use rusqlite::Connection;
use std::sync::Arc;
use vospace_client::node::{Node, NodeKind, property};

impl Space {
    /// Creates the node of this document at this path. Whether it exists is tested before whether the caller may
    /// create it. Parents are not made.
    pub async fn create(self: &Arc<Self>, caller: Caller, path: String, node: Node) -> Result<Node, Fault> {
        let space = Arc::clone(self);
        let path = self.named(path);
        let outcome = self.store.write(move |tx| space.create_in(tx, &caller, &path, &node)).await?;
        self.settle(outcome)
    }

    fn create_in(
        &self,
        db: &Connection,
        caller: &Caller,
        path: &str,
        node: &Node,
    ) -> Result<Result<Node, Lasting>, Fault> {
        let Some((parent_path, name)) = names::split(path) else {
            return Err(match self.profile.bytes {
                Bytes::Redirected | Bytes::AtJobs => Fault::new(FaultKind::DuplicateNode, self.uri("/")),
                Bytes::InPlace => Fault::internal("the root cannot be made"),
            });
        };
        let walked = self.walk(db, caller, path, Leaf::Keep).map_err(|fault| match fault.kind() {
            FaultKind::NodeNotFound => Fault::new(FaultKind::ContainerNotFound, self.uri(parent_path)),
            _ => fault,
        })?;
        if walked.leaf.is_some() {
            return Err(Fault::new(FaultKind::DuplicateNode, self.uri(path)));
        }
        let parent = walked.parent().ok_or_else(|| Fault::internal("a path without a parent"))?;
        self.require_parent(caller, &walked, parent)?;
        if !self.profile.names.longest.takes(name) {
            return Err(Fault::internal("node name too long"));
        }
        let (kind, target) = match &node.kind {
            NodeKind::Container => (Kind::Container, None),
            NodeKind::Data { .. } => (Kind::Data, None),
            NodeKind::Link { target } => {
                self.require_target(db, caller, target)?;
                let container = names::split(&walked.path).map_or("/", |(container, _)| container);
                (Kind::Link, Some(self.kept_target(container, target)?))
            }
        };
        let mut row = self.inheriting(parent, name, kind, caller);
        row.target = target;
        if kind == Kind::Link && self.profile.links.symbolic && !node.properties.is_empty() {
            // The link is made before its properties are looked at, and stays.
            self.insert(db, row)?;
            return Ok(Err(Fault::argument(LINK_PROPERTIES).into()));
        }
        let changes = Changes::of(self, caller, node)?;
        changes.apply(&mut row, self.profile.local_groups_only);
        if let Some(owner) = &changes.owner {
            row.owner.clone_from(owner);
        }
        let row = self.insert(db, row)?;
        if let Some(shown) = node.properties.get(TYPE) {
            properties::set(db, row.id, TYPE, Some(shown))?;
        }
        for (uri, value) in &changes.texts {
            if value.is_some() {
                properties::set(db, row.id, uri, value.as_deref())?;
            }
        }
        if let Err(lost) = self.lose_if_too_large(db, &row)? {
            return Ok(Err(lost));
        }
        let rights = self.rights(caller, walked.allocation_owner());
        let mut document = self.document(db, &row, &walked.path, Detail::Properties, &rights)?;
        if self.profile.metadata == Metadata::Live {
            // The file service answers with what was set, before it looked at the file.
            for uri in [property::DATE, property::LENGTH] {
                document.properties.remove(uri);
            }
        }
        Ok(Ok(document))
    }

    /// Refuses a link into this space to what is not there, where that is looked at.
    fn require_target(&self, db: &Connection, caller: &Caller, target: &str) -> Result<(), Fault> {
        match self.parsed(target) {
            Ok(uri) if self.profile.links.targets == Targets::Existing && uri.authority() == self.authority => {
                self.find(db, caller, uri.path(), Leaf::Keep).map(drop)
            }
            _ => Ok(()),
        }
    }

    /// A new row that copies the parent's permissions if the parent says so.
    fn inheriting(&self, parent: &Row, name: &str, kind: Kind, caller: &Caller) -> Row {
        let mut row = new_row(parent.id, name, kind, caller.name().unwrap_or(ADMINISTRATOR));
        if parent.inherit {
            row.is_public = parent.is_public;
            row.group_read.clone_from(&parent.group_read);
            row.group_write.clone_from(&parent.group_write);
            row.inherit = kind == Kind::Container;
        }
        row
    }

    fn insert(&self, db: &Connection, mut row: Row) -> Result<Row, Fault> {
        row.id = nodes::insert(db, &row)?;
        if row.kind == Kind::Data && self.profile.bytes == Bytes::InPlace {
            self.store.bytes().truncate(&row.storage)?;
        }
        self.child_changed(db, row.parent)?;
        Ok(row)
    }

    /// Makes an empty file for bytes that are to come. A direct PUT of the file service does not inherit permissions,
    /// a negotiation does.
    pub fn create_file(&self, db: &Connection, caller: &Caller, walked: &Walked, inherit: bool) -> Result<Row, Fault> {
        let parent = walked.parent().ok_or_else(|| Fault::argument("not a data node"))?;
        let (_, name) = names::split(&walked.path).ok_or_else(|| Fault::argument("not a data node"))?;
        if !self.profile.names.longest.takes(name) {
            return Err(Fault::internal("node name too long"));
        }
        let row = if inherit {
            self.inheriting(parent, name, Kind::Data, caller)
        } else {
            new_row(parent.id, name, Kind::Data, caller.name().unwrap_or(ADMINISTRATOR))
        };
        self.insert(db, row)
    }
}
