//! What was learned of a service: VOSpace services differ in what they can, and none says so.
//!
//! Nothing here is ever guessed from a service's name. Each ability starts as unknown, an answer settles it, a
//! contradicting answer changes it. It is kept on disk for a day, so that short programs need not learn it each time
//! and an upgraded service is noticed.

use std::fmt;
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::cache::DiskCache;

/// How long something learned is believed by later programs.
const LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// One ability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Learned {
    /// Nothing has shown it yet.
    #[default]
    Unknown,
    /// The service can.
    Yes,
    /// The service cannot.
    No,
}

/// The abilities of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Dialect {
    /// A part of a file can be fetched.
    pub ranges: Learned,
    /// Listings can be fetched in pages.
    pub paging: Learned,
    /// Bytes can be PUT to the path of the file, without negotiation.
    pub direct_put: Learned,
    /// The place for an upload can be asked for with one request (the parameter form of synchronous transfers).
    pub short_negotiation: Learned,
    /// Large files can be uploaded in segments.
    pub transactions: Learned,
    /// A move can be done within one request.
    pub sync_move: Learned,
}

/// The present dialect of one service and its copy on disk.
pub(crate) struct Lessons {
    name: String,
    cache: DiskCache,
    now: Mutex<Dialect>,
}

impl fmt::Debug for Lessons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lessons").field(&self.get()).finish()
    }
}

impl Lessons {
    /// What earlier programs learned of the service, if that is not too long ago.
    pub(crate) fn load(cache: &DiskCache, resource_id: &str) -> Self {
        let name = format!("{}.dialect.json", resource_id.trim_start_matches("ivo://"));
        let now = cache
            .read(&name)
            .filter(|(_, age)| *age < LIFETIME)
            .and_then(|(content, _)| serde_json::from_slice(&content).ok())
            .unwrap_or_default();
        Lessons { name, cache: cache.clone(), now: Mutex::new(now) }
    }

    pub(crate) fn get(&self) -> Dialect {
        *self.now.lock()
    }

    /// Notes an ability; writes it down when it is news.
    pub(crate) fn learn(&self, note: impl FnOnce(&mut Dialect)) {
        let mut now = self.now.lock();
        let before = *now;
        note(&mut now);
        if *now != before {
            tracing::debug!("{}: {:?}", self.name, *now);
            if let Ok(content) = serde_json::to_vec(&*now) {
                self.cache.write(&self.name, &content);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_learned_is_known_to_the_next_program() {
        let directory = tempfile::tempdir().unwrap();
        let cache = DiskCache::new(Some(directory.path().to_owned()));
        let lessons = Lessons::load(&cache, "ivo://a.b/c");
        assert_eq!(lessons.get(), Dialect::default());
        lessons.learn(|dialect| dialect.ranges = Learned::No);
        let again = Lessons::load(&cache, "ivo://a.b/c");
        assert_eq!(again.get().ranges, Learned::No);
        assert_eq!(again.get().paging, Learned::Unknown);
        assert_eq!(Lessons::load(&cache, "ivo://a.b/d").get(), Dialect::default());
        cache.write("a.b_c.dialect.json", b"{nonsense");
        assert_eq!(Lessons::load(&cache, "ivo://a.b/c").get(), Dialect::default());
    }
}
