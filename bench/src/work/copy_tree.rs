//! `cp -r` of a tree of small files, until the service has all of them: where close waits for the upload, and where it
//! does not.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::{Work, arrival, besides, row};
use crate::column::Session;
use crate::data::{Scratch, Set, small_files};
use crate::process::{self, TimedOut};
use crate::results::{Reading, Row, Seen};
use crate::sizes::Sizes;
use crate::stage::Stage;
use crate::target::{Condition, Verdict};

const COPY: &str = "copy-tree";
const REQUESTS: &str = "copy-tree-requests";

/// Bytes of a file.
const LENGTH: u64 = 20_000;

/// Below this directory.
const COPIED: &str = "scratch/copied";

/// How long the copying may go on; after that the time of a file is that of those which arrived.
const PATIENCE: Duration = Duration::from_secs(100);

/// See the module.
#[derive(Debug)]
pub(crate) struct CopyTree;

impl Work for CopyTree {
    fn name(&self) -> &'static str {
        COPY
    }

    fn set(&self) -> Set {
        Set::Scratch
    }

    fn scratch(&self, _: &Sizes) -> Option<Scratch> {
        Some(Scratch::default())
    }

    fn columns(&self) -> &'static [&'static str] {
        &["mount", "mount-background", "vofs", "rclone-full", "native"]
    }

    fn rows(&self, sizes: &Sizes) -> Vec<Row> {
        let title = format!(
            "`cp -r` of {} files of 20 KB (or as many as {} s allow), until the service has them",
            sizes.copied,
            PATIENCE.as_secs()
        );
        vec![row(COPY, format!("{title}: time"), "ms/file"), row(REQUESTS, format!("{title}: requests"), "/file")]
    }

    fn run(&self, stage: &Stage, session: &Session) -> Result<Vec<Reading>> {
        let place = tempfile::Builder::new().prefix("run.").tempdir_in(&stage.work)?;
        let from = place.path().join("tree");
        small_files(&from, stage.sizes.copied, LENGTH)?;
        let mut command = Command::new("cp");
        command.arg("-r").arg(&from).arg(session.tree()?.join(COPIED));
        let ((seconds, files), usage) = session.measure(stage, || copy(stage, session, &mut command))?;
        let mut readings = vec![Reading { row: COPY, value: seconds * 1e3 / files as f64, usage }];
        readings.extend(usage.requests.map(|requests| besides(REQUESTS, requests as f64 / files as f64)));
        Ok(readings)
    }

    fn judge(&self, seen: Seen<'_>) -> Vec<Verdict> {
        let faster = seen.ratio(COPY, "mount-background");
        vec![
            Verdict {
                row: COPY,
                conditions: vec![Condition::at_least("background, drained: ≥ 10 times as fast", faster, 10.0)],
            },
            Verdict {
                row: REQUESTS,
                conditions: vec![Condition::at_most("≤ 3 round trips a file", seen.ours(REQUESTS), 3.0)],
            },
        ]
    }
}

/// Seconds, and the files that arrived.
fn copy(stage: &Stage, session: &Session, command: &mut Command) -> Result<(f64, u64)> {
    let wanted = stage.sizes.copied;
    match process::run(command, PATIENCE) {
        Ok(finished) => {
            let all = |held: &[_]| arrival::whole(held, LENGTH) == wanted;
            Ok((finished.seconds() + arrival::wait(stage, session, COPIED, all)?, wanted))
        }
        Err(error) if error.is::<TimedOut>() => {
            let held = session.held(stage, COPIED)?.unwrap_or_default();
            let files = arrival::whole(&held, LENGTH);
            if files == 0 {
                return Err(error);
            }
            Ok((PATIENCE.as_secs_f64(), files))
        }
        Err(error) => Err(error),
    }
}
