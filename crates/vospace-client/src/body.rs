//! Bytes on their way, below everything that speaks HTTP: what is sent, what arrives, and that they move.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;

use crate::Result;

pub(crate) mod pace;
pub(crate) mod pulse;
pub(crate) mod upload;

/// Bytes as they arrive. It ends early only with an `Err`.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes>> + Send + 'static>>;

/// What to upload. It can be read again from its start, since a failed upload is repeated.
#[derive(Debug, Clone)]
pub enum UploadSource {
    /// The first `length` bytes of a file, which must not change meanwhile.
    File {
        /// The file.
        path: PathBuf,
        /// Bytes to send; a shorter file is an error.
        length: u64,
    },
    /// Bytes in memory.
    Bytes(Bytes),
    /// Bytes from somewhere else.
    Supply(Arc<dyn Supply>),
}

/// Bytes from somewhere else that can be had again, and always are the same.
pub trait Supply: fmt::Debug + Send + Sync {
    /// How many bytes there are.
    fn length(&self) -> u64;

    /// Exactly the bytes of this range, or an `Err`.
    fn read(&self, range: Range<u64>) -> ByteStream;
}

impl UploadSource {
    /// How many bytes it has.
    #[must_use]
    pub fn length(&self) -> u64 {
        match self {
            UploadSource::File { length, .. } => *length,
            UploadSource::Bytes(bytes) => bytes.len() as u64,
            UploadSource::Supply(supply) => supply.length(),
        }
    }
}

/// Called with the bytes sent so far, each time that some were. They fall back to 0 when an upload begins again.
pub type Progress = Arc<dyn Fn(u64) + Send + Sync>;
