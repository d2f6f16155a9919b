//! Questions about single nodes that go along with others, where listings give names and kinds only.
//!
//! There `ls -l` needs a question a file. A program that asks for two children of a directory in a row is on its way through
//! it, so those behind are asked for ahead of it, side by side: never more than a window of them, so that nothing is asked for
//! because a directory is large. Who wants a node that is being asked for waits for that answer.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use lru::LruCache;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, watch};

use crate::clock::Millis;
use crate::path::NodePath;

/// Children asked for at a time: at 20 ms a round trip a thousand of them take a bit more than a second, and no service of
/// the size of a laboratory is flooded.
const AT_A_TIME: usize = 16;

/// So many children behind the one that a program wants are asked for with it.
pub(crate) const AHEAD: usize = 64;

/// Two questions of one directory within this time are a walk.
const PACE: Duration = Duration::from_secs(2);

/// Directories in which programs are followed at a time.
const DIRECTORIES: NonZeroUsize = NonZeroUsize::new(64).expect("invariant: not zero");

/// The questions of one mount.
#[derive(Debug)]
pub(crate) struct Along {
    walks: Mutex<LruCache<NodePath, Millis>>,
    asked: Mutex<HashMap<NodePath, watch::Receiver<()>>>,
    pub(crate) places: Semaphore,
}

/// A question that is under way, till this is dropped.
#[derive(Debug)]
pub(crate) struct Question {
    along: Arc<Along>,
    path: NodePath,
    _end: watch::Sender<()>,
}

/// The end of a question of somebody else.
#[derive(Debug)]
pub(crate) struct Others(watch::Receiver<()>);

impl Default for Along {
    fn default() -> Self {
        Along {
            walks: Mutex::new(LruCache::new(DIRECTORIES)),
            asked: Mutex::default(),
            places: Semaphore::new(AT_A_TIME),
        }
    }
}

impl Along {
    /// A program wants a child of `directory`: true when it wanted another one just before.
    pub(crate) fn is_walk(&self, directory: &NodePath, now: Millis) -> bool {
        let before = self.walks.lock().put(directory.clone(), now);
        before.is_some_and(|before| before.remaining(PACE, now).is_some())
    }

    /// Begins a question about `path`, unless somebody asks already.
    pub(crate) fn begin(self: &Arc<Self>, path: &NodePath) -> Result<Question, Others> {
        let mut asked = self.asked.lock();
        if let Some(end) = asked.get(path) {
            return Err(Others(end.clone()));
        }
        let (sender, end) = watch::channel(());
        asked.insert(path.clone(), end);
        Ok(Question { along: Arc::clone(self), path: path.clone(), _end: sender })
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.along.asked.lock().remove(&self.path);
    }
}

impl Others {
    /// Returns when there is an answer, or will be none.
    pub(crate) async fn ended(mut self) {
        // Nothing is ever sent: the sender goes.
        let _ = self.0.changed().await;
    }
}
