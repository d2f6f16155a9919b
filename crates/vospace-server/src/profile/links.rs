//! Links: what they may lead to, and paths through them.

use serde::{Deserialize, Serialize};

/// What a link may lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Targets {
    /// Anything.
    Unchecked,
    /// What there is, or anything elsewhere.
    Existing,
}

/// What becomes of a link within a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Within {
    /// It is followed.
    Followed,
    /// 400 `LinkFound`, with the link.
    Refused,
    /// 400 `LinkFound`, with the path that it leads to.
    RefusedResolved,
    /// 400 `LinkFound` where something is to be made or changed; to be seen there is nothing.
    RefusedOrNotFound,
}

/// Links, as far as services differ in them.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Links {
    /// Whether they are symbolic links of a file system: only within the space, relative to where they stand, and
    /// without properties.
    pub symbolic: bool,
    /// What they may lead to otherwise.
    pub targets: Targets,
    /// What becomes of one within a path.
    pub within: Within,
}

impl Links {
    /// As Vault has them.
    pub const CADC: Links = Links { symbolic: false, targets: Targets::Unchecked, within: Within::Followed };
}
