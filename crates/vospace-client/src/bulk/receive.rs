//! One file down: bytes into a hidden file beside the target, verified, then renamed over it.
//!
//! Until the rename the old file is untouched. What an earlier run left of the same version is continued.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::SystemTime;

use futures_util::StreamExt as _;
use md5::Digest as _;
use tokio::io::AsyncWriteExt as _;

use crate::client::Client;
use crate::error::ErrorKind;
use crate::node::Timestamp;
use crate::transfer::Download;
use crate::uri::VosUri;
use crate::view::View;

use super::digest::Digest;
use super::partial::{Partial, Version, keep};
use super::watch::Meter;
use super::{BulkError, Facts, Place};

/// Bytes gathered before they go to the disk: each write costs a hop to another thread.
const WRITE_SIZE: usize = 1024 * 1024;

/// The mode of a new file before the user's umask.
const NEW_FILE_MODE: u32 = 0o666;

/// Copies the bytes of `from`, or of a part of it, into the local file `to` and returns how many they were. The file gets the
/// time that the bytes come with, or `dated`, that of the node, where the place for bytes tells none (pyvospace, Astro Data
/// Lab, observed).
pub(super) async fn receive(
    client: &Client,
    from: &VosUri,
    to: &Path,
    view: Option<&View>,
    dated: Option<Timestamp>,
    meter: &Meter,
) -> Result<u64, BulkError> {
    // A program that ends waits until this has ended, too.
    let _work = client.inner.work.token();
    // A symbolic link at the target stays: what it points to is replaced.
    let to = to.canonicalize().unwrap_or_else(|_| to.to_owned());
    let local = |error| BulkError::local(&to, error);
    let directory = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mode = to.metadata().map_or(NEW_FILE_MODE, |old| old.permissions().mode() & 0o7777);
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    let mut partial = Partial::open(directory, &name, mode).map_err(local)?;

    let (mut download, hasher) = open(client, from, view, &mut partial, &to).await?;
    let mut digest = Digest::new(hasher);
    let mut length = download.start;
    meter.started(&Place::Local(to.clone()), download.total.unwrap_or(0));
    meter.moved(length);
    let file = tokio::fs::File::from_std(partial.file().map_err(local)?);
    let mut writer = tokio::io::BufWriter::with_capacity(WRITE_SIZE, file);
    while let Some(chunk) = download.body.next().await {
        let chunk = chunk.map_err(|error| BulkError::Broken { node: from.clone(), error })?;
        digest.update(&chunk).await;
        length += chunk.len() as u64;
        if let Err(error) = writer.write_all(&chunk).await {
            return Err(unwritten(partial, &to, error));
        }
        meter.moved(length);
    }
    if let Err(error) = writer.flush().await {
        return Err(unwritten(partial, &to, error));
    }

    if let Some(expected) = download.total.filter(|total| *total != length) {
        partial.discard();
        return Err(BulkError::Length { node: from.clone(), expected, actual: length });
    }
    let actual = digest.finish().await;
    if let Some(expected) = download.md5.filter(|md5| *md5 != actual) {
        partial.discard();
        return Err(BulkError::Corrupt { node: from.clone(), expected, actual });
    }
    if length == 0
        && view.is_none()
        && let Err(error) = not_emptied(client, from).await
    {
        partial.discard();
        return Err(error);
    }
    let file = writer.into_inner().into_std().await;
    if let Some(modified) = download.last_modified.or(dated) {
        // A file system that keeps no times is no reason to refuse the bytes.
        if let Err(error) = file.set_modified(SystemTime::from(modified)) {
            tracing::warn!("{}: cannot set its time: {error}", to.display());
        }
    }
    partial.become_file(&to).map_err(local)?;
    Ok(length)
}

/// Of a file that came without bytes: an error if its node has the MD5 of some. So a Cavern leaves a file whose upload
/// failed, and its answer to who wants the bytes looks like that of an empty file (observed).
pub(super) async fn not_emptied(client: &Client, node: &VosUri) -> Result<(), BulkError> {
    let facts = Facts::from(&client.stat(node).await.map_err(|error| BulkError::remote(node, error))?);
    facts.check_emptied(node)
}

/// Where the disk is full, what is there already is in the way.
fn unwritten(partial: Partial, to: &Path, error: io::Error) -> BulkError {
    if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        partial.discard();
    }
    BulkError::local(to, error)
}

/// The bytes that `partial` lacks, and the digest of those that it has.
async fn open(
    client: &Client,
    from: &VosUri,
    view: Option<&View>,
    partial: &mut Partial,
    to: &Path,
) -> Result<(Download, md5::Md5), BulkError> {
    let remote = |error| BulkError::remote(from, error);
    let local = |error| BulkError::local(to, error);
    if let Some(view) = view {
        partial.begin(None).map_err(local)?;
        return Ok((client.open_view(from, view).await.map_err(remote)?, md5::Md5::new()));
    }
    let start = partial.resume();
    let mut opened = client.open_wide(from, start).await;
    if start > 0 {
        let same = |download: &Download| download.start == start && partial.is_of(Version::of(from, download).as_ref());
        opened = match opened {
            Ok(download) if same(&download) => {
                tracing::info!("{}: {start} bytes are there from before", to.display());
                let file = partial.file().map_err(local)?;
                let kept = tokio::task::spawn_blocking(move || keep(file, start)).await;
                let digest = kept.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(local)?;
                return Ok((download, digest));
            }
            Ok(download) if download.start == 0 => Ok(download),
            Err(error) if error.kind() != ErrorKind::RangeNotSatisfiable => Err(error),
            // Another file by now: all of it is wanted.
            Ok(_) | Err(_) => client.open_wide(from, 0).await,
        };
    }
    let download = opened.map_err(remote)?;
    // Where ranges are ignored there is no going on, and so nothing to keep.
    let version = Version::of(from, &download).filter(|_| download.ranges);
    partial.begin(version).map_err(local)?;
    Ok((download, md5::Md5::new()))
}
