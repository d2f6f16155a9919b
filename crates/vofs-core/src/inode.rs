//! Inode numbers: number ↔ (parent, name), with the kernel's lookup counts.
//!
//! An inode stands for a *name in a directory*, not for bytes: its path is found by walking up, so that renaming a
//! directory moves all below it at no cost. An inode whose name was removed keeps its number, without a path, until
//! the kernel forgets it. A name that turns from a file into a directory gets a new number, because a kernel never
//! forgives a changed type. Numbers are not reused within a mount.
//!
//! One lock, held for a few map operations, taken last: nothing else is locked under it.

use std::collections::HashMap;

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

#[derive(Debug)]
struct Inode {
    /// Where it hangs; `None` once its name is gone.
    place: Option<(Ino, String)>,
    kind: Type,
    /// References that the kernel holds.
    lookups: u64,
    /// Inodes that hang below this one; their paths need it.
    children: u64,
}

#[derive(Debug)]
struct Inner {
    inodes: HashMap<Ino, Inode>,
    names: HashMap<(Ino, String), Ino>,
    next: u64,
}

/// The table of all inodes that the kernel knows, and their ancestors.
#[derive(Debug)]
pub(crate) struct InodeTable(Mutex<Inner>);

impl InodeTable {
    pub(crate) fn new() -> Self {
        let root = Inode { place: None, kind: Type::Directory, lookups: 1, children: 0 };
        InodeTable(Mutex::new(Inner { inodes: HashMap::from([(Ino::ROOT, root)]), names: HashMap::new(), next: 2 }))
    }

    /// The number of `name` in `parent`, made if need be, with one more reference of the kernel.
    pub(crate) fn lookup(&self, parent: Ino, name: &str, kind: Type) -> Ino {
        self.0.lock().enter(parent, name, kind, 1)
    }

    /// The number of `name` in `parent` for a plain `readdir`, which gives the kernel no reference: an inode that is not
    /// known gets none.
    pub(crate) fn peek(&self, parent: Ino, name: &str) -> Option<Ino> {
        self.0.lock().names.get(&(parent, name.to_owned())).copied()
    }

    /// The kernel drops `count` references.
    pub(crate) fn forget(&self, ino: Ino, count: u64) {
        let mut inner = self.0.lock();
        if let Some(inode) = inner.inodes.get_mut(&ino) {
            inode.lookups = inode.lookups.saturating_sub(count);
        }
        inner.collect(ino);
    }

    /// Where the inode stands; `None` when it is unknown or its name was removed.
    pub(crate) fn path(&self, ino: Ino) -> Option<NodePath> {
        self.0.lock().path(ino)
    }

    /// The directory that holds the inode (the root holds itself).
    pub(crate) fn parent(&self, ino: Ino) -> Option<Ino> {
        let inner = self.0.lock();
        inner
            .inodes
            .get(&ino)?
            .place
            .as_ref()
            .map_or((ino == Ino::ROOT).then_some(Ino::ROOT), |(parent, _)| Some(*parent))
    }

    /// The name is gone from its directory; the number lives on until it is forgotten.
    pub(crate) fn remove(&self, parent: Ino, name: &str) -> Option<Ino> {
        let mut inner = self.0.lock();
        let ino = inner.names.get(&(parent, name.to_owned())).copied()?;
        inner.detach(ino);
        inner.collect(ino);
        Some(ino)
    }

    /// `from` is now called `to`; what bore that name before loses it.
    pub(crate) fn rename(&self, from: (Ino, &str), to: (Ino, &str)) {
        let mut inner = self.0.lock();
        let Some(ino) = inner.names.get(&(from.0, from.1.to_owned())).copied() else { return };
        if let Some(replaced) = inner.names.get(&(to.0, to.1.to_owned())).copied() {
            inner.detach(replaced);
            inner.collect(replaced);
        }
        inner.detach(ino);
        inner.attach(ino, to.0, to.1);
    }

    /// How many inodes are held, for the status and for tests.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.lock().inodes.len()
    }
}

impl Inner {
    fn enter(&mut self, parent: Ino, name: &str, kind: Type, references: u64) -> Ino {
        let key = (parent, name.to_owned());
        if let Some(ino) = self.names.get(&key).copied() {
            let inode = self.inodes.get_mut(&ino).expect("invariant: a name leads to an inode");
            if inode.kind == kind {
                inode.lookups += references;
                return ino;
            }
            self.detach(ino);
            self.collect(ino);
        }
        let ino = Ino(self.next);
        self.next += 1;
        self.inodes.insert(ino, Inode { place: None, kind, lookups: references, children: 0 });
        self.attach(ino, parent, name);
        ino
    }

    fn path(&self, ino: Ino) -> Option<NodePath> {
        let mut names = Vec::new();
        let mut at = ino;
        while at != Ino::ROOT {
            let (parent, name) = self.inodes.get(&at)?.place.as_ref()?;
            names.push(name.as_str());
            at = *parent;
        }
        names.reverse();
        Some(NodePath::new(&names.join("/")))
    }

    fn attach(&mut self, ino: Ino, parent: Ino, name: &str) {
        if let Some(above) = self.inodes.get_mut(&parent) {
            above.children += 1;
        }
        if let Some(inode) = self.inodes.get_mut(&ino) {
            inode.place = Some((parent, name.to_owned()));
        }
        self.names.insert((parent, name.to_owned()), ino);
    }

    fn detach(&mut self, ino: Ino) {
        let Some(place) = self.inodes.get_mut(&ino).and_then(|inode| inode.place.take()) else { return };
        if let Some(above) = self.inodes.get_mut(&place.0) {
            above.children = above.children.saturating_sub(1);
        }
        self.names.remove(&place);
    }

    /// Drops the inode, and then its ancestors, as far as neither the kernel nor a descendant needs them.
    fn collect(&mut self, ino: Ino) {
        let mut at = ino;
        while at != Ino::ROOT {
            let Some(inode) = self.inodes.get(&at) else { return };
            if inode.lookups > 0 || inode.children > 0 {
                return;
            }
            let parent = inode.place.as_ref().map(|(parent, _)| *parent);
            self.detach(at);
            self.inodes.remove(&at);
            let Some(parent) = parent else { return };
            at = parent;
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
}
