//! The journal: bytes that the service does not have yet, and replacements that are half done.
//!
//! The states of a pending file are told in `record`.
//!
//! A row is committed to disk, and its data file synchronised before it, ahead of anything that is acknowledged. It is
//! removed only after the service has confirmed the bytes. Nothing here is ever dropped for space. Of a journal that is
//! damaged what can be read is taken over and the rest kept aside (`salvage`); one that cannot be opened for another reason
//! stops the mount with a message.

pub(crate) mod record;
mod salvage;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use crate::db::{Db, Durability, schema};
use crate::error::{Error, Result};
use crate::path::NodePath;
use crate::pins::Pins;

pub(crate) use record::{Conflict, Copying, Digest, Pending, Replacement, Stage};

/// So many conflicts are remembered for `status`; the log has all of them.
const CONFLICTS: u32 = 100;

/// What happens to the journal in one transaction: all of it, or nothing.
#[derive(Debug, Default)]
pub(crate) struct Change {
    /// Records that are made or take the place of their former selves.
    pub(crate) put: Vec<Pending>,
    /// Data files whose records go.
    pub(crate) remove: Vec<String>,
    /// A move that has ended.
    pub(crate) end: Option<i64>,
}

/// The journal of one mount.
#[derive(Debug)]
pub(crate) struct Journal {
    db: Db,
    dirty: PathBuf,
}

impl Journal {
    /// Opens the journal of `identity`. One that holds files of another space is refused: they would go to the wrong place.
    pub(crate) async fn open(database: &Path, dirty: &Path, identity: &str) -> Result<Self> {
        if let Some(done) =
            salvage::if_damaged(database, dirty, identity).map_err(|error| unreadable(database, &error))?
        {
            tracing::error!("{done}");
        }
        let journal = Self::open_unclaimed(database, dirty)?;
        journal.claim(identity, database).await?;
        Ok(journal)
    }

    /// Opens it for who only looks after its records, whatever space they belong to.
    pub(crate) fn open_unclaimed(database: &Path, dirty: &Path) -> Result<Self> {
        let db =
            Db::open(database, schema::JOURNAL, Durability::Machine).map_err(|error| unreadable(database, &error))?;
        Ok(Journal { db, dirty: dirty.to_path_buf() })
    }

    /// The space whose files these are.
    pub(crate) async fn identity(&self) -> Result<String> {
        self.db
            .call(|connection| {
                connection.query_row("SELECT value FROM property WHERE key = 'identity'", [], |row| row.get(0))
            })
            .await
    }

    async fn claim(&self, identity: &str, database: &Path) -> Result<()> {
        let wanted = identity.to_owned();
        let (owner, pending) = self
            .db
            .call(move |connection| {
                let pending: i64 = connection.query_row(
                    "SELECT (SELECT count(*) FROM pending) + (SELECT count(*) FROM replacement)",
                    [],
                    |row| row.get(0),
                )?;
                if pending == 0 {
                    let was = connection
                        .query_row("SELECT value FROM property WHERE key = 'identity'", [], |row| {
                            row.get::<_, String>(0)
                        })
                        .optional()?;
                    if was.is_some_and(|was| was != wanted) {
                        // Names of another space.
                        connection.execute("DELETE FROM pin", [])?;
                    }
                    connection
                        .execute("INSERT OR REPLACE INTO property (key, value) VALUES ('identity', ?1)", [&wanted])?;
                }
                let owner: String =
                    connection.query_row("SELECT value FROM property WHERE key = 'identity'", [], |row| row.get(0))?;
                Ok((owner, pending))
            })
            .await?;
        if owner == identity {
            return Ok(());
        }
        Err(Error::CacheDir(format!(
            "the journal {} holds {pending} file(s) of {owner} that were not uploaded yet; mount {owner} with this cache \
             directory first, or choose another one with --cache_dir",
            database.display()
        )))
    }

    /// Where the data files are.
    pub(crate) fn directory(&self) -> &Path {
        &self.dirty
    }

    /// Writes the record down; durable on return.
    #[cfg(test)]
    pub(crate) async fn put(&self, pending: &Pending) -> Result<()> {
        self.apply(&Change { put: vec![pending.clone()], ..Change::default() }).await
    }

    /// The service has confirmed the bytes, or the file was deleted.
    pub(crate) async fn remove(&self, id: &str) -> Result<()> {
        self.apply(&Change { remove: vec![id.to_owned()], ..Change::default() }).await
    }

    /// Makes a change; durable on return.
    pub(crate) async fn apply(&self, change: &Change) -> Result<()> {
        let rows: Vec<(String, String)> =
            change.put.iter().map(|pending| Ok((pending.id.clone(), to_json(pending)?))).collect::<Result<_>>()?;
        let (removed, ended) = (change.remove.clone(), change.end);
        self.db
            .call(move |connection| {
                for (id, record) in &rows {
                    put(connection, id, record)?;
                }
                for id in &removed {
                    connection.execute("DELETE FROM pending WHERE id = ?1", [id])?;
                }
                if let Some(id) = ended {
                    connection.execute("DELETE FROM replacement WHERE id = ?1", [id])?;
                }
                Ok(())
            })
            .await
    }

