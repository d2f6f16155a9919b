//! One file with changes that the service does not have: a sparse local file laid over the base version.
//!
//! Below `base_length`, what was not written here stands in the base version; above it, it is zero. Truncation lowers
//! `base_length`, so bytes that were cut off never come back.

mod disk;

use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use md5::{Digest as _, Md5};
use parking_lot::{Mutex, RwLock};
use rangemap::RangeSet;
use tokio::runtime::Handle;

use crate::clock::Millis;
use crate::journal::{Digest, Pending};
use disk::DataFile;

/// How much is read at a time.
const COPY_STEP: usize = 1 << 20;

/// Where the bytes of a range are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// In the local file.
    Local(Range<u64>),
    /// In the base version.
    Base(Range<u64>),
    /// Nowhere: zeros.
    Zero(Range<u64>),
}

impl Part {
    /// The bytes of the file that it covers.
    pub(crate) fn range(&self) -> Range<u64> {
        match self {
            Part::Local(range) | Part::Base(range) | Part::Zero(range) => range.clone(),
        }
    }

    /// How many they are.
    pub(crate) fn length(&self) -> usize {
        (self.range().end - self.range().start) as usize
    }
}

#[derive(Debug)]
struct State {
    length: u64,
    base_length: u64,
    written: RangeSet<u64>,
    /// What of `written` is bytes of the base that may not be on the disk yet: a record that said they are here would have
    /// them read as zeros after the end of the machine.
    unsynced: RangeSet<u64>,
    mtime: Millis,
    /// Counts changes.
    generation: u64,
}

/// A file with local changes.
#[derive(Debug)]
pub(crate) struct DirtyFile {
    id: String,
    disk: DataFile,
    state: Mutex<State>,
    /// Held alone by who brings bytes of the base where nothing was written, or they would fall on what is being written.
    filling: RwLock<()>,
}

/// What a moment of a [`DirtyFile`] looks like.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) length: u64,
    pub(crate) base_length: u64,
    pub(crate) written: Vec<(u64, u64)>,
    pub(crate) mtime: Millis,
}

impl DirtyFile {
    /// Begins to change a file that has `base_length` bytes on the service (0: none that matter).
    pub(crate) fn create(directory: &Path, base_length: u64, now: Millis) -> io::Result<Self> {
        let id = uuid::Uuid::new_v4().simple().to_string();
        let disk = DataFile::create(directory.join(&id), base_length)?;
        let (written, unsynced) = (RangeSet::new(), RangeSet::new());
        let state = State { length: base_length, base_length, written, unsynced, mtime: now, generation: 0 };
        Ok(DirtyFile { id, disk, state: Mutex::new(state), filling: RwLock::new(()) })
    }

    /// Finds a file again that the journal knows.
    pub(crate) fn reopen(directory: &Path, pending: &Pending) -> io::Result<Self> {
        // What a program changed after that was never acknowledged: behind the end it goes, and what it cut off becomes a
        // hole, as it would on any disk.
        let disk = DataFile::reopen(directory.join(&pending.id), pending.length)?;
        let state = State {
            length: pending.length,
            base_length: pending.base_length,
            written: pending.written.iter().map(|(start, end)| *start..*end).collect(),
            unsynced: RangeSet::new(),
            mtime: pending.mtime,
            generation: 0,
        };
        Ok(DirtyFile { id: pending.id.clone(), disk, state: Mutex::new(state), filling: RwLock::new(()) })
    }

    /// Somebody works with it: it can be read from now on even if it is renamed or removed.
    pub(crate) fn wake(&self) -> io::Result<()> {
        self.disk.get().map(drop)
    }

    /// Nobody works with it for now.
    pub(crate) fn rest(&self) {
        self.disk.close();
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn place(&self) -> &Path {
        self.disk.place()
    }

    pub(crate) fn length(&self) -> u64 {
        self.state.lock().length
    }

    /// Below this, what was not written stands in the base version.
    pub(crate) fn base_length(&self) -> u64 {
        self.state.lock().base_length
    }

    pub(crate) fn mtime(&self) -> Millis {
        self.state.lock().mtime
    }

    pub(crate) fn set_mtime(&self, mtime: Millis) {
        self.state.lock().mtime = mtime;
    }

    /// Another number after every change of the bytes.
    pub(crate) fn generation(&self) -> u64 {
        self.state.lock().generation
    }

    /// What a record is to say of it.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let state = self.state.lock();
        let mut written = state.written.clone();
        state.unsynced.iter().for_each(|range| written.remove(range.clone()));
        Snapshot {
            length: state.length,
            base_length: state.base_length,
            written: written.iter().map(|range| (range.start, range.end)).collect(),
            mtime: state.mtime,
        }
    }

