//! What a file's bytes are: pieces, each of which follows from a seed.

use vospace_server::store::blob::fill;

/// The bytes of one version of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Content(Vec<(u64, u64)>);

impl Content {
    /// One piece of `length` bytes.
    pub(crate) fn new(seed: u64, length: u64) -> Self {
        Content(vec![(seed, length)])
    }

    /// The same with one more piece behind it.
    pub(crate) fn appended(&self, seed: u64, length: u64) -> Self {
        let mut pieces = self.0.clone();
        pieces.push((seed, length));
        Content(pieces)
    }

    pub(crate) fn length(&self) -> u64 {
        self.0.iter().map(|(_, length)| length).sum()
    }

    /// The bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.length() as usize];
        let mut at = 0;
        for (seed, length) in &self.0 {
            fill(*seed, 0, &mut bytes[at..at + *length as usize]);
            at += *length as usize;
        }
        bytes
    }

    /// Whether these are the bytes.
    pub(crate) fn is(&self, bytes: &[u8]) -> bool {
        bytes.len() as u64 == self.length() && self.bytes() == bytes
    }
}
