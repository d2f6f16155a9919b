//! Permissions: who may read and write a node.
//!
//! Read: everyone if the node is public, else its owner, the owner of the allocation that it is in, and the members of
//! its `groupread` and `groupwrite` groups. Write: the owner, the allocation's owner and the members of `groupwrite`.
//! The public never writes. Removing or creating a child asks for write on the parent only. Walking a path needs read on
//! every container on it; that is the walk's business. An anonymous caller is member of no group.

use crate::identity::Caller;
use crate::store::nodes::Row;
use std::collections::{HashMap, HashSet};

/// The groups and their members.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    members: HashMap<String, HashSet<String>>,
}

impl Groups {
    /// Adds members to a group.
    pub fn add(&mut self, group: &str, members: impl IntoIterator<Item = String>) {
        self.members.entry(group.to_owned()).or_default().extend(members);
    }

    /// Whether the user is in one of these groups: `ivo://authority/gms?name`, separated by blanks.
    fn contains(&self, list: &str, user: &str) -> bool {
        list.split_whitespace()
            .map(|group| group.split_once('?').map_or(group, |(_, name)| name))
            .filter_map(|name| self.members.get(name))
            .any(|members| members.contains(user))
    }
}

/// What one caller may do below one allocation.
#[derive(Clone, Copy, Debug)]
pub struct Rights<'a> {
    /// Who calls.
    pub caller: &'a Caller,
    /// The groups.
    pub groups: &'a Groups,
    /// The owner of the enclosing allocation, if the node is in one.
    pub allocation_owner: Option<&'a str>,
    /// Whether everybody may change what is public.
    pub public_is_open: bool,
}

impl Rights<'_> {
    /// Whether the caller owns the node or the allocation that it is in.
    pub fn owns(&self, row: &Row) -> bool {
        self.caller.name().is_some_and(|name| row.owner == name || self.allocation_owner == Some(name))
    }

    /// Whether the node's content may be seen.
    pub fn may_read(&self, row: &Row) -> bool {
        row.is_public
            || self.owns(row)
            || self.caller.member().is_some_and(|name| {
                self.groups.contains(&row.group_read, name) || self.groups.contains(&row.group_write, name)
            })
    }

    /// Whether the node may be changed, if it is not locked.
    pub fn may_write(&self, row: &Row) -> bool {
        self.owns(row)
            || (self.public_is_open && row.is_public)
            || self.caller.member().is_some_and(|name| self.groups.contains(&row.group_write, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::nodes::{Copied, Kind, NodeId};
    use std::sync::Arc;

    fn row(public: bool, read: &str, write: &str) -> Row {
        Row {
            id: NodeId(5),
            parent: NodeId(1),
            name: "n".into(),
            kind: Kind::Data,
            target: None,
            owner: "ada".into(),
            is_public: public,
            inherit: false,
            locked: false,
            group_read: read.into(),
            group_write: write.into(),
            quota: None,
            storage: String::new(),
            modified: 0,
            copied: Copied::default(),
        }
    }

    #[test]
    fn owners_groups_and_the_public() {
        let mut groups = Groups::default();
        groups.add("team", ["bob".to_owned()]);
        let team = "ivo://a/gms?other ivo://a/gms?team";
        let check = |user: Option<&str>, allocation_owner, row: &Row| {
            let caller = user.map_or(Caller::Anonymous, |name| Caller::User(Arc::from(name)));
            let rights = Rights { caller: &caller, groups: &groups, allocation_owner, public_is_open: false };
            (rights.may_read(row), rights.may_write(row))
        };
        assert_eq!(check(Some("ada"), None, &row(false, "", "")), (true, true));
        assert_eq!(check(Some("bob"), None, &row(false, "", "")), (false, false));
        assert_eq!(check(Some("bob"), None, &row(false, team, "")), (true, false));
        assert_eq!(check(Some("bob"), None, &row(false, "", team)), (true, true));
        assert_eq!(check(Some("eve"), Some("eve"), &row(false, "", "")), (true, true));
        assert_eq!(check(None, None, &row(true, "", team)), (true, false));
        assert_eq!(check(None, None, &row(false, team, team)), (false, false));
    }
}
