//! Streaming: an answer that blocking code writes while the client reads, in constant memory.

use axum::body::{Body, Bytes};
use futures_util::stream;
use std::io::{self, Write};
use tokio::sync::mpsc;

/// Bytes handed over at once.
const CHUNK: usize = 64 << 10;

/// Chunks that may wait for the client; the writer stands still meanwhile.
const WAITING: usize = 4;

struct Channel(mpsc::Sender<io::Result<Bytes>>);

impl Write for Channel {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes))).map_err(gone)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A body that this work writes on a thread of its own. If the work fails, the connection is cut.
pub fn body(work: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static) -> Body {
    let (sender, receiver) = mpsc::channel(WAITING);
    // Detached on purpose: it ends with its work, or when the client goes away.
    tokio::task::spawn_blocking(move || {
        let mut out = io::BufWriter::with_capacity(CHUNK, Channel(sender.clone()));
        if let Err(error) = work(&mut out).and_then(|()| out.flush()) {
            // A client that went away is not told.
            let _ = sender.blocking_send(Err(error));
        }
    });
    Body::from_stream(stream::unfold(receiver, |mut receiver| async move {
        let chunk = receiver.recv().await?;
        Some((chunk, receiver))
    }))
}
