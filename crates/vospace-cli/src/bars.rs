//! Progress on a terminal: one bar for each file that takes a while, one for everything.
//!
//! They are drawn on standard error and only where that is a terminal; lines that are printed meanwhile are printed above
//! them, through [`Bars::above`].

use std::collections::HashMap;
use std::io::{self, IsTerminal as _};
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use parking_lot::Mutex;
use vospace_client::bulk::{Place, Watch};

/// Drawings a second: smooth to the eye, and no load for a slow terminal.
const HERTZ: u8 = 8;

/// Files below this size are done before anybody could read their bar.
const LARGE: u64 = 4 << 20;

const TOTAL: &str =
    "{msg} [{bar:24}] {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {elapsed}, {eta} left";
const FILE: &str = "  {msg:32!} [{bar:24}] {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {eta} left";

/// See the module.
pub(crate) struct Bars {
    all: MultiProgress,
    total: ProgressBar,
    /// Files in all, and those that are done with.
    files: AtomicU64,
    done: AtomicU64,
    /// Files whose bytes move: how far they are, and their bar if they have one.
    moving: Mutex<HashMap<u64, (u64, Option<ProgressBar>)>>,
}

impl std::fmt::Debug for Bars {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bars").field("files", &self.files).field("done", &self.done).finish_non_exhaustive()
    }
}

impl Bars {
    /// Bars, if there is a terminal to draw them on.
    pub(crate) fn on_terminal() -> Option<Bars> {
        io::stderr().is_terminal().then(|| {
            let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(HERTZ));
            let total = all.add(ProgressBar::new(0).with_style(style(TOTAL)));
            let (files, done, moving) = Default::default();
            Bars { all, total, files, done, moving }
        })
    }

    /// Prints something above the bars.
    pub(crate) fn above<T>(&self, print: impl FnOnce() -> T) -> T {
        self.all.suspend(print)
    }

    /// Takes the bars away.
    pub(crate) fn clear(&self) {
        self.total.finish_and_clear();
        let _ = self.all.clear();
    }

    fn count(&self) {
        let (done, files) = (self.done.load(Ordering::Relaxed), self.files.load(Ordering::Relaxed));
        self.total.set_message(format!("{done}/{files} files"));
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ")
}

impl Watch for Bars {
    fn planned(&self, files: u64, bytes: u64) {
        self.files.store(files, Ordering::Relaxed);
        self.total.set_length(bytes);
        self.count();
    }

    fn started(&self, file: u64, target: &Place, length: u64) {
        let bar = (length >= LARGE).then(|| {
            let name = match target {
                Place::Local(path) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                Place::Remote(uri) => uri.name().to_owned(),
            };
            let bar = ProgressBar::new(length).with_style(style(FILE)).with_message(name.escape_debug().to_string());
            self.all.insert_before(&self.total, bar)
        });
        self.moving.lock().insert(file, (0, bar));
    }

    fn moved(&self, file: u64, bytes: u64) {
        let mut moving = self.moving.lock();
        let Some((before, bar)) = moving.get_mut(&file) else { return };
        // Fewer than before: it begins again.
        self.total.inc(bytes.saturating_sub(*before));
        self.total.dec(before.saturating_sub(bytes));
        *before = bytes;
        if let Some(bar) = bar {
            bar.set_position(bytes);
        }
    }

    fn ended(&self, file: u64, length: u64) {
        let (before, bar) = self.moving.lock().remove(&file).unwrap_or_default();
        self.total.inc(length.saturating_sub(before));
        self.total.dec(before.saturating_sub(length));
        if let Some(bar) = bar {
            bar.finish_and_clear();
            self.all.remove(&bar);
        }
        self.done.fetch_add(1, Ordering::Relaxed);
        self.count();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden() -> Bars {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
        let total = all.add(ProgressBar::new(0).with_style(style(TOTAL)));
        let (files, done, moving) = Default::default();
        Bars { all, total, files, done, moving }
    }

    #[test]
    fn the_total_follows_the_files_also_when_one_begins_again() {
        let bars = hidden();
        let place = Place::Local("/a/b".into());
        bars.planned(3, 30_000_000);
        bars.started(0, &place, 10_000_000);
        bars.moved(0, 7_000_000);
        bars.moved(0, 0);
        bars.moved(0, 4_000_000);
        assert_eq!(bars.total.position(), 4_000_000);
        // One that was the same already never started.
        bars.ended(1, 10_000_000);
        bars.ended(0, 10_000_000);
        assert_eq!((bars.total.position(), bars.total.message()), (20_000_000, "2/3 files".to_owned()));
    }

    #[test]
    fn the_templates_are_valid() {
        for template in [TOTAL, FILE] {
            ProgressStyle::with_template(template).unwrap();
        }
    }
}
