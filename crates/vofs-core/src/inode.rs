//! Inode numbers: number ↔ (parent, name), with the kernel's lookup counts.
//!
//! An inode stands for a *name in a directory*, not for bytes: its path is found by walking up, so that renaming a
//! directory moves all below it at no cost. An inode whose name was removed keeps its number, without a path, until
//! the kernel forgets it. A name that turns from a file into a directory gets a new number, because a kernel never
//! forgives a changed type.
//!
//! A number is drawn from the parent's number and the name, so that a name that the kernel forgot, or that the next mount
//! looks up, has the number that it had: `git`, `tar --listed-incremental` and `rsync` take a new number for a new file.
//! It is never that of two inodes at a time: who comes second draws again.
//!
//! Kernels know of as many inodes as their memory holds, a million and more, so a slot is 48 bytes and short names are
//! part of it; two tables of slot numbers lead to it. What is forgotten gives its room back.
//!
//! One lock, held for a few table operations, taken last: nothing else is locked under it.

use std::hash::{BuildHasher as _, DefaultHasher, Hash as _, Hasher as _};

use compact_str::CompactString;
use hashbrown::{DefaultHashBuilder, HashTable};
use parking_lot::Mutex;

use crate::path::NodePath;

/// The number of an inode; 1 is the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ino(pub u64);

impl Ino {
    /// The root of the mount.
    pub const ROOT: Ino = Ino(1);
}

/// What decides whether a name keeps its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Directory,
    File,
    Link,
}

/// A place in the slots.
type Index = u32;

/// The root's place.
const ROOT: Index = 0;

/// No place: of an inode whose name is gone, and of a free slot.
const NOWHERE: Index = Index::MAX;

/// Below so many slots it does not pay to give room back.
const FEW: usize = 4096;

#[derive(Debug)]
struct Inode {
    /// Zero in a free slot.
    ino: Ino,
    name: CompactString,
    /// Where its directory is; [`NOWHERE`] once its name is gone.
    parent: Index,
    /// References that the kernel holds. At the highest number it is not known any more, and the inode stays.
    lookups: u32,
    /// Inodes that hang below this one; their paths need it.
    children: u32,
    kind: Type,
}

#[derive(Debug)]
struct Inner {
    slots: Vec<Inode>,
    free: Vec<Index>,
    by_ino: HashTable<Index>,
    /// Of those that have a name.
    by_name: HashTable<Index>,
    hasher: DefaultHashBuilder,
    /// Inodes dropped since that was last asked for.
    dropped: usize,
}

/// The table of all inodes that the kernel knows, and their ancestors.
#[derive(Debug)]
pub(crate) struct InodeTable(Mutex<Inner>);

impl InodeTable {
    pub(crate) fn new() -> Self {
        let root = Inode {
            ino: Ino::ROOT,
            name: CompactString::default(),
            parent: NOWHERE,
            lookups: 1,
            children: 0,
            kind: Type::Directory,
        };
        let mut inner = Inner {
            slots: vec![root],
            free: Vec::new(),
            by_ino: HashTable::new(),
            by_name: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            dropped: 0,
        };
        inner.index(ROOT);
        InodeTable(Mutex::new(inner))
    }

    /// The number of `name` in `parent`, made if need be, with one more reference of the kernel.
    pub(crate) fn lookup(&self, parent: Ino, name: &str, kind: Type) -> Ino {
        self.0.lock().enter(parent, name, kind)
    }

    /// The number of `name` in `parent`, if the kernel knows of it.
    pub(crate) fn peek(&self, parent: Ino, name: &str) -> Option<Ino> {
        let inner = self.0.lock();
        let slot = inner.named(inner.find(parent)?, name)?;
        Some(inner.slots[slot as usize].ino)
    }

    /// The number of `name` in `parent` for a plain `readdir`, which gives the kernel no reference: the one that it has,
    /// or the one that it will have.
    pub(crate) fn number(&self, parent: Ino, name: &str) -> Ino {
        self.peek(parent, name).unwrap_or_else(|| draw(parent, name, 0))
    }

    /// The kernel drops `count` references.
    pub(crate) fn forget(&self, ino: Ino, count: u64) {
        let mut inner = self.0.lock();
        let Some(slot) = inner.find(ino) else { return };
        let inode = &mut inner.slots[slot as usize];
        if inode.lookups != u32::MAX {
            inode.lookups = inode.lookups.saturating_sub(u32::try_from(count).unwrap_or(u32::MAX));
        }
        inner.collect(slot);
    }

