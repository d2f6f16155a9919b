//! Small files that outlive the program: the registry's list, capabilities, what was learned of services.
//!
//! Written atomically, so that programs running side by side never read half a file. A cache that cannot be read or
//! written costs requests, never an error.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A directory of such files; without one nothing is kept.
#[derive(Debug, Clone)]
pub(crate) struct DiskCache(Option<PathBuf>);

impl DiskCache {
    pub(crate) fn new(directory: Option<PathBuf>) -> Self {
        DiskCache(directory)
    }

    /// A file's content and age. A time stamp in the future counts as very old: the clock was wrong once.
    pub(crate) fn read(&self, name: &str) -> Option<(Vec<u8>, Duration)> {
        let path = self.path(name)?;
        let modified = std::fs::metadata(&path).ok()?.modified().ok()?;
        let age = SystemTime::now().duration_since(modified).unwrap_or(Duration::MAX);
        Some((std::fs::read(path).ok()?, age))
    }

    /// Replaces a file's content.
    pub(crate) fn write(&self, name: &str, content: &[u8]) {
        let Some(path) = self.path(name) else { return };
        if let Err(error) = replace(&path, content) {
            tracing::debug!("{} cannot be written: {error}", path.display());
        }
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        let clean: String =
            name.chars().map(|c| if c.is_ascii_alphanumeric() || "-.~".contains(c) { c } else { '_' }).collect();
        Some(self.0.as_ref()?.join(clean))
    }
}

fn replace(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let directory = path.parent().ok_or(std::io::ErrorKind::InvalidInput)?;
    std::fs::create_dir_all(directory)?;
    // Unique among processes and threads: two may write the same file at once.
    static COUNTER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let number = COUNTER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}-{number}.tmp", std::process::id()));
    let temporary = directory.join(name);
    let written = std::fs::File::create(&temporary)
        .and_then(|mut file| file.write_all(content))
        .and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_nothing_else_remains() {
        let directory = tempfile::tempdir().unwrap();
        let cache = DiskCache::new(Some(directory.path().join("deep/er")));
        assert!(cache.read("a/../b").is_none());
        cache.write("a/../b", b"one");
        cache.write("a/../b", b"two");
        let (content, age) = cache.read("a/../b").unwrap();
        assert_eq!(content, b"two");
        assert!(age < Duration::from_secs(60));
        let names: Vec<_> = std::fs::read_dir(directory.path().join("deep/er")).unwrap().collect();
        assert_eq!(names.len(), 1);
    }

    #[test]
    fn a_cache_that_cannot_be_written_is_no_error() {
        DiskCache::new(None).write("a", b"x");
        let cache = DiskCache::new(Some("/proc/none".into()));
        cache.write("a", b"x");
        assert!(cache.read("a").is_none());
    }
}
