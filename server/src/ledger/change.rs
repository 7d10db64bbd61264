//! All changes of state. Each is made within one transaction, with the event that tells of it.

use super::records::{EventKind, JobError, JobId, JobState, NewJob, NewStage, StageState, Ticket, Timestamp};
use super::writer::Write;
use super::{LedgerError, query};
use rusqlite::{OptionalExtension, params};
use serde_json::{Value, json};
use std::time::Duration;

/// A stage whose workers were never heard of again so often is not tried once more.
const MOST_LOST: i64 = 5;

/// What became of a submitted job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// It is new; this may be done now, unless it is held.
    New(Option<Ticket>),
    /// The key was used before: for this job.
    Known(JobId),
}

/// How a stage ended, as whoever did it says.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It is done.
    Completed {
        /// What came of it.
        result: Value,
        /// What is to be known about it.
        note: Option<String>,
    },
    /// It was not done, and the job goes on without it.
    Skipped {
        /// Why.
        note: String,
    },
    /// It failed, and is tried again until so many attempts have failed.
    Failed {
        /// Why.
        error: JobError,
        /// How often it is tried at most; 1: no second time.
        attempts: u32,
        /// How long until the next try.
        pause: Duration,
    },
    /// It was stopped without being at fault, and is to be done again.
    Returned,
}

/// What became of the wish to cancel a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// It was at work or waiting, and is so no more.
    Now,
    /// It had been cancelled before.
    Before,
    /// It is over in another way.
    Over(JobState),
    /// There is none.
    Unknown,
}

/// What became of the wish to try a job again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retried {
    /// It goes on, with this stage.
    From(String, Option<Ticket>),
    /// Only what failed or was cancelled is tried again.
    NotOver(JobState),
    /// It has no such stage, or stages before it are not done.
    NoStage(String),
    /// There is no such job.
    Unknown,
}

