//! `mountvofs status --watch`: how a mount stands, on the whole screen.
//!
//! A thread asks the daemon once a second, so that the screen answers keys also when the daemon does not answer.

mod view;

use std::collections::VecDeque;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use ratatui::crossterm::event::{self, Event, KeyCode, KeyModifiers};

use super::status;
use crate::Result;
use crate::args::Which;
use crate::control::report::Report;
use crate::failure::{Failure, Status};

/// How often the daemon is asked.
const EVERY: Duration = Duration::from_secs(1);

/// How often keys are looked for.
const KEYS: Duration = Duration::from_millis(100);

/// So many seconds of speed are drawn.
const HISTORY: usize = 240;

/// What is drawn.
#[derive(Debug, Default)]
struct Seen {
    report: Option<Report>,
    /// Why there is no newer one.
    problem: Option<String>,
    /// Bytes per second in and out, the latest last.
    speeds: VecDeque<(u64, u64)>,
    at: Option<Instant>,
}

impl Seen {
    fn take(&mut self, answer: std::result::Result<Report, String>) {
        let now = Instant::now();
        match answer {
            Ok(report) => {
                if let (Some(before), Some(at)) = (&self.report, self.at) {
                    let seconds = now.duration_since(at).as_secs_f64().max(0.001);
                    let speed = |now: u64, before: u64| (now.saturating_sub(before) as f64 / seconds) as u64;
                    let (new, old) = (&report.service, &before.service);
                    self.speeds.push_back((speed(new.received, old.received), speed(new.sent, old.sent)));
                    if self.speeds.len() > HISTORY {
                        self.speeds.pop_front();
                    }
                }
                self.problem = None;
                self.report = Some(report);
                self.at = Some(now);
            }
            Err(problem) => self.problem = Some(problem),
        }
    }
}

/// Draws until a key ends it.
pub(super) fn watch(which: &Which) -> Result<()> {
    // One that does not run is an error, not an empty screen.
    let first = status::ask(which)?;
    let (answers, arriving) = mpsc::channel();
    let which = which.clone();
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(EVERY);
            if answers.send(status::ask(&which).map_err(|failure| failure.message)).is_err() {
                return;
            }
        }
    });
    let mut seen = Seen::default();
    seen.take(Ok(first));
    let mut terminal = ratatui::try_init()
        .map_err(|error| Failure::new(Status::Usage, format!("--watch needs a terminal: {error}")))?;
    let outcome = (|| {
        loop {
            arriving.try_iter().for_each(|answer| seen.take(answer));
            terminal.draw(|frame| view::draw(frame, &seen))?;
            if event::poll(KEYS)? && ends(&event::read()?) {
                return Ok(());
            }
        }
    })();
    ratatui::restore();
    outcome.map_err(|error: std::io::Error| Failure::new(Status::Other, format!("the terminal: {error}")))
}

fn ends(event: &Event) -> bool {
    let Event::Key(key) = event else { return false };
    matches!(key.code, KeyCode::Char('q') | KeyCode::Esc)
        || (key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL))
}
