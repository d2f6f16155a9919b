//! Records of PUT transactions: uploads in several segments.
//!
//! The record says how many bytes are settled; whatever the file holds beyond that belongs to a segment that never
//! ended and is cut off before the next one. `previous` is the boundary that one `revert` goes back to.

use crate::fault::Fault;
use rusqlite::{Connection, OptionalExtension, params};

/// One upload in progress.
#[derive(Clone, Debug)]
pub struct PutTransaction {
    /// Its identity, told to the client.
    pub id: String,
    /// The storage identity that the bytes are for.
    pub storage: String,
    /// Bytes announced for the whole.
    pub total: Option<u64>,
    /// Bytes settled.
    pub length: u64,
    /// The boundary before the last segment, unless it was reverted already.
    pub previous: Option<u64>,
}

/// The record with this identity.
pub fn get(connection: &Connection, id: &str) -> Result<Option<PutTransaction>, Fault> {
    let mut statement =
        connection.prepare_cached("SELECT id, storage, total, length, previous FROM put_transactions WHERE id = ?1")?;
    let record = statement
        .query_row([id], |row| {
            Ok(PutTransaction {
                id: row.get(0)?,
                storage: row.get(1)?,
                total: row.get::<_, Option<i64>>(2)?.map(i64::cast_unsigned),
                length: row.get::<_, i64>(3)?.cast_unsigned(),
                previous: row.get::<_, Option<i64>>(4)?.map(i64::cast_unsigned),
            })
        })
        .optional()?;
    Ok(record)
}

/// Stores a record, new or changed.
pub fn put(connection: &Connection, record: &PutTransaction) -> Result<(), Fault> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO put_transactions (id, storage, total, length, previous) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            record.id,
            record.storage,
            record.total.map(u64::cast_signed),
            record.length.cast_signed(),
            record.previous.map(u64::cast_signed),
        ])?;
    Ok(())
}

/// Removes a record; tells whether it was there.
pub fn remove(connection: &Connection, id: &str) -> Result<bool, Fault> {
    Ok(connection.prepare_cached("DELETE FROM put_transactions WHERE id = ?1")?.execute([id])? > 0)
}
