//! An upload's bytes on their way out, all of a source or a part of it: counted, digested, and read again when they are
//! sent again.

use std::fmt;
use std::io::SeekFrom;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use md5::{Digest as _, Md5 as Hasher};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use super::pace::Pace;
use super::pulse::Pulse;
use super::{ByteStream, Progress, UploadSource};
use crate::error::Error;
use crate::node::Md5;

/// Bytes read and handed to the connection at once: large enough that the digest, not the call, takes the time.
const CHUNK: usize = 256 << 10;

/// The digest of the first bytes of a source, to be continued.
#[derive(Clone, Default)]
pub(crate) struct Running {
    hasher: Hasher,
    bytes: u64,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl Running {
    /// Of how many bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Their digest.
    pub(crate) fn md5(&self) -> Md5 {
        Md5(self.hasher.clone().finalize().into())
    }

    fn update(&mut self, chunk: &[u8]) {
        self.hasher.update(chunk);
        self.bytes += chunk.len() as u64;
    }
}

/// See the module.
pub(crate) struct Upload {
    source: UploadSource,
    progress: Option<Progress>,
    /// Where it begins in the source: digest and progress are counted from the start of the source.
    before: Running,
    /// Where it ends in the source.
    end: u64,
    /// Of the present attempt.
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Attempts are numbered: an earlier one whose connection still breathes must not disturb the present one.
    attempt: u64,
    running: Running,
    fault: Option<Error>,
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("length", &self.length()).finish_non_exhaustive()
    }
}

impl Upload {
    /// Of the whole source.
    pub(crate) fn new(source: UploadSource, progress: Option<Progress>) -> Self {
        let end = source.length();
        Upload { source, progress, before: Running::default(), end, state: Arc::default() }
    }

    /// Of the bytes of the same source that follow `before`, up to `end`.
    pub(crate) fn part(&self, before: Running, end: u64) -> Self {
        let (source, progress) = (self.source.clone(), self.progress.clone());
        Upload { source, progress, before, end, state: Arc::default() }
    }

    /// Bytes to send.
    pub(crate) fn length(&self) -> u64 {
        self.end.saturating_sub(self.before.bytes)
    }

    /// The digest of the source up to the end of this upload, once an attempt has read everything.
    pub(crate) fn running(&self) -> Option<Running> {
        let state = self.state.lock();
        (state.attempt > 0 && state.running.bytes == self.end).then(|| state.running.clone())
    }

    /// [`Upload::running`], as a digest.
    pub(crate) fn digest(&self) -> Option<Md5> {
        self.running().map(|running| running.md5())
    }

    /// Why the source could not be read.
    pub(crate) fn fault(&self) -> Option<Error> {
        self.state.lock().fault.clone()
    }

    /// Reads the source on from `from`, without sending anything.
    pub(crate) async fn digest_on(&self, mut from: Running, end: u64) -> Result<Running, Error> {
        let mut chunks = chunks(&self.source, from.bytes..end);
        while let Some(chunk) = chunks.next().await {
            from.update(&chunk?);
        }
        Ok(from)
    }

    /// Starts an attempt, no faster than `pace`.
    pub(crate) fn body(&self, pulse: Arc<Pulse>, pace: Arc<Pace>) -> reqwest::Body {
        let range = self.before.bytes..self.end;
        let attempt = {
            let mut state = self.state.lock();
            *state = State { attempt: state.attempt + 1, running: self.before.clone(), fault: None };
            state.attempt
        };
        let shared = Arc::clone(&self.state);
        let progress = self.progress.clone();
        if let Some(progress) = &progress {
            progress(range.start);
        }
        let chunks = chunks(&self.source, range).then(move |chunk| {
            let (pulse, pace) = (Arc::clone(&pulse), Arc::clone(&pace));
            async move {
                if let Ok(chunk) = &chunk {
                    pace.pass(chunk.len(), || pulse.beat()).await;
                }
                pulse.beat();
                chunk
            }
        });
        reqwest::Body::wrap_stream(chunks.inspect(move |chunk| {
            let mut state = shared.lock();
            if state.attempt != attempt {
                return;
            }
            match chunk {
                Ok(chunk) => {
                    state.running.update(chunk);
                    let sent = state.running.bytes;
                    drop(state);
                    if let Some(progress) = &progress {
                        progress(sent);
                    }
                }
                Err(error) => state.fault = Some(error.clone()),
            }
        }))
    }
}

