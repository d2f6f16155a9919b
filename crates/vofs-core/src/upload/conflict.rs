//! What to do when the service has other bytes than those that a change began from.
//!
//! VOSpace has no conditional PUT, so the service is asked just before the upload. If somebody else replaced the file,
//! both are kept: theirs under the name, ours beside it.

use std::fs::File;
use std::io;
use std::sync::Arc;

use md5::{Digest, Md5};

use crate::clock::Millis;
use crate::dirty::DirtyFile;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::file::on_disk;
use crate::path::NodePath;
use crate::version::Version;

/// Where an upload goes.
pub(crate) enum Decision {
    /// To this path.
    Send(NodePath),
    /// Nowhere: the service has these bytes already, from a try whose answer was lost.
    AlreadyThere(Version),
}

/// Asks the service what it has at `path`, and holds it against `base`. `begun` tells that a PUT of ours may have got
/// somewhere.
pub(crate) async fn decide(
    engine: &Engine,
    path: &NodePath,
    base: Option<&Version>,
    begun: bool,
    dirty: &Arc<DirtyFile>,
) -> Result<Decision> {
    let found = match engine.remote.stat(path).await {
        Ok(meta) => engine.names.record(path, meta),
        // Not there: new, or deleted by somebody else, who then loses: bytes outlive their absence.
        Err(Error::NotFound(_)) => return Ok(Decision::Send(path.clone())),
        Err(error) => return Err(error),
    };
    if found.is_directory() {
        return Err(Error::IsADirectory(path.clone()));
    }
    let as_expected = match base {
        Some(base) => base.is_same(&found.version),
        // An empty node without a digest is what a negotiation leaves behind, ours or another's: no bytes to lose.
        None => found.version.length == 0,
    };
    if as_expected || found.version.is_wreck(base, begun) {
        return Ok(Decision::Send(path.clone()));
    }
    if found.version.length == dirty.length() && found.version.md5 == Some(digest(path, dirty).await?) {
        return Ok(Decision::AlreadyThere(found.version));
    }
    let aside = beside(engine, path, "");
    tracing::warn!(%path, ours = %aside, "changed on the service meanwhile: both versions are kept");
    Ok(Decision::Send(aside))
}

/// A name of our own beside `path`.
pub(crate) fn beside(engine: &Engine, path: &NodePath, tail: &str) -> NodePath {
    path.parent().unwrap_or_default().join(&conflict_name(path.name(), engine.clock.now(), tail))
}

async fn digest(path: &NodePath, dirty: &Arc<DirtyFile>) -> Result<[u8; 16]> {
    let place = dirty.place().to_path_buf();
    let hash = move || -> io::Result<[u8; 16]> {
        let mut hash = HashWriter(Md5::new());
        io::copy(&mut File::open(place)?, &mut hash)?;
        Ok(hash.0.finalize().into())
    };
    tokio::task::spawn_blocking(hash)
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
        .map_err(on_disk(path, "read"))
}

struct HashWriter(Md5);

impl io::Write for HashWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `x.fits` becomes `x.fits.conflict-<host>-<UTC time>`, cut so that it stays a legal name.
fn conflict_name(name: &str, now: Millis, tail: &str) -> String {
    let host = nix::unistd::gethostname().ok().and_then(|host| host.into_string().ok()).unwrap_or_default();
    let host: String =
        host.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-').take(40).collect();
    // Millis of any clock that can be set are within what a calendar has.
    let time = jiff::Timestamp::from_millisecond(now.0).unwrap_or_default().strftime("%Y%m%dT%H%M%S.%3fZ");
    let tail = format!(".conflict-{host}-{time}{tail}");
    let mut kept = name.len().min(255 - tail.len());
    while !name.is_char_boundary(kept) {
        kept -= 1;
    }
    format!("{}{tail}", &name[..kept])
}
