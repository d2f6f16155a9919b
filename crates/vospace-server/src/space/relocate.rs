//! Move: a node gets another parent, another name, or both.
//!
//! The rules are those of CADC's library (observed on both services): onto a container means into it; onto anything
//! else is refused, there is no replacing; a container is refused wherever the text of the destination contains the
//! text of the source, even if it is no descendant; nothing can be moved into the root; the caller becomes the owner.

use super::walk::{Leaf, Walked};
use super::{NULL, Space, now};
use crate::fault::{Fault, FaultKind};
use crate::identity::Caller;
use crate::names;
use crate::profile::Metadata;
use crate::profile::moves::{BelowItself, MovedLink};
use crate::store::artifacts;
use crate::store::nodes::{self, Copied, Kind, ROOT, Row};
use rusqlite::Connection;
use std::sync::Arc;

/// Where a moved or copied node comes to lie.
pub(super) struct Destination {
    /// The walk to it.
    pub(super) walked: Walked,
    /// The container that it will be in.
    pub(super) container: Row,
    /// That container's path.
    pub(super) path: String,
    /// The name that it will have.
    pub(super) name: String,
}

impl Space {
    /// Moves a node; answers its new path.
    pub async fn relocate(self: &Arc<Self>, caller: Caller, from: String, to: String) -> Result<String, Fault> {
        if self.profile.reserved_names && to.ends_with(NULL) {
            return self.discard(caller, from, to).await;
        }
        let to = self.named(to);
        if self.profile.moves.below_itself == BelowItself::Lost && is_below(&to, &from) && to != from {
            return self.discard(caller, from, to).await;
        }
        let space = Arc::clone(self);
        let (path, blobs) = self
            .store
            .write(move |tx| {
                if !space.profile.move_cuts_names {
                    return Ok((space.relocate_in(tx, &caller, &from, &to)?, Vec::new()));
                }
                let cut = names::pasted(&to)?;
                let blobs = if cut == to { Vec::new() } else { space.make_way(tx, &caller, &cut)? };
                Ok((space.relocate_in(tx, &caller, &from, &cut)?, blobs))
            })
            .await?;
        self.drop_blobs(blobs);
        Ok(path)
    }

    /// Removes what is moved to nowhere, with all that is in it.
    async fn discard(self: &Arc<Self>, caller: Caller, from: String, to: String) -> Result<String, Fault> {
        let (finder, user, wanted) = (Arc::clone(self), caller.clone(), from.clone());
        let (_, row) = self.store.read(move |db| finder.find(db, &user, &wanted, Leaf::Keep)).await?;
        if row.kind == Kind::Container {
            self.remove_tree(caller, from, Arc::default()).await?;
        } else {
            self.remove(caller, from).await?;
        }
        Ok(to)
    }

    /// Removes the file that a destination hits whose name was cut: the check for an existing node saw the whole name.
    fn make_way(&self, db: &Connection, caller: &Caller, to: &str) -> Result<Vec<String>, Fault> {
        match self.walk(db, caller, to, Leaf::Keep)?.leaf {
            Some(row) if row.kind == Kind::Data => self.remove_row(db, &row),
            _ => Ok(Vec::new()),
        }
    }

