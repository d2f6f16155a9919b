//! One request from its arrival to its errno: deadline, and a line in the log when it fails.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fuser::{Errno, INodeNo, Request};
use vofs_core::Error;
use vofs_core::errno::ToErrno;

use super::killed::killed;
use crate::activity::{Activity, Operation};

/// What moves bytes has deadlines of its own for each byte; this one ends what even those forget.
const BYTES: Duration = Duration::from_secs(24 * 3600);

/// What a request does: decides how long it may take, and whether the end of who asked ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// Asks for names or attributes.
    Question,
    /// Changes names or attributes. Goes on without who asked, because half a change is none.
    Change,
    /// Brings bytes or names in.
    Read,
    /// Takes bytes out. Goes on without who asked, because they would be lost.
    Transfer,
}

/// A request that waits for its answer.
#[derive(Debug)]
pub(super) struct Waiting {
    activity: Arc<Activity>,
    operation: Operation,
    work: Work,
    deadline: Duration,
}

impl Waiting {
    pub(super) fn new(
        activity: &Arc<Activity>,
        operation: &'static str,
        request: &Request,
        ino: INodeNo,
        work: Work,
        metadata: Duration,
    ) -> Self {
        let deadline = match work {
            Work::Question | Work::Change => metadata,
            Work::Read | Work::Transfer => BYTES,
        };
        let operation = Operation { name: operation, ino: ino.0, pid: request.pid(), since: Instant::now() };
        Waiting { activity: Arc::clone(activity), operation, work, deadline }
    }

    /// The outcome of what needed no waiting.
    pub(super) fn now<T>(&self, outcome: vofs_core::Result<T>) -> Result<T, Errno> {
        let outcome = outcome.map_err(|error| self.failed(&error));
        self.told(outcome)
    }

    /// Waits for the outcome, no longer than the deadline, nor than somebody waits for it.
    pub(super) async fn outcome<T>(&self, work: impl Future<Output = vofs_core::Result<T>>) -> Result<T, Errno> {
        let Operation { name: operation, ino, pid, .. } = self.operation;
        let _in_flight = self.activity.begin(self.operation);
        tokio::select! {
            biased;
            outcome = work => self.now(outcome),
            () = tokio::time::sleep(self.deadline) => {
                tracing::warn!(operation, ino, pid, seconds = self.deadline.as_secs(), "no answer within the deadline");
                self.told(Err(Errno::ETIMEDOUT))
            }
            () = killed(pid), if matches!(self.work, Work::Question | Work::Read) => {
                tracing::debug!(operation, ino, pid, "given up: the process was killed");
                self.told(Err(Errno::EINTR))
            }
        }
    }

    /// Who watches hears of it.
    fn told<T>(&self, outcome: Result<T, Errno>) -> Result<T, Errno> {
        self.activity.ended(&self.operation, outcome.as_ref().err().map_or(0, |errno| errno.code()));
        outcome
    }

    fn failed(&self, error: &Error) -> Errno {
        let errno = error.to_errno();
        let Operation { name: operation, ino, pid, since } = self.operation;
        let elapsed_ms = since.elapsed().as_millis();
        match errno {
            _ if matches!(error, Error::Renumbered(_)) => {
                tracing::debug!(operation, ino, pid, %error, "looked up again")
            }
            // What programs ask for all day long to see whether it is so.
            libc::ENOENT
            | libc::EEXIST
            | libc::ENOTEMPTY
            | libc::EISDIR
            | libc::ENOTDIR
            | libc::EROFS
            | libc::ENODATA
            | libc::EOPNOTSUPP => {
                tracing::debug!(operation, ino, pid, elapsed_ms, errno, %error, "failed");
            }
            _ => tracing::warn!(operation, ino, pid, elapsed_ms, errno, %error, "failed"),
        }
        Errno::from_i32(errno)
    }
}
