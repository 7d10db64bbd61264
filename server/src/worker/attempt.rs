//! One attempt at a stage, wherever it is made: told of while it goes on, stopped when it takes too long, and never the end of its process.

use super::{Ended, Perform, StageError, Stop};
use crate::jobs::Report;
use crate::ledger::{ErrorClass, Ticket};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How often progress is told at most.
const TELL: Duration = Duration::from_millis(400);
/// So long after the last time it is told again, even if nothing has changed.
const BEAT: Duration = Duration::from_millis(1000);

/// Makes it. `tell` says how far it is, and is answered whether the stage is still this worker's: if not, it stops.
///
/// # Errors
/// Why the stage failed.
pub async fn attempt<F: Future<Output = bool> + Send>(
    worker: &dyn Perform,
    ticket: &Ticket,
    stop: Stop,
    limit: Duration,
    tell: impl Fn(Report) -> F,
) -> Result<Ended, StageError> {
    let (reporter, mut reports) = watch::channel(Report::default());
    let (lose, lost) = watch::channel(false);
    let work = AssertUnwindSafe(worker.perform(ticket, reporter, stop.or(lost))).catch_unwind();
    let mut work = pin!(tokio::time::timeout(limit, work));
    let mut look = tokio::time::interval(TELL);
    let mut told = Instant::now();
    let ended = loop {
        tokio::select! {
            ended = &mut work => break ended,
            _ = look.tick() => {
                let changed = reports.has_changed().unwrap_or(false);
                if !*lose.borrow() && (changed || told.elapsed() >= BEAT) {
                    told = Instant::now();
                    let report = reports.borrow_and_update().clone();
                    lose.send_replace(!tell(report).await);
                }
            }
        }
    };
    let ended = match ended {
        Ok(Ok(ended)) => ended,
        Ok(Err(_)) => Err(StageError::new(ErrorClass::Recoverable, "panicked", "the work broke off", "look into the server's log")),
        Err(_) => {
            let detail = format!("it took longer than {} s and was stopped", limit.as_secs());
            Err(StageError::new(ErrorClass::Resource, "time_limit", detail, "ask for less at once, or for a lower quality"))
        }
    };
    if let Err(StageError { code, detail, .. }) = &ended {
        tracing::warn!(job = %ticket.job, stage = ticket.stage, attempt = ticket.attempt, %code, "{detail}");
    }
    ended
}
