//! Requests that take their time, and say meanwhile how far they are.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use vofs_core::path::NodePath;
use vofs_core::{Engine, Exported, Ino, WarmPlan, WarmProgress};

use super::answer;
use super::context::Context;
use super::protocol::{Line, Reply};
use super::server::Asker;
use crate::activity::Ended;
use crate::drain::Left;

/// How often whoever waits hears how far it is.
const PROGRESS: Duration = Duration::from_secs(1);

/// How often whoever waits for bytes does: they draw a line that moves.
const MOVING: Duration = Duration::from_millis(200);

/// How long a drain may take where nobody says otherwise; what is left then goes on in the background.
const DRAIN: Duration = Duration::from_secs(24 * 3600);

/// Sends everything, and says now and then how far it is. Who waits for no longer than `patience` hears what remains then.
pub(super) async fn drain(engine: &Arc<Engine>, patience: Option<u64>, asker: &mut Asker) -> std::io::Result<Reply> {
    let draining = drain_within(engine, DRAIN, asker);
    let Some(patience) = patience else { return Ok(Reply::Drained { remaining: draining.await? }) };
    let remaining = match tokio::time::timeout(Duration::from_secs(patience), draining).await {
        Ok(remaining) => remaining?,
        Err(_) => engine.remaining().iter().map(|path| path.as_str().to_owned()).collect(),
    };
    Ok(Reply::Drained { remaining })
}

async fn drain_within(engine: &Arc<Engine>, limit: Duration, asker: &mut Asker) -> std::io::Result<Vec<String>> {
    let draining = Arc::clone(engine);
    // A task of its own: it goes on when nobody listens any more.
    let mut draining = tokio::spawn(async move { draining.drain(limit).await });
    loop {
        tokio::select! {
            remaining = &mut draining => {
                let remaining = remaining.unwrap_or_default();
                return Ok(remaining.iter().map(|path| path.as_str().to_owned()).collect());
            }
            () = tokio::time::sleep(PROGRESS) => {
                let Left { files, bytes, sent } = Left::of(engine);
                asker.say(&Reply::Progress { files, bytes, sent }).await?;
            }
        }
    }
}

/// Sends what waits, as the end of the mount does; the caller ends it.
pub(super) async fn unmount(context: &Context, asker: &mut Asker) -> std::io::Result<Reply> {
    Ok(Reply::Unmounting { remaining: drain_within(&context.engine, context.patience.drain(), asker).await? })
}

/// Hands out the bytes of a file that waits. Whoever asks saves them: no path of a local file is opened here that was told.
pub(super) async fn export(context: &Arc<Context>, which: &str, asker: &mut Asker) -> std::io::Result<()> {
    let to = &mut *asker;
    let handed = context
        .engine
        .export_pending(which, |Exported { path, bytes, data, .. }| async move {
            to.say(&Reply::Exported { path, bytes }).await?;
            to.give(data, bytes).await
        })
        .await;
    match handed {
        Ok(handed) => handed,
        Err(error) => asker.say(&Reply::Failed { message: error.to_string() }).await,
    }
}

/// Fetches what stands at and below `paths`. Who goes away ends it.
pub(super) async fn warm(context: &Arc<Context>, paths: &[String], asker: &mut Asker) -> std::io::Result<Reply> {
    let paths: Vec<NodePath> = paths.iter().map(|path| NodePath::new(path)).collect();
    match context.engine.plan_warm(&paths).await {
        Ok(plan) => fetch(&context.engine, plan, asker).await,
        Err(error) => Ok(Reply::Failed { message: error.to_string() }),
    }
}

async fn fetch(engine: &Arc<Engine>, plan: WarmPlan, asker: &mut Asker) -> std::io::Result<Reply> {
    let progress = WarmProgress::default();
    let (files, bytes) = (plan.files() as u64, plan.bytes);
    let far = || Reply::Warming { files, files_done: progress.files(), bytes, bytes_done: progress.bytes() };
    let mut fetching = std::pin::pin!(engine.warm(&plan, &progress));
    let failed = loop {
        tokio::select! {
            failed = &mut fetching => break failed,
            () = tokio::time::sleep(MOVING) => asker.say(&far()).await?,
        }
    };
    asker.say(&far()).await?;
    Ok(Reply::Warmed {
        files: plan.files(),
        bytes,
        links: plan.links,
        failed: failed.iter().map(|(_, error)| error.to_string()).collect(),
    })
}

/// Pins a path, and fetches what stands there: pinned first, so that nothing of it goes while the rest comes.
pub(super) async fn pin(context: &Arc<Context>, path: &str, lazy: bool, asker: &mut Asker) -> std::io::Result<Reply> {
    let path = NodePath::new(path);
    let failed = |error: vofs_core::Error| Ok(Reply::Failed { message: error.to_string() });
    // What does not fit is not pinned.
    let plan = match context.engine.plan_warm(std::slice::from_ref(&path)).await {
        Ok(plan) => plan,
        Err(error) => return failed(error),
    };
    let changed = match context.engine.pin(&path).await {
        Ok(changed) => changed,
        Err(error) => return failed(error),
    };
    if !lazy
        && let Reply::Warmed { failed, .. } = fetch(&context.engine, plan, asker).await?
        && let Some(first) = failed.first()
    {
        let message = format!("pinned, but {} file(s) could not be fetched: {first}", failed.len());
        return Ok(Reply::Failed { message });
    }
    Ok(answer::pins(context, changed))
}

/// Tells of each operation that ends, until nobody listens any more.
pub(super) async fn trace(context: &Context, asker: &mut Asker) -> std::io::Result<()> {
    let mut watching = context.activity.watch();
    loop {
        let line = match watching.recv().await {
            Ok(Ended { operation, took, errno }) => Line {
                operation: operation.name.to_owned(),
                path: context.engine.path_of(Ino(operation.ino)).map(|path| path.as_str().to_owned()),
                pid: operation.pid,
                milliseconds: took.as_secs_f64() * 1000.0,
                errno,
            },
            Err(RecvError::Lagged(missed)) => {
                Line { operation: format!("missed {missed}"), path: None, pid: 0, milliseconds: 0.0, errno: 0 }
            }
            Err(RecvError::Closed) => return Ok(()),
        };
        asker.say(&Reply::Operation(line)).await?;
    }
}
