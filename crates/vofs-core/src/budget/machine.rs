//! The budget of a mount that was not told one: a share of what the machine has to give.

use crate::platform;

/// The share of what is there: a mount is a guest beside the programs that it serves.
const SHARE: u64 = 8;

/// Below this a single reader cannot keep one connection busy.
const LEAST: u64 = 16 * 1024 * 1024;

/// More than this brings nothing: eight readers with a window of 64 MiB each.
const MOST: u64 = 512 * 1024 * 1024;

/// The budget of a mount that was not told one.
pub(crate) fn default_limit() -> u64 {
    share(platform::memory())
}

fn share(memory: Option<u64>) -> u64 {
    memory.map_or(LEAST, |bytes| (bytes / SHARE).clamp(LEAST, MOST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_a_bounded_share() {
        assert_eq!(share(Some(24 << 30)), MOST);
        assert_eq!(share(Some(1 << 30)), 128 << 20);
        assert_eq!(share(Some(64 << 20)), LEAST);
        assert_eq!(share(None), LEAST);
        assert!((LEAST..=MOST).contains(&default_limit()));
    }
}
