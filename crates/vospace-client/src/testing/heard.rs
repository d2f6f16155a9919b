//! What the code under test logs, for tests of the messages. The engine's tests have this file from here: one crate cannot lend another
//! what only its tests have.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

use tracing::field::Field;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{DefaultGuard, set_default};
use tracing::{Event, Level, Metadata, Subscriber};

/// Warnings and errors of this thread, as long as it lives.
pub(crate) struct Heard {
    lines: Arc<Mutex<Vec<String>>>,
    _listening: DefaultGuard,
}

impl Heard {
    /// Begins to listen.
    pub(crate) fn here() -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        Self { _listening: set_default(Ear(Arc::clone(&lines))), lines }
    }

    /// Whether some line has this text.
    pub(crate) fn has(&self, text: &str) -> bool {
        self.lines.lock().unwrap().iter().any(|line| line.contains(text))
    }

    /// Fails unless some line has this text.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) {
        assert!(self.has(text), "no {text:?} in {:#?}", self.lines.lock().unwrap());
    }
}

struct Ear(Arc<Mutex<Vec<String>>>);

impl Subscriber for Ear {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = String::new();
        event.record(&mut |field: &Field, value: &dyn Debug| {
            let name = field.name();
            let _ = if name == "message" { write!(line, "{value:?} ") } else { write!(line, "{name}={value:?} ") };
        });
        self.0.lock().unwrap().push(line);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}
