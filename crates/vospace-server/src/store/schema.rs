//! The tables, and how connections are set up.

use crate::fault::Fault;
use rusqlite::Connection;
use std::time::Duration;

/// Version of the tables below, kept in `user_version`; a store of a later version is refused, not guessed at.
const VERSION: i64 = 2;

/// A writer in another process (`vospaced import` beside a running service) may hold the lock for a whole batch.
const BUSY: Duration = Duration::from_secs(30);

const TABLES: &str = "
CREATE TABLE nodes (
    id           INTEGER PRIMARY KEY,
    parent       INTEGER NOT NULL,
    name         TEXT NOT NULL,
    kind         INTEGER NOT NULL,
    target       TEXT,
    owner        TEXT NOT NULL,
    is_public    INTEGER NOT NULL DEFAULT 0,
    inherit      INTEGER NOT NULL DEFAULT 0,
    locked       INTEGER NOT NULL DEFAULT 0,
    group_read   TEXT NOT NULL DEFAULT '',
    group_write  TEXT NOT NULL DEFAULT '',
    quota        INTEGER,
    storage      TEXT NOT NULL DEFAULT '',
    modified     INTEGER NOT NULL,
    row_length   INTEGER,
    row_md5      TEXT,
    row_date     INTEGER,
    row_type     TEXT,
    row_encoding TEXT,
    UNIQUE (parent, name)
);
CREATE INDEX nodes_by_arrival ON nodes (parent);
CREATE INDEX nodes_by_storage ON nodes (storage) WHERE storage <> '';
CREATE TABLE properties (
    node  INTEGER NOT NULL,
    uri   TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (node, uri)
) WITHOUT ROWID;
CREATE TABLE artifacts (
    storage      TEXT PRIMARY KEY,
    blob         TEXT NOT NULL UNIQUE,
    length       INTEGER NOT NULL,
    md5          TEXT NOT NULL,
    content_date INTEGER NOT NULL,
    content_type TEXT,
    encoding     TEXT
);
CREATE INDEX artifacts_by_date ON artifacts (content_date);
";

/// What came with version 2: the records of the single sites, and transactions with the state of their checksum.
const SITES: &str = "
CREATE TABLE copies (
    site         INTEGER NOT NULL,
    storage      TEXT NOT NULL,
    located      INTEGER NOT NULL,
    harvested    INTEGER NOT NULL,
    blob         TEXT NOT NULL,
    length       INTEGER NOT NULL,
    md5          TEXT NOT NULL,
    content_date INTEGER NOT NULL,
    content_type TEXT,
    encoding     TEXT,
    PRIMARY KEY (storage, site)
) WITHOUT ROWID;
CREATE INDEX copies_by_blob ON copies (blob);
CREATE INDEX copies_unharvested ON copies (content_date) WHERE harvested = 0;
INSERT INTO copies SELECT 0, storage, 1, 1, blob, length, md5, content_date, content_type, encoding FROM artifacts;
DROP TABLE IF EXISTS put_transactions;
CREATE TABLE put_transactions (
    id              TEXT PRIMARY KEY,
    site            INTEGER NOT NULL,
    storage         TEXT NOT NULL,
    total           INTEGER,
    digested        INTEGER NOT NULL,
    state           BLOB NOT NULL,
    previous_length INTEGER,
    previous_state  BLOB
);
";

/// Creates the tables if the file is new.
pub(super) fn prepare(connection: &Connection) -> Result<(), Fault> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    tune(connection)?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match version {
        VERSION => Ok(()),
        0 | 1 => {
            let tables = if version == 0 { TABLES } else { "" };
            connection.execute_batch(&format!(
                "BEGIN IMMEDIATE; {tables} {SITES} PRAGMA user_version = {VERSION}; COMMIT;"
            ))?;
            Ok(())
        }
        other => Err(Fault::internal(format!("the store has version {other}, this program knows version {VERSION}"))),
    }
}

/// Settings of every connection.
pub(super) fn tune(connection: &Connection) -> Result<(), Fault> {
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "cache_size", -16_000)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}
