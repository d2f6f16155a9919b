//! What the journal writes down, and the states of a pending file.
//!
//! ```text
//!             close, fsync            PUT begins                confirmed
//!  (changed) ─────────────▶ Waiting ─────────────▶ Sending ─────────────────▶ (record removed)
//!                            ▲   ▲                   │  │
//!                            │   └─ next try ─ Failed ◀─┘ no answer, or not now
//!                            │                       │
//!        close, retry, next  │                       ▼ refused, or changed by somebody else
//!        mount               └──────────── Refused, Conflict
//! ```
//!
//! From every state a program's next `close` leads back to Waiting, and `discard`, or the removal of the file, to the end.
//! That a PUT was once begun and never confirmed is remembered through all states (`Pending::begun`).

use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::meta::{Access, Meta};
use crate::path::NodePath;
use crate::version::Version;

/// Where a pending file stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Stage {
    /// Complete on this disk, to be uploaded.
    Waiting,
    /// A PUT of it was begun: what stands on the service may be the wreck of that.
    Sending,
    /// The last try failed; another one follows by itself.
    Failed,
    /// The service said no. Cavern leaves an empty node behind a refused upload and takes the second try, so
    /// nothing is repeated by itself.
    Refused,
    /// Somebody else changed the file meanwhile, and this mount is not to decide (`--on-conflict fail`).
    Conflict,
}

impl Stage {
    /// One word for people and scripts.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Stage::Waiting => "waiting",
            Stage::Sending => "sending",
            Stage::Failed => "failed",
            Stage::Refused => "refused",
            Stage::Conflict => "conflict",
        }
    }

    /// Whether it is sent without anybody's doing.
    pub(crate) fn goes_on(self) -> bool {
        match self {
            Stage::Waiting | Stage::Sending | Stage::Failed => true,
            Stage::Refused | Stage::Conflict => false,
        }
    }
}

/// Bytes by which a PUT of ours is recognised whose answer never came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Digest {
    pub(crate) length: u64,
    pub(crate) md5: [u8; 16],
}

impl Digest {
    /// Whether these are the bytes of a version.
    pub(crate) fn is_of(&self, version: &Version) -> bool {
        // Services rarely give an empty file a digest.
        self.length == version.length && (self.length == 0 || version.md5 == Some(self.md5))
    }

    /// Whether a version is what was left of these bytes by an upload of them over themselves, in place, that broke: a part, under
    /// their digest.
    pub(crate) fn is_torn_in(&self, version: &Version) -> bool {
        version.content_date.is_none() && version.length < self.length && version.md5 == Some(self.md5)
    }
}

/// A file whose bytes the service does not have yet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Pending {
    /// Name of the data file.
    pub(crate) id: String,
    /// Where it belongs.
    pub(crate) path: String,
    /// Its length in bytes.
    pub(crate) length: u64,
    /// What the service had when the first byte was changed; `None` when it had no such file.
    pub(crate) base: Option<Version>,
    /// Below this offset, what is not in `written` stands in the base version.
    pub(crate) base_length: u64,
    /// What the data file holds; all else is the base or zero.
    pub(crate) written: Vec<(u64, u64)>,
    /// Modification time to show.
    pub(crate) mtime: Millis,
    /// A change of mode that waits for the node to exist.
    pub(crate) access: Option<Access>,
    /// Where it stands.
    pub(crate) stage: Stage,
    /// What the last try met.
    pub(crate) error: Option<String>,
    /// A PUT was begun and never confirmed.
    #[serde(default)]
    pub(crate) begun: bool,
    /// Former contents of which a PUT was begun and never confirmed: found on the service, they are our own.
    #[serde(default)]
    pub(crate) attempted: Vec<Digest>,
    /// What users had set of the node, keys and values, before an upload that may delete it and make it anew: emptying a
    /// file on a Vault. Interrupted in between, that is all there is of it.
    #[serde(default)]
    pub(crate) properties: Vec<(String, String)>,
}

impl Pending {
    pub(crate) fn path(&self) -> NodePath {
        NodePath::new(&self.path)
    }

    /// What neither the data file nor zeros make up: ranges that stand in the base version.
    pub(crate) fn missing(&self) -> Vec<(u64, u64)> {
        let written: rangemap::RangeSet<u64> = self.written.iter().map(|(start, end)| *start..*end).collect();
        let end = self.base_length.min(self.length);
        if end == 0 {
            return Vec::new();
        }
        written.gaps(&(0..end)).map(|gap| (gap.start, gap.end)).collect()
    }
}

/// A move that takes more than one step: onto an existing file, or of files that wait for their upload.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Replacement {
    pub(crate) from: String,
    pub(crate) to: String,
    /// Name of the old target between the two moves, if there was one.
    pub(crate) aside: Option<String>,
    /// Data files that waited for their upload to the target, and are dropped when the move is done.
    #[serde(default)]
    pub(crate) replaces: Vec<String>,
    /// The program was told that it failed: what is left to do is to put the target back.
    #[serde(default)]
    pub(crate) taken_back: bool,
    /// The target is what the source was: what is left to do is to delete what was set aside.
    #[serde(default)]
    pub(crate) moved: bool,
    /// By way of this name the source moves where the service refuses the direct way.
    #[serde(default)]
    pub(crate) detour: Option<String>,
    /// The service cannot move it: it is copied, and deleted then.
    #[serde(default)]
    pub(crate) copied: Option<Copying>,
    /// What the service had under the target's name when copying began: that may be replaced, and nothing else.
    #[serde(default)]
    pub(crate) over: Option<Meta>,
}

/// How far a rename by copying is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Copying {
    /// Nothing of the old name has been touched.
    Begun,
    /// Every copy is there and was verified: the old ones are being deleted.
    Verified,
}

/// Somebody else changed a file that was changed here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// The file.
    pub path: String,
    /// Where our version went; `None` where there is nothing beside it: it replaced theirs, or waits in the journal.
    pub ours: Option<String>,
    /// When that was found, in milliseconds since 1970.
    pub when: i64,
    /// What became of the two, in words.
    pub outcome: String,
}
