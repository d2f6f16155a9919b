//! Programs that write: whole files, appended ones, files that replace others, files that are removed again.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::Place;
use crate::content::Content;

/// Programs at work. Each has names of its own: what several writers of one file do to each other is another test.
const WRITERS: u64 = 3;

/// Names of each.
const NAMES: usize = 6;

/// What one operation may write at once.
const PIECE: usize = 128 << 10;

/// Starts them.
pub(crate) fn start(place: &Arc<Place>, seed: u64) -> Vec<JoinHandle<()>> {
    let start = |number: u64| {
        let place = Arc::clone(place);
        thread::spawn(move || {
            let mut writer = Writer { place, number, random: fastrand::Rng::with_seed(seed + number), written: 0 };
            while !writer.place.over.load(Ordering::Relaxed) {
                writer.operation();
            }
        })
    };
    (1..=WRITERS).map(start).collect()
}

struct Writer {
    place: Arc<Place>,
    number: u64,
    random: fastrand::Rng,
    written: u64,
}

/// Closes a file, and tells what that gave.
fn close(file: File) -> io::Result<()> {
    nix::unistd::close(OwnedFd::from(file)).map_err(io::Error::from)
}

fn write_all(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    bytes.chunks(PIECE).try_for_each(|piece| file.write_all(piece))
}

impl Writer {
    fn operation(&mut self) {
        let place = Arc::clone(&self.place);
        {
            let _allowed = place.gate.read().unwrap();
            let name = format!("w{}-{}", self.number, self.random.usize(0..NAMES));
            let outcome = match self.random.u32(0..10) {
                0..4 => self.whole(&name),
                4..6 => self.append(&name),
                6..9 => self.replace(&name),
                _ => self.remove(&name),
            };
            place.operations.fetch_add(1, Ordering::Relaxed);
            if outcome.is_ok() {
                place.acknowledged.fetch_add(1, Ordering::Relaxed);
            }
        }
        thread::sleep(Duration::from_millis(self.random.u64(0..20)));
    }

    fn length(&mut self) -> u64 {
        match self.random.u32(0..100) {
            0 => self.random.u64(65 << 20..80 << 20),
            1..6 => self.random.u64(1 << 20..8 << 20),
            6..16 => 0,
            _ => self.random.u64(1..60_000),
        }
    }

    fn seed(&mut self) -> u64 {
        self.written += 1;
        self.number * 1_000_000_000 + self.written
    }

    /// Anew, from the first byte.
    fn whole(&mut self, name: &str) -> io::Result<()> {
        let content = Content::new(self.seed(), self.length());
        self.place.ledger.may_become(name, Some(content.clone()));
        let file = File::create(self.place.point.join(name))?;
        write_all(&file, &content.bytes())?;
        if self.random.bool() {
            file.sync_all()?;
            self.place.ledger.is(name, Some(content.clone()));
        }
        close(file)?;
        self.place.ledger.is(name, Some(content));
        Ok(())
    }

    /// More behind what is there.
    fn append(&mut self, name: &str) -> io::Result<()> {
        let Some(Some(before)) = self.place.ledger.certain(name) else { return self.whole(name) };
        let (seed, length) = (self.seed(), self.random.u64(1..30_000));
        let content = before.appended(seed, length);
        self.place.ledger.may_become(name, Some(content.clone()));
        let file = File::options().append(true).open(self.place.point.join(name))?;
        write_all(&file, &Content::new(seed, length).bytes())?;
        file.sync_data()?;
        self.place.ledger.is(name, Some(content));
        close(file)
    }

    /// As an editor saves: beside it, synchronised, and renamed over it.
    fn replace(&mut self, name: &str) -> io::Result<()> {
        let content = Content::new(self.seed(), self.length());
        let beside = format!("{name}.tmp");
        self.place.ledger.may_become(&beside, Some(content.clone()));
        let file = File::create(self.place.point.join(&beside))?;
        write_all(&file, &content.bytes())?;
        file.sync_all()?;
        close(file)?;
        self.place.ledger.is(&beside, Some(content.clone()));
        self.place.ledger.may_become(name, Some(content.clone()));
        self.place.ledger.may_become(&beside, None);
        fs::rename(self.place.point.join(&beside), self.place.point.join(name))?;
        self.place.ledger.is(name, Some(content));
        self.place.ledger.is(&beside, None);
        Ok(())
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.place.ledger.may_become(name, None);
        fs::remove_file(self.place.point.join(name))?;
        self.place.ledger.is(name, None);
        Ok(())
    }
}
