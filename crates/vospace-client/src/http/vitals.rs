//! How the service is: what became of the requests to it so far.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::failure::Failure;
use crate::ErrorKind;
use crate::node::Timestamp;

/// What became of the requests of a client, repetitions included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The last request was answered, by a service that works.
    pub reachable: bool,
    /// Requests that came to an end.
    pub requests: u64,
    /// Those of them without an answer, or with one that says that the service failed.
    pub failures: u64,
    /// When the last answer came.
    pub last_answer: Option<Timestamp>,
    /// When the last failure was, and what it was.
    pub last_failure: Option<(Timestamp, String)>,
}

#[derive(Debug, Default)]
pub(crate) struct Vitals {
    requests: AtomicU64,
    failures: AtomicU64,
    last: Mutex<Last>,
}

#[derive(Debug, Default)]
struct Last {
    answer: Option<Timestamp>,
    failure: Option<(Timestamp, String)>,
    is_failing: bool,
}

impl Vitals {
    /// A request has come to an end. A refusal is an answer like any other.
    pub(super) fn note(&self, failure: Option<&Failure>) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let broken = failure.filter(|failure| {
            matches!(failure.kind(), ErrorKind::Unreachable | ErrorKind::Timeout | ErrorKind::Service | ErrorKind::Tls)
        });
        let now = Timestamp::now();
        let mut last = self.last.lock();
        last.is_failing = broken.is_some();
        match broken {
            Some(failure) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                last.failure = Some((now, failure.error.to_string()));
            }
            None => last.answer = Some(now),
        }
    }

    pub(crate) fn health(&self) -> Health {
        let last = self.last.lock();
        Health {
            reachable: !last.is_failing,
            requests: self.requests.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
            last_answer: last.answer,
            last_failure: last.failure.clone(),
        }
    }
}
