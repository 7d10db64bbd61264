//! What the ledger holds: jobs, their stages, and what happened.

use super::names::named;
use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlResult, ToSqlOutput, ValueRef};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

/// The name of a job everywhere: a UUID.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(Uuid);

impl JobId {
    /// One that nobody else has.
    pub fn new() -> JobId {
        JobId(Uuid::new_v4())
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for JobId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<JobId, uuid::Error> {
        text.parse().map(JobId)
    }
}

impl Serialize for JobId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for JobId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<JobId, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A moment, in milliseconds since 1970; shown as RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This moment.
    pub fn now() -> Timestamp {
        Timestamp((OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000) as i64)
    }

    /// How long after `earlier` it is; zero when it is before.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_millis((self.0 - earlier.0).max(0) as u64)
    }

    /// So much later.
    pub fn after(self, span: Duration) -> Timestamp {
        Timestamp(self.0 + span.as_millis() as i64)
    }

    /// So much earlier.
    pub fn before(self, span: Duration) -> Timestamp {
        Timestamp(self.0 - span.as_millis() as i64)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        f.write_str(&moment.format(&Rfc3339).unwrap_or_default())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl ToSql for Timestamp {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.into())
    }
}

impl FromSql for Timestamp {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Timestamp> {
        i64::column_result(value).map(Timestamp)
    }
}

named! {
    /// How a job stands.
    JobState {
        /// Nothing of it has begun, or it waits for the next try.
        Pending = "pending",
        /// Something of it has begun.
        Processing = "processing",
        /// All is done.
        Completed = "completed",
        /// A stage failed for good.
        Failed = "failed",
        /// Somebody stopped it.
        Cancelled = "cancelled",
    }
}

impl JobState {
    /// Nothing more happens by itself.
    pub fn is_over(self) -> bool {
        !matches!(self, JobState::Pending | JobState::Processing)
    }
}

named! {
    /// How a stage stands.
    StageState {
        /// Its turn has not come.
        Pending = "pending",
        /// A worker does it.
        Processing = "processing",
        /// Done.
        Completed = "completed",
        /// It failed for good.
        Failed = "failed",
        /// There was nothing to do, or nobody here who can; its note says why.
        Skipped = "skipped",
        /// Its job was stopped before it was done.
        Cancelled = "cancelled",
    }
}

impl StageState {
    /// The job goes on behind it.
    pub fn is_done(self) -> bool {
        matches!(self, StageState::Completed | StageState::Skipped)
    }
}

named! {
    /// What kind of error it was, and with that what to do about it.
    ErrorClass {
        /// It may well work the next time.
        Recoverable = "RECOVERABLE",
        /// It will never work as it was asked for.
        Permanent = "PERMANENT",
        /// Memory, disk or time ran out.
        Resource = "RESOURCE",
        /// Somebody else's service did not do its part.
        External = "EXTERNAL",
    }
}

named! {
    /// What an event tells.
    EventKind {
        /// A stage, or the job, has another state.
        StageUpdate = "stage_update",
        /// A stage has come further. Only the last one of each stage is kept.
        ProgressUpdate = "progress_update",
        /// A stage failed; it may be tried again.
        Error = "error",
        /// The job is over, however it ended. The last event, unless the job is tried again.
        Complete = "complete",
    }
}

/// Why a stage failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobError {
    /// The kind.
    pub class: ErrorClass,
    /// A stable name for programs.
    pub code: String,
    /// What happened.
    pub detail: String,
    /// What to do.
    pub cure: String,
}

impl JobError {
    /// With a stable code, what happened, and what to do.
    pub fn new(class: ErrorClass, code: &str, detail: impl Into<String>, cure: impl Into<String>) -> JobError {
        JobError { class, code: code.into(), detail: detail.into(), cure: cure.into() }
    }

