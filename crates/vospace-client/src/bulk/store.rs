//! What a reader gives, as a file: standard input for one.

use std::io::{self, Read};
use std::sync::Arc;

use crate::client::Client;
use crate::transfer::spool::Spool;
use crate::transfer::{PutOptions, UploadSource, Uploaded};
use crate::uri::VosUri;

use super::BulkError;

/// Stores everything that `reader` gives, standard input for one, as the file `to`.
///
/// # Errors
/// When it cannot be read, gathered or stored.
pub async fn store(client: &Client, reader: impl Read + Send + 'static, to: &VosUri) -> Result<Uploaded, BulkError> {
    let spool = tokio::task::spawn_blocking(move || Spool::of(reader)).await;
    let spool = spool.unwrap_or_else(|error| Err(io::Error::other(error)));
    let spool = spool.map_err(|error| BulkError::local(&std::env::temp_dir(), error))?;
    let source = UploadSource::Supply(Arc::new(spool));
    client.put(to, source, PutOptions::default()).await.map_err(|error| BulkError::remote(to, error))
}
