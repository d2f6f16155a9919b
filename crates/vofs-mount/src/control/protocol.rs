//! What is said on the control socket: a request and its replies, a line of JSON each.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use vofs_core::{PendingFile, Status};

/// What the daemon is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub(crate) enum Request {
    /// How the mount stands.
    Status,
    /// Send what waits for its upload, and answer when that is done.
    Drain,
    /// The files that wait.
    Pending,
    /// Save one of them to a new local file.
    Export { which: String, to: PathBuf },
    /// Drop one of them.
    Discard { which: String },
    /// Try one of them again, or all.
    Retry { which: Option<String> },
}

/// What it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "kebab-case")]
pub(crate) enum Reply {
    /// How far a drain is; another reply follows.
    Progress {
        files: usize,
        bytes: u64,
        sent: u64,
    },
    Status(Box<Status>),
    /// The drain is over; what could not be sent is in the journal.
    Drained {
        remaining: Vec<String>,
    },
    Pending {
        space: String,
        files: Vec<PendingFile>,
    },
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
    Failed {
        message: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_a_line_that_a_script_can_write() {
        let line = r#"{"command": "export", "which": "a/b", "to": "/tmp/x"}"#;
        let request: Request = serde_json::from_str(line).expect("understood");
        assert_eq!(request, Request::Export { which: "a/b".into(), to: "/tmp/x".into() });
        assert_eq!(serde_json::to_string(&Request::Status).expect("written"), r#"{"command":"status"}"#);
    }
}
