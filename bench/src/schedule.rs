//! Which work is done when: run by run through all columns, so that whatever else the machine does falls on all of them
//! alike, and each run begins with another column.
//!
//! A column that fails is left out of the rest of the work and its failure is noted. One that is slow gets fewer runs:
//! the whole bench has to end within a coffee break. What a work showed is judged and handed on as soon as it is done,
//! and compared with nothing that was not measured in the same turns.

use std::time::{Duration, Instant};

use anyhow::Result;
use jiff::Timestamp;

use crate::column::Column;
use crate::data::Scratch;
use crate::link::Link;
use crate::process;
use crate::results::{Missing, OURS, Reading, Record, Results};
use crate::stage::Stage;
use crate::work::Work;

/// Time that all runs of one work may take in one column: with it the whole bench takes less than half an hour.
const BUDGET: Duration = Duration::from_secs(40);

/// Columns of this project: over other links than the main one only these are measured, unless others are asked for.
const OWN: [&str; 5] = [OURS, "mount-background", "vcp", "commands", "wire"];

/// What is to be done.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    /// Works by name; none: all.
    pub(crate) works: Vec<String>,
    /// Columns by name; none: all that a work has.
    pub(crate) columns: Vec<String>,
    /// Links; none: the main one, and others for works that depend on latency.
    pub(crate) links: Vec<Link>,
    /// Runs of each work.
    pub(crate) runs: usize,
}

impl Selection {
    fn links(&self) -> Vec<Link> {
        if !self.links.is_empty() {
            return self.links.clone();
        }
        // The same network, nearer and farther, and none.
        let others = ["0ms", "80ms"].into_iter().flat_map(str::parse);
        std::iter::once(Link::MAIN).chain(others).chain([Link::UNSHAPED]).collect()
    }

    fn has_work(&self, work: &dyn Work, link: Link) -> bool {
        if !self.works.is_empty() && !self.works.iter().any(|name| name == work.name()) {
            return false;
        }
        let also = if link == Link::UNSHAPED { work.is_of_interest_unshaped() } else { work.depends_on_latency() };
        link == Link::MAIN || !self.links.is_empty() || also
    }

    fn has_column(&self, work: &dyn Work, column: &str, link: Link) -> bool {
        let asked_for = if self.columns.is_empty() {
            link == Link::MAIN || link == Link::UNSHAPED || !self.links.is_empty() || OWN.contains(&column)
        } else {
            self.columns.iter().any(|name| name == column)
        };
        asked_for && work.columns().contains(&column)
    }
}

/// Does it all. Each work that is done goes to `done` with the moment at which it began; after an interruption
/// everything that was started is ended, and only the work in hand is lost.
pub(crate) fn run(
    stage: &Stage,
    works: &[Box<dyn Work>],
    columns: &[Box<dyn Column>],
    wanted: &Selection,
    done: &mut dyn FnMut(&[Record], Timestamp) -> Result<()>,
) -> Result<Results> {
    let mut results = Results::default();
    for link in wanted.links() {
        for work in works.iter().filter(|work| wanted.has_work(work.as_ref(), link)) {
            let columns: Vec<&dyn Column> = columns
                .iter()
                .map(Box::as_ref)
                .filter(|column| wanted.has_column(work.as_ref(), column.name(), link))
                .collect();
            // What other links show is a matter of round trips, which every run has as many of.
            let runs = if link == Link::MAIN || !wanted.links.is_empty() { wanted.runs } else { 1 };
            if columns.is_empty() {
                continue;
            }
            let began = Timestamp::now();
            let mut of_work = Results { records: measure(stage, work.as_ref(), &columns, link, runs)? };
            for verdict in work.judge(of_work.seen(link, &stage.sizes, work.ours())) {
                of_work.judge(link, work.ours(), verdict);
            }
            done(&of_work.records, began)?;
            results.records.extend(of_work.records);
        }
    }
    Ok(results)
}

/// One column in one work.
struct Entrant<'a> {
    column: &'a dyn Column,
    readings: Vec<Reading>,
    spent: Duration,
    longest: Duration,
    missing: Option<Missing>,
}

impl Entrant<'_> {
    fn takes_part(&self) -> bool {
        self.missing.is_none() && self.spent + self.longest <= BUDGET
    }
}

