//! Uploads: bytes from a request into a file, hashed on the way.
//!
//! [`Sink`] owns the file while it is written, and what is to be done with it if nobody finishes it: a client may go
//! away at any moment, so the clean-up is in its `Drop`. Writing and hashing happen off the async threads, a megabyte at
//! a time. [`Uploads`] keeps the running checksum of each PUT transaction, so that a segment costs its own length; after
//! a restart it is computed anew from the file.

use crate::fault::Fault;
use crate::store::{Store, blocking};
use axum::body::Body;
use bytes::Bytes;
use futures_util::StreamExt as _;
use md5::{Digest as _, Md5};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::Arc;
use std::time::Duration;

/// Bytes handed to a blocking thread at once: large enough to make the hand-over cheap.
const BATCH: usize = 1 << 20;

/// A client that sends nothing for so long has gone (Tomcat's time, observed).
pub const STALLED: Duration = Duration::from_secs(60);

/// What happens to the file if it is not finished.
#[derive(Debug)]
pub enum Abandoned {
    /// The blob is removed.
    Discard(Arc<Store>, String),
    /// The file is emptied (Cavern, observed).
    Truncate,
    /// The file stays as it is: the settled length of a transaction is elsewhere.
    Leave,
}

/// A file that takes bytes.
#[derive(Debug)]
pub struct Sink {
    file: File,
    md5: Md5,
    written: u64,
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
        Sink { file, md5, written: 0, abandoned }
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

    fn write(&mut self, batch: &[Bytes]) -> Result<(), Fault> {
        for chunk in batch {
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
            let chunk = match tokio::time::timeout(STALLED, chunks.next()).await {
                Ok(None) => None,
                Ok(Some(Ok(chunk))) => Some(chunk),
                Ok(Some(Err(_))) | Err(_) => return Err(Cut::Body),
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
                let whole = announced.is_none_or(|length| length == self.written);
                return if whole { Ok(self) } else { Err(Cut::Body) };
            }
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        match &self.abandoned {
            Abandoned::Discard(store, blob) => store.bytes().discard(blob),
            Abandoned::Truncate => {
                if let Err(error) = self.file.set_len(0) {
                    tracing::warn!(%error, "could not empty a file after a failed upload");
                }
            }
            Abandoned::Leave => {}
        }
    }
}

/// The checksum of a transaction at its boundaries.
#[derive(Clone, Debug)]
pub struct Running {
    /// Settled bytes.
    pub length: u64,
    /// Of all settled bytes.
    pub md5: Md5,
    /// Of the bytes before the last segment, if it can still be reverted.
    pub previous: Option<Md5>,
}

#[derive(Debug, Default)]
struct Upload {
    turn: Arc<tokio::sync::Mutex<()>>,
    running: Option<Running>,
}

/// The transactions that this process has seen.
#[derive(Debug, Default)]
pub struct Uploads {
    by_id: Mutex<HashMap<String, Upload>>,
}

impl Uploads {
    /// The lock that makes segments and their ends come one after another. It is held while a client sends, so a
    /// question for the state must not take it.
    pub fn turn(&self, id: &str) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(&self.by_id.lock().entry(id.to_owned()).or_default().turn)
    }

    /// The checksums, if they are known for so many settled bytes.
    pub fn running(&self, id: &str, length: u64) -> Option<Running> {
        self.by_id.lock().get(id)?.running.clone().filter(|running| running.length == length)
    }

    /// Remembers the checksums.
    pub fn remember(&self, id: &str, running: Running) {
        self.by_id.lock().entry(id.to_owned()).or_default().running = Some(running);
    }

    /// Forgets a transaction.
    pub fn forget(&self, id: &str) {
        self.by_id.lock().remove(id);
    }
}

/// The checksum of the first bytes of a file.
pub fn checksum(file: &mut File, length: u64) -> Result<Md5, Fault> {
    file.seek(SeekFrom::Start(0))?;
    let mut md5 = Md5::new();
    let mut rest = file.take(length);
    let mut buffer = vec![0; 1 << 16];
    loop {
        match rest.read(&mut buffer)? {
            0 => return Ok(md5),
            count => md5.update(&buffer[..count]),
        }
    }
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
        std::fs::write(&path, "x").unwrap();
        let mut file = File::open(&path).unwrap();
        assert_eq!(finished(checksum(&mut file, 0).unwrap()), vospace_client::node::Md5::EMPTY);
    }
}
