//! The journal: bytes that the service does not have yet, and replacements that are half done.
//!
//! ```text
//!            close, fsync                  upload confirmed
//!  (dirty) ───────────────▶ Waiting ───────────────────────▶ (row removed)
//!                             ▲  │ the service cannot take it now
//!                   next try  │  ▼
//!                           Failed      Refused ◀── the service said no; tried again at the next mount only
//! ```
//!
//! A row is committed to disk, and its data file synchronised before it, ahead of anything that is acknowledged. It is
//! removed only after the service has confirmed the bytes. Nothing here is ever dropped for space. Of a journal that is
//! damaged what can be read is taken over and the rest kept aside (`salvage`); one that cannot be opened for another reason
//! stops the mount with a message.

mod salvage;

use std::path::{Path, PathBuf};

use rusqlite::params;
use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::db::{Db, Durability, schema};
use crate::error::{Error, Result};
use crate::meta::Access;
use crate::path::NodePath;
use crate::version::Version;

/// Where a pending file stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Stage {
    /// Complete on this disk, to be uploaded.
    Waiting,
    /// The last try failed; another one follows.
    Failed,
    /// The service said no. Cavern leaves an empty node behind a refused upload and takes the second try, so
    /// nothing is repeated by itself.
    Refused,
}

/// A file whose bytes the service does not have yet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Pending {
    /// Name of the data file.
    pub(crate) id: String,
    /// Where it belongs.
    pub(crate) path: String,
    /// Its length in bytes.
    pub(crate) length: u64,
    /// What the service had when the first byte was changed; `None` when it had no such file.
    pub(crate) base: Option<Version>,
    /// Below this offset, what is not in `written` stands in the base version.
    pub(crate) base_length: u64,
    /// What the data file holds; all else is the base or zero.
    pub(crate) written: Vec<(u64, u64)>,
    /// Modification time to show.
    pub(crate) mtime: Millis,
    /// A change of mode that waits for the node to exist.
    pub(crate) access: Option<Access>,
    /// Where it stands.
    pub(crate) stage: Stage,
    /// What the last try met.
    pub(crate) error: Option<String>,
    /// A PUT was begun and never confirmed.
    #[serde(default)]
    pub(crate) begun: bool,
}

/// A replacing rename, which VOSpace does not have: the target is set aside, the source moved, what was set aside
/// deleted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Replacement {
    pub(crate) from: String,
    pub(crate) to: String,
    /// Name of the old target between the two moves.
    pub(crate) aside: String,
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
        let unreadable = |error: &dyn std::fmt::Display| {
            Error::CacheDir(format!(
                "the journal {} cannot be read: {error}; it may hold files that were never uploaded: move the cache \
                 directory aside (do not delete it) or choose another one with --cache_dir",
                database.display()
            ))
        };
        if let Some(done) = salvage::if_damaged(database, dirty, identity).map_err(|error| unreadable(&error))? {
            tracing::error!("{done}");
        }
        let db = Db::open(database, schema::JOURNAL, Durability::Machine).map_err(|error| unreadable(&error))?;
        let journal = Journal { db, dirty: dirty.to_path_buf() };
        journal.claim(identity, database).await?;
        Ok(journal)
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
    pub(crate) async fn put(&self, pending: &Pending) -> Result<()> {
        let (id, record) = (pending.id.clone(), to_json(pending)?);
        self.db
            .call(move |connection| {
                connection.execute("INSERT OR REPLACE INTO pending (id, record) VALUES (?1, ?2)", params![id, record])
            })
            .await
            .map(drop)
    }

    /// The service has confirmed the bytes, or the file was deleted.
    pub(crate) async fn remove(&self, id: &str) -> Result<()> {
        let id = id.to_owned();
        self.db.call(move |connection| connection.execute("DELETE FROM pending WHERE id = ?1", [id])).await.map(drop)
    }

    /// All files that wait for their upload.
    pub(crate) async fn pending(&self) -> Result<Vec<Pending>> {
        self.records("SELECT record FROM pending").await
    }

    /// A replacing rename begins.
    pub(crate) async fn begin(&self, replacement: &Replacement) -> Result<i64> {
        let record = to_json(replacement)?;
        self.db
            .call(move |connection| {
                connection.execute("INSERT INTO replacement (record) VALUES (?1)", [record])?;
                Ok(connection.last_insert_rowid())
            })
            .await
    }

    /// It has ended, one way or the other.
    pub(crate) async fn end(&self, id: i64) -> Result<()> {
        self.db
            .call(move |connection| connection.execute("DELETE FROM replacement WHERE id = ?1", [id]))
            .await
            .map(drop)
    }

    /// Replacing renames that a crash interrupted.
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

