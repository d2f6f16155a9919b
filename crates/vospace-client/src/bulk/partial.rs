//! A local file on its way: a hidden file beside the target that becomes the target by a rename, or waits for the next
//! run.
//!
//! It is called `.NAME.vospace-part`. For a file that takes some time a record stands beside it, `….vospace-part.json`,
//! that says of which version its bytes are; the next copy of the same version goes on where this one ended. Without a
//! record nothing is left behind after a failure. Whoever writes it holds a lock on it: a second program that copies the
//! same file meanwhile works in a temporary file of its own.
//!
//! What was written before is believed as little as what the service sends: it is read once, for the digest that
//! everything together must have.

use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use md5::Digest as _;
use serde::{Deserialize, Serialize};

use crate::node::Md5;
use crate::transfer::Download;
use crate::uri::VosUri;

/// Ends the name of a file on its way.
const SUFFIX: &str = ".vospace-part";

/// Ends the name of its record.
const RECORD: &str = ".json";

/// Files from this size on are worth a record: some tenths of a second on a fast line.
const WORTH: u64 = 4 << 20;

/// Longest name that leaves room for what is put around it (255 bytes are the limit of common file systems).
const LONGEST: usize = 200;

/// Bytes at the end of what is there that are fetched again, so that there always is something to fetch.
const AGAIN: u64 = 64 << 10;

/// How often a file is looked for that others make and finish meanwhile.
const LOOKS: u32 = 5;

/// One read of the disk while hashing.
const READ_SIZE: usize = 256 << 10;

/// Whether a name is that of a file on its way or of its record: none of the user's own.
pub(super) fn is_partial(name: &str) -> bool {
    name.starts_with('.') && (name.ends_with(SUFFIX) || name.strip_suffix(RECORD).is_some_and(|n| n.ends_with(SUFFIX)))
}

/// What identifies the bytes of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Version {
    node: String,
    length: u64,
    md5: String,
    artifact: Option<String>,
    modified: Option<String>,
}

