//! What was asked of files before anybody opened them.
//!
//! Such an answer stands in for the question that the opening of the file would be, once and for a short time only: a
//! change made elsewhere is seen by every program that opens the file later than that.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::clock::Millis;
use crate::path::NodePath;
use crate::version::Version;

/// How long an answer that came before the file was opened counts as one to its opening. A program that needs more than
/// this for the few files that are looked into ahead of it would not gain by it.
const BELIEVED: Duration = Duration::from_secs(2);

/// More than these were left behind by programs that stopped; the old ones are forgotten.
const KEPT: usize = 512;

/// One look into a file.
#[derive(Debug)]
struct Look {
    /// When it began.
    asked: Millis,
    /// The version that the name stood for then, once that is known.
    answer: Option<Option<Version>>,
}

impl Look {
    fn is_believed(&self, now: Millis) -> bool {
        self.asked.remaining(BELIEVED, now).is_some()
    }

    fn believed(&self, now: Millis) -> Option<Version> {
        self.answer.clone().flatten().filter(|_| self.is_believed(now))
    }
}

/// Files that were looked into and not opened yet.
#[derive(Debug, Default)]
pub(crate) struct LookedAhead(Mutex<HashMap<NodePath, watch::Receiver<Look>>>);

/// A look that is under way or over, taken by the one opening that may rely on it.
#[derive(Debug)]
pub(crate) struct Taken(watch::Receiver<Look>);

/// A look that is under way. Dropped without an answer it gave none.
#[derive(Debug)]
pub(crate) struct Looking(watch::Sender<Look>);

impl LookedAhead {
    /// What was asked of `path`.
    pub(crate) fn take(&self, path: &NodePath) -> Option<Taken> {
        self.0.lock().remove(path).map(Taken)
    }

    /// What was learned of `path`, if that is known and counts; the look is used up by that.
    pub(crate) fn take_known(&self, path: &NodePath, now: Millis) -> Option<Version> {
        let mut noted = self.0.lock();
        let version = noted.get(path)?.borrow().believed(now)?;
        noted.remove(path);
        Some(version)
    }

    /// Notes that a look into `path` begins; `None` when there is one already.
    pub(crate) fn begin(&self, path: &NodePath, now: Millis) -> Option<Looking> {
        let mut noted = self.0.lock();
        if noted.len() > KEPT {
            noted.retain(|_, look| look.borrow().is_believed(now));
        }
        if noted.get(path).is_some_and(|look| look.borrow().is_believed(now)) {
            return None;
        }
        let (sender, receiver) = watch::channel(Look { asked: now, answer: None });
        noted.insert(path.clone(), receiver);
        Some(Looking(sender))
    }
}

impl Taken {
    /// True when [`Taken::version`] would not wait.
    pub(crate) fn is_known(&self) -> bool {
        self.0.borrow().answer.is_some()
    }

    /// The version that the name stood for, if that was asked so shortly ago that it counts.
    pub(crate) async fn version(mut self, now: impl Fn() -> Millis) -> Option<Version> {
        let look = self.0.wait_for(|look| look.answer.is_some()).await.ok()?;
        look.believed(now())
    }
}

impl Looking {
    /// It is over.
    pub(crate) fn answer(self, version: Option<Version>) {
        self.0.send_modify(|look| look.answer = Some(version));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_counts_once_and_for_a_short_time() {
        let (table, path) = (LookedAhead::default(), NodePath::new("f"));
        let version = Version { length: 5, ..Version::default() };
        let look = |at: i64| table.begin(&path, Millis(at));
        look(0).expect("the first").answer(Some(version.clone()));
        assert!(look(1000).is_none(), "just asked");
        assert_eq!(table.take(&path).expect("noted").version(|| Millis(1999)).await, Some(version.clone()));
        assert!(table.take(&path).is_none(), "the next opening asks for itself");
        look(5000).expect("begins").answer(Some(version));
        assert_eq!(table.take(&path).expect("noted").version(|| Millis(7000)).await, None, "too long ago");
        drop(look(9000));
        let given_up = table.take(&path).expect("noted");
        assert!(!given_up.is_known());
        assert_eq!(given_up.version(|| Millis(9000)).await, None, "nobody waits for a look that was given up");
    }
}
