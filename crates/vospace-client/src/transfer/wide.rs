//! A whole file by several requests side by side: a service gives each connection only its part of the link.
//!
//! The pieces come out in order, as one body. A piece that breaks off is fetched again by itself. All pieces have to be of
//! the same bytes; a file that is replaced meanwhile is an error, never a mixture. Where the first answer is the whole
//! file, because it is small or the service ignores ranges, it is the only one.
//!
//! Pieces in memory are bounded for a client, not for a file. Only the piece that is next waits for its place; those
//! after it are begun while there is room, so that no file can take the room that the next piece of another needs.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinHandle;

use super::{Download, download};
use crate::inner::Inner;
use crate::uri::VosUri;
use crate::{Error, ErrorKind, Result};

/// Bytes of one request. At 25 MB/s it takes 170 ms, in which a round trip of 20 ms does not count for much.
const PIECE: u64 = 4 << 20;

/// Requests for one piece.
const TRIES: u32 = 4;

/// See the module.
pub(crate) async fn open(inner: &Arc<Inner>, uri: &VosUri, start: u64) -> Result<Download> {
    open_by(inner, uri, start, PIECE).await
}

async fn open_by(inner: &Arc<Inner>, uri: &VosUri, start: u64, piece: u64) -> Result<Download> {
    let first = match download::open(inner, uri, Some(start..start + piece), false).await {
        // Of an empty file no range can be had (RFC 9110 §14.4).
        Err(error) if start == 0 && error.kind() == ErrorKind::RangeNotSatisfiable => {
            return download::open(inner, uri, None, false).await;
        }
        other => other?,
    };
    let Some(total) = first.total.filter(|total| first.partial && total.saturating_sub(start) > piece) else {
        return Ok(Download { partial: first.start > 0, ..first });
    };
    let whole = Whole {
        inner: Arc::clone(inner),
        uri: uri.clone(),
        total,
        piece,
        artifact_id: first.artifact_id.clone(),
        md5: first.md5,
    };
    let (artifact_id, content_type) = (first.artifact_id.clone(), first.content_type.clone());
    let (md5, last_modified) = (first.md5, first.last_modified);
    let pieces = Pieces { whole: Arc::new(whole), first: Some(first), next: start, begun: VecDeque::new() };
    let body =
        stream::try_unfold(pieces, |mut pieces| async move { Ok(pieces.take().await?.map(|bytes| (bytes, pieces))) });
    Ok(Download {
        start,
        partial: start > 0,
        ranges: true,
        total: Some(total),
        artifact_id,
        md5,
        last_modified,
        content_type,
        body: body.boxed(),
    })
}

/// What all pieces have to be of.
#[derive(Debug)]
struct Whole {
    inner: Arc<Inner>,
    uri: VosUri,
    total: u64,
    /// Bytes of one request.
    piece: u64,
    artifact_id: Option<String>,
    md5: Option<crate::node::Md5>,
}

/// The pieces of one file, in order.
struct Pieces {
    whole: Arc<Whole>,
    /// The answer that showed that there is more.
    first: Option<Download>,
    /// Where the next request begins.
    next: u64,
    begun: VecDeque<Begun>,
}

/// A piece on its way; its request ends when nobody wants it any more.
struct Begun {
    bytes: JoinHandle<Result<Bytes>>,
    _room: OwnedSemaphorePermit,
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.bytes.abort();
    }
}

impl Pieces {
    /// The next piece.
    async fn take(&mut self) -> Result<Option<Bytes>> {
        let room = &self.whole.inner.pieces;
        while self.next < self.whole.total {
            let place = if self.begun.is_empty() {
                Arc::clone(room).acquire_owned().await.ok()
            } else {
                Arc::clone(room).try_acquire_owned().ok()
            };
            let Some(place) = place else { break };
            let range = self.next..self.whole.total.min(self.next + self.whole.piece);
            self.next = range.end;
            let (whole, opened) = (Arc::clone(&self.whole), self.first.take());
            let bytes = tokio::spawn(async move { whole.piece(range, opened).await });
            self.begun.push_back(Begun { bytes, _room: place });
        }
        let Some(mut piece) = self.begun.pop_front() else { return Ok(None) };
        match (&mut piece.bytes).await {
            Ok(bytes) => bytes.map(Some),
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Err(self.whole.broken("a part of the download was ended")),
        }
    }
}

impl Whole {
    fn broken(&self, text: &str) -> Error {
        Error::node(ErrorKind::Unreachable, &self.uri, text.to_owned())
    }

