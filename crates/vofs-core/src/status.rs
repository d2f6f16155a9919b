//! What a mount says of itself to its user: what waits for its upload and why, conflicts, the use of the cache.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};

use crate::config::{OnConflict, WriteBack};
use crate::engine::Engine;
use crate::error::Result;
use crate::fetch::Extent;
use crate::fetch::tally::Reads;
use crate::file::OpenFile;
use crate::identity::Refresh;
use crate::journal::Pending;
use crate::journal::record::Conflict;
use crate::limits::Limits;

/// A mount at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// What is mounted.
    pub space: String,
    /// Where its cache and its journal are.
    pub cache_dir: PathBuf,
    /// What `close` waits for.
    pub write_back: WriteBack,
    /// What becomes of two versions of one file.
    pub on_conflict: OnConflict,
    /// Since when the service cannot be reached, in ms since 1970: what is shown and read is what is cached.
    #[serde(default)]
    pub offline_since: Option<i64>,
    /// How far changes made elsewhere can be seen.
    #[serde(default)]
    pub refresh: Refresh,
    /// Whether nothing may be written.
    pub read_only: bool,
    /// Clean bytes in the cache.
    pub cache_used: u64,
    /// The most that they may be.
    pub cache_limit: u64,
    /// What of them is pinned.
    #[serde(default)]
    pub cache_pinned: u64,
    /// What is pinned.
    #[serde(default)]
    pub pins: Vec<String>,
    /// What readers found in the cache since the mount began.
    #[serde(default)]
    pub reads: Reads,
    /// What is on its way in.
    #[serde(default)]
    pub downloads: Vec<Download>,
    /// The limits as they are.
    #[serde(default)]
    pub limits: Limits,
    /// Files that the service does not have as they are here, by their paths.
    pub pending: Vec<PendingFile>,
    /// Renames that were interrupted and are being finished.
    pub unfinished_moves: usize,
    /// What interrupted renames of another machine, or of a lost cache directory, have left, as far as it was listed.
    #[serde(default)]
    pub leftovers: Vec<String>,
    /// The latest conflicts with other writers, oldest first.
    pub conflicts: Vec<Conflict>,
}

/// A part of a file on its way in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Download {
    /// The file below the root of the mount.
    pub path: String,
    /// The first byte that was asked for.
    pub start: u64,
    /// What has come so far.
    pub received: u64,
    /// All that was asked for.
    pub bytes: u64,
}

/// A file that the service does not have as it is here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingFile {
    /// Its number in the journal.
    pub id: String,
    /// Its path below the root of the mount.
    pub path: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// `open` before its first close, then `waiting`, `sending`, `failed` (tried again by itself), `refused` or `conflict`
    /// (left to the user).
    pub state: String,
    /// Bytes that have left, while it is being sent.
    pub sent: Option<u64>,
    /// Tries that failed in this mount.
    pub tries: u32,
    /// What the last one met.
    pub error: Option<String>,
}

impl PendingFile {
    pub(crate) fn of_record(record: &Pending) -> Self {
        PendingFile {
            id: record.id.clone(),
            path: record.path.clone(),
            bytes: record.length,
            state: record.stage.word().to_owned(),
            sent: None,
            tries: 0,
            error: record.error.clone(),
        }
    }

    fn of_file(file: &OpenFile) -> Option<Self> {
        let state = file.state();
        let (dirty, path) = (state.dirty.as_ref()?, state.path.as_ref()?);
        let word = if state.is_in_journal() { state.stage.word() } else { "open" };
        Some(PendingFile {
            id: dirty.id().to_owned(),
            path: path.as_str().to_owned(),
            bytes: dirty.length(),
            state: word.to_owned(),
            sent: state.sending.as_ref().map(|sent| sent.load(Ordering::Relaxed)),
            tries: state.failure.as_ref().map_or(0, |failure| failure.tries),
            error: state.failure.as_ref().map(|failure| failure.error.to_string()),
        })
    }
}

impl Engine {
    /// How this mount stands.
    ///
    /// # Errors
    /// [`crate::Error::CacheDir`] when the journal cannot be read.
    pub async fn status(&self) -> Result<Status> {
        Ok(Status {
            space: self.config.identity.clone(),
            cache_dir: self.config.cache_dir.clone(),
            write_back: self.config.write_back,
            on_conflict: self.config.on_conflict,
            offline_since: self.offline_since().map(|since| since.0),
            refresh: self.refresh_quality(),
            read_only: self.config.read_only,
            cache_used: self.store.used(),
            cache_limit: self.store.limit(),
            cache_pinned: self.store.pinned(&[]),
            pins: self.pins.list().iter().map(|path| path.as_str().to_owned()).collect(),
            reads: self.fetcher.tally().reads(),
            downloads: self.downloads(),
            limits: self.limits(),
            pending: self.pending(),
            unfinished_moves: self.journal.replacements().await?.len(),
            leftovers: self.leftovers(),
            conflicts: self.journal.conflicts().await?,
        })
    }

    /// What the log has told of, unless it is known to be gone by now.
    fn leftovers(&self) -> Vec<String> {
        let mut told = self.leftovers.lock();
        told.retain(|path| self.names.known(path).is_some());
        let mut paths: Vec<_> = told.iter().map(|path| path.as_str().to_owned()).collect();
        paths.sort();
        paths
    }

    /// What is on its way in, by path and place.
    fn downloads(&self) -> Vec<Download> {
        let under_way = self.fetcher.under_way().into_iter();
        let mut downloads: Vec<_> = under_way
            .map(|(path, Extent { start, at, end })| Download {
                path: path.as_str().to_owned(),
                start,
                received: at - start,
                bytes: end - start,
            })
            .collect();
        downloads.sort_by(|one, other| (&one.path, one.start).cmp(&(&other.path, other.start)));
        downloads
    }

    /// Those of them that are to be sent: names that stay on this machine are not.
    pub fn to_be_sent(&self) -> Vec<PendingFile> {
        let sent = self.files.dirty().into_iter().filter(|file| !self.stays_here(file));
        sent.filter_map(|file| PendingFile::of_file(&file)).collect()
    }

    /// Files that the service does not have as they are here.
    pub fn pending(&self) -> Vec<PendingFile> {
        let mut pending: Vec<_> = self.files.dirty().iter().filter_map(|file| PendingFile::of_file(file)).collect();
        pending.sort_by(|one, other| one.path.cmp(&other.path));
        pending
    }
}
