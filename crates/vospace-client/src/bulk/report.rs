//! What a copy did: events while it runs, the sums at its end.

use std::time::Duration;

use super::{BulkError, Place};

/// One thing that happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A directory exists now.
    Directory(&'a Place),
    /// A file arrived whole and verified.
    Copied {
        /// From.
        source: &'a Place,
        /// To.
        target: &'a Place,
        /// Bytes.
        length: u64,
        /// From its first request to its last.
        elapsed: Duration,
    },
    /// Source and target have the same bytes.
    Unchanged(&'a Place),
    /// The user was asked and said no.
    Kept(&'a Place),
    /// Something that only the target had is gone.
    Removed(&'a Place),
    /// It did not work.
    Failed(&'a Failure),
}

/// One file or directory that was not copied.
#[derive(Debug)]
pub struct Failure {
    /// What was to be copied.
    pub source: Place,
    /// Why it was not.
    pub error: BulkError,
}

/// The sums of a copy.
#[derive(Debug, Default)]
pub struct Report {
    /// Files copied.
    pub copied: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that were the same already.
    pub unchanged: u64,
    /// Files that the user chose to keep as they are.
    pub kept: u64,
    /// Links that were left out.
    pub links: u64,
    /// Files left out by `exclude` and `include`.
    pub excluded: u64,
    /// Extras that were removed.
    pub removed: u64,
    /// What failed.
    pub failures: Vec<Failure>,
    /// Planning not included.
    pub elapsed: Duration,
}

impl Report {
    /// Whether everything that was asked for is done.
    pub fn is_complete(&self) -> bool {
        self.failures.is_empty()
    }
}
