//! Whether a local file and a node hold the same bytes: length first, digest only where the lengths agree.
//!
//! The node must have been read by itself. One out of a listing may be half a minute behind (Vault, observed) and would
//! declare a changed file unchanged.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use md5::Digest as _;

use crate::node::{Md5, Node};

/// One read of the disk while hashing: large enough that the system call does not show, small enough for the cache.
const READ_SIZE: usize = 256 * 1024;

/// What a comparison found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The same bytes.
    Same,
    /// Other bytes, or not known; with the digest of the local file where it had to be computed.
    Differs(Option<Md5>),
}

/// Compares the local file `path` with `node`.
pub(super) async fn compare(path: &Path, node: &Node) -> io::Result<Verdict> {
    let length = tokio::fs::metadata(path).await?.len();
    // A node that never received bytes may carry no length at all.
    if node.properties.length().unwrap_or(0) != length {
        return Ok(Verdict::Differs(None));
    }
    let Some(expected) = node.properties.md5() else {
        return Ok(if length == 0 { Verdict::Same } else { Verdict::Differs(None) });
    };
    let actual = file_md5(path.to_owned()).await?;
    Ok(if actual == expected { Verdict::Same } else { Verdict::Differs(Some(actual)) })
}

/// The digest of a local file.
async fn file_md5(path: PathBuf) -> io::Result<Md5> {
    tokio::task::spawn_blocking(move || {
        let mut file = File::open(path)?;
        let mut hasher = md5::Md5::new();
        let mut buffer = vec![0; READ_SIZE];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return Ok(Md5(hasher.finalize().into())),
                Ok(count) => hasher.update(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    })
    .await
    .unwrap_or_else(|error| Err(io::Error::other(error)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::{NodeKind, Properties, property};
    use crate::uri::VosUri;

    /// MD5 of `abc` (RFC 1321).
    const ABC: &str = "900150983cd24fb0d6963f7d28e17f72";

    fn node(length: Option<&str>, md5: Option<&str>) -> Node {
        let mut properties = Properties::new();
        if let Some(length) = length {
            properties.set(property::LENGTH, length);
        }
        if let Some(md5) = md5 {
            properties.set(property::MD5, md5);
        }
        Node { uri: VosUri::new("cadc.nrc.ca~vault", "/a"), kind: NodeKind::Data { busy: false }, properties }
    }

    async fn verdict(bytes: &[u8], node: &Node) -> Verdict {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        std::fs::write(&path, bytes).unwrap();
        compare(&path, node).await.unwrap()
    }

    #[tokio::test]
    async fn same_bytes_are_the_same() {
        assert_eq!(verdict(b"abc", &node(Some("3"), Some(ABC))).await, Verdict::Same);
    }

    #[tokio::test]
    async fn other_bytes_of_the_same_length_differ_and_tell_their_digest() {
        let Verdict::Differs(Some(md5)) = verdict(b"abd", &node(Some("3"), Some(ABC))).await else { panic!("same") };
        assert_ne!(md5.to_string(), ABC);
    }

    #[tokio::test]
    async fn another_length_differs_without_hashing() {
        assert_eq!(verdict(b"abcd", &node(Some("3"), Some(ABC))).await, Verdict::Differs(None));
    }

    #[tokio::test]
    async fn bytes_without_a_digest_are_never_called_the_same() {
        assert_eq!(verdict(b"abc", &node(Some("3"), None)).await, Verdict::Differs(None));
    }

    #[tokio::test]
    async fn empty_is_empty_but_not_what_a_failed_put_left() {
        assert_eq!(verdict(b"", &node(None, None)).await, Verdict::Same);
        // Length 0 with another file's digest: Cavern after a failed PUT (observed).
        assert!(matches!(verdict(b"", &node(Some("0"), Some(ABC))).await, Verdict::Differs(Some(_))));
    }
}
