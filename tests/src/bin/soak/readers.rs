//! The readers: how programs read files.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::process::Command;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use vofs_tests::Profile;
use vofs_tests::process::run_within;

use crate::Place;
use crate::content::{Changing, Known, first_wrong};

/// Most that one sequential reader takes of a file before it turns to another: the run is to see many files.
const LONGEST_RUN: u64 = 400 << 20;

/// What FITS readers ask for first.
const HEADER: u64 = 2880;

/// Longest that a request may take when the link is dead: the engine's own deadline and a little.
const PATIENCE: Duration = Duration::from_secs(300);

/// Maps a file and writes pieces of it to standard output. A program of its own, because reading a map of a mount that
/// is killed ends the process by SIGBUS.
const MAP: &str = "
import mmap, sys
with open(sys.argv[1], 'rb') as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as view:
    for piece in sys.argv[2:]:
        at, length = map(int, piece.split('+'))
        sys.stdout.buffer.write(view[at:at + length])
";

type Reader = fn(&Place, &mut fastrand::Rng) -> Result<(), Failed>;

/// What a reader could not do, and since when it tried.
struct Failed {
    what: String,
    error: io::Error,
}

fn at(what: impl Into<String>) -> impl FnOnce(io::Error) -> Failed {
    move |error| Failed { what: what.into(), error }
}

/// Starts the readers of one place.
pub(crate) fn start(place: &Arc<Place>, seed: u64) -> Vec<JoinHandle<()>> {
    const READERS: [(&str, Reader); 9] = [
        ("sequential", sequential),
        ("sequential", sequential),
        ("random", random_pieces),
        ("random", random_pieces),
        ("strided", strided),
        ("mapped", mapped),
        ("header sweep", header_sweep),
        ("changing", changing),
        ("listing", listing),
    ];
    let start = |(number, (kind, reader)): (u64, (&'static str, Reader))| {
        let place = Arc::clone(place);
        thread::spawn(move || {
            let mut random = fastrand::Rng::with_seed(seed + number);
            while !place.is_over() {
                let held = place.gate.read().unwrap();
                let begun = Instant::now();
                let outcome = reader(&place, &mut random);
                drop(held);
                place.tally.operation(kind, begun.elapsed());
                if let Err(Failed { what, error }) = outcome {
                    place.tally.error(&format!("{kind} {what}"), &error, place.troubles.overlap(begun));
                    place.rest(Duration::from_millis(500));
                }
            }
        })
    };
    (0..).zip(READERS).map(start).collect()
}

fn any_file(place: &Place, random: &mut fastrand::Rng, from: usize) -> Known {
    let collection = place.collections[random.usize(from..place.collections.len())];
    collection.file(random.u64(0..collection.count))
}

/// Reads a piece and checks it.
fn check(place: &Place, file: &File, known: &Known, offset: u64, length: u64) -> Result<(), Failed> {
    let mut bytes = vec![0; length.min(known.length - offset) as usize];
    match file.read_exact_at(&mut bytes, offset) {
        Ok(()) => compare(place, known, offset, &bytes),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            place.tally.mismatch(format!("{}: ends early, within {} bytes from {offset}", known.path, bytes.len()));
        }
        Err(error) => return Err(at(format!("{} at {offset}", known.path))(error)),
    }
    Ok(())
}

fn compare(place: &Place, known: &Known, offset: u64, bytes: &[u8]) {
    match first_wrong(known.seed, offset, bytes) {
        None => place.tally.right(bytes.len()),
        Some(wrong) => {
            let around = &bytes[(wrong - offset) as usize..bytes.len().min((wrong - offset) as usize + 16)];
            place.tally.mismatch(format!(
                "{} {}: wrong from byte {wrong} of {} bytes read at {offset}: {around:02x?}",
                place.profile.name(),
                known.path,
                bytes.len()
            ));
        }
    }
}

fn open(place: &Place, path: &str) -> Result<File, Failed> {
    File::open(place.point.join(path)).map_err(at(format!("open {path}")))
}

fn sequential(place: &Place, random: &mut fastrand::Rng) -> Result<(), Failed> {
    let known = any_file(place, random, 0);
    let file = open(place, &known.path)?;
    let block = [4096, 65_536, 1 << 20, 100_000][random.usize(0..4)];
    // From the beginning like `cp`, or from somewhere like a program that skips to its extension.
    let mut offset = if random.bool() { 0 } else { random.u64(0..known.length) };
    let end = known.length.min(offset + LONGEST_RUN);
    while offset < end && !place.wants_ends() {
        check(place, &file, &known, offset, block)?;
        offset += block;
    }
    Ok(())
}

/// Pieces that are read of one file. A service without ranges sends half of a large file for a far piece of it.
fn pieces(place: &Place, known: &Known) -> usize {
    if place.profile == Profile::Cavern && known.length > LONGEST_RUN { 5 } else { 100 }
}

