//! What requests meet on their way: a link that breaks, answers that are lost, a service that says no.

use crate::error::Error;
use crate::path::NodePath;

/// How a request fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// Before the service has it.
    Broken,
    /// The service has done it, and nobody hears of that.
    Lost,
    /// No connection, for this kind of request.
    CutOff,
    /// The service says no.
    Refused,
    /// An upload, in the middle: where bytes are written in place, some of them are there then.
    Torn,
}

/// Requests that begin with `prefix` fail.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    pub(crate) prefix: String,
    pub(crate) how: How,
    /// So many of them; `None` until all is mended.
    pub(crate) left: Option<usize>,
}

impl Fault {
    pub(crate) fn lasting(prefix: &str, how: How) -> Self {
        Fault { prefix: prefix.to_owned(), how, left: None }
    }
}

/// Requests that change something: the others lose nothing but their answer.
const CHANGES: [&str; 8] = ["put ", "make ", "mkdir ", "delete ", "rename ", "access ", "property ", "properties of "];

/// All that requests meet.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    pub(super) fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether a request may still meet one.
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|fault| fault.left == Some(0))
    }

    fn take(&mut self, request: &str, applies: impl Fn(How) -> bool) -> Option<How> {
        let meets = |fault: &&mut Fault| {
            fault.left != Some(0) && applies(fault.how) && request.starts_with(fault.prefix.as_str())
        };
        let fault = self.0.iter_mut().find(meets)?;
        fault.left = fault.left.map(|left| left - 1);
        Some(fault.how)
    }

    /// What becomes of a request before it is done.
    pub(super) fn before(&mut self, path: &NodePath, request: &str) -> Option<Error> {
        let changes = CHANGES.iter().any(|kind| request.starts_with(kind));
        let is_before = |how| how != How::Torn && (how != How::Lost || !changes);
        let (path, how) = (path.clone(), self.take(request, is_before)?);
        Some(match how {
            How::Broken | How::Lost | How::Torn => Error::Io { path, cause: "broken link".into() },
            How::CutOff => Error::Unreachable { path, cause: "connection refused".into() },
            How::Refused => Error::PermissionDenied { path, cause: "the service says no".into() },
        })
    }

    /// Whether an upload breaks in the middle.
    pub(super) fn tear(&mut self, request: &str) -> bool {
        self.take(request, |how| how == How::Torn).is_some()
    }

    /// What becomes of the answer to a request that was done.
    pub(super) fn after(&mut self, path: &NodePath, request: &str) -> Option<Error> {
        self.take(request, |how| how == How::Lost)?;
        Some(Error::Io { path: path.clone(), cause: "the answer was lost".into() })
    }
}
