//! One directory in memory: its nodes in a row, and a table that leads from names to them.

use std::collections::HashMap;
use std::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::clock::Millis;

use super::packed::{Packed, Stamp};

/// Names known to be absent, of one directory. A program that tries names without end must not fill the memory.
const ABSENT: usize = 4096;

#[derive(Debug)]
pub(super) struct Directory {
    nodes: Vec<Packed>,
    by_name: HashTable<u32>,
    hasher: DefaultHashBuilder,
    absent: HashMap<Box<str>, Millis>,
    /// When the service last gave a complete listing.
    pub(super) listed: Option<Millis>,
    /// What SQLite has of it is in memory.
    pub(super) is_loaded: bool,
    /// The listing that is in the air; till it ends, the directory stays in memory.
    pub(super) in_air: Option<Stamp>,
    /// Single questions about names in it, one soon after the other, since the last complete listing.
    pub(super) questions: u32,
    /// When the last of them was.
    pub(super) asked: Option<Millis>,
    /// Until when an upload of our own outweighs what is listed; till then the directory stays in memory.
    pub(super) own_until: Millis,
    /// Changes whenever a kernel that keeps the listing would show something else than we.
    pub(super) revision: u64,
    /// The revision that a kernel was given from beginning to end.
    pub(super) shown: Option<u64>,
    /// Listings give names and kinds only: attributes are to be asked for singly.
    pub(super) only_names: bool,
}

impl Default for Directory {
    fn default() -> Self {
        Directory {
            nodes: Vec::new(),
            by_name: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            absent: HashMap::new(),
            listed: None,
            is_loaded: false,
            in_air: None,
            questions: 0,
            asked: None,
            own_until: Millis(0),
            revision: 0,
            shown: None,
            only_names: false,
        }
    }
}

impl Directory {
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn nodes(&self) -> &[Packed] {
        &self.nodes
    }

    fn place(&self, name: &str) -> Option<usize> {
        let found = self.by_name.find(self.hasher.hash_one(name), |at| self.nodes[*at as usize].name() == name);
        found.map(|at| *at as usize)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Packed> {
        self.place(name).map(|at| &self.nodes[at])
    }

    /// The next nodes behind `name`, in the order in which they came.
    pub(super) fn behind(&self, name: &str, count: usize) -> &[Packed] {
        let first = self.place(name).map_or(0, |at| at + 1);
        &self.nodes[first..self.nodes.len().min(first + count)]
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Packed> {
        self.place(name).map(|at| &mut self.nodes[at])
    }

    /// Puts a node in, in place of the one of its name; true when there was none.
    pub(super) fn insert(&mut self, node: Packed) -> bool {
        self.absent.remove(node.name());
        if let Some(at) = self.place(node.name()) {
            self.nodes[at] = node;
            return false;
        }
        let at = u32::try_from(self.nodes.len()).expect("invariant: memory does not hold four billion nodes");
        self.nodes.push(node);
        let (nodes, hasher) = (&self.nodes, &self.hasher);
        let hash = |at: &u32| hasher.hash_one(nodes[*at as usize].name());
        self.by_name.insert_unique(hash(&at), at, hash);
        true
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<Packed> {
        let hash = self.hasher.hash_one(name);
        let entry = self.by_name.find_entry(hash, |at| self.nodes[*at as usize].name() == name).ok()?;
        let (at, _) = entry.remove();
        // The last one takes the place of the removed one.
        let last = self.nodes.len() - 1;
        if at as usize != last {
            let hash = self.hasher.hash_one(self.nodes[last].name());
            if let Some(moved) = self.by_name.find_mut(hash, |other| *other as usize == last) {
                *moved = at;
            }
        }
        Some(self.nodes.swap_remove(at as usize))
    }

    /// Room for what is there and no more: a listing has come to its end.
    pub(super) fn settle(&mut self) {
        self.nodes.shrink_to_fit();
        self.absent = HashMap::new();
    }

    /// What a listing did not show.
    pub(super) fn unseen(&self, stamp: Stamp) -> impl Iterator<Item = &Packed> {
        self.nodes.iter().filter(move |node| node.seen != stamp)
    }

    /// This was read from SQLite; what memory knew meanwhile is newer.
    pub(super) fn take_over(&mut self, newer: Directory) {
        for name in newer.absent.keys() {
            self.remove(name);
        }
        for node in newer.nodes {
            self.insert(node);
        }
        self.absent = newer.absent;
        self.listed = newer.listed.or(self.listed);
        self.in_air = newer.in_air;
        self.own_until = newer.own_until;
        self.revision = newer.revision;
        self.shown = newer.shown;
        self.only_names = newer.only_names;
    }

    /// Nothing that is known of it is fresh any more.
    pub(super) fn expire(&mut self) {
        self.nodes.iter_mut().for_each(Packed::expire);
        self.absent.clear();
        self.doubt();
    }

    /// Its listing may lack a name, or have one too many. It can still be shown without the service.
    pub(super) fn doubt(&mut self) {
        self.listed = self.listed.map(|_| Millis(0));
        self.shown = None;
    }

    pub(super) fn absent_since(&self, name: &str) -> Option<Millis> {
        self.absent.get(name).copied()
    }

    pub(super) fn note_absent(&mut self, name: &str, now: Millis) {
        if self.absent.len() >= ABSENT {
            self.absent.clear();
        }
        self.absent.insert(name.into(), now);
    }

    pub(super) fn forget_absent(&mut self, name: &str) {
        self.absent.remove(name);
    }

    /// Bytes that it takes, names of more than 24 bytes aside.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.nodes.capacity() * size_of::<Packed>() + self.by_name.allocation_size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meta::{Kind, Meta};
    use crate::namespace::Known;

    fn node(name: &str, length: u64) -> Packed {
        let mut meta = Meta::new(Kind::File);
        meta.version.length = length;
        Packed::new(name, &Known { meta, fetched: Millis(1), own: None }, Stamp::default())
    }

    #[test]
    fn names_lead_to_their_nodes_after_any_removal() {
        let mut directory = Directory::default();
        for i in 0..1000 {
            assert!(directory.insert(node(&format!("n{i}"), i)));
        }
        assert!(!directory.insert(node("n7", 70)));
        for i in (0..1000).step_by(3) {
            assert!(directory.remove(&format!("n{i}")).is_some());
        }
        assert!(directory.remove("n0").is_none());
        for i in 0..1000 {
            let found = directory.get(&format!("n{i}")).and_then(Packed::meta).map(|meta| meta.version.length);
            let wanted = (i % 3 != 0).then_some(if i == 7 { 70 } else { i });
            assert_eq!(found, wanted, "n{i}");
        }
        assert_eq!(directory.len(), 666);
    }

    /// A regression here goes red before a large directory takes twice the memory.
    #[test]
    fn a_listed_node_takes_less_than_a_hundred_and_ten_bytes() {
        const COUNT: usize = 100_000;
        let mut directory = Directory::default();
        for i in 0..COUNT {
            directory.insert(node(&format!("exposure-{i:07}.fits"), 1));
        }
        directory.settle();
        assert!(directory.bytes() < 110 * COUNT, "{} bytes a node", directory.bytes() / COUNT);
    }
}
