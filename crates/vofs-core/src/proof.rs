//! Openings that one listing answers: of several files of one directory, opened shortly after one another.
//!
//! Every opening is a question to the service, which a program that goes through a directory of small files that are all
//! here (`tar c`, a build) pays with a round trip a file. Three siblings opened in a row are the beginning of that, and
//! begin a listing at that moment. A sibling for which it says exactly what we hold is proven by it: for a second from
//! the question on, and for one opening, so that who opens a file twice sees what changed in between. Whatever the
//! listing says otherwise proves nothing.
//!
//! Only the caller knows whether listings of the service are as good as its single nodes: they lag on a Vault.

use std::collections::{HashMap, HashSet, VecDeque};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use lru::LruCache;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::clock::Millis;
use crate::path::NodePath;
use crate::version::Version;

/// Siblings opened in a row that make a listing worth its while.
const RUN: usize = 3;

/// Longest pause between two of them.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a listing proves anything, from the moment in which it was asked for.
const BELIEVED: Duration = Duration::from_secs(1);

/// How long no other one is asked for after one that proved nothing, or was not there in time.
const DISAPPOINTED: Duration = Duration::from_secs(30);

/// Directories in which openings are followed at a time.
const DIRECTORIES: NonZeroUsize = NonZeroUsize::new(64).expect("invariant: not zero");

/// What was opened lately, and what listings proved.
#[derive(Debug)]
pub(crate) struct Proofs(Mutex<LruCache<NodePath, Course>>);

/// One directory.
#[derive(Debug, Default)]
struct Course {
    /// Different names, opened without longer pauses.
    latest: VecDeque<String>,
    opened: Option<Millis>,
    listing: Option<Arc<Proof>>,
}

/// A listing that proves what it finds unchanged.
#[derive(Debug)]
pub(crate) struct Proof {
    asked: Millis,
    found: Mutex<Found>,
    state: watch::Sender<State>,
}

#[derive(Debug, Default)]
struct Found {
    /// What it showed exactly as we held it, and nobody has opened since.
    unchanged: HashMap<String, Version>,
    /// What was opened since it was asked for, whatever answered that.
    opened: HashSet<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    InAir,
    Ended { useful: bool },
}

/// What to do for an opening.
#[derive(Debug)]
pub(crate) enum Opening {
    /// To ask by itself.
    Single,
    /// To ask by itself, and to list the directory into this for those that follow.
    Sweep(Arc<Proof>),
    /// This listing may have the answer.
    Listed(Arc<Proof>),
}

impl Default for Proofs {
    fn default() -> Self {
        Proofs(Mutex::new(LruCache::new(DIRECTORIES)))
    }
}

impl Proofs {
    /// A file of `directory` is being opened.
    pub(crate) fn opening(&self, directory: &NodePath, name: &str, now: Millis) -> Opening {
        let mut courses = self.0.lock();
        let course = courses.get_or_insert_mut(directory.clone(), Course::default);
        if course.opened.replace(now).is_none_or(|before| before.remaining(PAUSE, now).is_none()) {
            course.latest.clear();
        }
        if let Some(listing) = course.listing.as_ref().filter(|listing| listing.counts(now)) {
            return Opening::Listed(Arc::clone(listing));
        }
        if course.latest.iter().any(|other| other == name) {
            return Opening::Single;
        }
        course.latest.push_back(name.to_owned());
        if course.latest.len() < RUN {
            return Opening::Single;
        }
        course.latest.pop_front();
        let listing = Arc::new(Proof { asked: now, found: Mutex::default(), state: watch::Sender::new(State::InAir) });
        course.listing = Some(Arc::clone(&listing));
        Opening::Sweep(listing)
    }

    /// Whether a listing proves that `held` is what the service has at `path`. True once.
    pub(crate) fn take(&self, path: &NodePath, held: &Version, now: Millis) -> bool {
        let Some(directory) = path.parent() else { return false };
        let mut courses = self.0.lock();
        let Some(course) = courses.get_mut(&directory) else { return false };
        let proven = course.listing.as_ref().is_some_and(|listing| listing.take(path.name(), held, now));
        if proven {
            course.opened = Some(now);
        }
        proven
    }

    /// The opening of `path` was answered, in whatever way: the next one sees what changes from now on.
    pub(crate) fn opened(&self, path: &NodePath) {
        let Some(directory) = path.parent() else { return };
        if let Some(listing) = self.0.lock().peek(&directory).and_then(|course| course.listing.as_ref()) {
            listing.opened(path.name());
        }
    }
}

impl Proof {
    /// True while no other listing is to be asked for.
    fn counts(&self, now: Millis) -> bool {
        let useful = *self.state.borrow() == State::Ended { useful: true };
        self.asked.remaining(if useful { BELIEVED } else { DISAPPOINTED }, now).is_some()
    }