fn random_pieces(place: &Place, random: &mut fastrand::Rng) -> Result<(), Failed> {
    let known = any_file(place, random, 0);
    let file = open(place, &known.path)?;
    for _ in 0..pieces(place, &known) {
        if place.wants_ends() {
            break;
        }
        let length = if random.bool() { 4096 } else { random.u64(1..300_000) };
        check(place, &file, &known, random.u64(0..known.length), length)?;
    }
    Ok(())
}

fn strided(place: &Place, random: &mut fastrand::Rng) -> Result<(), Failed> {
    let known = any_file(place, random, 0);
    let file = open(place, &known.path)?;
    let (stride, length) = (random.u64(10_000..2_000_000), random.u64(100..60_000));
    let offsets = (0..known.length).step_by(stride as usize);
    for offset in offsets.take(200).take_while(|_| !place.wants_ends()) {
        check(place, &file, &known, offset, length)?;
    }
    Ok(())
}

fn mapped(place: &Place, random: &mut fastrand::Rng) -> Result<(), Failed> {
    let known = any_file(place, random, 1);
    let pieces: Vec<(u64, u64)> = (0..20)
        .map(|_| {
            let offset = random.u64(0..known.length);
            (offset, random.u64(1..500_000).min(known.length - offset))
        })
        .collect();
    let arguments = pieces.iter().map(|(offset, length)| format!("{offset}+{length}"));
    let mut python = Command::new("python3");
    python.args(["-c", MAP]).arg(place.point.join(&known.path)).args(arguments);
    let finished = run_within(&mut python, PATIENCE);
    if finished.status != 0 {
        let last = finished.stderr.lines().last().unwrap_or_default();
        let text = format!("python ended with {}: {last}", finished.status);
        return Err(at(format!("{} mapped", known.path))(io::Error::other(text)));
    }
    let mut rest = &finished.bytes[..];
    for (offset, length) in pieces {
        let (piece, others) = rest.split_at_checked(length as usize).unwrap_or((rest, &[]));
        compare(place, &known, offset, piece);
        rest = others;
    }
    Ok(())
}

fn header_sweep(place: &Place, random: &mut fastrand::Rng) -> Result<(), Failed> {
    let collection = place.collections[random.usize(1..place.collections.len())];
    let first = random.u64(0..collection.count);
    for index in (first..collection.count).take(200).take_while(|_| !place.wants_ends()) {
        let known = collection.file(index);
        let file = open(place, &known.path)?;
        check(place, &file, &known, 0, HEADER)?;
    }
    Ok(())
}

/// A file that changes is one of its versions from beginning to end, and not one that is long gone.
fn changing(place: &Place, random: &mut fastrand::Rng) -> Result<(), Failed> {
    let number = random.usize(0..Changing::COUNT);
    let path = Changing::path(number);
    let opened = Instant::now();
    let mut bytes = Vec::new();
    let read = open(place, &path).and_then(|mut file| file.read_to_end(&mut bytes).map_err(at(path.clone())));
    let (possible, torn) = place.changing.possible(number, opened);
    // While it is replaced a reader may be told that his version is gone, or find none.
    if let Err(failed) = read {
        let gone = matches!(failed.error.raw_os_error(), Some(nix::libc::ESTALE | nix::libc::EIO));
        if possible.len() > 1 && gone {
            place.tally.error(&path, &failed.error, true);
            return Ok(());
        }
        return Err(failed);
    }
    let is = |seed: u64, bytes: &[u8]| first_wrong(seed, 0, bytes).is_none();
    let whole = possible.iter().any(|version| version.length == bytes.len() as u64 && is(version.seed, &bytes));
    // A service that writes in place shows how far the bytes have come.
    let part = || place.profile == Profile::Cavern && torn && possible.iter().any(|version| is(version.seed, &bytes));
    if whole || part() {
        place.tally.right(bytes.len());
    } else {
        let seeds: Vec<u64> = possible.iter().map(|version| version.seed).collect();
        place.tally.mismatch(format!(
            "{} {path}: {} bytes are none of the versions {seeds:?}",
            place.profile.name(),
            bytes.len()
        ));
    }
    place.rest(Duration::from_millis(300));
    Ok(())
}

/// A listing names every file with its length.
fn listing(place: &Place, random: &mut fastrand::Rng) -> Result<(), Failed> {
    let collection = place.collections[random.usize(0..place.collections.len())];
    let directory = place.point.join(collection.directory);
    let mut found = 0;
    for entry in fs::read_dir(&directory).map_err(at(collection.directory))? {
        let entry = entry.map_err(at(collection.directory))?;
        let metadata = entry.metadata().map_err(at(format!("stat {}", entry.path().display())))?;
        if metadata.size() != collection.length {
            place.tally.mismatch(format!("{}: length {}", entry.path().display(), metadata.size()));
        }
        found += 1;
    }
    if found != collection.count {
        let name = place.profile.name();
        place.tally.mismatch(format!("{name} {}: {found} names of {}", collection.directory, collection.count));
    }
    place.rest(Duration::from_secs(1));
    Ok(())
}