impl Pending {
    pub(crate) fn path(&self) -> NodePath {
        NodePath::new(&self.path)
    }
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
mod tests {
    use super::*;

    fn pending(id: &str) -> Pending {
        Pending {
            id: id.into(),
            path: "a/b".into(),
            length: 3,
            base: None,
            base_length: 0,
            written: vec![(0, 3)],
            mtime: Millis(5),
            access: None,
            stage: Stage::Waiting,
            error: None,
            begun: false,
        }
    }

    #[tokio::test]
    async fn what_was_put_is_found_by_the_next_mount() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let database = place.path().join("journal.db");
        {
            let journal = Journal::open(&database, place.path(), "vos:a").await.expect("opens");
            journal.put(&pending("1")).await.expect("put");
            journal.put(&pending("2")).await.expect("put");
            journal.remove("1").await.expect("removed");
        }
        let journal = Journal::open(&database, place.path(), "vos:a").await.expect("opens");
        let found = journal.pending().await.expect("read");
        assert_eq!(found.iter().map(|pending| pending.id.as_str()).collect::<Vec<_>>(), ["2"]);
    }

    /// Overwrites what stands where the database keeps `text`.
    fn damage(database: &Path, text: &str) {
        let mut bytes = std::fs::read(database).expect("read");
        let found = bytes.windows(text.len()).position(|window| window == text.as_bytes()).expect("stands there");
        let page = found / 4096 * 4096;
        bytes[page..page + 100].fill(0xEE);
        std::fs::write(database, bytes).expect("written");
    }

    #[tokio::test]
    async fn of_a_damaged_journal_what_can_be_read_is_kept_and_nothing_is_deleted() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let (database, dirty) = (place.path().join("journal.db"), place.path().join("dirty"));
        std::fs::create_dir(&dirty).expect("made");
        {
            let journal = Journal::open(&database, &dirty, "vos:a").await.expect("opens");
            for number in 0..200 {
                let id = format!("file-{number:03}");
                std::fs::write(dirty.join(&id), &id).expect("written");
                journal.put(&pending(&id)).await.expect("put");
            }
        }
        damage(&database, "file-100");
        let journal = Journal::open(&database, &dirty, "vos:a").await.expect("opens");
        let found = journal.pending().await.expect("read");
        assert!(found.len() > 20 && found.len() < 200, "{} found", found.len());
        for pending in &found {
            assert_eq!(std::fs::read_to_string(dirty.join(&pending.id)).expect("there"), pending.id);
        }
        let kept = |directory: &Path| std::fs::read_dir(directory).expect("listed").count();
        let aside = std::fs::read_dir(place.path()).expect("listed").map(|entry| entry.expect("an entry").path());
        let aside = aside.into_iter().find(|path| path.display().to_string().contains("damaged-journal-"));
        assert_eq!(kept(&dirty) + kept(&aside.expect("kept aside")), 200 + 1, "every file, and the damaged journal");
    }

    #[tokio::test]
    async fn a_journal_that_is_no_database_is_kept_aside_with_its_files() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let (database, dirty) = (place.path().join("journal.db"), place.path().join("dirty"));
        std::fs::create_dir(&dirty).expect("made");
        std::fs::write(&database, vec![0xAB; 10_000]).expect("written");
        std::fs::write(dirty.join("x"), "never uploaded").expect("written");
        let journal = Journal::open(&database, &dirty, "vos:a").await.expect("opens");
        assert!(journal.pending().await.expect("read").is_empty());
        let aside = std::fs::read_dir(place.path()).expect("listed").map(|entry| entry.expect("an entry").path());
        let aside = aside.into_iter().find(|path| path.display().to_string().contains("damaged-journal-"));
        assert_eq!(std::fs::read_to_string(aside.expect("made").join("x")).expect("kept"), "never uploaded");
    }

    #[tokio::test]
    async fn files_of_another_space_are_not_uploaded_to_this_one() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let database = place.path().join("journal.db");
        Journal::open(&database, place.path(), "vos:a").await.expect("opens").put(&pending("1")).await.expect("put");
        let refused = Journal::open(&database, place.path(), "vos:b").await.expect_err("another space").to_string();
        assert!(refused.contains("1 file(s) of vos:a"), "{refused}");
    }
}
