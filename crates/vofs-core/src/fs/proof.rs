//! Which openings need no question of their own.
//!
//! [`OpenCheck`] says how far that goes. With any of it, a file is opened without a question only when its first bytes are
//! here: where they are not, the request for them is the question.

use std::sync::Arc;

use futures_util::StreamExt;

use crate::config::OpenCheck;
use crate::engine::Engine;
use crate::meta::Meta;
use crate::namespace::Answer;
use crate::path::NodePath;
use crate::proof::{Opening, Proof};
use crate::remote::Shown;
use crate::version::Version;

/// A directory of more children than this is not listed to save questions: at the 0.1 ms that a service takes for each
/// child, it would take longer than several of them.
const LARGEST_LISTED: usize = 1000;

impl Engine {
    /// What is known of `path`, if an opening to read may believe it without a question.
    pub(crate) fn answered(self: &Arc<Self>, path: &NodePath) -> Option<Meta> {
        let Answer::Found(known, _) = self.names.lookup(path) else { return None };
        if !known.is_file() || !self.begins_here(path, &known) || self.is_overdue(&known.version) {
            return None;
        }
        let believed = match self.config.open_check {
            OpenCheck::Always => false,
            OpenCheck::Ttl => true,
            OpenCheck::Sweep => {
                // It is taken also where that proves nothing any more: the next opening sees what changes from now on.
                self.proofs.take(path, &known.version, self.clock.now()) || self.was_looked_into(path, &known)
            }
        };
        believed.then_some(known)
    }

    /// True when the first bytes of a file are here, or it has none.
    pub(crate) fn begins_here(&self, path: &NodePath, known: &Meta) -> bool {
        known.version.length == 0 || self.store.begins(path, &known.version)
    }

    /// True where a listing of the service tells of a change as soon as the node itself does. A Vault gives content-dates,
    /// and its listings lag by half a minute (observed): what they show as it was proves nothing.
    pub(crate) fn is_proven_by_listings(version: &Version) -> bool {
        version.content_date.is_none() && version.date.is_some()
    }

    /// Counts an opening of `path`. What a listing that was begun by its siblings proves of it, if it does; the third of them
    /// begins one.
    pub(crate) async fn listed_just_now(self: &Arc<Self>, path: &NodePath) -> Option<Meta> {
        if self.config.open_check != OpenCheck::Sweep {
            return None;
        }
        let directory = path.parent()?;
        let known = self.names.known(path).filter(|known| Self::is_proven_by_listings(&known.version))?;
        if self.names.children(&directory) > LARGEST_LISTED {
            return None;
        }
        match self.proofs.opening(&directory, path.name(), self.clock.now()) {
            Opening::Single => None,
            Opening::Sweep(proof) => {
                let engine = Arc::clone(self);
                self.runtime.spawn(async move { engine.prove(&directory, &proof).await });
                None
            }
            Opening::Listed(proof) => {
                proof.ended().await;
                self.proofs.take(path, &known.version, self.clock.now()).then_some(known)
            }
        }
    }

    async fn prove(&self, directory: &NodePath, proof: &Proof) {
        // It may have more children than are known.
        let mut arriving = self.remote.list(directory).take(LARGEST_LISTED);
        while let Some(child) = arriving.next().await {
            let Ok((name, shown)) = child else { break };
            let Shown::Whole(shown) = shown else { continue };
            let held = self.names.known(&directory.join(&name)).filter(|held| held.is_file() && shown.is_file());
            if let Some(held) = held
                && held.version == shown.version
                && Self::is_proven_by_listings(&shown.version)
            {
                proof.unchanged(&name, held.version);
            }
        }
        proof.end();
    }
}
