//! Results for programs: `results.json`, an array with one object for each row, column and link. It is written after
//! each work, whole or not at all, and what it has of other works and columns stays.
//!
//! Figures at other sizes are other figures: they have a file of their own.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use super::stored::{Stored, Unsaid};
use crate::sizes::Scale;
use crate::work;

/// The file of results at these sizes.
pub(crate) fn file(directory: &Path, scale: Scale) -> PathBuf {
    match scale {
        Scale::Full => directory.join("results.json"),
        Scale::Quick | Scale::Tiny => directory.join(format!("results-{}.json", scale.name())),
    }
}

/// What is kept in a file; nothing where there is none. Objects that have the row for the work are put right.
pub(crate) fn load(file: &Path) -> Result<Vec<Stored>> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| file.display().to_string()),
    };
    let mut records: Vec<Stored> =
        serde_json::from_str(&text).with_context(|| format!("{} holds no results of this bench", file.display()))?;
    for record in records.iter_mut().filter(|record| record.row.is_empty()) {
        record.row.clone_from(&record.work);
        let sizes = record.scale.sizes();
        let of_row = work::all().into_iter().find(|work| work.rows(&sizes).iter().any(|row| row.id == record.row));
        if let Some(work) = of_row {
            record.work = work.name().to_owned();
        }
    }
    Ok(records)
}

/// Takes new results in: of a work, column and link those stay that were measured last.
pub(crate) fn keep(file: &Path, new: &[Stored]) -> Result<()> {
    check(new)?;
    let records = merged(load(file)?, new);
    let next = file.with_extension("json.next");
    fs::write(&next, serde_json::to_string_pretty(&records)?).with_context(|| next.display().to_string())?;
    fs::rename(&next, file).with_context(|| file.display().to_string())?;
    Ok(())
}

/// Takes in what another file holds, of this or an earlier version.
pub(crate) fn import(file: &Path, from: &Path, unsaid: &Unsaid) -> Result<()> {
    let mut records = load(from)?;
    let named = from.display();
    ensure!(!records.is_empty(), "{named} holds no results");
    ensure!(records.iter().all(|record| record.scale == Scale::Full), "{named}: not of full sizes");
    records.iter_mut().for_each(|record| record.complete(unsaid));
    keep(file, &records)
}

fn merged(mut old: Vec<Stored>, new: &[Stored]) -> Vec<Stored> {
    old.retain(|old| !new.iter().any(|new| old.is_replaced_by(new)));
    let last: Vec<Stored> = new.iter().filter(|new| !old.iter().any(|old| new.is_replaced_by(old))).cloned().collect();
    old.extend(last);
    old
}

/// Sees to it that nothing is missing: programs of others read this.
fn check(records: &[Stored]) -> Result<()> {
    for record in records {
        let measured = record.median.is_some() && record.runs > 0;
        let named = format!("{} {}", record.row, record.column);
        ensure!(measured || record.note.is_some(), "{named}: neither a figure nor a reason");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::stored::tests::stored;

    const EARLY: &str = "2026-11-21T12:00:00Z";
    const LATE: &str = "2026-11-21T15:00:00Z";

    fn times(records: &[Stored]) -> Vec<(&str, Option<&str>)> {
        records.iter().map(|record| (record.column.as_str(), record.measured.as_deref())).collect()
    }

    #[test]
    fn a_part_replaces_itself_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        let file = file(place.path(), Scale::Full);
        keep(&file, &stored(EARLY)).unwrap();
        let part: Vec<Stored> = stored(LATE).into_iter().filter(|record| record.column == "rclone").collect();
        keep(&file, &part).unwrap();
        let kept = load(&file).unwrap();
        assert_eq!(times(&kept), [("mount", Some(EARLY)), ("vofs", Some(EARLY)), ("rclone", Some(LATE))]);
        // What was measured before does not come back.
        keep(&file, &stored(EARLY)).unwrap();
        let mut again = load(&file).unwrap();
        again.sort_by_key(|record| record.measured.clone());
        assert_eq!(again, kept);
    }

    #[test]
    fn a_row_that_a_column_has_no_more_goes() {
        let mut two = stored(EARLY);
        two.truncate(1);
        let mut other = two[0].clone();
        other.row = "b".to_owned();
        two.push(other);
        let kept = merged(two, &stored(LATE)[..1]);
        assert_eq!(times(&kept), [("mount", Some(LATE))]);
    }

    #[test]
    fn results_of_the_first_version_are_understood() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("old.json");
        let old = r#"[{"work": "ls-long-cold", "column": "mount", "link": "20ms", "median": 0.5, "min": 0.4,
            "max": 0.6, "unit": "s", "requests": 4, "bytes": 100, "target": null, "met": null, "memory": 1, "cpu": 0.1,
            "runs": 3, "note": null, "title": "ls -l", "scale": "full"}]"#;
        fs::write(&file, old).unwrap();
        let read = load(&file).unwrap();
        assert_eq!((read[0].work.as_str(), read[0].row.as_str()), ("ls-long", "ls-long-cold"));
        assert_eq!((&read[0].measured, &read[0].commit), (&None, &None));

        // It lies where the new ones go, and one work has been measured again.
        let kept = place.path().join("results.json");
        fs::copy(&file, &kept).unwrap();
        keep(&kept, &stored(EARLY)).unwrap();
        let unsaid = Unsaid { measured: EARLY.parse().ok(), commit: Some("old1234".to_owned()), ..Unsaid::default() };
        import(&kept, &file, &unsaid).unwrap();
        let all = load(&kept).unwrap();
        assert_eq!(all.len(), 4, "{all:?}");
        let (old, new) = (all.iter().find(|record| record.work == "ls-long").unwrap(), &all[0]);
        assert_eq!((old.measured.as_deref(), old.commit.as_deref()), (Some(EARLY), Some("old1234")));
        assert_eq!((old.load.as_deref(), new.commit.as_deref()), (None, Some("abc1234")));
        import(&kept, &kept, &unsaid).unwrap_err();
        fs::write(&file, "{}").unwrap();
        assert!(load(&file).unwrap_err().to_string().contains("old.json"));
    }

    #[test]
    fn a_figure_or_a_reason() {
        check(&stored(EARLY)).unwrap();
        let mut silent = stored(EARLY);
        silent[2].note = None;
        assert!(check(&silent).unwrap_err().to_string().contains("vofs"));
    }
}
