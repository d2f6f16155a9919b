//! The data file of a changed file on this machine's disk.
//!
//! It is opened when it is needed and closed when its last program has closed the file: thousands can wait for their
//! upload, and a process has far fewer descriptors.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;

/// So many bytes that are not on the disk are brought there while the program goes on writing, or `close` would wait for all
/// of them before the first leaves for the service.
const AHEAD: u64 = 64 * 1024 * 1024;

#[derive(Debug)]
pub(super) struct DataFile {
    place: PathBuf,
    /// `None` while nobody works with it.
    open: Mutex<Option<Arc<File>>>,
    /// Bytes written since the last synchronisation began.
    written: AtomicU64,
    /// One is on its way that nobody waits for.
    ahead: AtomicBool,
    /// The first failure of a synchronisation. The system tells it once and then takes what it could not write for written.
    broken: Mutex<Option<(io::ErrorKind, String)>>,
}

impl DataFile {
    /// A new one: `length` zeros.
    pub(super) fn create(place: PathBuf, length: u64) -> io::Result<Self> {
        let file = OpenOptions::new().create_new(true).read(true).write(true).mode(0o600).open(&place)?;
        file.set_len(length)?;
        Ok(DataFile::new(place, Some(Arc::new(file))))
    }

    /// One that is there, cut or lengthened to `length`.
    pub(super) fn reopen(place: PathBuf, length: u64) -> io::Result<Self> {
        open(&place)?.set_len(length)?;
        Ok(DataFile::new(place, None))
    }

    fn new(place: PathBuf, file: Option<Arc<File>>) -> Self {
        let (written, ahead, broken) = (AtomicU64::new(0), AtomicBool::new(false), Mutex::new(None));
        DataFile { place, open: Mutex::new(file), written, ahead, broken }
    }

    pub(super) fn place(&self) -> &Path {
        &self.place
    }

    pub(super) fn get(&self) -> io::Result<Arc<File>> {
        let mut file = self.open.lock();
        if let Some(file) = &*file {
            return Ok(Arc::clone(file));
        }
        Ok(Arc::clone(file.insert(Arc::new(open(&self.place)?))))
    }

    pub(super) fn close(&self) {
        *self.open.lock() = None;
    }

    pub(super) fn write(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.get()?.write_all_at(bytes, offset)?;
        self.written.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Makes what was written survive the end of the machine.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.written.store(0, Ordering::Relaxed);
        let outcome = self.get()?.sync_data();
        let mut broken = self.broken.lock();
        if let Err(error) = outcome {
            broken.get_or_insert((error.kind(), error.to_string()));
        }
        broken.as_ref().map_or(Ok(()), |(kind, message)| Err(io::Error::new(*kind, message.clone())))
    }

    /// Whether much was written since the last time; who is told so synchronises, and says when that is done.
    pub(super) fn wants_sync(&self) -> bool {
        self.written.load(Ordering::Relaxed) >= AHEAD && !self.ahead.swap(true, Ordering::Relaxed)
    }

    /// What was wanted is done.
    pub(super) fn synced_ahead(&self) {
        self.ahead.store(false, Ordering::Relaxed);
    }
}

fn open(place: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_synchronisation_is_not_forgotten() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let file = DataFile::create(place.path().join("data"), 0).expect("made");
        // Synchronising is no operation of this device.
        let device = File::open("/dev/null").expect("opened");
        let real = file.open.lock().replace(Arc::new(device)).expect("open");
        assert!(file.sync().is_err());
        *file.open.lock() = Some(real);
        assert!(file.sync().is_err(), "the system would say that all is well now");
    }

    #[test]
    fn what_is_large_is_synchronised_ahead_once_at_a_time() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let file = DataFile::create(place.path().join("data"), 0).expect("made");
        file.write(b"little", 0).expect("written");
        assert!(!file.wants_sync());
        file.written.store(AHEAD, Ordering::Relaxed);
        assert!(file.wants_sync());
        assert!(!file.wants_sync(), "it is under way");
        file.sync().expect("synchronised");
        file.synced_ahead();
        assert!(!file.wants_sync(), "nothing was written since");
    }
}
