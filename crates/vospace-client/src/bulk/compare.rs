//! Whether a local file and a node hold the same bytes: length first, digest only where the lengths agree.
//!
//! What a listing says may be half a minute behind (Vault, observed): see [`Compare`](super::Compare) for who may take
//! its word.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use md5::Digest as _;

use crate::node::{Md5, Node, Timestamp};
use crate::uri::VosUri;

use super::{BulkError, Compare};

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

/// What is known of the bytes of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    length: Option<u64>,
    md5: Option<Md5>,
    date: Option<Timestamp>,
}

impl Facts {
    /// Bytes of the file. Unknown is not none: services leave the length out of listings, and some of nodes.
    pub(super) fn length(&self) -> Option<u64> {
        self.length
    }

    /// Their digest.
    pub(super) fn md5(&self) -> Option<Md5> {
        self.md5
    }

    /// When they came to be, as far as the service tells.
    pub(super) fn date(&self) -> Option<Timestamp> {
        self.date
    }

    /// Whether `copy`, a node too, holds the same bytes by the rule of `how`.
    pub(super) fn is_copied(&self, copy: &Facts, how: Compare) -> bool {
        self.length.is_some()
            && self.length == copy.length
            && match how {
                Compare::Nothing => false,
                Compare::Times => self.date.zip(copy.date).is_some_and(|(date, copied)| copied >= date),
                Compare::Nodes | Compare::Listings if self.length == Some(0) => {
                    !self.is_emptied() && !copy.is_emptied()
                }
                Compare::Nodes | Compare::Listings => self.md5.is_some() && self.md5 == copy.md5,
            }
    }

    /// Whether the file has no bytes beside the digest of some: what a failed upload leaves on Cavern (observed).
    fn is_emptied(&self) -> bool {
        self.length == Some(0) && self.md5.is_some_and(|md5| md5 != Md5::EMPTY)
    }

    /// An error if the bytes of the file `node` were lost, so that nothing is copied for something.
    pub(super) fn check_emptied(&self, node: &VosUri) -> Result<(), BulkError> {
        match self.md5 {
            Some(expected) if self.is_emptied() => {
                Err(BulkError::Corrupt { node: node.clone(), expected, actual: Md5::EMPTY })
            }
            _ => Ok(()),
        }
    }
}

impl From<&Node> for Facts {
    fn from(node: &Node) -> Self {
        let properties = &node.properties;
        Facts {
            length: properties.length(),
            md5: properties.md5(),
            date: properties.content_date().or_else(|| properties.date()),
        }
    }
}

/// Whether a file is unchanged by the rule of `how`, `newer` being the side that was written after the other if they
/// are the same.
pub(super) async fn is_unchanged(path: &Path, facts: &Facts, how: Compare, newer: Side) -> io::Result<bool> {
    match how {
        Compare::Nothing => Ok(false),
        Compare::Times => {
            let local = tokio::fs::metadata(path).await?;
            // To the second: the time that a copy gets comes out of an HTTP date (RFC 9110 §5.6.7).
            let modified = Timestamp::try_from(local.modified()?).map_err(io::Error::other)?.as_second();
            let in_order = facts.date.map(Timestamp::as_second).is_some_and(|date| match newer {
                Side::Remote => date >= modified,
                Side::Local => modified >= date,
            });
            Ok(facts.length == Some(local.len()) && in_order)
        }
        Compare::Nodes | Compare::Listings => Ok(compare(path, facts).await? == Verdict::Same),
    }
}

/// One end of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Local,
    Remote,
}

/// Compares the local file `path` with the bytes of a node.
pub(super) async fn compare(path: &Path, facts: &Facts) -> io::Result<Verdict> {
    let length = tokio::fs::metadata(path).await?.len();
    if facts.length != Some(length) {
        return Ok(Verdict::Differs(None));
    }
    let Some(expected) = facts.md5 else {
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

    #[tokio::test]
    async fn times_tell_which_side_is_newer() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        std::fs::write(&path, b"abc").unwrap();
        let modified = Timestamp::try_from(std::fs::metadata(&path).unwrap().modified().unwrap()).unwrap();
        let facts = |seconds: i64, length: u64| Facts {
            length: Some(length),
            md5: None,
            date: Some(modified + jiff::SignedDuration::from_secs(seconds)),
        };
        for (seconds, length, newer, expected) in [
            (5, 3, Side::Remote, true),
            (-5, 3, Side::Remote, false),
            (5, 4, Side::Remote, false),
            (-5, 3, Side::Local, true),
            (5, 3, Side::Local, false),
        ] {
            let found = is_unchanged(&path, &facts(seconds, length), Compare::Times, newer).await.unwrap();
            assert_eq!(found, expected, "{seconds} {length} {newer:?}");
        }
        assert!(!is_unchanged(&path, &facts(5, 3), Compare::Nothing, Side::Remote).await.unwrap());
    }
    use crate::node::{NodeKind, Properties, property};

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
        compare(&path, &Facts::from(node)).await.unwrap()
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
    async fn an_unknown_length_is_that_of_no_file() {
        let unknown = node(None, None);
        assert_eq!(verdict(b"", &unknown).await, Verdict::Differs(None));
        let unknown = Facts::from(&unknown);
        for how in [Compare::Nodes, Compare::Listings, Compare::Times] {
            assert!(!unknown.is_copied(&unknown, how), "{how:?}");
        }
    }

    #[test]
    fn what_a_failed_put_left_is_no_copy_and_not_to_be_copied() {
        let facts = |length: &str, md5: Option<&str>| Facts::from(&node(Some(length), md5));
        let (empty, emptied) = (facts("0", None), facts("0", Some(ABC)));
        assert!(empty.is_copied(&facts("0", Some(&Md5::EMPTY.to_string())), Compare::Listings));
        assert!(!empty.is_copied(&emptied, Compare::Listings) && !emptied.is_copied(&empty, Compare::Nodes));
        let uri = VosUri::new("cadc.nrc.ca~arc", "/f");
        assert!(empty.check_emptied(&uri).is_ok() && facts("3", Some(ABC)).check_emptied(&uri).is_ok());
        assert!(emptied.check_emptied(&uri).unwrap_err().to_string().contains(ABC));
    }

    #[tokio::test]
    async fn empty_is_empty_but_not_what_a_failed_put_left() {
        assert_eq!(verdict(b"", &node(Some("0"), None)).await, Verdict::Same);
        // Length 0 with another file's digest: Cavern after a failed PUT (observed).
        assert!(matches!(verdict(b"", &node(Some("0"), Some(ABC))).await, Verdict::Differs(Some(_))));
    }
}