/// A range of a source, in pieces.
fn chunks(source: &UploadSource, range: Range<u64>) -> ByteStream {
    match source {
        UploadSource::Bytes(bytes) => stream::iter(slices(bytes, range).map(Ok).collect::<Vec<_>>()).boxed(),
        UploadSource::File { path, .. } => file_chunks(path.clone(), range).boxed(),
        UploadSource::Supply(supply) => supply.read(range),
    }
}

/// A range of bytes in memory, in pieces.
fn slices(bytes: &Bytes, range: Range<u64>) -> impl Iterator<Item = Bytes> {
    let clamp = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
    let (start, end) = (clamp(range.start), clamp(range.end));
    (start..end).step_by(CHUNK).map(move |start| bytes.slice(start..end.min(start + CHUNK)))
}

/// A range of a file. A file that is shorter is an error: it changed while it was uploaded.
fn file_chunks(
    path: PathBuf,
    range: Range<u64>,
) -> impl futures_util::Stream<Item = Result<Bytes, Error>> + Send + 'static {
    enum Reading {
        Start,
        Open(tokio::fs::File, u64),
        Done,
    }
    async fn open(path: &Path, start: u64) -> std::io::Result<tokio::fs::File> {
        let mut file = tokio::fs::File::open(path).await?;
        file.set_max_buf_size(CHUNK);
        if start > 0 {
            file.seek(SeekFrom::Start(start)).await?;
        }
        Ok(file)
    }
    stream::unfold((Reading::Start, path), move |(reading, path)| {
        let range = range.clone();
        async move {
            let (mut file, left) = match reading {
                Reading::Start => match open(&path, range.start).await {
                    Ok(file) => (file, range.end.saturating_sub(range.start)),
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
        let chunks: Vec<_> = file_chunks(path.clone(), 0..550_000).collect().await;
        let read: Vec<u8> = chunks.into_iter().flat_map(|chunk| chunk.unwrap()).collect();
        assert_eq!(read, content[..550_000]);
        let chunks: Vec<_> = file_chunks(path, 0..700_000).collect().await;
        let error = chunks.last().unwrap().as_ref().unwrap_err().to_string();
        assert!(error.contains("100000 bytes shorter"), "{error}");
        let missing: Vec<_> = file_chunks(directory.path().join("g"), 0..1).collect().await;
        assert!(missing[0].is_err());
    }

    #[tokio::test]
    async fn a_part_carries_the_digest_of_what_came_before() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        let content: Vec<u8> = (0..600_000_u32).map(|n| n as u8).collect();
        std::fs::write(&path, &content).unwrap();
        for source in [UploadSource::File { path, length: 600_000 }, UploadSource::Bytes(content.clone().into())] {
            let whole = Upload::new(source, None);
            let before = whole.digest_on(Running::default(), 7).await.unwrap();
            assert_eq!((before.bytes(), before.md5()), (7, digest_of(&content[..7])));
            let on = whole.digest_on(before.clone(), 590_001).await.unwrap();
            assert_eq!((on.bytes(), on.md5()), (590_001, digest_of(&content[..590_001])));
            let part = whole.part(before, 590_001);
            assert_eq!((part.length(), part.digest()), (589_994, None), "nothing was sent yet");
        }
    }

    #[test]
    fn digest_of_nothing() {
        assert_eq!(digest_of(b""), Md5::EMPTY);
    }
}
