//! The plain file system that the engine is held against: one world of those that may be.
//!
//! Beside what programs see stands what is promised: a kill takes a world back to that, but for changes that were on their way.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::steps::{Op, SLOTS};

/// Directories have no bytes.
pub(super) type Node = Option<Bytes>;

/// All paths but the root.
pub(super) type Tree = BTreeMap<String, Node>;

/// What a program has open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Held {
    Named(String),
    /// Its name was removed or taken.
    Nameless(Bytes),
}

/// The operation is impossible: some errno that is no accident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Impossible;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct World {
    /// What programs see.
    pub(super) seen: Tree,
    /// What is there after a kill, at least.
    pub(super) promised: Tree,
    /// Contents on the way from what is promised to what is seen, which an upload may have made durable by itself.
    pub(super) between: BTreeMap<String, Vec<Bytes>>,
    pub(super) open: [Option<Held>; SLOTS],
    /// Renames whose program was told of a failure, or was killed: they may come about yet.
    pub(super) late: Vec<(String, String)>,
}

/// The directory that holds `path`.
pub(super) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// `path` after `from` became `to`.
pub(super) fn moved(path: &str, from: &str, to: &str) -> Option<String> {
    let rest = path.strip_prefix(from)?;
    (rest.is_empty() || rest.starts_with('/')).then(|| format!("{to}{rest}"))
}

/// Has whatever stands at and below `from` stand at `to`, in the place of what is there.
pub(super) fn relocate<T>(tree: &mut BTreeMap<String, T>, from: &str, to: &str) {
    tree.retain(|path, _| moved(path, to, to).is_none());
    let there: Vec<_> = tree.keys().filter_map(|path| Some((path.clone(), moved(path, from, to)?))).collect();
    for (old, new) in there {
        if let Some(node) = tree.remove(&old) {
            tree.insert(new, node);
        }
    }
}

/// `bytes` at `offset` of what was `former`.
pub(super) fn written(former: &[u8], offset: usize, bytes: &[u8]) -> Bytes {
    let mut file = former.to_vec();
    if !bytes.is_empty() {
        file.resize(file.len().max(offset + bytes.len()), 0);
        file[offset..offset + bytes.len()].copy_from_slice(bytes);
    }
    file.into()
}

/// Whether each byte is that of one of them at its place, and the length that of one.
fn is_made_of(bytes: &[u8], whole: &[&Bytes]) -> bool {
    let is_at = |(at, byte): (usize, &u8)| whole.iter().any(|one| one.get(at) == Some(byte));
    whole.iter().any(|one| one.len() == bytes.len()) && bytes.iter().enumerate().all(is_at)
}

impl World {
    pub(super) fn is_directory(&self, path: &str) -> bool {
        path.is_empty() || matches!(self.seen.get(path), Some(None))
    }

    pub(super) fn file(&self, path: &str) -> Option<&Bytes> {
        self.seen.get(path)?.as_ref()
    }

    pub(super) fn names(&self, directory: &str) -> Vec<String> {
        let children = self.seen.keys().filter(|path| parent(path) == directory);
        let mut names: Vec<_> = children.map(|path| path.rsplit('/').next().unwrap_or_default().to_owned()).collect();
        names.sort();
        names
    }

    /// What a program reads through its open file.
    pub(super) fn held(&self, slot: usize) -> Option<&Bytes> {
        match self.open[slot].as_ref()? {
            Held::Named(path) => self.file(path),
            Held::Nameless(bytes) => Some(bytes),
        }
    }

    /// False where a path leads through something that is no directory.
    pub(super) fn can_be_looked_at(&self, op: &Op) -> bool {
        match op {
            Op::Read { path } => self.is_directory(parent(path)),
            Op::List { path } => self.is_directory(path),
            _ => true,
        }
    }

    /// Where a file can be made or is.
    fn place_of_file(&self, path: &str) -> Result<(), Impossible> {
        if self.is_directory(path) || !self.is_directory(parent(path)) { Err(Impossible) } else { Ok(()) }
    }

    /// What was seen of a file is promised.
    fn promise(&mut self, path: &str) {
        if let Some(node) = self.seen.get(path) {
            self.promised.insert(path.to_owned(), node.clone());
        }
        self.between.remove(path);
    }

    /// A program changed a file, and was promised nothing yet.
    fn change(&mut self, path: &str, bytes: Bytes) {
        if let Some(Some(former)) = self.seen.insert(path.to_owned(), Some(bytes)) {
            self.between.entry(path.to_owned()).or_default().push(former);
        }
    }

    /// Who has these open keeps them without a name.
    fn part(&mut self, path: &str) {
        for slot in 0..SLOTS {
            if self.open[slot] == Some(Held::Named(path.to_owned())) {
                self.open[slot] = self.held(slot).cloned().map(Held::Nameless);
            }
        }
    }

