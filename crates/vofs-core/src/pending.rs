//! What the user may do with files that wait for their upload: save them elsewhere, drop them, have them tried again. In
//! a running mount, and, because the journal outlives it, without one.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use crate::cachedir::CacheDir;
use crate::dirty::DirtyFile;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::file::OpenFile;
use crate::journal::{Change, Journal, Pending, Stage};
use crate::path::NodePath;
use crate::status::PendingFile;
use crate::upload::{self, durable, sender};

/// A file that is to be saved elsewhere.
#[derive(Debug)]
pub struct Exported {
    /// Its path below the root of the mount.
    pub path: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// The bytes. Where `data` ends before `bytes`, the rest is zeros.
    pub data: File,
    /// Parts of it that stand on the service only, and are zeros in `data`: offsets of their first bytes and of those behind
    /// their last.
    pub missing: Vec<(u64, u64)>,
}

fn unknown(which: &str) -> Error {
    Error::Invalid {
        path: NodePath::new(which),
        cause: "no file of this path or number waits for its upload; `mountvofs pending list` shows those that do"
            .into(),
    }
}

/// Whether the user means this one.
fn is_meant(which: &str, id: &str, path: &str) -> bool {
    which == id || which.trim_matches('/') == path
}

/// Opens a data file.
fn open(place: &Path) -> Result<File> {
    File::open(place)
        .map_err(|error| Error::Io { path: NodePath::root(), cause: format!("{}: {error}", place.display()) })
}

impl Engine {
    fn find_pending(&self, which: &str) -> Result<Arc<OpenFile>> {
        let meant = |file: &Arc<OpenFile>| {
            let state = file.state();
            let names = state.dirty.as_ref().zip(state.path.as_ref());
            names.is_some_and(|(dirty, path)| is_meant(which, dirty.id(), path.as_str()))
        };
        self.files.dirty().into_iter().find(meant).ok_or_else(|| unknown(which))
    }

    /// Hands a file that waits for its upload, named by its path or number, to `take`, which saves its bytes. It is not sent
    /// before `take` has ended. Where they are saved is not known here: that may be a place which hangs, or is in this mount.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is none such; what the service said when it was asked for the parts that were not
    /// changed.
    pub async fn export_pending<F: Future>(
        self: &Arc<Self>,
        which: &str,
        take: impl FnOnce(Exported) -> F,
    ) -> Result<F::Output> {
        let file = self.find_pending(which)?;
        file.interrupt();
        let _flushing = file.flushing.lock().await;
        let (dirty, path) = {
            let state = file.state();
            state.dirty.clone().zip(state.path.clone()).ok_or_else(|| unknown(which))?
        };
        upload::fill_holes(self, &file, &dirty, &path).await?;
        let data = open(dirty.place())?;
        Ok(take(Exported { path: path.as_str().to_owned(), bytes: dirty.length(), data, missing: Vec::new() }).await)
    }

    /// Drops the changes of a file: from then on it is what the service has.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is none such, or a program has it open.
    pub async fn discard_pending(self: &Arc<Self>, which: &str) -> Result<PendingFile> {
        let file = self.find_pending(which)?;
        file.interrupt();
        let _flushing = file.flushing.lock().await;
        let path = file.state().path.clone().ok_or_else(|| unknown(which))?;
        if file.state().handles > 0 {
            return Err(Error::Invalid { path, cause: "a program has it open; it has to close it first".into() });
        }
        let gone = self.pending().into_iter().find(|one| one.path == path.as_str()).ok_or_else(|| unknown(which))?;
        if let Err(error) = self.settle_begun(&file, &path).await {
            tracing::warn!(%path, %error, "what a lost upload left on the service stays there");
        }
        let new = file.state().on_service.is_none();
        self.discard(&file).await;
        if new {
            let ino = self.parent_number(&path).and_then(|parent| self.inodes.remove(parent, path.name()));
            self.files.unlink(&path, ino);
        } else {
            self.files.settle(&file);
        }
        self.names.expire(&path);
        tracing::warn!(%path, bytes = gone.bytes, "discarded by the user, never uploaded");
        Ok(gone)
    }

