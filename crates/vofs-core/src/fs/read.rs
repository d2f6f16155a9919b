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
const KEEP_STEP: u64 = 4 * 1024 * 1024;

/// Where a handle reads.
struct Source {
    path: NodePath,
    dirty: Option<Arc<DirtyFile>>,
    blocks: Option<OpenBlocks>,
}

impl Engine {
    /// Bytes that need no question. Called on the thread that took the request.
    pub fn read_now(&self, fh: Fh, offset: u64, length: usize) -> Option<Result<Vec<u8>>> {
        let handle = match self.handles.file(fh) {
            Ok(handle) => handle,
            Err(error) => return Some(Err(error)),
        };
        let source = match self.source(&handle) {
            Ok(source) => source,
            Err(error) => return Some(Err(error)),
        };
        let range = offset..offset.saturating_add(length as u64);
        match (&source.dirty, &source.blocks) {
            (Some(dirty), blocks) => self.read_parts_now(&handle, &source.path, dirty, blocks.as_ref(), range),
            (None, Some(blocks)) => self.fetcher.read_now(&source.path, blocks, range, &handle.window),
            (None, None) => Some(Ok(Vec::new())),
        }
    }

    /// Bytes `offset..offset + length` of an open file, fewer at its end.
    ///
    /// # Errors
    /// [`Error::Stale`] when the file was replaced on the service and the bytes are not cached; what the service said.
    pub async fn read(&self, fh: Fh, offset: u64, length: usize) -> Result<Vec<u8>> {
        let handle = self.handles.file(fh)?;
        let source = self.source(&handle)?;
        let range = offset..offset.saturating_add(length as u64);
        match (&source.dirty, &source.blocks) {
            (Some(dirty), blocks) => self.read_parts(&handle, &source.path, dirty, blocks.as_ref(), range).await,
            (None, Some(blocks)) => self.fetcher.read(&source.path, blocks, range, &handle.window).await,
            (None, None) => Ok(Vec::new()),
        }
    }

    fn source(&self, handle: &FileHandle) -> Result<Source> {
        if !handle.flags.read {
            return Err(Error::BadHandle(handle.ino.0));
        }
        let mut state = handle.file.state();
        let path = state.path.clone().unwrap_or_default();
        if let Some(dirty) = &state.dirty {
            return Ok(Source { path, dirty: Some(Arc::clone(dirty)), blocks: state.blocks.clone() });
        }
        // A handle keeps the version that it first read, unless this mount itself wrote a new one.
        let mut pinned = handle.pinned.lock();
        let blocks = match &*pinned {
            Some((epoch, blocks)) if *epoch == state.epoch => Some(blocks.clone()),
            _ => {
                let blocks = state.blocks(&self.store)?;
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
        let (path, blocks) = {
            let mut state = file.state();
            let clean_and_open = state.handles > 0 && state.dirty.is_none();
            let Some(path) = state.path.clone().filter(|_| clean_and_open) else { return };
            match state.blocks(&self.store) {
                Ok(Some(blocks)) if blocks.length() <= KEPT_FOR_READERS.min(self.config.cache_limit / 4) => {
                    (path, blocks)
                }
                _ => return,
            }
        };
        let window = Window::new(self.config.cache_limit);
        let mut at = 0;
        while at < blocks.length() {
            let end = blocks.length().min(at + KEEP_STEP);
            if let Err(error) = self.fetcher.read(&path, &blocks, at..end, &window).await {
                tracing::warn!(%path, %error, "removed while it is open: not kept whole for who reads it");
                return;
            }
            at = end;
        }
    }

    fn read_parts_now(
        &self,
        handle: &FileHandle,
        path: &NodePath,
        dirty: &DirtyFile,
        blocks: Option<&OpenBlocks>,
        range: Range<u64>,
    ) -> Option<Result<Vec<u8>>> {
        let mut bytes = Vec::new();
        for part in dirty.parts(range) {
            let piece = match part {
                Part::Base(range) => self.fetcher.read_now(path, blocks?, range, &handle.window)?,
                Part::Local(range) => local(path, dirty, &range),
                Part::Zero(range) => Ok(zeros(&range)),
            };
            match piece {
                Ok(piece) => bytes.extend(piece),
                Err(error) => return Some(Err(error)),
            }
        }
        Some(Ok(bytes))
    }

    async fn read_parts(
        &self,
        handle: &FileHandle,
        path: &NodePath,
        dirty: &DirtyFile,
        blocks: Option<&OpenBlocks>,
        range: Range<u64>,
    ) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        for part in dirty.parts(range) {
            bytes.extend(match part {
                Part::Local(range) => local(path, dirty, &range)?,
                Part::Zero(range) => zeros(&range),
                Part::Base(range) => {
                    let blocks = blocks.ok_or_else(|| Error::Stale(path.clone()))?;
                    self.fetcher.read(path, blocks, range, &handle.window).await?
                }
            });
        }
        Ok(bytes)
    }
}

fn local(path: &NodePath, dirty: &DirtyFile, range: &Range<u64>) -> Result<Vec<u8>> {
    dirty.read(range).map_err(on_disk(path, "read"))
}

fn zeros(range: &Range<u64>) -> Vec<u8> {
    vec![0; (range.end - range.start) as usize]
}