    /// All files that wait for their upload.
    pub(crate) async fn pending(&self) -> Result<Vec<Pending>> {
        self.records("SELECT record FROM pending").await
    }

    /// A move begins.
    pub(crate) async fn begin(&self, replacement: &Replacement) -> Result<i64> {
        let record = to_json(replacement)?;
        self.db
            .call(move |connection| {
                connection.execute("INSERT INTO replacement (record) VALUES (?1)", [record])?;
                Ok(connection.last_insert_rowid())
            })
            .await
    }

    /// What is left to do of a move is another thing from now on.
    pub(crate) async fn turn(&self, id: i64, replacement: &Replacement) -> Result<()> {
        let record = to_json(replacement)?;
        self.db
            .call(move |connection| {
                connection.execute("UPDATE replacement SET record = ?2 WHERE id = ?1", params![id, record])
            })
            .await
            .map(drop)
    }

    /// It has ended, one way or the other.
    pub(crate) async fn end(&self, id: i64) -> Result<()> {
        self.apply(&Change { end: Some(id), ..Change::default() }).await
    }

    /// Remembers a conflict.
    pub(crate) async fn add_conflict(&self, conflict: &Conflict) -> Result<()> {
        let record = to_json(conflict)?;
        self.db
            .call(move |connection| {
                connection.execute("INSERT INTO conflict (record) VALUES (?1)", [record])?;
                let oldest = connection.last_insert_rowid() - i64::from(CONFLICTS);
                connection.execute("DELETE FROM conflict WHERE id <= ?1", [oldest]).map(drop)
            })
            .await
    }

    /// What the user wants kept in the cache.
    pub(crate) async fn pins(&self) -> Result<Vec<NodePath>> {
        let paths: Vec<String> = self
            .db
            .call(|connection| {
                connection.prepare("SELECT path FROM pin ORDER BY path")?.query_map([], |row| row.get(0))?.collect()
            })
            .await?;
        Ok(paths.iter().map(|path| NodePath::new(path)).collect())
    }

    /// Writes down what the user wants kept from now on: as it is when this is written, so that of two changes at a time
    /// none is lost.
    pub(crate) async fn write_pins(&self, pins: &Arc<Pins>) -> Result<()> {
        let pins = Arc::clone(pins);
        self.db
            .call(move |connection| {
                connection.execute("DELETE FROM pin", [])?;
                let mut insert = connection.prepare("INSERT INTO pin (path) VALUES (?1)")?;
                pins.list().iter().try_for_each(|path| insert.execute([path.as_str()]).map(drop))
            })
            .await
    }

    /// The latest conflicts, oldest first.
    pub(crate) async fn conflicts(&self) -> Result<Vec<Conflict>> {
        self.records("SELECT record FROM conflict ORDER BY id").await
    }

    /// Moves that were begun and have not ended.
    pub(crate) async fn replacements(&self) -> Result<Vec<(i64, Replacement)>> {
        let rows: Vec<(i64, String)> = self
            .db
            .call(|connection| {
                let mut statement = connection.prepare("SELECT id, record FROM replacement ORDER BY id")?;
                statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
            })
            .await?;
        rows.into_iter().map(|(id, record)| Ok((id, from_json(&record)?))).collect()
    }

    async fn records<T: for<'a> Deserialize<'a>>(&self, query: &'static str) -> Result<Vec<T>> {
        let rows: Vec<String> = self
            .db
            .call(move |connection| connection.prepare(query)?.query_map([], |row| row.get(0))?.collect())
            .await?;
        rows.iter().map(|record| from_json(record)).collect()
    }
}

fn put(connection: &Connection, id: &str, record: &str) -> rusqlite::Result<()> {
    connection.execute("INSERT OR REPLACE INTO pending (id, record) VALUES (?1, ?2)", params![id, record]).map(drop)
}

fn unreadable(database: &Path, error: &dyn std::fmt::Display) -> Error {
    Error::CacheDir(format!(
        "the journal {} cannot be read: {error}; it may hold files that were never uploaded: move the cache directory \
         aside (do not delete it) or choose another one with --cache_dir",
        database.display()
    ))
}

fn to_json<T: Serialize>(record: &T) -> Result<String> {
    serde_json::to_string(record).map_err(|error| Error::CacheDir(format!("journal: {error}")))
}

fn from_json<T: for<'a> Deserialize<'a>>(record: &str) -> Result<T> {
    serde_json::from_str(record).map_err(|error| {
        Error::CacheDir(format!(
            "the journal holds a record that this release cannot read ({error}); mount with the release that wrote it"
        ))
    })
}

#[cfg(test)]
mod tests;
