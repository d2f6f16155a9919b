//! What a mount that was killed left on the disk and its index does not know: files that were just begun, blocks of
//! chunks that were not written down, all of it where the index itself was lost.
//!
//! Nobody has counted these bytes, so that none may be added before they are gone: until then new blocks go to memory, and
//! what the index knows is read from the disk. That is why the sweep can be left to a thread of its own, and a mount
//! answers at once.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::held::CachedFile;
use super::{BLOCK, Store, index};

/// Starts the sweep. After a mount that ended in order nothing is expected to be found, and nothing waits for it.
pub(super) fn start(store: &Arc<Store>, in_order: bool) {
    let (files, newest) = {
        let state = store.state.lock();
        let files: Vec<_> = state.by_id.values().cloned().collect();
        (files, index::place(&store.directory, state.next_id))
    };
    // A cache that is new has nothing to look at.
    let clear = in_order || places(&store.directory).next().is_none();
    store.swept.store(clear, Ordering::Release);
    let store = Arc::clone(store);
    std::thread::spawn(move || {
        let known: HashSet<&Path> = files.iter().map(|file| file.place.as_path()).collect();
        for place in places(&store.directory) {
            // While nothing waits for the sweep, this mount makes files of its own; they have higher numbers.
            if !known.contains(place.as_path()) && (!clear || place <= newest) {
                let _ = fs::remove_file(&place);
            }
        }
        if !clear {
            for file in &files {
                // Opened once.
                let _hold = file.hold(&store.room);
                reclaim(file);
            }
            store.swept.store(true, Ordering::Release);
        }
    });
}

/// The disk files of a cache.
fn places(directory: &Path) -> impl Iterator<Item = PathBuf> {
    let is_ours = |place: &PathBuf| {
        let name = place.file_name().unwrap_or_default().as_encoded_bytes();
        name.len() == index::NAME && name.iter().all(u8::is_ascii_hexdigit)
    };
    fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()).filter(is_ours)
}

/// Punches out everything of a file that is not in the books, whatever is on the disk of that.
fn reclaim(file: &CachedFile) {
    let end = file.blocks();
    let mut from = 0;
    while from < end {
        let absent = file.presence.lock().first_absent(from..end);
        let Some(absent) = absent else { return };
        let punching = file.punching.write();
        let present = file.presence.lock().first_present(absent..end).unwrap_or(end);
        let punched = file.punch(absent * BLOCK..present * BLOCK);
        drop(punching);
        if punched.is_err() {
            return;
        }
        from = present;
    }
}