    /// Tries at once what waits for its next try, and again what was refused; of a file that somebody else changed too, ours
    /// becomes the new version. All files, or the one named. Returns how many.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is none such; what the service said when it was asked what it has.
    pub async fn retry_pending(self: &Arc<Self>, which: Option<&str>) -> Result<usize> {
        let files = match which {
            Some(which) => vec![self.find_pending(which)?],
            None => self.files.dirty(),
        };
        let mut count = 0;
        for file in files {
            let goes_on = file.state().stage.goes_on();
            let _flushing = match file.flushing.try_lock() {
                Ok(flushing) => flushing,
                // It is being sent.
                Err(_) if goes_on => continue,
                // It was refused in this moment, which is being written down.
                Err(_) => file.flushing.lock().await,
            };
            let (dirty, path, stage) = {
                let state = file.state();
                match (&state.dirty, &state.path) {
                    (Some(dirty), Some(path)) if state.is_in_journal() => {
                        (Arc::clone(dirty), path.clone(), state.stage)
                    }
                    _ => continue,
                }
            };
            if stage == Stage::Conflict {
                match self.ask(&path).await {
                    Ok(theirs) => file.state().on_service = Some(theirs.version),
                    // They removed it meanwhile: there is nothing to be in conflict with.
                    Err(Error::NotFound(_)) => file.state().on_service = None,
                    Err(error) => return Err(error),
                }
            }
            file.state().stage = Stage::Waiting;
            let put = vec![durable::record(&file, &dirty, &path, Stage::Waiting)];
            durable::apply(self, &path, &Change { put, ..Change::default() }).await?;
            sender::attend(self, &file, sender::Start::Now);
            count += 1;
        }
        self.hurry.notify_waiters();
        Ok(count)
    }
}

/// The journal of a space that is not mounted.
#[derive(Debug)]
pub struct Unmounted {
    journal: Journal,
    _cache_dir: CacheDir,
}

impl Unmounted {
    /// Opens the journal in a cache directory, and keeps mounts out of it meanwhile.
    ///
    /// # Errors
    /// [`Error::CacheDir`] when there is no journal in it, it cannot be read, or a mount is using it.
    pub fn open(cache_dir: &Path) -> Result<Self> {
        let journal = cache_dir.join(crate::cachedir::JOURNAL);
        if !journal.exists() {
            return Err(Error::CacheDir(format!(
                "{} is not the cache directory of a mount; name it with --cache_dir, or the space with --vospace",
                cache_dir.display()
            )));
        }
        let cache_dir = CacheDir::open(cache_dir)?;
        let journal = Journal::open_unclaimed(&cache_dir.journal(), &cache_dir.dirty())?;
        Ok(Unmounted { journal, _cache_dir: cache_dir })
    }

    /// The space that the files belong to.
    ///
    /// # Errors
    /// [`Error::CacheDir`] when the journal cannot be read.
    pub async fn space(&self) -> Result<String> {
        self.journal.identity().await
    }

    /// Files that were never uploaded, by their paths.
    ///
    /// # Errors
    /// [`Error::CacheDir`] when the journal cannot be read.
    pub async fn pending(&self) -> Result<Vec<PendingFile>> {
        let mut pending: Vec<_> = self.journal.pending().await?.iter().map(PendingFile::of_record).collect();
        pending.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(pending)
    }

    async fn find(&self, which: &str) -> Result<Pending> {
        let all = self.journal.pending().await?;
        all.into_iter().find(|record| is_meant(which, &record.id, &record.path)).ok_or_else(|| unknown(which))
    }

    /// A file, named by its path or number, to be saved.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is none such; what keeps its bytes from being read.
    pub async fn export(&self, which: &str) -> Result<Exported> {
        let record = self.find(which).await?;
        let data = open(&self.journal.directory().join(&record.id))?;
        Ok(Exported { missing: record.missing(), path: record.path, bytes: record.length, data })
    }

    /// Drops a file for good.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is none such; [`Error::CacheDir`] when the journal cannot be written.
    pub async fn discard(&self, which: &str) -> Result<PendingFile> {
        let record = self.find(which).await?;
        self.journal.remove(&record.id).await?;
        if let Ok(dirty) = DirtyFile::reopen(self.journal.directory(), &record) {
            dirty.discard();
        }
        Ok(PendingFile::of_record(&record))
    }
}
