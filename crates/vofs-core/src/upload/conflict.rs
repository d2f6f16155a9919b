//! What to do when the service has other bytes than those that a change began from.
//!
//! VOSpace has no conditional PUT, so the service is asked just before the upload. If somebody else replaced the file,
//! both are kept, theirs under the name and ours beside it, unless the mount was told otherwise.

use std::io;
use std::sync::Arc;

use crate::clock::Millis;
use crate::config::OnConflict;
use crate::dirty::DirtyFile;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::file::{OpenFile, on_disk};
use crate::journal::{Conflict, Digest};
use crate::meta::mtime;
use crate::path::NodePath;
use crate::remote::Property;
use crate::version::Version;

/// Where an upload goes.
pub(crate) enum Decision {
    /// To this path. Once it is there, the user is told of the conflict, if there was one.
    Send(NodePath, Option<Conflict>),
    /// Nowhere: the service has these bytes already, from a try whose answer was lost.
    AlreadyThere(Version),
}

/// Asks the service what it has at `path`, and holds it against what the changes of `file` began from.
pub(crate) async fn decide(
    engine: &Engine,
    file: &OpenFile,
    path: &NodePath,
    dirty: &Arc<DirtyFile>,
) -> Result<Decision> {
    let (is_bare, found) = match engine.remote.stat_with_properties(path).await {
        Ok((meta, properties)) => {
            note_properties(engine, file, properties);
            (meta.version.is_bare(), engine.names.record(path, meta))
        }
        // Not there: new, or deleted by somebody else, who then loses: bytes outlive their absence. Or deleted by us to make it
        // empty, which was interrupted: then it is made as it was.
        Err(Error::NotFound(_)) => {
            let properties = file.state().properties.clone();
            if !properties.is_empty() {
                engine.remote.make_file(path, &properties).await?;
            }
            return Ok(Decision::Send(path.clone(), None));
        }
        Err(error) => return Err(error),
    };
    if found.is_directory() {
        return Err(Error::IsADirectory(path.clone()));
    }
    let found = found.version;
    let (own, begun) = {
        let state = file.state();
        let as_expected = match &state.on_service {
            // Of our first upload to a service without digests no more is known than its length: the answer told no date.
            Some(base) => {
                let is_undated = base.date.is_none() && base.content_date.is_none();
                base.is_same(&found) || base.length == found.length && (is_bare || is_undated && found.md5.is_none())
            }
            // An empty node without a digest is what a negotiation leaves behind, ours or another's: no bytes to lose.
            None => found.length == 0,
        };
        let attempted = state.attempted.iter().any(|digest| digest.is_of(&found) || digest.is_torn_in(&found));
        // Where services give no digests, a file as long as the one of which a PUT was begun is that one.
        let unsigned =
            state.begun && found.length == dirty.length() && found.md5.is_none() && found.content_date.is_none();
        // Whatever an upload of ours left is no longer than what it sent.
        let longest = state.attempted.iter().map(|digest| digest.length).fold(dirty.length(), u64::max);
        let is_wreck = found.length <= longest && found.is_wreck(state.on_service.as_ref(), state.begun);
        (as_expected || attempted || unsigned || is_wreck, state.begun)
    };
    let may_be_whole = found.length == dirty.length() && (begun || !own);
    let may_be_torn = found.length < dirty.length() && begun && !own;
    if may_be_whole || may_be_torn {
        let ours = digest(path, dirty).await?;
        if ours.is_of(&found) {
            return Ok(Decision::AlreadyThere(found));
        }
        if begun && ours.is_torn_in(&found) {
            return Ok(Decision::Send(path.clone(), None));
        }
    }
    if own { Ok(Decision::Send(path.clone(), None)) } else { settle(engine, path).await }
}

/// An upload may cost what users set of the node: a Vault file loses it with its node when it is emptied, and on services that
/// go by the letter of the standard any does. It is remembered before the first byte leaves, unless that is over already.
fn note_properties(engine: &Engine, file: &OpenFile, there: Vec<Property>) {
    let mut state = file.state();
    let is_endangered = state.is_emptied() || engine.keeps_properties.get() != Some(&true);
    if is_endangered && state.properties.is_empty() {
        let set = there.into_iter().filter(|property| !property.read_only && property.key != mtime::KEY);
        state.properties = set.map(|property| (property.key, property.value)).collect();
    }
}

/// Two versions of one file: what the user wants then.
async fn settle(engine: &Engine, path: &NodePath) -> Result<Decision> {
    let told = |ours, outcome| Some(conflict(engine, path, ours, outcome));
    match engine.config.on_conflict {
        OnConflict::KeepBoth => {
            let aside = beside(engine, path, "");
            tracing::warn!(%path, ours = %aside, "changed on the service meanwhile: both versions are kept");
            let told = told(Some(&aside), "both are kept: theirs has the name, ours is beside it");
            Ok(Decision::Send(aside, told))
        }
        OnConflict::Overwrite => {
            tracing::warn!(%path, "changed on the service meanwhile: their version is replaced by ours");
            Ok(Decision::Send(path.clone(), told(None, "ours replaced theirs")))
        }
        OnConflict::Fail => {
            tracing::error!(%path, "changed on the service meanwhile: ours stays in the journal until you decide");
            let outcome = "theirs has the name, ours waits in the journal for `mountvofs pending`";
            engine.journal.add_conflict(&conflict(engine, path, None, outcome)).await?;
            Err(Error::Conflict(path.clone()))
        }
    }
}

/// The version that was changed is gone, and with it the bytes between those that were written: what was written is kept
/// beside the file, at its offsets and with zeros in between, under a name that says so. The program is told.
pub(crate) fn fragment(engine: &Engine, path: &NodePath) -> Decision {
    let aside = beside(engine, path, ".incomplete");
    tracing::error!(%path, ours = %aside, "replaced on the service while it was changed here; what was written is kept apart");
    let outcome = "theirs has the name; of ours, what was written is beside it, with zeros where theirs was not read";
    let told = conflict(engine, path, Some(&aside), outcome);
    Decision::Send(aside, Some(told))
}

fn conflict(engine: &Engine, path: &NodePath, ours: Option<&NodePath>, outcome: &str) -> Conflict {
    Conflict {
        path: path.as_str().to_owned(),
        ours: ours.map(|path| path.as_str().to_owned()),
        when: engine.clock.now().0,
        outcome: outcome.to_owned(),
    }
}

/// A name of our own beside `path`.
pub(crate) fn beside(engine: &Engine, path: &NodePath, tail: &str) -> NodePath {
    path.parent().unwrap_or_default().join(&conflict_name(path.name(), engine.clock.now(), tail))
}

async fn digest(path: &NodePath, dirty: &Arc<DirtyFile>) -> Result<Digest> {
    let read = Arc::clone(dirty);
    let digest = tokio::task::spawn_blocking(move || read.digest()).await;
    digest.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(on_disk(path, "read"))
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
