//! The service manager that may have started this process: systemd with `Type=notify`, or whatever speaks its protocol
//! (`NOTIFY_SOCKET`). Without one, nothing here does anything.
//!
//! It is told when the mount answers, what is waited for at the end, and, where it wants that (`WATCHDOG_USEC`), that the
//! daemon is alive. Alive means: the runtime runs, and the engine's locks are free. It never means that the service
//! answers: a daemon that is restarted for a dead service serves nobody.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;
use vofs_core::{Engine, Ino};

/// The mount answers.
pub(crate) fn ready(what: &str, mountpoint: &Path) {
    tell(&[NotifyState::Ready, NotifyState::Status(&format!("{what} on {}", mountpoint.display()))]);
}

/// The end has begun; uploads may take `limit`, and that is no reason to be killed.
pub(crate) fn stopping(limit: Duration) {
    let micros = u32::try_from(limit.as_micros()).unwrap_or(u32::MAX);
    tell(&[NotifyState::Stopping, NotifyState::Status("waiting for uploads"), NotifyState::ExtendTimeoutUsec(micros)]);
}

/// Says that the daemon is alive, twice in the time that it has for that, until the end of the runtime.
pub(crate) fn keep_watchdog(engine: &Arc<Engine>) {
    let Some(limit) = sd_notify::watchdog_enabled() else { return };
    let engine = Arc::clone(engine);
    tokio::spawn(async move {
        let mut due = tokio::time::interval(limit / 2);
        loop {
            due.tick().await;
            let asked = Arc::clone(&engine);
            // The answer does not matter, but that there is one: a lock that is never given back ends this line here.
            if tokio::task::spawn_blocking(move || asked.getattr_now(Ino::ROOT).is_some()).await.is_err() {
                return;
            }
            tell(&[NotifyState::Watchdog]);
        }
    });
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager was not told");
    }
}