    /// What happened and what to do, as one text.
    pub fn text(&self) -> String {
        let JobError { detail, cure, .. } = self;
        if cure.is_empty() { detail.clone() } else { format!("{detail}; {cure}") }
    }
}

/// A job.
#[derive(Clone, Debug, Serialize)]
pub struct Job {
    /// Its name.
    pub id: JobId,
    /// What it is for, as whoever submitted it calls it.
    pub kind: String,
    /// Whose it is; `None`: everybody's.
    pub owner: Option<String>,
    /// For people.
    pub title: String,
    /// What was asked for.
    pub spec: Value,
    /// How it stands.
    pub state: JobState,
    /// Higher ones go first; 0 is usual.
    pub priority: i64,
    /// It waits until somebody starts it.
    pub held: bool,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// When its first stage began.
    pub started_at: Option<Timestamp>,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
    /// Why it failed.
    pub error: Option<JobError>,
    /// What came of it: the result of its last stage that had one.
    pub result: Value,
    /// The highest percentage that was told of it.
    #[serde(skip)]
    pub furthest: f64,
    /// What is done, in order.
    pub stages: Vec<Stage>,
}

/// A part of a job, done by one worker in one go.
#[derive(Clone, Debug, Serialize)]
pub struct Stage {
    /// Its name in the job.
    pub name: String,
    /// For people.
    pub title: String,
    /// Its share of the whole work, in any unit.
    pub weight: f64,
    /// How it stands.
    pub state: StageState,
    /// How often it has begun.
    pub attempt: u32,
    /// How much of it is done, 0 to 1.
    pub progress: f64,
    /// When it began last.
    pub started_at: Option<Timestamp>,
    /// When it ended last.
    pub finished_at: Option<Timestamp>,
    /// What is to be known about it: why it was skipped, what was done in its place.
    pub note: Option<String>,
    /// What came of it.
    pub result: Value,
}

/// A job to be written down. What a worker does is data here; whoever makes jobs has a type for it.
#[derive(Clone, Debug)]
pub struct NewJob<Task = Value> {
    /// Its name, which nobody else has.
    pub id: JobId,
    /// See [`Job::kind`].
    pub kind: String,
    /// See [`Job::owner`].
    pub owner: Option<String>,
    /// See [`Job::title`].
    pub title: String,
    /// See [`Job::spec`].
    pub spec: Value,
    /// See [`Job::priority`].
    pub priority: i64,
    /// See [`Job::held`].
    pub held: bool,
    /// The same key of the same owner means the same job.
    pub idempotency_key: Option<String>,
    /// What is done, in order; at least one.
    pub stages: Vec<NewStage<Task>>,
}

/// A stage to be written down.
#[derive(Clone, Debug)]
pub struct NewStage<Task = Value> {
    /// See [`Stage::name`].
    pub name: String,
    /// See [`Stage::title`].
    pub title: String,
    /// See [`Stage::weight`].
    pub weight: f64,
    /// What a worker does.
    pub task: Task,
}

/// A stage that may be done now: what is handed to workers. `attempt` is the one that it would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The job.
    pub job: JobId,
    /// Which of its stages, from 0.
    pub position: u32,
    /// That stage's name.
    pub stage: String,
    /// Which try, from 1. Whoever comes with another number is turned away.
    pub attempt: u32,
    /// Whose job it is.
    pub owner: Option<String>,
    /// The job's.
    pub priority: i64,
    /// What is to be done.
    pub task: Value,
}

/// Something that happened to a job.
#[derive(Clone, Debug, Serialize)]
pub struct Event {
    /// Its place among all events; grows.
    pub seq: i64,
    /// The job.
    pub job: JobId,
    /// When.
    pub at: Timestamp,
    /// What it tells.
    pub kind: EventKind,
    /// The rest; always with `state` (of the job) and `percent`.
    pub data: Value,
}

impl Job {
    /// How far it is, 0 to 100, by the weights of its stages. It never goes back: where a stage is done once more, it stays until the work is
    /// past where it was.
    pub fn percent(&self) -> f64 {
        self.done().max(self.furthest)
    }

