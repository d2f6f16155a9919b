//! Another client at work on the same tree: while nothing waits here, and while changes do.
//!
//! Whatever it does, what was acknowledged here and not sent yet ends at the service under its name, or beside it where the name is
//! taken; and what the other client wrote keeps its name.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::Checked;
use super::oracle::{Oracle, shape};
use super::run::{Run, begun_ended, quiet, sent};
use super::steps::{Op, Step, Theirs};
use super::world::{Tree, moved, parent};
use crate::path::NodePath;
use crate::remote::fake::{FakeRemote, How};

fn failed(why: impl Into<String>) -> TestCaseError {
    TestCaseError::fail(why.into())
}

/// Does it if a service would; gives the paths that are not what they were, with all below them.
fn act(remote: &FakeRemote, theirs: &Theirs, stamp: u8) -> Vec<String> {
    let tree = remote.tree();
    let is_directory = |path: &str| path.is_empty() || matches!(tree.get(path), Some(None));
    match theirs {
        Theirs::Store { path, length } if is_directory(parent(path)) && !is_directory(path) => {
            remote.store(path, vec![!stamp; *length]);
            vec![(*path).to_owned()]
        }
        Theirs::Scribble { path } => {
            let Some(Some(former)) = tree.get(*path) else { return Vec::new() };
            remote.write_past(path, vec![!stamp; former.len()]);
            vec![(*path).to_owned()]
        }
        Theirs::Mkdir { path } if is_directory(parent(path)) && !tree.contains_key(*path) => {
            remote.add_directory(path);
            vec![(*path).to_owned()]
        }
        Theirs::Remove { path } if tree.contains_key(*path) => {
            remote.drop_tree(path);
            vec![(*path).to_owned()]
        }
        Theirs::Move { from, to }
            if tree.contains_key(*from)
                && !tree.contains_key(*to)
                && is_directory(parent(to))
                && moved(to, from, from).is_none() =>
        {
            remote.relocate(from, to);
            vec![(*from).to_owned(), (*to).to_owned()]
        }
        _ => Vec::new(),
    }
}

fn is_within(path: &str, roots: &[String]) -> bool {
    roots.iter().any(|root| moved(path, root, root).is_some())
}

/// Makes room for a file: the other client gives up whatever is in its way. Gives what that was.
fn make_room(remote: &FakeRemote, path: &str) -> Option<String> {
    let is_directory = |path: &str| path.is_empty() || matches!(remote.tree().get(path), Some(None));
    let mut given_up = None;
    for at in path.match_indices('/').map(|(at, _)| &path[..at]) {
        if !is_directory(at) {
            given_up = remote.tree().contains_key(at).then(|| at.to_owned()).or(given_up);
            remote.drop_tree(at);
            remote.add_directory(at);
        }
    }
    if is_directory(path) {
        remote.drop_tree(path);
        given_up = Some(path.to_owned());
    }
    given_up
}

/// Ours, of a file whose base was gone before all of it that is needed was read: what was written stands where it was written.
fn is_fragment_of(kept: &[u8], ours: &[u8]) -> bool {
    kept.len() == ours.len()
        && kept.last() == ours.last()
        && kept.iter().zip(ours).all(|(kept, ours)| kept == ours || *kept == 0)
}

impl Run {
    /// As when the time is over for which what is known is believed.
    pub(super) fn doubt_all(&mut self) -> Checked {
        self.within(async |_, programs, _| programs.mount.0.refresh(&NodePath::root()).await)
            .map(drop)
            .map_err(|error| failed(format!("not asked anew: {error}")))
    }

    fn adopt(&mut self) -> Checked {
        let tree = self.bench.remote.tree();
        self.doubt_all()?;
        self.seen_as(&tree)?;
        self.oracle = Oracle::new(tree);
        Ok(())
    }

    pub(super) fn outside(&mut self, theirs: &Theirs, stamp: u8) -> Checked {
        self.settle()?;
        act(&self.bench.remote, theirs, stamp);
        self.adopt()
    }

