//! How a mount stands, as `status` tells it: the engine's own account, with the service, the credentials, and requests that
//! hang.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use vofs_core::{Ino, Status};
use vospace_client::Standing;

use super::context::Context;
use super::protocol::LinkLimits;

/// A request of a program that waits for longer than this is named: nobody's patience is shorter.
const STUCK: Duration = Duration::from_secs(5);

/// A mount at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    #[serde(flatten)]
    pub(crate) engine: Status,
    pub(crate) mountpoint: PathBuf,
    pub(crate) pid: u32,
    /// Seconds since it was mounted.
    pub(crate) uptime: u64,
    pub(crate) service: Service,
    pub(crate) credentials: Known,
    pub(crate) stuck: Vec<Stuck>,
    pub(crate) bwlimit: LinkLimits,
    pub(crate) log_level: String,
    /// The file of the log; none for standard error.
    #[serde(default)]
    pub(crate) log: Option<PathBuf>,
}

/// How the service is, by what became of the requests to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Service {
    /// False when the last request failed.
    pub(crate) reachable: bool,
    pub(crate) requests: u64,
    pub(crate) failures: u64,
    /// RFC 3339.
    pub(crate) last_answer: Option<String>,
    pub(crate) last_failure: Option<String>,
    pub(crate) last_failure_text: Option<String>,
    /// Bytes out and in since it was mounted.
    pub(crate) sent: u64,
    pub(crate) received: u64,
}

/// Who the mount is at the service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Known {
    /// What they are, without any secret.
    pub(crate) what: String,
    /// Until when they are good, where that can be told; RFC 3339.
    pub(crate) expires: Option<String>,
    /// Seconds until then; negative afterwards.
    pub(crate) seconds_left: Option<i64>,
    /// Why they cannot be used, and what to do.
    pub(crate) problem: Option<String>,
}

/// A request of a program that hangs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stuck {
    pub(crate) operation: String,
    pub(crate) path: Option<String>,
    pub(crate) pid: u32,
    pub(crate) seconds: u64,
}

impl Known {
    /// By what the client library says of them.
    pub(crate) fn of(credentials: vospace_client::Result<Standing>) -> Self {
        match credentials {
            Ok(Standing { what, until, .. }) => Known {
                what,
                expires: until.map(|until| until.to_string()),
                seconds_left: until.map(|until| {
                    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
                    until.as_second() - now.cast_signed()
                }),
                problem: None,
            },
            Err(error) => Known {
                what: "cannot be used".to_owned(),
                expires: None,
                seconds_left: None,
                problem: Some(error.to_string()),
            },
        }
    }
}

/// Draws it up.
///
/// # Errors
/// When the journal cannot be read.
pub(crate) async fn draw_up(context: &Context) -> vofs_core::Result<Report> {
    let health = context.client.health();
    let (sent, received) = context.client.moved();
    let (bwlimit_up, bwlimit_down) = context.client.bandwidth();
    let stuck = context.activity.waiting_longer(STUCK).into_iter().map(|operation| Stuck {
        operation: operation.name.to_owned(),
        path: context.engine.path_of(Ino(operation.ino)).map(|path| path.as_str().to_owned()),
        pid: operation.pid,
        seconds: operation.since.elapsed().as_secs(),
    });
    let (failed_at, failure) = health.last_failure.unzip();
    Ok(Report {
        engine: context.engine.status().await?,
        mountpoint: context.mountpoint.clone(),
        pid: std::process::id(),
        uptime: context.since.elapsed().as_secs(),
        service: Service {
            reachable: health.reachable,
            requests: health.requests,
            failures: health.failures,
            last_answer: health.last_answer.map(|at| at.to_string()),
            last_failure: failed_at.map(|at| at.to_string()),
            last_failure_text: failure,
            sent,
            received,
        },
        credentials: Known::of(context.client.credentials(&context.root)),
        stuck: stuck.collect(),
        bwlimit: LinkLimits { bwlimit_down, bwlimit_up },
        log_level: context.level.name(),
        log: context.log.clone(),
    })
}
