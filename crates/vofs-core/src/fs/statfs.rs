//! How much room there is.

use std::time::Duration;

use crate::engine::{Engine, SpaceUse};
use crate::error::Result;

/// What `df` shows for a space without a quota: large enough that no installer refuses, small enough that no program's
/// arithmetic overflows (1 PiB).
const UNLIMITED: u64 = 1 << 50;

/// How long an answer is believed: some programs ask before every file that they write.
const BELIEVED: Duration = Duration::from_secs(60);

impl Engine {
    /// Room of the mounted tree: the nearest quota at or above its root.
    ///
    /// # Errors
    /// What the service said.
    pub async fn statfs(&self) -> Result<SpaceUse> {
        let now = self.clock.now();
        if let Some((since, space)) = *self.space.lock()
            && since.remaining(BELIEVED, now).is_some()
        {
            return Ok(space);
        }
        let (quota, used) = self.remote.quota().await?;
        let total = quota.unwrap_or(UNLIMITED);
        let space = SpaceUse { total, free: total.saturating_sub(used.unwrap_or(0)) };
        *self.space.lock() = Some((now, space));
        Ok(space)
    }
}
