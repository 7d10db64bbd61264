//! What a server that takes jobs has beside live sessions: the ledger, the jobs, who does them, and where their files lie.

use crate::dispatch::{Dispatch, Local, Nats, NatsError, Slots};
use crate::folders::Folders;
use crate::jobs::{Desk, Jobs, JobsError};
use crate::ledger::{JobState, Ledger, LedgerError, Timestamp};
use crate::worker::{Artifacts, Program, Worker};
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

/// How long what happened to a job is kept after its end.
const EVENTS: Duration = Duration::from_secs(60 * 60);
/// How long the folder of a job stays after its end, for whoever wants to try it again or look what went wrong.
const WORK: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How often it is looked whether something is to be forgotten.
const SWEEP: Duration = Duration::from_secs(5 * 60);

/// Why a service cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The data folder cannot be used.
    #[error("cannot use the data folder {}: {cause}; choose another one with --data", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// Another server has it.
    #[error("another server works in {}; end it, or choose another folder with --data", .0.display())]
    Taken(PathBuf),
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Workers cannot be reached.
    #[error(transparent)]
    Nats(#[from] NatsError),
    /// What is in it cannot be taken up.
    #[error(transparent)]
    Jobs(#[from] JobsError),
}

/// See the module docs.
pub struct Service {
    /// Jobs.
    pub jobs: Arc<Jobs>,
    /// What they have published.
    pub artifacts: Artifacts,
    closing: watch::Sender<bool>,
    /// Apart from the one that answers requests, and there for as long as children are.
    runtime: Option<Runtime>,
    /// Held as long as this is the only one.
    _lock: File,
}

impl Service {
    /// Opens the data folder and takes up what was left there. Stages are done here, so many at once, or by workers that NATS reaches.
    ///
    /// # Errors
    /// It cannot be used, or another server uses it.
    pub fn open(data: &Path, slots: Slots, nats: Option<&str>) -> Result<Service, ServiceError> {
        let failed = |cause| ServiceError::Folder { path: data.into(), cause };
        let folders = Folders::open(data).map_err(failed)?;
        let lock = File::create(folders.root().join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ServiceError::Taken(folders.root().into())),
            Err(TryLockError::Error(cause)) => return Err(failed(cause)),
        }
        let runtime = Builder::new_multi_thread().worker_threads(2).thread_name("jobs").enable_all().build().map_err(failed)?;
        let ledger = Ledger::open(&folders.ledger())?;
        // A submission that was cut short left a folder.
        folders.sweep(|job| !matches!(ledger.job(job), Ok(None))).map_err(failed)?;
        let artifacts = Artifacts::new(folders.artifacts());
        let (desk, handle) = (Desk::new(ledger.clone()), runtime.handle().clone());
        let dispatch: Arc<dyn Dispatch> = match nats {
            Some(url) => Arc::new(runtime.block_on(Nats::start(url, desk, handle))?),
            None => {
                let worker = Worker::new(folders.clone(), artifacts.clone(), Program::own().map_err(failed)?);
                Arc::new(Local::new(desk, Arc::new(worker), slots, handle))
            }
        };
        let jobs = Arc::new(runtime.block_on(Jobs::open(ledger, dispatch, folders))?);
        runtime.spawn(tidy(jobs.clone()));
        Ok(Service { jobs, artifacts, closing: watch::Sender::new(false), runtime: Some(runtime), _lock: lock })
    }

    /// Done when the service ends: those who follow something are told.
    pub async fn closing(&self) {
        // The sender is part of this.
        let _ = self.closing.subscribe().wait_for(|closing| *closing).await;
    }

    /// Ends in order: nothing more is begun, what is being done is given back and goes on at the next start.
    pub fn close(&self) {
        if let Some(runtime) = &self.runtime {
            runtime.block_on(self.jobs.drain());
        }
        self.closing.send_replace(true);
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // The last one to hold this may be a request's task, where nobody may wait.
            runtime.shutdown_background();
        }
    }
}

/// Forgets what nobody asks for any more.
async fn tidy(jobs: Arc<Jobs>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let now = Timestamp::now();
        if let Err(error) = jobs.ledger().forget_events(now.before(EVENTS)).await {
            tracing::warn!(%error, "old events were not forgotten");
        }
        let jobs = jobs.clone();
        let swept = tokio::task::spawn_blocking(move || {
            jobs.folders().sweep(|id| {
                // What is not known is about to be submitted.
                let Ok(Some(job)) = jobs.ledger().job(id) else { return true };
                if job.state == JobState::Completed
                    && let Err(error) = jobs.folders().remove_made(id)
                {
                    tracing::warn!(%error, job = %id, "what was made on the way was not removed");
                }
                job.finished_at.is_none_or(|end| end > now.before(WORK))
            })
        });
        if let Ok(Err(error)) = swept.await {
            tracing::warn!(%error, "old folders of jobs were not removed");
        }
    }
}
