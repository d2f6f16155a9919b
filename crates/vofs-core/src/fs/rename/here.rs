//! Renaming between names that stay on this machine and those of the service (`local`): a file is sent, or fetched whole
//! and then deleted at the service; a directory has to be copied.

use std::sync::Arc;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::file::{Purpose, on_disk};
use crate::inode::Ino;
use crate::meta::Meta;
use crate::path::NodePath;
use crate::upload;

impl Engine {
    /// True for a file that the service does not have.
    pub(super) fn is_only_here(&self, path: &NodePath) -> bool {
        self.files.get(path).is_some_and(|file| file.state().on_service.is_none())
    }

    /// Renames a directory that only this machine has.
    pub(super) fn rename_local_directory(&self, from: &NodePath, to: &NodePath) -> Result<()> {
        if !self.local.is_directory(from) || !self.local.stays(to) {
            let cause = "one of the two stays on this machine (--local-only)".into();
            return Err(Error::CrossDevice { path: from.clone(), cause });
        }
        if self.local.is_directory(to) {
            if self.local.has_below(to) || !self.files.within(to).is_empty() {
                return Err(Error::NotEmpty(to.clone()));
            }
            self.local.remove_directory(to).map_err(on_disk(to, "remove a local directory"))?;
        }
        self.local.rename(from, to).map_err(on_disk(to, "rename a local directory"))
    }

    /// A file of the service gets a name that stays on this machine: all of it is brought here and made durable under the
    /// new name before the service loses it.
    pub(super) async fn bring_here(
        self: &Arc<Self>,
        (parent, from): (Ino, &NodePath),
        to: &NodePath,
        source: &Meta,
    ) -> Result<()> {
        let gone = || Error::Stale(from.clone());
        let ino = self.inodes.peek(parent, from.name()).ok_or_else(gone)?;
        let version = Some(source.version.clone());
        let stores = (&self.inodes, &self.store);
        let file = self.files.attach(stores, (ino, from), source, version, Purpose::Change).ok_or_else(gone)?;
        let (base, was_clean) = {
            let state = file.state();
            (state.on_service.clone(), state.dirty.is_none())
        };
        let outcome = async {
            let dirty = loop {
                match file.dirty(&self.store, self.journal.directory(), true, source.mtime())? {
                    Some(change) => break Arc::clone(&change),
                    None if file.state().is_unrecognised() => upload::durable::recognise(self, &file).await?,
                    // Its upload, which began after the look at the files that are renamed.
                    None => drop(file.flushing.lock().await),
                }
            };
            upload::fill_holes(self, &file, &dirty, from).await?;
            file.state().on_service = None;
            upload::durable::make_durable(self, &file, &dirty, to).await?;
            match self.remote.delete(from).await {
                Ok(()) | Err(Error::NotFound(_)) => Ok(()),
                Err(error) => {
                    // It stays what it was; its record, under the name that it keeps, does no harm.
                    file.state().on_service.clone_from(&base);
                    upload::durable::make_durable(self, &file, &dirty, from).await?;
                    upload::sender::attend(self, &file, upload::sender::Start::Later);
                    Err(error)
                }
            }
        };
        let outcome = outcome.await;
        let unused = {
            let mut state = file.state();
            state.handles = state.handles.saturating_sub(1);
            if outcome.is_err() && was_clean && state.journaled.is_none() {
                state.on_service = base;
                state.dirty.take()
            } else {
                None
            }
        };
        if let Some(unused) = unused {
            unused.discard();
        }
        self.files.settle(&file);
        outcome
    }
}
