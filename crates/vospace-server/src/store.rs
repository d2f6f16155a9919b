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
pub mod blob;
pub mod bytes;
pub mod copies;
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
    sites: Vec<ByteStore>,
}

impl Store {
    /// Opens or creates the store in this directory, with so many byte sites (at least one), each with its own files.
    pub fn open(dir: &Path, sites: usize) -> Result<Store, Fault> {
        std::fs::create_dir_all(dir)?;
        let file = dir.join("nodes.sqlite");
        let writer = Connection::open(&file)?;
        schema::prepare(&writer)?;
        let bytes = |site: usize| match site {
            0 => ByteStore::open(&dir.join("bytes")),
            _ => ByteStore::open(&dir.join(format!("bytes-{}", site + 1))),
        };
        let sites = (0..sites.max(1)).map(bytes).collect::<Result<Vec<_>, _>>()?;
        Ok(Store { file, writer: Mutex::new(writer), readers: Mutex::new(Vec::new()), sites })
    }

    /// Finishes or removes what an interrupted run left half done; `all` looks at every file, which takes a second for
    /// a hundred thousand. Only for the one process that serves the store.
    pub fn sweep(&self, all: bool) -> Result<(), Fault> {
        let writer = self.writer.lock();
        for (site, bytes) in self.sites.iter().enumerate() {
            bytes.sweep(|id| copies::is_blob(&writer, site, id))?;
            bytes.sweep_transactions(|id| Ok(transactions::get(&writer, id)?.is_some()))?;
            if all {
                let in_place = |id: &str| Ok::<_, Fault>(site == 0 && nodes::by_storage(&writer, id)?.is_some());
                bytes.sweep_all(|id| Ok(copies::is_blob(&writer, site, id)? || in_place(id)?))?;
            }
        }
        Ok(())
    }

    /// The files of the first site, and those that are written in place.
    pub fn bytes(&self) -> &ByteStore {
        self.site(0)
    }

    /// The files of a site; of the first one for a site that is not there.
    pub fn site(&self, site: usize) -> &ByteStore {
        self.sites.get(site).unwrap_or(&self.sites[0])
    }

    /// How many sites there are.
    pub fn sites(&self) -> usize {
        self.sites.len()
    }

    /// Removes a blob that nothing names any more, at all sites.
    pub fn remove_blob(&self, blob: &str) {
        for site in &self.sites {
            site.remove(blob);
        }
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