impl Version {
    /// Of what is being read; none where that is not certain, or not worth it.
    pub(super) fn of(node: &VosUri, download: &Download) -> Option<Version> {
        Some(Version {
            node: node.to_wire(),
            length: download.total.filter(|total| *total >= WORTH)?,
            md5: download.md5?.to_string(),
            artifact: download.artifact_id.clone(),
            modified: download.last_modified.map(|time| time.to_string()),
        })
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Partial {
    path: PathBuf,
    /// Locked as long as it is open.
    file: File,
    /// What the bytes in it are of, if that is written down.
    version: Option<Version>,
    /// Of another program's making is what has the usual name.
    own: bool,
}

impl Partial {
    /// The file on its way to `name` in `directory`: what an earlier run left, or an empty one with this mode.
    pub(super) fn open(directory: &Path, name: &str, mode: u32) -> io::Result<Partial> {
        let name = if name.len() > LONGEST { Md5(md5::Md5::digest(name).into()).to_string() } else { name.to_owned() };
        let path = directory.join(format!(".{name}{SUFFIX}"));
        let Some(file) = Self::lock(&path, mode)? else { return Self::aside(directory, &name, mode) };
        let mut partial = Partial { path, file, version: None, own: true };
        let record = std::fs::read(partial.record()).ok();
        partial.version = record.and_then(|text| serde_json::from_slice(&text).ok());
        if partial.version.is_none() {
            partial.file.set_len(0)?;
        }
        Ok(partial)
    }

    /// The file of this name, made if there is none, and ours alone. None while somebody else works on it.
    fn lock(path: &Path, mode: u32) -> io::Result<Option<File>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(mode);
        for _ in 0..LOOKS {
            let file = match options.clone().create_new(true).open(path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match path.symlink_metadata() {
                    Ok(data) if data.is_file() => match options.open(path) {
                        Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                        other => other?,
                    },
                    // A link or a directory of that name is not of our making.
                    Ok(_) => return Ok(None),
                    Err(_) => continue,
                },
                other => other?,
            };
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
            // Before it was locked it may have become the file that it was on the way to be.
            let own = file.metadata()?;
            if path.symlink_metadata().is_ok_and(|data| (data.dev(), data.ino()) == (own.dev(), own.ino())) {
                return Ok(Some(file));
            }
        }
        Ok(None)
    }

    /// A file that only this program knows of.
    fn aside(directory: &Path, name: &str, mode: u32) -> io::Result<Partial> {
        let (file, path) = tempfile::Builder::new()
            .prefix(&format!(".{name}."))
            .suffix(SUFFIX)
            .permissions(Permissions::from_mode(mode))
            .tempfile_in(directory)?
            .keep()
            .map_err(|error| error.error)?;
        Ok(Partial { path, file, version: None, own: false })
    }

    fn record(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(RECORD);
        name.into()
    }

    /// Where reading may go on, if the bytes turn out to be of the same version: 0 when there is nothing to go on from.
    pub(super) fn resume(&self) -> u64 {
        let Some(version) = &self.version else { return 0 };
        let there = self.file.metadata().map_or(0, |data| data.len());
        if there > version.length { 0 } else { there.saturating_sub(1) / AGAIN * AGAIN }
    }

    /// Whether the bytes in it are of this version.
    pub(super) fn is_of(&self, version: Option<&Version>) -> bool {
        self.version.is_some() && self.version.as_ref() == version
    }

    /// Empties it, to be filled with the bytes of `version`; with a record from now on if there is one.
    pub(super) fn begin(&mut self, version: Option<Version>) -> io::Result<()> {
        self.discard_record();
        self.file.set_len(0)?;
        self.file.rewind()?;
        let Some(version) = version.filter(|_| self.own) else { return Ok(()) };
        let text = serde_json::to_vec(&version).map_err(io::Error::other)?;
        std::fs::write(self.record(), text)?;
        self.version = Some(version);
        Ok(())
    }

    /// To write to, where [`Partial::begin`] or [`keep`] left it.
    pub(super) fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    fn discard_record(&mut self) {
        if self.version.take().is_some() {
            let _ = std::fs::remove_file(self.record());
        }
    }

    /// Nothing of it is worth keeping.
    pub(super) fn discard(mut self) {
        self.discard_record();
    }

    /// Makes it the file `to`.
    pub(super) fn become_file(mut self, to: &Path) -> io::Result<()> {
        std::fs::rename(&self.path, to)?;
        self.discard_record();
        // It no longer has its name: there is nothing to remove.
        self.path = PathBuf::new();
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if self.version.is_none() && !self.path.as_os_str().is_empty() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Makes a file hold the first `length` bytes of what it has and nothing else, ready to be written on; the digest of
/// these.
pub(super) fn keep(mut file: File, length: u64) -> io::Result<md5::Md5> {
    let mut hasher = md5::Md5::new();
    let mut buffer = vec![0; READ_SIZE];
    file.rewind()?;
    let mut begin = (&file).take(length);
    loop {
        match begin.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => hasher.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    file.set_len(length)?;
    file.seek(SeekFrom::Start(length))?;
    Ok(hasher)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn version(length: u64) -> Version {
        Version { node: "vos://a~b/c".into(), length, md5: "0".into(), artifact: None, modified: None }
    }

    fn left(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_has_a_record_waits_for_the_next_run_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let mut partial = Partial::open(path, "a", 0o600).unwrap();
        assert_eq!(partial.resume(), 0);
        partial.begin(Some(version(1 << 20))).unwrap();
        partial.file().unwrap().write_all(&[7; 200_000]).unwrap();
        drop(partial);
        assert_eq!(left(path), [".a.vospace-part", ".a.vospace-part.json"]);
        assert!(left(path).iter().all(|name| is_partial(name)) && !is_partial("a.vospace-part"));

        let partial = Partial::open(path, "a", 0o600).unwrap();
        assert!(partial.is_of(Some(&version(1 << 20))) && !partial.is_of(Some(&version(2))) && !partial.is_of(None));
        assert_eq!(partial.resume(), 3 * AGAIN);
        let digest = keep(partial.file().unwrap(), 3 * AGAIN).unwrap().finalize();
        assert_eq!(digest, md5::Md5::digest(vec![7; 3 * AGAIN as usize]));
        partial.file().unwrap().write_all(b"end").unwrap();
        partial.become_file(&path.join("a")).unwrap();
        assert_eq!(left(path), ["a"]);
        assert_eq!(std::fs::metadata(path.join("a")).unwrap().len(), 3 * AGAIN + 3);

        let mut partial = Partial::open(path, "b", 0o600).unwrap();
        partial.begin(None).unwrap();
        partial.file().unwrap().write_all(b"some").unwrap();
        drop(partial);
        let mut partial = Partial::open(path, "b", 0o600).unwrap();
        partial.begin(Some(version(9))).unwrap();
        partial.discard();
        assert_eq!(left(path), ["a"]);
    }

    #[test]
    fn two_programs_do_not_write_the_same_file() {
        let directory = tempfile::tempdir().unwrap();
        let first = Partial::open(directory.path(), "a", 0o600).unwrap();
        let mut second = Partial::open(directory.path(), "a", 0o600).unwrap();
        second.begin(Some(version(9))).unwrap();
        assert_ne!(first.path, second.path);
        assert!(second.version.is_none(), "only one of the usual name is found again");
        drop((first, second));
        assert_eq!(left(directory.path()), [""; 0]);
    }

    #[test]
    fn names_of_any_length_fit() {
        let directory = tempfile::tempdir().unwrap();
        let name = "n".repeat(255);
        let mut partial = Partial::open(directory.path(), &name, 0o600).unwrap();
        partial.begin(Some(version(9))).unwrap();
        partial.become_file(&directory.path().join(&name)).unwrap();
        assert_eq!(left(directory.path()), [name]);
    }
}
