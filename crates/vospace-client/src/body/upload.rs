//! An upload's bytes on their way out: counted, digested, and read again from the start when they are sent again.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use md5::{Digest as _, Md5 as Hasher};
use parking_lot::Mutex;
use tokio::io::AsyncReadExt as _;

use super::pulse::Pulse;
use super::{Progress, UploadSource};
use crate::error::Error;
use crate::node::Md5;

/// Bytes read and handed to the connection at once: large enough that the digest, not the call, takes the time.
const CHUNK: usize = 256 << 10;

/// See the module.
pub(crate) struct Upload {
    source: UploadSource,
    progress: Option<Progress>,
    /// Of the present attempt.
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Attempts are numbered: an earlier one whose connection still breathes must not disturb the present one.
    attempt: u64,
    hasher: Hasher,
    sent: u64,
    digest: Option<Md5>,
    fault: Option<Error>,
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("length", &self.length()).finish_non_exhaustive()
    }
}

impl Upload {
    pub(crate) fn new(source: UploadSource, progress: Option<Progress>) -> Self {
        Upload { source, progress, state: Arc::default() }
    }

    pub(crate) fn length(&self) -> u64 {
        self.source.length()
    }

    /// The digest, once an attempt has read everything.
    pub(crate) fn digest(&self) -> Option<Md5> {
        self.state.lock().digest
    }

    /// Why the source could not be read.
    pub(crate) fn fault(&self) -> Option<Error> {
        self.state.lock().fault.clone()
    }

    /// Starts an attempt.
    pub(crate) fn body(&self, pulse: Arc<Pulse>) -> reqwest::Body {
        let length = self.length();
        let attempt = {
            let mut state = self.state.lock();
            *state = State { attempt: state.attempt + 1, ..State::default() };
            state.attempt
        };
        let shared = Arc::clone(&self.state);
        let progress = self.progress.clone();
        if let Some(progress) = &progress {
            progress(0);
        }
        let taken = move |chunk: &Bytes| {
            pulse.beat();
            let mut state = shared.lock();
            if state.attempt != attempt {
                return;
            }
            state.hasher.update(chunk);
            state.sent += chunk.len() as u64;
            if state.sent == length {
                state.digest = Some(Md5(std::mem::take(&mut state.hasher).finalize().into()));
            }
            let sent = state.sent;
            drop(state);
            if let Some(progress) = &progress {
                progress(sent);
            }
        };
        match &self.source {
            UploadSource::Bytes(bytes) => {
                let chunks: Vec<Bytes> = (0..bytes.len())
                    .step_by(CHUNK)
                    .map(|start| bytes.slice(start..bytes.len().min(start + CHUNK)))
                    .collect();
                reqwest::Body::wrap_stream(stream::iter(chunks).map(move |chunk| {
                    taken(&chunk);
                    Ok::<_, std::io::Error>(chunk)
                }))
            }
            UploadSource::File { path, .. } => {
                let shared = Arc::clone(&self.state);
                let chunks = file_chunks(path.clone(), length).map(move |chunk| {
                    match &chunk {
                        Ok(chunk) => taken(chunk),
                        Err(error) => {
                            let mut state = shared.lock();
                            if state.attempt == attempt {
                                state.fault = Some(error.clone());
                            }
                        }
                    }
                    chunk
                });
                reqwest::Body::wrap_stream(chunks)
            }
        }
    }
}

/// The first `length` bytes of a file. A file that is shorter is an error: it changed while it was uploaded.
fn file_chunks(path: PathBuf, length: u64) -> impl futures_util::Stream<Item = Result<Bytes, Error>> + Send + 'static {
    enum Reading {
        Start,
        Open(tokio::fs::File, u64),
        Done,
    }
    stream::unfold((Reading::Start, path), move |(reading, path)| async move {
        let (mut file, left) = match reading {
            Reading::Start => match tokio::fs::File::open(&path).await {
                Ok(mut file) => {
                    file.set_max_buf_size(CHUNK);
                    (file, length)
                }
                Err(error) => return Some((Err(Error::local(&path, &error)), (Reading::Done, path))),
            },
            Reading::Open(file, left) => (file, left),
            Reading::Done => return None,
        };
        if left == 0 {
            return None;
        }
        let wanted = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        let mut chunk = bytes::BytesMut::with_capacity(wanted);
        let read = match (&mut file).take(wanted as u64).read_buf(&mut chunk).await {
            Ok(0) => Err(std::io::Error::new(
                std::io::ErrorKind::UnexpectedEof,
                format!("the file became {left} bytes shorter while it was read"),
            )),
            other => other,
        };
        match read {
            Ok(count) => Some((Ok(chunk.freeze()), (Reading::Open(file, left - count as u64), path))),
            Err(error) => Some((Err(Error::local(&path, &error)), (Reading::Done, path))),
        }
    })
}

/// The digest of bytes in memory.
pub(crate) fn digest_of(bytes: &[u8]) -> Md5 {
    Md5(Hasher::digest(bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_read_to_its_length_and_no_shorter() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        let content: Vec<u8> = (0..600_000_u32).map(|n| n as u8).collect();
        std::fs::write(&path, &content).unwrap();
        let chunks: Vec<_> = file_chunks(path.clone(), 550_000).collect().await;
        let read: Vec<u8> = chunks.into_iter().flat_map(|chunk| chunk.unwrap()).collect();
        assert_eq!(read, content[..550_000]);
        let chunks: Vec<_> = file_chunks(path, 700_000).collect().await;
        let error = chunks.last().unwrap().as_ref().unwrap_err().to_string();
        assert!(error.contains("100000 bytes shorter"), "{error}");
        let missing: Vec<_> = file_chunks(directory.path().join("g"), 1).collect().await;
        assert!(missing[0].is_err());
    }

    #[test]
    fn digest_of_nothing() {
        assert_eq!(digest_of(b""), Md5::EMPTY);
    }
}
