//! Whether an answer of the service carries bytes of the version that was opened.
//!
//! Each range of a file is an answer of its own, and between two of them the file may be replaced. Length and digest
//! tell most of that; where the digest is missing, or may be that of older bytes (Cavern), the identity of what is stored
//! does: the artifact's id (`x-artifact-id`, Vault: a new one at each PUT) and `Last-Modified`. What the first answer says
//! of those is pinned, and every other has to say the same.

use crate::clock::Millis;

use super::Version;

/// What an answer says of the whole file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer<'a> {
    pub(crate) length: Option<u64>,
    pub(crate) md5: Option<[u8; 16]>,
    pub(crate) artifact: Option<&'a str>,
    pub(crate) modified: Option<Millis>,
}

/// What the answers for one version have said so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pin {
    artifact: Option<String>,
    modified: Option<Millis>,
}

impl Pin {
    /// True when the answer's bytes are of `version`; notes what it says of their identity.
    pub(crate) fn admits(&mut self, version: &Version, answer: &Answer<'_>) -> bool {
        if answer.length.is_some_and(|length| length != version.length) {
            return false;
        }
        let digests = answer.md5.zip(version.md5).map(|(got, wanted)| got == wanted);
        if digests == Some(false) {
            return false;
        }
        // The same digest under another id: the same bytes were stored once more.
        let other_artifact = self.artifact.as_deref().zip(answer.artifact).is_some_and(|(pinned, got)| pinned != got);
        if other_artifact && digests.is_none() {
            return false;
        }
        // A service with content-dates has digests that can be believed; of the others the date has to be the same.
        if version.content_date.is_none() {
            let expected = self.modified.or(version.date);
            if expected.zip(answer.modified).is_some_and(|(expected, got)| seconds(expected) != seconds(got)) {
                return false;
            }
        }
        self.artifact = answer.artifact.map(str::to_owned).or(self.artifact.take());
        self.modified = answer.modified.or(self.modified);
        true
    }
}

/// `Last-Modified` has no fractions of a second.
fn seconds(time: Millis) -> i64 {
    time.0.div_euclid(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(md5: Option<u8>, artifact: Option<&str>, modified: Option<i64>) -> Answer<'_> {
        Answer { length: Some(10), md5: md5.map(|byte| [byte; 16]), artifact, modified: modified.map(Millis) }
    }

    #[test]
    fn an_artifact_stored_between_two_ranges_is_another_version_unless_its_digest_is_the_same() {
        let known = Version {
            length: 10,
            md5: Some([1; 16]),
            content_date: Some(Millis(5)),
            date: Some(Millis(9)),
            ..Version::default()
        };
        let mut pin = Pin::default();
        assert!(pin.admits(&known, &answer(Some(1), Some("a"), Some(5))));
        assert!(pin.admits(&known, &answer(Some(1), Some("b"), Some(6))), "the same bytes, stored again");
        assert!(!pin.admits(&known, &answer(Some(2), Some("c"), None)));
        assert!(!pin.admits(&known, &Answer { length: Some(11), ..Answer::default() }));
        let unknown = Version { md5: None, ..known };
        let mut pin = Pin::default();
        assert!(pin.admits(&unknown, &answer(None, Some("a"), None)));
        assert!(!pin.admits(&unknown, &answer(None, Some("b"), None)));
        assert!(pin.admits(&unknown, &answer(None, Some("a"), None)), "what was refused is not pinned");
    }

    #[test]
    fn where_the_digest_may_be_old_the_date_has_to_stay_too() {
        let cavern = Version { length: 10, md5: Some([1; 16]), date: Some(Millis(7_900)), ..Version::default() };
        let mut pin = Pin::default();
        assert!(pin.admits(&cavern, &answer(Some(1), None, Some(7_000))), "the header is cut to seconds");
        assert!(!pin.admits(&cavern, &answer(Some(1), None, Some(8_000))));
        let own_upload = Version { date: None, ..cavern };
        let mut pin = Pin::default();
        assert!(pin.admits(&own_upload, &answer(Some(1), None, Some(7_000))));
        assert!(!pin.admits(&own_upload, &answer(Some(1), None, Some(8_000))));
    }
}
