//! The order of the table: links, then works, their rows, and columns, as the program has them. What it does not know
//! any more comes last.

use super::stored::Stored;
use crate::sizes::Sizes;
use crate::{column, work};

/// Brings results of several runs into the order of one.
pub(crate) fn sort(records: &mut [Stored], sizes: &Sizes) {
    let rows: Vec<(&str, &str)> = work::all()
        .iter()
        .flat_map(|work| work.rows(sizes).into_iter().map(|row| (work.name(), row.id)).collect::<Vec<_>>())
        .collect();
    let columns: Vec<&str> = column::all().iter().map(|column| column.name()).collect();
    records.sort_by_cached_key(|record| {
        let row = rows.iter().position(|row| *row == (record.work.as_str(), record.row.as_str()));
        let column = columns.iter().position(|name| *name == record.column);
        let last = usize::MAX;
        (record.link.place(), row.unwrap_or(last), column.unwrap_or(last))
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::stored::tests::stored;
    use crate::sizes::Scale;

    #[test]
    fn parts_take_their_places() {
        let mut records = Vec::new();
        let places = [
            ("idle", "idle-memory", "mount", "20ms"),
            ("sequential", "sequential-warm", "mount", "20ms"),
            ("sequential", "sequential-cold", "mount", "80ms"),
            ("gone", "gone", "mount", "20ms"),
            ("sequential", "sequential-cold", "vcp", "20ms"),
            ("sequential", "sequential-cold", "mount", "20ms"),
        ];
        for (work, row, column, link) in places {
            let mut record = stored("2026-11-21T12:00:00Z").remove(0);
            (record.work, record.row, record.column) = (work.to_owned(), row.to_owned(), column.to_owned());
            record.link = link.parse().unwrap();
            records.push(record);
        }
        let wanted = [5, 4, 1, 0, 3, 2].map(|at: usize| records[at].clone());
        sort(&mut records, &Scale::Full.sizes());
        assert_eq!(records, wanted);
    }
}