    /// Writes `bytes` at `offset`.
    pub(crate) fn write(&self, offset: u64, bytes: &[u8], now: Millis) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let _not_filled = self.filling.read();
        self.disk.write(bytes, offset)?;
        let end = offset + bytes.len() as u64;
        let mut state = self.state.lock();
        state.written.insert(offset..end);
        state.unsynced.remove(offset..end);
        state.length = state.length.max(end);
        state.mtime = now;
        state.generation += 1;
        Ok(())
    }

    /// Puts bytes of the base version where nothing was written.
    pub(crate) fn fill(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let _alone = self.filling.write();
        let gaps: Vec<Range<u64>> = {
            let state = self.state.lock();
            // What was cut off meanwhile does not come back.
            let end = state.base_length.min(offset + bytes.len() as u64);
            if end <= offset {
                return Ok(());
            }
            state.written.gaps(&(offset..end)).collect()
        };
        for gap in gaps {
            let slice = &bytes[(gap.start - offset) as usize..(gap.end - offset) as usize];
            self.disk.write(slice, gap.start)?;
            let mut state = self.state.lock();
            state.written.insert(gap.clone());
            state.unsynced.insert(gap);
        }
        Ok(())
    }

    /// Cuts the file, or lengthens it by zeros.
    pub(crate) fn truncate(&self, length: u64, now: Millis) -> io::Result<()> {
        let _not_filled = self.filling.read();
        self.disk.get()?.set_len(length)?;
        let mut state = self.state.lock();
        if length < state.length {
            state.written.remove(length..u64::MAX);
            state.unsynced.remove(length..u64::MAX);
            state.base_length = state.base_length.min(length);
        }
        state.length = length;
        state.mtime = now;
        state.generation += 1;
        Ok(())
    }

    /// The same file cut at `length`, with a data file of its own, so that this one can stay as the journal knows it.
    pub(crate) fn cut_copy(&self, directory: &Path, length: u64, now: Millis) -> io::Result<Self> {
        let (base_length, written) = {
            let state = self.state.lock();
            (state.base_length, state.written.clone())
        };
        let copy = DirtyFile::create(directory, base_length.min(length), now)?;
        for Range { start, end } in written.into_iter().filter(|range| range.start < length) {
            let mut at = start;
            let mut piece = vec![0; COPY_STEP];
            while at < end.min(length) {
                let step = (end.min(length) - at).min(COPY_STEP as u64);
                let piece = &mut piece[..step as usize];
                self.read(at, piece)?;
                copy.write(at, piece, now)?;
                at += step;
            }
        }
        copy.truncate(length, now)?;
        Ok(copy)
    }

    /// The MD5 of the whole file, as far as it stands here.
    pub(crate) fn digest(&self) -> io::Result<Digest> {
        let (length, disk) = (self.length(), self.disk.get()?);
        let mut hash = Md5::new();
        let mut piece = vec![0; COPY_STEP];
        let mut at = 0;
        while at < length {
            let step = (length - at).min(COPY_STEP as u64) as usize;
            disk.read_exact_at(&mut piece[..step], at)?;
            hash.update(&piece[..step]);
            at += step as u64;
        }
        Ok(Digest { length, md5: hash.finalize().into() })
    }

    /// Makes zeros of a range within the file.
    pub(crate) fn clear(&self, range: Range<u64>, now: Millis) -> io::Result<()> {
        static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];
        let mut at = range.start;
        while at < range.end {
            let length = ZEROS.len().min((range.end - at) as usize);
            self.write(at, &ZEROS[..length], now)?;
            at += length as u64;
        }
        Ok(())
    }

    /// Where the bytes of `range`, cut at the end of the file, are.
    pub(crate) fn parts(&self, range: Range<u64>) -> Vec<Part> {
        let state = self.state.lock();
        let range = range.start..range.end.min(state.length);
        let mut parts = Vec::new();
        if range.is_empty() {
            return parts;
        }
        let mut at = range.start;
        while at < range.end {
            if let Some(written) = state.written.get(&at) {
                let end = written.end.min(range.end);
                parts.push(Part::Local(at..end));
                at = end;
                continue;
            }
            let end = state.written.gaps(&(at..range.end)).next().map_or(range.end, |gap| gap.end);
            if at < state.base_length {
                let end = end.min(state.base_length);
                parts.push(Part::Base(at..end));
                at = end;
            } else {
                parts.push(Part::Zero(at..end));
                at = end;
            }
        }
        parts
    }

    /// Reads bytes that [`DirtyFile::parts`] called local.
    pub(crate) fn read(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.disk.get()?.read_exact_at(into, offset)
    }

    /// Makes what was written survive the end of the machine.
    pub(crate) fn sync(&self) -> io::Result<()> {
        let filled = self.state.lock().unsynced.clone();
        self.disk.sync()?;
        let mut state = self.state.lock();
        filled.into_iter().for_each(|range| state.unsynced.remove(range));
        Ok(())
    }

    /// As [`DirtyFile::sync`], where so much was written that nobody should wait for all of it at the end. An error is told to
    /// who synchronises next.
    pub(crate) fn sync_ahead(self: &Arc<Self>, runtime: &Handle) {
        if self.disk.wants_sync() {
            let file = Arc::clone(self);
            runtime.spawn_blocking(move || {
                let _ = file.sync();
                file.disk.synced_ahead();
            });
        }
    }

    /// Whether bytes of the base were brought in that a record would not tell of yet.
    pub(crate) fn has_unsynced(&self) -> bool {
        !self.state.lock().unsynced.is_empty()
    }

    /// Removes the data file.
    pub(crate) fn discard(&self) {
        if let Err(error) = std::fs::remove_file(self.place()) {
            tracing::warn!(%error, file = %self.place().display(), "journal: a data file could not be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_cut_off_does_not_come_back() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let file = DirtyFile::create(place.path(), 100, Millis(1)).expect("made");
        file.write(10, b"abcde", Millis(2)).expect("written");
        assert_eq!(file.parts(0..200), [Part::Base(0..10), Part::Local(10..15), Part::Base(15..100)]);
        file.truncate(12, Millis(3)).expect("cut");
        file.truncate(50, Millis(4)).expect("lengthened");
        assert_eq!(file.parts(0..200), [Part::Base(0..10), Part::Local(10..12), Part::Zero(12..50)]);
        let mut bytes = [0; 2];
        file.read(10, &mut bytes).expect("read");
        assert_eq!(&bytes, b"ab");
    }

    #[test]
    fn what_was_cut_off_while_it_was_fetched_is_not_filled_in() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let file = DirtyFile::create(place.path(), 6, Millis(1)).expect("made");
        file.truncate(2, Millis(2)).expect("cut");
        file.truncate(6, Millis(3)).expect("lengthened");
        file.fill(0, b"abcdef").expect("filled");
        assert_eq!(file.parts(0..6), [Part::Local(0..2), Part::Zero(2..6)]);
        file.fill(4, b"ef").expect("nothing to fill");
        assert_eq!(file.parts(0..6), [Part::Local(0..2), Part::Zero(2..6)]);
    }

    #[test]
    fn filling_and_writing_at_the_same_time_keeps_what_was_written() {
        const LENGTH: usize = 200_000;
        let place = tempfile::tempdir().expect("a temporary directory");
        for _ in 0..20 {
            let file = DirtyFile::create(place.path(), LENGTH as u64, Millis(1)).expect("made");
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    (0..LENGTH).step_by(1000).for_each(|at| file.fill(at as u64, &[b'b'; 1000]).expect("filled"));
                });
                (0..LENGTH).step_by(100).for_each(|at| file.write(at as u64, b"w", Millis(2)).expect("written"));
            });
            let mut bytes = vec![0; LENGTH];
            file.read(0, &mut bytes).expect("read");
            let wrong = bytes.iter().enumerate().find(|(at, byte)| **byte != if at % 100 == 0 { b'w' } else { b'b' });
            assert_eq!(wrong, None);
        }
    }

    #[test]
    fn filling_keeps_what_was_written() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let file = DirtyFile::create(place.path(), 6, Millis(1)).expect("made");
        file.write(2, b"XY", Millis(2)).expect("written");
        file.fill(0, b"abcdef").expect("filled");
        assert_eq!(file.parts(0..6), [Part::Local(0..6)]);
        assert_eq!(file.snapshot().written, [(2, 4)], "a record tells of what is certainly on the disk");
        file.sync().expect("synchronised");
        assert_eq!(file.snapshot().written, [(0, 6)]);
        let mut bytes = [0; 6];
        file.read(0, &mut bytes).expect("read");
        assert_eq!(&bytes, b"abXYef");
    }
}
