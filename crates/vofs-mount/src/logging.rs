//! The log: to standard error in the foreground, to a private file otherwise. How much of it can change at any time. Each line is
//! plain text, whatever names and services say; so there are no colours, which a terminal would obey.
//!
//! The journal of systemd, where that is at the other end of standard error, gets each line with its priority in front
//! (sd-daemon(3)) and without the time, which it has itself.

use std::fs::{File, OpenOptions};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::sync::{Arc, Mutex};

use parking_lot::Mutex as Lock;
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level as Weight, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};
use vospace_client::plain::PlainLines;

use crate::Result;
use crate::args::LogFormat;
use crate::failure::{Failure, Status};
use crate::options::Log;

/// The way to change how much is logged.
#[derive(Debug, Clone)]
pub(crate) struct Level {
    filter: reload::Handle<EnvFilter, Registry>,
    now: Arc<Lock<LevelFilter>>,
}

impl Level {
    /// How much is logged, as it is written.
    pub(crate) fn name(&self) -> String {
        self.now.lock().to_string().to_lowercase()
    }

    /// Changes that.
    pub(crate) fn set(&self, level: LevelFilter) -> std::result::Result<(), reload::Error> {
        self.filter.reload(filter(level))?;
        *self.now.lock() = level;
        Ok(())
    }
}

/// Libraries below us say nothing that our own lines do not say better.
fn filter(level: LevelFilter) -> EnvFilter {
    EnvFilter::builder().parse_lossy(format!("{level},hyper=warn,h2=warn,reqwest=warn,rustls=warn,fuser=error"))
}

/// Whether standard error is what systemd has connected to its journal (`JOURNAL_STREAM`, systemd.exec(5)).
fn is_journal() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else { return false };
    let here = std::io::stderr().as_fd().try_clone_to_owned().map(File::from).and_then(|file| file.metadata());
    here.is_ok_and(|here| stream == format!("{}:{}", here.dev(), here.ino()))
}

/// A line with its priority in front.
struct WithPriority<F>(F);

impl<S, N, F> FormatEvent<S, N> for WithPriority<F>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> std::fmt::Result {
        let priority = match *event.metadata().level() {
            Weight::ERROR => 3,
            Weight::WARN => 4,
            Weight::INFO => 6,
            _ => 7,
        };
        write!(writer, "<{priority}>")?;
        self.0.format_event(context, writer, event)
    }
}

/// Starts logging.
pub(crate) fn start(log: &Log) -> Result<Level> {
    match &log.file {
        None => Ok(start_to(log, is_journal(), || PlainLines(std::io::stderr()))),
        Some(file) => {
            let fail = |error: std::io::Error| {
                Failure::new(
                    Status::Other,
                    format!("log file {}: {error}; give another one with --log", file.display()),
                )
            };
            // Private when it is made. Who named a file that is there (or a pipe, or a terminal) has chosen its mode.
            let opened = OpenOptions::new().create(true).append(true).mode(0o600).open(file).map_err(fail)?;
            Ok(start_to(log, false, Mutex::new(PlainLines(opened))))
        }
    }
}

fn start_to(log: &Log, is_journal: bool, writer: impl for<'w> MakeWriter<'w> + Send + Sync + 'static) -> Level {
    let (filter, handle) = reload::Layer::new(filter(log.level));
    let lines = fmt::layer().with_target(false).with_ansi(false).with_writer(writer);
    let registry = tracing_subscriber::registry().with(filter);
    match (log.format, is_journal) {
        (LogFormat::Text, true) => {
            registry.with(lines.without_time().with_level(false).map_event_format(WithPriority)).init()
        }
        (LogFormat::Text, false) => registry.with(lines).init(),
        (LogFormat::Json, true) => {
            registry.with(lines.json().flatten_event(true).without_time().map_event_format(WithPriority)).init()
        }
        (LogFormat::Json, false) => registry.with(lines.json().flatten_event(true)).init(),
    }
    Level { filter: handle, now: Arc::new(Lock::new(log.level)) }
}
