//! Requests that are answered at once.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::time::Duration;

use fuser::INodeNo;
use tracing::level_filters::LevelFilter;
use vofs_core::path::NodePath;
use vofs_core::{Expired, Ino};

use crate::adapter::absences::Absence;
use crate::options::within;

use super::context::Context;
use super::protocol::{AllLimits, LinkLimits, Reply, Request, Waits};
use super::report;

/// How long the kernel may take to hear that something expired. What it has not heard by then it hears later.
const PATIENCE: Duration = Duration::from_secs(5);

/// Does what is asked for, and says what came of it.
pub(super) async fn answer(context: &Context, request: Request) -> Reply {
    let engine = &context.engine;
    let done = match request {
        Request::Status => report::draw_up(context).await.map(|report| Reply::Status(Box::new(report))),
        Request::Pending => {
            engine.status().await.map(|status| Reply::Pending { space: status.space, files: status.pending })
        }
        Request::Discard { which } => {
            engine.discard_pending(&which).await.map(|gone| Reply::Discarded { path: gone.path, bytes: gone.bytes })
        }
        Request::Retry { which } => engine.retry_pending(which.as_deref()).await.map(|files| Reply::Retried { files }),
        Request::Refresh { path } => match engine.refresh(&NodePath::new(&path)).await {
            Ok(expired) => {
                tell_kernel(context, expired).await;
                Ok(Reply::Refreshed { path })
            }
            Err(error) => Err(error),
        },
        Request::Forget { path } => engine
            .forget_cached(&NodePath::new(&path))
            .await
            .map(|gone| Reply::Forgotten { files: gone.files, bytes: gone.bytes }),
        Request::Unpin { path } => engine.unpin(&NodePath::new(&path)).await.map(|changed| pins(context, changed)),
        Request::LogLevel { level } => Ok(log_level(context, level.as_deref())),
        Request::Limits(change) => engine.change_limits(change.of_cache).await.map(|()| limits(context, change)),
        // Those that take their time are not asked for here.
        Request::Drain { .. }
        | Request::Export { .. }
        | Request::Warm { .. }
        | Request::Pin { .. }
        | Request::Trace
        | Request::Unmount => Ok(Reply::Failed { message: "not answered at once".into() }),
    };
    done.unwrap_or_else(|error| Reply::Failed { message: error.to_string() })
}

/// The kernel believes attributes, entries and absences by itself; told so, it asks. Of a file that is its attributes only:
/// whether its pages hold is decided when it is opened.
async fn tell_kernel(context: &Context, expired: Vec<Expired>) {
    let Some(kernel) = context.kernel.get().cloned() else { return };
    let directories: HashSet<Ino> = expired.iter().filter(|one| one.is_directory).map(|one| one.ino).collect();
    let (mut absent, unknown_until) = context.absences.within(&directories);
    // What was made since is no absence any more; a directory among it may be in use, and would lose its name.
    absent.retain(|absence| !context.engine.has_inode(absence.parent, &absence.name));
    // It may wait for a request of a program in the same directory, so on a thread of its own, and not for ever.
    let telling = tokio::task::spawn_blocking(move || {
        let not_taken = |error: std::io::Error, ino: Ino| {
            tracing::debug!(%error, ino = ino.0, "the kernel did not take that something expired");
        };
        for Absence { parent, name, .. } in absent {
            if let Err(error) = kernel.inval_entry(INodeNo(parent.0), OsStr::new(&*name)) {
                not_taken(error, parent);
            }
        }
        for one in expired {
            let offset = if one.is_directory { 0 } else { -1 };
            if let Err(error) = kernel.inval_inode(INodeNo(one.ino.0), offset, 0) {
                not_taken(error, one.ino);
            }
        }
    });
    let _ = tokio::time::timeout(PATIENCE, telling).await;
    if let Some(until) = unknown_until {
        tokio::time::sleep_until(until.into()).await;
    }
}

/// The pins, after something was done to them.
pub(super) fn pins(context: &Context, changed: bool) -> Reply {
    let pins = context.engine.pinned().iter().map(|path| path.as_str().to_owned()).collect();
    Reply::Pins { changed, pins }
}

fn log_level(context: &Context, level: Option<&str>) -> Reply {
    let outcome = level.map(|level| {
        let level: LevelFilter =
            level.parse().map_err(|_| format!("'{level}': error, warn, info, debug or trace is needed"))?;
        context.level.set(level).map_err(|error| error.to_string())
    });
    match outcome {
        Some(Err(message)) => Reply::Failed { message },
        Some(Ok(())) | None => Reply::Level { level: context.level.name() },
    }
}

fn limits(context: &Context, change: AllLimits) -> Reply {
    let AllLimits { of_link, of_waiting, .. } = change;
    let wanted = |rate: u64| (rate > 0).then_some(rate);
    if let Some(rate) = of_link.bwlimit_up {
        context.client.limit_uploads(wanted(rate));
    }
    if let Some(rate) = of_link.bwlimit_down {
        context.client.limit_downloads(wanted(rate));
    }
    let patience = &context.patience;
    of_waiting.metadata_timeout.into_iter().for_each(|seconds| patience.set_metadata(seconds));
    of_waiting.drain_timeout.into_iter().for_each(|seconds| patience.set_drain(seconds));
    let of_cache = context.engine.limits();
    let read = of_cache.read_timeout.map_or(Duration::MAX, Duration::from_secs);
    context.client.set_deadlines(within(context.usual_deadlines, read, patience.metadata()));
    let (bwlimit_up, bwlimit_down) = context.client.bandwidth();
    Reply::Limits(AllLimits {
        of_cache,
        of_link: LinkLimits { bwlimit_down, bwlimit_up },
        of_waiting: Waits {
            metadata_timeout: Some(patience.metadata().as_secs()),
            drain_timeout: Some(patience.drain().as_secs()),
        },
    })
}
