//! The bytes: one file per blob.
//!
//! A new blob is written under `incoming/`, named in the database by the commit that makes it true, and only then
//! renamed to its place; [`ByteStore::open_blob`] looks in both, so there is no moment without a readable file. When the
//! service starts, files under `incoming/` that the database names are renamed, all others removed. Readers keep an open file, so an
//! overwrite or removal never changes what they get.
//!
//! Files that are written in place (Cavern's way) and the files of PUT transactions have fixed places of their own.

use super::blob::Blob;
use crate::fault::Fault;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Characters of a blob's name that name its directory: two spread a million over 256.
const SHARD: usize = 2;

/// The directories with the bytes of one space.
#[derive(Debug)]
pub struct ByteStore {
    dir: PathBuf,
}

impl ByteStore {
    /// Opens or creates the directories.
    pub fn open(dir: &Path) -> io::Result<ByteStore> {
        std::fs::create_dir_all(dir.join("incoming"))?;
        std::fs::create_dir_all(dir.join("transactions"))?;
        Ok(ByteStore { dir: dir.to_owned() })
    }

    /// Finishes or removes what was coming in when the last run ended.
    pub fn sweep(&self, mut is_named: impl FnMut(&str) -> Result<bool, Fault>) -> Result<(), Fault> {
        for entry in std::fs::read_dir(self.dir.join("incoming"))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if is_named(&name)? {
                self.publish(&name)?;
            } else {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Removes the files of PUT transactions that have ended.
    pub fn sweep_transactions(&self, mut is_known: impl FnMut(&str) -> Result<bool, Fault>) -> Result<(), Fault> {
        for entry in std::fs::read_dir(self.dir.join("transactions"))? {
            let entry = entry?;
            if !is_known(&entry.file_name().to_string_lossy())? {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Removes every file in place that nothing names: a process that was killed between the commit and the removal of
    /// what it replaced leaves such.
    pub fn sweep_all(&self, mut is_named: impl FnMut(&str) -> Result<bool, Fault>) -> Result<(), Fault> {
        for shard in std::fs::read_dir(&self.dir)? {
            let shard = shard?;
            if shard.file_name().len() != SHARD {
                continue;
            }
            for entry in std::fs::read_dir(shard.path())? {
                let entry = entry?;
                if !is_named(&entry.file_name().to_string_lossy())? {
                    std::fs::remove_file(entry.path())?;
                }
            }
        }
        Ok(())
    }

    fn place(&self, id: &str) -> PathBuf {
        let shard = id.get(..SHARD).unwrap_or("00");
        self.dir.join(shard).join(id)
    }

    fn incoming(&self, id: &str) -> PathBuf {
        self.dir.join("incoming").join(id)
    }

    /// Creates a blob that is coming in.
    pub fn create(&self, id: &str) -> io::Result<File> {
        OpenOptions::new().write(true).create_new(true).open(self.incoming(id))
    }

    /// Gives a blob its place, after the database named it.
    pub fn publish(&self, id: &str) -> io::Result<()> {
        let place = self.place(id);
        match std::fs::rename(self.incoming(id), &place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                std::fs::create_dir_all(place.parent().unwrap_or(&self.dir))?;
                std::fs::rename(self.incoming(id), &place)
            }
            other => other,
        }
    }

    /// Drops a blob that did not become true.
    pub fn discard(&self, id: &str) {
        remove_if_there(&self.incoming(id));
    }

    /// Opens a blob for reading, wherever it stands.
    pub fn open_blob(&self, id: &str) -> io::Result<Blob> {
        let opened = match File::open(self.place(id)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => match File::open(self.incoming(id)) {
                // Renamed between the two looks.
                Err(error) if error.kind() == io::ErrorKind::NotFound => File::open(self.place(id)),
                other => other,
            },
            other => other,
        };
        Blob::of(id, opened?)
    }

    /// Makes a blob or a file in place of this length whose bytes are computed (see [`Blob`]).
    pub fn make_pattern(&self, id: &str, length: u64) -> io::Result<()> {
        self.truncate(id)?.set_len(length)
    }

    /// Removes a blob that nothing names any more.
    pub fn remove(&self, id: &str) {
        remove_if_there(&self.place(id));
        remove_if_there(&self.incoming(id));
    }

    /// Opens a file for writing in place, created or emptied.
    pub fn truncate(&self, id: &str) -> io::Result<File> {
        let place = self.place(id);
        let open = || OpenOptions::new().write(true).create(true).truncate(true).open(&place);
        match open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                std::fs::create_dir_all(place.parent().unwrap_or(&self.dir))?;
                open()
            }
            other => other,
        }
    }

    /// Length and modification time (milliseconds since 1970) of a file written in place; `None` if it is not there.
    pub fn stat(&self, id: &str) -> io::Result<Option<(u64, i64)>> {
        match std::fs::metadata(self.place(id)) {
            Ok(metadata) => {
                let since = metadata.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
                Ok(Some((metadata.len(), i64::try_from(since.as_millis()).unwrap_or(i64::MAX))))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives the bytes of a blob a second name.
    pub fn duplicate(&self, id: &str, copy: &str) -> io::Result<()> {
        let place = self.place(copy);
        std::fs::create_dir_all(place.parent().unwrap_or(&self.dir))?;
        match self.open_blob(id)? {
            Blob::Stored(_) => std::fs::hard_link(self.place(id), place),
            // Its bytes are in its name, which the copy has not.
            Blob::Computed(mut pattern) => io::copy(&mut pattern, &mut File::create(place)?).map(drop),
        }
    }

    /// Takes over a blob of another site.
    pub fn copy_from(&self, other: &ByteStore, id: &str) -> io::Result<()> {
        let place = self.place(id);
        std::fs::create_dir_all(place.parent().unwrap_or(&self.dir))?;
        // Blobs never change, so two sites can share the disk blocks of one.
        match std::fs::hard_link(other.place(id), &place) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        }
    }

    /// The file of a PUT transaction.
    pub fn transaction(&self, id: &str) -> PathBuf {
        self.dir.join("transactions").join(id)
    }

    /// Makes the bytes of a PUT transaction a blob that is coming in. The transaction keeps them until it has ended.
    pub fn adopt_transaction(&self, id: &str, blob: &str) -> io::Result<()> {
        std::fs::hard_link(self.transaction(id), self.incoming(blob))
    }

    /// Removes the file of a PUT transaction that has ended.
    pub fn remove_transaction(&self, id: &str) {
        remove_if_there(&self.transaction(id));
    }
}

fn remove_if_there(path: &Path) {
    if let Err(error) = std::fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "could not remove");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    #[test]
    fn sweep_keeps_what_the_database_names() {
        let dir = tempfile::tempdir().unwrap();
        let store = ByteStore::open(dir.path()).unwrap();
        store.create("aa-named").unwrap().write_all(b"x").unwrap();
        store.create("bb-lost").unwrap();
        store.sweep(|id| Ok(id == "aa-named")).unwrap();
        std::fs::write(store.transaction("known"), "x").unwrap();
        std::fs::write(store.transaction("ended"), "x").unwrap();
        store.sweep_transactions(|id| Ok(id == "known")).unwrap();
        assert!(store.transaction("known").exists() && !store.transaction("ended").exists());
        // Killed within a commit, before the database names the bytes: the transaction still has them.
        store.adopt_transaction("known", "dd-unnamed").unwrap();
        store.sweep(|_| Ok(false)).unwrap();
        assert!(store.transaction("known").exists() && store.open_blob("dd-unnamed").is_err());
        let mut text = String::new();
        store.open_blob("aa-named").unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "x");
        assert!(store.open_blob("bb-lost").is_err());
        assert!(store.place("aa-named").exists());
        store.truncate("cc-orphan").unwrap();
        store.sweep_all(|id| Ok(id == "aa-named")).unwrap();
        assert!(store.place("aa-named").exists() && !store.place("cc-orphan").exists());
    }
}
