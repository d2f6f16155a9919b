//! The block cache on disk: which file holds what, and how it is read back at the next mount.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;
use rusqlite::params;

use crate::db::Db;
use crate::error::Result;
use crate::path::NodePath;
use crate::version::Version;

use super::presence::{PER_CHUNK, Presence, Row};
use super::{CachedFile, State};

/// Where the bytes of file `id` live.
pub(super) fn place(directory: &Path, id: i64) -> PathBuf {
    directory.join(format!("{id:016x}"))
}

struct FileRow {
    id: i64,
    path: String,
    version: String,
}

/// Reads the index; it says nothing of what is really on disk, which is found out block by block on use.
pub(super) async fn load(db: &Db, directory: &Path) -> Result<State> {
    let (files, chunks) = db
        .call(|connection| {
            let mut statement = connection.prepare("SELECT id, path, version FROM file")?;
            let files: Vec<FileRow> = statement
                .query_map([], |row| Ok(FileRow { id: row.get(0)?, path: row.get(1)?, version: row.get(2)? }))?
                .collect::<rusqlite::Result<_>>()?;
            let mut statement =
                connection.prepare("SELECT file, number, present, checksums FROM chunk ORDER BY used, file, number")?;
            let chunks: Vec<(i64, Row)> = statement
                .query_map([], |row| {
                    let blob: Vec<u8> = row.get(3)?;
                    let mut checksums = [0; PER_CHUNK];
                    for (slot, bytes) in checksums.iter_mut().zip(blob.chunks_exact(4)) {
                        *slot = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                    }
                    let number: i64 = row.get(1)?;
                    Ok((row.get(0)?, Row { chunk: number.unsigned_abs(), present: row.get(2)?, checksums }))
                })?
                .collect::<rusqlite::Result<_>>()?;
            Ok((files, chunks))
        })
        .await?;
    let mut state = State {
        by_path: HashMap::new(),
        by_id: HashMap::new(),
        recency: LruCache::unbounded(),
        used: 0,
        next_id: files.iter().map(|file| file.id).max().unwrap_or(0),
    };
    for row in files {
        let Ok(version) = serde_json::from_str::<Version>(&row.version) else { continue };
        let file = Arc::new(CachedFile::new(row.id, version, place(directory, row.id), Presence::default()));
        state.by_path.insert(NodePath::new(&row.path), Arc::clone(&file));
        state.by_id.insert(row.id, file);
    }
    for (id, row) in chunks {
        if let Entry::Occupied(file) = state.by_id.entry(id) {
            let bytes = row.bytes(file.get().version.length);
            file.get().presence.lock().restore(&row);
            state.used += bytes;
            state.recency.put((id, row.chunk), bytes);
        }
    }
    Ok(state)
}

/// Removes, in the background, files that the index does not know: left by a crash between two steps.
pub(super) fn sweep(directory: &Path, state: &State) {
    let known: HashSet<PathBuf> = state.by_id.values().map(|file| file.place.clone()).collect();
    let directory = directory.to_path_buf();
    let newest = place(&directory, state.next_id);
    std::thread::spawn(move || {
        let Ok(entries) = std::fs::read_dir(&directory) else { return };
        for entry in entries.flatten() {
            // Files of this mount have higher numbers.
            if entry.path() <= newest && !known.contains(&entry.path()) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    });
}

pub(super) fn store_file(db: &Db, id: i64, path: &NodePath, version: &Version) {
    let path = path.as_str().to_owned();
    let version = serde_json::to_string(version).unwrap_or_default();
    db.submit(move |connection| {
        connection.execute("DELETE FROM file WHERE path = ?1", [&path])?;
        connection.execute("INSERT INTO file (id, path, version) VALUES (?1, ?2, ?3)", params![id, path, version])?;
        Ok(())
    });
}

pub(super) fn rename_file(db: &Db, id: i64, path: &NodePath) {
    let path = path.as_str().to_owned();
    db.submit(move |connection| {
        connection.execute("UPDATE OR REPLACE file SET path = ?2 WHERE id = ?1", params![id, path])?;
        Ok(())
    });
}

pub(super) fn remove_file(db: &Db, id: i64) {
    db.submit(move |connection| connection.execute("DELETE FROM file WHERE id = ?1", [id]).map(drop));
}

pub(super) fn store_chunk(db: &Db, file: i64, row: Row) {
    db.submit(move |connection| insert(connection, file, &row, None));
}

pub(super) fn remove_chunk(db: &Db, file: i64, chunk: u64) {
    db.submit(move |connection| {
        connection.execute("DELETE FROM chunk WHERE file = ?1 AND number = ?2", params![file, chunk.cast_signed()])?;
        Ok(())
    });
}

/// Every chunk with its place in the order of use.
pub(super) async fn save(db: &Db, state: &Mutex<State>) -> Result<()> {
    let rows: Vec<(i64, Row)> = {
        let state = state.lock();
        // `iter` goes from the most to the least recently used.
        let oldest_first = state.recency.iter().rev();
        oldest_first
            .filter_map(|((id, chunk), _)| Some((*id, state.by_id.get(id)?.presence.lock().row(*chunk))))
            .collect()
    };
    db.call(move |connection| {
        for (order, (file, row)) in rows.iter().enumerate() {
            insert(connection, *file, row, Some(order))?;
        }
        Ok(())
    })
    .await
}

fn insert(connection: &rusqlite::Connection, file: i64, row: &Row, order: Option<usize>) -> rusqlite::Result<()> {
    let checksums: Vec<u8> = row.checksums.iter().flat_map(|checksum| checksum.to_le_bytes()).collect();
    // What is written between two saves counts as used last.
    let used = order.map_or(i64::MAX, |order| i64::try_from(order).unwrap_or(i64::MAX));
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO chunk (file, number, present, checksums, used) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![file, row.chunk.cast_signed(), row.present, checksums, used])?;
    Ok(())
}
