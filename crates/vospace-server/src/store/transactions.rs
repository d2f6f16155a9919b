//! Records of PUT transactions: uploads in several segments.
//!
//! How much has come is the length of the file; the record holds the state of the checksum, which is stored when a
//! segment ends well. The two are not bound together: after a checksum that was refused, or a crash within a segment,
//! the file is longer than what the checksum covers. That is how the real service is (Vault, observed).

use crate::fault::Fault;
use rusqlite::{Connection, OptionalExtension, params};

/// One upload in progress.
#[derive(Clone, Debug)]
pub struct PutTransaction {
    /// Its identity, told to the client.
    pub id: String,
    /// The site that takes it.
    pub site: usize,
    /// The storage identity that the bytes are for.
    pub storage: String,
    /// Bytes announced for the whole.
    pub total: Option<u64>,
    /// Bytes that went into the checksum.
    pub digested: u64,
    /// The state of the checksum.
    pub state: Vec<u8>,
    /// Length and checksum before the last segment, unless it was reverted already.
    pub previous: Option<(u64, Vec<u8>)>,
}

/// What a request is told that names none, one that has ended, or one of another file.
pub fn unknown(id: &str) -> Fault {
    Fault::argument(format!("unknown transaction: {id}"))
}

/// The record with this identity.
pub fn get(connection: &Connection, id: &str) -> Result<Option<PutTransaction>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT id, site, storage, total, digested, state, previous_length, previous_state FROM put_transactions \
         WHERE id = ?1",
    )?;
    let record = statement
        .query_row([id], |row| {
            let previous: (Option<i64>, Option<Vec<u8>>) = (row.get(6)?, row.get(7)?);
            Ok(PutTransaction {
                id: row.get(0)?,
                site: usize::try_from(row.get::<_, i64>(1)?).unwrap_or_default(),
                storage: row.get(2)?,
                total: row.get::<_, Option<i64>>(3)?.map(i64::cast_unsigned),
                digested: row.get::<_, i64>(4)?.cast_unsigned(),
                state: row.get(5)?,
                previous: previous.0.map(i64::cast_unsigned).zip(previous.1),
            })
        })
        .optional()?;
    Ok(record)
}

/// Stores a new record.
pub fn insert(connection: &Connection, record: &PutTransaction) -> Result<(), Fault> {
    connection
        .prepare_cached(
            "INSERT INTO put_transactions (id, site, storage, total, digested, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            record.id,
            i64::try_from(record.site).unwrap_or_default(),
            record.storage,
            record.total.map(u64::cast_signed),
            record.digested.cast_signed(),
            record.state,
        ])?;
    Ok(())
}

/// Stores checksum and boundary; tells whether the record is still there.
pub fn update(connection: &Connection, record: &PutTransaction) -> Result<bool, Fault> {
    let (length, state) = record.previous.clone().unzip();
    let changed = connection
        .prepare_cached(
            "UPDATE put_transactions SET digested = ?2, state = ?3, previous_length = ?4, previous_state = ?5 \
             WHERE id = ?1",
        )?
        .execute(params![
            record.id,
            record.digested.cast_signed(),
            record.state,
            length.map(u64::cast_signed),
            state,
        ])?;
    Ok(changed > 0)
}

/// Removes a record; tells whether it was there.
pub fn remove(connection: &Connection, id: &str) -> Result<bool, Fault> {
    Ok(connection.prepare_cached("DELETE FROM put_transactions WHERE id = ?1")?.execute([id])? > 0)
}
