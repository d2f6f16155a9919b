//! The walk: from a path to a node, through containers that the caller may read and links on the way.
//!
//! Every container on the path asks for read permission; the leaf is not checked. A link in the middle is followed, one
//! at the leaf only if asked. A missing leaf is no fault here, since creation starts from it; a missing container on
//! the way is.

use super::{HOME, Space};
use crate::fault::{Fault, FaultKind};
use crate::identity::Caller;
use crate::profile::links::Within;
use crate::store::nodes::{self, Kind, ROOT, Row};
use rusqlite::Connection;
use std::collections::{HashSet, VecDeque};

/// Links followed in one walk (Vault and Cavern follow 21 and refuse the 22nd).
const LINK_LIMIT: usize = 21;

/// What to do with a link at the end of the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaf {
    /// It is the node.
    Keep,
    /// Its target is.
    Follow,
    /// It is the node, and what it is in need not be readable: so for a PUT of bytes in place.
    Write,
}

/// Where a walk ended.
#[derive(Clone, Debug)]
pub struct Walked {
    /// The containers from the root to the parent of the leaf; empty for the root itself.
    pub chain: Vec<Row>,
    /// The node, if it exists.
    pub leaf: Option<Row>,
    /// The path of the leaf with all links resolved.
    pub path: String,
    /// Whether a link at the leaf was followed.
    pub through_link: bool,
}

impl Walked {
    /// The container that the leaf is or would be in; `None` for the root.
    pub fn parent(&self) -> Option<&Row> {
        self.chain.last()
    }

    /// The owner of the allocation that the leaf is in: of the container below the root or below `/home`.
    pub fn allocation_owner(&self) -> Option<&str> {
        allocation_owner(self.chain.iter().chain(&self.leaf))
    }
}

fn allocation_owner<'a>(mut rows: impl Iterator<Item = &'a Row>) -> Option<&'a str> {
    rows.next();
    let top = rows.next()?;
    let allocation = if top.name == HOME { rows.next()? } else { top };
    (allocation.kind == Kind::Container).then_some(allocation.owner.as_str())
}

fn path_of(chain: &[Row], leaf: &str) -> String {
    let mut path = String::new();
    for row in chain.iter().skip(1) {
        path.push('/');
        path.push_str(&row.name);
    }
    path.push('/');
    path.push_str(leaf);
    path
}

impl Space {
    /// Walks a path.
    pub fn walk(&self, db: &Connection, caller: &Caller, path: &str, leaf: Leaf) -> Result<Walked, Fault> {
        let root = nodes::by_id(db, ROOT)?.ok_or_else(|| Fault::internal("the store has no root"))?;
        let mut rest: VecDeque<String> = components(path).collect();
        let mut chain = vec![root.clone()];
        let mut links = HashSet::new();
        let mut through_link = false;
        while let Some(name) = rest.pop_front() {
            let here = chain.last().expect("invariant: the chain starts with the root");
            let rights = self.rights(caller, allocation_owner(chain.iter()));
            let last = rest.is_empty();
            if !(last && leaf == Leaf::Write) {
                self.ask_groups(&rights, here, false)?;
                if !(rights.may_read(here) || self.profile.access.open_metadata) {
                    return Err(Fault::denied(self.uri(&path_of(&chain, ""))));
                }
            }
            match nodes::child(db, here.id, &name)? {
                Some(link) if link.kind == Kind::Link && (!last || leaf == Leaf::Follow) => {
                    let own_path = path_of(&chain, &name);
                    match self.profile.links.within {
                        _ if last => {}
                        Within::Followed => {}
                        Within::Refused | Within::RefusedOrNotFound => {
                            return Err(Fault::new(FaultKind::LinkFound, self.uri(&own_path)));
                        }
                        Within::RefusedResolved => {
                            let target = self.shown_target(&link, &own_path);
                            let names: Vec<_> = std::iter::once(target).chain(rest).collect();
                            return Err(Fault::new(FaultKind::LinkFound, names.join("/")));
                        }
                    }
                    through_link |= last;
                    if !links.insert(link.id) {
                        return Err(unreadable(format!("detected link node cycle: {}", self.uri(path))));
                    }
                    if links.len() > LINK_LIMIT {
                        return Err(unreadable("Exceeded link limit.".to_owned()));
                    }
                    let target = self.linked_path(&link, &own_path)?;
                    rest = components(&target).chain(rest).collect();
                    chain = vec![root.clone()];
                }
                child if last => {
                    let path = path_of(&chain, &name);
                    return Ok(Walked { chain, leaf: child, path, through_link });
                }
                Some(container) if container.kind == Kind::Container => chain.push(container),
                _ => return Err(self.not_found(path)),
            }
        }
        // The path, or the target of a link at its end, is the root or ended in a link to a container.
        let leaf = chain.pop();
        let name = leaf.as_ref().map(|row| row.name.clone()).unwrap_or_default();
        let path = if chain.is_empty() { "/".to_owned() } else { path_of(&chain, &name) };
        Ok(Walked { chain, leaf, path, through_link })
    }

    /// Walks to a node that must exist.
    pub fn find(&self, db: &Connection, caller: &Caller, path: &str, leaf: Leaf) -> Result<(Walked, Row), Fault> {
        let walked = self.walk(db, caller, path, leaf)?;
        match walked.leaf.clone() {
            Some(row) => Ok((walked, row)),
            None => Err(self.not_found(path)),
        }
    }
}

fn components(path: &str) -> impl Iterator<Item = String> {
    path.split('/').filter(|name| !name.is_empty()).map(str::to_owned)
}

fn unreadable(detail: String) -> Fault {
    Fault::new(FaultKind::UnreadableLinkTarget, detail)
}
