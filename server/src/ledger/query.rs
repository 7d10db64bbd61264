//! Looking things up.

use super::names::named;
use super::records::{Job, JobError, JobId, JobState, Stage, StageState, Ticket, Timestamp};
use super::{Ledger, LedgerError};
use rusqlite::types::{FromSqlError, ToSql, Type};
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;

/// What a job's columns are read by.
const JOB: &str =
    "SELECT id, kind, owner, title, spec, state, priority, held, created_at, started_at, finished_at, error, result, furthest FROM jobs";
const STAGES: &str = "SELECT name, title, weight, state, attempt, progress, started_at, finished_at, note, result FROM stages \
    WHERE job = ? ORDER BY position";
/// So many finished stages are looked at to tell how long one takes.
const MEASURED: i64 = 20;
/// So many jobs that are over are looked at to tell how they do.
const LATELY: i64 = 100;

named! {
    /// What jobs are sorted by.
    Order {
        /// When they were submitted.
        Created = "created_at",
        /// When something about them changed last: their end, else their beginning, else when they were submitted.
        Updated = "updated_at",
        /// How they stand.
        State = "state",
        /// Their title.
        Title = "title",
        /// How urgent they are.
        Priority = "priority",
    }
}

/// Which jobs, in which order.
#[derive(Clone, Debug)]
pub struct JobQuery {
    /// Only this owner's.
    pub owner: Option<String>,
    /// Only those in one of these states; none: in any.
    pub states: Vec<JobState>,
    /// Only of these kinds; none: of any.
    pub kinds: Vec<String>,
    /// Only those with this text in title, kind, id or what was asked for.
    pub text: Option<String>,
    /// Sorted by this.
    pub order: Order,
    /// The largest first.
    pub descending: bool,
    /// At most so many.
    pub limit: u32,
    /// Leave out so many before.
    pub offset: u32,
}

impl Default for JobQuery {
    fn default() -> JobQuery {
        let (owner, states, kinds, text) = (None, Vec::new(), Vec::new(), None);
        JobQuery { owner, states, kinds, text, order: Order::Created, descending: true, limit: 50, offset: 0 }
    }
}

/// Some of the jobs that were asked for.
#[derive(Clone, Debug)]
pub struct Page {
    /// These.
    pub jobs: Vec<Job>,
    /// How many there are in all.
    pub total: u64,
}

/// How the last jobs of a kind did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lately {
    /// How many are looked at.
    pub jobs: u64,
    /// Those that came to a good end.
    pub good: u64,
    /// Attempts at their stages, by name.
    pub stages: BTreeMap<String, LatelyStage>,
}

/// Attempts at stages of one name.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LatelyStage {
    /// How many ended, in one way or the other.
    pub attempts: u64,
    /// Those that were completed.
    pub good: u64,
    /// How long those took, in seconds.
    pub seconds: Option<f64>,
}

