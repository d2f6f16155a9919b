//! SQLite on a thread of its own: one writer, batched transactions.
//!
//! A job handed to [`Db::submit`] is written soon; [`Db::call`] returns once its transaction is committed. Jobs
//! run in the order in which they were handed over. Nothing on the hot path waits here: what the engine reads often
//! lives in memory, the database is what the next mount starts from.

pub(crate) mod schema;

use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use rusqlite::{Connection, ErrorCode, ffi};
use tokio::sync::oneshot;

use crate::error::{Error, Result};
use crate::path::NodePath;

/// How many jobs one transaction takes at most: enough to make a burst cheap, few enough that a `call` behind it
/// waits milliseconds.
const BATCH: usize = 512;

type Job = Box<dyn FnOnce(&Connection) -> rusqlite::Result<()> + Send>;
type Done = Box<dyn FnOnce(rusqlite::Result<()>) + Send>;

struct Order {
    job: Job,
    done: Option<Done>,
}

/// How much a commit survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// The end of the process, not of the machine: enough for a cache.
    Process,
    /// The end of the machine: for what exists nowhere else.
    Machine,
}

/// A handle to the writer thread. The last one that is dropped waits for the jobs in the queue and for the database to be
/// closed: a file that is closed later would take the companions of its successor with it.
#[derive(Clone)]
pub(crate) struct Db {
    writer: Arc<Writer>,
    /// How many were handed over: shows what does not touch the database.
    #[cfg(test)]
    counted: Arc<std::sync::atomic::AtomicUsize>,
}

struct Writer {
    /// `None` while the thread is told to end.
    orders: Option<mpsc::Sender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Db").finish_non_exhaustive()
    }
}

impl Db {
    /// Opens (or creates) the database at `path` and brings its schema up to date.
    pub(crate) fn open(path: &Path, schema: &'static [&'static str], durability: Durability) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        let synchronous = if durability == Durability::Machine { "FULL" } else { "NORMAL" };
        connection.pragma_update(None, "synchronous", synchronous)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        schema::migrate(&connection, schema)?;
        let (orders, inbox) = mpsc::channel();
        let name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        let thread = thread::Builder::new()
            .name(format!("db-{name}"))
            .spawn(move || write_loop(connection, &inbox))
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        Ok(Db {
            writer: Arc::new(Writer { orders: Some(orders), thread: Some(thread) }),
            #[cfg(test)]
            counted: Arc::default(),
        })
    }

    /// Hands over a job whose success nobody waits for; that the database does not take them is logged once.
    pub(crate) fn submit(&self, job: impl FnOnce(&Connection) -> rusqlite::Result<()> + Send + 'static) {
        let done: Done = Box::new(|outcome| {
            if let Err(error) = outcome {
                tracing::debug!(%error, "cache index: a record was not written");
            }
        });
        self.hand_over(Order { job: Box::new(job), done: Some(done) });
    }

    fn hand_over(&self, order: Order) {
        #[cfg(test)]
        self.counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        // The thread only ends with the last handle, so sending cannot fail while this one lives.
        if let Some(orders) = &self.writer.orders {
            let _ = orders.send(order);
        }
    }

    #[cfg(test)]
    pub(crate) fn orders(&self) -> usize {
        self.counted.load(std::sync::atomic::Ordering::SeqCst)
    }

    /// Runs a job and returns what it gave once its transaction is committed.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, received) = oneshot::channel();
        let slot = Arc::new(parking_lot::Mutex::new(None));
        let filled = Arc::clone(&slot);
        let job: Job = Box::new(move |transaction| {
            *filled.lock() = Some(job(transaction)?);
            Ok(())
        });
        let done: Done = Box::new(move |outcome| {
            let _ = answer.send(outcome);
        });
        self.hand_over(Order { job, done: Some(done) });
        let broken = |cause: String| Error::CacheDir(format!("cache directory: database: {cause}"));
        received.await.map_err(|_| broken("its thread has ended".into()))?.map_err(|error| {
            if error.sqlite_error_code() == Some(ErrorCode::DiskFull) {
                return Error::NoSpace(NodePath::root());
            }
            broken(error.to_string())
        })?;
        let value = slot.lock().take();
        value.ok_or_else(|| broken("no result".into()))
    }
}

fn write_loop(mut connection: Connection, inbox: &mpsc::Receiver<Order>) {
    let mut failing = false;
    while let Ok(first) = inbox.recv() {
        let mut batch = vec![first];
        while batch.len() < BATCH {
            let Ok(next) = inbox.try_recv() else { break };
            batch.push(next);
        }
        let failure = run(&mut connection, batch);
        match &failure {
            Some(cause) if !failing => tracing::warn!(
                cause,
                database = connection.path(),
                "the database of the cache directory takes no records; free space on its disk, or look for what has damaged it"
            ),
            None if failing => tracing::warn!(database = connection.path(), "the database takes records again"),
            _ => {}
        }
        failing = failure.is_some();
    }
}

/// One transaction for the whole batch; each job in a savepoint, so that one that fails takes no other with it. Gives
/// what kept the whole from being committed.
fn run(connection: &mut Connection, batch: Vec<Order>) -> Option<String> {
    let mut finished: Vec<(Done, rusqlite::Result<()>)> = Vec::with_capacity(batch.len());
    let committed = (|| {
        let mut transaction = connection.transaction()?;
        for order in batch {
            let savepoint = transaction.savepoint()?;
            let outcome = (order.job)(&savepoint);
            match outcome {
                Ok(()) => savepoint.commit()?,
                Err(_) => drop(savepoint),
            }
            if let Some(done) = order.done {
                finished.push((done, outcome));
            }
        }
        transaction.commit()
    })();
    let failure = committed.err().map(|error: rusqlite::Error| {
        let code = error.sqlite_error().copied().unwrap_or(ffi::Error::new(ffi::SQLITE_ERROR));
        (code, error.to_string())
    });
    for (done, outcome) in finished {
        done(match &failure {
            Some((code, cause)) => Err(rusqlite::Error::SqliteFailure(*code, Some(cause.clone()))),
            None => outcome,
        });
    }
    failure.map(|(_, cause)| cause)
}
