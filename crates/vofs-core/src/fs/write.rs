//! Writing, truncating, and the promise of `close` and `fsync`.

use std::io;
use std::sync::Arc;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::file::{OpenFile, on_disk};
use crate::handles::{Fh, FileHandle, OpenFlags};
use crate::inode::Ino;
use crate::upload::{Wish, durable};

impl Engine {
    /// Writes into the local copy, unless that has to wait for an upload that is reading it.
    pub fn write_now(&self, fh: Fh, offset: u64, bytes: &[u8]) -> Option<Result<usize>> {
        match self.handles.file(fh).and_then(|handle| self.try_write(&handle, offset, bytes)) {
            Ok(true) => Some(Ok(bytes.len())),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        }
    }

    /// Writes into the local copy of an open file.
    ///
    /// # Errors
    /// [`Error::NoSpace`] when the cache directory is full; [`Error::BadHandle`] for a handle that was not opened for writing.
    pub async fn write(&self, fh: Fh, offset: u64, bytes: &[u8]) -> Result<usize> {
        let handle = self.handles.file(fh)?;
        while !self.try_write(&handle, offset, bytes)? {
            self.make_way(&handle.file).await?;
        }
        Ok(bytes.len())
    }

    /// Waits until a file may be changed. An upload that nobody waits for is given up: what it sends is out of date.
    pub(super) async fn make_way(&self, file: &Arc<OpenFile>) -> Result<()> {
        file.interrupt();
        let _flushing = file.flushing.lock().await;
        durable::recognise(self, file).await
    }

    fn try_write(&self, handle: &FileHandle, offset: u64, bytes: &[u8]) -> Result<bool> {
        if !handle.flags.write {
            return Err(Error::BadHandle(handle.ino.0));
        }
        let now = self.clock.now();
        let Some(change) = handle.file.dirty(&self.store, self.journal.directory(), true, now)? else {
            return Ok(false);
        };
        let offset = if handle.flags.append { change.length() } else { offset };
        let path = handle.file.state().path.clone().unwrap_or_default();
        let outcome = change.write(offset, bytes, now).or_else(|error| {
            if error.kind() != io::ErrorKind::StorageFull {
                return Err(error);
            }
            self.store.give_up(durable::MAKE_ROOM);
            change.write(offset, bytes, now)
        });
        outcome.map_err(on_disk(&path, "write"))?;
        change.sync_ahead(&self.runtime);
        Ok(true)
    }

    /// Sets the length of a file, open or not. Of one that is not open the change is sent at once.
    pub(crate) async fn set_size(self: &Arc<Self>, ino: Ino, fh: Option<Fh>, size: u64) -> Result<()> {
        if let Some(fh) = fh {
            let handle = self.handles.file(fh)?;
            return self.change_length(&handle.file, size).await;
        }
        let flags = OpenFlags { write: true, ..Default::default() };
        let opened = self.open(ino, flags).await?;
        let file = Arc::clone(&self.handles.file(opened.fh)?.file);
        let mut outcome = self.change_length(&file, size).await;
        // Another program may have it open for writing: then its close sends both changes.
        if outcome.is_ok() && file.state().handles == 1 {
            outcome = self.flush_file(&file, Wish::Sync).await;
        }
        self.release(opened.fh).await;
        outcome
    }

    pub(crate) async fn change_length(&self, file: &Arc<OpenFile>, size: u64) -> Result<()> {
        let path = file.state().path.clone().unwrap_or_default();
        loop {
            let now = self.clock.now();
            let unchanged = {
                let state = file.state();
                state.dirty.is_none() && state.on_service.as_ref().is_some_and(|version| version.length == size)
            };
            if unchanged {
                return Ok(());
            }
            match file.dirty(&self.store, self.journal.directory(), size > 0, now)? {
                Some(change) if size < change.length() && file.state().journaled.is_some() => {
                    let (cut, directory) = (Arc::clone(file), self.journal.directory().to_owned());
                    let dirty = Arc::clone(&change);
                    drop(change);
                    let done = tokio::task::spawn_blocking(move || cut.supersede(&dirty, &directory, size, now)).await;
                    if done.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(on_disk(&path, "truncate"))? {
                        return Ok(());
                    }
                }
                Some(change) => return change.truncate(size, now).map_err(on_disk(&path, "truncate")),
                None => self.make_way(file).await?,
            }
        }
    }

    /// `close` of one descriptor: returns once the service has what was written, with the error if it has not; in the
    /// background mode once that is durable here.
    ///
    /// # Errors
    /// What the upload met. The bytes stay in the journal and are tried again.
    pub async fn flush(self: &Arc<Self>, fh: Fh) -> Result<()> {
        let handle = self.handles.file(fh)?;
        self.flush_file(&handle.file, Wish::Close).await
    }

    /// `fsync`: as [`Engine::flush`], and for a file that was just emptied too.
    ///
    /// # Errors
    /// As [`Engine::flush`]; in the background mode also what the last upload of the file met, once.
    pub async fn fsync(self: &Arc<Self>, fh: Fh) -> Result<()> {
        let handle = self.handles.file(fh)?;
        self.flush_file(&handle.file, Wish::Sync).await
    }
}
