//! Whether the bytes of a complete file are those of its version: their MD5, in the background, once.
//!
//! Each range was checked when it came and each block is when it is read, but only the digest of the whole says that
//! the ranges fit together. A file is queued when its last block has come, checked one at a time and without haste, and
//! the result is kept in the index, so that the next mount does not do it again.
//!
//! A file with another digest is thrown away and fetched again by the next open. If that brings the very same bytes, the
//! digest is wrong and not the bytes: on a Cavern, programs that write past the service leave an old one behind. Then
//! the file stays, so that nothing is fetched for ever.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use lru::LruCache;
use md5::{Digest, Md5};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::path::NodePath;
use crate::version::Version;

use super::held::{CachedFile, Fate};
use super::{Store, index};

/// Read at a time; in between, others have the disk and the processor for as long as that took.
const STEP: usize = 4 << 20;

/// How long nobody may have read before the next step.
const LULL: Duration = Duration::from_millis(200);

/// So often a check of one file waits for that, all in all: on a mount that is never quiet it has to come to an end.
const LULLS: u32 = 300;

/// Of so many files it is remembered what their bytes were when they were thrown away.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(1024).expect("invariant: not zero");

/// What the digest of a complete file said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The bytes are those of the version.
    Confirmed,
    /// They are not; the file was thrown away, and pages that the kernel has of it are as wrong.
    ThrownAway(Version),
    /// The file is gone, or no longer complete.
    Undecided,
}

/// Files whose digest is still to be taken.
#[derive(Debug)]
pub(super) struct Unverified {
    queue: Mutex<VecDeque<i64>>,
    filled: Notify,
    /// The digest of the bytes that were thrown away, by path.
    rejected: Mutex<LruCache<NodePath, [u8; 16]>>,
}

impl Unverified {
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.queue.lock().is_empty()
    }
}

impl Default for Unverified {
    fn default() -> Self {
        Unverified { queue: Mutex::default(), filled: Notify::new(), rejected: Mutex::new(LruCache::new(REMEMBERED)) }
    }
}

impl Store {
    /// The last block of a file has come.
    pub(super) fn completed(&self, file: &CachedFile) {
        if !file.confirmed.load(Ordering::Acquire) {
            self.check_again(file);
        }
    }

    /// Has the digest of a complete file taken, whether that was done before or not.
    pub(super) fn check_again(&self, file: &CachedFile) {
        if file.version.md5.is_none() || file.queued.swap(true, Ordering::AcqRel) {
            return;
        }
        self.unverified.queue.lock().push_back(file.id);
        self.unverified.filled.notify_one();
    }

    /// Files that a former mount had whole and did not come to check.
    pub(super) fn queue_unverified(&self) {
        let files: Vec<_> = self.state.lock().by_id.values().cloned().collect();
        for file in files.iter().filter(|file| file.is_complete()) {
            self.completed(file);
        }
    }

    /// Waits for a file to check; gives its number.
    pub(crate) async fn next_unverified(&self) -> i64 {
        loop {
            let filled = self.unverified.filled.notified();
            if let Some(id) = self.unverified.queue.lock().pop_front() {
                return id;
            }
            filled.await;
        }
    }

    /// Takes the digest of a complete file and draws the consequences. Reads the whole file: not on a thread that others wait
    /// for.
    pub(crate) fn check_digest(&self, id: i64) -> Verdict {
        let file = self.state.lock().by_id.get(&id).cloned();
        let Some((file, expected)) = file.and_then(|file| Some((Arc::clone(&file), file.version.md5?))) else {
            return Verdict::Undecided;
        };
        file.queued.store(false, Ordering::Release);
        // A version that goes meanwhile takes its room until this is done with it.
        let _hold = file.hold(&self.room);
        let Some(found) = self.digest(&file) else { return Verdict::Undecided };
        let path = file.path.lock().clone();
        if found == expected {
            self.unverified.rejected.lock().pop(&path);
            file.presence.lock().verify_all();
            return self.confirm(&file);
        }
        if self.unverified.rejected.lock().get(&path) == Some(&found) {
            tracing::warn!(%path, expected = hex(&expected), found = hex(&found), "the MD5 that the service gives is not that of its bytes, which came twice the same; they are kept");
            return self.confirm(&file);
        }
        // A digest without a content-date may be that of older bytes: then programs that read these are not stopped.
        let fate = if file.version.content_date.is_some() { Fate::Damaged } else { Fate::Doubted };
        if !self.condemn(&file, fate) {
            return Verdict::Undecided;
        }
        tracing::warn!(%path, expected = hex(&expected), found = hex(&found), "the cached bytes do not have the MD5 that the service gives; thrown away, the next open fetches them again");
        self.unverified.rejected.lock().put(path, found);
        Verdict::ThrownAway(file.version.clone())
    }

    fn confirm(&self, file: &CachedFile) -> Verdict {
        tracing::debug!(path = %file.path.lock(), "block cache: checked as a whole");
        file.confirmed.store(true, Ordering::Release);
        index::confirm_file(&self.db, file.id);
        Verdict::Confirmed
    }

    /// The MD5 of a file, as long as it is complete. Gives way to who reads.
    fn digest(&self, file: &CachedFile) -> Option<[u8; 16]> {
        let disk = file.disk(false).ok()?;
        let mut md5 = Md5::new();
        let mut step = vec![0; STEP.min(usize::try_from(file.version.length).unwrap_or(STEP))];
        let (mut at, mut lulls) = (0, LULLS);
        while at < file.version.length {
            let (begun, before) = (Instant::now(), self.activity());
            let length = step.len().min(usize::try_from(file.version.length - at).unwrap_or(STEP));
            {
                let _reading = file.punching.read();
                if file.fate() != Fate::Valid || !file.is_complete() {
                    return None;
                }
                disk.read_exact_at(&mut step[..length], at).ok()?;
            }
            md5.update(&step[..length]);
            at += length as u64;
            std::thread::sleep(begun.elapsed());
            self.wait_for_a_lull(before, &mut lulls);
        }
        Some(md5.finalize().into())
    }

    /// Waits, where something happened since the activity was `before`, until nothing has for a while.
    pub(super) fn wait_for_a_lull(&self, mut before: u64, left: &mut u32) {
        while *left > 0 && self.activity() != before {
            *left -= 1;
            before = self.activity();
            std::thread::sleep(LULL);
        }
    }
}

fn hex(md5: &[u8; 16]) -> String {
    md5.iter().map(|byte| format!("{byte:02x}")).collect()
}
