//! The bytes of a node as the source of an upload to another: through this machine and not onto its disk.
//!
//! A file that is replaced meanwhile is an error, never a mixture. When a part has to be sent again, it is read again.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{ByteStream, Supply, wide};
use crate::inner::Inner;
use crate::node::Md5;
use crate::uri::VosUri;
use crate::{Error, ErrorKind};

/// See the module.
pub(crate) struct FromNode {
    inner: Arc<Inner>,
    uri: VosUri,
    length: u64,
    md5: Option<Md5>,
}

impl FromNode {
    /// Those of a file that was just seen to have this length and digest.
    pub(crate) fn new(inner: &Arc<Inner>, uri: &VosUri, length: u64, md5: Option<Md5>) -> Self {
        FromNode { inner: Arc::clone(inner), uri: uri.clone(), length, md5 }
    }
}

impl fmt::Debug for FromNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromNode").field("uri", &self.uri).field("length", &self.length).finish_non_exhaustive()
    }
}

impl Supply for FromNode {
    fn length(&self) -> u64 {
        self.length
    }

    fn read(&self, range: Range<u64>) -> ByteStream {
        let (inner, uri, length, md5) = (Arc::clone(&self.inner), self.uri.clone(), self.length, self.md5);
        let opened = async move {
            let download = wide::open(&inner, &uri, range.start).await?;
            let same = download.total.is_none_or(|total| total == length)
                && (download.md5.is_none() || md5.is_none() || download.md5 == md5);
            if !same {
                let text = "the file was replaced while it was copied; copy it again";
                return Err(Error::node(ErrorKind::VersionChanged, &uri, text));
            }
            // A service without ranges begins at the beginning.
            Ok(cut(download.body, range.start - download.start.min(range.start), range.end - range.start, uri))
        };
        stream::once(opened).try_flatten().boxed()
    }
}

/// The `length` bytes of `body` that follow the first `skip`; an error if there are fewer.
fn cut(body: ByteStream, skip: u64, length: u64, uri: VosUri) -> ByteStream {
    struct State {
        body: ByteStream,
        skip: u64,
        left: u64,
        uri: VosUri,
    }
    let state = State { body, skip, left: length, uri };
    stream::try_unfold(state, |mut state| async move {
        while state.left > 0 {
            let Some(mut chunk) = state.body.try_next().await? else {
                let text = format!("the file ended {} bytes too early; copy it again", state.left);
                return Err(Error::node(ErrorKind::VersionChanged, &state.uri, text));
            };
            let over = state.skip.min(chunk.len() as u64);
            state.skip -= over;
            let chunk = chunk.split_off(usize::try_from(over).unwrap_or(chunk.len()));
            let taken = state.left.min(chunk.len() as u64);
            if taken > 0 {
                state.left -= taken;
                return Ok(Some((chunk.slice(..usize::try_from(taken).unwrap_or(chunk.len())), state)));
            }
        }
        Ok(None)
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::testing::uri;

    async fn cut_of(chunks: &[&'static [u8]], skip: u64, length: u64) -> Result<Vec<u8>, Error> {
        let body = stream::iter(chunks.iter().map(|chunk| Ok(Bytes::from_static(chunk))).collect::<Vec<_>>()).boxed();
        let chunks: Vec<Bytes> = cut(body, skip, length, uri("/a")).try_collect().await?;
        Ok(chunks.concat())
    }

    #[tokio::test]
    async fn exactly_what_was_asked_for_is_cut_out() {
        let chunks: &[&[u8]] = &[b"0123", b"", b"456", b"789"];
        assert_eq!(cut_of(chunks, 0, 10).await.unwrap(), b"0123456789");
        assert_eq!(cut_of(chunks, 4, 3).await.unwrap(), b"456");
        assert_eq!(cut_of(chunks, 5, 1).await.unwrap(), b"5");
        assert_eq!(cut_of(chunks, 3, 0).await.unwrap(), b"");
        let error = cut_of(chunks, 5, 7).await.unwrap_err().to_string();
        assert!(error.contains("2 bytes too early"), "{error}");
    }
}
