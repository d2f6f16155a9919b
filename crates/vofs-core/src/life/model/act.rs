//! Operations as a kernel hands them on: names are looked up first, and what that shows to be impossible goes no further.

use std::fmt;

use super::steps::{Op, SLOTS};
use super::world::{Node, Tree, parent};
use crate::error::{Error, Result};
use crate::fs::attr::SetAttr;
use crate::fs::lookup::{Entry, Lookup};
use crate::handles::{Fh, OpenFlags};
use crate::inode::Ino;
use crate::life::tests::{Mount, READ, WRITE};
use crate::meta::Kind;
use crate::path::NodePath;

/// What an operation came to.
#[derive(Debug)]
pub(super) enum Outcome {
    Done,
    /// What is there; `None` is nothing.
    Read(Option<Node>),
    Listed(Vec<String>),
    /// The program is told of an error, and nothing of what it wrote may be lost.
    Kept(Error),
    /// By the rules of a file system.
    Impossible(Error),
    /// By an accident: done, or not.
    Failed(Error),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Done => write!(f, "done"),
            Outcome::Read(node) => match node {
                None => write!(f, "nothing"),
                Some(None) => write!(f, "a directory"),
                Some(Some(bytes)) => write!(f, "{} bytes, {:?}..{:?}", bytes.len(), bytes.first(), bytes.last()),
            },
            Outcome::Listed(names) => write!(f, "{names:?}"),
            Outcome::Kept(error) => write!(f, "kept: {error}"),
            Outcome::Impossible(error) => write!(f, "impossible: {error}"),
            Outcome::Failed(error) => write!(f, "failed: {error}"),
        }
    }
}

/// More than any file here has.
const ALL: usize = 1 << 20;

fn outcome<T>(result: Result<T>, done: impl FnOnce(T) -> Outcome) -> Outcome {
    match result {
        Ok(value) => done(value),
        Err(
            error @ (Error::NotFound(_)
            | Error::Exists(_)
            | Error::NotEmpty(_)
            | Error::NotADirectory(_)
            | Error::IsADirectory(_)
            | Error::Invalid { .. }),
        ) => Outcome::Impossible(error),
        Err(error) => Outcome::Failed(error),
    }
}

/// A mount and what programs have open in it.
pub(super) struct Programs {
    pub(super) mount: Mount,
    handles: [Option<Fh>; SLOTS],
}

impl Programs {
    pub(super) fn new(mount: Mount) -> Self {
        Programs { mount, handles: [None; SLOTS] }
    }

    pub(super) fn has_open(&self, slot: usize) -> bool {
        self.handles[slot].is_some()
    }

    async fn look_up(&self, directory: Ino, name: &str) -> Result<Option<Entry>> {
        Ok(match self.mount.0.lookup(directory, name).await? {
            Lookup::Found(entry) => Some(entry),
            Lookup::Absent(_) => None,
        })
    }

