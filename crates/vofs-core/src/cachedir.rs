//! The cache directory: its layout, its privacy, its lock.
//!
//! ```text
//! lock         held by the one daemon that uses the directory
//! control      socket on which that daemon answers its user
//! index.db     attributes, listings, block index: a cache, may be deleted
//! blocks/      clean bytes, one sparse file per (node, version)
//! index.damaged     an index that could not be read; may be deleted
//! damaged-journal-* what could not be read of a journal: never deleted by us
//! journal.db   what the service does not have yet: never deleted while it holds something
//! dirty/       the bytes that belong to it
//! local/       directories that are not of the service (`local`); their files are in the journal
//! ```

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::platform;

/// What a mount writes before it has written anything: the databases with their logs.
const NEEDED: u64 = 4 << 20;

/// The file in a cache directory that its daemon keeps locked to its very end.
pub const LOCK: &str = "lock";

/// The database of the journal.
pub(crate) const JOURNAL: &str = "journal.db";

/// A cache directory that this process owns until it is dropped.
#[derive(Debug)]
pub(crate) struct CacheDir {
    root: PathBuf,
    _lock: File,
}

impl CacheDir {
    /// Creates what is missing, makes it private and takes the lock.
    pub(crate) fn open(root: &Path) -> Result<Self> {
        let fail = |doing: &str, error: &io::Error| {
            Error::CacheDir(format!(
                "cache directory {}: cannot {doing}: {error}; choose another one with --cache_dir, or mend its permissions",
                root.display()
            ))
        };
        for directory in [root.to_path_buf(), root.join("blocks"), root.join("dirty")] {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&directory)
                .map_err(|error| fail("be created", &error))?;
            fs::set_permissions(&directory, Permissions::from_mode(0o700))
                .map_err(|error| fail("be made private", &error))?;
        }
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(root.join(LOCK))
            .map_err(|error| fail("be written", &error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::CacheDir(format!(
                    "cache directory {} is locked by another mountvofs; unmount that one first, or choose another \
                     directory with --cache_dir",
                    root.display()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(fail("be locked", &error)),
        }
        Ok(CacheDir { root: root.to_path_buf(), _lock: lock })
    }

    /// A damaged index makes way. The blocks that only it knew are removed by the block cache, before it adds any.
    pub(crate) fn set_index_aside(&self) -> Result<()> {
        let index = self.index();
        let aside = index.with_extension("damaged");
        let moved = fs::rename(&index, &aside);
        for companion in ["db-wal", "db-shm"] {
            let _ = fs::remove_file(index.with_extension(companion));
        }
        moved.map_err(|error| {
            let root = self.root.display();
            let what = "index.db cannot be moved aside";
            Error::CacheDir(format!("cache directory {root}: {what}: {error}; mend its permissions"))
        })?;
        if self.is_full() {
            self.remove_blocks();
        }
        Ok(())
    }

    /// Removes all blocks at once: their room is needed now.
    pub(crate) fn remove_blocks(&self) {
        for entry in fs::read_dir(self.blocks()).into_iter().flatten().flatten() {
            let _ = fs::remove_file(entry.path());
        }
    }

    /// True when the disk has no room for the little that a mount has to write.
    pub(crate) fn is_full(&self) -> bool {
        platform::room(&self.root).is_ok_and(|disk| disk.free < NEEDED)
    }

    /// What the user is told then.
    pub(crate) fn full(&self) -> Error {
        Error::CacheDir(format!(
            "the disk of the cache directory {} is full; free at least {} MiB on it, or choose another directory with \
             --cache_dir",
            self.root.display(),
            NEEDED >> 20
        ))
    }

    pub(crate) fn index(&self) -> PathBuf {
        self.root.join("index.db")
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.root.join(JOURNAL)
    }

    pub(crate) fn blocks(&self) -> PathBuf {
        self.root.join("blocks")
    }

    pub(crate) fn dirty(&self) -> PathBuf {
        self.root.join("dirty")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_daemon_is_refused_and_the_directory_is_private() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let root = place.path().join("cache");
        let first = CacheDir::open(&root).expect("free");
        let mode = fs::metadata(&root).expect("it exists").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let refused = CacheDir::open(&root).expect_err("locked").to_string();
        assert!(refused.contains("locked by another mountvofs"), "{refused}");
        drop(first);
        CacheDir::open(&root).expect("free again");
    }
}
