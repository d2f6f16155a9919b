//! Results for programs: an array with one object for each row, column and link.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::Circumstances;
use crate::results::{Record, Results};

/// Fields that every object has; those that do not apply are null.
const FIELDS: [&str; 17] = [
    "work", "column", "link", "median", "min", "max", "unit", "requests", "bytes", "target", "met", "memory", "cpu",
    "runs", "note", "title", "scale",
];

/// The array.
pub(crate) fn render(results: &Results, circumstances: &Circumstances) -> Value {
    results.records.iter().map(|record| object(record, circumstances)).collect()
}

fn object(record: &Record, circumstances: &Circumstances) -> Value {
    let summary = record.summary();
    let usage = record.usage();
    let verdict = record.verdict.as_ref();
    json!({
        "work": record.row.id,
        "title": record.row.title,
        "column": record.column,
        "link": record.link.to_string(),
        "median": summary.map(|summary| summary.median),
        "min": summary.map(|summary| summary.min),
        "max": summary.map(|summary| summary.max),
        "runs": summary.map_or(0, |summary| summary.runs),
        "unit": record.row.unit,
        "requests": usage.requests,
        "bytes": usage.bytes,
        "memory": usage.memory,
        "cpu": usage.cpu,
        "target": verdict.map(|verdict| verdict.text()),
        "met": verdict.and_then(|verdict| verdict.met()),
        "note": record.missing.as_ref().map(ToString::to_string),
        "scale": circumstances.scale.name(),
    })
}

/// Sees to it that nothing is missing: programs of others read this.
pub(crate) fn check(value: &Value) -> Result<()> {
    let objects = value.as_array().map(Vec::as_slice).unwrap_or_default();
    ensure!(!objects.is_empty(), "no results");
    for object in objects {
        for field in FIELDS {
            ensure!(object.get(field).is_some(), "no field {field} in {object}");
        }
        let measured = object["median"].is_number() && object["runs"].as_u64() > Some(0);
        ensure!(measured || object["note"].is_string(), "neither a figure nor a reason in {object}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::table::tests::{circumstances, results};

    #[test]
    fn every_object_has_every_field() {
        let value = render(&results(), &circumstances());
        check(&value).unwrap();
        let ours = &value[0];
        assert_eq!((ours["median"].as_f64(), ours["met"].as_bool()), (Some(2.0), Some(true)));
        assert_eq!((ours["requests"].as_u64(), ours["runs"].as_u64()), (Some(3), Some(3)));
        let absent = &value[2];
        assert!(absent["median"].is_null() && absent["note"].as_str().unwrap().contains("libfuse"));

        let mut broken = value.clone();
        broken[0].as_object_mut().unwrap().remove("unit");
        assert!(check(&broken).unwrap_err().to_string().contains("unit"));
        let mut silent = value;
        silent[2]["note"] = Value::Null;
        assert!(check(&silent).is_err());
        assert!(check(&json!([])).is_err());
    }
}
