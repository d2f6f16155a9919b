//! By what a service lets the bytes of a file be told from former ones: what `status` says of how far a refresh can be
//! relied upon.
//!
//! A service that gives neither digest nor date of a file lets nobody see a change that keeps the length. Cached bytes of such
//! a file are believed for a bounded time (`Config::reread_after`), and read anew when it is opened after that.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::engine::Engine;
use crate::meta::Meta;
use crate::version::Version;

/// Single nodes of files with bytes that the service has shown.
#[derive(Debug, Default)]
pub(crate) struct Identity {
    shown: AtomicU64,
    bare: AtomicU64,
    /// The last one had no digest.
    is_undigested: AtomicBool,
    /// The last one told when its bytes were stored.
    is_stamped: AtomicBool,
}

/// How far changes made elsewhere can be seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refresh {
    /// Of some files the service gives neither digest nor date.
    pub weak: bool,
    /// Answers of the service about files that have bytes.
    pub answers: u64,
    /// Those of them without a digest and a date.
    pub without_identity: u64,
    /// After so many seconds cached bytes of such files are read anew when they are opened.
    pub reread_after: u64,
}

impl Identity {
    /// The service has shown this node, asked for it alone.
    pub(crate) fn note(&self, meta: &Meta) {
        if meta.is_file() && meta.version.length > 0 {
            self.shown.fetch_add(1, Ordering::Relaxed);
            self.is_undigested.store(meta.version.md5.is_none(), Ordering::Relaxed);
            self.is_stamped.store(meta.version.content_date.is_some(), Ordering::Relaxed);
            let is_first = meta.version.is_bare() && self.bare.fetch_add(1, Ordering::Relaxed) == 0;
            if is_first {
                tracing::warn!(
                    "the service gives neither digest nor date of some files: changes of these that keep the length are not \
                     seen until they are read anew (--reread-after)"
                );
            }
        }
    }
}

impl Identity {
    /// Whether an upload can be confirmed by a digest; not known before a file with bytes was shown.
    pub(crate) fn is_digested(&self) -> Option<bool> {
        (self.shown.load(Ordering::Relaxed) > 0).then(|| !self.is_undigested.load(Ordering::Relaxed))
    }

    /// Whether the service tells when bytes were stored.
    pub(crate) fn is_stamped(&self) -> bool {
        self.is_stamped.load(Ordering::Relaxed)
    }
}

impl Engine {
    /// True when cached bytes of this version are not to be believed any more, because nothing tells whether they are still
    /// those of the file. While the service cannot be reached they are all there is.
    pub(crate) fn is_overdue(&self, version: &Version) -> bool {
        let is_old =
            |since: crate::clock::Millis| since.remaining(self.config.reread_after, self.clock.now()).is_none();
        version.taken.is_some_and(is_old) && !self.outage.is_on()
    }

    /// How far changes made elsewhere can be seen.
    pub(crate) fn refresh_quality(&self) -> Refresh {
        let without_identity = self.identity.bare.load(Ordering::Relaxed);
        Refresh {
            weak: without_identity > 0,
            answers: self.identity.shown.load(Ordering::Relaxed),
            without_identity,
            reread_after: self.config.reread_after.as_secs(),
        }
    }
}
