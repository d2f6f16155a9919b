//! The present dialect of one service and its copy on disk.
//!
//! What is forced is laid over what was learned and never written down: a line that is taken out of the configuration
//! file leaves nothing behind.

use std::fmt;
use std::time::Duration;

use parking_lot::Mutex;

use super::{Dialect, Forced};
use crate::cache::DiskCache;

/// How long something learned is believed by later programs.
const LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// See the module.
pub(crate) struct Lessons {
    name: String,
    cache: DiskCache,
    forced: Forced,
    now: Mutex<Now>,
}

struct Now {
    learned: Dialect,
    believed: Dialect,
}

impl fmt::Debug for Lessons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lessons").field(&self.get()).finish()
    }
}

impl Lessons {
    /// What earlier programs learned of the service, if that is not too long ago, and what is forced.
    pub(crate) fn load(cache: &DiskCache, resource_id: &str, forced: Forced) -> Self {
        let name = format!("{}.dialect.json", resource_id.trim_start_matches("ivo://"));
        let learned = cache
            .read(&name)
            .filter(|(_, age)| *age < LIFETIME)
            .and_then(|(content, _)| serde_json::from_slice(&content).ok())
            .unwrap_or_default();
        let now = Mutex::new(Now { learned, believed: forced.over(learned) });
        Lessons { name, cache: cache.clone(), forced, now }
    }

    pub(crate) fn get(&self) -> Dialect {
        self.now.lock().believed
    }

    pub(crate) fn forced(&self) -> &Forced {
        &self.forced
    }

    /// Notes what an answer showed; writes it down when it is news.
    pub(crate) fn learn(&self, note: impl FnOnce(&mut Dialect)) {
        let mut now = self.now.lock();
        let before = now.learned;
        note(&mut now.learned);
        if now.learned != before {
            now.believed = self.forced.over(now.learned);
            tracing::debug!("{}: {:?}", self.name, now.believed);
            if let Ok(content) = serde_json::to_vec(&now.learned) {
                self.cache.write(&self.name, &content);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Learned;
    use super::*;

    fn load(cache: &DiskCache, resource_id: &str) -> Lessons {
        Lessons::load(cache, resource_id, Forced::default())
    }

    #[test]
    fn what_was_learned_is_known_to_the_next_program() {
        let directory = tempfile::tempdir().unwrap();
        let cache = DiskCache::new(Some(directory.path().to_owned()));
        let lessons = load(&cache, "ivo://a.b/c");
        assert_eq!(lessons.get(), Dialect::default());
        lessons.learn(|dialect| dialect.ranges = Learned::No);
        let again = load(&cache, "ivo://a.b/c");
        assert_eq!(again.get().ranges, Learned::No);
        assert_eq!(again.get().paging, Learned::Unknown);
        assert_eq!(load(&cache, "ivo://a.b/d").get(), Dialect::default());
        cache.write("a.b_c.dialect.json", b"{nonsense");
        assert_eq!(load(&cache, "ivo://a.b/c").get(), Dialect::default());
    }

    #[test]
    fn what_is_forced_is_believed_and_never_written_down() {
        let directory = tempfile::tempdir().unwrap();
        let cache = DiskCache::new(Some(directory.path().to_owned()));
        let quirks = json!({"ranges": "no"});
        let forced = Dialect::forced(quirks.as_object().unwrap()).unwrap();
        let lessons = Lessons::load(&cache, "ivo://a.b/c", forced);
        assert_eq!(lessons.get().ranges, Learned::No);
        lessons.learn(|dialect| {
            dialect.ranges = Learned::Yes;
            dialect.paging = Learned::Yes;
        });
        assert_eq!((lessons.get().ranges, lessons.get().paging), (Learned::No, Learned::Yes));
        let without = load(&cache, "ivo://a.b/c").get();
        assert_eq!((without.ranges, without.paging), (Learned::Yes, Learned::Yes));
    }
}
