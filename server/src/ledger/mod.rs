//! The one truth about jobs: an SQLite file that only this process writes, on one thread.
//!
//! Invariants: every change of state and the event that tells of it are one transaction, which is on the disk before anybody hears of it; a
//! stage is completed, failed or given back only by whoever holds its current attempt; what a reader sees was true at one moment.
//!
//! Writes go to the thread as closures and are committed together when several wait (each in a savepoint of its own: one that fails undoes
//! nothing of the others). Readers have connections of their own and never wait for a writer.

mod backup;
mod change;
mod check;
mod events;
mod hooks;
mod migrations;
mod names;
mod query;
mod records;
mod writer;

#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod tests;

pub use backup::faults_of;
pub use change::{Cancelled, Retried, Submitted, Verdict};
use check::faults;
pub use events::Follow;
pub use hooks::{Delivery, Webhook};
#[cfg(test)]
pub use query::LatelyStage;
pub use query::{JobQuery, Lately, Order, Page};
pub use records::{ErrorClass, Event, EventKind, Job, JobError, JobId, JobState, NewJob, NewStage, Stage, StageState, Ticket, Timestamp};
pub use writer::Write;

use events::Hub;
use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use writer::Writer;

/// Connections for readers.
const READERS: usize = 4;
/// Bytes that the log of changes keeps between rushes.
const LOG: i64 = 8 << 20;
/// How long a connection waits for another process, such as one that makes a backup.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why the ledger could not do something.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// SQLite says so.
    #[error("the ledger cannot be used: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// It holds something that cannot be.
    #[error("the ledger is damaged: {}; put the last backup in its place, or move it away and begin anew", .0.join("; "))]
    Damaged(Vec<String>),
    /// It is another program's file.
    #[error("this is no ledger of Lectern, but another program's database; choose another data folder")]
    Foreign,
    /// The thread that writes has ended.
    #[error("the ledger is closed: the server is ending")]
    Closed,
    /// A file cannot be made.
    #[error("cannot write {}: {cause}; choose another place", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// A key was used for something else before.
    #[error("the idempotency key was used for another request; take a new key for a new request")]
    KeyReused,
}

/// See the module docs. Cloning shares it.
#[derive(Clone)]
pub struct Ledger(Arc<Shared>);

struct Shared {
    writer: Writer,
    /// A channel as a pool: taking a connection may wait, giving it back never does.
    readers: (crossbeam_channel::Sender<Connection>, crossbeam_channel::Receiver<Connection>),
    hub: Arc<Hub>,
}

impl Ledger {
    /// Opens the ledger, makes it if it is not there, brings its tables to now, and checks it.
    ///
    /// # Errors
    /// It cannot be used, or what is in it cannot be true.
    pub fn open(path: &Path) -> Result<Ledger, LedgerError> {
        let mut connection = Connection::open(path)?;
        prepare(&connection)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        // After a rush the log of changes gives its room back.
        connection.pragma_update(None, "journal_size_limit", LOG)?;
        let (before, after) = migrations::migrate(&mut connection, migrations::MIGRATIONS)?;
        if before != after && before > 0 {
            tracing::info!(before, after, "the tables of the ledger have been changed");
        }
        let faults = faults(&connection)?;
        if !faults.is_empty() {
            return Err(LedgerError::Damaged(faults));
        }
        let readers = crossbeam_channel::bounded(READERS);
        for _ in 0..READERS {
            let reader = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
            prepare(&reader)?;
            readers.0.send(reader).expect("the other end is here");
        }
        let hub = Arc::new(Hub::default());
        let writer = Writer::start(connection, hub.clone()).map_err(|cause| LedgerError::File { path: path.into(), cause })?;
        Ok(Ledger(Arc::new(Shared { writer, readers, hub })))
    }

    /// Changes something, in one transaction; when this is done, it is on the disk.
    ///
    /// # Errors
    /// Those of `work`, and that it could not be written.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Write<'_>) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        self.0.writer.send(work).await.map_err(|_| LedgerError::Closed)?
    }

    /// Looks something up. Takes micro- to milliseconds and never waits for writers.
    ///
    /// # Errors
    /// Those of `work`.
    pub fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, LedgerError>) -> Result<T, LedgerError> {
        let connection = self.0.readers.1.recv().map_err(|_| LedgerError::Closed)?;
        let seen = work(&connection);
        self.0.readers.0.send(connection).map_err(|_| LedgerError::Closed)?;
        seen
    }
}

/// What every connection is set to.
fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "foreign_keys", true)
}
