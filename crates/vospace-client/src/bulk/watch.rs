//! How the bytes of a copy get on: for whoever draws bars. What became of the files is told by events.

use std::fmt;
use std::sync::Arc;

use super::Place;

/// Told how the bytes get on, from several threads at once and very often: it must not wait for anything.
pub trait Watch: Send + Sync {
    /// So many files with so many bytes will be copied or found unchanged.
    fn planned(&self, files: u64, bytes: u64);

    /// The bytes of a file begin to move. `file` is its number in this copy.
    fn started(&self, file: u64, target: &Place, length: u64);

    /// So many bytes of the file are there; fewer than before when it begins again.
    fn moved(&self, file: u64, bytes: u64);

    /// The file is done with, in whatever way, and counts for so many bytes.
    fn ended(&self, file: u64, length: u64);
}

/// The watch over one file.
#[derive(Clone, Default)]
pub(super) struct Meter {
    watch: Option<Arc<dyn Watch>>,
    file: u64,
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Meter {
    pub(super) fn new(watch: Option<Arc<dyn Watch>>, file: u64) -> Self {
        Meter { watch, file }
    }

    pub(super) fn started(&self, target: &Place, length: u64) {
        if let Some(watch) = &self.watch {
            watch.started(self.file, target, length);
        }
    }

    pub(super) fn moved(&self, bytes: u64) {
        if let Some(watch) = &self.watch {
            watch.moved(self.file, bytes);
        }
    }

    pub(super) fn ended(&self, length: u64) {
        if let Some(watch) = &self.watch {
            watch.ended(self.file, length);
        }
    }
}
