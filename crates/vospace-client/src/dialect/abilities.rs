//! What a service can or cannot.

use serde::{Deserialize, Serialize};

/// One ability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Learned {
    /// Nothing has shown it yet.
    #[default]
    Unknown,
    /// The service can.
    Yes,
    /// The service cannot.
    No,
}

impl From<bool> for Learned {
    fn from(can: bool) -> Self {
        if can { Learned::Yes } else { Learned::No }
    }
}
