//! What a copy tells: log lines for people, or one JSON object a line for programs, and the sums at its end.

use std::io::Write as _;
use std::sync::Arc;

use serde_json::json;
use vospace_client::bulk::{Event, Place, Report, Watch};

use crate::bars::Bars;
use crate::output::{self, Status};
use crate::session::Session;

/// See the module.
#[derive(Debug)]
pub(crate) struct Teller<'a> {
    session: &'a Session,
    json: bool,
    dry_run: bool,
    bars: Option<Arc<Bars>>,
}

impl<'a> Teller<'a> {
    /// With `dry_run` what would be done is a result, and printed.
    pub(crate) fn new(session: &'a Session, json: bool, dry_run: bool) -> Self {
        Teller { session, json, dry_run, bars: None }
    }

    /// Shows on a terminal how the bytes get on.
    pub(crate) fn with_bars(mut self) -> Self {
        self.bars = Bars::on_terminal().map(Arc::new);
        self
    }

    /// Whom the copy tells how its bytes get on.
    pub(crate) fn watch(&self) -> Option<Arc<dyn Watch>> {
        self.bars.clone().map(|bars| bars as Arc<dyn Watch>)
    }

    fn above<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.bars {
            Some(bars) => bars.above(print),
            None => print(),
        }
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
            self.above(|| output::error(&failure.error));
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
        let _ = self.above(|| writeln!(std::io::stdout(), "{}", output::shown(line)));
    }

    /// Tells the sums, and how it all ended.
    pub(crate) fn sum_up(&self, report: &Report) -> Status {
        if let Some(bars) = &self.bars {
            bars.clear();
        }
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
