//! Jobs: submitted, followed, cancelled, tried again, forgotten. Knows nothing of HTTP.
//!
//! The ledger says what is true; [`Dispatch`] has stages done; here both are told the same, in the order that loses nothing: first the
//! ledger, then the workers.

mod desk;
mod rules;
#[cfg(test)]
mod tests;

pub use desk::{Desk, Report};

use crate::dispatch::{Dispatch, Silent};
use crate::folders::Folders;
use crate::ledger::{
    Cancelled, EventKind, Follow, Job, JobId, JobQuery, JobState, Ledger, LedgerError, NewJob, NewStage, Page, Retried, Submitted, Ticket,
};
use crate::worker::Task;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// Stages whose length was measured weigh at least so many seconds, so that each is seen to be done.
const LIGHTEST: f64 = 0.05;

/// Why something could not be done about a job.
#[derive(Debug, thiserror::Error)]
pub enum JobsError {
    /// There is none of this id.
    #[error("there is no job {0}")]
    Unknown(JobId),
    /// It is in a state in which this cannot be done.
    #[error("the job is {0}; {1}")]
    State(JobState, &'static str),
    /// It cannot go on from there.
    #[error("the job cannot go on from a stage {0:?}; name one of its stages up to the first that is not done")]
    NoStage(String),
    /// Nothing new is taken.
    #[error("the server is ending; ask again in a moment")]
    Closing,
    /// What is asked for makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Files of the job cannot be handled.
    #[error("the files of the job cannot be handled: {0}; look at the disk of the server")]
    Files(#[from] std::io::Error),
}

/// What somebody wants done. Files that its stages read lie in [`Folders::input`] of it before it is submitted; it waits for
/// [`Jobs::start`] where it is held; a stage's weight holds until stages of its name have been measured.
pub type JobSpec = NewJob<Task>;

/// A stage of what somebody wants.
pub type StageSpec = NewStage<Task>;

impl JobSpec {
    /// A job of a kind with a new id, of nobody, with nothing to do yet.
    pub fn new(kind: &str, title: &str) -> JobSpec {
        let (owner, idempotency_key) = (None, None);
        let (kind, title, spec) = (kind.to_string(), title.to_string(), Value::Null);
        JobSpec { id: JobId::new(), kind, owner, title, spec, priority: 0, held: false, idempotency_key, stages: Vec::new() }
    }

    /// Adds a stage at the end.
    pub fn stage(mut self, name: &str, title: &str, weight: f64, task: Task) -> JobSpec {
        self.stages.push(StageSpec { name: name.into(), title: title.into(), weight, task });
        self
    }
}

/// See the module docs.
pub struct Jobs {
    ledger: Ledger,
    dispatch: Arc<dyn Dispatch>,
    folders: Folders,
}

impl Jobs {
    /// With what is in the ledger; what is due is handed out at once.
    ///
    /// # Errors
    /// The ledger cannot be used.
    pub async fn open(ledger: Ledger, dispatch: Arc<dyn Dispatch>, folders: Folders) -> Result<Jobs, JobsError> {
        // What somebody may still be at is offered, too: who takes it asks whether that is so.
        let held = match dispatch.outlives_the_server() {
            true => ledger.under_way()?,
            false => ledger.write(|write| write.recover()).await.map(|()| Vec::new())?,
        };
        for ticket in held.into_iter().chain(ledger.due()?) {
            dispatch.offer(ticket, Duration::ZERO);
        }
        Ok(Jobs { ledger, dispatch, folders })
    }

    /// The truth about jobs.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Where files of jobs lie.
    pub fn folders(&self) -> &Folders {
        &self.folders
    }

    /// Writes a job down and has it begun. `false` beside its id: the key was used for the same job before, and nothing is begun; the folder
    /// of the new one has been removed.
    ///
    /// # Errors
    /// It makes no sense, its key was used for another job, or the server is ending.
    pub async fn submit(&self, spec: JobSpec) -> Result<(JobId, bool), JobsError> {
        if self.dispatch.is_draining() {
            return Err(JobsError::Closing);
        }
        let id = spec.id;
        // A job may be given nothing: its folder says that it was not lost.
        self.folders.input(id)?;
        let new = self.weighed(spec).or_else(|error| self.folders.remove(id).map_err(JobsError::from).and(Err(error)))?;
        match self.ledger.write(move |write| write.submit(&new)).await {
            Ok(Submitted::New(ticket)) => {
                self.offer(ticket);
                Ok((id, true))
            }
            Ok(Submitted::Known(known)) => {
                self.folders.remove(id)?;
                Ok((known, false))
            }
            Err(error) => {
                self.folders.remove(id)?;
                Err(error.into())
            }
        }
    }

    /// Has a held job begun.
    ///
    /// # Errors
    /// There is none, or it is not held.
    pub async fn start(&self, id: JobId) -> Result<(), JobsError> {
        let job = self.job(id)?;
        match self.ledger.write(move |write| write.release(id)).await? {
            None => Err(JobsError::State(job.state, "it has been started already")),
            ticket => {
                self.offer(ticket);
                Ok(())
            }
        }
    }

    /// A job.
    ///
    /// # Errors
    /// There is none.
    pub fn job(&self, id: JobId) -> Result<Job, JobsError> {
        self.ledger.job(id)?.ok_or(JobsError::Unknown(id))
    }

    /// Those jobs that a query asks for.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn list(&self, query: &JobQuery) -> Result<Page, JobsError> {
        Ok(self.ledger.jobs(query)?)
    }

    /// What happens to a job, from after the event `last` on.
    pub fn follow(&self, id: JobId, last: i64) -> Follow {
        self.ledger.follow(id, last)
    }

    /// Waits until a job is over.
    ///
    /// # Errors
    /// There is none any more.
    pub async fn wait(&self, id: JobId) -> Result<Job, JobsError> {
        let mut follow = self.follow(id, 0);
        loop {
            let job = self.job(id)?;
            if job.state.is_over() {
                return Ok(job);
            }
            while follow.next().await?.kind != EventKind::Complete {}
        }
    }

    /// Stops a job. When this is done, nobody works at it any more and what was made of it is gone; its input stays. `false`: it had been
    /// cancelled before.
    ///
    /// # Errors
    /// There is none, or it is over.
    pub async fn cancel(&self, id: JobId) -> Result<bool, JobsError> {
        let cancelled = self.ledger.write(move |write| write.cancel(id)).await?;
        match cancelled {
            Cancelled::Unknown => return Err(JobsError::Unknown(id)),
            Cancelled::Over(state) => return Err(JobsError::State(state, "only what is at work or waits can be cancelled")),
            Cancelled::Now | Cancelled::Before => {}
        }
        self.dispatch.cancel(id).await;
        self.folders.remove_made(id)?;
        Ok(cancelled == Cancelled::Now)
    }

    /// Tries a job again that failed or was cancelled: from a stage on, or from the first one that is not done. What is done before it is not
    /// done again, unless it was cancelled, for then what was made is gone. Gives the stage's name.
    ///
    /// # Errors
    /// There is no such job or stage, or it is not over.
    pub async fn retry(&self, id: JobId, from: Option<String>) -> Result<String, JobsError> {
        if self.dispatch.is_draining() {
            return Err(JobsError::Closing);
        }
        let afresh = self.job(id)?.state == JobState::Cancelled;
        match self.ledger.write(move |write| write.retry(id, from.as_deref(), afresh)).await? {
            Retried::From(stage, ticket) => {
                self.offer(ticket);
                Ok(stage)
            }
            Retried::NotOver(state) => Err(JobsError::State(state, "only what failed or was cancelled is tried again")),
            Retried::NoStage(stage) => Err(JobsError::NoStage(stage)),
            Retried::Unknown => Err(JobsError::Unknown(id)),
        }
    }

    /// Forgets a job and removes its folder; one that is at work is cancelled first. What it published is its owner's to remove.
    ///
    /// # Errors
    /// There is none.
    pub async fn delete(&self, id: JobId) -> Result<(), JobsError> {
        match self.cancel(id).await {
            Ok(_) | Err(JobsError::State(..)) => {}
            Err(error) => return Err(error),
        }
        if !self.ledger.write(move |write| write.delete(id)).await? {
            return Err(JobsError::Unknown(id));
        }
        self.dispatch.forget(id).await;
        Ok(self.folders.remove(id)?)
    }

    /// Is something new taken?
    pub fn takes_more(&self) -> bool {
        !self.dispatch.is_draining()
    }

    /// Whether those who do stages can be reached.
    ///
    /// # Errors
    /// They cannot, or the server is ending.
    pub async fn dispatch_answers(&self) -> Result<(), Silent> {
        self.dispatch.answers().await
    }

    /// Takes no new stages, gives back what is being done, and waits until nobody works.
    pub async fn drain(&self) {
        self.dispatch.drain().await;
    }

    fn offer(&self, ticket: Option<Ticket>) {
        if let Some(ticket) = ticket {
            self.dispatch.offer(ticket, Duration::ZERO);
        }
    }

    /// Stages weigh what such stages took lately, where all of them have been measured.
    fn weighed(&self, spec: JobSpec) -> Result<NewJob, JobsError> {
        let JobSpec { id, kind, owner, title, spec, priority, held, idempotency_key, stages } = spec;
        if stages.is_empty() {
            return Err(JobsError::Invalid("a job needs at least one stage; add what is to be done".into()));
        }
        for (index, stage) in stages.iter().enumerate() {
            if stages[..index].iter().any(|before| before.name == stage.name) {
                return Err(JobsError::Invalid(format!("two stages are called {:?}; give each its own name", stage.name)));
            }
            stage.task.check().map_err(JobsError::Invalid)?;
        }
        let measured = self.ledger.measured(&kind)?;
        let all = stages.iter().all(|stage| matches!(stage.task, Task::Skip { .. }) || measured.contains_key(&stage.name));
        let weight = |stage: &StageSpec| match measured.get(&stage.name) {
            Some(seconds) if all => seconds.max(LIGHTEST),
            _ if matches!(stage.task, Task::Skip { .. }) => 0.0,
            _ => stage.weight.max(0.0),
        };
        let stages = stages
            .iter()
            .map(|stage| {
                let task = serde_json::to_value(&stage.task).expect("a task is plain data");
                NewStage { name: stage.name.clone(), title: stage.title.clone(), weight: weight(stage), task }
            })
            .collect();
        Ok(NewJob { id, kind, owner, title, spec, priority, held, idempotency_key, stages })
    }
}
