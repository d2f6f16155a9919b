//! The digest of bytes as they pass. Large pieces are hashed on another thread, while whoever has them writes them: hashing
//! and writing then take the time of one of them.

use bytes::Bytes;
use md5::Digest as _;
use tokio::task::JoinHandle;

use crate::node::Md5;

/// From this size on a piece takes so long to hash (half a millisecond) that handing it over does not count.
const LARGE: usize = 256 << 10;

/// See the module.
#[derive(Debug)]
pub(super) struct Digest(Hashing);

#[derive(Debug)]
enum Hashing {
    Here(md5::Md5),
    Elsewhere(JoinHandle<md5::Md5>),
}

impl Digest {
    /// Goes on from what was hashed before.
    pub(super) fn new(hasher: md5::Md5) -> Self {
        Digest(Hashing::Here(hasher))
    }

    /// Adds a piece. Returns when the one before it was hashed.
    pub(super) async fn update(&mut self, piece: &Bytes) {
        let mut hasher = self.hasher().await;
        self.0 = if piece.len() < LARGE {
            hasher.update(piece);
            Hashing::Here(hasher)
        } else {
            let piece = piece.clone();
            Hashing::Elsewhere(tokio::task::spawn_blocking(move || {
                hasher.update(&piece);
                hasher
            }))
        };
    }

    /// The digest of everything.
    pub(super) async fn finish(mut self) -> Md5 {
        Md5(self.hasher().await.finalize().into())
    }

    async fn hasher(&mut self) -> md5::Md5 {
        match std::mem::replace(&mut self.0, Hashing::Here(md5::Md5::new())) {
            Hashing::Here(hasher) => hasher,
            Hashing::Elsewhere(task) => match task.await {
                Ok(hasher) => hasher,
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pieces_of_any_size_make_the_digest_of_the_whole() {
        let mut whole = Vec::new();
        let mut digest = Digest::new(md5::Md5::new());
        for (at, length) in [3, LARGE, 0, 2 * LARGE + 1, LARGE - 1, LARGE, LARGE, 5].into_iter().enumerate() {
            let piece = vec![at as u8; length];
            whole.extend_from_slice(&piece);
            digest.update(&piece.into()).await;
        }
        assert_eq!(digest.finish().await, Md5(md5::Md5::digest(whole).into()));
    }
}
