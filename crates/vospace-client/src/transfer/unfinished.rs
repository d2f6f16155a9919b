//! Uploads that were interrupted, noted on disk, so that the next program takes them up instead of beginning anew.
//!
//! One file an upload, below the user's state directory, readable by the user only: the URL in it is a grant. What is
//! noted are the URL and identity of a transaction that holds at least one segment; the service tells the rest. A note
//! that cannot be read or written costs a new beginning, never an error.

use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use reqwest::Url;
use serde::{Deserialize, Serialize};

use crate::body::upload::digest_of;
use crate::uri::VosUri;

/// Services give transactions up that nobody goes on with for some days.
const OLD: Duration = Duration::from_secs(7 * 24 * 3600);

/// A transaction that can be taken up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Begun {
    /// Where it is.
    url: String,
    /// Its identity.
    pub(super) transaction: String,
    /// Bytes of a segment.
    pub(super) segment: u64,
}

impl Begun {
    pub(super) fn new(url: &Url, transaction: &str, segment: u64) -> Begun {
        Begun { url: url.as_str().to_owned(), transaction: transaction.to_owned(), segment }
    }

    /// Where it is.
    pub(super) fn url(&self) -> Option<Url> {
        Url::parse(&self.url).ok()
    }

    /// Whether `url`, which was just negotiated for the same node, leads to the same stored object: a node that was
    /// removed and made again has another one, and what is stored under the old one nobody would ever see.
    pub(super) fn is_for(&self, url: &Url) -> bool {
        let object = |url: &Url| url.path_segments().and_then(|mut parts| parts.next_back().map(str::to_owned));
        self.url().is_some_and(|noted| object(&noted) == object(url))
    }
}

/// The note of one upload.
#[derive(Debug)]
pub(crate) struct Note {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What is on disk.
    begun: Option<Begun>,
}

impl Note {
    /// Of the upload of what has this identity to `uri`; the notes are in `directory`.
    pub(super) fn open(directory: &Path, identity: &str, uri: &VosUri) -> Note {
        let name = format!("{}.json", digest_of(format!("{}\n{identity}", uri.to_wire()).as_bytes()));
        let path = directory.join("uploads").join(name);
        let fresh = std::fs::metadata(&path)
            .and_then(|data| data.modified())
            .is_ok_and(|time| SystemTime::now().duration_since(time).is_ok_and(|age| age < OLD));
        let begun = std::fs::read(&path).ok().filter(|_| fresh).and_then(|text| serde_json::from_slice(&text).ok());
        Note { path, state: Mutex::new(State { begun }) }
    }

    /// What was noted.
    pub(super) fn begun(&self) -> Option<Begun> {
        self.state.lock().begun.clone()
    }

    /// Whether something is noted: then what is at the service has to stay as it is.
    pub(super) fn is_kept(&self) -> bool {
        self.state.lock().begun.is_some()
    }

    /// Notes a transaction.
    pub(super) fn keep(&self, begun: &Begun) {
        let mut state = self.state.lock();
        if state.begun.as_ref() == Some(begun) {
            return;
        }
        match write(&self.path, begun) {
            Ok(()) => state.begun = Some(begun.clone()),
            Err(error) => tracing::debug!("{} cannot be written: {error}", self.path.display()),
        }
    }

    /// There is nothing to take up any more.
    pub(super) fn forget(&self) {
        if self.state.lock().begun.take().is_some() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn write(path: &Path, begun: &Begun) -> std::io::Result<()> {
    let directory = path.parent().ok_or(std::io::ErrorKind::InvalidInput)?;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    // A temporary file is private from the start.
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(&serde_json::to_vec(begun)?)?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::testing::uri;

    fn begun(url: &str) -> Begun {
        Begun::new(&Url::parse(url).unwrap(), "t", 7)
    }

    #[test]
    fn a_note_is_private_and_of_one_upload() {
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("state");
        let note = Note::open(&state, "a 1 2", &uri("/a"));
        assert!(!note.is_kept());
        let told = begun("https://h/minoc/files/grant/cadc:vault/1");
        note.keep(&told);
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&note.path), mode(&state.join("uploads")), mode(&state)), (0o600, 0o700, 0o700));
        assert_eq!(Note::open(&state, "a 1 2", &uri("/a")).begun(), Some(told));
        assert!(!Note::open(&state, "a 1 3", &uri("/a")).is_kept());
        assert!(!Note::open(&state, "a 1 2", &uri("/b")).is_kept());
        note.forget();
        assert!(!Note::open(&state, "a 1 2", &uri("/a")).is_kept());
    }

    #[test]
    fn a_node_that_was_made_again_is_another() {
        let noted = begun("https://h/minoc/files/grant/cadc:vault/1");
        assert!(noted.is_for(&Url::parse("https://other/minoc/files/grant2/cadc:vault/1").unwrap()));
        assert!(!noted.is_for(&Url::parse("https://h/minoc/files/grant/cadc:vault/2").unwrap()));
    }

    #[test]
    fn where_nothing_can_be_written_nothing_is_kept() {
        let note = Note::open(Path::new("/proc/none"), "a", &uri("/a"));
        note.keep(&begun("https://h/1"));
        assert!(!note.is_kept());
    }
}
