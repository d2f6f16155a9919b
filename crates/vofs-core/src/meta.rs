//! What the engine keeps of a node: a small, storable digest of the service's document.

pub mod mtime;

use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::version::Version;

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A container: a directory.
    Directory,
    /// A data node: a file.
    File,
    /// A link with its target as the service gives it.
    Link {
        /// The target URI, verbatim.
        target: String,
    },
}

/// Who may read and write, as far as a mode can say it. The owner always may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Access {
    /// Everybody may read (`core#ispublic`).
    pub public: bool,
    /// Some group may read (`core#groupread`).
    pub group_read: bool,
    /// Some group may write (`core#groupwrite`).
    pub group_write: bool,
}

/// What is known of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// What it is.
    pub kind: Kind,
    /// What identifies its bytes; of a directory or link only the date counts.
    pub version: Version,
    /// Who may do what.
    pub access: Access,
    /// Modification time set by a program on this machine (`utimens`, or the time of the last write), or found in the
    /// property of [`mtime`]; the service has no place for it. Valid for this version of the bytes only.
    pub local_mtime: Option<Millis>,
}

impl Meta {
    /// A node of `kind` of which nothing else is known.
    pub fn new(kind: Kind) -> Self {
        Meta { kind, version: Version::default(), access: Access::default(), local_mtime: None }
    }

    /// True for a directory.
    pub fn is_directory(&self) -> bool {
        self.kind == Kind::Directory
    }

    /// True for a file.
    pub fn is_file(&self) -> bool {
        self.kind == Kind::File
    }

    /// The modification time to show.
    pub fn mtime(&self) -> Millis {
        self.local_mtime.or(self.version.modified()).unwrap_or(Millis(0))
    }
}