    /// Where the inode stands; `None` when it is unknown or its name was removed.
    pub(crate) fn path(&self, ino: Ino) -> Option<NodePath> {
        let inner = self.0.lock();
        let slot = inner.find(ino)?;
        inner.path(slot)
    }

    /// All that the kernel knows at or below `path`, with what they are.
    pub(crate) fn within(&self, path: &NodePath) -> Vec<(Ino, Type)> {
        let inner = self.0.lock();
        let mut top = ROOT;
        for name in path.components() {
            match inner.named(top, name) {
                Some(slot) => top = slot,
                None => return Vec::new(),
            }
        }
        let is_below = |mut slot: Index| {
            while slot != top {
                match inner.slots.get(slot as usize) {
                    Some(inode) => slot = inode.parent,
                    None => return false,
                }
            }
            true
        };
        let known = inner.slots.iter().enumerate().filter(|(_, inode)| inode.ino.0 != 0);
        known.filter(|(slot, _)| is_below(*slot as Index)).map(|(_, inode)| (inode.ino, inode.kind)).collect()
    }

    /// The directory that holds the inode (the root holds itself).
    pub(crate) fn parent(&self, ino: Ino) -> Option<Ino> {
        let inner = self.0.lock();
        let slot = inner.find(ino)?;
        if slot == ROOT {
            return Some(Ino::ROOT);
        }
        inner.slots.get(inner.slots[slot as usize].parent as usize).map(|parent| parent.ino)
    }

    /// The name is gone from its directory; the number lives on until it is forgotten.
    pub(crate) fn remove(&self, parent: Ino, name: &str) -> Option<Ino> {
        let mut inner = self.0.lock();
        let slot = inner.named(inner.find(parent)?, name)?;
        let ino = inner.slots[slot as usize].ino;
        inner.detach(slot);
        inner.collect(slot);
        Some(ino)
    }

    /// The same for the name at the end of `path`, if the kernel knows of it.
    pub(crate) fn unname(&self, path: &NodePath) -> Option<Ino> {
        let mut inner = self.0.lock();
        let mut slot = ROOT;
        for name in path.components() {
            slot = inner.named(slot, name)?;
        }
        if slot == ROOT {
            return None;
        }
        let ino = inner.slots[slot as usize].ino;
        inner.detach(slot);
        inner.collect(slot);
        Some(ino)
    }

    /// `from` is now called `to`; what bore that name before loses it.
    pub(crate) fn rename(&self, from: (Ino, &str), to: (Ino, &str)) {
        let mut inner = self.0.lock();
        let known = |inner: &Inner, at: (Ino, &str)| inner.named(inner.find(at.0)?, at.1);
        if from == to || known(&inner, from).is_none() {
            return;
        }
        if let Some(replaced) = known(&inner, to) {
            inner.detach(replaced);
            inner.collect(replaced);
        }
        // Only now: what was collected may have moved the slots.
        let Some(slot) = known(&inner, from) else { return };
        inner.detach(slot);
        match inner.find(to.0) {
            Some(parent) => inner.attach(slot, parent, to.1),
            // Nothing that the kernel knows leads there: the next look-up makes it anew.
            None => inner.collect(slot),
        }
    }

    /// How many inodes were dropped since this was last asked.
    pub(crate) fn take_dropped(&self) -> usize {
        std::mem::take(&mut self.0.lock().dropped)
    }

    /// How many inodes are held.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        let inner = self.0.lock();
        inner.slots.len() - inner.free.len()
    }

    /// Bytes that the table takes, names of more than 24 bytes aside.
    #[cfg(test)]
    fn bytes(&self) -> usize {
        let inner = self.0.lock();
        inner.slots.capacity() * size_of::<Inode>()
            + inner.free.capacity() * size_of::<Index>()
            + inner.by_ino.allocation_size()
            + inner.by_name.allocation_size()
    }
}

/// The number of a name at the given attempt. Never 0, which is none, nor the root's. The hasher is the same at each
/// start.
fn draw(parent: Ino, name: &str, attempt: u32) -> Ino {
    let mut hasher = DefaultHasher::new();
    (parent.0, name, attempt).hash(&mut hasher);
    // 62 bits: some programs take numbers with the highest bits set for negative ones.
    Ino((hasher.finish() >> 2).max(2))
}

impl Inner {
    fn hash_ino(&self, ino: Ino) -> u64 {
        self.hasher.hash_one(ino)
    }

    fn hash_name(&self, parent: Index, name: &str) -> u64 {
        self.hasher.hash_one((parent, name))
    }

    fn find(&self, ino: Ino) -> Option<Index> {
        self.by_ino.find(self.hash_ino(ino), |slot| self.slots[*slot as usize].ino == ino).copied()
    }

