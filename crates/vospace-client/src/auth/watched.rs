//! A file whose content is parsed once and again when the file changes.

use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use crate::Result;

/// What tells one content from another: inode, size, modification time in ns.
type Stamp = (u64, u64, i64, i64);

/// See the module.
pub(crate) struct Watched<T> {
    path: PathBuf,
    load: fn(&Path) -> Result<T>,
    state: Mutex<State<T>>,
}

struct State<T> {
    stamp: Option<Stamp>,
    version: u64,
    value: T,
}

impl<T> fmt::Debug for Watched<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watched").field(&self.path).finish()
    }
}

impl<T: Clone> Watched<T> {
    /// Loads the file for the first time.
    pub(super) fn new(path: &Path, load: fn(&Path) -> Result<T>) -> Result<Self> {
        let stamp = stamp(path);
        let state = State { stamp, version: 0, value: load(path)? };
        Ok(Watched { path: path.to_owned(), load, state: Mutex::new(state) })
    }

    /// The present value and a number that grows whenever it is another. A file that is gone or half-written leaves
    /// the last good value in place.
    pub(super) fn get(&self) -> (u64, T) {
        let mut state = self.state.lock();
        let now = stamp(&self.path);
        if now.is_some() && now != state.stamp {
            match (self.load)(&self.path) {
                Ok(value) => {
                    state.value = value;
                    state.version += 1;
                    tracing::info!("{} has changed and is used from now on", self.path.display());
                }
                Err(error) => tracing::warn!("{error}; the credentials read before stay in use"),
            }
            state.stamp = now;
        }
        (state.version, state.value.clone())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.ino(), metadata.size(), metadata.mtime(), metadata.mtime_nsec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, ErrorKind};

    fn load(path: &Path) -> Result<String> {
        let text = std::fs::read_to_string(path).map_err(|error| Error::local(path, &error))?;
        if text.is_empty() { Err(Error::node(ErrorKind::Certificate, "x", "empty")) } else { Ok(text) }
    }

    #[test]
    fn a_changed_file_is_read_again_and_a_broken_one_is_not_used() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        assert!(Watched::new(&path, load).is_err());
        std::fs::write(&path, "one").unwrap();
        let watched = Watched::new(&path, load).unwrap();
        assert_eq!(watched.get(), (0, "one".to_owned()));
        std::fs::write(&path, "three").unwrap();
        assert_eq!(watched.get(), (1, "three".to_owned()));
        std::fs::write(&path, "").unwrap();
        let heard = crate::testing::Heard::here();
        assert_eq!(watched.get(), (1, "three".to_owned()));
        heard.says("; the credentials read before stay in use");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(watched.get(), (1, "three".to_owned()));
    }
}
