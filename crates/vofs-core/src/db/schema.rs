//! The tables, as a list of steps: step N brings a database of version N to version N + 1.

use rusqlite::Connection;

/// The index of the cache: may be thrown away at any time.
pub(crate) const INDEX: &[&str] = &[
    "
    CREATE TABLE property (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE node (
        parent TEXT NOT NULL, name TEXT NOT NULL,
        meta TEXT NOT NULL,          -- JSON of meta::Meta
        fetched INTEGER NOT NULL,    -- ms since 1970, when the service last said so
        PRIMARY KEY (parent, name)) WITHOUT ROWID;
    CREATE TABLE listing (directory TEXT PRIMARY KEY, fetched INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE file (
        id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE,
        version TEXT NOT NULL);      -- JSON of version::Version
    CREATE TABLE chunk (
        file INTEGER NOT NULL REFERENCES file(id) ON DELETE CASCADE, number INTEGER NOT NULL,
        present INTEGER NOT NULL,    -- bit per block
        checksums BLOB NOT NULL,     -- CRC-32 per block, little-endian
        used INTEGER NOT NULL,       -- order of use
        PRIMARY KEY (file, number)) WITHOUT ROWID;
",
    "
    DELETE FROM file;                -- blocks of another size
    ALTER TABLE file ADD COLUMN confirmed INTEGER NOT NULL DEFAULT 0; -- the MD5 of the whole was found right
",
    "
    DROP TABLE node;
    DROP TABLE listing;
    CREATE TABLE directory (
        id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE,
        listed INTEGER);             -- ms since 1970 of its last complete listing
    CREATE TABLE node (
        directory INTEGER NOT NULL REFERENCES directory(id) ON DELETE CASCADE, name TEXT NOT NULL,
        meta BLOB NOT NULL,          -- meta::Meta in postcard's form
        fetched INTEGER NOT NULL,    -- ms since 1970, when the service last said so; 0 is in doubt
        PRIMARY KEY (directory, name)) WITHOUT ROWID;
",
    "
    DELETE FROM node;                -- of a form without what is only named, and without the time that marks what has no date
    DELETE FROM directory;
    ALTER TABLE directory ADD COLUMN only_names INTEGER NOT NULL DEFAULT 0; -- its listing tells names and kinds, no attributes
",
];

/// The journal: what exists nowhere else. Never thrown away.
pub(crate) const JOURNAL: &[&str] = &[
    "
    CREATE TABLE property (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE pending (
        id TEXT PRIMARY KEY,         -- name of the data file
        record TEXT NOT NULL) WITHOUT ROWID;  -- JSON of journal::Pending
    CREATE TABLE replacement (
        id INTEGER PRIMARY KEY, record TEXT NOT NULL);  -- JSON of journal::Replacement
",
    "
    CREATE TABLE conflict (
        id INTEGER PRIMARY KEY AUTOINCREMENT, record TEXT NOT NULL);  -- JSON of journal::Conflict
",
    "
    CREATE TABLE pin (path TEXT PRIMARY KEY) WITHOUT ROWID;  -- what the user wants kept in the cache
",
];

/// Runs the steps that `connection` has not seen yet.
pub(crate) fn migrate(connection: &Connection, steps: &[&str]) -> rusqlite::Result<()> {
    let seen: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for (number, step) in steps.iter().enumerate().skip(seen as usize) {
        connection.execute_batch(&format!("BEGIN; {step} PRAGMA user_version = {}; COMMIT;", number + 1))?;
    }
    Ok(())
}
