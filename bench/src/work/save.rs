//! The save cycle of a careful editor: a temporary file is written, synchronised, and renamed over the file. Where close
//! and fsync wait for the disk only, the temporary file need never be sent.

use anyhow::Result;

use super::{LIMIT, Work, arrival, besides, row};
use crate::act::Act;
use crate::column::Session;
use crate::data::{GIVEN, Scratch, Set, node_name};
use crate::results::{Reading, Row, Seen};
use crate::sizes::Sizes;
use crate::stage::Stage;
use crate::stats::Summary;
use crate::target::{Condition, Verdict};

const SAVE: &str = "save";
const UPLOADS: &str = "save-uploads";

/// Bytes of the file at the service.
const BEFORE: u64 = 20_000;

/// Bytes that are saved: by another length it can be seen that they arrived.
const AFTER: usize = 20_480;

/// See the module.
#[derive(Debug)]
pub(crate) struct Save;

impl Work for Save {
    fn name(&self) -> &'static str {
        SAVE
    }

    fn set(&self) -> Set {
        Set::Scratch
    }

    fn scratch(&self, _: &Sizes) -> Option<Scratch> {
        Some(Scratch { files: 1, length: BEFORE })
    }

    fn columns(&self) -> &'static [&'static str] {
        &["mount-background", "vofs", "rclone-full", "native"]
    }

    fn ours(&self) -> &'static str {
        "mount-background"
    }

    fn rows(&self, sizes: &Sizes) -> Vec<Row> {
        let title = format!("an editor saves 20 KB {} times (temporary file, fsync, rename)", sizes.saves);
        vec![
            row(SAVE, format!("{title}: each"), "ms"),
            row(UPLOADS, format!("{title}: uploads until the service has the last"), ""),
        ]
    }

    fn run(&self, stage: &Stage, session: &Session) -> Result<Vec<Reading>> {
        let file = session.tree()?.join(GIVEN).join(node_name(0));
        // The editor has opened it before.
        Act::Read { files: vec![file.clone()] }.run(LIMIT)?;
        let act = Act::Save { file, count: stage.sizes.saves, size: AFTER };
        let (done, usage) = session.measure(stage, || {
            let done = act.run(LIMIT)?;
            // The file alone: a temporary one that was sent would be seen beside it, or have been sent on the way.
            arrival::wait(stage, session, GIVEN, |held| held.len() == 1 && arrival::whole(held, AFTER as u64) == 1)?;
            Ok(done)
        })?;
        let value = Summary::of(&done.each).map_or(0.0, |times| times.median) * 1e3;
        let mut readings = vec![Reading { row: SAVE, value, usage }];
        readings.extend(session.uploads(stage)?.map(|uploads| besides(UPLOADS, uploads as f64)));
        Ok(readings)
    }

    fn judge(&self, seen: Seen<'_>) -> Vec<Verdict> {
        let text = "one, of the file itself: no upload of a temporary file";
        vec![
            Verdict { row: SAVE, conditions: vec![Condition::at_most("≤ 20 ms", seen.ours(SAVE), 20.0)] },
            Verdict { row: UPLOADS, conditions: vec![Condition::at_most(text, seen.ours(UPLOADS), 1.0)] },
        ]
    }
}
