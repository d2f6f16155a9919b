//! Handles: what the kernel got from `open` and `opendir`.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, RwLock};

use crate::blocks::OpenBlocks;
use crate::error::{Error, Result};
use crate::fetch::window::Window;
use crate::file::OpenFile;
use crate::inode::Ino;
use crate::listing::Children;
use crate::path::NodePath;

/// The number of a handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fh(pub u64);

/// One `open` of a file.
#[derive(Debug)]
pub(crate) struct FileHandle {
    pub(crate) ino: Ino,
    pub(crate) file: Arc<OpenFile>,
    pub(crate) flags: OpenFlags,
    pub(crate) window: Window,
    /// The version that this handle reads, and the epoch of the file in which it was chosen.
    pub(crate) pinned: Mutex<Option<(u64, OpenBlocks)>>,
}

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenFlags {
    /// The handle may read.
    pub read: bool,
    /// The handle may write.
    pub write: bool,
    /// Writes go to the end.
    pub append: bool,
    /// The file becomes empty.
    pub truncate: bool,
    /// It must not exist yet.
    pub exclusive: bool,
}

/// One `opendir`.
#[derive(Debug)]
pub(crate) struct DirHandle {
    pub(crate) ino: Ino,
    pub(crate) path: NodePath,
    /// Made at the first `readdir`: a kernel that still has the listing never comes for it.
    pub(crate) children: OnceLock<Arc<Children>>,
}

/// All handles of a mount.
#[derive(Debug, Default)]
pub(crate) struct Handles {
    last: AtomicU64,
    files: RwLock<HashMap<u64, Arc<FileHandle>>>,
    directories: RwLock<HashMap<u64, Arc<DirHandle>>>,
}

impl Handles {
    pub(crate) fn add_file(&self, handle: FileHandle) -> Fh {
        let fh = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        self.files.write().insert(fh, Arc::new(handle));
        Fh(fh)
    }

    pub(crate) fn add_directory(&self, handle: DirHandle) -> Fh {
        let fh = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        self.directories.write().insert(fh, Arc::new(handle));
        Fh(fh)
    }

    pub(crate) fn file(&self, fh: Fh) -> Result<Arc<FileHandle>> {
        self.files.read().get(&fh.0).cloned().ok_or(Error::BadHandle(fh.0))
    }

    pub(crate) fn directory(&self, fh: Fh) -> Result<Arc<DirHandle>> {
        self.directories.read().get(&fh.0).cloned().ok_or(Error::BadHandle(fh.0))
    }

    pub(crate) fn remove_file(&self, fh: Fh) -> Option<Arc<FileHandle>> {
        self.files.write().remove(&fh.0)
    }

    pub(crate) fn remove_directory(&self, fh: Fh) {
        self.directories.write().remove(&fh.0);
    }
}
