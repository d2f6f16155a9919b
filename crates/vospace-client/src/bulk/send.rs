//! One file up, unless the same bytes are there already.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use crate::client::Client;
use crate::transfer::{PutOptions, UploadSource};
use crate::uri::VosUri;

use super::compare::{Side, Verdict, compare, is_unchanged};
use super::run::{Outcome, confirmed};
use super::standing::file_at;
use super::watch::Meter;
use super::{BulkError, Compare, Facts, Known, Options, Place};

/// Copies the local file `from` to the node `to`.
pub(super) async fn send(
    client: &Client,
    from: &Path,
    to: &VosUri,
    known: Known,
    options: &Options,
    meter: &Meter,
) -> Result<Outcome, BulkError> {
    let local = |error| BulkError::local(from, error);
    let mut to = to.clone();
    let mut md5 = None;
    if let Known::Listed(facts) = &known
        && options.compare != Compare::Nodes
        && is_unchanged(from, facts, options.compare, Side::Remote).await.map_err(local)?
    {
        return Ok(Outcome::Unchanged);
    }
    // What differs in a listing may only have been written lately: the node itself knows better.
    let standing = file_at(client, &to, known).await?;
    let new = standing.is_none();
    if let Some(node) = standing {
        let facts = Facts::from(&node);
        if matches!(options.compare, Compare::Nodes | Compare::Listings) {
            match compare(from, &facts).await.map_err(local)? {
                Verdict::Same => return Ok(Outcome::Unchanged),
                Verdict::Differs(computed) => md5 = computed,
            }
        } else if is_unchanged(from, &facts, options.compare, Side::Remote).await.map_err(local)? {
            return Ok(Outcome::Unchanged);
        }
        to = node.uri;
        if !confirmed(options, (&to).into()).await {
            return Ok(Outcome::Kept);
        }
    }
    // Opened, so that what may not be read costs no request: a Cavern that notices a broken upload late makes its node anew
    // after it was removed.
    let data = tokio::fs::File::open(from).await.map_err(local)?.metadata().await.map_err(local)?;
    let length = data.len();
    if options.dry_run {
        return Ok(Outcome::Copied(length));
    }
    let source = UploadSource::File { path: from.to_owned(), length };
    meter.started(&Place::Remote(to.clone()), length);
    let meter = meter.clone();
    let put = PutOptions {
        md5,
        progress: Some(Arc::new(move |bytes| meter.moved(bytes))),
        identity: identity(from, &data),
        new,
        ..PutOptions::default()
    };
    let uploaded = client.put(&to, source, put).await.map_err(|error| BulkError::remote(&to, error))?;
    Ok(Outcome::Copied(uploaded.length))
}

/// What tells a file as it is now from all others: an interrupted upload of it can then be continued.
fn identity(path: &Path, data: &Metadata) -> Option<String> {
    let path = path.canonicalize().ok()?;
    Some(format!("{}\n{}\n{}.{:09}", path.display(), data.len(), data.mtime(), data.mtime_nsec()))
}
