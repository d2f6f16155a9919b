//! Results for people: a table for each link, and below it what is missing and why.

use std::fmt::Write as _;

use super::Circumstances;
use crate::link::Link;
use crate::probe::Usage;
use crate::results::{Record, Results};
use crate::target::figure;

/// The tables, as Markdown.
pub(crate) fn render(results: &Results, circumstances: &Circumstances, legend: &[(&str, &str)]) -> String {
    let mut text = String::new();
    let Circumstances { scale, runs, date, machine, load } = circumstances;
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "Sizes: **{}**, {runs} runs (fewer where one takes long). Measured {date} on {machine}; load of the machine \
         before: {load}.\n",
        scale.name()
    );
    let columns: Vec<&str> = results.records.iter().map(|record| record.column).collect();
    for (name, about) in legend.iter().filter(|(name, _)| columns.contains(name)) {
        let _ = writeln!(text, "* `{name}`: {about}");
    }
    let mut links: Vec<Link> = Vec::new();
    for record in &results.records {
        if !links.contains(&record.link) {
            links.push(record.link);
        }
    }
    for link in links {
        let records: Vec<&Record> = results.records.iter().filter(|record| record.link == link).collect();
        let _ = writeln!(text, "\n### Link: {}\n", describe(link));
        text.push_str(&of_link(&records));
    }
    text
}

fn describe(link: Link) -> String {
    match (link.connection_rate(), link.total_rate()) {
        (Some(one), Some(all)) => {
            format!("{:.0} ms a request, {one:.0} MB/s a connection, {all:.0} MB/s in all", link.latency() * 1e3)
        }
        _ => "the loopback as it is".to_owned(),
    }
}

fn of_link(records: &[&Record]) -> String {
    let mut text = String::from(
        "| work | column | median | range | requests | bytes | memory | CPU | target | met |\n\
         |---|---|--:|--:|--:|--:|--:|--:|---|---|\n",
    );
    let mut notes = Vec::new();
    let mut before = "";
    for record in records {
        let title = if record.row.id == before { "" } else { record.row.title.as_str() };
        before = record.row.id;
        let (median, range) = match record.summary() {
            Some(summary) if summary.runs > 1 => {
                (figure(summary.median), format!("{}–{}", figure(summary.min), figure(summary.max)))
            }
            Some(summary) => (figure(summary.median), "one run".to_owned()),
            None => ("–".to_owned(), String::new()),
        };
        let unit = if record.readings.is_empty() { "" } else { record.row.unit };
        let Usage { requests, bytes, memory, cpu } = record.usage();
        let shown = |value: Option<String>| value.unwrap_or_default();
        let target = record.verdict.as_ref().map(|verdict| verdict.text()).unwrap_or_default();
        let met = match record.verdict.as_ref().map(|verdict| verdict.met()) {
            Some(Some(true)) => "yes",
            Some(Some(false)) => "**no**",
            Some(None) => "open",
            None => "",
        };
        let _ = writeln!(
            text,
            "| {title} | {} | {median} {unit} | {range} | {} | {} | {} | {} | {target} | {met} |",
            record.column,
            shown(requests.map(|count| count.to_string())),
            shown(bytes.map(amount)),
            shown(memory.map(amount)),
            shown(cpu.map(|seconds| format!("{} s", figure(seconds)))),
        );
        let missing = record.missing.as_ref();
        notes.extend(missing.map(|missing| format!("* {}, {}: {missing}", record.row.title, record.column)));
    }
    if !notes.is_empty() {
        let _ = writeln!(text, "\nNot measured, or not as often:\n\n{}", notes.join("\n"));
    }
    text
}

/// Bytes in the units of the rates.
fn amount(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", figure(bytes as f64 / 1e3)),
        _ => format!("{} MB", figure(bytes as f64 / 1e6)),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::results::Missing;
    use crate::results::tests::record;
    use crate::sizes::Scale;
    use crate::target::{Condition, Verdict};

    pub(crate) fn circumstances() -> Circumstances {
        Circumstances {
            scale: Scale::Tiny,
            runs: 3,
            date: "2000-01-01 00:00 UTC".to_owned(),
            machine: "a machine".to_owned(),
            load: "0.00".to_owned(),
        }
    }

    /// A row with ours, a peer, and a peer that is absent.
    pub(crate) fn results() -> Results {
        let mut ours = record("a", "mount", &[1.0, 2.0, 4.0]);
        let conditions = vec![Condition::at_most("≤ 3 s", Some(2.0), 3.0)];
        ours.verdict = Some(Verdict { row: "a", conditions });
        let mut absent = record("a", "vofs", &[]);
        absent.missing = Some(Missing::Absent("no libfuse".to_owned()));
        Results { records: vec![ours, record("a", "rclone", &[8.0]), absent] }
    }

    #[test]
    fn the_table_says_what_was_measured_and_what_was_not() {
        let text = render(&results(), &circumstances(), &[("mount", "ours"), ("davfs2", "not used")]);
        let lines = [
            "Sizes: **tiny**, 3 runs",
            "* `mount`: ours",
            "### Link: 20 ms a request, 25 MB/s a connection, 200 MB/s in all",
            "| the a | mount | 2.00 s | 1.00–4.00 | 3 | 4.10 kB | 52.4 MB | 0.250 s | ≤ 3 s (2.00) | yes |",
            "|  | rclone | 8.00 s | one run |",
            "|  | vofs | –  |",
            "* the a, vofs: absent: no libfuse",
        ];
        for line in lines {
            assert!(text.contains(line), "{line}\n{text}");
        }
        assert!(!text.contains("davfs2"), "{text}");
    }
}
