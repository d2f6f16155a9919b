//! Whoever sends a file while no program waits for it: after a quiet time, and again and again with longer pauses, until
//! the service has it.

use std::sync::Arc;
use std::time::Duration;

use crate::config::WriteBack;
use crate::engine::Engine;
use crate::file::OpenFile;

use super::Sent;

/// When the first try is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// At once: it has waited long enough.
    Now,
    /// When its program has left it alone for a while.
    WhenQuiet,
    /// After a pause: a try has just failed.
    Later,
}

/// Sees to it that the file is sent, unless somebody does already. What the service refused for good, and what the user
/// has to decide, is left alone.
pub(crate) fn attend(engine: &Arc<Engine>, file: &Arc<OpenFile>, start: Start) {
    if engine.stays_here(file) {
        return;
    }
    {
        let mut state = file.state();
        if state.attended || !state.wants_sending() {
            return;
        }
        state.attended = true;
    }
    let (engine, file) = (Arc::clone(engine), Arc::clone(file));
    engine.runtime.clone().spawn(async move {
        send_until_sent(&engine, &file, start).await;
        engine.files.settle(&file);
    });
}

async fn send_until_sent(engine: &Arc<Engine>, file: &Arc<OpenFile>, start: Start) {
    let (first, longest) = engine.config.retry_pause;
    let mut pause = first;
    if start == Start::Later {
        rest(engine, pause).await;
    }
    loop {
        if start != Start::Now {
            quiet(engine, file).await;
        }
        match Box::pin(engine.send_in_background(file)).await {
            Ok(Sent::All | Sent::Interrupted | Sent::Nothing) => pause = first,
            Err(_) => {
                rest(engine, pause).await;
                pause = (pause * 2).min(longest);
            }
        }
        let mut state = file.state();
        if !state.wants_sending() {
            // In the same breath as the look: who keeps something from now on finds nobody attending.
            state.attended = false;
            return;
        }
    }
}

/// A pause, unless the user wants the next try now.
pub(crate) async fn rest(engine: &Engine, pause: Duration) {
    tokio::select! {
        () = tokio::time::sleep(pause) => {}
        () = engine.hurry.notified() => {}
    }
}

/// Returns when no program has changed the file for a while. Only in the background: a program that waits for its
/// `close` has done so before.
async fn quiet(engine: &Engine, file: &OpenFile) {
    if engine.config.write_back != WriteBack::Background {
        return;
    }
    loop {
        let left = {
            let state = file.state();
            state.kept_at.map_or(Duration::ZERO, |kept| engine.config.quiet.saturating_sub(kept.elapsed()))
        };
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left).await;
    }
}
