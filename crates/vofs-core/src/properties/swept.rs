//! The names of the attributes of all files of a directory, by one listing, for a program that asks every file for them:
//! today's `ls -l` does, and so do copies that preserve attributes.
//!
//! Only names are kept, and files that have the same ones share them, so a large directory costs little. A listing of a
//! Vault may be half a minute behind, so nothing is taken from one soon after a change of our own; and a file that is not in
//! it is asked for by itself.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use parking_lot::Mutex;

use crate::clock::Millis;
use crate::engine::Engine;
use crate::path::NodePath;

/// So many files of one directory, one after the other, make a walk: fewer are cheaper without a listing.
const WALK: u32 = 4;

/// Questions of one walk follow each other within this time.
const PACE: Duration = Duration::from_secs(2);

/// For so long a listing answers: as long as attributes are believed.
const BELIEVED: Duration = Duration::from_secs(15);

/// For so long after a change of our own no listing is asked: twice what those of a Vault may be behind.
const UNSETTLED: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(crate) struct Swept {
    state: Mutex<State>,
    /// Held while a listing is read, so that two programs wait for the same one.
    listing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    walk: Option<Walk>,
    listed: Option<Listed>,
    changed: Option<Millis>,
}

/// Files that were asked for singly.
#[derive(Debug)]
struct Walk {
    directory: NodePath,
    files: u32,
    last: Millis,
}

#[derive(Debug)]
struct Listed {
    directory: NodePath,
    since: Millis,
    names: HashMap<Box<str>, Arc<[String]>>,
}

impl Swept {
    /// Something was changed, renamed or removed by this mount.
    pub(crate) fn change(&self, now: Millis) {
        *self.state.lock() = State { changed: Some(now), ..State::default() };
    }

    fn get(&self, directory: &NodePath, name: &str, now: Millis) -> Option<Arc<[String]>> {
        let state = self.state.lock();
        let listed = state.listed.as_ref().filter(|listed| listed.directory == *directory)?;
        listed.since.remaining(BELIEVED, now)?;
        listed.names.get(name).map(Arc::clone)
    }

    /// A file is asked for that no listing answers: true when that is one of many.
    fn is_walk(&self, directory: &NodePath, now: Millis) -> bool {
        let mut state = self.state.lock();
        let files = match &state.walk {
            Some(walk) if walk.directory == *directory && walk.last.remaining(PACE, now).is_some() => walk.files + 1,
            _ => 1,
        };
        state.walk = Some(Walk { directory: directory.clone(), files, last: now });
        let is_listed = state
            .listed
            .as_ref()
            .is_some_and(|listed| listed.directory == *directory && listed.since.remaining(BELIEVED, now).is_some());
        let is_settled = state.changed.is_none_or(|changed| changed.remaining(UNSETTLED, now).is_none());
        files >= WALK && is_settled && !is_listed
    }

    /// Keeps what a listing that began at `since` said, unless something was changed meanwhile.
    fn put(&self, directory: &NodePath, since: Millis, names: HashMap<Box<str>, Arc<[String]>>) {
        let mut state = self.state.lock();
        if state.changed.is_none_or(|changed| changed < since) {
            state.listed = Some(Listed { directory: directory.clone(), since, names });
        }
    }
}

impl Engine {
    /// Something was changed, renamed or removed by this mount: what is known of properties is no longer so.
    pub(crate) fn properties_change(&self) {
        self.properties.clear();
        self.swept.change(self.clock.now());
    }

    /// Keys of the properties of `path` by a listing of its directory, if a program goes through that.
    pub(crate) async fn swept_keys(&self, path: &NodePath) -> Option<Arc<[String]>> {
        let directory = path.parent()?;
        let known = || self.swept.get(&directory, path.name(), self.clock.now());
        if let Some(keys) = known() {
            return Some(keys);
        }
        if !self.swept.is_walk(&directory, self.clock.now()) {
            return None;
        }
        let _one = self.swept.listing.lock().await;
        if let Some(keys) = known() {
            return Some(keys);
        }
        let since = self.clock.now();
        let mut names = HashMap::new();
        let mut distinct: HashSet<Arc<[String]>> = HashSet::new();
        let mut children = self.remote.list_keys(&directory);
        while let Some(child) = children.next().await {
            // What a listing does not tell is asked singly.
            let Ok((name, keys)) = child else { break };
            let keys = match distinct.get(keys.as_slice()) {
                Some(shared) => Arc::clone(shared),
                None => {
                    let shared: Arc<[String]> = keys.into();
                    distinct.insert(Arc::clone(&shared));
                    shared
                }
            };
            names.insert(name.into_boxed_str(), keys);
        }
        self.swept.put(&directory, since, names);
        known()
    }
}
