//! A journal that is damaged: what can be read of it is taken over, everything else is kept aside. Nothing is deleted,
//! because nothing of it exists elsewhere.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags, params};

use crate::db::schema;

/// What could be read of a damaged journal.
#[derive(Debug, Default)]
struct Found {
    identity: Option<String>,
    pending: Vec<(String, String)>,
    replacements: Vec<String>,
}

/// Looks at the journal `database`; one that is damaged is moved into a directory of its own beside it, with the data
/// files in `dirty`, and a new one begun with the records that can be read. Tells what was done.
pub(super) fn if_damaged(database: &Path, dirty: &Path, identity: &str) -> io::Result<Option<String>> {
    if !with_companions(database).any(|file| fs::metadata(file).is_ok_and(|file| file.len() > 0)) {
        return without_records(database, dirty);
    }
    if !is_damaged(database) {
        return Ok(None);
    }
    let found = read(database);
    let aside = aside(database)?;
    for file in with_companions(database).filter(|file| file.exists()) {
        fs::rename(&file, aside.join(file.file_name().unwrap_or_default()))?;
    }
    set_aside(dirty, &aside)?;
    let mut taken_over = 0;
    // Records that belong nobody knows where would go to the wrong place.
    if found.identity.as_deref() == Some(identity) {
        let connection = Connection::open(database).map_err(io::Error::other)?;
        schema::migrate(&connection, schema::JOURNAL).map_err(io::Error::other)?;
        let insert = |sql: &str, values: &[&str]| {
            connection.execute(sql, rusqlite::params_from_iter(values)).map(drop).map_err(io::Error::other)
        };
        insert("INSERT INTO property (key, value) VALUES ('identity', ?1)", &[identity])?;
        for record in &found.replacements {
            insert("INSERT INTO replacement (record) VALUES (?1)", &[record])?;
        }
        for (id, record) in &found.pending {
            if !aside.join(id).exists() {
                continue;
            }
            // Bytes without a record would be taken for what was never acknowledged, if this ended between the two.
            insert("INSERT OR REPLACE INTO pending (id, record) VALUES (?1, ?2)", &[id, record])?;
            match fs::rename(aside.join(id), dirty.join(id)) {
                Ok(()) => taken_over += 1,
                Err(_) => insert("DELETE FROM pending WHERE id = ?1", &[id])?,
            }
        }
    }
    Ok(Some(format!(
        "the journal was damaged: {taken_over} file(s) that were not uploaded yet were found again in it and are; all else \
         that was in it is in {}: look there for bytes that are missed, then delete it",
        aside.display()
    )))
}

/// There is no journal. Data files that are there had their records in one that was deleted, or is being salvaged.
fn without_records(database: &Path, dirty: &Path) -> io::Result<Option<String>> {
    if fs::read_dir(dirty)?.next().is_none() {
        return Ok(None);
    }
    let aside = aside(database)?;
    let files = set_aside(dirty, &aside)?;
    Ok(Some(format!(
        "the journal was gone: nobody knows any more where {files} file(s) belong that may not have been uploaded; they are in {}: \
         look there for bytes that are missed, then delete it",
        aside.display()
    )))
}

/// Moves all files; tells how many there were.
fn set_aside(dirty: &Path, aside: &Path) -> io::Result<usize> {
    let mut files = 0;
    for entry in fs::read_dir(dirty)? {
        let entry = entry?;
        fs::rename(entry.path(), aside.join(entry.file_name()))?;
        files += 1;
    }
    Ok(files)
}

fn is_damaged(database: &Path) -> bool {
    let check = || -> rusqlite::Result<String> {
        let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
    };
    match check() {
        Ok(text) => text != "ok",
        Err(error) => {
            matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
        }
    }
}

/// Reads from both ends, because reading stops at what is damaged.
fn read(database: &Path) -> Found {
    let mut found = Found::default();
    let Ok(connection) = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_WRITE) else { return found };
    let identity = "SELECT value FROM property WHERE key = 'identity'";
    found.identity = connection.query_row(identity, params![], |row| row.get(0)).ok();
    for order in ["ASC", "DESC"] {
        let sql = format!("SELECT id, record FROM pending ORDER BY id {order}");
        let rows = rows(&connection, &sql, |row| Ok((row.get(0)?, row.get(1)?)));
        found.pending.extend(rows);
    }
    found.pending.sort();
    found.pending.dedup();
    found.replacements = rows(&connection, "SELECT record FROM replacement ORDER BY id", |row| row.get(0));
    found
}

fn rows<T>(connection: &Connection, sql: &str, row: impl Fn(&rusqlite::Row<'_>) -> rusqlite::Result<T>) -> Vec<T> {
    let Ok(mut statement) = connection.prepare(sql) else { return Vec::new() };
    let Ok(rows) = statement.query_map([], |found| row(found)) else { return Vec::new() };
    rows.map_while(std::result::Result::ok).collect()
}

/// A new directory beside the journal.
fn aside(database: &Path) -> io::Result<PathBuf> {
    let name = format!("damaged-journal-{}", jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ"));
    let aside = database.with_file_name(name);
    DirBuilder::new().recursive(true).mode(0o700).create(&aside)?;
    Ok(aside)
}

/// The files of a database.
fn with_companions(database: &Path) -> impl Iterator<Item = PathBuf> + '_ {
    ["", "-wal", "-shm"].into_iter().map(|suffix| {
        let mut name = database.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    })
}
