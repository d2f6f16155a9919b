//! Names that stay on this machine: swap files of editors, backups, what desktops leave behind.
//!
//! A *file* of such a name that the service does not have yet is kept in the journal like any file that waits for its
//! upload, and its upload never begins. Renaming it to an ordinary name makes it an ordinary file, and the other way
//! round. A file of such a name that the service has already, put there by somebody else, is an ordinary one.
//!
//! A *directory* of such a name, and all below it, is known only here: an empty directory of the same path in the cache
//! directory stands for it. Everything in a local directory is local, whatever its name.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};
use parking_lot::Mutex;

use crate::clock::Millis;
use crate::meta::{Kind, Meta};
use crate::path::NodePath;

/// What stays here unless the user says otherwise: vim's swap files, backups of editors, files that NFS or macOS leave,
/// trash cans.
const USUAL: [&str; 6] = [".*.sw?", "*~", ".nfs*", ".DS_Store", "._*", ".Trash*"];

/// A name is one name, and case counts on a VOSpace.
const RULES: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: false };

/// Patterns of names.
#[derive(Debug, Clone)]
pub struct LocalNames(Vec<Pattern>);

impl Default for LocalNames {
    fn default() -> Self {
        Self::new(&USUAL).expect("invariant: the usual patterns are patterns")
    }
}

impl LocalNames {
    /// Patterns of a shell for single names.
    ///
    /// # Errors
    /// What is wrong with which pattern.
    pub fn new<T: AsRef<str>>(patterns: &[T]) -> std::result::Result<Self, String> {
        let patterns = patterns.iter().map(|text| {
            let text = text.as_ref();
            let pattern = Pattern::new(text).map_err(|error| format!("{text}: {error}"))?;
            if text.is_empty() || text.contains('/') {
                Err(format!("{text:?} is no pattern of a name"))
            } else {
                Ok(pattern)
            }
        });
        patterns.collect::<std::result::Result<_, _>>().map(LocalNames)
    }

    /// The patterns, separated by commas.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.iter().map(Pattern::as_str).collect::<Vec<_>>().join(",")
    }

    fn matches(&self, name: &str) -> bool {
        self.0.iter().any(|pattern| pattern.matches_with(name, RULES))
    }
}

/// What is local of one mount.
#[derive(Debug)]
pub(crate) struct Local {
    names: LocalNames,
    root: PathBuf,
    directories: Mutex<BTreeSet<NodePath>>,
}

impl Local {
    /// Finds the local directories of former mounts below `root`, which need not exist.
    pub(crate) fn open(names: LocalNames, root: PathBuf) -> Self {
        let local = Local { names, root, directories: Mutex::default() };
        local.find(&NodePath::root());
        local
    }

    fn find(&self, directory: &NodePath) {
        for entry in fs::read_dir(self.place(directory)).into_iter().flatten().flatten() {
            if let Ok(name) = entry.file_name().into_string() {
                let path = directory.join(&name);
                if self.stays(&path) {
                    self.directories.lock().insert(path.clone());
                }
                self.find(&path);
            }
        }
    }

    fn place(&self, path: &NodePath) -> PathBuf {
        self.root.join(path.as_str())
    }

    /// True when what is made at `path` stays here.
    pub(crate) fn stays(&self, path: &NodePath) -> bool {
        !path.is_root() && (self.names.matches(path.name()) || self.is_below_local(path))
    }

    /// True for what stands in a local directory: the service knows nothing of it.
    pub(crate) fn is_below_local(&self, path: &NodePath) -> bool {
        path.parent().is_some_and(|parent| self.is_directory(&parent))
    }

    /// True for a directory that only this machine has.
    pub(crate) fn is_directory(&self, path: &NodePath) -> bool {
        self.directories.lock().contains(path)
    }

    /// A local directory as `stat` shows it.
    pub(crate) fn meta(&self, path: &NodePath) -> Meta {
        let modified = fs::metadata(self.place(path)).and_then(|data| data.modified()).ok();
        Meta { local_mtime: modified.map(Millis::from_system_time), ..Meta::new(Kind::Directory) }
    }

    /// Names of the local directories in `directory`.
    pub(crate) fn directories_in(&self, directory: &NodePath) -> Vec<String> {
        let directories = self.directories.lock();
        let here = directories.iter().filter(|path| path.parent().as_ref() == Some(directory));
        here.map(|path| path.name().to_owned()).collect()
    }

    /// True when there is a local directory below `path`.
    pub(crate) fn has_below(&self, path: &NodePath) -> bool {
        self.directories.lock().iter().any(|known| known != path && known.is_within(path))
    }

    pub(crate) fn make_directory(&self, path: &NodePath) -> io::Result<()> {
        fs::create_dir_all(self.place(path))?;
        self.directories.lock().insert(path.clone());
        Ok(())
    }

    /// Removes a directory that has nothing in it.
    pub(crate) fn remove_directory(&self, path: &NodePath) -> io::Result<()> {
        fs::remove_dir(self.place(path))?;
        self.directories.lock().remove(path);
        Ok(())
    }

    /// `from`, local or not, is now `to`, with all local directories below it.
    pub(crate) fn rename(&self, from: &NodePath, to: &NodePath) -> io::Result<()> {
        if !self.is_directory(from) && !self.has_below(from) {
            return Ok(());
        }
        let place = self.place(to);
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::rename(self.place(from), place)?;
        let mut directories = self.directories.lock();
        let moved: Vec<_> = directories.iter().filter_map(|old| Some((old.clone(), old.moved(from, to)?))).collect();
        for (old, new) in moved {
            directories.remove(&old);
            directories.insert(new);
        }
        Ok(())
    }
}

/// Where they are in the cache directory.
pub(crate) fn root(cache: &Path) -> PathBuf {
    cache.join("local")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_names() {
        let names = LocalNames::default();
        for name in [".f.txt.swp", ".f.swx", "f~", ".nfs0001", ".DS_Store", "._f", ".Trash-1000"] {
            assert!(names.matches(name), "{name}");
        }
        for name in ["f", "f.swp", ".swap", "~f", "nfs", "Trash", ".f", "DS_Store"] {
            assert!(!names.matches(name), "{name}");
        }
        assert!(LocalNames::new(&["a/b"]).is_err() && LocalNames::new(&["[a"]).is_err());
        assert!(!LocalNames::new::<&str>(&[]).expect("none").matches("f~"));
    }

    #[test]
    fn local_directories_are_found_again_and_move_with_what_is_above() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let open = || Local::open(LocalNames::default(), place.path().join("local"));
        let local = open();
        local.make_directory(&NodePath::new("d/.Trash-1")).expect("made");
        local.make_directory(&NodePath::new("d/.Trash-1/files")).expect("made");
        assert!(local.stays(&NodePath::new("d/.Trash-1/files/x")) && !local.stays(&NodePath::new("d/x")));
        local.rename(&NodePath::new("d"), &NodePath::new("e")).expect("moved");
        let local = open();
        assert!(local.is_directory(&NodePath::new("e/.Trash-1/files")) && !local.is_directory(&NodePath::new("e")));
        assert_eq!(local.directories_in(&NodePath::new("e")), [".Trash-1"]);
        assert!(local.remove_directory(&NodePath::new("e/.Trash-1")).is_err(), "not empty");
        local.remove_directory(&NodePath::new("e/.Trash-1/files")).expect("removed");
        assert!(!local.is_directory(&NodePath::new("e/.Trash-1/files")));
    }
}
