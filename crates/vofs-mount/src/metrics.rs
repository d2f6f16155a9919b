//! The metrics of a mount, for Prometheus: what they are called, what they mean, and what they are.
//!
//! [`METRICS`] is the one list: the answers, docs/metrics.md and the dashboard in packaging/grafana follow from it or are
//! held against it. They are drawn up when somebody asks; nothing is counted for them that `status` does not know.

pub(crate) mod endpoint;

use crate::activity::Count;
use crate::control::context::Context;
use crate::control::report::{self, Report};

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// How a value moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Up and down.
    Gauge,
    /// Up only, from the start of the mount.
    Counter,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Gauge => "gauge",
            Kind::Counter => "counter",
        }
    }
}

/// The values of one metric, each with those of its labels.
type Values = Vec<(Vec<String>, f64)>;

/// A metric. Units are part of the name: bytes and seconds, nothing else.
struct Metric {
    name: &'static str,
    kind: Kind,
    /// What tells its values from one another.
    labels: &'static [&'static str],
    help: &'static str,
    values: fn(&Seen) -> Values,
}

/// What they are drawn from.
struct Seen {
    report: Report,
    counts: BTreeMap<&'static str, Count>,
}

fn one(value: impl Into<f64>) -> Values {
    vec![(Vec::new(), value.into())]
}

/// A count; above 2^53 its last digits are lost, which nobody would see.
fn count(value: u64) -> Values {
    one(value as f64)
}

fn of_operations(seen: &Seen, value: impl Fn(&Count) -> f64) -> Values {
    seen.counts.iter().map(|(name, count)| (vec![(*name).to_owned()], value(count))).collect()
}

/// By the states of files that wait, each of them also when there is none.
fn of_pending(seen: &Seen, value: impl Fn(u64) -> f64) -> Values {
    let states = ["open", "waiting", "sending", "failed", "refused", "conflict"];
    let all = &seen.report.engine.pending;
    let sum = |state: &str| all.iter().filter(|file| file.state == state).map(|file| value(file.bytes)).sum();
    states.into_iter().map(|state| (vec![state.to_owned()], sum(state))).collect()
}

const METRICS: &[Metric] = &[
    Metric {
        name: "vofs_info",
        kind: Kind::Gauge,
        labels: &["version", "space", "mountpoint"],
        help: "always 1; its labels say what is mounted where, by which release",
        values: |seen| {
            let place = seen.report.mountpoint.display().to_string();
            vec![(vec![env!("CARGO_PKG_VERSION").to_owned(), seen.report.engine.space.clone(), place], 1.0)]
        },
    },
    Metric {
        name: "vofs_uptime_seconds",
        kind: Kind::Gauge,
        labels: &[],
        help: "since it was mounted",
        values: |seen| count(seen.report.uptime),
    },
    Metric {
        name: "vofs_operations_total",
        kind: Kind::Counter,
        labels: &["operation"],
        help: "requests of programs that have ended",
        values: |seen| of_operations(seen, |count| count.requests as f64),
    },
    Metric {
        name: "vofs_operation_failures_total",
        kind: Kind::Counter,
        labels: &["operation"],
        help: "those of them that ended with an errno, a name that does not exist among them",
        values: |seen| of_operations(seen, |count| count.failures as f64),
    },
    Metric {
        name: "vofs_operation_seconds_total",
        kind: Kind::Counter,
        labels: &["operation"],
        help: "how long programs waited for them in all",
        values: |seen| of_operations(seen, |count| count.took.as_secs_f64()),
    },
    Metric {
        name: "vofs_operations_stuck",
        kind: Kind::Gauge,
        labels: &[],
        help: "requests of programs that wait for more than 5 s",
        values: |seen| count(seen.report.stuck.len() as u64),
    },
    Metric {
        name: "vofs_reads_total",
        kind: Kind::Counter,
        labels: &["cache"],
        help: "reads of files, by whether all of it was in the cache (hit) or the service had to be asked (miss)",
        values: |seen| {
            let reads = &seen.report.engine.reads;
            vec![(vec!["hit".into()], reads.hits as f64), (vec!["miss".into()], reads.misses as f64)]
        },
    },
    Metric {
        name: "vofs_read_bytes_total",
        kind: Kind::Counter,
        labels: &["cache"],
        help: "their bytes",
        values: |seen| {
            let reads = &seen.report.engine.reads;
            vec![(vec!["hit".into()], reads.hit_bytes as f64), (vec!["miss".into()], reads.miss_bytes as f64)]
        },
    },
    Metric {
        name: "vofs_cache_bytes",
        kind: Kind::Gauge,
        labels: &[],
        help: "clean bytes on the disk of the cache",
        values: |seen| count(seen.report.engine.cache_used),
    },
    Metric {
        name: "vofs_cache_limit_bytes",
        kind: Kind::Gauge,
        labels: &[],
        help: "the most that they may be",
        values: |seen| count(seen.report.engine.cache_limit),
    },
    Metric {
        name: "vofs_cache_pinned_bytes",
        kind: Kind::Gauge,
        labels: &[],
        help: "what of them is pinned",
        values: |seen| count(seen.report.engine.cache_pinned),
    },
    Metric {
        name: "vofs_service_reachable",
        kind: Kind::Gauge,
        labels: &[],
        help: "1 when the last request to the service was answered, else 0",
        values: |seen| one(u8::from(seen.report.service.reachable)),
    },
    Metric {
        name: "vofs_offline",
        kind: Kind::Gauge,
        labels: &[],
        help: "1 while the service cannot be reached and only what is cached can be read, else 0",
        values: |seen| one(f64::from(u8::from(seen.report.engine.offline_since.is_some()))),
    },
    Metric {
        name: "vofs_refresh_weak",
        kind: Kind::Gauge,
        labels: &[],
        help: "1 when the service gives neither digest nor date of some files, so that changes of these may not be seen, else 0",
        values: |seen| one(f64::from(u8::from(seen.report.engine.refresh.weak))),
    },
    Metric {
        name: "vofs_service_requests_total",
        kind: Kind::Counter,
        labels: &[],
        help: "requests to the service that have ended, repetitions included",
        values: |seen| count(seen.report.service.requests),
    },
    Metric {
        name: "vofs_service_failures_total",
        kind: Kind::Counter,
        labels: &[],
        help: "those of them without an answer, or with one that says that the service failed",
        values: |seen| count(seen.report.service.failures),
    },
    Metric {
        name: "vofs_transferred_bytes_total",
        kind: Kind::Counter,
        labels: &["direction"],
        help: "bytes of bodies that came in or went out",
        values: |seen| {
            let service = &seen.report.service;
            vec![(vec!["in".into()], service.received as f64), (vec!["out".into()], service.sent as f64)]
        },
    },
    Metric {
        name: "vofs_downloads",
        kind: Kind::Gauge,
        labels: &[],
        help: "requests for bytes of files that are under way",
        values: |seen| count(seen.report.engine.downloads.len() as u64),
    },
    Metric {
        name: "vofs_pending_files",
        kind: Kind::Gauge,
        labels: &["state"],
        help: "files that the service does not have as they are here",
        values: |seen| of_pending(seen, |_| 1.0),
    },
    Metric {
        name: "vofs_pending_bytes",
        kind: Kind::Gauge,
        labels: &["state"],
        help: "their bytes",
        values: |seen| of_pending(seen, |bytes| bytes as f64),
    },
    Metric {
        name: "vofs_conflicts",
        kind: Kind::Gauge,
        labels: &[],
        help: "conflicts with other writers that are remembered, the last 100 at most",
        values: |seen| count(seen.report.engine.conflicts.len() as u64),
    },
    Metric {
        name: "vofs_credentials_left_seconds",
        kind: Kind::Gauge,
        labels: &[],
        help: "until the certificate expires, negative afterwards; not there where that cannot be told",
        values: |seen| seen.report.credentials.seconds_left.map_or_else(Vec::new, |left| one(left as f64)),
    },
];

