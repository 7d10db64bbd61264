//! Where workers sign for their stages: the ledger's side of a stage that is being done, whoever does it and wherever.

use super::rules::Rule;
use crate::ledger::{JobError, JobId, JobState, Ledger, LedgerError, Ticket, Timestamp, Verdict};
use crate::worker::{Ended, StageError};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;

/// How far a stage is, as its worker says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// 0 to 1; `None` while that is not known.
    pub progress: Option<f64>,
    /// What is being done, for people.
    pub message: String,
    /// Pictures a second.
    pub fps: Option<f64>,
    /// How long the stage will still take.
    pub left: Option<Duration>,
}

/// How long until something is written down that could not be.
const AGAIN: Duration = Duration::from_secs(1);

/// See the module docs.
#[derive(Clone)]
pub struct Desk(Ledger);

impl Desk {
    /// Of this ledger.
    pub fn new(ledger: Ledger) -> Desk {
        Desk(ledger)
    }

    /// Somebody begins with a stage. `false`: it is not to be done, or by somebody else.
    ///
    /// # Errors
    /// It cannot be written down.
    pub async fn begin(&self, ticket: &Ticket, worker: &str) -> Result<bool, LedgerError> {
        let (ticket, worker) = (ticket.clone(), worker.to_string());
        self.0.write(move |write| write.begin(&ticket, &worker)).await
    }

    /// Somebody holds a stage with this very attempt.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn is_held(&self, ticket: &Ticket) -> Result<bool, LedgerError> {
        let same = |held: &Ticket| (held.job, held.position, held.attempt) == (ticket.job, ticket.position, ticket.attempt);
        Ok(self.0.under_way()?.iter().any(same))
    }

    /// It is over, and well: nothing of it is done again.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn is_completed(&self, job: JobId) -> Result<bool, LedgerError> {
        Ok(self.0.job(job)?.is_some_and(|job| job.state == JobState::Completed))
    }

    /// Whoever held a stage was not heard of again; what may be done next.
    ///
    /// # Errors
    /// It cannot be written down.
    pub async fn lose(&self, ticket: &Ticket) -> Result<Option<Ticket>, LedgerError> {
        let ticket = ticket.clone();
        self.0.write(move |write| write.lose(&ticket)).await
    }

    /// How far it is. `false`: the stage is no longer this worker's; it should stop.
    pub async fn hear(&self, ticket: &Ticket, report: Report) -> bool {
        let ticket = ticket.clone();
        let told = self
            .0
            .write(move |write| {
                let Report { progress, message, fps, left } = report;
                let job = write.job(ticket.job)?;
                let left = job.and_then(|job| job.left(Timestamp::now(), left)).map(|left| left.as_secs_f64().round());
                let data = json!({ "progress": progress, "message": message, "fps": fps, "eta_seconds": left });
                write.progress(&ticket, progress.unwrap_or(0.0), &data)
            })
            .await;
        told.unwrap_or_else(|error| {
            // It is only progress.
            tracing::warn!(%error, "progress was not written down");
            true
        })
    }

    /// It has ended. What may be done next, after a pause. That it cannot be written down is no way out: it is tried again until it is.
    pub async fn sign_off(&self, ticket: &Ticket, ended: Result<Ended, StageError>) -> Option<(Ticket, Duration)> {
        let verdict = match ended {
            Ok(Ended::Done { result, note }) => Verdict::Completed { result, note },
            Ok(Ended::Skipped { because }) => Verdict::Skipped { note: because },
            Ok(Ended::Stopped) => Verdict::Returned,
            Err(StageError { class, code, detail, cure }) => {
                let rule = Rule::of(class);
                let error = JobError { class, code: code.into(), detail, cure };
                // The ledger counts the failures; attempts that were given back make the pause longer, which hurts nobody.
                Verdict::Failed { error, attempts: rule.again + 1, pause: rule.pause_after(ticket.attempt) }
            }
        };
        loop {
            let (ticket, verdict) = (ticket.clone(), verdict.clone());
            match self.0.write(move |write| write.finish(&ticket, &verdict)).await {
                Ok(next) => return next.and_then(|(ticket, pause)| Some((ticket?, pause))),
                Err(LedgerError::Closed) => return None,
                Err(error) => tracing::error!(%error, "the end of a stage was not written down; trying again"),
            }
            tokio::time::sleep(AGAIN).await;
        }
    }
}
