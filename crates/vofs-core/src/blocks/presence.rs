//! Which blocks of a file are on disk, and whether this process can vouch for them.

use std::collections::HashMap;
use std::ops::Range;

use super::{BLOCK, CHUNK};

/// Blocks in a chunk: as many as the bits of a mask.
pub(super) const PER_CHUNK: usize = (CHUNK / BLOCK) as usize;

/// What is known of one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Absent,
    /// Written by a former mount; its checksum.
    Unverified(u32),
    /// Written, or checked, by this one; its checksum.
    Verified(u32),
}

/// One chunk as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) chunk: u64,
    pub(super) present: u32,
    pub(super) checksums: [u32; PER_CHUNK],
}

#[derive(Debug, Clone, Copy)]
struct Chunk {
    present: u32,
    verified: u32,
    checksums: [u32; PER_CHUNK],
}

/// The blocks of one file.
#[derive(Debug, Default)]
pub(super) struct Presence {
    chunks: HashMap<u64, Chunk>,
    blocks: u64,
    /// How many of them this process can vouch for.
    verified: u64,
}

impl Presence {
    pub(super) fn state(&self, block: u64) -> State {
        let (chunk, bit) = split(block);
        match self.chunks.get(&chunk) {
            Some(found) if found.verified >> bit & 1 == 1 => State::Verified(found.checksums[bit]),
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
        let entry = self.chunks.entry(chunk).or_insert(Chunk { present: 0, verified: 0, checksums: [0; PER_CHUNK] });
        if entry.present >> bit & 1 == 1 {
            return false;
        }
        entry.present |= 1 << bit;
        entry.verified |= 1 << bit;
        entry.checksums[bit] = checksum;
        self.blocks += 1;
        self.verified += 1;
        true
    }

    pub(super) fn verify(&mut self, block: u64) {
        let (chunk, bit) = split(block);
        if let Some(found) = self.chunks.get_mut(&chunk) {
            let before = found.verified;
            found.verified |= found.present & 1 << bit;
            self.verified += u64::from(found.verified != before);
        }
    }

    /// The same for all blocks that are there: the whole was checked.
    pub(super) fn verify_all(&mut self) {
        for chunk in self.chunks.values_mut() {
            chunk.verified = chunk.present;
        }
        self.verified = self.blocks;
    }

    /// True when this process can vouch for all that is there.
    pub(super) fn is_verified(&self) -> bool {
        self.verified == self.blocks
    }

    /// Takes a chunk over from a former mount.
    pub(super) fn restore(&mut self, row: &Row) {
        self.blocks += u64::from(row.present.count_ones());
        self.chunks.insert(row.chunk, Chunk { present: row.present, verified: 0, checksums: row.checksums });
    }

    /// Forgets a chunk.
    pub(super) fn remove(&mut self, chunk: u64) {
        if let Some(removed) = self.chunks.remove(&chunk) {
            self.blocks -= u64::from(removed.present.count_ones());
            self.verified -= u64::from(removed.verified.count_ones());
        }
    }

    /// How many blocks are there.
    pub(super) fn blocks(&self) -> u64 {
        self.blocks
    }

    /// The numbers of all chunks of which something is there.
    pub(super) fn chunks(&self) -> Vec<u64> {
        self.chunks.keys().copied().collect()
    }

    /// The first block of `run` that is not there.
    pub(super) fn first_absent(&self, run: Range<u64>) -> Option<u64> {
        run.into_iter().find(|block| !self.is_present(*block))
    }

    /// The first block of `run` that is there.
    pub(super) fn first_present(&self, run: Range<u64>) -> Option<u64> {
        let chunks = run.start / PER_CHUNK as u64..run.end.div_ceil(PER_CHUNK as u64);
        let known = chunks.filter(|chunk| self.chunks.contains_key(chunk));
        known.flat_map(|chunk| self.row(chunk).blocks().collect::<Vec<_>>()).find(|block| run.contains(block))
    }

    /// The chunk as it is to be stored; empty when nothing of it is present.
    pub(super) fn row(&self, chunk: u64) -> Row {
        self.chunks.get(&chunk).map_or(Row { chunk, present: 0, checksums: [0; PER_CHUNK] }, |found| Row {
            chunk,
            present: found.present,
            checksums: found.checksums,
        })
    }
}

impl Row {
    /// The blocks of the chunk that are present.
    pub(super) fn blocks(&self) -> impl Iterator<Item = u64> + '_ {
        let first = self.chunk * PER_CHUNK as u64;
        (0..PER_CHUNK).filter(|bit| self.present >> bit & 1 == 1).map(move |bit| first + bit as u64)
    }
}

fn split(block: u64) -> (u64, usize) {
    (block / PER_CHUNK as u64, (block % PER_CHUNK as u64) as usize)
}
