//! What was measured, and what can be asked of it.

use std::fmt;

use crate::link::Link;
use crate::probe::Usage;
use crate::sizes::Sizes;
use crate::stats::{Summary, paired_ratio};
use crate::target::Verdict;

/// The column whose targets are judged in most works.
pub(crate) const OURS: &str = "mount";

/// One line of the table: a thing that a work measures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// Its name in options and results.
    pub(crate) id: &'static str,
    /// For people.
    pub(crate) title: String,
    /// Of its values.
    pub(crate) unit: &'static str,
}

/// One value of a row, and what it cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Reading {
    /// Which row.
    pub(crate) row: &'static str,
    /// In the unit of the row.
    pub(crate) value: f64,
    /// What it cost.
    pub(crate) usage: Usage,
}

/// Why a figure is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Missing {
    /// The column cannot take part on this machine.
    Absent(String),
    /// It took longer than it may.
    Ended(String),
    /// It went wrong.
    Failed(String),
    /// The rest of the work was done without it.
    LeftOut,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Missing::Absent(why) => write!(f, "absent: {why}"),
            Missing::Ended(why) => write!(f, "ended: {why}"),
            Missing::Failed(why) => write!(f, "failed: {why}"),
            Missing::LeftOut => f.write_str("left out: it takes rights that are not there"),
        }
    }
}

/// All runs of one row and column over one link.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    /// Of which work.
    pub(crate) work: &'static str,
    /// Which row.
    pub(crate) row: Row,
    /// Which column.
    pub(crate) column: &'static str,
    /// Which link.
    pub(crate) link: Link,
    /// One for each run.
    pub(crate) readings: Vec<Reading>,
    /// Why there is none, or not as many as there should be.
    pub(crate) missing: Option<Missing>,
    /// What is demanded, and whether it is so.
    pub(crate) verdict: Option<Verdict>,
}

impl Record {
    /// The values.
    pub(crate) fn values(&self) -> Vec<f64> {
        self.readings.iter().map(|reading| reading.value).collect()
    }

    /// Their statistics.
    pub(crate) fn summary(&self) -> Option<Summary> {
        Summary::of(&self.values())
    }

    /// Medians of what the runs cost.
    pub(crate) fn usage(&self) -> Usage {
        let median = |of: &dyn Fn(&Usage) -> Option<f64>| {
            let values: Vec<f64> = self.readings.iter().filter_map(|reading| of(&reading.usage)).collect();
            Some(Summary::of(&values)?.median)
        };
        Usage {
            requests: median(&|usage| usage.requests.map(|count| count as f64)).map(|median| median.round() as u64),
            bytes: median(&|usage| usage.bytes.map(|count| count as f64)).map(|median| median.round() as u64),
            memory: median(&|usage| usage.memory.map(|count| count as f64)).map(|median| median.round() as u64),
            cpu: median(&|usage| usage.cpu),
        }
    }
}

/// All records of a run of the bench.
#[derive(Debug, Clone, Default)]
pub(crate) struct Results {
    /// In the order of the table.
    pub(crate) records: Vec<Record>,
}

/// What a work sees of the results when its targets are judged: one link.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen<'a> {
    results: &'a Results,
    ours: &'static str,
    /// The link.
    pub(crate) link: Link,
    /// The sizes that were used.
    pub(crate) sizes: &'a Sizes,
}

impl Results {
    /// The view of one link, by a work in which our column is `ours`.
    pub(crate) fn seen<'a>(&'a self, link: Link, sizes: &'a Sizes, ours: &'static str) -> Seen<'a> {
        Seen { results: self, ours, link, sizes }
    }

    /// Notes what came of judging a row.
    pub(crate) fn judge(&mut self, link: Link, ours: &str, verdict: Verdict) {
        let found = self.records.iter_mut().find(|record| {
            record.link == link && record.column == ours && record.row.id == verdict.row && !record.readings.is_empty()
        });
        if let Some(record) = found {
            record.verdict = Some(verdict);
        }
    }
}

impl Seen<'_> {
    fn record(&self, row: &str, column: &str) -> Option<&Record> {
        let fits = |record: &&Record| record.link == self.link && record.row.id == row && record.column == column;
        self.results.records.iter().find(fits)
    }

    /// The median of a column.
    pub(crate) fn median(&self, row: &str, column: &str) -> Option<f64> {
        Some(self.record(row, column)?.summary()?.median)
    }

    /// Our median.
    pub(crate) fn ours(&self, row: &str) -> Option<f64> {
        self.median(row, self.ours)
    }

    /// How many times the value of another column ours is, run by run.
    pub(crate) fn ratio(&self, row: &str, column: &str) -> Option<f64> {
        paired_ratio(&self.record(row, self.ours)?.values(), &self.record(row, column)?.values())
    }

    /// How many times as fast as another column ours is, run by run, where the values are times.
    pub(crate) fn speed_up(&self, row: &str, column: &str) -> Option<f64> {
        Some(1.0 / self.ratio(row, column)?)
    }

    /// How many times one of our rows another one is, run by run.
    pub(crate) fn part(&self, row: &str, of: &str) -> Option<f64> {
        paired_ratio(&self.record(row, self.ours)?.values(), &self.record(of, self.ours)?.values())
    }

    /// What our runs cost.
    pub(crate) fn usage(&self, row: &str) -> Usage {
        self.record(row, self.ours).map(Record::usage).unwrap_or_default()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::target::{Condition, Verdict};

    /// A record of these values.
    pub(crate) fn record(id: &'static str, column: &'static str, values: &[f64]) -> Record {
        let row = Row { id, title: format!("the {id}"), unit: "s" };
        let usage = Usage { requests: Some(3), bytes: Some(4096), memory: Some(50 << 20), cpu: Some(0.25) };
        let readings = values.iter().map(|value| Reading { row: id, value: *value, usage }).collect();
        Record { work: "the-work", row, column, link: Link::MAIN, readings, missing: None, verdict: None }
    }

    #[test]
    fn columns_are_compared_over_the_same_link_only() {
        let mut results = Results::default();
        results.records.push(record("a", OURS, &[2.0, 4.0]));
        results.records.push(record("a", "native", &[1.0, 1.0]));
        let sizes = crate::sizes::Scale::Tiny.sizes();
        let seen = results.seen(Link::MAIN, &sizes, OURS);
        assert_eq!((seen.ours("a"), seen.ratio("a", "native"), seen.ratio("a", "vcp")), (Some(3.0), Some(3.0), None));
        assert_eq!(seen.usage("a").requests, Some(3));
        let other = "80ms".parse().unwrap();
        assert_eq!(results.seen(other, &sizes, OURS).ours("a"), None);
    }

    #[test]
    fn only_what_was_measured_is_judged() {
        let mut results = Results { records: vec![record("a", OURS, &[]), record("b", OURS, &[1.0])] };
        for row in ["a", "b"] {
            results.judge(
                Link::MAIN,
                OURS,
                Verdict { row, conditions: vec![Condition::at_most("≤ 2 s", Some(1.0), 2.0)] },
            );
        }
        assert!(results.records[0].verdict.is_none());
        assert_eq!(results.records[1].verdict.as_ref().unwrap().met(), Some(true));
    }
}
