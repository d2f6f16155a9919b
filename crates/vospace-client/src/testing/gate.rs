//! Answers that are held back, and how many requests wait for theirs at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

use super::Reply;

/// See the module. Shut at first.
#[derive(Debug, Clone)]
pub(crate) struct Gate(Arc<State>);

#[derive(Debug)]
struct State {
    places: Semaphore,
    waiting: AtomicUsize,
    most: AtomicUsize,
}

impl Gate {
    /// One that lets nothing go.
    pub(crate) fn shut() -> Self {
        Gate(Arc::new(State { places: Semaphore::new(0), waiting: AtomicUsize::new(0), most: AtomicUsize::new(0) }))
    }

    /// An answer that waits here.
    pub(crate) fn holds(&self, reply: Reply) -> Reply {
        Reply::Held(Box::new(reply), self.clone())
    }

    /// Lets so many answers go.
    pub(crate) fn let_go(&self, answers: usize) {
        self.0.places.add_permits(answers);
    }

    /// Returns when so many requests wait.
    pub(crate) async fn filled(&self, requests: usize) {
        let wait = async {
            while self.0.waiting.load(Ordering::SeqCst) < requests {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), wait).await.unwrap();
    }

    /// The most that waited at a time.
    pub(crate) fn most(&self) -> usize {
        self.0.most.load(Ordering::SeqCst)
    }

    pub(super) async fn pass(&self) {
        let waiting = self.0.waiting.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.most.fetch_max(waiting, Ordering::SeqCst);
        self.0.places.acquire().await.unwrap().forget();
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}
