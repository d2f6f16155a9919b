//! Reading: from local changes, from the block cache, from the service.

use std::ops::Range;
use std::sync::Arc;

use crate::blocks::OpenBlocks;
use crate::dirty::{DirtyFile, Part};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::fetch::window::Window;
use crate::file::{OpenFile, on_disk};
use crate::handles::{Fh, FileHandle};
use crate::path::NodePath;

/// A larger file that is removed while it is open is not fetched for those who may read on; they get ESTALE where it is
/// not cached (256 MiB).
const KEPT_FOR_READERS: u64 = 256 * 1024 * 1024;

/// How much of it is read at a time.
const KEEP_STEP: usize = 4 * 1024 * 1024;

/// Where a handle reads.
struct Source {
    path: NodePath,
    dirty: Option<Arc<DirtyFile>>,
    blocks: Option<OpenBlocks>,
}

impl Source {
    /// Where the bytes of a range, cut at the end of the file, are.
    fn parts(&self, range: Range<u64>) -> Vec<Part> {
        match (&self.dirty, &self.blocks) {
            (Some(dirty), _) => dirty.parts(range),
            (None, Some(blocks)) if range.start < blocks.length() => {
                vec![Part::Base(range.start..range.end.min(blocks.length()))]
            }
            (None, _) => Vec::new(),
        }
    }

    /// Fills in a part that stands here; gives the cached file that has to be asked for any other.
    fn fill(&self, part: &Part, into: &mut [u8]) -> Result<Option<&OpenBlocks>> {
        match (part, &self.dirty) {
            (Part::Local(range), Some(dirty)) => {
                dirty.read(range.start, into).map_err(on_disk(&self.path, "read"))?;
                Ok(None)
            }
            (Part::Zero(_), _) => {
                into.fill(0);
                Ok(None)
            }
            _ => self.blocks.as_ref().ok_or_else(|| Error::Stale(self.path.clone())).map(Some),
        }
    }
}

impl Engine {
    /// Fills `into` from `offset` on, less at the end of the file, if that needs no question; says how much that was.
    /// Called on the thread that took the request.
    pub fn read_now(&self, fh: Fh, offset: u64, into: &mut [u8]) -> Option<Result<usize>> {
        self.try_read(fh, offset, into).transpose()
    }

    fn try_read(&self, fh: Fh, offset: u64, into: &mut [u8]) -> Result<Option<usize>> {
        let handle = self.handles.file(fh)?;
        let source = self.source(&handle)?;
        let mut filled = 0;
        for part in source.parts(offset..offset.saturating_add(into.len() as u64)) {
            let piece = &mut into[filled..filled + part.length()];
            filled += part.length();
            if let Some(blocks) = source.fill(&part, piece)? {
                let start = part.range().start;
                match self.fetcher.read_now(&source.path, blocks, start, piece, &handle.window) {
                    Some(outcome) => outcome?,
                    None => return Ok(None),
                };
            }
        }
        Ok(Some(filled))
    }

    /// Bytes `offset..offset + length` of an open file, fewer at its end.
    ///
    /// # Errors
    /// [`Error::Stale`] when the file was replaced on the service and the bytes are not cached; what the service said.
    pub async fn read(&self, fh: Fh, offset: u64, length: usize) -> Result<Vec<u8>> {
        let handle = self.handles.file(fh)?;
        let source = self.source(&handle)?;
        let mut bytes = Vec::new();
        for part in source.parts(offset..offset.saturating_add(length as u64)) {
            let filled = bytes.len();
            bytes.resize(filled + part.length(), 0);
            if let Some(blocks) = source.fill(&part, &mut bytes[filled..])? {
                bytes.truncate(filled);
                let fetched = self.fetch_to_read(&source.path, blocks, part.range(), &handle.window).await?;
                if filled == 0 { bytes = fetched } else { bytes.extend(fetched) }
            }
        }
        Ok(bytes)
    }

    /// Bytes of the service, from the cache or fetched.
    async fn fetch_to_read(
        &self,
        path: &NodePath,
        blocks: &OpenBlocks,
        range: Range<u64>,
        window: &Window,
    ) -> Result<Vec<u8>> {
        if self.outage.is_on() {
            let mut bytes = vec![0; (range.end - range.start) as usize];
            if let Some(outcome) = self.fetcher.read_now(path, blocks, range.start, &mut bytes, window) {
                bytes.truncate(outcome?);
                return Ok(bytes);
            }
            if !self.outage.is_over().await {
                return Err(self.out_of_reach(path));
            }
        }
        let outcome = self.fetcher.read(path, blocks, range, window).await;
        if let Err(error) = &outcome {
            self.outage.suspect(error);
        }
        outcome
    }

    fn source(&self, handle: &FileHandle) -> Result<Source> {
        if !handle.flags.read {
            return Err(Error::BadHandle(handle.ino.0));
        }
        let mut state = handle.file.state();
        let path = state.path.clone().unwrap_or_default();
        if let Some(dirty) = state.dirty.clone() {
            // Of a file that a former mount left nobody has asked for the rest yet.
            let blocks = if dirty.base_length() > 0 { state.blocks(&self.store) } else { state.blocks.clone() };
            return Ok(Source { path, dirty: Some(dirty), blocks });
        }
        // A handle keeps the version that it first read, unless this mount itself wrote a new one.
        let mut pinned = handle.pinned.lock();
        let blocks = match &*pinned {
            Some((epoch, blocks)) if *epoch == state.epoch => Some(blocks.clone()),
            _ => {
                let blocks = state.blocks(&self.store);
                *pinned = blocks.clone().map(|blocks| (state.epoch, blocks));
                blocks
            }
        };
        if blocks.is_none() && state.on_service.as_ref().is_some_and(|version| version.length > 0) {
            // It was removed while it was open, and is too large to have been kept whole.
            return Err(Error::Stale(path));
        }
        Ok(Source { path, dirty: None, blocks })
    }

    /// A file is about to be removed or replaced by this mount while programs have it open: what they may still read
    /// of it is brought into the cache, where it stays until they close it. The service has no such notion.
    pub(crate) async fn keep_for_readers(&self, file: &Arc<OpenFile>) {
        let (path, blocks, dirty) = {
            let mut state = file.state();
            let Some(path) = state.path.clone().filter(|_| state.handles > 0) else { return };
            match state.blocks(&self.store) {
                Some(blocks) if blocks.length() <= KEPT_FOR_READERS.min(self.store.capacity() / 4) => {
                    (path, blocks, state.dirty.clone())
                }
                _ => return,
            }
        };
        // Of a changed file the rest.
        let wanted = match dirty {
            Some(dirty) => dirty.parts(0..dirty.length()),
            None => vec![Part::Base(0..blocks.length())],
        };
        let window = Window::new(self.store.capacity());
        for part in wanted {
            let Part::Base(range) = part else { continue };
            for at in range.clone().step_by(KEEP_STEP) {
                let piece = at..range.end.min(at + KEEP_STEP as u64);
                if let Err(error) = self.fetcher.read(&path, &blocks, piece, &window).await {
                    tracing::warn!(%path, %error, "removed while it is open: not kept whole for who reads it");
                    return;
                }
            }
        }
    }
}
