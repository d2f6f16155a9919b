//! One object of the results: the figures of one row and column over one link, and where they come from.

use clap::Args;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::link::Link;
use crate::results::Record;
use crate::sizes::Scale;

/// On what something is measured: the same for all works of a run.
#[derive(Debug, Clone)]
pub(crate) struct Circumstances {
    /// Which sizes are used.
    pub(crate) scale: Scale,
    /// What the programs were built from, where that is known.
    pub(crate) commit: Option<String>,
    /// Processor, memory, kernel.
    pub(crate) machine: String,
    /// Load of the machine at the beginning of the run, by others.
    pub(crate) load: String,
}

/// What imported results do not say of themselves.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Unsaid {
    /// When the imported ones were measured (2026-11-21T13:30Z), where they do not say it; as those below.
    #[arg(long, requires = "import", value_name = "TIME")]
    pub(crate) measured: Option<Timestamp>,
    /// On which commit.
    #[arg(long, requires = "import", value_name = "TEXT")]
    pub(crate) commit: Option<String>,
    /// On which machine.
    #[arg(long, requires = "import", value_name = "TEXT")]
    pub(crate) machine: Option<String>,
    /// At which load of it by others.
    #[arg(long, requires = "import", value_name = "TEXT")]
    pub(crate) load: Option<String>,
}

/// One object. What does not apply, or is not known, is null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stored {
    /// Of which work.
    pub(crate) work: String,
    /// Which of the things that it measures. Results of the first version of this bench lack it and have it in `work`.
    #[serde(default)]
    pub(crate) row: String,
    /// The row, for people.
    pub(crate) title: String,
    pub(crate) column: String,
    pub(crate) link: Link,
    pub(crate) median: Option<f64>,
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    /// How many runs there were.
    pub(crate) runs: usize,
    /// Of the figures.
    pub(crate) unit: String,
    /// Medians of what the runs cost, as those below.
    pub(crate) requests: Option<u64>,
    pub(crate) bytes: Option<u64>,
    pub(crate) memory: Option<u64>,
    /// Seconds.
    pub(crate) cpu: Option<f64>,
    /// What is demanded, with the figures that were found in the same run.
    pub(crate) target: Option<String>,
    pub(crate) met: Option<bool>,
    /// Why there is no figure, or not as many as there should be.
    pub(crate) note: Option<String>,
    pub(crate) scale: Scale,
    /// When the work began, in UTC: `2026-11-21T13:30:00Z`. Columns with the same time were measured in turn.
    #[serde(default)]
    pub(crate) measured: Option<String>,
    #[serde(default)]
    pub(crate) commit: Option<String>,
    #[serde(default)]
    pub(crate) machine: Option<String>,
    #[serde(default)]
    pub(crate) load: Option<String>,
}

impl Stored {
    /// Of what was measured from this moment on.
    pub(crate) fn of(record: &Record, began: Timestamp, circumstances: &Circumstances) -> Self {
        let summary = record.summary();
        let usage = record.usage();
        let verdict = record.verdict.as_ref();
        Self {
            work: record.work.to_owned(),
            row: record.row.id.to_owned(),
            title: record.row.title.clone(),
            column: record.column.to_owned(),
            link: record.link,
            median: summary.map(|summary| summary.median),
            min: summary.map(|summary| summary.min),
            max: summary.map(|summary| summary.max),
            runs: summary.map_or(0, |summary| summary.runs),
            unit: record.row.unit.to_owned(),
            requests: usage.requests,
            bytes: usage.bytes,
            memory: usage.memory,
            cpu: usage.cpu,
            target: verdict.map(|verdict| verdict.text()).filter(|text| !text.is_empty()),
            met: verdict.and_then(|verdict| verdict.met()),
            note: record.missing.as_ref().map(ToString::to_string),
            scale: circumstances.scale,
            measured: Some(written(began)),
            commit: circumstances.commit.clone(),
            machine: Some(circumstances.machine.clone()),
            load: Some(circumstances.load.clone()),
        }
    }

    /// Fills in what it does not say of itself.
    pub(crate) fn complete(&mut self, unsaid: &Unsaid) {
        let fill = |field: &mut Option<String>, with: Option<String>| *field = field.take().or(with);
        fill(&mut self.measured, unsaid.measured.map(written));
        fill(&mut self.commit, unsaid.commit.clone());
        fill(&mut self.machine, unsaid.machine.clone());
        fill(&mut self.load, unsaid.load.clone());
    }

    /// Whether the other was measured in its place: a run has all rows of a work that a column can do.
    pub(crate) fn is_replaced_by(&self, other: &Stored) -> bool {
        let same = (&self.work, &self.column, self.link) == (&other.work, &other.column, other.link);
        same && self.measured <= other.measured
    }
}

/// A moment as it is kept: texts of it sort as the moments do.
fn written(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::results::tests::record;
    use crate::results::{Missing, Results};
    use crate::target::{Condition, Verdict};

    pub(crate) fn circumstances() -> Circumstances {
        Circumstances {
            scale: Scale::Tiny,
            commit: Some("abc1234".to_owned()),
            machine: "a machine".to_owned(),
            load: "0.25".to_owned(),
        }
    }

    /// A row with ours, a peer, and a peer that is absent, as they are in memory.
    fn results() -> Results {
        let mut ours = record("a", "mount", &[1.0, 2.0, 4.0]);
        let conditions = vec![Condition::at_most("≤ 3 s", Some(2.0), 3.0)];
        ours.verdict = Some(Verdict { row: "a", conditions });
        let mut absent = record("a", "vofs", &[]);
        absent.missing = Some(Missing::Absent("no libfuse".to_owned()));
        Results { records: vec![ours, record("a", "rclone", &[8.0]), absent] }
    }

    /// The same as they are kept; measured then.
    pub(crate) fn stored(began: &str) -> Vec<Stored> {
        let began = began.parse().unwrap();
        results().records.iter().map(|record| Stored::of(record, began, &circumstances())).collect()
    }

    #[test]
    fn figures_keep_where_they_come_from() {
        let kept = stored("2026-11-21T14:05:06Z");
        let text = serde_json::to_string(&kept).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Stored>>(&text).unwrap(), kept);
        let ours = &kept[0];
        assert_eq!((ours.median, ours.met, ours.requests, ours.runs), (Some(2.0), Some(true), Some(3), 3));
        assert_eq!(ours.measured.as_deref(), Some("2026-11-21T14:05:06Z"));
        assert_eq!((ours.commit.as_deref(), ours.load.as_deref()), (Some("abc1234"), Some("0.25")));
        assert!(kept[2].median.is_none() && kept[2].note.as_ref().unwrap().contains("libfuse"));
    }
}
