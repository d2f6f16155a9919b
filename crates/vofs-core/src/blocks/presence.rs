//! Which blocks of a file are on disk, and whether this process can vouch for them.

use std::collections::HashMap;

use super::{BLOCK, CHUNK};

/// Blocks in a chunk.
pub(super) const PER_CHUNK: usize = (CHUNK / BLOCK) as usize;

/// What is known of one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Absent,
    /// Written by a former mount; its checksum.
    Unverified(u32),
    /// Written, or checked, by this one.
    Verified,
}

/// One chunk as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) chunk: u64,
    pub(super) present: u16,
    pub(super) checksums: [u32; PER_CHUNK],
}

impl Row {
    /// Bytes present, of a file of `length` bytes.
    pub(super) fn bytes(&self, length: u64) -> u64 {
        (0..PER_CHUNK)
            .filter(|bit| self.present >> bit & 1 == 1)
            .map(|bit| length.saturating_sub(self.chunk * CHUNK + bit as u64 * BLOCK).min(BLOCK))
            .sum()
    }

    /// True when nothing of the chunk is missing, of a file of `length` bytes.
    pub(super) fn is_complete(&self, length: u64) -> bool {
        self.bytes(length) == length.saturating_sub(self.chunk * CHUNK).min(CHUNK)
    }
}

#[derive(Debug, Clone, Copy)]
struct Chunk {
    present: u16,
    verified: u16,
    checksums: [u32; PER_CHUNK],
}

/// The blocks of one file.
#[derive(Debug, Default)]
pub(super) struct Presence(HashMap<u64, Chunk>);

impl Presence {
    pub(super) fn state(&self, block: u64) -> State {
        let (chunk, bit) = split(block);
        match self.0.get(&chunk) {
            Some(found) if found.verified >> bit & 1 == 1 => State::Verified,
            Some(found) if found.present >> bit & 1 == 1 => State::Unverified(found.checksums[bit]),
            _ => State::Absent,
        }
    }

    pub(super) fn is_present(&self, block: u64) -> bool {
        self.state(block) != State::Absent
    }

    /// Notes a block of this process; false when it was there already.
    pub(super) fn insert(&mut self, block: u64, checksum: u32) -> bool {
        let (chunk, bit) = split(block);
        let entry = self.0.entry(chunk).or_insert(Chunk { present: 0, verified: 0, checksums: [0; PER_CHUNK] });
        if entry.present >> bit & 1 == 1 {
            return false;
        }
        entry.present |= 1 << bit;
        entry.verified |= 1 << bit;
        entry.checksums[bit] = checksum;
        true
    }

    pub(super) fn verify(&mut self, block: u64) {
        let (chunk, bit) = split(block);
        if let Some(found) = self.0.get_mut(&chunk) {
            found.verified |= found.present & 1 << bit;
        }
    }

    /// Takes a chunk over from a former mount.
    pub(super) fn restore(&mut self, row: &Row) {
        self.0.insert(row.chunk, Chunk { present: row.present, verified: 0, checksums: row.checksums });
    }

    /// Forgets a chunk.
    pub(super) fn remove(&mut self, chunk: u64) {
        self.0.remove(&chunk);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The chunk as it is to be stored; empty when nothing of it is present.
    pub(super) fn row(&self, chunk: u64) -> Row {
        self.0.get(&chunk).map_or(Row { chunk, present: 0, checksums: [0; PER_CHUNK] }, |found| Row {
            chunk,
            present: found.present,
            checksums: found.checksums,
        })
    }
}

fn split(block: u64) -> (u64, usize) {
    (block / PER_CHUNK as u64, (block % PER_CHUNK as u64) as usize)
}