    async fn piece(&self, range: Range<u64>, mut opened: Option<Download>) -> Result<Bytes> {
        let mut tries = 1;
        loop {
            match self.fetch(range.clone(), opened.take()).await {
                Err(error) if tries < TRIES && matches!(error.kind(), ErrorKind::Unreachable | ErrorKind::Timeout) => {
                    tracing::debug!("bytes {}-{} again: {error}", range.start, range.end);
                    self.inner.http.pause(tries).await;
                    tries += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn fetch(&self, range: Range<u64>, opened: Option<Download>) -> Result<Bytes> {
        let download = match opened {
            Some(download) => download,
            None => download::open(&self.inner, &self.uri, Some(range.clone()), false).await?,
        };
        let same = download.total == Some(self.total)
            && download.md5 == self.md5
            && (download.artifact_id == self.artifact_id || self.md5.is_some());
        if !same || download.start != range.start {
            let text = "the file was replaced while it was read; copy it again";
            return Err(Error::node(ErrorKind::ChecksumMismatch, &self.uri, text.to_owned()));
        }
        let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let gather = |mut all: BytesMut, chunk: Bytes| async move {
            all.extend_from_slice(&chunk);
            Ok(all)
        };
        let bytes = download.body.try_fold(BytesMut::with_capacity(length), gather).await?;
        if bytes.len() != length {
            return Err(self.broken("a part of the file came with another length than was asked for"));
        }
        Ok(bytes.freeze())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::testing::{Reply, Stub, uri};

    const SMALL: u64 = 10_000;
    const LENGTH: usize = (SMALL * 5) as usize + 1234;

    static CONTENT: LazyLock<Vec<u8>> = LazyLock::new(|| (0..LENGTH).map(|at| (at / 11 % 253) as u8).collect());

    /// The bytes that a request asks for, as a service with ranges gives them.
    fn part(content: &[u8], range: &str) -> Reply {
        let (first, last) = range.trim_start_matches("bytes=").split_once('-').unwrap();
        let (first, last) = (first.parse::<usize>().unwrap(), last.parse::<usize>().unwrap().min(content.len() - 1));
        let header = format!("bytes {first}-{last}/{}", content.len());
        Reply::Whole(206, vec![("Content-Range", header)], content[first..=last].to_vec())
    }

    async fn read(stub: &Stub) -> Result<Vec<u8>> {
        read_from(stub, 0).await
    }

    async fn read_from(stub: &Stub, start: u64) -> Result<Vec<u8>> {
        let download = open_by(&stub.client().inner, &uri("/a"), start, SMALL).await?;
        assert_eq!(download.start, start);
        let chunks: Vec<Bytes> = download.body.try_collect().await?;
        Ok(chunks.concat())
    }

    #[tokio::test]
    async fn the_pieces_make_the_file_and_each_is_asked_for_once() {
        let stub = Stub::service(|seen, _| part(&CONTENT, seen.header("range").unwrap())).await;
        assert!(read(&stub).await.unwrap() == *CONTENT);
        let mut asked: Vec<String> =
            stub.requests().iter().map(|seen| seen.header("range").unwrap().to_owned()).collect();
        asked.sort();
        asked.dedup();
        assert_eq!((asked.len(), stub.requests().len()), (6, 6));
    }

    #[tokio::test]
    async fn it_can_begin_anywhere() {
        for start in [1, SMALL, 2 * SMALL + 1, LENGTH as u64 - SMALL, LENGTH as u64 - 1] {
            let stub = Stub::service(|seen, _| part(&CONTENT, seen.header("range").unwrap())).await;
            assert!(read_from(&stub, start).await.unwrap() == CONTENT[start as usize..], "{start}");
        }
    }

    #[tokio::test]
    async fn a_piece_that_breaks_off_is_fetched_again_by_itself() {
        let stub = Stub::service(|seen, n| match part(&CONTENT, seen.header("range").unwrap()) {
            Reply::Whole(status, headers, body) if n % 3 == 1 => {
                let head = format!(
                    "HTTP/1.1 {status} X\r\nContent-Range: {}\r\nContent-Length: {}\r\n\r\n",
                    headers[0].1,
                    body.len()
                );
                Reply::Raw([head.as_bytes(), &body[..1000]].concat())
            }
            reply => reply,
        })
        .await;
        assert!(read(&stub).await.unwrap() == *CONTENT);
    }

    #[tokio::test]
    async fn a_file_that_is_replaced_meanwhile_is_an_error() {
        let stub = Stub::service(|seen, n| {
            part(&CONTENT, seen.header("range").unwrap()).header("x-artifact-id", if n < 3 { "one" } else { "two" })
        })
        .await;
        assert_eq!(read(&stub).await.unwrap_err().kind(), ErrorKind::ChecksumMismatch);
    }

    #[tokio::test]
    async fn what_is_small_or_comes_whole_takes_one_request() {
        let stub = Stub::service(|seen, _| part(b"0123456789", seen.header("range").unwrap())).await;
        assert_eq!(read(&stub).await.unwrap(), b"0123456789");
        assert_eq!(stub.requests().len(), 1);
        let stub = Stub::service(|_, _| Reply::ok(&**CONTENT)).await;
        assert!(read(&stub).await.unwrap() == *CONTENT);
        assert_eq!(stub.requests().len(), 1, "a service without ranges");
        let stub = Stub::service(|seen, _| match seen.header("range") {
            Some(_) => Reply::fault(416, "").header("Content-Range", "bytes */0"),
            None => Reply::status(204),
        })
        .await;
        assert!(read(&stub).await.unwrap().is_empty());
    }
}
