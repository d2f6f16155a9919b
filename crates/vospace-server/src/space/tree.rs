//! Whole trees: recursive removal and recursive change of properties.
//!
//! Depth first and not transactional: the work is done in batches, a failed node is counted and passed over, and
//! between batches the job can be stopped. Memory is one frame per level of the tree.

use super::Space;
use super::changes::Changes;
use super::walk::Leaf;
use crate::fault::Fault;
use crate::identity::Caller;
use crate::store::nodes::{self, From, Kind, NodeId, ROOT, Row};
use rusqlite::Connection;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use vospace_client::node::Node;

/// Nodes handled in one transaction: other writers wait that long, some milliseconds.
const BATCH: usize = 500;

/// Failures after which a job gives up.
const MOST_FAILURES: u64 = 100;

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Nodes done.
    pub done: u64,
    /// Nodes refused.
    pub failed: u64,
}

struct Frame {
    row: Row,
    after: NodeId,
}

struct Removal {
    stack: Vec<Frame>,
    may_remove_root: bool,
    counts: Counts,
}

impl Space {
    /// Removes the tree at this path. A link at its root is followed: the target's tree goes and the link stays.
    pub async fn remove_tree(
        self: &Arc<Self>,
        caller: Caller,
        path: String,
        stop: Arc<AtomicBool>,
    ) -> Result<Counts, Fault> {
        let space = Arc::clone(self);
        let user = caller.clone();
        let (walked, root) = self.store.read(move |db| space.find(db, &user, &path, Leaf::Follow)).await?;
        let owner = walked.allocation_owner().map(str::to_owned);
        let may_remove_root = walked
            .parent()
            .is_some_and(|parent| self.may_write(&caller, &walked, parent) && !parent.locked && !root.locked);
        let mut state = Removal {
            stack: vec![Frame { row: root.clone(), after: NodeId(0) }],
            may_remove_root,
            counts: Counts::default(),
        };
        if root.kind != Kind::Container && !may_remove_root {
            return Err(Fault::denied(""));
        }
        while !state.stack.is_empty() && !stop.load(Ordering::Relaxed) {
            if state.counts.failed > MOST_FAILURES {
                return Err(Fault::plain(500, "Unexpected Exception: job aborted"));
            }
            let space = Arc::clone(self);
            let (user, owner) = (caller.clone(), owner.clone());
            let (next, blobs) = self
                .store
                .write(move |tx| {
                    let mut blobs = Vec::new();
                    for _ in 0..BATCH {
                        if state.stack.is_empty() {
                            break;
                        }
                        blobs.extend(space.removal_step(tx, &user, owner.as_deref(), &mut state)?);
                    }
                    Ok((state, blobs))
                })
                .await?;
            state = next;
            self.drop_blobs(blobs);
        }
        if state.counts.done == 0 && state.counts.failed > 0 {
            return Err(Fault::denied(""));
        }
        Ok(state.counts)
    }

    /// Removes one node, or goes one level down; answers the bytes to remove after the commit.
    fn removal_step(
        &self,
        db: &Connection,
        caller: &Caller,
        owner: Option<&str>,
        state: &mut Removal,
    ) -> Result<Vec<String>, Fault> {
        let rights = self.rights(caller, owner);
        let may_remove = |parent: &Row, row: &Row| rights.may_write(parent) && !parent.locked && !row.locked;
        let Some(frame) = state.stack.last_mut() else { return Ok(Vec::new()) };
        let next = if frame.row.kind == Kind::Container {
            nodes::children(db, frame.row.id, &From::Arrival(frame.after), 1)?.pop()
        } else {
            None
        };
        if let Some(child) = next {
            frame.after = child.id;
            if child.kind == Kind::Container && rights.may_read(&child) {
                // Also where it may not be removed itself: what is in it may be.
                state.stack.push(Frame { row: child, after: NodeId(0) });
            } else if child.kind == Kind::Container || !may_remove(&frame.row, &child) {
                state.counts.failed += 1;
            } else {
                state.counts.done += 1;
                return self.remove_row(db, &child);
            }
            return Ok(Vec::new());
        }
        let Some(Frame { row, .. }) = state.stack.pop() else { return Ok(Vec::new()) };
        let may = state.stack.last().map_or(state.may_remove_root, |parent| may_remove(&parent.row, &row));
        if row.id == ROOT || (may && row.kind == Kind::Container && nodes::has_children(db, row.id)?) {
            // What is not empty by now stays because of what was counted in it.
            return Ok(Vec::new());
        }
        if !may {
            state.counts.failed += 1;
            return Ok(Vec::new());
        }
        state.counts.done += 1;
        self.remove_row(db, &row)
    }

    /// Changes the properties of all nodes of the tree at this path.
    pub async fn set_tree(
        self: &Arc<Self>,
        caller: Caller,
        node: Node,
        stop: Arc<AtomicBool>,
    ) -> Result<Counts, Fault> {
        let space = Arc::clone(self);
        let (user, path) = (caller.clone(), node.uri.path().to_owned());
        let changes = Arc::new(Changes::of(self, &caller, &node)?);
        let (walked, root) = self.store.read(move |db| space.find(db, &user, &path, Leaf::Keep)).await?;
        let owner = walked.allocation_owner().map(str::to_owned);
        let mut counts = Counts::default();
        let mut stack = vec![Frame { row: root, after: NodeId(0) }];
        let mut fresh = true;
        while !stack.is_empty() && !stop.load(Ordering::Relaxed) {
            let space = Arc::clone(self);
            let (user, owner, changes) = (caller.clone(), owner.clone(), Arc::clone(&changes));
            (stack, counts, fresh) = self
                .store
                .write(move |tx| {
                    for _ in 0..BATCH {
                        let Some(frame) = stack.last_mut() else { break };
                        if fresh {
                            fresh = false;
                            if space.change_in_tree(tx, &user, owner.as_deref(), &frame.row, &changes)? {
                                counts.done += 1;
                            } else {
                                counts.failed += 1;
                            }
                        }
                        let child = if frame.row.kind == Kind::Container {
                            nodes::children(tx, frame.row.id, &From::Arrival(frame.after), 1)?.pop()
                        } else {
                            None
                        };
                        match child {
                            Some(child) => {
                                frame.after = child.id;
                                stack.push(Frame { row: child, after: NodeId(0) });
                                fresh = true;
                            }
                            None => {
                                stack.pop();
                            }
                        }
                    }
                    Ok((stack, counts, fresh))
                })
                .await?;
            if counts.failed > MOST_FAILURES {
                return Err(Fault::plain(500, "Unexpected Exception: job aborted"));
            }
        }
        if counts.done == 0 && counts.failed > 0 {
            return Err(Fault::denied(""));
        }
        Ok(counts)
    }

    /// Changes one node of a tree; tells whether it could be done.
    fn change_in_tree(
        &self,
        db: &Connection,
        caller: &Caller,
        owner: Option<&str>,
        row: &Row,
        changes: &Changes,
    ) -> Result<bool, Fault> {
        let unable = row.kind == Kind::Link && self.profile.links.symbolic;
        if unable || !self.rights(caller, owner).may_write(row) {
            return Ok(false);
        }
        let row = self.change_row(db, row.clone(), changes)?;
        Ok(matches!(self.lose_if_too_large(db, &row).map(|outcome| self.settle(outcome)), Ok(Ok(()))))
    }
}
