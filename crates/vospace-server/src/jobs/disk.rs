//! The file with the records of jobs: a database of its own, so that a job never waits for a change of nodes.
//!
//! Nothing is forced to the disk: a killed process loses no job, a power failure may. A write takes some ten
//! microseconds, less than it would take to hand it to another thread.

use super::Job;
use super::record::Record;
use crate::fault::Fault;
use parking_lot::Mutex;
use rusqlite::{Connection, params};
use std::path::Path;

/// Where jobs are kept.
#[derive(Debug)]
pub(super) struct Disk {
    connection: Mutex<Connection>,
}

impl Disk {
    /// Opens or creates the file.
    pub(super) fn open(file: &Path) -> Result<Disk, Fault> {
        let connection = Connection::open(file)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "OFF")?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS jobs (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, record TEXT NOT NULL)",
        )?;
        Ok(Disk { connection: Mutex::new(connection) })
    }

    /// All jobs, oldest first.
    pub(super) fn all(&self) -> Result<Vec<Job>, Fault> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare("SELECT id, record FROM jobs ORDER BY seq")?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
        let mut jobs = Vec::new();
        for row in rows {
            let (id, record) = row?;
            jobs.extend(serde_json::from_str::<Record>(&record).ok().and_then(|record| record.job(id)));
        }
        Ok(jobs)
    }

    /// Keeps a job as it stands.
    pub(super) fn keep(&self, job: &Job) {
        let stored = serde_json::to_string(&Record::of(job)).map_err(Fault::internal).and_then(|record| {
            let connection = self.connection.lock();
            let mut statement = connection.prepare_cached(
                "INSERT INTO jobs (id, record) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET record = ?2",
            )?;
            Ok(statement.execute(params![job.id, record])?)
        });
        if let Err(fault) = stored {
            tracing::warn!(%fault, "a job will not survive a restart");
        }
    }

    /// Forgets a job.
    pub(super) fn forget(&self, id: &str) {
        let connection = self.connection.lock();
        let forgotten = connection
            .prepare_cached("DELETE FROM jobs WHERE id = ?1")
            .and_then(|mut statement| statement.execute([id]));
        if let Err(error) = forgotten {
            tracing::warn!(%error, "a job will come back at a restart");
        }
    }
}
