//! What is said on the control socket: a request and its replies, a line of JSON each. No request has the path of a local file:
//! the daemon opens none that it is told, which might hang, or be in its own mount.

use serde::{Deserialize, Serialize};
use vofs_core::{Limits, PendingFile};

use super::report::Report;

/// What the daemon is asked for. Paths are below the root of the mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub(crate) enum Request {
    /// How the mount stands.
    Status,
    /// Send what waits for its upload, and answer when that is done, or after so many seconds.
    Drain {
        #[serde(default)]
        limit: Option<u64>,
    },
    /// The files that wait.
    Pending,
    /// Hand out the bytes of one of them.
    Export { which: String },
    /// Drop one of them.
    Discard { which: String },
    /// Try one of them again, or all.
    Retry { which: Option<String> },
    /// Believe nothing any more that is known of a path and all below it.
    Refresh { path: String },
    /// Drop what is cached of it.
    Forget { path: String },
    /// Fetch it.
    Warm { paths: Vec<String> },
    /// Keep it in the cache; and fetch it, unless `lazy`.
    Pin {
        path: String,
        #[serde(default)]
        lazy: bool,
    },
    /// Let it be evicted again.
    Unpin { path: String },
    /// How much is logged, or from now on.
    LogLevel { level: Option<String> },
    /// Tell of each operation that ends.
    Trace,
    /// The limits, after those that are given were changed.
    Limits(AllLimits),
    /// Send what waits, then end the mount.
    Unmount,
}

/// Every limit that can be changed while a mount runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AllLimits {
    #[serde(flatten)]
    pub(crate) of_cache: Limits,
    #[serde(flatten)]
    pub(crate) of_link: LinkLimits,
    #[serde(flatten)]
    pub(crate) of_waiting: Waits,
}

/// Limits of the link, in bytes per second: without a value it stays as it is, 0 lifts it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LinkLimits {
    pub(crate) bwlimit_down: Option<u64>,
    pub(crate) bwlimit_up: Option<u64>,
}

/// How long is waited, in seconds: without a value it stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Waits {
    /// For names and attributes.
    pub(crate) metadata_timeout: Option<u64>,
    /// For uploads at the end.
    pub(crate) drain_timeout: Option<u64>,
}

/// What it says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "kebab-case")]
pub(crate) enum Reply {
    /// How far a drain is; another reply follows.
    Progress {
        files: usize,
        bytes: u64,
        sent: u64,
    },
    /// How far the fetching is; another reply follows.
    Warming {
        files: u64,
        files_done: u64,
        bytes: u64,
        bytes_done: u64,
    },
    /// An operation has ended; others follow.
    Operation(Line),
    Status(Box<Report>),
    /// The drain is over; what could not be sent is in the journal.
    Drained {
        remaining: Vec<String>,
    },
    Pending {
        space: String,
        files: Vec<PendingFile>,
    },
    /// The bytes of the file follow, so many, just as they are.
    Exported {
        path: String,
        bytes: u64,
    },
    Discarded {
        path: String,
        bytes: u64,
    },
    Retried {
        files: usize,
    },
    Refreshed {
        path: String,
    },
    Forgotten {
        files: usize,
        bytes: u64,
    },
    /// All is fetched but what `failed`, which says why.
    Warmed {
        files: usize,
        bytes: u64,
        links: usize,
        failed: Vec<String>,
    },
    Pins {
        changed: bool,
        pins: Vec<String>,
    },
    Level {
        level: String,
    },
    Limits(AllLimits),
    /// The mount ends; what could not be sent is in the journal.
    Unmounting {
        remaining: Vec<String>,
    },
    Failed {
        message: String,
    },
}

/// An operation that has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Line {
    /// What was asked for: `read`, `lookup`; `missed` when there were more than could be told, with how many.
    pub(crate) operation: String,
    /// Of what, below the root of the mount; none where it has no name any more.
    pub(crate) path: Option<String>,
    /// Who asked.
    pub(crate) pid: u32,
    pub(crate) milliseconds: f64,
    /// 0 for success.
    pub(crate) errno: i32,
}

impl Reply {
    /// Whether another reply follows.
    pub(crate) fn is_followed(&self) -> bool {
        matches!(self, Reply::Progress { .. } | Reply::Warming { .. } | Reply::Operation(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_a_line_that_a_script_can_write() {
        for (line, request) in [
            (r#"{"command": "export", "which": "a/b"}"#, Request::Export { which: "a/b".into() }),
            (r#"{"command": "drain"}"#, Request::Drain { limit: None }),
            (r#"{"command": "pin", "path": "a/b"}"#, Request::Pin { path: "a/b".into(), lazy: false }),
            (
                r#"{"command": "limits", "cache_limit": 5, "bwlimit_up": 0}"#,
                Request::Limits(AllLimits {
                    of_cache: Limits { cache_limit: Some(5), ..Limits::default() },
                    of_link: LinkLimits { bwlimit_up: Some(0), ..LinkLimits::default() },
                    of_waiting: Waits::default(),
                }),
            ),
        ] {
            assert_eq!(serde_json::from_str::<Request>(line).expect("understood"), request);
        }
        assert_eq!(serde_json::to_string(&Request::Status).expect("written"), r#"{"command":"status"}"#);
    }
}
