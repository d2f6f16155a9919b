//! What a copy tells: log lines for people, or one JSON object a line for programs, and the sums at its end.

use std::io::Write as _;

use serde_json::json;
use vospace_client::bulk::{Event, Place, Report};

use crate::output::{self, Status};
use crate::session::Session;

/// See the module.
#[derive(Debug)]
pub(crate) struct Teller<'a> {
    session: &'a Session,
    json: bool,
    dry_run: bool,
}

impl<'a> Teller<'a> {
    /// With `dry_run` what would be done is a result, and printed.
    pub(crate) fn new(session: &'a Session, json: bool, dry_run: bool) -> Self {
        Teller { session, json, dry_run }
    }

    fn name(&self, place: &Place) -> String {
        match place {
            Place::Local(path) => path.display().to_string(),
            Place::Remote(uri) => self.session.name(uri),
        }
    }

    /// Tells one event as it happens. Failures are always named on standard error.
    pub(crate) fn tell(&self, event: &Event<'_>) {
        if let Event::Failed(failure) = event {
            output::error(&failure.error);
        }
        if self.json {
            return self.print(&self.object(event).to_string());
        }
        let text = match event {
            Event::Copied { source, target, length, .. } if self.dry_run => {
                return self.print(&format!(
                    "would copy {} -> {} ({length} bytes)",
                    self.name(source),
                    self.name(target)
                ));
            }
            Event::Removed(place) if self.dry_run => {
                return self.print(&format!("would remove {}", self.name(place)));
            }
            Event::Copied { source, target, length, elapsed } => {
                let (source, target, seconds) = (self.name(source), self.name(target), elapsed.as_secs_f64());
                format!("{source} -> {target}: {length} bytes in {seconds:.2} s")
            }
            Event::Removed(place) => format!("{} removed", self.name(place)),
            Event::Unchanged(target) => format!("{} is the same already", self.name(target)),
            Event::Kept(target) => format!("{} was kept", self.name(target)),
            Event::Directory(target) => format!("directory {}", self.name(target)),
            _ => return,
        };
        tracing::info!("{text}");
    }

    fn object(&self, event: &Event<'_>) -> serde_json::Value {
        match event {
            Event::Copied { source, target, length, elapsed } => json!({
                "event": if self.dry_run { "would-copy" } else { "copied" },
                "source": self.name(source), "target": self.name(target),
                "bytes": length, "seconds": elapsed.as_secs_f64(),
            }),
            Event::Removed(place) => {
                let event = if self.dry_run { "would-remove" } else { "removed" };
                json!({ "event": event, "target": self.name(place) })
            }
            Event::Unchanged(target) => json!({ "event": "unchanged", "target": self.name(target) }),
            Event::Kept(target) => json!({ "event": "kept", "target": self.name(target) }),
            Event::Directory(target) => json!({ "event": "directory", "target": self.name(target) }),
            Event::Failed(failure) => json!({
                "event": "failed", "source": self.name(&failure.source), "error": failure.error.to_string(),
            }),
            _ => json!({ "event": "other" }),
        }
    }

    fn print(&self, line: &str) {
        // A reader that has gone is no reason to stop copying.
        let _ = writeln!(std::io::stdout(), "{line}");
    }

    /// Tells the sums, and how it all ended.
    pub(crate) fn sum_up(&self, report: &Report) -> Status {
        if report.links > 0 {
            let links = if report.links == 1 { "1 link was" } else { &format!("{} links were", report.links) };
            output::note(format_args!("{links} left out; add -L to copy what they point to"));
        }
        tracing::info!(
            "{} copied ({} bytes), {} unchanged, {} removed, {} left out, {} failed in {:.1} s",
            report.copied,
            report.bytes,
            report.unchanged,
            report.removed,
            report.excluded,
            report.failures.len(),
            report.elapsed.as_secs_f64()
        );
        if report.is_complete() { Status::Done } else { Status::Failed }
    }
}
