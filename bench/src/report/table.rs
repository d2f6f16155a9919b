//! Results for people: a table for each link, and below it what is missing and why, and where the figures come from.

use std::fmt::Write as _;

use super::stored::Stored;
use super::{Legend, origin};
use crate::link::Link;
use crate::target::figure;

/// Marks figures that are not a part of the comparison beside them.
const APART: &str = "†";

/// The tables, as Markdown; the records are in their order.
pub(crate) fn render(records: &[Stored], legend: &Legend) -> String {
    let mut text = String::new();
    let mut scales: Vec<&str> = records.iter().map(|record| record.scale.name()).collect();
    scales.dedup();
    // Writing to a string cannot fail.
    let _ =
        writeln!(text, "Sizes: **{}**. Figures are medians of the runs; when they ran is below.\n", scales.join(", "));
    for (name, about) in legend.iter().filter(|(name, _)| records.iter().any(|record| record.column == *name)) {
        let _ = writeln!(text, "* `{name}`: {about}");
    }
    let mut links: Vec<Link> = records.iter().map(|record| record.link).collect();
    links.dedup();
    for link in links {
        let of_link: Vec<&Stored> = records.iter().filter(|record| record.link == link).collect();
        let _ = writeln!(text, "\n### Link: {}\n", describe(link));
        text.push_str(&table(&of_link));
        let _ = writeln!(text, "\nMeasured (UTC):\n\n{}", origin::describe(&of_link).trim_end());
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

fn table(records: &[&Stored]) -> String {
    let mut text = String::from(
        "| work | column | median | range | requests | bytes | memory | CPU | target | met |\n\
         |---|---|--:|--:|--:|--:|--:|--:|---|---|\n",
    );
    let mut notes = Vec::new();
    let mut is_any_apart = false;
    let mut before = "";
    for record in records {
        let title = if record.row == before { "" } else { record.title.as_str() };
        before = &record.row;
        let is_apart = origin::is_apart(records, record);
        is_any_apart |= is_apart;
        let column = format!("{}{}", record.column, if is_apart { APART } else { "" });
        let _ = writeln!(text, "| {title} | {column} | {} |", cells(record).join(" | "));
        notes.extend(record.note.as_ref().map(|note| format!("* {}, {column}: {note}", record.title)));
    }
    if is_any_apart {
        let _ = writeln!(
            text,
            "\n{APART} measured at another time than the judged column: not a part of what `target` compares."
        );
    }
    if !notes.is_empty() {
        let _ = writeln!(text, "\nNot measured, or not as often:\n\n{}", notes.join("\n"));
    }
    text
}

/// What stands behind row and column.
fn cells(record: &Stored) -> [String; 8] {
    let (median, range) = match (record.median, record.min, record.max) {
        (Some(median), Some(min), Some(max)) if record.runs > 1 => {
            (figure(median), format!("{}–{}", figure(min), figure(max)))
        }
        (Some(median), ..) => (figure(median), "one run".to_owned()),
        (None, ..) => ("–".to_owned(), String::new()),
    };
    let unit = if record.median.is_some() { record.unit.as_str() } else { "" };
    let met = match (&record.target, record.met) {
        (Some(_), Some(true)) => "yes",
        (Some(_), Some(false)) => "**no**",
        (Some(_), None) => "open",
        (None, _) => "",
    };
    [
        format!("{median} {unit}"),
        range,
        record.requests.map(|count| count.to_string()).unwrap_or_default(),
        record.bytes.map(amount).unwrap_or_default(),
        record.memory.map(amount).unwrap_or_default(),
        record.cpu.map(|seconds| format!("{} s", figure(seconds))).unwrap_or_default(),
        record.target.clone().unwrap_or_default(),
        met.to_owned(),
    ]
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
mod tests {
    use super::*;
    use crate::report::stored::tests::stored;

    const LEGEND: &Legend = &[("mount", "ours"), ("davfs2", "not used")];

    #[test]
    fn the_table_says_what_was_measured_and_what_was_not() {
        let text = render(&stored("2026-11-21T14:00:00Z"), LEGEND);
        let lines = [
            "Sizes: **tiny**.",
            "* `mount`: ours",
            "### Link: 20 ms a request, 25 MB/s a connection, 200 MB/s in all",
            "| the a | mount | 2.00 s | 1.00–4.00 | 3 | 4.10 kB | 52.4 MB | 0.250 s | ≤ 3 s (2.00) | yes |",
            "|  | rclone | 8.00 s | one run |",
            "|  | vofs | –  |",
            "* the a, vofs: absent: no libfuse",
            "* 2026-11-21, commit abc1234, a machine, load 0.25 before: `the-work` 14:00",
        ];
        for line in lines {
            assert!(text.contains(line), "{line}\n{text}");
        }
        assert!(!text.contains("davfs2") && !text.contains(APART), "{text}");
    }

    #[test]
    fn what_was_not_measured_together_is_marked() {
        let mut records = stored("2026-11-21T14:00:00Z");
        records[1] = stored("2026-11-21T15:00:00Z").remove(1);
        let text = render(&records, LEGEND);
        for line in ["|  | rclone† | 8.00 s |", "† measured at another time", "`the-work` (rclone) 15:00"] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }
}
