//! Renaming, also onto an existing file.
//!
//! VOSpace has no replacing rename. It is made of three steps that the journal knows beforehand: the target is set
//! aside under a name of its own, the source is moved, what was set aside is deleted. Whenever that is
//! interrupted, either name still leads to a complete file, and the next mount finishes it forward or puts the target back.
//!
//! No file that is renamed or replaced is uploaded meanwhile: an upload that is under way would put its bytes under a
//! name that is no longer its own.

use std::sync::Arc;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::file::OpenFile;
use crate::inode::Ino;
use crate::journal::Replacement;
use crate::meta::Meta;
use crate::path::NodePath;
use crate::upload;

impl Engine {
    /// Renames a file or directory. `no_replace`: the target must not exist.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::NotEmpty`], [`Error::IsADirectory`], [`Error::NotADirectory`] by the rules of POSIX;
    /// [`Error::CrossDevice`] where the service cannot move but copying would do; what the service said.
    pub async fn rename(
        self: &Arc<Self>,
        from_parent: Ino,
        from_name: &str,
        to_parent: Ino,
        to_name: &str,
        no_replace: bool,
    ) -> Result<()> {
        let from = self.child(from_parent, from_name)?;
        let to = self.new_child(to_parent, to_name)?;
        // Nothing is looked at before: an upload that ends meanwhile changes what there is.
        let uploads = self.files.within_either(&from, &to);
        let mut _held = Vec::with_capacity(uploads.len());
        for file in &uploads {
            _held.push(file.flushing.lock().await);
        }
        let source = self.resolve(&from).await?;
        let target = match self.resolve(&to).await {
            Ok(meta) => Some(meta),
            Err(Error::NotFound(_)) => None,
            Err(error) => return Err(error),
        };
        if no_replace && target.is_some() {
            return Err(Error::Exists(to));
        }
        if from == to {
            return Ok(());
        }
        if to.is_within(&from) {
            return Err(Error::Invalid { path: from, cause: "a directory cannot be moved below itself".into() });
        }
        match &target {
            Some(target) if source.is_directory() && !target.is_directory() => return Err(Error::NotADirectory(to)),
            Some(target) if !source.is_directory() && target.is_directory() => return Err(Error::IsADirectory(to)),
            _ => {}
        }
        let file = self.files.get(&from);
        let local_only = file.as_ref().is_some_and(|file| file.state().on_service.is_none());
        let replaced = self.files.get(&to);
        if let Some(replaced) = &replaced {
            self.keep_for_readers(replaced).await;
        }
        if local_only {
            self.take_over(file.as_ref(), target.as_ref(), replaced.as_ref());
        } else if target.is_some() && source.is_directory() {
            self.remote.delete(&to).await?;
            self.remote.rename(&from, &to).await?;
        } else if target.is_some() && replaced.as_ref().is_none_or(|file| file.state().on_service.is_some()) {
            self.replace(&from, &to).await?;
        } else {
            self.remote.rename(&from, &to).await?;
        }
        self.renamed((from_parent, &from), (to_parent, &to), local_only).await
    }

    /// A file that the service does not know yet takes the name of one that it knows: its upload will replace that.
    fn take_over(&self, file: Option<&Arc<OpenFile>>, target: Option<&Meta>, replaced: Option<&Arc<OpenFile>>) {
        let (Some(file), Some(target)) = (file, target) else { return };
        let only_local = replaced.is_some_and(|file| file.state().on_service.is_none());
        if target.is_file() && !only_local {
            let on_service =
                replaced.and_then(|file| file.state().on_service.clone()).unwrap_or_else(|| target.version.clone());
            let mut state = file.state();
            state.on_service = Some(on_service);
            state.access = target.access;
        }
    }

    async fn replace(&self, from: &NodePath, to: &NodePath) -> Result<()> {
        let parent = to.parent().unwrap_or_default();
        let aside = parent.join(&format!(".vofs-replaced-{}", uuid::Uuid::new_v4().simple()));
        let intent = Replacement {
            from: from.as_str().to_owned(),
            to: to.as_str().to_owned(),
            aside: aside.as_str().to_owned(),
        };
        let id = self.journal.begin(&intent).await?;
        self.remote.rename(to, &aside).await?;
        if let Err(error) = self.remote.rename(from, to).await {
            if let Err(second) = self.remote.rename(&aside, to).await {
                tracing::error!(%to, %aside, error = %second, "the replaced file could not be put back; it is kept under the other name, and the next mount tries again");
                return Err(error);
            }
            self.journal.end(id).await?;
            return Err(error);
        }
        if let Err(error) = self.remote.delete(&aside).await {
            tracing::warn!(%aside, %error, "the replaced file was not deleted; the next mount tries again");
            return Ok(());
        }
        self.journal.end(id).await
    }

    /// Every store learns of it, and records of files that wait for their upload follow.
    async fn renamed(self: &Arc<Self>, from: (Ino, &NodePath), to: (Ino, &NodePath), local_only: bool) -> Result<()> {
        let replaced_ino = self.inodes.peek(to.0, to.1.name());
        if let Some(replaced) = self.files.unlink(to.1, replaced_ino)
            && replaced.state().handles == 0
        {
            self.discard(&replaced).await;
        }
        self.inodes.rename((from.0, from.1.name()), (to.0, to.1.name()));
        self.files.rename(from.1, to.1);
        if local_only {
            self.names.remove(from.1);
            self.store.doom(to.1);
        } else {
            self.names.rename(from.1, to.1);
            self.store.rename(from.1, to.1);
        }
        for file in self.files.within(to.1) {
            let (dirty, path) = {
                let state = file.state();
                (state.dirty.clone().filter(|_| state.journaled), state.path.clone())
            };
            if let (Some(dirty), Some(path)) = (dirty, path) {
                upload::make_durable(self, &file, &dirty, &path).await?;
                upload::retry::keep_trying(self, &file);
            }
        }
        Ok(())
    }

    /// Finishes a replacement that a crash interrupted.
    pub(crate) async fn finish_replacement(&self, replacement: &Replacement) -> Result<()> {
        let [from, to, aside] =
            [&replacement.from, &replacement.to, &replacement.aside].map(|path| NodePath::new(path));
        let exists = async |path: &NodePath| match self.remote.stat(path).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        };
        if !exists(&aside).await? {
            return Ok(());
        }
        if exists(&to).await? {
            tracing::info!(%to, "a replacement that was interrupted is finished");
            return self.remote.delete(&aside).await;
        }
        if exists(&from).await? {
            tracing::info!(%from, %to, "a replacement that was interrupted is finished");
            self.remote.rename(&from, &to).await?;
            return self.remote.delete(&aside).await;
        }
        tracing::info!(%to, "a replacement that was interrupted is taken back");
        self.remote.rename(&aside, &to).await
    }
}
