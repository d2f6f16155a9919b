//! What identifies the bytes of a file, and how two such descriptions compare.
//!
//! A Vault names the same bytes by different `core#date`s without anybody's doing, drops MD5 and content-date from its
//! listings for a while, and shows old lengths; a Cavern keeps the MD5 of old bytes after a change behind its back.
//! So `core#date` counts only where a service gives no content-date, and what cannot be decided is
//! [`Comparison::Unknown`]: the caller then asks for the single node before it throws anything away.
//!
//! A service that gives neither digest nor date tells nothing of a change that keeps the length. There a description is
//! marked with the time from which on the bytes are taken to be those (`Version::taken`), which the metadata cache hands on
//! as long as nothing contradicts it, and an opening sets anew when it is too long ago: then they are read anew.

mod pin;

use serde::{Deserialize, Serialize};

use crate::clock::Millis;

pub(crate) use pin::{Answer, Pin};

/// What a service says of the bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Version {
    /// Length in bytes.
    pub length: u64,
    /// MD5 of the whole file, where given.
    pub md5: Option<[u8; 16]>,
    /// When these bytes were stored (`core#content-date`); Vault only.
    pub content_date: Option<Millis>,
    /// `core#date`: a modification time on a Cavern, nearly meaningless on a Vault.
    pub date: Option<Millis>,
    /// Where the service gives nothing of that: since when these bytes are taken to be the file's. It decides only where one
    /// of two descriptions has nothing else.
    #[serde(default)]
    pub taken: Option<Millis>,
}

/// How two versions relate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// The same bytes.
    Same,
    /// Other bytes.
    Different,
    /// Not decidable from what is known.
    Unknown,
}

impl Version {
    /// Compares two descriptions of one node's bytes.
    pub fn compare(&self, other: &Version) -> Comparison {
        use Comparison::{Different, Same, Unknown};
        if self.length != other.length {
            return Different;
        }
        if self.length == 0 {
            // No bytes are the same as no bytes; services rarely give an empty file a digest.
            return Same;
        }
        if let Some((mine, theirs)) = self.taken.zip(other.taken)
            && (self.is_bare() || other.is_bare())
        {
            return if mine == theirs { Same } else { Different };
        }
        let digests = self.md5.zip(other.md5).map(|(a, b)| a == b);
        let stored = self.content_date.zip(other.content_date).map(|(a, b)| a == b);
        match (digests, stored) {
            (Some(false), _) => Different,
            (Some(true), _) if self.content_date.is_some() || other.content_date.is_some() => Same,
            // No content-date on either side: a service whose MD5 may be that of older bytes, and whose date is live.
            (Some(true), _) => match self.date.zip(other.date) {
                Some((a, b)) if a != b => Different,
                _ => Same,
            },
            (None, Some(true)) => Same,
            (None, Some(false)) => Different,
            (None, None) if self.content_date.is_none() && other.content_date.is_none() => {
                match self.date.zip(other.date) {
                    // A digest that only one of them has is our own, of a service that gives none.
                    Some((a, b)) if a == b => Same,
                    Some((a, b)) if a != b && self.md5.is_none() && other.md5.is_none() => Different,
                    _ => Unknown,
                }
            }
            (None, None) => Unknown,
        }
    }

    /// True when nothing but its length tells a file that has bytes from others.
    pub fn is_bare(&self) -> bool {
        self.length > 0 && self.md5.is_none() && self.content_date.is_none() && self.date.is_none()
    }

    /// True when `told`, as the service has just given it, is this version as far as that can be told.
    pub fn is_told_as(&self, told: &Version) -> bool {
        self.is_same(told) || told.is_bare() && told.length == self.length
    }

    /// True when the two certainly are the same bytes.
    pub fn is_same(&self, other: &Version) -> bool {
        self.compare(other) == Comparison::Same
    }

    /// True when this is what a failed PUT in place left where `base` was: a Cavern then shows the digest of the former
    /// bytes over none of them, or over a part of the new ones if the service itself died (observed). None of them is
    /// proof enough; a part is it only for who knows that a PUT was `begun`, because programs that write behind the
    /// service's back leave an old digest too.
    pub fn is_wreck(&self, base: Option<&Version>, begun: bool) -> bool {
        if self.content_date.is_some() {
            // A Vault replaces in one step.
            return false;
        }
        if self.is_bare() {
            // Nothing tells a whole file of somebody else from a part of ours, and ours is in the journal.
            return begun;
        }
        match base.and_then(|base| base.md5) {
            Some(md5) => self.md5 == Some(md5) && (begun || self.length == 0),
            None => begun && self.md5.is_none(),
        }
    }

    /// Takes over what `newer` knows of the same bytes and this does not.
    pub fn enrich(&mut self, newer: &Version) {
        self.md5 = newer.md5.or(self.md5);
        self.content_date = newer.content_date.or(self.content_date);
        self.date = newer.date.or(self.date);
        self.taken = self.taken.or(newer.taken);
    }

    /// The best modification time known.
    pub fn modified(&self) -> Option<Millis> {
        self.content_date.or(self.date)
    }
}

#[cfg(test)]
mod tests {
    use super::Comparison::{Different, Same, Unknown};
    use super::*;

