//! `ls -l` of a directory, cold and again.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::Result;

use super::{LIMIT, Work, complete, row};
use crate::column::{Access, Session};
use crate::data::{Set, USER, node_name};
use crate::process::{self, Finished};
use crate::results::{Reading, Row, Seen};
use crate::service::TOKEN;
use crate::sizes::Sizes;
use crate::stage::Stage;
use crate::target::{Condition, Verdict};

const COLD: &str = "ls-long-cold";
const WARM: &str = "ls-long-warm";

/// Children that a client asks for at once; the pages of the mount are as large.
pub(super) const PAGE: u64 = 5000;

/// See the module.
#[derive(Debug)]
pub(crate) struct LongListing;

impl Work for LongListing {
    fn name(&self) -> &'static str {
        "ls-long"
    }

    fn set(&self) -> Set {
        Set::Long
    }

    fn columns(&self) -> &'static [&'static str] {
        &["mount", "wire", "vofs", "rclone", "davfs2", "native"]
    }

    fn depends_on_latency(&self) -> bool {
        true
    }

    fn rows(&self, sizes: &Sizes) -> Vec<Row> {
        let title = format!("`ls -l` of {} files", sizes.long_listing);
        vec![row(COLD, format!("{title}, cold"), "s"), row(WARM, format!("{title}, again"), "s")]
    }

    fn run(&self, stage: &Stage, session: &Session) -> Result<Vec<Reading>> {
        let count = stage.sizes.long_listing;
        if let Access::Wire(base) = &session.access {
            return Ok(vec![pages(stage, session, base, self.set(), count, COLD)?]);
        }
        let directory = session.tree()?.join(self.set().name());
        let mut readings = Vec::new();
        for row in [COLD, WARM] {
            let (finished, usage) = session.measure(stage, || ls_long(&directory))?;
            // The first line is the total.
            complete("lines", finished.lines, count + 1)?;
            readings.push(Reading { row, value: finished.seconds(), usage });
        }
        Ok(readings)
    }

    fn judge(&self, seen: Seen<'_>) -> Vec<Verdict> {
        let mut cold = Vec::new();
        if let Some(service) = seen.median(COLD, "wire") {
            let text = format!("≤ service time of {service:.2} s + 0.3 s");
            cold.push(Condition::at_most(text, seen.ours(COLD), service + 0.3));
        }
        let warm = Condition::at_most("≤ 1.5 × native", seen.ratio(WARM, "native"), 1.5);
        vec![Verdict { row: COLD, conditions: cold }, Verdict { row: WARM, conditions: vec![warm] }]
    }
}

fn ls_long(directory: &Path) -> Result<Finished> {
    process::run(Command::new("ls").env("LC_ALL", "C").arg("-l").arg(directory), LIMIT)
}

/// The pages of a listing, one after the other.
pub(super) fn pages(
    stage: &Stage,
    session: &Session,
    base: &str,
    set: Set,
    count: u64,
    row: &'static str,
) -> Result<Reading> {
    let start = Instant::now();
    let ((), usage) = session.measure(stage, || {
        let mut begin = String::new();
        let mut listed = 0;
        while listed + 1 < count.max(1) {
            let url = format!("{base}/vault/nodes/{USER}/{}?limit={PAGE}{begin}", set.name());
            stage.http.request("GET", &url, Some(TOKEN), None)?;
            // A page begins with the last name of the one before.
            listed += PAGE - 1;
            begin = format!("&uri=vos://cadc.nrc.ca~vault/{USER}/{}/{}", set.name(), node_name(listed));
        }
        Ok(())
    })?;
    Ok(Reading { row, value: start.elapsed().as_secs_f64(), usage })
}
