//! The bytes of a blob as they are read: from its file, or computed.
//!
//! A *pattern* is a file without data: its name says which sequence its bytes are, its length is that of a file on disk
//! that is all hole. So a space of any size can be populated for tests and every byte that a client gets can be checked
//! without a copy. A pattern that is written in place (Cavern's way) has data from then on, and is an ordinary file.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt as _;

/// How names of patterns begin; other blobs and files are named by random UUIDs.
const PREFIX: &str = "pattern-";

/// Bytes of a word of the sequence.
const WORD: u64 = 8;

/// A blob, open for reading.
#[derive(Debug)]
pub enum Blob {
    /// Its bytes are on disk.
    Stored(File),
    /// Its bytes follow from their place.
    Computed(Pattern),
}

/// A place in a computed sequence of bytes.
#[derive(Clone, Copy, Debug)]
pub struct Pattern {
    seed: u64,
    length: u64,
    at: u64,
}

impl From<File> for Blob {
    fn from(file: File) -> Blob {
        Blob::Stored(file)
    }
}

impl Blob {
    /// The blob of this name, of which this is the file.
    pub fn of(id: &str, file: File) -> io::Result<Blob> {
        let Some(seed) = seed_of(id) else { return Ok(Blob::Stored(file)) };
        let metadata = file.metadata()?;
        let is_hole = metadata.blocks() == 0;
        Ok(if is_hole { Blob::Computed(Pattern::new(seed, metadata.len())) } else { Blob::Stored(file) })
    }

    /// Bytes in all.
    pub fn length(&self) -> io::Result<u64> {
        match self {
            Blob::Stored(file) => Ok(file.metadata()?.len()),
            Blob::Computed(pattern) => Ok(pattern.length),
        }
    }

    /// A second reader, at the same place.
    pub fn try_clone(&self) -> io::Result<Blob> {
        Ok(match self {
            Blob::Stored(file) => Blob::Stored(file.try_clone()?),
            Blob::Computed(pattern) => Blob::Computed(*pattern),
        })
    }
}

/// The name of a blob or file whose bytes are the sequence of this seed; `unique` tells those of one seed apart.
pub fn pattern_id(seed: u64, unique: &str) -> String {
    format!("{PREFIX}{seed:016x}-{unique}")
}

fn seed_of(id: &str) -> Option<u64> {
    u64::from_str_radix(id.strip_prefix(PREFIX)?.get(..16)?, 16).ok()
}

/// Writes into `bytes` what stands at `offset` of the sequence of `seed`: 64-bit words, little-endian, each the
/// splitmix64 of the seed and the word's number, so that bytes of other places, files or runs are never the same.
pub fn fill(seed: u64, offset: u64, bytes: &mut [u8]) {
    let start = (offset % WORD) as usize;
    let mut number = offset / WORD;
    let (head, body) = bytes.split_at_mut(((WORD as usize - start) % WORD as usize).min(bytes.len()));
    if !head.is_empty() {
        let count = head.len();
        head.copy_from_slice(&word(seed, number)[start..start + count]);
        number += 1;
    }
    for piece in body.chunks_mut(WORD as usize) {
        piece.copy_from_slice(&word(seed, number)[..piece.len()]);
        number += 1;
    }
}

/// Splitmix64 (Steele, Lea and Flood 2014), addressed by number: its state advances by a constant.
fn word(seed: u64, number: u64) -> [u8; WORD as usize] {
    let mixed = (seed ^ (seed >> 31)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    let mut z = mixed.wrapping_add((number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)).to_le_bytes()
}

impl Pattern {
    /// The first `length` bytes of the sequence of `seed`, at its beginning.
    pub fn new(seed: u64, length: u64) -> Pattern {
        Pattern { seed, length, at: 0 }
    }
}

impl Read for Pattern {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.length.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let count = bytes.len().min(left);
        fill(self.seed, self.at, &mut bytes[..count]);
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Pattern {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(distance) => self.length.checked_add_signed(distance),
            SeekFrom::Current(distance) => self.at.checked_add_signed(distance),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

impl Read for Blob {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Blob::Stored(file) => file.read(bytes),
            Blob::Computed(pattern) => pattern.read(bytes),
        }
    }
}

impl Seek for Blob {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Blob::Stored(file) => file.seek(to),
            Blob::Computed(pattern) => pattern.seek(to),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_piece_of_a_pattern_is_the_same_as_in_the_whole() {
        let mut whole = Vec::new();
        Pattern::new(7, 1003).read_to_end(&mut whole).unwrap();
        assert_eq!(whole.len(), 1003);
        for (offset, length) in [(0, 1), (1, 7), (5, 3), (5, 2), (8, 16), (13, 990), (1003, 0)] {
            let mut piece = vec![0; length];
            fill(7, offset as u64, &mut piece);
            assert_eq!(piece, whole[offset..offset + length], "{length} bytes at {offset}");
        }
        let mut other = vec![0; 1003];
        fill(8, 0, &mut other);
        assert!(other.iter().zip(&whole).filter(|(a, b)| a == b).count() < 50, "another seed gives other bytes");
    }

    #[test]
    fn a_pattern_that_was_written_is_an_ordinary_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(100_000).unwrap();
        let open = || Blob::of(&pattern_id(1, "x"), File::open(file.path()).unwrap()).unwrap();
        assert!(matches!(open(), Blob::Computed(_)));
        assert_eq!(open().length().unwrap(), 100_000);
        std::fs::write(file.path(), b"written").unwrap();
        assert!(matches!(open(), Blob::Stored(_)));
        assert!(matches!(Blob::of("0f-uuid", File::open(file.path()).unwrap()).unwrap(), Blob::Stored(_)));
    }
}
