//! The first block of every file of a directory, one after the other, as `fitsheader *.fits` and `file *` do.

use std::time::Instant;

use anyhow::Result;

use super::first_bytes::HEADER;
use super::{LIMIT, Work, complete, row, size};
use crate::act::Act;
use crate::column::{Access, Session};
use crate::data::{Set, USER, node_name};
use crate::results::{Reading, Row, Seen};
use crate::service::TOKEN;
use crate::sizes::Sizes;
use crate::stage::Stage;
use crate::target::{Condition, Verdict};

const SWEEP: &str = "headers";

/// See the module.
#[derive(Debug)]
pub(crate) struct Headers;

impl Work for Headers {
    fn name(&self) -> &'static str {
        SWEEP
    }

    fn set(&self) -> Set {
        Set::Headers
    }

    fn columns(&self) -> &'static [&'static str] {
        &["mount", "wire", "vofs", "rclone"]
    }

    fn rows(&self, sizes: &Sizes) -> Vec<Row> {
        let title = format!("first 2,880 bytes of {} files of {}, cold", sizes.headers, size(sizes.header_file));
        vec![row(SWEEP, title, "s")]
    }

    fn run(&self, stage: &Stage, session: &Session) -> Result<Vec<Reading>> {
        let wanted = stage.sizes.headers * HEADER as u64;
        let (seconds, bytes, usage) = match &session.access {
            Access::Wire(base) => {
                let start = Instant::now();
                let (bytes, usage) = session.measure(stage, || one_by_one(stage, base))?;
                (start.elapsed().as_secs_f64(), bytes, usage)
            }
            _ => {
                let act = Act::Heads { paths: vec![session.tree()?.join(self.set().name())], size: HEADER };
                let (done, usage) = session.measure(stage, || act.run(LIMIT))?;
                (done.seconds, done.count, usage)
            }
        };
        complete("bytes", bytes, wanted)?;
        Ok(vec![Reading { row: SWEEP, value: seconds, usage }])
    }

    fn judge(&self, seen: Seen<'_>) -> Vec<Verdict> {
        let text = "≥ 8 times as fast as the same requests one after the other";
        let times = seen.ratio(SWEEP, "wire").map(|ratio| 1.0 / ratio);
        vec![Verdict { row: SWEEP, conditions: vec![Condition::at_least(text, times, 8.0)] }]
    }
}

/// What no client that does not look ahead can do without: for each file the redirect and the bytes.
fn one_by_one(stage: &Stage, base: &str) -> Result<u64> {
    let mut bytes = 0;
    for index in 0..stage.sizes.headers {
        let url = format!("{base}/vault/files/{USER}/{}/{}", Set::Headers.name(), node_name(index));
        let range = format!("0-{}", HEADER - 1);
        bytes += stage.http.request("GET", &url, Some(TOKEN), Some(&range))?.len() as u64;
    }
    Ok(bytes)
}