fn measure(stage: &Stage, work: &dyn Work, columns: &[&dyn Column], link: Link, runs: usize) -> Result<Vec<Record>> {
    stage.data.ensure(work.set())?;
    let mut entrants: Vec<Entrant<'_>> = columns
        .iter()
        .map(|column| Entrant {
            column: *column,
            readings: Vec::new(),
            spent: Duration::ZERO,
            longest: Duration::ZERO,
            missing: column.absent(stage).map(Missing::Absent),
        })
        .collect();
    for run in 0..if work.is_steady() { 1 } else { runs } {
        for turn in 0..entrants.len() {
            let at = (run + turn) % entrants.len();
            if entrants[at].takes_part() {
                once(stage, work, &mut entrants[at], link)?;
            }
        }
    }
    if work.scratch(&stage.sizes).is_some() {
        stage.data.prepare_scratch(Scratch::default())?;
    }
    let rows = work.rows(&stage.sizes);
    let records = rows.iter().flat_map(|row| {
        entrants.iter().filter_map(|entrant| {
            let readings: Vec<Reading> =
                entrant.readings.iter().filter(|reading| reading.row == row.id).copied().collect();
            // Another column that did the work and has no value here does not have this row.
            let is_ours = entrant.column.name() == work.ours();
            let left_out = (is_ours && readings.is_empty()).then_some(Missing::LeftOut);
            let missing = entrant.missing.clone().or(left_out);
            (!readings.is_empty() || missing.is_some()).then(|| Record {
                work: work.name(),
                row: row.clone(),
                column: entrant.column.name(),
                link,
                readings,
                missing,
                verdict: None,
            })
        })
    });
    Ok(records.collect())
}

fn once(stage: &Stage, work: &dyn Work, entrant: &mut Entrant<'_>, link: Link) -> Result<()> {
    let name = entrant.column.name();
    if let Some(given) = work.scratch(&stage.sizes) {
        stage.data.prepare_scratch(given)?;
    }
    let start = Instant::now();
    let place = tempfile::Builder::new().prefix("run.").tempdir_in(&stage.work)?;
    let outcome =
        entrant.column.open(stage, place.path(), work.profile(), link).and_then(|session| work.run(stage, &session));
    if process::interrupted() {
        anyhow::bail!("interrupted; everything that was started has been ended");
    }
    match outcome {
        Ok(readings) => {
            let values: Vec<String> = readings
                .iter()
                .map(|reading| format!("{} {}", reading.row, crate::target::figure(reading.value)))
                .collect();
            eprintln!("bench: {link} {} {name}: {}", work.name(), values.join(", "));
            entrant.readings.extend(readings);
        }
        Err(error) => {
            // The directory of the run is gone by the time that somebody reads of it.
            let why = format!("{error:#}").replace(&*place.path().to_string_lossy(), "").trim().to_owned();
            let missing = if error.is::<process::TimedOut>() { Missing::Ended(why) } else { Missing::Failed(why) };
            eprintln!("bench: {link} {} {name}: {missing}", work.name());
            entrant.missing = Some(missing);
        }
    }
    entrant.spent += start.elapsed();
    entrant.longest = entrant.longest.max(start.elapsed());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(name: &str) -> Box<dyn Work> {
        crate::work::all().into_iter().find(|work| work.name() == name).unwrap()
    }

    #[test]
    fn what_is_left_out_is_asked_for() {
        let far = "80ms".parse().unwrap();
        let whole = Selection::default();
        let (sequential, idle) = (work("sequential"), work("idle"));
        assert!(whole.has_work(sequential.as_ref(), far) && !whole.has_work(idle.as_ref(), far));
        assert!(whole.has_column(sequential.as_ref(), "rclone", Link::MAIN));
        assert!(!whole.has_column(sequential.as_ref(), "rclone", far), "peers at the main link only");
        assert!(whole.has_column(sequential.as_ref(), "mount", far));
        assert!(!whole.has_column(sequential.as_ref(), "wire", Link::MAIN), "not a column of this work");
        assert_eq!(whole.links().len(), 4);
        let upload = work("upload");
        assert!(whole.has_work(upload.as_ref(), Link::UNSHAPED) && !whole.has_work(idle.as_ref(), Link::UNSHAPED));
        assert!(whole.has_column(upload.as_ref(), "python", Link::UNSHAPED));

        let part = Selection { works: vec!["idle".into()], links: vec![far], ..Selection::default() };
        assert!(part.has_work(idle.as_ref(), far) && !part.has_work(sequential.as_ref(), far));
    }
}