    fn relocate_in(&self, db: &Connection, caller: &Caller, from: &str, to: &str) -> Result<String, Fault> {
        let duplicate = |text: String| Fault::new(FaultKind::DuplicateNode, text);
        // The text of a permission fault is the bare word: clients compare it.
        let denied = || Fault::denied("");
        let bare = |fault: Fault| if fault.kind() == FaultKind::PermissionDenied { denied() } else { fault };

        let source = self.walk(db, caller, from, Leaf::Keep).map_err(|fault| match fault.kind() {
            FaultKind::NodeNotFound => Fault::new(FaultKind::NodeNotFound, from),
            _ => bare(fault),
        })?;
        let row = source.leaf.clone().ok_or_else(|| Fault::new(FaultKind::NodeNotFound, from))?;
        let source_parent = source.parent().ok_or_else(|| Fault::argument("cannot move the root container"))?;

        let Destination { walked: destination, container, path: container_path, name } =
            self.destination(db, caller, to, &row.name)?;
        let habits = &self.profile.moves;
        let below = match habits.below_itself {
            BelowItself::RefusedByText => container_path.contains(&source.path),
            BelowItself::Refused | BelowItself::Lost => is_below(&container_path, &source.path),
        };
        if row.kind == Kind::Container && below {
            return Err(Fault::argument(format!(
                "Cannot move container node into its descendants: {} to {container_path}",
                source.path
            )));
        }
        let may = |walked, parent: &Row| self.may_write(caller, walked, parent) && !parent.locked;
        if !may(&source, source_parent) || !may(&destination, &container) {
            return Err(denied());
        }
        let new_path = names::join(&container_path, &name);
        if nodes::child(db, container.id, &name)?.is_some() {
            return Err(duplicate(format!("destination is an existing node: {new_path}")));
        }
        if row.kind == Kind::Link && habits.links == MovedLink::Refused {
            return Err(Fault::new(FaultKind::LinkFound, self.uri(&source.path)));
        }
        self.fail_at_bytes(db, &row)?;
        if container.id == ROOT && !habits.into_root {
            return Err(Fault::argument("args must both be peristent nodes before move"));
        }
        let old_parent = row.parent;
        let mut moved = Row { parent: container.id, name, ..row };
        if let Some(owner) = caller.name().filter(|_| habits.mover_owns) {
            owner.clone_into(&mut moved.owner);
        }
        if self.profile.metadata == Metadata::Copied {
            moved.modified = now();
            if !self.refreshes_at_once() {
                moved.copied = Copied { length: moved.copied.length, ..Copied::default() };
            }
        }
        nodes::update(db, &moved)?;
        if moved.kind == Kind::Link && habits.links == MovedLink::Emptied {
            nodes::lose_target(db, moved.id)?;
        }
        self.child_changed(db, old_parent)?;
        self.child_changed(db, container.id)?;
        Ok(new_path)
    }

    /// Fails at a node that holds bytes, where that is a defect of the service.
    pub(super) fn fail_at_bytes(&self, db: &Connection, row: &Row) -> Result<(), Fault> {
        let holds = row.kind == Kind::Data && artifacts::get(db, &row.storage)?.is_some();
        if holds && self.profile.moves.bytes_fail { Err(Fault::plain(500, "'space_name'")) } else { Ok(()) }
    }

    /// Where a node of this name comes to lie that is moved or copied to a path.
    pub(super) fn destination(
        &self,
        db: &Connection,
        caller: &Caller,
        to: &str,
        own_name: &str,
    ) -> Result<Destination, Fault> {
        let duplicate = |text: String| Fault::new(FaultKind::DuplicateNode, text);
        let destination = self.walk(db, caller, to, Leaf::Follow).map_err(|fault| match fault.kind() {
            FaultKind::NodeNotFound => {
                Fault::new(FaultKind::NodeNotFound, format!("Parent directory for destination {to} not found"))
            }
            FaultKind::PermissionDenied => Fault::denied(""),
            _ => fault,
        })?;
        let (container, path, name) = match &destination.leaf {
            Some(found) if found.kind == Kind::Container && self.profile.moves.into_containers => {
                (found.clone(), destination.path.clone(), own_name.to_owned())
            }
            Some(found) if found.kind == Kind::Data => {
                return Err(duplicate(format!("destination is an existing DataNode: {to}")));
            }
            Some(_) => return Err(duplicate(format!("destination (parent) is not ContainerNode: {to}"))),
            None if destination.through_link => return Err(Fault::new(FaultKind::UnreadableLinkTarget, to)),
            None => {
                let parent = destination.parent().ok_or_else(|| Fault::argument("no destination"))?;
                let (parent_path, name) =
                    names::split(&destination.path).ok_or_else(|| Fault::argument("no destination"))?;
                (parent.clone(), parent_path.to_owned(), name.to_owned())
            }
        };
        Ok(Destination { walked: destination, container, path, name })
    }
}

/// Whether a path is another one, or below it.
pub fn is_below(path: &str, ancestor: &str) -> bool {
    path.strip_prefix(ancestor).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
