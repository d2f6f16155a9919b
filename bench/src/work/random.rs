//! Small reads all over a large file that nobody has read yet.

use anyhow::Result;

use super::{LIMIT, Work, row, size};
use crate::act::Act;
use crate::column::Session;
use crate::data::{Set, node_name};
use crate::results::{Reading, Row, Seen};
use crate::sizes::Sizes;
use crate::stage::Stage;
use crate::target::{Condition, Verdict};

const RANDOM: &str = "random-reads";

/// Bytes of each read.
const READ: usize = 4096;

/// See the module.
#[derive(Debug)]
pub(crate) struct Random;

impl Work for Random {
    fn name(&self) -> &'static str {
        RANDOM
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
        let title =
            format!("{} random reads of 4 KiB over a cold file of {}, each", sizes.random_reads, size(sizes.huge));
        vec![row(RANDOM, title, "ms")]
    }

    fn run(&self, stage: &Stage, session: &Session) -> Result<Vec<Reading>> {
        let file = session.tree()?.join(self.set().name()).join(node_name(0));
        let count = stage.sizes.random_reads;
        let act = Act::Random { file, count, size: READ };
        let (done, usage) = session.measure(stage, || act.run(LIMIT))?;
        Ok(vec![Reading { row: RANDOM, value: done.seconds * 1e3 / count as f64, usage }])
    }

    fn judge(&self, seen: Seen<'_>) -> Vec<Verdict> {
        let usage = seen.usage(RANDOM);
        let each = |total: Option<u64>| total.map(|total| total as f64 / seen.sizes.random_reads as f64);
        vec![Verdict {
            row: RANDOM,
            conditions: vec![
                Condition::at_most("≤ 1.2 round trips a read", each(usage.requests), 1.2),
                Condition::at_most("≤ 64 KiB a read", each(usage.bytes).map(|bytes| bytes / 1024.0), 64.0),
            ],
        }]
    }
}
