//! Room within a file: `fallocate`, `lseek` for data and holes, `copy_file_range`.

use std::sync::Arc;

use crate::dirty::Part;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::file::{OpenFile, on_disk};
use crate::handles::Fh;

/// How much is copied at a time.
const COPIED_AT_ONCE: usize = 1024 * 1024;

/// What `fallocate` does to a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allocate {
    /// The file is at least as long as the range; zeros where it was shorter.
    Extend,
    /// Nothing shows: room is promised, which a service cannot do.
    KeepSize,
    /// The range becomes zeros, as far as the file goes.
    PunchHole,
    /// The range becomes zeros, and the file at least as long.
    Zero,
}

/// What `lseek` looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seek {
    /// The next byte that may be something else than zero.
    Data,
    /// The next hole, of which every file has one at its end.
    Hole,
}

impl Engine {
    /// Changes the room of an open file.
    ///
    /// # Errors
    /// [`Error::BadHandle`] for a handle that was not opened for writing; as [`Engine::write`].
    pub async fn allocate(self: &Arc<Self>, fh: Fh, offset: u64, length: u64, how: Allocate) -> Result<()> {
        let handle = self.handles.file(fh)?;
        if !handle.flags.write {
            return Err(Error::BadHandle(handle.ino.0));
        }
        let end = offset.saturating_add(length);
        let size = handle.file.meta().version.length;
        if matches!(how, Allocate::Extend | Allocate::Zero) && end > size {
            self.change_length(&handle.file, end).await?;
        }
        if matches!(how, Allocate::PunchHole | Allocate::Zero) && offset < size {
            self.clear(&handle.file, offset..end.min(size)).await?;
        }
        Ok(())
    }

    async fn clear(&self, file: &Arc<OpenFile>, range: std::ops::Range<u64>) -> Result<()> {
        let path = file.state().path.clone().unwrap_or_default();
        loop {
            let now = self.clock.now();
            match file.dirty(&self.store, self.journal.directory(), true, now)? {
                Some(change) => return change.clear(range, now).map_err(on_disk(&path, "write")),
                None => self.make_way(file).await?,
            }
        }
    }

    /// Where data or a hole begins, from `offset` on; `None` behind the last one.
    ///
    /// # Errors
    /// [`Error::BadHandle`].
    pub fn seek(&self, fh: Fh, offset: u64, what: Seek) -> Result<Option<u64>> {
        let handle = self.handles.file(fh)?;
        let length = handle.file.meta().version.length;
        if offset >= length {
            return Ok(None);
        }
        let dirty = handle.file.state().dirty.clone();
        let parts = dirty.map_or_else(|| vec![Part::Base(offset..length)], |dirty| dirty.parts(offset..length));
        let is_wanted = |part: &&Part| matches!(part, Part::Zero(_)) == (what == Seek::Hole);
        let found = parts.iter().find(is_wanted).map(|part| part.range().start);
        Ok(found.or((what == Seek::Hole).then_some(length)))
    }

    /// Copies within the mount, without the bytes going through a program. Gives how many there were.
    ///
    /// # Errors
    /// As [`Engine::read`] and [`Engine::write`].
    pub async fn copy_range(&self, from: (Fh, u64), to: (Fh, u64), length: u64) -> Result<u64> {
        let mut copied = 0;
        while copied < length {
            let piece = usize::try_from(length - copied).unwrap_or(COPIED_AT_ONCE).min(COPIED_AT_ONCE);
            let bytes = match self.read(from.0, from.1 + copied, piece).await {
                Ok(bytes) if bytes.is_empty() => break,
                Ok(bytes) => bytes,
                // What came before is there; the program meets the error when it asks for the rest.
                Err(_) if copied > 0 => break,
                Err(error) => return Err(error),
            };
            self.write(to.0, to.1 + copied, &bytes).await?;
            copied += bytes.len() as u64;
        }
        Ok(copied)
    }
}
