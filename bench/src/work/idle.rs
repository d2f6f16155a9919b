//! A daemon that was used a little and now has nothing to do.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::{LIMIT, Work, besides, row};
use crate::act::Act;
use crate::column::Session;
use crate::data::Set;
use crate::probe;
use crate::process;
use crate::results::{Reading, Row, Seen};
use crate::sizes::Sizes;
use crate::stage::Stage;
use crate::target::{Condition, Verdict};

const MEMORY: &str = "idle-memory";
const WAKE_UPS: &str = "idle-wake-ups";

/// See the module.
#[derive(Debug)]
pub(crate) struct Idle;

impl Work for Idle {
    fn name(&self) -> &'static str {
        "idle"
    }

    fn set(&self) -> Set {
        Set::Readers
    }

    fn columns(&self) -> &'static [&'static str] {
        &["mount", "vofs", "rclone", "davfs2"]
    }

    fn is_steady(&self) -> bool {
        true
    }

    fn rows(&self, sizes: &Sizes) -> Vec<Row> {
        let title = format!("idle daemon, watched for {} s", sizes.idle_seconds);
        vec![
            row(MEMORY, format!("{title}: memory"), "MB"),
            row(WAKE_UPS, format!("{title}: wake-ups a minute"), "/min"),
        ]
    }

    fn run(&self, stage: &Stage, session: &Session) -> Result<Vec<Reading>> {
        let daemon = session.daemon().context("no daemon")?;
        let directory = session.tree()?.join(self.set().name());
        use_a_little(&directory)?;
        sleep(Duration::from_secs(stage.sizes.rest_seconds))?;
        let watched = Duration::from_secs(stage.sizes.idle_seconds);
        let before = probe::wake_ups(daemon)?;
        sleep(watched)?;
        let woken = probe::wake_ups(daemon)? - before;
        let memory = probe::memory(daemon).context("the daemon is gone")?;
        Ok(vec![besides(MEMORY, memory as f64 / 1e6), besides(WAKE_UPS, woken as f64 * 60.0 / watched.as_secs_f64())])
    }

    fn judge(&self, seen: Seen<'_>) -> Vec<Verdict> {
        vec![
            Verdict { row: MEMORY, conditions: vec![Condition::at_most("≤ 40 MB", seen.ours(MEMORY), 40.0)] },
            Verdict { row: WAKE_UPS, conditions: vec![Condition::at_most("a few: ≤ 10", seen.ours(WAKE_UPS), 10.0)] },
        ]
    }
}

fn use_a_little(directory: &Path) -> Result<()> {
    Act::List { directory: directory.to_owned() }.run(LIMIT)?;
    Act::Heads { paths: vec![directory.to_owned()], size: 4096 }.run(LIMIT)?;
    Ok(())
}

/// Watching takes time, and can be interrupted like everything else.
fn sleep(time: Duration) -> Result<()> {
    let end = Instant::now() + time;
    while Instant::now() < end {
        if process::interrupted() {
            bail!("interrupted");
        }
        thread::sleep(Duration::from_millis(50).min(end.saturating_duration_since(Instant::now())));
    }
    Ok(())
}
