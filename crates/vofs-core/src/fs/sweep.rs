//! Looking into files before they are opened, for a program that goes through a directory.

use std::sync::Arc;

use crate::config::OpenCheck;
use crate::engine::Engine;
use crate::fetch::ahead::Taken;
use crate::meta::Meta;
use crate::namespace::Answer;
use crate::path::NodePath;
use crate::version::Version;

impl Engine {
    /// A program opens `path` to read it: looks into those that it seems to open next, and returns what the service has at
    /// `path` if that was asked ahead, just now.
    pub(crate) async fn swept(self: &Arc<Self>, path: &NodePath) -> Option<Meta> {
        if self.config.open_check == OpenCheck::Always {
            return None;
        }
        let looked = self.looked_ahead.take(path);
        self.look_into_next(path, !looked.as_ref().is_some_and(Taken::is_known));
        let version = looked?.version(|| self.clock.now()).await?;
        self.names.known(path).filter(|known| known.is_file() && known.version.is_same(&version))
    }

    fn files_of(&self, directory: &NodePath) -> Vec<String> {
        self.names.files(directory).unwrap_or_default()
    }

    fn look_into(self: &Arc<Self>, path: NodePath, piece: u64) {
        // One that is open or changed here does not wait for the service, or has to ask by itself.
        if self.files.get(&path).is_some() || self.remote.refuses_name(path.name()).is_some() {
            return;
        }
        let Some(looking) = self.looked_ahead.begin(&path, self.clock.now()) else { return };
        let engine = Arc::clone(self);
        self.runtime.spawn(async move { looking.answer(engine.look(&path, piece).await) });
    }

    /// True for a file that will be opened without a question, or by a listing that answers for many.
    fn needs_no_look(&self, path: &NodePath, known: &Meta) -> bool {
        let by_others = match self.config.open_check {
            OpenCheck::Always => false,
            OpenCheck::Ttl => true,
            OpenCheck::Sweep => Self::is_proven_by_listings(&known.version),
        };
        by_others && self.begins_here(path, known)
    }

    /// True when `path` was looked into just now and is as it is known. Looks into those that seem to be opened next.
    pub(crate) fn was_looked_into(self: &Arc<Self>, path: &NodePath, known: &Meta) -> bool {
        let Some(version) = self.looked_ahead.take_known(path, self.clock.now()) else { return false };
        self.look_into_next(path, false);
        known.version.is_same(&version)
    }

    /// A program opens `path`: looks into those that it seems to open next.
    fn look_into_next(self: &Arc<Self>, path: &NodePath, waits: bool) {
        let Some(directory) = path.parent() else { return };
        let (next, piece) = self.sweeps.opened(&directory, path.name(), waits, || self.files_of(&directory));
        for name in next {
            self.look_into(directory.join(&name), piece);
        }
    }

    /// Asks what the service has at `path`, and sends for the first `piece` bytes of it.
    async fn look(self: &Arc<Self>, path: &NodePath, piece: u64) -> Option<Version> {
        if let Some(known) = self.names.known(path)
            && self.needs_no_look(path, &known)
        {
            return None;
        }
        if let Answer::Found(known, _) = self.names.lookup(path)
            && let Some(meta) = self.begin_reading(path, &known, piece, true).await
        {
            return Some(meta.version);
        }
        let meta = self.ask(path).await.ok().filter(Meta::is_file)?;
        if self.is_overdue(&meta.version) {
            // Its opening begins anew.
            return Some(meta.version);
        }
        // Of a version that was not known the first piece is still to come.
        let blocks = self.store.version(path, &meta.version);
        self.fetcher.begin(path, &blocks, piece, true);
        Some(meta.version)
    }
}