    fn vault(length: u64, md5: Option<u8>, content: Option<i64>, date: i64) -> Version {
        let (md5, content_date) = (md5.map(|b| [b; 16]), content.map(Millis));
        Version { length, md5, content_date, date: Some(Millis(date)), taken: None }
    }

    fn bare(length: u64, taken: Option<i64>) -> Version {
        Version { length, taken: taken.map(Millis), ..Version::default() }
    }

    #[test]
    fn a_jumping_date_alone_changes_nothing_on_a_vault() {
        let a = vault(10, Some(1), Some(100), 100);
        assert_eq!(a.compare(&vault(10, Some(1), Some(100), 999)), Same);
        assert_eq!(a.compare(&vault(10, Some(2), Some(100), 100)), Different);
        assert_eq!(a.compare(&vault(10, Some(1), Some(200), 100)), Same, "the same bytes were stored again");
    }

    #[test]
    fn a_listing_without_md5_and_content_date_decides_nothing() {
        let known = vault(10, Some(1), Some(100), 100);
        assert_eq!(known.compare(&vault(10, None, None, 500)), Unknown);
        assert_eq!(known.compare(&vault(0, None, None, 500)), Different);
    }

    #[test]
    fn an_old_md5_does_not_hide_a_change_where_the_date_is_live() {
        let cavern = vault(10, Some(1), None, 100);
        assert_eq!(cavern.compare(&vault(10, Some(1), None, 100)), Same);
        assert_eq!(cavern.compare(&vault(10, Some(1), None, 101)), Different);
        assert_eq!(vault(10, None, None, 100).compare(&vault(10, None, None, 101)), Different);
    }

    #[test]
    fn the_wreck_of_a_put_is_told_from_the_work_of_others() {
        let base = vault(10, Some(1), None, 100);
        assert!(vault(0, Some(1), None, 101).is_wreck(Some(&base), false), "no bytes under the old digest");
        assert!(vault(4, Some(1), None, 101).is_wreck(Some(&base), true), "a part of ours");
        assert!(!vault(4, Some(1), None, 101).is_wreck(Some(&base), false), "written behind the service's back");
        assert!(!vault(4, Some(2), None, 101).is_wreck(Some(&base), true), "a whole PUT of somebody else");
        assert!(!vault(0, None, None, 101).is_wreck(Some(&base), true), "emptied or made anew by somebody else");
        assert!(vault(4, None, None, 101).is_wreck(None, true), "a part of a new file");
        assert!(!vault(4, None, None, 101).is_wreck(None, false), "somebody else's new file");
        assert!(!vault(4, None, Some(5), 101).is_wreck(None, true), "a Vault has no wrecks");
    }

    #[test]
    fn empty_files_are_the_same() {
        let own = Version { md5: Some([7; 16]), ..Version::default() };
        assert_eq!(own.compare(&vault(0, None, None, 5)), Same);
    }

    #[test]
    fn where_only_the_length_is_told_it_counts_since_when_the_bytes_are_taken_to_be_those() {
        assert_eq!(bare(3, None).compare(&bare(3, None)), Unknown);
        assert_eq!(bare(3, Some(1)).compare(&bare(3, Some(1))), Same);
        assert_eq!(bare(3, Some(1)).compare(&bare(3, Some(2))), Different);
        assert_eq!(bare(3, Some(1)).compare(&bare(4, Some(1))), Different);
        let own = Version { md5: Some([7; 16]), ..bare(3, Some(1)) };
        assert_eq!((own.compare(&bare(3, Some(1))), own.compare(&bare(3, Some(2)))), (Same, Different));
        let told = vault(3, Some(7), None, 5);
        assert_eq!(
            told.compare(&Version { taken: Some(Millis(1)), ..told.clone() }),
            Same,
            "where more is told it decides"
        );
        assert!(own.is_told_as(&bare(3, None)) && !own.is_told_as(&bare(4, None)));
        assert!(!own.is_told_as(&vault(3, Some(8), None, 5)));
        let dated = Version { date: Some(Millis(5)), ..bare(3, None) };
        assert_eq!(Version { md5: Some([7; 16]), ..dated.clone() }.compare(&dated), Same, "a digest of our own");
        assert!(bare(3, None).is_wreck(Some(&own), true) && !bare(3, None).is_wreck(Some(&own), false));
    }

    #[test]
    fn without_dates_length_and_digest_tell_versions_apart() {
        let told = |length, byte| Version { md5: Some([byte; 16]), ..bare(length, None) };
        assert_eq!(told(3, 7).compare(&told(3, 7)), Same);
        assert_eq!(told(3, 7).compare(&told(3, 8)), Different);
        assert_eq!(told(3, 7).compare(&told(4, 7)), Different);
        assert!(!told(3, 7).is_bare());
    }

    #[test]
    fn our_own_upload_is_recognised_without_a_date() {
        let own = Version { length: 3, md5: Some([7; 16]), ..Version::default() };
        assert_eq!(own.compare(&vault(3, Some(7), Some(5), 6)), Same);
        assert_eq!(own.compare(&vault(3, Some(7), None, 6)), Same);
    }
}
