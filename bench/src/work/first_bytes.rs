//! A FITS header of a large file that nobody has read yet, in a directory that was listed.

use anyhow::Result;

use super::{LIMIT, Work, row, size};
use crate::act::Act;
use crate::column::Session;
use crate::data::{Set, node_name};
use crate::results::{Reading, Row, Seen};
use crate::sizes::Sizes;
use crate::stage::Stage;
use crate::target::{Condition, Verdict};

const FIRST: &str = "first-bytes";

/// One FITS block.
pub(super) const HEADER: usize = 2880;

/// See the module.
#[derive(Debug)]
pub(crate) struct FirstBytes;

impl Work for FirstBytes {
    fn name(&self) -> &'static str {
        FIRST
    }

    fn set(&self) -> Set {
        Set::Huge
    }

    fn columns(&self) -> &'static [&'static str] {
        &["mount", "vofs", "rclone", "davfs2"]
    }

    fn depends_on_latency(&self) -> bool {
        true
    }

    fn rows(&self, sizes: &Sizes) -> Vec<Row> {
        vec![row(FIRST, format!("first 2,880 bytes of a cold file of {}, listing known", size(sizes.huge)), "ms")]
    }

    fn run(&self, stage: &Stage, session: &Session) -> Result<Vec<Reading>> {
        let directory = session.tree()?.join(self.set().name());
        Act::List { directory: directory.clone() }.run(LIMIT)?;
        let act = Act::Heads { paths: vec![directory.join(node_name(0))], size: HEADER };
        let (done, usage) = session.measure(stage, || act.run(LIMIT))?;
        Ok(vec![Reading { row: FIRST, value: done.seconds * 1e3, usage }])
    }

    fn judge(&self, seen: Seen<'_>) -> Vec<Verdict> {
        let latency = seen.link.latency();
        if latency == 0.0 {
            return Vec::new();
        }
        // A third round trip would make it three times the latency at least; whatever is below that had two.
        let trips = seen.ours(FIRST).map(|milliseconds| (milliseconds / 1e3 / latency).floor());
        vec![Verdict { row: FIRST, conditions: vec![Condition::at_most("≤ 2 round trips", trips, 2.0)] }]
    }
}
