//! What the user sees besides results: errors, the log, the exit status. Texts of others come through here as plain text.

use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use tracing_subscriber::EnvFilter;
use vospace_client::Plain;
use vospace_client::bulk::BulkError;
use vospace_client::plain::PlainLines;

use crate::common::Common;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Status {
    /// All was done.
    Done,
    /// Something failed and was named; the rest was done.
    Failed,
    /// What was asked for makes no sense or is not available.
    Usage,
    /// `vlock` found a node that is not locked.
    Unlocked,
    /// A signal of this number: Ctrl-C is 2.
    Interrupted(u8),
}

impl Status {
    /// The worse of two.
    pub(crate) fn and(self, other: Status) -> Status {
        if self == Status::Done { other } else { self }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        ExitCode::from(match status {
            Status::Done => 0,
            Status::Failed => 1,
            Status::Usage => 2,
            // What scripts around the Python command look for.
            Status::Unlocked => 255,
            // As a shell reports it.
            Status::Interrupted(signal) => 128 + signal,
        })
    }
}

/// One line on standard error, in the form that scripts around the Python commands look for.
pub(crate) fn error(text: impl fmt::Display) {
    // Where standard error is closed there is nobody left to tell.
    let _ = writeln!(io::stderr(), "ERROR:: {}", Plain(&text.to_string()));
}

/// A remark on standard error.
pub(crate) fn note(text: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{}", Plain(&text.to_string()));
}

/// A name or what else others have chosen, for standard output: on a terminal as plain text, into files and pipes as it is.
pub(crate) fn shown(text: &str) -> String {
    if io::stdout().is_terminal() { Plain(text).to_string() } else { text.to_owned() }
}

/// The status of one piece of work; a failure is named, so that the rest can go on.
///
/// # Errors
/// When nobody reads the results any more.
pub(crate) fn status(result: anyhow::Result<()>) -> anyhow::Result<Status> {
    match result {
        Ok(()) => Ok(Status::Done),
        Err(gone) if is_closed_pipe(&gone) => Err(gone),
        Err(failure) => {
            error(words(&failure));
            Ok(Status::Failed)
        }
    }
}

/// What a failure says. Where nothing else is said of what the system refused, it was our output.
pub(crate) fn words(failure: &anyhow::Error) -> String {
    if failure.is::<io::Error>() && failure.chain().len() == 1 {
        return format!("cannot write: {failure}");
    }
    format!("{failure:#}")
}

/// Whether `error` only means that the reader of our output has gone.
pub(crate) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let output = match error.downcast_ref() {
        Some(BulkError::Output(error)) => Some(error),
        _ => error.downcast_ref::<io::Error>(),
    };
    output.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Whether the log shows more than warnings; nothing else is drawn between its lines then.
pub(crate) fn logs_much(common: &Common) -> bool {
    common.debug || common.verbose || common.vos_debug
}

/// The log goes to standard error: errors only, unless `-w`, `-v` or `-d` ask for more (the strongest wins).
pub(crate) fn start_log(common: &Common) {
    let level = match common {
        Common { debug: true, .. } => "debug",
        Common { vos_debug: true, .. } => "error,vospace=debug,vospace_client=debug",
        Common { verbose: true, .. } => "error,vospace=info,vospace_client=info",
        Common { warning: true, .. } => "warn",
        _ => "error",
    };
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(level))
        .with_writer(|| PlainLines(io::stderr()))
        .with_ansi(false)
        .without_time()
        .init();
}
