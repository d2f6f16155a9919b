//! Where figures come from: a table that has been brought up to date in parts says of each work when and on what it was
//! measured, and which columns were not measured side by side with the one that is judged.

use std::fmt::Write as _;

use super::stored::Stored;

/// What a run has in common, and what of it is in the table.
struct Run<'a> {
    source: Source<'a>,
    works: Vec<String>,
}

/// Day, commit, machine and load.
type Source<'a> = [Option<&'a str>; 4];

fn source(record: &Stored) -> Source<'_> {
    let day = record.measured.as_deref().map(|moment| moment.get(..10).unwrap_or(moment));
    [day, record.commit.as_deref(), record.machine.as_deref(), record.load.as_deref()]
}

/// The run that the verdicts on a work are of; where there are none, the last one.
fn judged<'a>(of_work: &[&'a Stored]) -> Option<&'a str> {
    let judged = of_work.iter().filter(|record| record.target.is_some()).max_by_key(|record| &record.measured);
    judged.or_else(|| of_work.iter().max_by_key(|record| &record.measured))?.measured.as_deref()
}

fn of_work<'a>(records: &[&'a Stored], work: &str) -> Vec<&'a Stored> {
    records.iter().filter(|record| record.work == work).copied().collect()
}

/// Whether a figure stands beside that of the judged column without being a part of the comparison.
pub(super) fn is_apart(records: &[&Stored], record: &Stored) -> bool {
    record.measured.as_deref() != judged(&of_work(records, &record.work))
}

/// A line for each run that has a part in the table of one link.
pub(super) fn describe(records: &[&Stored]) -> String {
    let mut runs: Vec<Run<'_>> = Vec::new();
    let mut seen: Vec<(&str, Option<&str>)> = Vec::new();
    for record in records {
        let part = (record.work.as_str(), record.measured.as_deref());
        if seen.contains(&part) {
            continue;
        }
        seen.push(part);
        let named = name(records, record);
        let source = source(record);
        match runs.iter_mut().find(|run| run.source == source) {
            Some(run) => run.works.push(named),
            None => runs.push(Run { source, works: vec![named] }),
        }
    }
    let mut text = String::new();
    for Run { source: [day, commit, machine, load], works } in runs {
        let day = day.unwrap_or("day unknown");
        let commit = commit.map_or_else(|| "commit unknown".to_owned(), |commit| format!("commit {commit}"));
        let machine = machine.unwrap_or("machine unknown");
        let load = load.map_or_else(|| "load unknown".to_owned(), |load| format!("load {load} before"));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "* {day}, {commit}, {machine}, {load}: {}", works.join(", "));
    }
    text
}

/// The work with the time at which it began, and the columns where they are not all that it has.
fn name(records: &[&Stored], record: &Stored) -> String {
    let all = of_work(records, &record.work);
    let mut columns: Vec<&str> = Vec::new();
    for other in all.iter().filter(|other| other.measured == record.measured) {
        if !columns.contains(&other.column.as_str()) {
            columns.push(&other.column);
        }
    }
    let part = all.iter().any(|other| other.measured != record.measured);
    let columns = if part { format!(" ({})", columns.join(", ")) } else { String::new() };
    let time = record.measured.as_deref().and_then(|moment| moment.get(11..16)).unwrap_or_default();
    format!("`{}`{columns} {time}", record.work).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::stored::tests::stored;

    #[test]
    fn works_and_columns_of_different_runs_are_told_apart() {
        let mut records = stored("2026-11-20T13:05:00Z");
        records[1].measured = Some("2026-11-21T15:25:10Z".to_owned());
        records[1].commit = Some("def5678".to_owned());
        let mut old = records[0].clone();
        (old.work, old.measured, old.commit, old.machine, old.load) = ("idle".to_owned(), None, None, None, None);
        records.push(old);
        let records: Vec<&Stored> = records.iter().collect();
        assert_eq!(
            describe(&records),
            "* 2026-11-20, commit abc1234, a machine, load 0.25 before: `the-work` (mount, vofs) 13:05\n\
             * 2026-11-21, commit def5678, a machine, load 0.25 before: `the-work` (rclone) 15:25\n\
             * day unknown, commit unknown, machine unknown, load unknown: `idle`\n"
        );
        let apart: Vec<bool> = records.iter().map(|record| is_apart(&records, record)).collect();
        assert_eq!(apart, [false, true, false, false]);
    }
}
