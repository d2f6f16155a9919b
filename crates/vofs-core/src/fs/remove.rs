//! `mkdir`, `rmdir` and `unlink`.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::file::on_disk;
use crate::inode::Ino;
use crate::path::NodePath;

use super::lookup::Entry;

impl Engine {
    /// Makes a directory.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::Name`], or what the service said.
    pub async fn mkdir(self: &Arc<Self>, parent: Ino, name: &str) -> Result<Entry> {
        let path = self.new_child(parent, name)?;
        if self.local.stays(&path) {
            return self.make_local_directory(parent, &path).await;
        }
        let meta = self.dated(self.or_doubt(self.remote.make_directory(&path).await, &[&path]).await?);
        self.names.record_own(&path, meta.clone());
        self.names.made_empty(&path);
        self.touch_parent(&path);
        Ok(self.entry(parent, &path, &meta, self.config.attribute_ttl))
    }

    async fn make_local_directory(self: &Arc<Self>, parent: Ino, path: &NodePath) -> Result<Entry> {
        match self.resolve(path).await {
            Ok(_) => return Err(Error::Exists(path.clone())),
            Err(Error::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
        self.local.make_directory(path).map_err(on_disk(path, "make a local directory"))?;
        self.names.remove(path);
        self.touch_parent(path);
        Ok(self.entry(parent, path, &self.local.meta(path), Duration::ZERO))
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    /// [`Error::NotEmpty`], also when only files that are not uploaded yet are in it; what the service said.
    pub async fn rmdir(self: &Arc<Self>, parent: Ino, name: &str) -> Result<()> {
        let path = self.child(parent, name)?;
        self.check_writable(&path)?;
        if !self.resolve(&path).await?.is_directory() {
            return Err(Error::NotADirectory(path));
        }
        self.settle_below(&path).await?;
        if self.has_unsent_below(&path) {
            return Err(Error::NotEmpty(path));
        }
        if self.local.is_directory(&path) {
            self.local.remove_directory(&path).map_err(on_disk(&path, "remove a local directory"))?;
        } else {
            self.or_doubt(self.remote.remove_directory(&path).await, &[&path]).await?;
        }
        self.names.remove(&path);
        self.touch_parent(&path);
        self.store.doom_tree(&path);
        self.properties_change();
        self.inodes.remove(parent, path.name());
        Ok(())
    }

    /// Whether anything is in this directory, or below it, that the service may not have.
    pub(crate) fn has_unsent_below(&self, directory: &NodePath) -> bool {
        self.files.within(directory).iter().any(|file| file.state().dirty.is_some()) || self.local.has_below(directory)
    }

    /// Removes a file or a link; who has the file open keeps what is local of it.
    ///
    /// # Errors
    /// [`Error::IsADirectory`]; what the service said.
    pub async fn unlink(self: &Arc<Self>, parent: Ino, name: &str) -> Result<()> {
        let path = self.child(parent, name)?;
        self.check_writable(&path)?;
        if self.resolve(&path).await?.is_directory() {
            return Err(Error::IsADirectory(path));
        }
        let file = self.files.get(&path);
        let _flushing = match &file {
            Some(file) => {
                file.interrupt();
                Some(file.flushing.lock().await)
            }
            None => None,
        };
        // An upload that was begun may have left something under the name.
        let on_service = file.as_ref().is_none_or(|file| {
            let state = file.state();
            state.on_service.is_some() || state.begun
        });
        if on_service {
            if let Some(file) = &file {
                self.keep_for_readers(file).await;
            }
            match self.or_doubt(self.remote.delete(&path).await, &[&path]).await {
                Ok(()) => {}
                // It is gone already, which is what was asked for, if there is something of our own to remove.
                Err(Error::NotFound(_)) if file.is_some() => {}
                Err(error) => {
                    if matches!(error, Error::NotFound(_)) {
                        self.names.remove(&path);
                    }
                    return Err(error);
                }
            }
        }
        let ino = self.inodes.remove(parent, path.name());
        if let Some(file) = self.files.unlink(&path, ino)
            && file.state().handles == 0
        {
            self.discard(&file).await;
        }
        self.names.remove(&path);
        self.touch_parent(&path);
        self.properties_change();
        self.store.doom(&path);
        Ok(())
    }
}