    /// The number of a directory.
    async fn directory(&self, path: &str) -> Result<Ino> {
        let mut at = Ino::ROOT;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            at = match self.look_up(at, name).await? {
                Some(entry) if entry.attr.kind == Kind::Directory => entry.attr.ino,
                Some(_) => return Err(Error::NotADirectory(NodePath::new(path))),
                None => return Err(Error::NotFound(NodePath::new(path))),
            };
        }
        Ok(at)
    }

    /// Where `path` stands, and what there is.
    async fn place<'a>(&self, path: &'a str) -> Result<(Ino, &'a str, Option<Entry>)> {
        let directory = self.directory(parent(path)).await?;
        let name = path.rsplit('/').next().unwrap_or_default();
        Ok((directory, name, self.look_up(directory, name).await?))
    }

    async fn open(&self, path: &str, flags: OpenFlags) -> Result<Fh> {
        let mut tries = 0;
        loop {
            let (directory, name, found) = self.place(path).await?;
            let opened = match found {
                Some(entry) if entry.attr.kind == Kind::Directory => {
                    return Err(Error::IsADirectory(NodePath::new(path)));
                }
                Some(entry) => self.mount.0.open(entry.attr.ino, flags).await,
                None => self.mount.0.create(directory, name, flags).await.map(|(_, opened)| opened),
            };
            match opened {
                // A kernel looks the name up again.
                Err(Error::Renumbered(_)) if tries < 3 => tries += 1,
                opened => return Ok(opened?.fh),
            }
        }
    }

    async fn write(&self, path: &str, offset: Option<usize>, bytes: &[u8], truncate: bool) -> Outcome {
        let flags = OpenFlags { append: offset.is_none(), truncate, ..WRITE };
        let fh = match self.open(path, flags).await {
            Ok(fh) => fh,
            error => return outcome(error, |_| Outcome::Done),
        };
        self.mount.0.write(fh, offset.unwrap_or(0) as u64, bytes).await.expect("writing needs no service");
        self.mount.close(fh).await.map_or_else(Outcome::Kept, |()| Outcome::Done)
    }

    async fn read(&self, path: &str) -> Result<Option<Node>> {
        let Some(entry) = self.place(path).await?.2 else { return Ok(None) };
        if entry.attr.kind == Kind::Directory {
            return Ok(Some(None));
        }
        let fh = match self.open(path, READ).await {
            Ok(fh) => fh,
            // What another client removed, attributes may show for a while.
            Err(Error::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let bytes = self.mount.0.read(fh, 0, ALL).await;
        self.mount.0.release(fh).await;
        Ok(Some(Some(bytes?.into())))
    }

    async fn list(&self, path: &str) -> Result<Vec<String>> {
        let directory = self.directory(path).await?;
        let fh = self.mount.0.opendir(directory).await?.fh;
        let (mut names, mut at) = (Vec::new(), 2);
        let listed = loop {
            let before = at;
            let sink = |child: &crate::DirEntry| {
                names.push(child.name.clone());
                at = child.next;
                true
            };
            match self.mount.0.readdir(fh, before, true, sink).await {
                Ok(_) if at == before => break Ok(()),
                Ok(_) => {}
                Err(error) => break Err(error),
            }
        };
        self.mount.0.releasedir(fh);
        names.sort();
        listed.map(|()| names)
    }

    /// All that is seen through the mount.
    pub(super) async fn tree(&self) -> Result<Tree> {
        let (mut tree, mut directories) = (Tree::new(), vec![String::new()]);
        while let Some(directory) = directories.pop() {
            for name in self.list(&directory).await? {
                let path = if directory.is_empty() { name } else { format!("{directory}/{name}") };
                let Some(node) = self.read(&path).await? else { continue };
                if node.is_none() {
                    directories.push(path.clone());
                }
                tree.insert(path, node);
            }
        }
        Ok(tree)
    }

    /// Does it; what it writes is `stamp`.
    pub(super) async fn act(&mut self, op: &Op, stamp: u8) -> Outcome {
        let done = |()| Outcome::Done;
        match op {
            Op::Write { path, offset, length, truncate } => {
                self.write(path, Some(*offset), &vec![stamp; *length], *truncate).await
            }
            Op::Append { path, length } => self.write(path, None, &vec![stamp; *length], false).await,
            Op::Resize { path, length } => outcome(self.resize(path, *length).await, done),
            Op::Read { path } => outcome(self.read(path).await, Outcome::Read),
            Op::List { path } => outcome(self.list(path).await, Outcome::Listed),
            Op::Rename { from, to } => outcome(self.rename(from, to).await, done),
            Op::Unlink { path } => outcome(self.remove(path, &Kind::File).await, done),
            Op::Rmdir { path } => outcome(self.remove(path, &Kind::Directory).await, done),
            Op::Mkdir { path } => outcome(self.mkdir(path).await, done),
            Op::Open { slot, path } => match self.open(path, WRITE).await {
                Ok(fh) => {
                    self.handles[*slot] = Some(fh);
                    Outcome::Done
                }
                error => outcome(error, |_| Outcome::Done),
            },
            Op::Poke { slot, offset, length } => {
                let Some(fh) = self.handles[*slot] else { return Outcome::Done };
                let written = self.mount.0.write(fh, *offset as u64, &vec![stamp; *length]).await;
                written.expect("writing needs no service");
                Outcome::Done
            }
            Op::Peek { slot } => {
                let Some(fh) = self.handles[*slot] else { return Outcome::Done };
                outcome(self.mount.0.read(fh, 0, ALL).await, |bytes| Outcome::Read(Some(Some(bytes.into()))))
            }
            Op::Sync { slot } => {
                let Some(fh) = self.handles[*slot] else { return Outcome::Done };
                self.mount.0.fsync(fh).await.map_or_else(Outcome::Kept, done)
            }
            Op::Shut { slot } => {
                let Some(fh) = self.handles[*slot].take() else { return Outcome::Done };
                self.mount.close(fh).await.map_or_else(Outcome::Kept, done)
            }
        }
    }

    async fn resize(&self, path: &str, length: usize) -> Result<()> {
        match self.place(path).await?.2 {
            None => Err(Error::NotFound(NodePath::new(path))),
            Some(entry) if entry.attr.kind == Kind::Directory => Err(Error::IsADirectory(NodePath::new(path))),
            Some(entry) => {
                let change = SetAttr { size: Some(length as u64), ..SetAttr::default() };
                self.mount.0.setattr(entry.attr.ino, None, change).await.map(drop)
            }
        }
    }

    async fn rename(&self, from: &str, to: &str) -> Result<()> {
        let (from_directory, from_name, found) = self.place(from).await?;
        if found.is_none() {
            return Err(Error::NotFound(NodePath::new(from)));
        }
        let (to_directory, to_name, _) = self.place(to).await?;
        self.mount.0.rename(from_directory, from_name, to_directory, to_name, false).await
    }

    async fn remove(&self, path: &str, kind: &Kind) -> Result<()> {
        let (directory, name, found) = self.place(path).await?;
        match found {
            None => Err(Error::NotFound(NodePath::new(path))),
            Some(_) if *kind == Kind::Directory => self.mount.0.rmdir(directory, name).await,
            Some(_) => self.mount.0.unlink(directory, name).await,
        }
    }

    async fn mkdir(&self, path: &str) -> Result<()> {
        let (directory, name, found) = self.place(path).await?;
        match found {
            Some(_) => Err(Error::Exists(NodePath::new(path))),
            None => self.mount.0.mkdir(directory, name).await.map(drop),
        }
    }
}