    /// What the operation makes of this world; `stamp` is what it writes.
    pub(super) fn after(&self, op: &Op, stamp: u8) -> Result<World, Impossible> {
        let mut world = self.clone();
        match op {
            Op::Write { path, offset, length, truncate } => {
                world.place_of_file(path)?;
                let former = world.file(path).filter(|_| !truncate).cloned().unwrap_or_default();
                world.seen.insert((*path).to_owned(), Some(written(&former, *offset, &vec![stamp; *length])));
                world.promise(path);
            }
            Op::Append { path, length } => {
                world.place_of_file(path)?;
                let former = world.file(path).cloned().unwrap_or_default();
                world.seen.insert((*path).to_owned(), Some(written(&former, former.len(), &vec![stamp; *length])));
                world.promise(path);
            }
            Op::Resize { path, length } => {
                let mut file = world.file(path).ok_or(Impossible)?.to_vec();
                file.resize(*length, 0);
                world.change(path, file.into());
                // Otherwise who has it open is promised it with the rest.
                if !world.open.contains(&Some(Held::Named((*path).to_owned()))) {
                    world.promise(path);
                }
            }
            Op::Rename { from, to } => world.rename(from, to)?,
            Op::Unlink { path } => {
                world.file(path).ok_or(Impossible)?;
                world.part(path);
                world.forget(path);
            }
            Op::Mkdir { path } => {
                if world.seen.contains_key(*path) || !world.is_directory(parent(path)) {
                    return Err(Impossible);
                }
                world.seen.insert((*path).to_owned(), None);
                world.promised.insert((*path).to_owned(), None);
            }
            Op::Rmdir { path } => {
                if !world.is_directory(path) || !world.names(path).is_empty() {
                    return Err(Impossible);
                }
                world.forget(path);
            }
            Op::Open { slot, path } => {
                world.place_of_file(path)?;
                if world.file(path).is_none() {
                    world.seen.insert((*path).to_owned(), Some(Bytes::new()));
                }
                world.open[*slot] = Some(Held::Named((*path).to_owned()));
            }
            Op::Poke { slot, offset, length } => {
                let bytes = written(world.held(*slot).ok_or(Impossible)?, *offset, &vec![stamp; *length]);
                match world.open[*slot].clone() {
                    Some(Held::Named(path)) => world.change(&path, bytes),
                    _ => world.open[*slot] = Some(Held::Nameless(bytes)),
                }
            }
            Op::Sync { slot } => world.promise_held(*slot),
            Op::Shut { slot } => {
                world.promise_held(*slot);
                world.open[*slot] = None;
            }
            Op::Read { .. } | Op::Peek { .. } | Op::List { .. } => {}
        }
        Ok(world)
    }

    fn promise_held(&mut self, slot: usize) {
        if let Some(Held::Named(path)) = self.open[slot].clone() {
            self.promise(&path);
        }
    }

    fn forget(&mut self, path: &str) {
        self.seen.remove(path);
        self.promised.remove(path);
        self.between.remove(path);
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), Impossible> {
        let Some(source) = self.seen.get(from) else { return Err(Impossible) };
        if from == to {
            return Ok(());
        }
        if moved(to, from, from).is_some() || !self.is_directory(parent(to)) {
            return Err(Impossible);
        }
        match (source, self.seen.get(to)) {
            (Some(_), Some(None)) | (None, Some(Some(_))) => return Err(Impossible),
            (None, Some(None)) if !self.names(to).is_empty() => return Err(Impossible),
            _ => {}
        }
        self.part(to);
        for slot in self.open.iter_mut().flatten() {
            if let Held::Named(path) = slot
                && let Some(new) = moved(path, from, to)
            {
                *path = new;
            }
        }
        relocate(&mut self.seen, from, to);
        relocate(&mut self.between, from, to);
        // A file of which nothing is promised takes a name, and what the name promises stays.
        if self.promised.contains_key(from) {
            relocate(&mut self.promised, from, to);
        }
        Ok(())
    }

    /// With each of the renames that may come about yet done, or not.
    pub(super) fn with_late(self) -> Vec<World> {
        let mut worlds = Vec::new();
        for number in 0..self.late.len() {
            let mut done = self.clone();
            let (from, to) = done.late.remove(number);
            if done.rename(&from, &to).is_ok() {
                worlds.extend(done.with_late());
            }
        }
        worlds.push(self);
        worlds
    }

    /// What may be there when the daemon was killed, and the next one `found` this. Of a write that nothing was promised of a part may
    /// have come to the disk, as on every file system: then what was found shows which.
    pub(super) fn killed(self, found: &Tree) -> Vec<World> {
        let mut trees = vec![self.promised.clone()];
        let paths: Vec<_> = self.seen.keys().chain(self.promised.keys()).collect();
        for path in paths {
            let (seen, promised) = (self.seen.get(path), self.promised.get(path));
            if seen == promised {
                continue;
            }
            let between = self.between.get(path).into_iter().flatten().map(|bytes| Some(bytes.clone()));
            let mut others: Vec<_> = between.chain(seen.cloned()).collect();
            if let Some(Some(found)) = found.get(path) {
                let whole: Vec<_> = others.iter().chain(promised).flatten().collect();
                if is_made_of(found, &whole) {
                    others.push(Some(found.clone()));
                }
            }
            let changed = trees.iter().flat_map(|tree| {
                others.iter().map(|other| {
                    let mut tree = tree.clone();
                    tree.insert(path.clone(), other.clone());
                    tree
                })
            });
            let changed: Vec<_> = changed.collect();
            trees.extend(changed);
        }
        let world =
            |tree: Tree| World { seen: tree.clone(), promised: tree, late: self.late.clone(), ..World::default() };
        trees.into_iter().map(world).collect()
    }
}
