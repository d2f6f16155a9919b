//! One file down: bytes into a hidden temporary beside the target, verified, then renamed over it.
//!
//! Until the rename the old file is untouched; after a failure the temporary is gone.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::SystemTime;

use futures_util::StreamExt as _;
use md5::Digest as _;
use tokio::io::AsyncWriteExt as _;

use crate::client::Client;
use crate::node::Md5;
use crate::uri::VosUri;
use crate::view::View;

use super::BulkError;

/// Bytes gathered before they go to the disk: each write costs a hop to another thread.
const WRITE_SIZE: usize = 1024 * 1024;

/// The mode of a new file before the user's umask.
const NEW_FILE_MODE: u32 = 0o666;

/// Copies the bytes of `from`, or of a part of it, into the local file `to` and returns how many they were.
pub(super) async fn receive(client: &Client, from: &VosUri, to: &Path, view: Option<&View>) -> Result<u64, BulkError> {
    // A symbolic link at the target stays: what it points to is replaced.
    let to = to.canonicalize().unwrap_or_else(|_| to.to_owned());
    let local = |error| BulkError::local(&to, error);
    let opened = match view {
        None => client.open_wide(from).await,
        Some(view) => client.open_view(from, view).await,
    };
    let mut download = opened.map_err(|error| BulkError::remote(from, error))?;

    let directory = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mode = to.metadata().map_or(NEW_FILE_MODE, |old| old.permissions().mode() & 0o7777);
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    let (file, path) = tempfile::Builder::new()
        .prefix(&format!(".{name}."))
        .suffix(".part")
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(directory)
        .map_err(local)?
        .into_parts();
    let mut writer = tokio::io::BufWriter::with_capacity(WRITE_SIZE, tokio::fs::File::from_std(file));

    let mut hasher = md5::Md5::new();
    let mut length = 0;
    while let Some(chunk) = download.body.next().await {
        let chunk = chunk.map_err(|error| BulkError::Broken { node: from.clone(), error })?;
        hasher.update(&chunk);
        length += chunk.len() as u64;
        writer.write_all(&chunk).await.map_err(local)?;
    }
    writer.flush().await.map_err(local)?;

    if let Some(expected) = download.total.filter(|total| *total != length) {
        return Err(BulkError::Length { node: from.clone(), expected, actual: length });
    }
    let actual = Md5(hasher.finalize().into());
    if let Some(expected) = download.md5.filter(|md5| *md5 != actual) {
        return Err(BulkError::Corrupt { node: from.clone(), expected, actual });
    }
    let file = writer.into_inner().into_std().await;
    if let Some(modified) = download.last_modified {
        // A file system that keeps no times is no reason to refuse the bytes.
        if let Err(error) = file.set_modified(SystemTime::from(modified)) {
            tracing::warn!("{}: cannot set its time: {error}", to.display());
        }
    }
    path.persist(&to).map_err(|error| local(error.error))?;
    Ok(length)
}
