//! Sending all that waits, at the end of the mount and for who asks for it: how far that is, while it goes on.

use std::time::Duration;

use vofs_core::Engine;

/// How often the log says it.
const PROGRESS: Duration = Duration::from_secs(5);

/// What waits for its upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Left {
    /// Files.
    pub(crate) files: usize,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// Those of them that have left already.
    pub(crate) sent: u64,
}

impl Left {
    /// At this moment.
    pub(crate) fn of(engine: &Engine) -> Self {
        let pending = engine.to_be_sent();
        Left {
            files: pending.len(),
            bytes: pending.iter().map(|file| file.bytes).sum(),
            sent: pending.iter().filter_map(|file| file.sent).sum(),
        }
    }
}

/// Does `sending`; the log says now and then what is left.
pub(crate) async fn told<T>(engine: &Engine, sending: impl Future<Output = T>) -> T {
    let mut sending = std::pin::pin!(sending);
    loop {
        tokio::select! {
            outcome = &mut sending => return outcome,
            () = tokio::time::sleep(PROGRESS) => {
                let Left { files, bytes, sent } = Left::of(engine);
                tracing::warn!(files, bytes, sent, "still to be uploaded");
            }
        }
    }
}
