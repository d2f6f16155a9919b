//! The block cache on disk: which file holds what, and how it is read back at the next mount.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rusqlite::{Connection, params};

use crate::db::Db;
use crate::error::Result;
use crate::path::NodePath;
use crate::version::Version;

use super::State;
use super::backing::Lent;
use super::held::CachedFile;
use super::presence::{PER_CHUNK, Row};
use super::recency::{Recency, Use};
use super::room::{self, on_disk};

/// The property that says that the index knows all of the blocks.
const IN_ORDER: &str = "blocks-ended-in-order";

/// Letters in the name of a disk file.
pub(super) const NAME: usize = 16;

/// Where the bytes of file `id` live.
pub(super) fn place(directory: &Path, id: i64) -> PathBuf {
    directory.join(format!("{id:0NAME$x}"))
}

/// What a former mount left.
pub(super) struct Loaded {
    pub(super) state: State,
    /// False when it did not come to write everything down: there may be blocks that nobody knows.
    pub(super) in_order: bool,
}

struct FileRow {
    id: i64,
    path: String,
    version: String,
    confirmed: bool,
}

/// A chunk with its place in the order of use.
#[derive(Debug)]
pub(super) struct ChunkRow {
    pub(super) file: i64,
    pub(super) row: Row,
    pub(super) order: i64,
}

/// Reads the index; it says nothing of what is really on disk, which is found out block by block on use.
pub(super) async fn load(db: &Db, directory: &Path) -> Result<Loaded> {
    let (files, chunks, in_order) =
        db.call(|connection| Ok((files(connection)?, chunks(connection)?, was_in_order(connection)?))).await?;
    let mut state = State {
        by_path: HashMap::new(),
        by_id: HashMap::new(),
        recency: Recency::new(),
        changed: HashSet::new(),
        uses: chunks.last().map_or(0, |chunk| chunk.order),
        next_id: files.iter().map(|file| file.id).max().unwrap_or(0),
        lent: Lent::default(),
    };
    for row in files {
        let Ok(version) = serde_json::from_str::<Version>(&row.version) else { continue };
        let path = NodePath::new(&row.path);
        let file = Arc::new(CachedFile::new(row.id, path.clone(), version, place(directory, row.id)));
        file.indexed.store(true, Ordering::Release);
        file.confirmed.store(row.confirmed, Ordering::Release);
        state.by_path.insert(path, Arc::clone(&file));
        state.by_id.insert(row.id, file);
    }
    for ChunkRow { file, row, order } in chunks {
        if let Entry::Occupied(file) = state.by_id.entry(file) {
            let file = file.get();
            let held: u64 = row.blocks().map(|block| on_disk(file.block_length(block) as u64)).sum();
            let bytes = held + room::PER_CHUNK;
            file.presence.lock().restore(&row);
            file.add_bytes(bytes);
            state.recency.put((file.id, row.chunk), Use { bytes, order });
        }
    }
    Ok(Loaded { state, in_order })
}

fn files(connection: &Connection) -> rusqlite::Result<Vec<FileRow>> {
    let mut statement = connection.prepare("SELECT id, path, version, confirmed FROM file")?;
    let row = |row: &rusqlite::Row<'_>| {
        Ok(FileRow { id: row.get(0)?, path: row.get(1)?, version: row.get(2)?, confirmed: row.get(3)? })
    };
    statement.query_map([], row)?.collect()
}

fn chunks(connection: &Connection) -> rusqlite::Result<Vec<ChunkRow>> {
    let mut statement =
        connection.prepare("SELECT file, number, present, checksums, used FROM chunk ORDER BY used, file, number")?;
    let row = |row: &rusqlite::Row<'_>| {
        let blob = row.get_ref(3)?.as_blob()?;
        let mut checksums = [0; PER_CHUNK];
        for (slot, bytes) in checksums.iter_mut().zip(blob.chunks_exact(4)) {
            *slot = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
        let number: i64 = row.get(1)?;
        let row_of = Row { chunk: number.unsigned_abs(), present: row.get(2)?, checksums };
        Ok(ChunkRow { file: row.get(0)?, row: row_of, order: row.get(4)? })
    };
    statement.query_map([], row)?.collect()
}

/// Says whether the mount before this one wrote everything down; what this one leaves has to be said anew.
pub(super) fn was_in_order(connection: &Connection) -> rusqlite::Result<bool> {
    Ok(connection.execute("DELETE FROM property WHERE key = ?1", [IN_ORDER])? > 0)
}

/// The last thing that a mount writes.
pub(super) fn end_in_order(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("INSERT OR REPLACE INTO property (key, value) VALUES (?1, '')", [IN_ORDER]).map(drop)
}

pub(super) fn store_file(db: &Db, file: &CachedFile) {
    let (id, path) = (file.id, file.path.lock().as_str().to_owned());
    let version = serde_json::to_string(&file.version).unwrap_or_default();
    let confirmed = file.confirmed.load(Ordering::Acquire);
    db.submit(move |connection| {
        connection.execute("DELETE FROM file WHERE path = ?1", [&path])?;
        connection.execute(
            "INSERT INTO file (id, path, version, confirmed) VALUES (?1, ?2, ?3, ?4)",
            params![id, path, version, confirmed],
        )?;
        Ok(())
    });
}

/// The digest of the whole is right.
pub(super) fn confirm_file(db: &Db, id: i64) {
    db.submit(move |connection| connection.execute("UPDATE file SET confirmed = 1 WHERE id = ?1", [id]).map(drop));
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

pub(super) fn store_chunk(db: &Db, file: i64, row: Row, order: i64) {
    db.submit(move |connection| insert(connection, &ChunkRow { file, row, order }));
}

pub(super) fn store_chunks(connection: &Connection, rows: &[ChunkRow]) -> rusqlite::Result<()> {
    rows.iter().try_for_each(|row| insert(connection, row))
}

pub(super) fn remove_chunk(db: &Db, file: i64, chunk: u64) {
    db.submit(move |connection| {
        connection
            .prepare_cached("DELETE FROM chunk WHERE file = ?1 AND number = ?2")?
            .execute(params![file, chunk.cast_signed()])?;
        unconfirm(connection, file)
    });
}

pub(super) fn remove_chunks(db: &Db, file: i64) {
    db.submit(move |connection| {
        connection.execute("DELETE FROM chunk WHERE file = ?1", [file])?;
        unconfirm(connection, file)
    });
}

/// What comes in place of what was dropped has to be checked again.
fn unconfirm(connection: &Connection, file: i64) -> rusqlite::Result<()> {
    connection.prepare_cached("UPDATE file SET confirmed = 0 WHERE id = ?1 AND confirmed = 1")?.execute([file])?;
    Ok(())
}

/// A file that left the cache meanwhile has no rows.
fn insert(connection: &Connection, chunk: &ChunkRow) -> rusqlite::Result<()> {
    let checksums: Vec<u8> = chunk.row.checksums.iter().flat_map(|checksum| checksum.to_le_bytes()).collect();
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO chunk (file, number, present, checksums, used)
             SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM file WHERE id = ?1)",
        )?
        .execute(params![chunk.file, chunk.row.chunk.cast_signed(), chunk.row.present, checksums, chunk.order])?;
    Ok(())
}
