//! The thread that writes.

use super::events::Hub;
use super::records::{Event, EventKind, Job, JobId, Timestamp};
use super::{LedgerError, query};
use crossbeam_channel::{Receiver, Sender, unbounded};
use rusqlite::{Connection, Savepoint, params};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// So many writes are committed together at most.
const BATCH: usize = 64;

/// What is told to whoever waits, once it is certain that all is on the disk, or why not.
type Answer = Box<dyn FnOnce(Result<(), LedgerError>) + Send>;
type Work = Box<dyn FnOnce(&Write<'_>) -> (bool, Answer) + Send>;

/// See the module docs. Dropping it writes what still waits.
pub struct Writer {
    work: Option<Sender<Work>>,
    thread: Option<JoinHandle<()>>,
}

/// A transaction in which something is written.
pub struct Write<'a> {
    /// Where to write.
    pub(super) connection: &'a Connection,
    events: RefCell<Vec<Event>>,
}

impl Writer {
    pub fn start(connection: Connection, hub: Arc<Hub>) -> std::io::Result<Writer> {
        let (work, arriving) = unbounded();
        let thread = std::thread::Builder::new().name("ledger".into()).spawn(move || write(connection, &arriving, &hub))?;
        Ok(Writer { work: Some(work), thread: Some(thread) })
    }

    /// Hands work to the thread; the receiver gets its result after the commit. It is closed when the thread has ended.
    pub fn send<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Write<'_>) -> Result<T, LedgerError> + Send + 'static,
    ) -> oneshot::Receiver<Result<T, LedgerError>> {
        let (sender, receiver) = oneshot::channel();
        let boxed: Work = Box::new(move |write| {
            let result = work(write);
            let good = result.is_ok();
            // Nobody may wait for it any more.
            let answer: Answer = Box::new(move |written| drop(sender.send(written.and(result))));
            (good, answer)
        });
        if let Some(work) = &self.work {
            // The thread has ended: the sender in the closure goes with it, and the receiver sees that.
            let _ = work.send(boxed);
        }
        receiver
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.work.take();
        // The last one to share the ledger may be work of this very thread.
        if let Some(thread) = self.thread.take().filter(|thread| thread.thread().id() != std::thread::current().id()) {
            let _ = thread.join();
        }
    }
}

fn write(mut connection: Connection, arriving: &Receiver<Work>, hub: &Hub) {
    while let Ok(first) = arriving.recv() {
        let mut answers = Vec::new();
        let written = batch(&mut connection, std::iter::once(first).chain(arriving.try_iter()).take(BATCH), &mut answers);
        match written {
            Ok(events) => {
                hub.tell(events);
                answers.into_iter().for_each(|answer| answer(Ok(())));
            }
            Err(error) => {
                tracing::error!(%error, "the ledger cannot be written");
                let text = error.to_string();
                let again = || LedgerError::Sqlite(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(1), Some(text.clone())));
                answers.into_iter().for_each(|answer| answer(Err(again())));
            }
        }
    }
}

fn batch(connection: &mut Connection, all: impl Iterator<Item = Work>, answers: &mut Vec<Answer>) -> Result<Vec<Event>, LedgerError> {
    let mut transaction = connection.transaction()?;
    let mut events = Vec::new();
    for work in all {
        let mut savepoint: Savepoint<'_> = transaction.savepoint()?;
        let write = Write { connection: &savepoint, events: RefCell::default() };
        let (good, answer) = work(&write);
        let told = write.events.into_inner();
        answers.push(answer);
        if good {
            savepoint.commit()?;
            events.extend(told);
        } else {
            savepoint.rollback()?;
        }
    }
    transaction.commit()?;
    Ok(events)
}

impl Write<'_> {
    /// A job as it is within this transaction.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn job(&self, id: JobId) -> Result<Option<Job>, LedgerError> {
        query::job(self.connection, id)
    }

    /// Tells that something has happened to a job, as part of the same transaction. `data` is an object; the job's state and percent as they
    /// are now are added to it.
    pub(super) fn tell(&self, job: JobId, kind: EventKind, stage: Option<&str>, mut data: Value) -> Result<(), LedgerError> {
        let now = query::job(self.connection, job)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        data["state"] = json!(now.state);
        let percent = now.percent();
        data["percent"] = json!(percent);
        if percent > now.furthest {
            let further = "UPDATE jobs SET furthest = ?2 WHERE id = ?1";
            self.connection.prepare_cached(further)?.execute(params![job.to_string(), percent])?;
        }
        if let Some(stage) = stage {
            data["stage"] = json!(stage);
        }
        if kind == EventKind::ProgressUpdate {
            // Only where it stands now is of use to those who come later.
            let old = "DELETE FROM events WHERE job = ? AND kind = ? AND stage IS ?";
            self.connection.prepare_cached(old)?.execute(params![job.to_string(), kind, stage])?;
        }
        let at = Timestamp::now();
        let new = "INSERT INTO events (job, at, kind, stage, data) VALUES (?, ?, ?, ?, ?)";
        self.connection.prepare_cached(new)?.execute(params![job.to_string(), at, kind, stage, data.to_string()])?;
        self.events.borrow_mut().push(Event { seq: self.connection.last_insert_rowid(), job, at, kind, data });
        Ok(())
    }
}
