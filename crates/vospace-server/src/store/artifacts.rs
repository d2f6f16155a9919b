//! Artifact records: what the inventory of all byte sites knows of each file's bytes.
//!
//! The key is the storage identity of the node, which outlives overwrites and renames. The blob is the name of the
//! file with the bytes, a new one for every PUT, and is what minoc shows as `x-artifact-id`: the strong validator.

use super::nodes::Copied;
use crate::fault::Fault;
use rusqlite::{Connection, OptionalExtension, Row, params};

/// One file's bytes, described.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// Storage identity of the node.
    pub storage: String,
    /// Name of the stored bytes; new at every PUT.
    pub blob: String,
    /// Bytes, above zero.
    pub length: u64,
    /// MD5 in hex.
    pub md5: String,
    /// Milliseconds since 1970 of the end of the PUT.
    pub content_date: i64,
    /// Media type given with the PUT.
    pub content_type: Option<String>,
    /// Content encoding given with the PUT.
    pub encoding: Option<String>,
}

impl Artifact {
    /// What a node row copies of it.
    pub fn copied(&self) -> Copied {
        Copied {
            length: Some(self.length),
            md5: Some(self.md5.clone()),
            content_date: Some(self.content_date),
            content_type: self.content_type.clone(),
            encoding: self.encoding.clone(),
        }
    }
}

/// What [`read`] takes, in its order; the tables of records and of their copies at the sites both have these.
pub(super) const COLUMNS: &str = "storage, blob, length, md5, content_date, content_type, encoding";

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Artifact> {
    Ok(Artifact {
        storage: row.get(0)?,
        blob: row.get(1)?,
        length: row.get::<_, i64>(2)?.cast_unsigned(),
        md5: row.get(3)?,
        content_date: row.get(4)?,
        content_type: row.get(5)?,
        encoding: row.get(6)?,
    })
}

/// The record of this storage identity.
pub fn get(connection: &Connection, storage: &str) -> Result<Option<Artifact>, Fault> {
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM artifacts WHERE storage = ?1"))?;
    Ok(statement.query_row([storage], read).optional()?)
}

/// Puts a record in place of the one before.
pub fn replace(connection: &Connection, artifact: &Artifact) -> Result<(), Fault> {
    connection
        .prepare_cached(&format!("INSERT OR REPLACE INTO artifacts ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"))?
        .execute(params![
            artifact.storage,
            artifact.blob,
            artifact.length.cast_signed(),
            artifact.md5,
            artifact.content_date,
            artifact.content_type,
            artifact.encoding,
        ])?;
    Ok(())
}

/// Removes a record.
pub fn remove(connection: &Connection, storage: &str) -> Result<(), Fault> {
    connection.prepare_cached("DELETE FROM artifacts WHERE storage = ?1")?.execute([storage])?;
    Ok(())
}

/// Changes media type and encoding, which belong to the artifact. `None` leaves a value, `Some(None)` clears it.
pub fn describe(
    connection: &Connection,
    storage: &str,
    content_type: Option<Option<&str>>,
    encoding: Option<Option<&str>>,
) -> Result<(), Fault> {
    if let Some(value) = content_type {
        connection
            .prepare_cached("UPDATE artifacts SET content_type = ?2 WHERE storage = ?1")?
            .execute(params![storage, value])?;
    }
    if let Some(value) = encoding {
        connection
            .prepare_cached("UPDATE artifacts SET encoding = ?2 WHERE storage = ?1")?
            .execute(params![storage, value])?;
    }
    Ok(())
}

/// The records that changed since then (milliseconds since 1970).
pub fn changed_since(connection: &Connection, since: i64) -> Result<Vec<Artifact>, Fault> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM artifacts WHERE content_date >= ?1"))?;
    Ok(statement.query_map([since], read)?.collect::<Result<Vec<_>, _>>()?)
}
