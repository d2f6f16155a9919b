//! One request from its arrival to its errno: deadline, and a line in the log when it fails.

use std::time::{Duration, Instant};

use fuser::{Errno, INodeNo, Request};
use vofs_core::Error;
use vofs_core::errno::ToErrno;

/// A request that waits for its answer.
#[derive(Debug)]
pub(super) struct Waiting {
    operation: &'static str,
    ino: u64,
    pid: u32,
    since: Instant,
    deadline: Duration,
}

impl Waiting {
    pub(super) fn new(operation: &'static str, request: &Request, ino: INodeNo, deadline: Duration) -> Self {
        Waiting { operation, ino: ino.0, pid: request.pid(), since: Instant::now(), deadline }
    }

    /// The outcome of what needed no waiting.
    pub(super) fn now<T>(&self, outcome: vofs_core::Result<T>) -> Result<T, Errno> {
        outcome.map_err(|error| self.failed(&error))
    }

    /// Waits for the outcome, no longer than the deadline.
    pub(super) async fn outcome<T>(&self, work: impl Future<Output = vofs_core::Result<T>>) -> Result<T, Errno> {
        match tokio::time::timeout(self.deadline, work).await {
            Ok(outcome) => self.now(outcome),
            Err(_) => {
                let (operation, ino, pid) = (self.operation, self.ino, self.pid);
                tracing::warn!(operation, ino, pid, seconds = self.deadline.as_secs(), "no answer within the deadline");
                Err(Errno::ETIMEDOUT)
            }
        }
    }

    fn failed(&self, error: &Error) -> Errno {
        let errno = error.to_errno();
        let (operation, ino, pid) = (self.operation, self.ino, self.pid);
        let elapsed_ms = self.since.elapsed().as_millis();
        match errno {
            // What programs ask for all day long to see whether it is so.
            libc::ENOENT | libc::EEXIST | libc::ENOTEMPTY | libc::EISDIR | libc::ENOTDIR | libc::EROFS => {
                tracing::debug!(operation, ino, pid, elapsed_ms, errno, %error, "failed");
            }
            _ => tracing::warn!(operation, ino, pid, elapsed_ms, errno, %error, "failed"),
        }
        Errno::from_i32(errno)
    }
}
