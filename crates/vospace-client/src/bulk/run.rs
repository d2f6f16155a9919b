//! The work: directories first, then files, a bounded number at a time.
//!
//! One failure never stops the others. Dropping the future stops everything: tasks in flight are cancelled, and what they
//! leave behind is removed or kept for the next run.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::client::Client;
use crate::error::ErrorKind;
use crate::node::{Properties, Timestamp};
use crate::uri::VosUri;
use crate::view::View;

use super::compare::{Side, is_unchanged};
use super::plan::Directory;
use super::receive::receive;
use super::relay::relay;
use super::send::send;
use super::watch::Meter;
use super::{BulkError, Compare, Event, Facts, Failure, Options, Place, Plan, Report, Task};

/// Whole tries of one download. The client retries requests by itself; this is for a body that breaks off half-way or
/// does not match its digest.
const DOWNLOAD_TRIES: u32 = 3;

/// Pause before the second try of a file.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// Files up to this size are small: a tenth of a second's worth on a connection of 10 MB/s.
const SMALL: u64 = 1 << 20;

/// What became of one file.
pub(super) enum Outcome {
    Copied(u64),
    Unchanged,
    Kept,
}

/// Carries out `plan`; `observer` is told of each event as it happens.
pub async fn run(client: &Client, plan: Plan, options: &Options, observer: &dyn Fn(&Event<'_>)) -> Report {
    let started = Instant::now();
    let mut report = Report { links: plan.links, excluded: plan.excluded, ..Report::default() };
    let fail = |report: &mut Report, failure: Failure| {
        observer(&Event::Failed(&failure));
        report.failures.push(failure);
    };
    for failure in plan.failures {
        fail(&mut report, failure);
    }

    let mut missing: Vec<Place> = Vec::new();
    for directory in &plan.directories {
        let result = if below_any(&directory.target, &missing) {
            Err(BulkError::NoParent(directory.source.clone()))
        } else if options.dry_run {
            Ok(())
        } else {
            make(client, directory).await
        };
        match result {
            Ok(()) => observer(&Event::Directory(&directory.target)),
            Err(error) => {
                missing.push(directory.target.clone());
                fail(&mut report, Failure { source: directory.source.clone(), error });
            }
        }
    }

    let options = Arc::new(options.clone());
    if let Some(watch) = &options.watch {
        watch.planned(plan.files.len() as u64, plan.files.iter().map(Task::length).sum());
    }
    let mut tasks = (0..).zip(plan.files).peekable();
    let mut running: JoinSet<(Task, Duration, Result<Outcome, BulkError>)> = JoinSet::new();
    let mut large = 0;
    loop {
        let streams = if large > 0 { options.streams } else { options.streams.max(options.small_streams) };
        while running.len() < streams.max(1) {
            let is_large = tasks.peek().is_some_and(|(_, task)| task.length() > SMALL);
            if is_large && running.len() >= options.streams.max(1) {
                break;
            }
            let Some((number, task)) = tasks.next() else { break };
            let meter = Meter::new(options.watch.clone(), number);
            if below_any(&task.target(), &missing) {
                let error = BulkError::NoParent(task.source());
                meter.ended(task.length());
                fail(&mut report, Failure { source: task.source(), error });
                continue;
            }
            large += usize::from(is_large);
            let (client, options) = (client.clone(), Arc::clone(&options));
            running.spawn(async move {
                let started = Instant::now();
                let result = copy(&client, &task, &options, &meter).await;
                meter.ended(task.length());
                (task, started.elapsed(), result)
            });
        }
        let Some(joined) = running.join_next().await else { break };
        let (task, elapsed, result) = match joined {
            Ok(done) => done,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        large -= usize::from(task.length() > SMALL);
        let (source, target) = (task.source(), task.target());
        match result {
            Ok(Outcome::Copied(length)) => {
                report.copied += 1;
                report.bytes += length;
                observer(&Event::Copied { source: &source, target: &target, length, elapsed });
            }
            Ok(Outcome::Unchanged) => {
                report.unchanged += 1;
                observer(&Event::Unchanged(&target));
            }
            Ok(Outcome::Kept) => {
                report.kept += 1;
                observer(&Event::Kept(&target));
            }
            Err(error) => fail(&mut report, Failure { source, error }),
        }
    }
    report.elapsed = started.elapsed();
    report
}

fn below_any(place: &Place, missing: &[Place]) -> bool {
    missing.iter().any(|ancestor| match (place, ancestor) {
        (Place::Local(path), Place::Local(ancestor)) => path.starts_with(ancestor),
        (Place::Remote(uri), Place::Remote(ancestor)) => uri.starts_with(ancestor),
        (Place::Local(_), Place::Remote(_)) | (Place::Remote(_), Place::Local(_)) => false,
    })
}

async fn make(client: &Client, directory: &Directory) -> Result<(), BulkError> {
    match &directory.target {
        Place::Local(path) => match std::fs::create_dir(path) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(BulkError::local(path, error)),
            _ => Ok(()),
        },
        Place::Remote(uri) => match client.mkdir(uri, &Properties::new()).await {
            // A listing may not show yet what another client has made.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(BulkError::remote(uri, error)),
            Ok(_) => Ok(()),
        },
    }
}

async fn copy(client: &Client, task: &Task, options: &Options, meter: &Meter) -> Result<Outcome, BulkError> {
    match task {
        Task::Download { from, to, facts, view: None } => download(client, from, to, facts, options, meter).await,
        Task::Download { from, to, view: Some(view), .. } => part(client, from, to, view, options, meter).await,
        Task::Upload { from, to, known, .. } => send(client, from, to, *known, options, meter).await,
        Task::Relay { from, to, facts, known, view } => {
            relay(client, from, to, view.as_ref(), facts, *known, options, meter).await
        }
    }
}

async fn download(
    client: &Client,
    from: &VosUri,
    to: &Path,
    listed: &Facts,
    options: &Options,
    meter: &Meter,
) -> Result<Outcome, BulkError> {
    let mut facts = *listed;
    if to.exists() {
        facts = match options.compare {
            Compare::Nodes => (&client.stat(from).await.map_err(|error| BulkError::remote(from, error))?).into(),
            Compare::Listings | Compare::Times | Compare::Nothing => *listed,
        };
        let unchanged = is_unchanged(to, &facts, options.compare, Side::Local).await;
        if unchanged.map_err(|error| BulkError::local(to, error))? {
            return Ok(Outcome::Unchanged);
        }
        if !confirmed(options, to.into()).await {
            return Ok(Outcome::Kept);
        }
    }
    if options.dry_run {
        return Ok(Outcome::Copied(listed.length().unwrap_or(0)));
    }
    fetch(client, from, to, None, facts.date(), meter).await
}

/// A part of a file. There is nothing to compare it with, so it is always copied.
async fn part(
    client: &Client,
    from: &VosUri,
    to: &Path,
    view: &View,
    options: &Options,
    meter: &Meter,
) -> Result<Outcome, BulkError> {
    if to.exists() {
        if *view == View::Header && is_fits(to).map_err(|error| BulkError::local(to, error))? {
            return Err(BulkError::HeaderOntoFile(to.to_owned()));
        }
        if !confirmed(options, to.into()).await {
            return Ok(Outcome::Kept);
        }
    }
    if options.dry_run {
        return Ok(Outcome::Copied(0));
    }
    fetch(client, from, to, Some(view), None, meter).await
}

/// Whether a file has whole blocks of a FITS file (FITS 4.0 §3.1), which text of headers has only by chance.
fn is_fits(path: &Path) -> std::io::Result<bool> {
    const BLOCK: u64 = 2880;
    let mut file = std::fs::File::open(path)?;
    let length = file.metadata()?.len();
    let mut begin = [0; 9];
    Ok(length > 0 && length % BLOCK == 0 && file.read_exact(&mut begin).is_ok() && &begin == b"SIMPLE  =")
}

async fn fetch(
    client: &Client,
    from: &VosUri,
    to: &Path,
    view: Option<&View>,
    dated: Option<Timestamp>,
    meter: &Meter,
) -> Result<Outcome, BulkError> {
    let mut tries = 1;
    loop {
        match receive(client, from, to, view, dated, meter).await {
            Ok(length) => return Ok(Outcome::Copied(length)),
            Err(error) if tries < DOWNLOAD_TRIES && worth_another_try(&error) => {
                tracing::warn!("{error}; trying again");
                tokio::time::sleep(RETRY_PAUSE * tries).await;
                tries += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Whether the same download may end otherwise: the file changed while it was read, or the connection broke.
fn worth_another_try(error: &BulkError) -> bool {
    matches!(error, BulkError::Broken { .. } | BulkError::Corrupt { .. } | BulkError::Length { .. })
}

/// Whether `target` may be replaced.
pub(super) async fn confirmed(options: &Options, target: Place) -> bool {
    let Some(confirm) = options.confirm.clone() else { return true };
    tokio::task::spawn_blocking(move || confirm(&target)).await.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_below_a_missing_directory_is_known_by_component() {
        let missing = vec![Place::Local("/t/a".into()), Place::Remote(VosUri::new("cadc.nrc.ca~vault", "/b"))];
        assert!(below_any(&Place::Local("/t/a/x".into()), &missing));
        assert!(!below_any(&Place::Local("/t/ab".into()), &missing));
        assert!(below_any(&Place::Remote(VosUri::new("cadc.nrc.ca~vault", "/b/c/d")), &missing));
        assert!(!below_any(&Place::Remote(VosUri::new("cadc.nrc.ca~vault", "/bc")), &missing));
    }
}