/// All of them as Prometheus reads them (text format 0.0.4).
///
/// # Errors
/// When the journal cannot be read.
async fn text(context: &Context) -> vofs_core::Result<String> {
    let seen = Seen { report: report::draw_up(context).await?, counts: context.activity.counts() };
    Ok(written(&seen))
}

fn written(seen: &Seen) -> String {
    let mut text = String::new();
    for Metric { name, kind, labels, help, values } in METRICS {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {}", kind.word());
        for (given, value) in values(seen) {
            let pairs: Vec<String> =
                labels.iter().zip(&given).map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
            let braces = if pairs.is_empty() { String::new() } else { format!("{{{}}}", pairs.join(",")) };
            let _ = writeln!(text, "{name}{braces} {value}");
        }
    }
    text
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    fn place(name: &str) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)
    }

    /// `VOFS_UPDATE_DOCS=1 cargo nextest run -p vofs-mount documented` writes it.
    #[test]
    fn all_metrics_are_documented_as_they_are() {
        const BEGIN: &str = "| Name | Type | Labels | What it is |\n|---|---|---|---|\n";
        let table: String = METRICS
            .iter()
            .map(|Metric { name, kind, labels, help, .. }| {
                format!("| `{name}` | {} | {} | {help} |\n", kind.word(), labels.join(", "))
            })
            .collect();
        let path = place("docs/metrics.md");
        let text = fs::read_to_string(&path).expect("readable");
        let (before, rest) = text.split_once(BEGIN).expect("a table");
        let (found, after) = rest.split_once("\n\n").expect("something behind the table");
        if std::env::var_os("VOFS_UPDATE_DOCS").is_some() {
            fs::write(&path, format!("{before}{BEGIN}{table}\n{after}")).expect("written");
            return;
        }
        assert_eq!(format!("{found}\n"), table, "VOFS_UPDATE_DOCS=1 writes it anew");
    }

    #[test]
    fn units_are_in_the_names_and_counters_are_totals() {
        let names: HashSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), METRICS.len());
        for metric in METRICS {
            assert!(metric.name.starts_with("vofs_"), "{}", metric.name);
            assert_eq!(metric.name.ends_with("_total"), metric.kind == Kind::Counter, "{}", metric.name);
        }
    }

    #[test]
    fn the_dashboard_shows_metrics_that_there_are() {
        let text = fs::read_to_string(place("packaging/grafana/vofs.json")).expect("readable");
        let dashboard: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert!(dashboard["panels"].as_array().expect("panels").len() >= 6);
        let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        let used: HashSet<&str> = words.filter(|word| word.starts_with("vofs_")).collect();
        let known: HashSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
        assert!(used.is_subset(&known), "{:?}", used.difference(&known));
        assert!(used.len() >= 10);
    }
}
