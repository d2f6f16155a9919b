//! What only the target has, removed: the last step of making one side like the other.
//!
//! Absence from a listing proves nothing (listings of Vault and Cavern that lacked children and looked whole were
//! observed), so before a local file goes its node is asked for by itself. Nothing is removed after any failure of the
//! copy: a source that could not be read is not a source that has nothing.

use crate::client::Client;
use crate::error::ErrorKind;

use super::{BulkError, Event, Extra, Failure, Options, Place, Report};

/// Removes `extras`, adding to what `report` tells.
pub async fn remove_extras(
    client: &Client,
    extras: &[Extra],
    options: &Options,
    report: &mut Report,
    observer: &dyn Fn(&Event<'_>),
) {
    if !report.is_complete() {
        return;
    }
    for extra in extras {
        let removed = match is_extra(client, extra).await {
            Ok(true) if !options.dry_run => remove(client, extra).await.map(|()| true),
            certain => certain,
        };
        match removed {
            Ok(true) => {
                report.removed += 1;
                observer(&Event::Removed(&extra.place));
            }
            Ok(false) => {}
            Err(error) => {
                let failure = Failure { source: extra.place.clone(), error };
                observer(&Event::Failed(&failure));
                report.failures.push(failure);
            }
        }
    }
}

/// Whether it certainly has no source.
async fn is_extra(client: &Client, extra: &Extra) -> Result<bool, BulkError> {
    match &extra.source {
        Place::Remote(source) => match client.stat(source).await {
            Ok(_) => Ok(false),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
            Err(error) => Err(BulkError::remote(source, error)),
        },
        Place::Local(source) => match source.symlink_metadata() {
            Ok(_) => Ok(false),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(BulkError::local(source, error)),
        },
    }
}

async fn remove(client: &Client, extra: &Extra) -> Result<(), BulkError> {
    match &extra.place {
        Place::Local(path) if extra.directory => {
            std::fs::remove_dir_all(path).map_err(|error| BulkError::local(path, error))?;
        }
        Place::Local(path) => std::fs::remove_file(path).map_err(|error| BulkError::local(path, error))?,
        Place::Remote(uri) if extra.directory => {
            let counts = client.delete_tree(uri).await.map_err(|error| BulkError::remote(uri, error))?;
            if counts.failed > 0 {
                return Err(BulkError::RemovedInPart { node: uri.clone(), failed: counts.failed });
            }
        }
        Place::Remote(uri) => client.delete(uri).await.map_err(|error| BulkError::remote(uri, error))?,
    }
    Ok(())
}
