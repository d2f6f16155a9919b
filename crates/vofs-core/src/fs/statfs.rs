//! How much room there is: the quota of the mounted container.

use crate::engine::Engine;
use crate::error::Result;
use crate::path::NodePath;

/// What `df` shows for a space without a quota: large enough that no installer refuses, small enough that no program's
/// arithmetic overflows (1 PiB).
const UNLIMITED: u64 = 1 << 50;

/// Room of a space, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpaceUse {
    /// All of it.
    pub total: u64,
    /// What is left, as far as the service says what is used.
    pub free: u64,
}

impl Engine {
    /// Room of the mounted container.
    ///
    /// # Errors
    /// What the service said.
    pub async fn statfs(&self) -> Result<SpaceUse> {
        let root = self.resolve(&NodePath::root()).await?;
        let total = root.quota.unwrap_or(UNLIMITED);
        Ok(SpaceUse { total, free: total.saturating_sub(root.version.length) })
    }
}
