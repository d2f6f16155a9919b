//! Copy: a node, with all below it if it is a container, gets a twin that is the caller's.
//!
//! Neither Vault nor Cavern does this; the standard has it. Where the copy comes to lie follows the rules of a move. A
//! node within the tree that the caller may not read ends the copy, and nothing of it stays. Bytes never change once
//! they are stored, so the twin shares them.

use super::relocate::{Destination, is_below};
use super::walk::Leaf;
use super::{Space, new_storage, now};
use crate::fault::{Fault, FaultKind};
use crate::identity::Caller;
use crate::names;
use crate::profile::moves::Copies;
use crate::store::nodes::{self, From, Kind, NodeId, Row};
use crate::store::{artifacts, copies, properties};
use rusqlite::Connection;
use std::sync::Arc;
use uuid::Uuid;

impl Space {
    /// Copies a node; answers the path of the copy.
    pub async fn duplicate(self: &Arc<Self>, caller: Caller, from: String, to: String) -> Result<String, Fault> {
        let space = Arc::clone(self);
        self.store.write(move |tx| space.duplicate_in(tx, &caller, &from, &to)).await
    }

    fn duplicate_in(&self, db: &Connection, caller: &Caller, from: &str, to: &str) -> Result<String, Fault> {
        let (source, row) = self.find(db, caller, from, Leaf::Keep)?;
        let Destination { walked, container, path, name } = self.destination(db, caller, to, &row.name)?;
        if row.kind == Kind::Container && is_below(&path, &source.path) {
            return Err(Fault::argument(format!("cannot copy {} into itself: {path}", source.path)));
        }
        if !self.may_write(caller, &walked, &container) || container.locked {
            return Err(Fault::denied(""));
        }
        let same_name = row.kind == Kind::Container && row.name == name;
        self.fail_at_bytes(db, &row)?;
        if self.profile.moves.copies == Copies::SameName && !same_name {
            return Err(Fault::argument(format!("cannot copy {} to {path} as {name}", source.path)));
        }
        let new_path = names::join(&path, &name);
        if nodes::child(db, container.id, &name)?.is_some() {
            return Err(Fault::new(FaultKind::DuplicateNode, format!("destination is an existing node: {new_path}")));
        }
        let rights = self.rights_in(caller, &source);
        let mut waiting = vec![(Row { name, ..row }, container.id)];
        while let Some((row, parent)) = waiting.pop() {
            if !rights.may_read(&row) {
                return Err(Fault::denied(""));
            }
            let id = self.duplicate_row(db, caller, &row, parent)?;
            if row.kind == Kind::Container {
                let children = nodes::children(db, row.id, &From::Arrival(NodeId(0)), usize::MAX)?;
                waiting.extend(children.into_iter().map(|child| (child, id)));
            }
        }
        self.child_changed(db, container.id)?;
        Ok(new_path)
    }

    fn duplicate_row(&self, db: &Connection, caller: &Caller, row: &Row, parent: NodeId) -> Result<NodeId, Fault> {
        let mut twin = Row { parent, locked: false, modified: now(), ..row.clone() };
        if let Some(name) = caller.name() {
            name.clone_into(&mut twin.owner);
        }
        if row.kind == Kind::Data {
            twin.storage = new_storage();
        }
        twin.id = nodes::insert(db, &twin)?;
        nodes::update(db, &twin)?;
        for (uri, value) in properties::all(db, row.id)? {
            properties::set(db, twin.id, &uri, Some(&value))?;
        }
        if let Some(mut artifact) = artifacts::get(db, &row.storage)? {
            let blob = Uuid::new_v4().to_string();
            for site in copies::located(db, &row.storage)? {
                self.store.site(site).duplicate(&artifact.blob, &blob)?;
                artifact.storage.clone_from(&twin.storage);
                copies::replace(db, site, &artifacts::Artifact { blob: blob.clone(), ..artifact.clone() }, true)?;
            }
            artifacts::replace(db, &artifacts::Artifact { storage: twin.storage.clone(), blob, ..artifact })?;
        }
        Ok(twin.id)
    }
}