impl Write<'_> {
    /// Writes a job down.
    ///
    /// # Errors
    /// Its key was used for another one.
    pub fn submit(&self, new: &NewJob) -> Result<Submitted, LedgerError> {
        let print = fingerprint(new);
        if let Some(key) = &new.idempotency_key {
            let known = "SELECT id, fingerprint FROM jobs WHERE ifnull(owner, '') = ifnull(?, '') AND idempotency_key = ?";
            let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
            if let Some((id, before)) = self.connection.prepare_cached(known)?.query_row(params![new.owner, key], row).optional()? {
                let id = id.parse().map_err(|_| LedgerError::Damaged(vec![format!("the id {id}")]))?;
                return if before == print { Ok(Submitted::Known(id)) } else { Err(LedgerError::KeyReused) };
            }
        }
        let insert =
            "INSERT INTO jobs (id, kind, owner, title, spec, state, priority, held, created_at, result, idempotency_key, fingerprint)
            VALUES (?, ?, ?, ?, ?, 'pending', ?, ?, ?, 'null', ?, ?)";
        let (id, spec) = (new.id.to_string(), new.spec.to_string());
        let at = Timestamp::now();
        self.connection.prepare_cached(insert)?.execute(params![
            id,
            new.kind,
            new.owner,
            new.title,
            spec,
            new.priority,
            new.held,
            at,
            new.idempotency_key,
            print
        ])?;
        let insert = "INSERT INTO stages (job, position, name, title, weight, task, state, attempt, forgiven, progress, result)
            VALUES (?, ?, ?, ?, ?, ?, 'pending', 0, 0, 0, 'null')";
        for (position, NewStage { name, title, weight, task }) in new.stages.iter().enumerate() {
            self.connection.prepare_cached(insert)?.execute(params![id, position as u32, name, title, weight, task.to_string()])?;
        }
        self.tell(new.id, EventKind::StageUpdate, None, json!({ "message": "submitted" }))?;
        Ok(Submitted::New(query::ticket(self.connection, new.id)?))
    }

    /// Lets a job go that was held. `None`: it was not, or is over.
    pub fn release(&self, job: JobId) -> Result<Option<Ticket>, LedgerError> {
        let let_go = "UPDATE jobs SET held = 0 WHERE id = ? AND held AND state = 'pending'";
        if self.connection.prepare_cached(let_go)?.execute([job.to_string()])? == 0 {
            return Ok(None);
        }
        self.tell(job, EventKind::StageUpdate, None, json!({ "message": "started" }))?;
        query::ticket(self.connection, job)
    }

    /// A worker begins with a stage. `false`: it is not to be done any more, or by somebody else.
    pub fn begin(&self, ticket: &Ticket, worker: &str) -> Result<bool, LedgerError> {
        let (job, now) = (ticket.job.to_string(), Timestamp::now());
        let begin = "UPDATE stages SET state = 'processing', attempt = ?3, progress = 0, started_at = ?4, finished_at = NULL
            WHERE job = ?1 AND position = ?2 AND state = 'pending' AND attempt = ?3 - 1
            AND (SELECT state IN ('pending', 'processing') AND NOT held FROM jobs WHERE id = ?1)";
        if self.connection.prepare_cached(begin)?.execute(params![job, ticket.position, ticket.attempt, now])? == 0 {
            return Ok(false);
        }
        let attempt = "INSERT INTO attempts (job, position, attempt, worker, started_at) VALUES (?, ?, ?, ?, ?)";
        self.connection.prepare_cached(attempt)?.execute(params![job, ticket.position, ticket.attempt, worker, now])?;
        let begun = "UPDATE jobs SET state = 'processing', started_at = ifnull(started_at, ?2) WHERE id = ?1";
        self.connection.prepare_cached(begun)?.execute(params![job, now])?;
        self.tell_stage(ticket, StageState::Processing, json!({}))?;
        Ok(true)
    }

    /// A stage has come further. `false`: whoever says so does not hold it any more.
    pub fn progress(&self, ticket: &Ticket, progress: f64, data: &Value) -> Result<bool, LedgerError> {
        let further =
            "UPDATE stages SET progress = max(progress, ?4) WHERE job = ?1 AND position = ?2 AND attempt = ?3 AND state = 'processing'";
        let values = params![ticket.job.to_string(), ticket.position, ticket.attempt, progress.clamp(0.0, 1.0)];
        if self.connection.prepare_cached(further)?.execute(values)? == 0 {
            return Ok(false);
        }
        self.tell(ticket.job, EventKind::ProgressUpdate, Some(&ticket.stage), data.clone())?;
        Ok(true)
    }

    /// A stage has ended. `None`: whoever says so does not hold it any more, and nothing changes; else what may be done next, after a pause.
    pub fn finish(&self, ticket: &Ticket, verdict: &Verdict) -> Result<Option<(Option<Ticket>, Duration)>, LedgerError> {
        let now = Timestamp::now();
        let (state, outcome) = match verdict {
            Verdict::Completed { .. } => (StageState::Completed, "completed"),
            Verdict::Skipped { .. } => (StageState::Skipped, "skipped"),
            Verdict::Failed { attempts, .. } if self.failures(ticket)? + 1 >= i64::from(*attempts) => (StageState::Failed, "failed"),
            Verdict::Failed { .. } => (StageState::Pending, "failed"),
            Verdict::Returned => (StageState::Pending, "returned"),
        };
        let (result, note) = match verdict {
            Verdict::Completed { result, note } => (result.clone(), note.clone()),
            Verdict::Skipped { note } => (Value::Null, Some(note.clone())),
            _ => (Value::Null, None),
        };
        let error =
            if let Verdict::Failed { error, .. } = verdict { Some(serde_json::to_string(error).expect("plain data")) } else { None };
        let end = "UPDATE stages SET state = ?4, progress = CASE WHEN ?4 IN ('completed', 'skipped') THEN 1 ELSE 0 END,
            finished_at = ?5, note = ?6, result = ?7
            WHERE job = ?1 AND position = ?2 AND attempt = ?3 AND state = 'processing'";
        let id = ticket.job.to_string();
        let values = params![id, ticket.position, ticket.attempt, state, now, note, result.to_string()];
        if self.connection.prepare_cached(end)?.execute(values)? == 0 {
            return Ok(None);
        }
        self.end_attempt(ticket, outcome, error.as_deref(), now)?;
        if let Verdict::Failed { error, pause, .. } = verdict {
            let again = (state == StageState::Pending).then_some(pause.as_secs_f64());
            let data = json!({ "class": error.class, "code": error.code, "detail": error.detail, "cure": error.cure,
                "attempt": ticket.attempt, "retry_in_seconds": again });
            self.tell(ticket.job, EventKind::Error, Some(&ticket.stage), data)?;
        }
        if !result.is_null() {
            self.connection.prepare_cached("UPDATE jobs SET result = ?2 WHERE id = ?1")?.execute(params![id, result.to_string()])?;
        }
        self.tell_stage(ticket, state, note.map_or_else(|| json!({}), |note| json!({ "note": note })))?;
        let next = query::ticket(self.connection, ticket.job)?;
        match (state, verdict) {
            (StageState::Failed, _) => self.end(ticket.job, JobState::Failed, error.as_deref())?,
            (StageState::Pending, Verdict::Failed { pause, .. }) => return Ok(Some((next, *pause))),
            _ if next.is_none() => self.end(ticket.job, JobState::Completed, None)?,
            _ => {}
        }
        Ok(Some((next, Duration::ZERO)))
    }

    /// Stops a job.
    pub fn cancel(&self, job: JobId) -> Result<Cancelled, LedgerError> {
        let Some(state) = self.state_of(job)? else { return Ok(Cancelled::Unknown) };
        if state.is_over() {
            return Ok(if state == JobState::Cancelled { Cancelled::Before } else { Cancelled::Over(state) });
        }
        let (id, now) = (job.to_string(), Timestamp::now());
        let stop = "UPDATE attempts SET outcome = 'cancelled', finished_at = ?2 WHERE job = ?1 AND outcome IS NULL";
        self.connection.prepare_cached(stop)?.execute(params![id, now])?;
        let stop = "UPDATE stages SET state = 'cancelled', finished_at = ?2 WHERE job = ?1 AND state IN ('pending', 'processing')";
        self.connection.prepare_cached(stop)?.execute(params![id, now])?;
        self.end(job, JobState::Cancelled, None)?;
        Ok(Cancelled::Now)
    }

    /// Tries a job again, from a stage on or from the first one that is not done; what is done before it stays so. `afresh`: what was made
    /// before is gone, so all is done again.
    pub fn retry(&self, job: JobId, from: Option<&str>, afresh: bool) -> Result<Retried, LedgerError> {
        let Some(now) = query::job(self.connection, job)? else { return Ok(Retried::Unknown) };
        if !matches!(now.state, JobState::Failed | JobState::Cancelled) {
            return Ok(Retried::NotOver(now.state));
        }
        let undone = now.stages.iter().position(|stage| !stage.state.is_done()).unwrap_or(0);
        let position = match from {
            _ if afresh => 0,
            None => undone,
            Some(name) => match now.stages.iter().position(|stage| stage.name == name) {
                Some(position) if position <= undone => position,
                _ => return Ok(Retried::NoStage(name.to_string())),
            },
        };
        let id = job.to_string();
        let again = "UPDATE stages SET state = 'pending', forgiven = attempt, progress = 0, started_at = NULL, finished_at = NULL,
            note = NULL, result = 'null' WHERE job = ? AND position >= ?";
        self.connection.prepare_cached(again)?.execute(params![id, position as u32])?;
        let again = "UPDATE jobs SET state = 'pending', held = 0, started_at = NULL, finished_at = NULL, error = NULL, result = 'null' WHERE id = ?";
        self.connection.prepare_cached(again)?.execute([id])?;
        let name = now.stages[position].name.clone();
        self.tell(job, EventKind::StageUpdate, Some(&name), json!({ "stage_state": StageState::Pending, "message": "tried again" }))?;
        Ok(Retried::From(name, query::ticket(self.connection, job)?))
    }

    /// Forgets a job that is over, with all that is known of it. `false`: it is not over, or not there.
    pub fn delete(&self, job: JobId) -> Result<bool, LedgerError> {
        let delete = "DELETE FROM jobs WHERE id = ? AND state NOT IN ('pending', 'processing')";
        Ok(self.connection.prepare_cached(delete)?.execute([job.to_string()])? > 0)
    }

    /// Whoever held a stage was never heard of again. What may be done next: the stage once more, or nothing if that happened too often. Also
    /// `None` when the stage is held by somebody else by now, or by nobody.
    pub fn lose(&self, ticket: &Ticket) -> Result<Option<Ticket>, LedgerError> {
        let count = "SELECT count(*) FROM attempts a JOIN stages s ON s.job = a.job AND s.position = a.position
            WHERE a.job = ? AND a.position = ? AND a.outcome = 'lost' AND a.attempt > s.forgiven";
        let (id, now) = (ticket.job.to_string(), Timestamp::now());
        let lost: i64 = self.connection.prepare_cached(count)?.query_row(params![id, ticket.position], |row| row.get(0))?;
        let state = if lost + 1 >= MOST_LOST { StageState::Failed } else { StageState::Pending };
        let back = "UPDATE stages SET state = ?4, progress = 0, finished_at = ?5
            WHERE job = ?1 AND position = ?2 AND attempt = ?3 AND state = 'processing'";
        if self.connection.prepare_cached(back)?.execute(params![id, ticket.position, ticket.attempt, state, now])? == 0 {
            return Ok(None);
        }
        self.end_attempt(ticket, "lost", None, now)?;
        self.tell_stage(ticket, state, json!({ "message": "whoever did it was not heard of again" }))?;
        if state == StageState::Failed {
            let detail = format!("{MOST_LOST} times whoever did it was not heard of again");
            let cure = "look into the log of the server and its workers for the cause, then try the job again";
            let error = JobError::new(super::ErrorClass::Permanent, "lost", detail, cure);
            self.end(ticket.job, JobState::Failed, Some(&serde_json::to_string(&error).expect("plain data")))?;
        }
        query::ticket(self.connection, ticket.job)
    }

    /// All that was under way is lost: whoever did it ended with the server.
    pub fn recover(&self) -> Result<(), LedgerError> {
        for ticket in query::under_way(self.connection)? {
            self.lose(&ticket)?;
        }
        Ok(())
    }

    /// Failed attempts of a stage that count.
    fn failures(&self, ticket: &Ticket) -> Result<i64, LedgerError> {
        let count = "SELECT count(*) FROM attempts a JOIN stages s ON s.job = a.job AND s.position = a.position
            WHERE a.job = ? AND a.position = ? AND a.outcome = 'failed' AND a.attempt > s.forgiven";
        Ok(self.connection.prepare_cached(count)?.query_row(params![ticket.job.to_string(), ticket.position], |row| row.get(0))?)
    }

    fn end_attempt(&self, ticket: &Ticket, outcome: &str, error: Option<&str>, now: Timestamp) -> Result<(), LedgerError> {
        let end = "UPDATE attempts SET outcome = ?4, error = ?5, finished_at = ?6 WHERE job = ?1 AND position = ?2 AND attempt = ?3";
        let values = params![ticket.job.to_string(), ticket.position, ticket.attempt, outcome, error, now];
        self.connection.prepare_cached(end)?.execute(values)?;
        Ok(())
    }

    /// The last event of a job.
    fn end(&self, job: JobId, state: JobState, error: Option<&str>) -> Result<(), LedgerError> {
        let end = "UPDATE jobs SET state = ?2, error = ?3, finished_at = ?4 WHERE id = ?1";
        self.connection.prepare_cached(end)?.execute(params![job.to_string(), state, error, Timestamp::now()])?;
        let now = query::job(self.connection, job)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        self.tell(job, EventKind::Complete, None, json!({ "result": now.result, "error": now.error }))?;
        self.announce(&now)
    }

    fn tell_stage(&self, ticket: &Ticket, state: StageState, mut data: Value) -> Result<(), LedgerError> {
        data["stage_state"] = json!(state);
        data["attempt"] = json!(ticket.attempt);
        self.tell(ticket.job, EventKind::StageUpdate, Some(&ticket.stage), data)
    }

    fn state_of(&self, job: JobId) -> Result<Option<JobState>, LedgerError> {
        let state = "SELECT state FROM jobs WHERE id = ?";
        Ok(self.connection.prepare_cached(state)?.query_row([job.to_string()], |row| row.get(0)).optional()?)
    }
}

/// What tells one request from another.
fn fingerprint(new: &NewJob) -> String {
    let stages: Vec<Value> = new.stages.iter().map(|stage| json!([stage.name, stage.task])).collect();
    blake3::hash(json!([new.kind, new.title, new.spec, new.priority, new.held, stages]).to_string().as_bytes()).to_hex().to_string()
}
