//! One file to whoever takes bytes, in order and verified: standard output for one.

use std::io;

use bytes::Bytes;
use futures_util::StreamExt as _;
use md5::Digest as _;

use crate::client::Client;
use crate::node::Md5;
use crate::uri::VosUri;
use crate::view::View;

use super::BulkError;
use super::receive::not_emptied;

/// Gives the bytes of `from`, or of a part of it, to `sink` piece by piece; how many there were. Whether they were the
/// right ones is known at the end only.
///
/// # Errors
/// When they cannot be read, do not have the announced digest, or `sink` refuses them.
pub async fn pour(
    client: &Client,
    from: &VosUri,
    view: Option<&View>,
    mut sink: impl FnMut(Bytes) -> io::Result<()>,
) -> Result<u64, BulkError> {
    let opened = match view {
        None => client.open_wide(from, 0).await,
        Some(view) => client.open_view(from, view).await,
    };
    let mut download = opened.map_err(|error| BulkError::remote(from, error))?;
    let mut hasher = md5::Md5::new();
    let mut length = 0;
    while let Some(chunk) = download.body.next().await {
        let chunk = chunk.map_err(|error| BulkError::Broken { node: from.clone(), error })?;
        hasher.update(&chunk);
        length += chunk.len() as u64;
        sink(chunk).map_err(BulkError::Output)?;
    }
    let actual = Md5(hasher.finalize().into());
    match download.md5 {
        Some(expected) if expected != actual => Err(BulkError::Corrupt { node: from.clone(), expected, actual }),
        _ if length == 0 && view.is_none() => not_emptied(client, from).await.map(|()| 0),
        _ => Ok(length),
    }
}