    fn take(&self, name: &str, held: &Version, now: Millis) -> bool {
        let shown = self.opened(name);
        shown.is_some_and(|shown| shown == *held) && self.asked.remaining(BELIEVED, now).is_some()
    }

    fn opened(&self, name: &str) -> Option<Version> {
        let mut found = self.found.lock();
        found.opened.insert(name.to_owned());
        found.unchanged.remove(name)
    }

    /// The listing shows `name` as it is `held`.
    pub(crate) fn unchanged(&self, name: &str, held: Version) {
        let mut found = self.found.lock();
        if !found.opened.contains(name) {
            found.unchanged.insert(name.to_owned(), held);
        }
    }

    /// The listing has ended, well or not.
    pub(crate) fn end(&self) {
        let useful = !self.found.lock().unchanged.is_empty();
        self.state.send_modify(|state| *state = State::Ended { useful });
    }

    /// Waits until the listing has ended, as long as that can be of use.
    pub(crate) async fn ended(&self) {
        let mut state = self.state.subscribe();
        let _ = tokio::time::timeout(BELIEVED, state.wait_for(|state| *state != State::InAir)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(length: u64) -> Version {
        Version { length, date: Some(Millis(5)), ..Version::default() }
    }

    fn directory() -> NodePath {
        NodePath::new("d")
    }

    fn sweep(proofs: &Proofs, at: i64) -> Arc<Proof> {
        for name in ["a", "b"] {
            assert!(matches!(proofs.opening(&directory(), name, Millis(at)), Opening::Single));
        }
        match proofs.opening(&directory(), "c", Millis(at)) {
            Opening::Sweep(listing) => listing,
            other => panic!("no sweep: {other:?}"),
        }
    }

    #[test]
    fn three_siblings_in_a_row_are_a_sweep_and_fewer_or_slower_ones_or_one_file_are_not() {
        let proofs = Proofs::default();
        for at in [0, 2000, 4000, 6000] {
            assert!(matches!(proofs.opening(&directory(), &format!("f{at}"), Millis(at)), Opening::Single));
        }
        for at in 10_000..10_020 {
            assert!(matches!(proofs.opening(&directory(), "f", Millis(at)), Opening::Single));
        }
        sweep(&proofs, 20_000);
    }

    #[test]
    fn a_listing_proves_what_is_held_exactly_so_for_a_second_and_one_opening() {
        let proofs = Proofs::default();
        let listing = sweep(&proofs, 1000);
        for name in ["d", "e", "f"] {
            listing.unchanged(name, version(7));
        }
        listing.end();
        let take = |name: &str, held, at| proofs.take(&directory().join(name), &held, Millis(at));
        assert!(take("d", version(7), 1500));
        assert!(!take("d", version(7), 1500), "the next opening asks");
        assert!(!take("e", version(8), 1500), "it is held in another version by now");
        assert!(!take("f", version(7), 2000), "a second has passed");
        assert!(!take("g", version(7), 1500), "it was not shown so");
    }

    #[test]
    fn what_was_opened_otherwise_meanwhile_is_proven_by_no_listing_from_before() {
        let proofs = Proofs::default();
        let listing = sweep(&proofs, 1000);
        let path = |name: &str| directory().join(name);
        listing.unchanged("d", version(7));
        proofs.opened(&path("d"));
        proofs.opened(&path("e"));
        listing.unchanged("e", version(7));
        listing.unchanged("f", version(7));
        listing.end();
        let taken = ["d", "e", "f"].map(|name| proofs.take(&path(name), &version(7), Millis(1100)));
        assert_eq!(taken, [false, false, true]);
    }

    #[test]
    fn a_sweep_that_goes_on_asks_for_a_listing_a_second_and_for_none_where_they_prove_nothing() {
        let proofs = Proofs::default();
        let useful = sweep(&proofs, 0);
        useful.unchanged("d", version(7));
        useful.end();
        let opening = |name: &str, at| proofs.opening(&directory(), name, Millis(at));
        assert!(matches!(opening("d", 900), Opening::Listed(_)));
        let Opening::Sweep(useless) = opening("e", 1000) else { panic!("the sweep goes on") };
        useless.end();
        assert!(matches!(opening("f", 1900), Opening::Listed(_)), "which has nothing: not another one");
        assert!(matches!(opening("g", 2800), Opening::Listed(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_a_listing_longer_than_it_could_prove_anything() {
        let listing = sweep(&Proofs::default(), 0);
        let before = tokio::time::Instant::now();
        listing.ended().await;
        assert_eq!(before.elapsed(), BELIEVED);
    }
}
