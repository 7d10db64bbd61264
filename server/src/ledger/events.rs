//! Those who follow what happens to a job: first what has happened, then what happens, nothing twice and nothing left out.

use super::records::{Event, EventKind, JobId, Timestamp};
use super::{Ledger, LedgerError};
use rusqlite::{Connection, params};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;
use tokio::sync::broadcast::{Receiver, Sender, channel, error::RecvError};

/// So many events wait for a follower; who is slower reads them from the ledger.
const WAITING: usize = 64;
/// So many are read from the ledger at once.
const PAGE: i64 = 200;

/// Hands events on to those who follow their job.
pub struct Hub {
    jobs: Mutex<HashMap<JobId, Sender<Arc<Event>>>>,
    /// A job is over.
    pub ended: Notify,
    /// A stage has failed, of whichever job.
    failures: Sender<Arc<Event>>,
}

impl Default for Hub {
    fn default() -> Hub {
        Hub { jobs: Mutex::default(), ended: Notify::new(), failures: channel(WAITING).0 }
    }
}

impl Hub {
    pub fn tell(&self, events: Vec<Event>) {
        if events.is_empty() {
            return;
        }
        if events.iter().any(|event| event.kind == EventKind::Complete) {
            self.ended.notify_one();
        }
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            let (job, event) = (event.job, Arc::new(event));
            if event.kind == EventKind::Error {
                // Nobody may want to know.
                let _ = self.failures.send(event.clone());
            }
            if jobs.get(&job).is_some_and(|followers| followers.send(event).is_err()) {
                // The last follower has gone.
                jobs.remove(&job);
            }
        }
    }

    fn join(&self, job: JobId) -> Receiver<Arc<Event>> {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        // Those whose followers went before another event came.
        jobs.retain(|_, followers| followers.receiver_count() > 0);
        jobs.entry(job).or_insert_with(|| channel(WAITING).0).subscribe()
    }
}

/// A follower of one job.
pub struct Follow {
    ledger: Ledger,
    job: JobId,
    /// The last event that was given.
    last: i64,
    news: Receiver<Arc<Event>>,
    /// Read from the ledger, to be given first.
    known: VecDeque<Arc<Event>>,
    /// All that the ledger has so far is given or in `known`.
    caught_up: bool,
}

impl Ledger {
    /// Follows a job from after the event `last` on; 0 is from its beginning.
    pub fn follow(&self, job: JobId, last: i64) -> Follow {
        // First the subscription: what happens between it and the reading comes twice and is dropped once.
        let news = self.0.hub.join(job);
        Follow { ledger: self.clone(), job, last, news, known: VecDeque::new(), caught_up: false }
    }

    /// Events of stages that fail from now on, of all jobs. Who is too slow misses some.
    pub fn failures(&self) -> Receiver<Arc<Event>> {
        self.0.hub.failures.subscribe()
    }

    /// Forgets what happened to jobs that were over before `moment`; their end stays. Gives how many events went.
    ///
    /// # Errors
    /// It cannot be written.
    pub async fn forget_events(&self, moment: Timestamp) -> Result<usize, LedgerError> {
        self.write(move |write| {
            let old = "DELETE FROM events WHERE kind <> 'complete' AND job IN (SELECT id FROM jobs WHERE finished_at < ?)";
            Ok(write.connection.execute(old, [moment])?)
        })
        .await
    }
}

impl Follow {
    /// The next event, once there is one. After one of the kind `complete` others come only if the job is tried again.
    ///
    /// # Errors
    /// The ledger cannot be read, or is closed.
    pub async fn next(&mut self) -> Result<Arc<Event>, LedgerError> {
        loop {
            if let Some(event) = self.known.pop_front() {
                self.last = event.seq;
                return Ok(event);
            }
            if !self.caught_up {
                let (job, last) = (self.job, self.last);
                self.known = self.ledger.read(|connection| since(connection, job, last))?.into();
                self.caught_up = (self.known.len() as i64) < PAGE;
                continue;
            }
            match self.news.recv().await {
                Ok(event) if event.seq > self.last => self.known.push_back(event),
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => self.caught_up = false,
                Err(RecvError::Closed) => return Err(LedgerError::Closed),
            }
        }
    }
}

/// The first events of a job after `last`.
fn since(connection: &Connection, job: JobId, last: i64) -> Result<Vec<Arc<Event>>, LedgerError> {
    let mut query = connection.prepare_cached("SELECT seq, at, kind, data FROM events WHERE job = ? AND seq > ? ORDER BY seq LIMIT ?")?;
    let rows = query.query_map(params![job.to_string(), last, PAGE], |row| {
        let kind: EventKind = row.get(2)?;
        Ok(Arc::new(Event { seq: row.get(0)?, job, at: row.get(1)?, kind, data: super::query::json(row, 3)? }))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
