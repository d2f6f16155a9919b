//! What answers say of a file: checksum, dates, type, name; and its bytes as a body.

use crate::headers::DIGEST;
use crate::names;
use crate::store::artifacts::Artifact;
use crate::store::blob::Blob;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use futures_util::stream;
use jiff::Timestamp;
use std::io::{self, Read as _};
use tokio::io::AsyncReadExt as _;
use tokio_util::io::ReaderStream;
use vospace_client::node::Md5;

/// Bytes read from a file at once while it is sent.
const CHUNK: usize = 256 << 10;

/// What headers say of a file.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Bytes.
    pub length: u64,
    /// Checksum of the whole, if known.
    pub md5: Option<Md5>,
    /// Milliseconds since 1970.
    pub modified: i64,
    /// Media type.
    pub content_type: Option<String>,
    /// Content encoding.
    pub encoding: Option<String>,
    /// Name to save it under.
    pub name: Option<String>,
}

impl Facts {
    /// Those of an artifact.
    pub fn of(artifact: &Artifact, name: Option<String>) -> Facts {
        Facts {
            length: artifact.length,
            md5: Md5::from_hex(&artifact.md5),
            modified: artifact.content_date,
            content_type: artifact.content_type.clone(),
            encoding: artifact.encoding.clone(),
            name,
        }
    }

    /// Writes all but the length.
    pub fn describe(&self, headers: &mut HeaderMap) {
        let mut put = |name: HeaderName, value: Option<String>| {
            if let Some(Ok(value)) = value.map(HeaderValue::try_from) {
                headers.insert(name, value);
            }
        };
        put(DIGEST, self.md5.map(|md5| md5.to_digest_header()));
        put(header::LAST_MODIFIED, http_date(self.modified));
        put(header::CONTENT_TYPE, self.content_type.clone());
        put(header::CONTENT_ENCODING, self.encoding.clone());
        let name = self.name.as_ref().map(|name| names::latin1(&format!("inline; filename=\"{name}\"")));
        if let Some(Ok(value)) = name.map(|bytes| HeaderValue::from_bytes(&bytes)) {
            headers.insert(header::CONTENT_DISPOSITION, value);
        }
    }
}

fn http_date(milliseconds: i64) -> Option<String> {
    let time = Timestamp::from_millisecond(milliseconds).ok()?;
    Some(time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
}

/// So many bytes of a file, from where it stands, as an answer.
pub fn send(blob: impl Into<Blob>, length: u64) -> Response<Body> {
    let body = match blob.into() {
        Blob::Stored(file) => {
            let piece = tokio::fs::File::from_std(file).take(length);
            Body::from_stream(ReaderStream::with_capacity(piece, CHUNK))
        }
        Blob::Computed(pattern) => Body::from_stream(stream::try_unfold(pattern.take(length), |mut piece| async {
            let mut chunk = vec![0; usize::try_from(piece.limit()).unwrap_or(CHUNK).min(CHUNK)];
            let count = piece.read(&mut chunk)?;
            chunk.truncate(count);
            Ok::<_, io::Error>((count > 0).then(|| (Bytes::from(chunk), piece)))
        })),
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    response
}
