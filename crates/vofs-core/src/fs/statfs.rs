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
    /// Room of the mounted tree: the nearest quota at or above its root. While the service cannot be reached it is as it was
    /// known last, or without end.
    ///
    /// # Errors
    /// What the service said.
    pub async fn statfs(&self) -> Result<SpaceUse> {
        let now = self.clock.now();
        let known = *self.space.lock();
        if let Some((since, space)) = known
            && since.remaining(BELIEVED, now).is_some()
        {
            return Ok(space);
        }
        if self.outage.is_on() {
            return Ok(known.map_or(SpaceUse { total: UNLIMITED, free: UNLIMITED }, |(_, space)| space));
        }
        let (quota, used) = self.remote.quota().await?;
        let total = quota.unwrap_or(UNLIMITED);
        let space = SpaceUse { total, free: total.saturating_sub(used.unwrap_or(0)) };
        *self.space.lock() = Some((now, space));
        Ok(space)
    }
}
