//! Uploads: bytes from a request into a file, hashed on the way.
//!
//! [`Sink`] owns the file while it is written, and what is to be done with it if nobody finishes it: a client may go
//! away at any moment, so the clean-up is in its `Drop`. Writing and hashing happen off the async threads, a megabyte at
//! a time. The running checksum can be stored and taken up again, so that a segment of a PUT transaction costs its own
//! length, also after a restart.

use crate::fault::Fault;
use crate::store::{Store, blocking};
use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use md5::digest::common::hazmat::SerializableState as _;
use md5::{Digest as _, Md5};
use std::fs::File;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

/// Bytes handed to a blocking thread at once: large enough to make the hand-over cheap.
const BATCH: usize = 1 << 20;

/// What happens to the file if it is not finished.
#[derive(Debug)]
pub enum Abandoned {
    /// The blob is removed from this site.
    Discard(Arc<Store>, usize, String),
    /// The file is emptied (Cavern, observed).
    Truncate,
    /// The file goes back to this length.
    RollBack(u64),
    /// The file stays as it is.
    Leave,
}

/// A file that takes bytes.
#[derive(Debug)]
pub struct Sink {
    file: File,
    md5: Md5,
    written: u64,
    room: Option<u64>,
    abandoned: Abandoned,
}

/// Why an upload ended too early: the client went away, or the disk failed.
#[derive(Debug)]
pub enum Cut {
    /// The body ended before its announced end.
    Body,
    /// The file could not be written.
    Store(Fault),
}

impl Sink {
    /// A sink at the current position of the file.
    pub fn new(file: File, abandoned: Abandoned) -> Sink {
        Sink::resumed(file, Md5::new(), abandoned)
    }

    /// A sink that goes on with a running checksum.
    pub fn resumed(file: File, md5: Md5, abandoned: Abandoned) -> Sink {
        Sink { file, md5, written: 0, room: None, abandoned }
    }

    /// Bytes written by this sink.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// The running checksum.
    pub fn md5(&self) -> Md5 {
        self.md5.clone()
    }

    /// The file is good: it stays.
    pub fn keep(mut self) {
        self.abandoned = Abandoned::Leave;
    }

    /// If the upload is not finished, this happens to the file instead.
    pub fn if_abandoned(&mut self, abandoned: Abandoned) {
        self.abandoned = abandoned;
    }

    /// The disk is full after so many bytes, on demand.
    pub fn full_after(&mut self, bytes: u64) {
        self.room = Some(bytes);
    }

    fn shorten(&self, length: u64) {
        if let Err(error) = self.file.set_len(length) {
            tracing::warn!(%error, "could not shorten a file after a failed upload");
        }
    }

    fn write(&mut self, batch: &[Bytes]) -> Result<(), Fault> {
        for chunk in batch {
            if self.room.is_some_and(|room| self.written + chunk.len() as u64 > room) {
                // In the words of the system, as services repeat them.
                let full = std::io::Error::new(std::io::ErrorKind::StorageFull, "No space left on device");
                return Err(full.into());
            }
            self.file.write_all(chunk)?;
            self.md5.update(chunk);
            self.written += chunk.len() as u64;
        }
        Ok(())
    }

    /// Writes the whole body, which has to have the announced length if there is one.
    pub async fn pour(mut self, body: Body, announced: Option<u64>) -> Result<Sink, Cut> {
        let mut chunks = body.into_data_stream();
        let mut batch = Vec::new();
        let mut size = 0;
        loop {
            let (chunk, cut) = match chunks.next().await {
                None => (None, false),
                Some(Ok(chunk)) => (Some(chunk), false),
                // What came before is written: whether it stays is decided by what happens to the file.
                Some(Err(_)) => (None, true),
            };
            let ended = chunk.is_none();
            if let Some(chunk) = chunk {
                size += chunk.len();
                batch.push(chunk);
            }
            if size >= BATCH || (ended && size > 0) {
                let full = std::mem::take(&mut batch);
                size = 0;
                let work = move || {
                    self.write(&full)?;
                    Ok(self)
                };
                self = blocking(work).await.map_err(Cut::Store)?;
            }
            if ended {
                let whole = !cut && announced.is_none_or(|length| length == self.written);
                return if whole { Ok(self) } else { Err(Cut::Body) };
            }
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        match &self.abandoned {
            Abandoned::Discard(store, site, blob) => store.site(*site).discard(blob),
            Abandoned::Truncate => self.shorten(0),
            Abandoned::RollBack(length) => self.shorten(*length),
            Abandoned::Leave => {}
        }
    }
}

/// The body, broken off when nothing came for so long: the client has gone.
pub fn patient(body: Body, patience: Duration) -> Body {
    if axum::body::HttpBody::is_end_stream(&body) {
        return body;
    }
    Body::from_stream(stream::unfold(body.into_data_stream(), move |mut chunks| async move {
        match tokio::time::timeout(patience, chunks.next()).await {
            Ok(chunk) => Some((chunk?, chunks)),
            Err(elapsed) => Some((Err(axum::Error::new(elapsed)), chunks)),
        }
    }))
}

/// The state of a running checksum, to be stored.
pub fn frozen(md5: &Md5) -> Vec<u8> {
    md5.serialize().to_vec()
}

/// A running checksum from its stored state.
pub fn thawed(state: &[u8]) -> Result<Md5, Fault> {
    let damaged = |_| Fault::internal("the state of a checksum is damaged");
    let state = state.try_into().map_err(|_| Fault::internal("the state of a checksum is damaged"))?;
    Md5::deserialize(state).map_err(damaged)
}

/// The finished value of a checksum.
pub fn finished(md5: Md5) -> vospace_client::node::Md5 {
    vospace_client::node::Md5(md5.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_unfinished_file_is_cleaned_up() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let sink = Sink::new(File::create(&path).unwrap(), Abandoned::Truncate);
        let sink = sink.pour(Body::from("hello"), Some(5)).await.unwrap();
        assert_eq!(finished(sink.md5()).to_string(), "5d41402abc4b2a76b9719d911017c592");
        drop(sink);
        assert_eq!(std::fs::read(&path).unwrap(), b"");
        let sink = Sink::new(File::create(&path).unwrap(), Abandoned::Truncate);
        sink.pour(Body::from("hello"), None).await.unwrap().keep();
        assert_eq!(std::fs::read(&path).unwrap(), b"hello");
        let sink = Sink::new(File::create(&path).unwrap(), Abandoned::Truncate);
        assert!(matches!(sink.pour(Body::from("hello"), Some(6)).await, Err(Cut::Body)));
        std::fs::write(&path, "hello").unwrap();
        let sink = Sink::new(File::options().append(true).open(&path).unwrap(), Abandoned::RollBack(5));
        assert!(matches!(sink.pour(Body::from(" there"), Some(7)).await, Err(Cut::Body)));
        assert_eq!(std::fs::read(&path).unwrap(), b"hello");
    }
}
