//! Renaming, also onto an existing file.
//!
//! VOSpace has no replacing rename. It is made of steps that the journal knows beforehand (`steps`): whenever they are
//! interrupted, either name still leads to a complete file, and they are finished or taken back by this mount or the next.
//! Where a service cannot move a node, it is copied if the mount was told to (`copied`), and EOPNOTSUPP otherwise.
//!
//! No file that is renamed or replaced is uploaded meanwhile: an upload that is under way would put its bytes under a
//! name that is no longer its own.

mod copied;
mod here;
pub(crate) mod steps;
pub(crate) mod unsettled;

use std::sync::Arc;

use tokio::sync::MutexGuard;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::file::{OpenFile, on_disk};
use crate::inode::Ino;
use crate::journal::{Change, Replacement};
use crate::meta::Meta;
use crate::path::NodePath;
use crate::upload;

use steps::Leftover;

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
        for directory in [&from, &to] {
            self.settle_below(directory).await?;
        }
        // Nothing is looked at before: an upload that ends meanwhile changes what there is.
        let uploads = self.files.within_either(&from, &to);
        uploads.iter().for_each(|file| file.interrupt_if_queued());
        let held = held_back(&uploads).await;
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
        // What waits for its upload there the service does not know, and would not refuse.
        if target.as_ref().is_some_and(Meta::is_directory) && self.has_unsent_below(&to) {
            return Err(Error::NotEmpty(to));
        }
        if source.is_directory() && (self.local.is_directory(&from) || self.local.stays(&to)) {
            self.rename_local_directory(&from, &to)?;
            self.renamed((from_parent, &from), (to_parent, &to), true);
            return Ok(());
        }
        // A name that the service has already is an ordinary one.
        let stays = self.local.stays(&to) && target.as_ref().is_none_or(|_| self.is_only_here(&to));
        if stays && !source.is_file() {
            let cause = "a name that stays on this machine is that of a file or a directory (--local-only)".into();
            return Err(Error::NotPermitted { path: to, cause });
        }
        if stays && !self.is_only_here(&from) {
            self.bring_here((from_parent, &from), &to, &source).await?;
            self.renamed((from_parent, &from), (to_parent, &to), true);
            return Ok(());
        }
        let was_here = self.local.stays(&from) && self.is_only_here(&from);
        let file = self.files.get(&from);
        let replaced = self.files.get(&to);
        for (file, path) in [(&file, &from), (&replaced, &to)] {
            if let Some(file) = file {
                self.settle_begun(file, path).await?;
            }
        }
        let local_only = file.as_ref().is_some_and(|file| file.state().on_service.is_none());
        if let Some(replaced) = &replaced {
            self.keep_for_readers(replaced).await;
        }
        let (directory, file, replaced) = (source.is_directory(), file.as_ref(), replaced.as_ref());
        let renaming = Renaming { from: &from, to: &to, directory, file, replaced };
        let mut copies = Vec::new();
        if local_only {
            if let Some(replaced) = replaced {
                upload::durable::recognise(self, replaced).await?;
            }
            self.take_over(&renaming, target.as_ref());
            let change = self.records(&renaming, None).await?;
            upload::durable::apply(self, &to, &change).await?;
        } else {
            let on_service = replaced.as_ref().is_none_or(|file| file.state().on_service.is_some());
            let makes_way = target.is_some() && source.is_directory();
            if makes_way && let Err(error) = self.or_doubt(self.remote.remove_directory(&to).await, &[&to]).await {
                self.put_back(&to, &error).await;
                return Err(error);
            }
            let replaces = target.as_ref().is_some_and(|target| target.is_file() && on_service);
            let moved = match self.move_on_service(&renaming, replaces).await {
                Err(Error::Unsupported { cause, .. }) => Box::pin(self.move_by_copy(&renaming, cause)).await,
                outcome => outcome.map(|()| Vec::new()),
            };
            if let Err(error) = &moved
                && makes_way
            {
                self.put_back(&to, error).await;
            }
            copies = self.or_doubt(moved, &[&from, &to]).await?;
        }
        self.local.rename(&from, &to).map_err(on_disk(&to, "rename a local directory"))?;
        self.renamed((from_parent, &from), (to_parent, &to), local_only);
        copies.into_iter().for_each(|(path, meta)| self.names.record_own(&path, meta));
        drop(held);
        if was_here
            && !stays
            && let Some(file) = file
        {
            // It is renamed, and in the journal, whatever becomes of the upload.
            let _ = self.flush_file(file, upload::Wish::Close).await;
        }
        Ok(())
    }

    /// An empty directory made way, or may have, for one that did not come: it is there again, if nothing else is.
    async fn put_back(&self, directory: &NodePath, error: &Error) {
        match self.remote.make_directory(directory).await {
            Ok(_) | Err(Error::Exists(_)) => {}
            Err(second) => {
                tracing::warn!(%directory, %error, %second, "a move failed, and the empty directory in its way is not back");
            }
        }
    }

    /// A PUT of a file that is new was begun and never confirmed: whatever it left under the name goes, because the file
    /// is about to have another name, or none. What somebody else put there stays.
    pub(crate) async fn settle_begun(&self, file: &Arc<OpenFile>, path: &NodePath) -> Result<()> {
        let (begun, on_service, is_emptied) = {
            let state = file.state();
            (state.begun, state.on_service.is_some(), state.is_emptied())
        };
        if !begun || on_service && !is_emptied {
            return Ok(());
        }
        if on_service {
            return self.settle_emptied(file, path).await;
        }
        upload::durable::recognise(self, file).await?;
        let found = match self.remote.stat(path).await {
            Ok(meta) => Some(meta),
            Err(Error::NotFound(_)) => None,
            Err(error) => return Err(error),
        };
        let ours = found.is_some_and(|found| {
            let state = file.state();
            let version = &found.version;
            let attempted = state.attempted.iter().any(|digest| digest.is_of(version));
            found.is_file() && (version.length == 0 || attempted || version.is_wreck(None, true))
        });
        if ours {
            match self.remote.delete(path).await {
                Ok(()) | Err(Error::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
            self.names.remove(path);
        }
        file.state().begun = false;
        Ok(())
    }

    /// A Vault empties a file by deleting its node and making it anew. Between the two there is none, and the file is a new one.
    async fn settle_emptied(&self, file: &Arc<OpenFile>, path: &NodePath) -> Result<()> {
        match self.remote.stat(path).await {
            Err(Error::NotFound(_)) => {
                self.names.remove(path);
                let mut state = file.state();
                (state.on_service, state.begun) = (None, false);
                Ok(())
            }
            found => found.map(drop),
        }
    }

    /// A file that the service does not know yet takes the name of one that it knows: its upload will replace that, and whatever
    /// an upload of that one has stored whose answer was lost.
    fn take_over(&self, renaming: &Renaming<'_>, target: Option<&Meta>) {
        let (Some(file), Some(target)) = (renaming.file, target) else { return };
        let only_local = renaming.replaced.is_some_and(|file| file.state().on_service.is_none());
        if target.is_file() && !only_local {
            let (on_service, begun, attempted) = renaming.replaced.map_or_else(Default::default, |file| {
                let state = file.state();
                (state.on_service.clone(), state.begun, state.attempted.clone())
            });
            let mut state = file.state();
            state.on_service = Some(on_service.unwrap_or_else(|| target.version.clone()));
            state.access = target.access;
            state.begun |= begun;
            state.attempted.extend(attempted);
        }
    }

    /// Moves on the service. Where that takes more than one step, or files wait for their upload, the journal knows
    /// beforehand, and learns of the end together with the new names.
    async fn move_on_service(self: &Arc<Self>, renaming: &Renaming<'_>, replaces: bool) -> Result<()> {
        let aside = replaces.then(|| steps::temporary(steps::REPLACED, renaming.to));
        let intent = Replacement {
            from: renaming.from.as_str().to_owned(),
            to: renaming.to.as_str().to_owned(),
            aside: aside.map(|path| path.as_str().to_owned()),
            replaces: renaming.replaced_ids(),
            taken_back: false,
            moved: false,
            detour: renaming.detour().map(|path| path.as_str().to_owned()),
            copied: None,
            over: None,
        };
        let waits = self.files.within(renaming.from).iter().any(|file| file.state().is_in_journal());
        let id = match replaces || waits || intent.detour.is_some() || !intent.replaces.is_empty() {
            true => Some(self.journal.begin(&intent).await?),
            false => None,
        };
        let leftover = match self.take_steps(id, &intent).await {
            Ok(leftover) => leftover,
            // What is left to do is in the journal, and is being done.
            Err(Error::HalfDone(error)) => return Err(*error),
            Err(error) => {
                if let Some(id) = id {
                    self.end_of_failed_move(id, &intent, &error).await?;
                }
                return Err(error);
            }
        };
        let Some(id) = id else { return Ok(()) };
        let ended = (leftover == Leftover::Nothing).then_some(id);
        let change = self.records(renaming, ended).await?;
        upload::durable::apply(self, renaming.to, &change).await?;
        if leftover == Leftover::Aside {
            let rest = Replacement { replaces: Vec::new(), moved: true, ..intent };
            self.journal.turn(id, &rest).await?;
            self.finish_later(id, rest);
        }
        Ok(())
    }

    /// The service said no, or nothing: in doubt the intent stays, and is looked into until the service tells.
    async fn end_of_failed_move(self: &Arc<Self>, id: i64, intent: &Replacement, error: &Error) -> Result<()> {
        if error.is_transient() { self.take_back_later(id, intent).await } else { self.journal.end(id).await }
    }

    /// What the journal has to learn when files that wait for their upload get other names and replace such.
    async fn records(&self, renaming: &Renaming<'_>, end: Option<i64>) -> Result<Change> {
        let mut change = Change { remove: renaming.replaced_ids(), end, ..Change::default() };
        for file in self.files.within(renaming.from) {
            let (dirty, path, known) = {
                let state = file.state();
                (state.dirty.clone(), state.path.clone(), state.is_in_journal())
            };
            let (Some(dirty), Some(path)) = (dirty, path) else { continue };
            // What replaces something that was promised is promised itself, or a crash would leave neither.
            if (known || !change.remove.is_empty())
                && let Some(new) = path.moved(renaming.from, renaming.to)
            {
                // What is written from now on is another generation.
                let generation = dirty.generation();
                upload::durable::synchronise(&dirty, &path).await?;
                let stage = file.state().stage;
                change.put.push(upload::durable::record(&file, &dirty, &new, stage));
                let mut state = file.state();
                change.remove.extend(state.former.iter().map(|old| old.id().to_owned()));
                state.journaled = Some(generation);
            }
        }
        Ok(change)
    }

    /// Every store learns of it.
    fn renamed(self: &Arc<Self>, from: (Ino, &NodePath), to: (Ino, &NodePath), local_only: bool) {
        let replaced_ino = self.inodes.peek(to.0, to.1.name());
        if let Some(replaced) = self.files.unlink(to.1, replaced_ino) {
            // Its record went with the move; who has it open reads and writes on without one.
            replaced.state().journaled = None;
            if replaced.state().handles == 0 {
                self.drop_changes(&replaced);
            }
        }
        self.touch_parent(from.1);
        self.touch_parent(to.1);
        self.properties_change();
        self.inodes.rename((from.0, from.1.name()), (to.0, to.1.name()));
        self.files.rename(from.1, to.1);
        if local_only {
            self.names.remove(from.1);
            self.store.doom(to.1);
        } else {
            self.names.rename(from.1, to.1);
            self.store.rename(from.1, to.1);
            self.rename_pins(from.1, to.1);
        }
        for file in self.files.within(to.1) {
            let superseded = {
                let mut state = file.state();
                match state.journaled {
                    Some(_) => std::mem::take(&mut state.former),
                    None => continue,
                }
            };
            superseded.iter().for_each(|old| old.discard());
            upload::sender::attend(self, &file, upload::sender::Start::WhenQuiet);
        }
    }
}

/// Their flush locks: as long as these are held, none of the files is uploaded. In the order of [`FileTable::within_either`].
///
/// [`FileTable::within_either`]: crate::file::FileTable::within_either
async fn held_back(files: &[Arc<OpenFile>]) -> Vec<MutexGuard<'_, ()>> {
    let mut held = Vec::with_capacity(files.len());
    for file in files {
        held.push(file.flushing.lock().await);
    }
    held
}

/// A rename under way; the flush locks of all files that it touches are held.
struct Renaming<'a> {
    from: &'a NodePath,
    to: &'a NodePath,
    directory: bool,
    file: Option<&'a Arc<OpenFile>>,
    replaced: Option<&'a Arc<OpenFile>>,
}

impl Renaming<'_> {
    /// A name by way of which a directory moves that the service may take for an ancestor of the destination, because its
    /// path is part of that (`proj` to `proj2/x`; Vault and Cavern, observed).
    fn detour(&self) -> Option<NodePath> {
        let mistakable = self.directory && self.to.as_str().contains(self.from.as_str());
        mistakable.then(|| steps::temporary(steps::MOVING, self.from))
    }

    /// Data files of the target that the journal names.
    fn replaced_ids(&self) -> Vec<String> {
        self.replaced.map(|file| file.state().journaled_ids()).unwrap_or_default()
    }
}
