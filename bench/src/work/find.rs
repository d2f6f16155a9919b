//! `find` over very many nodes in many directories.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::{Work, complete, row};
use crate::column::Session;
use crate::data::Set;
use crate::process;
use crate::results::{Reading, Row, Seen};
use crate::sizes::Sizes;
use crate::stage::Stage;
use crate::target::{Condition, Verdict};

const FIND: &str = "find";

/// A thousand directories, one after the other, over the slowest link.
const LIMIT: Duration = Duration::from_secs(300);

/// Requests that a directory may cost: its own node, its page, the proof that the page was the last, and one to spare.
const REQUESTS: f64 = 4.0;

/// Memory that the daemon may take for it, in MB.
const MEMORY: f64 = 300.0;

/// See the module.
#[derive(Debug)]
pub(crate) struct Find;

impl Work for Find {
    fn name(&self) -> &'static str {
        FIND
    }

    fn set(&self) -> Set {
        Set::Deep
    }

    fn columns(&self) -> &'static [&'static str] {
        &["mount"]
    }

    fn rows(&self, sizes: &Sizes) -> Vec<Row> {
        let nodes = sizes.directories * sizes.files_each;
        vec![row(FIND, format!("`find` over {nodes} files in {} directories", sizes.directories), "s")]
    }

    fn run(&self, stage: &Stage, session: &Session) -> Result<Vec<Reading>> {
        let mut command = Command::new("find");
        command.arg(session.tree()?.join(self.set().name()));
        let (finished, usage) = session.measure(stage, || process::run(&mut command, LIMIT))?;
        let (directories, files) = (stage.sizes.directories, stage.sizes.files_each);
        complete("lines", finished.lines, 1 + directories * (1 + files))?;
        Ok(vec![Reading { row: FIND, value: finished.seconds(), usage }])
    }

    fn judge(&self, seen: Seen<'_>) -> Vec<Verdict> {
        let usage = seen.usage(FIND);
        let requests = usage.requests.map(|requests| requests as f64 / seen.sizes.directories as f64);
        let memory = usage.memory.map(|bytes| bytes as f64 / 1e6);
        vec![Verdict {
            row: FIND,
            conditions: vec![
                Condition::at_most("≤ 4 requests a directory", requests, REQUESTS),
                Condition::at_most("daemon ≤ 300 MB", memory, MEMORY),
            ],
        }]
    }
}
