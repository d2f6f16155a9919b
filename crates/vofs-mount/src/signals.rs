//! The signals by which a daemon is asked to end.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Those that ask for the end of the mount; where they cannot be heard, none ever comes.
#[derive(Debug)]
pub(crate) struct Signals {
    term: Option<Signal>,
    int: Option<Signal>,
    hup: Option<Signal>,
}

impl Signals {
    pub(crate) fn listen() -> Self {
        let listen = |kind| signal(kind).map_err(|error| tracing::error!(%error, "signals are not heard")).ok();
        Signals {
            term: listen(SignalKind::terminate()),
            int: listen(SignalKind::interrupt()),
            hup: listen(SignalKind::hangup()),
        }
    }

    /// The next one of any kind.
    pub(crate) async fn any(&mut self) -> &'static str {
        tokio::select! {
            () = next(&mut self.term) => "SIGTERM",
            () = next(&mut self.int) => "SIGINT",
            () = next(&mut self.hup) => "SIGHUP",
        }
    }

    /// The next Ctrl-C. The others come in twos without a meaning: a shell that ends passes a hang-up on, and batch systems
    /// terminate a process and its group.
    pub(crate) async fn interrupted(&mut self) {
        next(&mut self.int).await;
    }
}

async fn next(signal: &mut Option<Signal>) {
    let heard = match signal {
        Some(signal) => signal.recv().await,
        None => None,
    };
    if heard.is_none() {
        std::future::pending().await
    }
}