    fn named(&self, parent: Index, name: &str) -> Option<Index> {
        let is = |slot: &Index| {
            let inode = &self.slots[*slot as usize];
            inode.parent == parent && inode.name == name
        };
        self.by_name.find(self.hash_name(parent, name), is).copied()
    }

    fn enter(&mut self, parent: Ino, name: &str, kind: Type) -> Ino {
        let above = self.find(parent);
        if let Some(slot) = above.and_then(|above| self.named(above, name)) {
            let inode = &mut self.slots[slot as usize];
            if inode.kind == kind {
                inode.lookups = inode.lookups.saturating_add(1);
                return inode.ino;
            }
            self.detach(slot);
            self.collect(slot);
        }
        let mut attempt = 0;
        let ino = loop {
            let ino = draw(parent, name, attempt);
            if self.find(ino).is_none() {
                break ino;
            }
            attempt += 1;
        };
        let inode = Inode { ino, name: CompactString::default(), parent: NOWHERE, lookups: 1, children: 0, kind };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = inode;
                slot
            }
            None => {
                self.slots.push(inode);
                Index::try_from(self.slots.len() - 1).expect("invariant: memory does not hold four billion inodes")
            }
        };
        self.index(slot);
        // A parent that the kernel has forgotten meanwhile: the inode is there and leads nowhere.
        if let Some(above) = self.find(parent) {
            self.attach(slot, above, name);
        }
        ino
    }

    /// Enters a slot that has a number into the table of numbers.
    fn index(&mut self, slot: Index) {
        let (slots, hasher) = (&self.slots, &self.hasher);
        let hash = |slot: &Index| hasher.hash_one(slots[*slot as usize].ino);
        self.by_ino.insert_unique(hash(&slot), slot, hash);
    }

    fn path(&self, slot: Index) -> Option<NodePath> {
        let mut names = Vec::new();
        let mut at = slot;
        while at != ROOT {
            let inode = self.slots.get(at as usize)?;
            names.push(inode.name.as_str());
            at = inode.parent;
        }
        names.reverse();
        Some(NodePath::new(&names.join("/")))
    }

    fn attach(&mut self, slot: Index, parent: Index, name: &str) {
        self.slots[parent as usize].children += 1;
        let inode = &mut self.slots[slot as usize];
        inode.parent = parent;
        inode.name = CompactString::new(name);
        self.index_name(slot);
    }

    /// Enters a slot that has a name into the table of names.
    fn index_name(&mut self, slot: Index) {
        let (slots, hasher) = (&self.slots, &self.hasher);
        let hash = |slot: &Index| {
            let inode = &slots[*slot as usize];
            hasher.hash_one((inode.parent, inode.name.as_str()))
        };
        self.by_name.insert_unique(hash(&slot), slot, hash);
    }

    /// Takes the name away.
    fn detach(&mut self, slot: Index) {
        let inode = &self.slots[slot as usize];
        let parent = inode.parent;
        if parent == NOWHERE {
            return;
        }
        let hash = self.hash_name(parent, &inode.name);
        if let Ok(entry) = self.by_name.find_entry(hash, |other| *other == slot) {
            entry.remove();
        }
        self.slots[slot as usize].parent = NOWHERE;
        self.slots[slot as usize].name = CompactString::default();
        let above = &mut self.slots[parent as usize];
        above.children = above.children.saturating_sub(1);
    }

    /// Drops the inode, and then its ancestors, as far as neither the kernel nor a descendant needs them.
    fn collect(&mut self, slot: Index) {
        let mut at = slot;
        while at != ROOT {
            let inode = &self.slots[at as usize];
            if inode.lookups > 0 || inode.children > 0 {
                break;
            }
            let (parent, hash) = (inode.parent, self.hash_ino(inode.ino));
            self.detach(at);
            if let Ok(entry) = self.by_ino.find_entry(hash, |other| *other == at) {
                entry.remove();
            }
            self.slots[at as usize].ino = Ino(0);
            self.free.push(at);
            self.dropped += 1;
            if parent == NOWHERE {
                break;
            }
            at = parent;
        }
        if self.slots.len() > FEW && self.free.len() > self.slots.len() / 4 * 3 {
            self.give_room_back();
        }
    }

    /// Moves what is left together. Once in as many forgotten inodes as there are slots, so it costs nothing on average.
    fn give_room_back(&mut self) {
        let mut moved = vec![NOWHERE; self.slots.len()];
        let mut next = 0;
        for (old, _) in self.slots.iter().enumerate().filter(|(_, inode)| inode.ino != Ino(0)) {
            moved[old] = next;
            next += 1;
        }
        self.slots.retain(|inode| inode.ino != Ino(0));
        self.slots.shrink_to_fit();
        for inode in &mut self.slots {
            inode.parent = moved.get(inode.parent as usize).copied().unwrap_or(NOWHERE);
        }
        self.free = Vec::new();
        self.by_ino = HashTable::with_capacity(self.slots.len());
        self.by_name = HashTable::with_capacity(self.slots.len());
        for slot in 0..next {
            self.index(slot);
            if self.slots[slot as usize].parent != NOWHERE {
                self.index_name(slot);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forgotten_inodes_leave_nothing_behind() {
        let table = InodeTable::new();
        let dir = table.lookup(Ino::ROOT, "d", Type::Directory);
        let file = table.lookup(dir, "f", Type::File);
        assert_eq!(table.lookup(dir, "f", Type::File), file);
        table.forget(dir, 1);
        assert_eq!(table.path(file), Some(NodePath::new("d/f")), "a child keeps its directory");
        table.forget(file, 1);
        assert_eq!(table.len(), 3, "one reference is left");
        table.forget(file, 1);
        assert_eq!(table.len(), 1);
    }

    #[test]
    fn renaming_a_directory_moves_what_is_below() {
        let table = InodeTable::new();
        let dir = table.lookup(Ino::ROOT, "d", Type::Directory);
        let file = table.lookup(dir, "f", Type::File);
        let other = table.lookup(Ino::ROOT, "e", Type::Directory);
        table.rename((Ino::ROOT, "d"), (other, "sub"));
        assert_eq!(table.path(file), Some(NodePath::new("e/sub/f")));
        assert_eq!(table.peek(Ino::ROOT, "d"), None);
    }

    #[test]
    fn a_replaced_file_keeps_its_number_but_has_no_path() {
        let table = InodeTable::new();
        let old = table.lookup(Ino::ROOT, "a", Type::File);
        let new = table.lookup(Ino::ROOT, "b", Type::File);
        table.rename((Ino::ROOT, "b"), (Ino::ROOT, "a"));
        assert_eq!(table.path(old), None);
        assert_eq!(table.path(new), Some(NodePath::new("a")));
    }

    #[test]
    fn a_name_that_changes_its_type_gets_a_new_number() {
        let table = InodeTable::new();
        let file = table.lookup(Ino::ROOT, "x", Type::File);
        let directory = table.lookup(Ino::ROOT, "x", Type::Directory);
        assert_ne!(file, directory);
        assert_eq!(table.path(file), None);
    }

    #[test]
    fn a_forgotten_name_gets_its_number_again_and_never_one_that_is_in_use() {
        let table = InodeTable::new();
        let first = table.lookup(Ino::ROOT, "x", Type::File);
        assert_eq!(table.number(Ino::ROOT, "x"), first);
        table.forget(first, 1);
        assert_eq!(table.number(Ino::ROOT, "x"), first, "as it will be");
        assert_eq!(table.lookup(Ino::ROOT, "x", Type::File), first);
        table.remove(Ino::ROOT, "x");
        let second = table.lookup(Ino::ROOT, "x", Type::File);
        assert_ne!(first, second, "the removed file is still open");
        assert_eq!((table.path(first), table.path(second)), (None, Some(NodePath::new("x"))));
        assert_eq!(InodeTable::new().lookup(Ino::ROOT, "x", Type::File), first, "at the next mount");
    }

    /// A regression here goes red before a mount of a million nodes takes twice the memory.
    #[test]
    fn an_inode_takes_less_than_eighty_bytes_and_gives_them_back() {
        const COUNT: usize = 200_000;
        let table = InodeTable::new();
        let directory = table.lookup(Ino::ROOT, "d", Type::Directory);
        let name = |i: usize| format!("exposure-{i:07}.fits");
        let all: Vec<Ino> = (0..COUNT).map(|i| table.lookup(directory, &name(i), Type::File)).collect();
        assert!(table.bytes() < 80 * COUNT, "{} bytes an inode", table.bytes() / COUNT);
        for ino in &all[100..] {
            table.forget(*ino, 1);
        }
        assert_eq!(table.len(), 102);
        assert_eq!((table.take_dropped(), table.take_dropped()), (COUNT - 100, 0));
        assert!(table.bytes() < 1 << 20, "{} bytes for 102 inodes", table.bytes());
        for (i, ino) in all[..100].iter().enumerate() {
            assert_eq!(table.path(*ino), Some(NodePath::new(&format!("d/{}", name(i)))));
            assert_eq!(table.peek(directory, &name(i)), Some(*ino));
        }
        assert_eq!(table.peek(directory, &name(100)), None);
    }
}
