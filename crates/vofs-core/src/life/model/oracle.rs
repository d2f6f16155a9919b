//! What may be so: the worlds that agree with all that the mount has answered.
//!
//! An operation that was acknowledged is done in all of them; one that failed by an accident is done in some; a refusal holds for those
//! in which the operation is impossible. The mount must never give an answer that is right in none.

use proptest::prelude::*;

use super::Checked;
use super::act::Outcome;
use super::steps::Op;
use super::world::{Node, Tree, World};

/// More worlds than these are not followed.
const WORLDS: usize = 48;

#[derive(Debug)]
pub(super) struct Oracle {
    worlds: Vec<World>,
    /// Names onto which renames of unknown end went. Where one is found to have come about, what waited there ends beside it.
    contested: Vec<String>,
}

/// What a tree looks like: lengths, and the first and the last byte.
pub(super) fn shape(tree: &Tree) -> String {
    let nodes = tree.iter().map(|(path, node)| match node {
        None => format!("{path}/"),
        Some(bytes) => format!("{path}:{}×{:?}..{:?}", bytes.len(), bytes.first(), bytes.last()),
    });
    nodes.collect::<Vec<_>>().join(" ")
}

impl Oracle {
    pub(super) fn new(tree: Tree) -> Self {
        Oracle { worlds: vec![World { seen: tree.clone(), promised: tree, ..World::default() }], contested: Vec::new() }
    }

    pub(super) fn is_out_of_hand(&self) -> bool {
        self.worlds.len() > WORLDS
    }

    /// The one that is so.
    pub(super) fn certain(&self) -> Option<&Tree> {
        match self.worlds.as_slice() {
            [world] => Some(&world.seen),
            _ => None,
        }
    }

    /// Whether a program may have it open.
    pub(super) fn may_be_open(&self, path: &str) -> bool {
        self.worlds.iter().any(|world| {
            world.open.iter().flatten().any(|held| matches!(held, super::world::Held::Named(name) if name == path))
        })
    }

    /// Whether this may be a copy of what waited where a rename of unknown end went, or what is left of it after such a removal.
    pub(super) fn may_be_beside(&self, path: &str) -> bool {
        let is_beside =
            |name: &String| path.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with(".conflict-"));
        self.contested.iter().any(is_beside)
    }

    pub(super) fn has(&self, tree: &Tree) -> bool {
        self.worlds.iter().any(|world| world.seen == *tree)
    }

    pub(super) fn shapes(&self) -> String {
        self.worlds.iter().map(|world| shape(&world.seen)).collect::<Vec<_>>().join("\n  or ")
    }

    fn become_worlds(&mut self, worlds: impl IntoIterator<Item = World>) {
        self.worlds.clear();
        for world in worlds.into_iter().flat_map(World::with_late) {
            if !self.worlds.contains(&world) {
                self.worlds.push(world);
            }
        }
    }

    /// Done in some.
    fn in_doubt(&mut self, op: &Op, stamp: u8) -> Vec<World> {
        let mut worlds = Vec::new();
        if let Op::Rename { to: path, .. } | Op::Unlink { path } = op {
            self.contested.push((*path).to_owned());
        }
        for world in &self.worlds {
            let after = world.after(op, stamp).ok();
            let mut before = world.clone();
            if let (Op::Rename { from, to }, true) = (op, after.is_some()) {
                before.late.push(((*from).to_owned(), (*to).to_owned()));
            }
            // An empty directory made way for one that did not come.
            let made_way = match op {
                Op::Rename { to, .. } if after.is_some() && world.is_directory(to) => {
                    before.after(&Op::Rmdir { path: to }, stamp).ok()
                }
                _ => None,
            };
            worlds.extend([before].into_iter().chain(made_way).chain(after));
        }
        worlds
    }

    /// The daemon was killed while it did this.
    pub(super) fn killed_within(&mut self, op: &Op, stamp: u8, found: &Tree) {
        let worlds = self.in_doubt(op, stamp);
        self.become_worlds(worlds);
        self.killed(found);
    }

    pub(super) fn killed(&mut self, found: &Tree) {
        let worlds = std::mem::take(&mut self.worlds);
        self.become_worlds(worlds.into_iter().flat_map(|world| world.killed(found)));
    }

    /// Takes an answer in. `calm`: nothing goes wrong now, and nothing that went wrong is still being mended.
    pub(super) fn judge(&mut self, op: &Op, stamp: u8, outcome: &Outcome, calm: bool) -> Checked {
        let wrong = |why: &str, oracle: &Oracle| {
            Err(TestCaseError::fail(format!("{op:?} ({outcome}): {why}\n  {}", oracle.shapes())))
        };
        match outcome {
            Outcome::Read(node) => self.shown(op, outcome, node.as_ref(), calm),
            Outcome::Listed(names) => {
                let Op::List { path } = op else { return wrong("nothing was listed", self) };
                let agrees = |world: &World| world.is_directory(path) && world.names(path) == *names;
                match calm {
                    true if !self.worlds.iter().any(agrees) => wrong("so in no world", self),
                    true => {
                        self.worlds.retain(agrees);
                        Ok(())
                    }
                    // Names under which something is set aside are listed too.
                    false => Ok(()),
                }
            }
            Outcome::Failed(_) | Outcome::Kept(_) if calm && !matches!(op, Op::Sync { .. }) => {
                wrong("nothing was the matter", self)
            }
            Outcome::Done | Outcome::Kept(_) => {
                let worlds: Vec<_> = self.worlds.iter().filter_map(|world| world.after(op, stamp).ok()).collect();
                if worlds.is_empty() {
                    return wrong("possible in no world", self);
                }
                self.become_worlds(worlds);
                Ok(())
            }
            Outcome::Impossible(_) => {
                let is_so = |world: &World| world.after(op, stamp).is_err() || !world.can_be_looked_at(op);
                if !self.worlds.iter().any(is_so) {
                    return wrong("impossible in no world", self);
                }
                if calm {
                    self.worlds.retain(is_so);
                }
                Ok(())
            }
            Outcome::Failed(_) => {
                let worlds = match op {
                    // The file was opened, or not.
                    Op::Write { path, truncate: true, .. } => {
                        let emptied = Op::Write { path, offset: 0, length: 0, truncate: true };
                        self.in_doubt(&emptied, stamp)
                    }
                    Op::Write { .. } | Op::Append { .. } | Op::Open { .. } => return Ok(()),
                    _ => self.in_doubt(op, stamp),
                };
                self.become_worlds(worlds);
                Ok(())
            }
        }
    }

    fn shown(&mut self, op: &Op, outcome: &Outcome, node: Option<&Node>, calm: bool) -> Checked {
        let agrees = |world: &World| match op {
            Op::Peek { slot } => world.held(*slot) == node.and_then(Option::as_ref),
            Op::Read { path } => world.seen.get(*path) == node,
            _ => false,
        };
        if !self.worlds.iter().any(agrees) {
            return Err(TestCaseError::fail(format!("{op:?}: {outcome} is in no world\n  {}", self.shapes())));
        }
        if calm {
            self.worlds.retain(agrees);
        }
        Ok(())
    }
}