    pub(super) fn contest(&mut self, ours: &[Op], theirs: &Theirs, killed: bool, stamp: u8) -> Checked {
        self.settle()?;
        self.step(&Step::Fault { request: "put", how: How::Broken, times: None }, stamp)?;
        for (op, stamp) in ours.iter().zip(stamp..) {
            self.step(&Step::Do(op.clone()), stamp)?;
        }
        let Some(expected) = self.oracle.certain().cloned() else { return self.settle() };
        let unsent: BTreeSet<String> = self.within(async |_, programs, _| {
            let dirty = programs.mount.0.files.dirty();
            dirty.iter().filter_map(|file| Some(file.state().path.as_ref()?.as_str().to_owned())).collect()
        });
        let touched = act(&self.bench.remote, theirs, stamp);
        let theirs = self.bench.remote.tree();
        if killed {
            self.restart()?;
        }
        self.within(async |_, programs, _| begun_ended(programs).await)?;
        self.mend();
        self.doubt_all()?;
        let refused = self.within(async |_, programs, _| quiet(programs).await)?;
        let mut given_up: Vec<String> = Vec::new();
        for path in &refused {
            given_up.extend(make_room(&self.bench.remote, path.as_str()));
        }
        self.doubt_all()?;
        self.within(async |_, programs, _| sent(programs).await)?;
        let contest = Contest { expected, unsent, touched, theirs, given_up };
        contest.check(&self.bench.remote.tree())?;
        let left = self.bench.remote.tree();
        // The user has seen them.
        left.keys().filter(|path| path.contains(".conflict-")).for_each(|path| self.bench.remote.drop_node(path));
        self.adopt()
    }
}

/// What was so when two clients met.
struct Contest {
    /// What programs saw here.
    expected: Tree,
    /// Of that, what the service did not have.
    unsent: BTreeSet<String>,
    /// What the other client changed, and what the service had then.
    touched: Vec<String>,
    theirs: Tree,
    /// What the other client gave up for ours to have a place.
    given_up: Vec<String>,
}

impl Contest {
    fn check(&self, stored: &Tree) -> Checked {
        let wrong = |path: &str, why: &str| {
            let (stored, expected) = (shape(stored), shape(&self.expected));
            let (theirs, unsent) = (shape(&self.theirs), &self.unsent);
            Err(failed(format!(
                "{path}: {why}\n     {stored}\n  here {expected}\n  unsent {unsent:?}\n  theirs {theirs}\n  touched {:?}, given up {:?}",
                self.touched, self.given_up
            )))
        };
        for path in &self.unsent {
            let Some(Some(ours)) = self.expected.get(path) else { continue };
            let is_there = stored.get(path) == Some(&Some(ours.clone()));
            let beside = format!("{path}.conflict-");
            let is_beside = || {
                stored.iter().filter(|(name, _)| name.starts_with(&beside)).any(|(name, node)| {
                    let fragment = |bytes: &[u8]| name.ends_with(".incomplete") && is_fragment_of(bytes, ours);
                    node.as_ref().is_some_and(|bytes| bytes == ours || fragment(bytes))
                })
            };
            if !is_there && (!is_within(path, &self.touched) || !is_beside()) && !ours.is_empty() {
                return wrong(path, "ours is lost");
            }
        }
        for (path, node) in &self.theirs {
            if is_within(path, &self.touched) && !is_within(path, &self.given_up) && stored.get(path) != Some(node) {
                return wrong(path, "theirs is lost");
            }
        }
        for (path, node) in &self.expected {
            let is_ours_alone = !self.unsent.contains(path) && !is_within(path, &self.touched);
            if is_ours_alone && !is_within(path, &self.given_up) && stored.get(path) != Some(node) {
                return wrong(path, "lost, and nobody touched it");
            }
        }
        for path in stored.keys() {
            let is_known = self.expected.contains_key(path) || self.theirs.contains_key(path);
            if !is_known
                && !path.contains(".conflict-")
                && !self.unsent.iter().any(|one| one.starts_with(path.as_str()))
            {
                return wrong(path, "nobody made it");
            }
        }
        Ok(())
    }
}
