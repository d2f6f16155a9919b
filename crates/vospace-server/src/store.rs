//! The node store of one space: a SQLite database for nodes, properties and artifact records, and files for bytes.
//!
//! Rows and bytes are separate truths, as in the real services: a file's node row knows its path and properties, the
//! artifact record knows the bytes, and the bytes are files named by the artifact. The database commit is what makes a
//! change true; bytes that no record names are rubbish and are swept at the next start.
//!
//! Everything here blocks, so [`Store::read`] and [`Store::write`] run their closure on tokio's blocking threads. There
//! is one writing connection behind a lock (SQLite has one writer anyway) and a pool of reading ones; a reader sees one
//! consistent state for the length of its closure. WAL with `synchronous=NORMAL`: a killed process loses nothing that
//! was answered, a power failure may lose the last moments.

pub mod artifacts;
pub mod bytes;
pub mod nodes;
pub mod properties;
mod schema;
pub mod transactions;

use crate::fault::Fault;
use bytes::ByteStore;
use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Reading connections kept open between requests; more are opened when needed and closed after use.
const IDLE_READERS: usize = 8;

/// The rows and bytes of one space.
#[derive(Debug)]
pub struct Store {
    file: PathBuf,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
    bytes: ByteStore,
}

impl Store {
    /// Opens or creates the store in this directory.
    pub fn open(dir: &Path) -> Result<Store, Fault> {
        std::fs::create_dir_all(dir)?;
        let file = dir.join("nodes.sqlite");
        let writer = Connection::open(&file)?;
        schema::prepare(&writer)?;
        let bytes = ByteStore::open(&dir.join("bytes"))?;
        Ok(Store { file, writer: Mutex::new(writer), readers: Mutex::new(Vec::new()), bytes })
    }

    /// Finishes or removes what an interrupted run left half done; `all` looks at every file, which takes a second for
    /// a hundred thousand. Only for the one process that serves the store.
    pub fn sweep(&self, all: bool) -> Result<(), Fault> {
        let writer = self.writer.lock();
        self.bytes.sweep(|id| artifacts::is_blob(&writer, id))?;
        if all {
            self.bytes
                .sweep_all(|id| Ok(artifacts::is_blob(&writer, id)? || nodes::by_storage(&writer, id)?.is_some()))?;
        }
        Ok(())
    }

    /// The files.
    pub fn bytes(&self) -> &ByteStore {
        &self.bytes
    }

    /// Runs a reading closure on a blocking thread, within one read transaction.
    pub async fn read<T, F>(self: &Arc<Self>, work: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        let store = Arc::clone(self);
        blocking(move || store.read_now(work)).await
    }

    /// Runs a changing closure on a blocking thread; its changes are committed if it returns `Ok`, else undone.
    pub async fn write<T, F>(self: &Arc<Self>, work: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, Fault> + Send + 'static,
    {
        let store = Arc::clone(self);
        blocking(move || store.write_now(work)).await
    }

    /// As [`Store::read`], on this thread.
    pub fn read_now<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, Fault> {
        let pooled = self.readers.lock().pop();
        let mut connection = match pooled {
            Some(connection) => connection,
            None => {
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                let connection = Connection::open_with_flags(&self.file, flags)?;
                schema::tune(&connection)?;
                connection
            }
        };
        let result = {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
            work(&transaction)
        };
        let mut readers = self.readers.lock();
        if readers.len() < IDLE_READERS {
            readers.push(connection);
        }
        result
    }

    /// As [`Store::write`], on this thread.
    pub fn write_now<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>) -> Result<T, Fault> {
        let mut connection = self.writer.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let value = work(&transaction)?;
        transaction.commit()?;
        Ok(value)
    }
}

/// Runs blocking work off the async threads.
pub async fn blocking<T, F>(work: F) -> Result<T, Fault>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Fault> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(failure) => Err(Fault::internal(format!("worker failed: {failure}"))),
    }
}