    /// How much of it is done, 0 to 100.
    fn done(&self) -> f64 {
        let done = |stage: &Stage| if stage.state.is_done() { 1.0 } else { stage.progress };
        let (part, all) = self.stages.iter().fold((0.0, 0.0), |(part, all), stage| (part + stage.weight * done(stage), all + stage.weight));
        if self.state == JobState::Completed || all <= 0.0 { 100.0 } else { (1000.0 * part / all).floor() / 10.0 }
    }

    /// The stage that is done now, comes next, or failed; `None` once all are done.
    pub fn current(&self) -> Option<&Stage> {
        self.stages.iter().find(|stage| !stage.state.is_done())
    }

    /// How long it will still take, by the speed so far; `None` while that is not known. `stage_left` is what the stage that is done now
    /// says of itself, which knows better.
    pub fn left(&self, now: Timestamp, stage_left: Option<Duration>) -> Option<Duration> {
        if self.state != JobState::Processing {
            return None;
        }
        let percent = self.done();
        let rate = (percent >= 5.0).then(|| now.since(self.started_at.unwrap_or(now)).as_secs_f64() / percent);
        let Some(stage_left) = stage_left else { return rate.map(|rate| Duration::from_secs_f64(rate * (100.0 - percent))) };
        let all: f64 = self.stages.iter().map(|stage| stage.weight).sum();
        let behind = self.stages.iter().filter(|stage| stage.state == StageState::Pending).map(|stage| stage.weight).sum::<f64>() / all;
        Some(stage_left + Duration::from_secs_f64(rate.unwrap_or(0.0) * 100.0 * behind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn stage(weight: f64, state: StageState, progress: f64) -> Stage {
        let (name, title) = (String::new(), String::new());
        Stage { name, title, weight, state, attempt: 1, progress, started_at: None, finished_at: None, note: None, result: json!(null) }
    }

    #[test]
    fn percent_and_time_left_go_by_weights() {
        let stages = vec![
            stage(1.0, StageState::Completed, 1.0),
            stage(0.0, StageState::Skipped, 0.0),
            stage(6.0, StageState::Processing, 0.5),
            stage(1.0, StageState::Pending, 0.0),
        ];
        let mut job = Job {
            id: JobId::default(),
            kind: "render".into(),
            owner: None,
            title: String::new(),
            spec: json!({}),
            state: JobState::Processing,
            priority: 0,
            held: false,
            created_at: Timestamp(0),
            started_at: Some(Timestamp(1_000)),
            finished_at: None,
            error: None,
            result: json!(null),
            furthest: 0.0,
            stages,
        };
        assert_eq!(job.percent(), 50.0);
        assert_eq!(job.current().unwrap().weight, 6.0);
        assert_eq!(job.left(Timestamp(11_000), None), Some(Duration::from_secs(10)));
        // The stage says 4 s; behind it is an eighth of the job, at 20 s for the whole.
        assert_eq!(job.left(Timestamp(11_000), Some(Duration::from_secs(4))), Some(Duration::from_millis(6_500)));
        // Tried again, it shows how far it was, and its speed is that of what is done now.
        job.furthest = 80.0;
        assert_eq!((job.percent(), job.left(Timestamp(11_000), None)), (80.0, Some(Duration::from_secs(10))));
        job.state = JobState::Completed;
        assert_eq!((job.percent(), job.left(Timestamp(11_000), None)), (100.0, None));
    }

    #[test]
    fn moments_are_shown_in_utc() {
        assert_eq!(Timestamp(1_770_112_872_130).to_string(), "2026-02-03T10:01:12.13Z");
        assert_eq!(Timestamp(5_000).since(Timestamp(2_000)), Duration::from_secs(3));
        assert_eq!(Timestamp(1_000).since(Timestamp(2_000)), Duration::ZERO);
    }
}
