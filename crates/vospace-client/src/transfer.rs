//! Bytes in and out.
//!
//! ```
//! use futures_util::TryStreamExt as _;
//! use vospace_client::transfer::{PutOptions, UploadSource};
//! use vospace_client::{Client, VosUri};
//!
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/stub.rs"));
//! # #[tokio::main]
//! # async fn main() -> vospace_client::Result<()> {
//! # let client = Client::new(configured(&[("PUT /nodes/d/f", 201, FILE), ("PUT /files/d/f", 201, ""), ("GET /files/d/f", 200, "bytes")]))?;
//! let file = VosUri::from_wire("vos://lab.example~vospace/d/f")?;
//! // From memory, a file, or piece by piece from the caller; where the service tells a digest, it was compared when this returns.
//! let stored = client.put(&file, UploadSource::Bytes("bytes".into()), PutOptions::default()).await?;
//! assert_eq!(stored.length, 5);
//! let download = client.open(&file, None).await?;
//! let pieces: Vec<bytes::Bytes> = download.body.try_collect().await?;
//! assert_eq!(pieces.concat(), b"bytes");
//! # Ok(())
//! # }
//! ```

use std::fmt;

use crate::node::{Md5, Timestamp};
use crate::uri::VosUri;
use crate::{Error, ErrorKind};

pub use crate::body::{ByteStream, Progress, Supply, UploadSource};

pub mod content_range;
pub(crate) mod download;
pub(crate) mod empty;
pub(crate) mod from_node;
pub(crate) mod keeping;
pub(crate) mod negotiate;
pub(crate) mod spool;
pub(crate) mod transaction;
pub(crate) mod unfinished;
pub(crate) mod upload;
pub(crate) mod wide;

/// An open file.
#[non_exhaustive]
pub struct Download {
    /// Offset of the first byte of `body` in the file. 0 when the service ignored the range that was asked for.
    pub start: u64,
    /// True for a part of the file, as it was asked for; false when `body` is all of it.
    pub partial: bool,
    /// The service gives parts of this file, so that reading can go on after an interruption.
    pub ranges: bool,
    /// Size of the whole file in bytes, when the service says.
    pub total: Option<u64>,
    /// Identity of these very bytes: another one for every upload (Vault).
    pub artifact_id: Option<String>,
    /// Digest of the whole file. Cavern's may be that of older bytes.
    pub md5: Option<Md5>,
    /// When the bytes were stored, to the second.
    pub last_modified: Option<Timestamp>,
    /// Media type.
    pub content_type: Option<String>,
    /// The bytes: exactly as many as the service announced, or an `Err`.
    pub body: ByteStream,
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("start", &self.start)
            .field("total", &self.total)
            .field("artifact_id", &self.artifact_id)
            .field("md5", &self.md5)
            .finish_non_exhaustive()
    }
}

/// How to upload. Fields may be added: write it with `..PutOptions::default()`.
#[derive(Clone, Default)]
pub struct PutOptions {
    /// Media type to store. Form types are not sent: services take such a body for parameters.
    pub content_type: Option<String>,
    /// Digest of the bytes, if it is known; the service then refuses others.
    pub md5: Option<Md5>,
    /// Told of the progress.
    pub progress: Option<Progress>,
    /// What tells these bytes from all others over runs of programs, such as the path, time and length of a file. An
    /// upload of the same bytes to the same node that was interrupted is then taken up, where the service can do so, and
    /// this one can be.
    pub identity: Option<String>,
    /// The caller just saw that there is no such node. A service that takes the properties of an overwritten file away
    /// then need not be asked for them.
    pub new: bool,
}

impl fmt::Debug for PutOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PutOptions")
            .field("content_type", &self.content_type)
            .field("md5", &self.md5)
            .field("identity", &self.identity)
            .field("new", &self.new)
            .finish_non_exhaustive()
    }
}

/// What became of one way to store bytes.
#[derive(Debug)]
enum Sent {
    Stored(Uploaded),
    /// Another try, here or elsewhere, may succeed.
    Again(Error),
    /// None will.
    Refused(Error),
}

/// The file to upload is not the one that was announced.
fn changed(uri: &VosUri) -> Error {
    Error::node(ErrorKind::ChecksumMismatch, uri, "the bytes to upload are not those that the digest tells")
}

/// What was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Uploaded {
    /// Bytes.
    pub length: u64,
    /// Digest of what was sent, and, if the service told one, of what it stored.
    pub md5: Md5,
    /// Identity of the stored bytes, where the service tells it with its answer. Vault does not.
    pub artifact_id: Option<String>,
}