impl Ledger {
    /// A job.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn job(&self, id: JobId) -> Result<Option<Job>, LedgerError> {
        self.read(|connection| job(connection, id))
    }

    /// Those jobs that a query asks for.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn jobs(&self, query: &JobQuery) -> Result<Page, LedgerError> {
        self.read(|connection| jobs(connection, query))
    }

    /// How many jobs are in each state, of one owner or of all.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn count(&self, owner: Option<&str>) -> Result<BTreeMap<&'static str, u64>, LedgerError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached("SELECT state, count(*) FROM jobs WHERE ?1 IS NULL OR owner = ?1 GROUP BY state")?;
            let rows = query.query_map([owner], |row| Ok((row.get::<_, JobState>(0)?, row.get::<_, i64>(1)?)))?;
            let mut counts: BTreeMap<&'static str, u64> = JobState::ALL.iter().map(|state| (state.as_str(), 0)).collect();
            for row in rows {
                let (state, count) = row?;
                counts.insert(state.as_str(), count as u64);
            }
            Ok(counts)
        })
    }

    /// The number of the last event of a job, which changes whenever the job does.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn revision(&self, id: JobId) -> Result<i64, LedgerError> {
        let last = "SELECT ifnull(max(seq), 0) FROM events WHERE job = ?";
        self.read(|connection| Ok(connection.prepare_cached(last)?.query_row([id.to_string()], |row| row.get(0))?))
    }

    /// How long each stage of jobs of a kind took lately, in seconds, by its name.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn measured(&self, kind: &str) -> Result<BTreeMap<String, f64>, LedgerError> {
        let mean = "SELECT name, avg(finished_at - started_at) / 1000.0 FROM stages WHERE state = 'completed' AND job IN (
            SELECT id FROM jobs WHERE kind = ? AND state = 'completed' ORDER BY created_at DESC LIMIT ?) GROUP BY name";
        self.read(|connection| {
            let mut query = connection.prepare_cached(mean)?;
            let rows = query.query_map(params![kind, MEASURED], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// How the last jobs of a kind that are over did, and the stages of those.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn lately(&self, kind: &str) -> Result<Lately, LedgerError> {
        // Cancelled ones say nothing of how it goes.
        let last = "SELECT id, state FROM jobs WHERE kind = ? AND state IN ('completed', 'failed') ORDER BY created_at DESC LIMIT ?";
        let jobs = format!("SELECT count(*), count(*) FILTER (WHERE state = 'completed') FROM ({last})");
        let stages = format!(
            "SELECT name, count(*), count(*) FILTER (WHERE outcome = 'completed'),
                avg(attempts.finished_at - attempts.started_at) FILTER (WHERE outcome = 'completed') / 1000.0
            FROM ({last}) last JOIN attempts ON attempts.job = last.id JOIN stages USING (job, position)
            WHERE outcome IN ('completed', 'failed', 'lost') GROUP BY name"
        );
        self.read(|connection| {
            let values = params![kind, LATELY];
            let (jobs, good) =
                connection.prepare_cached(&jobs)?.query_row(values, |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
            let mut query = connection.prepare_cached(&stages)?;
            let rows = query.query_map(values, |row| {
                let (attempts, good) = (row.get::<_, i64>(1)? as u64, row.get::<_, i64>(2)? as u64);
                Ok((row.get(0)?, LatelyStage { attempts, good, seconds: row.get(3)? }))
            })?;
            Ok(Lately { jobs: jobs as u64, good: good as u64, stages: rows.collect::<Result<_, _>>()? })
        })
    }

    /// Jobs that were over by `moment`, the oldest first.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn over_by(&self, moment: Timestamp, limit: u32) -> Result<Vec<JobId>, LedgerError> {
        let over = "SELECT id FROM jobs WHERE finished_at <= ? ORDER BY finished_at LIMIT ?";
        self.read(|connection| {
            let mut query = connection.prepare_cached(over)?;
            let rows = query.query_map(params![moment, limit], |row| id_of(row, 0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The stages that may be done now, the oldest job's first.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn due(&self) -> Result<Vec<Ticket>, LedgerError> {
        self.read(|connection| {
            let mut query = connection
                .prepare_cached("SELECT id FROM jobs WHERE state IN ('pending', 'processing') AND NOT held ORDER BY created_at, id")?;
            let ids = query.query_map([], |row| id_of(row, 0))?.collect::<Result<Vec<JobId>, _>>()?;
            let mut tickets = Vec::new();
            for id in ids {
                tickets.extend(ticket(connection, id)?);
            }
            Ok(tickets)
        })
    }

    /// The stages that somebody holds.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn under_way(&self) -> Result<Vec<Ticket>, LedgerError> {
        self.read(under_way)
    }
}

/// A job with its stages.
pub(super) fn job(connection: &Connection, id: JobId) -> Result<Option<Job>, LedgerError> {
    let found = connection.prepare_cached(&format!("{JOB} WHERE id = ?"))?.query_row([id.to_string()], job_of).optional()?;
    found.map(|job| with_stages(connection, job)).transpose()
}

fn jobs(connection: &Connection, query: &JobQuery) -> Result<Page, LedgerError> {
    let JobQuery { owner, states, kinds, text, order, descending, limit, offset } = query;
    let mut conditions = vec!["1".to_string()];
    let mut values: Vec<&dyn ToSql> = Vec::new();
    let marks = |count: usize| vec!["?"; count].join(", ");
    if let Some(owner) = owner {
        conditions.push("owner = ?".into());
        values.push(owner);
    }
    if !states.is_empty() {
        conditions.push(format!("state IN ({})", marks(states.len())));
        values.extend(states.iter().map(|state| state as &dyn ToSql));
    }
    if !kinds.is_empty() {
        conditions.push(format!("kind IN ({})", marks(kinds.len())));
        values.extend(kinds.iter().map(|kind| kind as &dyn ToSql));
    }
    if let Some(text) = text {
        let places = ["title", "kind", "id", "spec"].map(|place| format!("instr(lower({place}), lower(?)) > 0"));
        values.extend(places.iter().map(|_| text as &dyn ToSql));
        conditions.push(format!("({})", places.join(" OR ")));
    }
    let conditions = conditions.join(" AND ");
    let total: i64 = connection
        .prepare_cached(&format!("SELECT count(*) FROM jobs WHERE {conditions}"))?
        .query_row(params_from_iter(&values), |row| row.get(0))?;
    let by = match order {
        Order::Updated => "coalesce(finished_at, started_at, created_at)",
        order => order.as_str(),
    };
    let way = if *descending { "DESC" } else { "ASC" };
    let page = format!("{JOB} WHERE {conditions} ORDER BY {by} {way}, created_at {way}, id {way} LIMIT ? OFFSET ?");
    values.extend([limit as &dyn ToSql, offset]);
    let found: Vec<Job> = connection.prepare_cached(&page)?.query_map(params_from_iter(&values), job_of)?.collect::<Result<_, _>>()?;
    let jobs = found.into_iter().map(|job| with_stages(connection, job)).collect::<Result<_, _>>()?;
    Ok(Page { jobs, total: total as u64 })
}

/// The next stage of a job that is under way, if it may be done now.
pub(super) fn ticket(connection: &Connection, id: JobId) -> Result<Option<Ticket>, LedgerError> {
    let first = format!(
        "SELECT {TICKET}, s.state FROM stages s JOIN jobs j ON j.id = s.job
        WHERE s.job = ? AND s.state NOT IN ('completed', 'skipped') AND j.state IN ('pending', 'processing') AND NOT j.held
        ORDER BY s.position LIMIT 1"
    );
    let found = connection.prepare_cached(&first)?.query_row([id.to_string()], |row| {
        let held = ticket_of(row)?;
        let next = Ticket { attempt: held.attempt + 1, ..held };
        Ok((row.get::<_, StageState>(7)? == StageState::Pending).then_some(next))
    });
    Ok(found.optional()?.flatten())
}

/// The stages that somebody holds.
pub(super) fn under_way(connection: &Connection) -> Result<Vec<Ticket>, LedgerError> {
    let held = format!("SELECT {TICKET} FROM stages s JOIN jobs j ON j.id = s.job WHERE s.state = 'processing'");
    let mut query = connection.prepare_cached(&held)?;
    let rows = query.query_map([], ticket_of)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What [`ticket_of`] reads, of a stage `s` and its job `j`.
const TICKET: &str = "s.job, s.position, s.name, s.attempt, j.owner, j.priority, s.task";

/// The ticket of the attempt that is the stage's last one.
fn ticket_of(row: &Row<'_>) -> rusqlite::Result<Ticket> {
    let (stage, attempt, owner, priority) = (row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?);
    Ok(Ticket { job: id_of(row, 0)?, position: row.get(1)?, stage, attempt, owner, priority, task: json(row, 6)? })
}

fn job_of(row: &Row<'_>) -> rusqlite::Result<Job> {
    let error = if row.get_ref(11)? == rusqlite::types::ValueRef::Null { None } else { Some(json::<JobError>(row, 11)?) };
    Ok(Job {
        id: id_of(row, 0)?,
        kind: row.get(1)?,
        owner: row.get(2)?,
        title: row.get(3)?,
        spec: json(row, 4)?,
        state: row.get(5)?,
        priority: row.get(6)?,
        held: row.get(7)?,
        created_at: row.get(8)?,
        started_at: row.get(9)?,
        finished_at: row.get(10)?,
        error,
        result: json(row, 12)?,
        furthest: row.get(13)?,
        stages: Vec::new(),
    })
}

fn with_stages(connection: &Connection, mut job: Job) -> Result<Job, LedgerError> {
    let mut query = connection.prepare_cached(STAGES)?;
    let stages = query.query_map([job.id.to_string()], |row| {
        Ok(Stage {
            name: row.get(0)?,
            title: row.get(1)?,
            weight: row.get(2)?,
            state: row.get(3)?,
            attempt: row.get(4)?,
            progress: row.get(5)?,
            started_at: row.get(6)?,
            finished_at: row.get(7)?,
            note: row.get(8)?,
            result: json::<Value>(row, 9)?,
        })
    })?;
    job.stages = stages.collect::<Result<_, _>>()?;
    Ok(job)
}

fn id_of(row: &Row<'_>, column: usize) -> rusqlite::Result<JobId> {
    let text = row.get_ref(column)?.as_str()?;
    text.parse().map_err(|error| FromSqlError::Other(Box::new(error)).into())
}

/// A column that holds JSON.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    serde_json::from_str(text).map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}
