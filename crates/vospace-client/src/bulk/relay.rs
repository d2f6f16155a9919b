//! One file from a place in VOSpace to another, through this machine and not onto its disk.
//!
//! The bytes are digested as they pass; the digest must be that of the source and of what the target stored. When a part
//! has to be sent again, it is read again.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::node::{Md5, NodeKind};
use crate::transfer::{ByteStream, PutOptions, Supply, UploadSource};
use crate::uri::VosUri;
use crate::view::View;

use super::run::{Outcome, confirmed};
use super::spool::Spool;
use super::watch::Meter;
use super::{BulkError, Compare, Facts, Known, Options, Place, follow};

/// Copies `from`, or a part of it, to `to`.
#[allow(clippy::too_many_arguments, reason = "what a task holds, and how it is done")]
pub(super) async fn relay(
    client: &Client,
    from: &VosUri,
    to: &VosUri,
    view: Option<&View>,
    listed: &Facts,
    known: Known,
    options: &Options,
    meter: &Meter,
) -> Result<Outcome, BulkError> {
    if let Known::Listed(there) = &known
        && matches!(options.compare, Compare::Listings | Compare::Times)
        && view.is_none()
        && listed.is_copied(there, options.compare)
    {
        return Ok(Outcome::Unchanged);
    }
    // Lengths and digests of a listing may be old.
    let facts = Facts::from(&client.stat(from).await.map_err(|error| BulkError::remote(from, error))?);
    let mut to = to.clone();
    if known != Known::Absent {
        match client.stat(&to).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(BulkError::remote(&to, error)),
            Ok(node) => {
                let node = follow(client, node).await?;
                if node.kind == NodeKind::Container {
                    return Err(BulkError::TargetIsDirectory(Place::Remote(node.uri)));
                }
                if node.uri == *from {
                    return Err(BulkError::Itself(Place::Remote(node.uri)));
                }
                if view.is_none() && facts.is_copied(&Facts::from(&node), options.compare) {
                    return Ok(Outcome::Unchanged);
                }
                to = node.uri;
                if !confirmed(options, (&to).into()).await {
                    return Ok(Outcome::Kept);
                }
            }
        }
    }
    if options.dry_run {
        return Ok(Outcome::Copied(if view.is_some() { 0 } else { facts.length() }));
    }
    let (source, md5, identity) = match view {
        None if facts.length() == 0 => (UploadSource::Bytes(Bytes::new()), None, None),
        None => {
            let identity = facts.md5().map(|md5| format!("{}\n{md5}\n{}", from.to_wire(), facts.length()));
            let remote = Remote { client: client.clone(), uri: from.clone(), length: facts.length(), md5: facts.md5() };
            (UploadSource::Supply(Arc::new(remote)), facts.md5(), identity)
        }
        // Nobody knows how long a part is before it is here.
        Some(view) => {
            let part = client.open_view(from, view).await.map_err(|error| BulkError::remote(from, error))?;
            let spool = Spool::of_stream(part.body).await;
            let spool = spool.map_err(|error| BulkError::Broken { node: from.clone(), error })?;
            (UploadSource::Supply(Arc::new(spool)), None, None)
        }
    };
    meter.started(&Place::Remote(to.clone()), source.length());
    let meter = meter.clone();
    let progress: crate::transfer::Progress = Arc::new(move |bytes| meter.moved(bytes));
    let put = PutOptions { md5, progress: Some(progress), identity, ..PutOptions::default() };
    let uploaded = client.put(&to, source, put).await.map_err(|error| BulkError::remote(&to, error))?;
    Ok(Outcome::Copied(uploaded.length))
}

/// The bytes of a node, for an upload.
struct Remote {
    client: Client,
    uri: VosUri,
    length: u64,
    md5: Option<Md5>,
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("uri", &self.uri).field("length", &self.length).finish_non_exhaustive()
    }
}

impl Supply for Remote {
    fn length(&self) -> u64 {
        self.length
    }

    fn read(&self, range: Range<u64>) -> ByteStream {
        let (client, uri, length, md5) = (self.client.clone(), self.uri.clone(), self.length, self.md5);
        let opened = async move {
            let download = client.open_wide(&uri, range.start).await?;
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
