//! What a server that takes jobs has beside live sessions: the ledger, the jobs, who does them, and where their files lie.

use crate::accounts::{AccountError, Accounts};
use crate::artifacts::{Artifact, Artifacts, Entry, Options, StoreError};
use crate::config::{ConfigError, Settings};
use crate::dispatch::{Dispatch, Local, Nats, NatsError, Slots};
use crate::folders::Folders;
use crate::housekeeping;
use crate::jobs::{Desk, Jobs, JobsError};
use crate::ledger::{JobId, Ledger, LedgerError};
use crate::private::Hidden;
use crate::readiness::Readiness;
use crate::security::{Outgoing, OutgoingError};
use crate::storage::Storage;
use crate::test_mode;
use crate::uploads;
use crate::webhooks;
use crate::worker::{Program, Transfer, Worker, set_of};
use std::fs::{File, TryLockError};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

/// How long the folder of a job stays after its end where it lies in memory.
const PRIVATE: Duration = Duration::from_secs(60 * 60);

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
    /// The accounts cannot be used.
    #[error(transparent)]
    Accounts(#[from] AccountError),
    /// Nobody can be told of anything.
    #[error(transparent)]
    Outgoing(#[from] OutgoingError),
    /// Artifacts cannot be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Workers cannot be reached.
    #[error(transparent)]
    Nats(#[from] NatsError),
    /// The settings do not say where it is.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// What is in it cannot be taken up.
    #[error(transparent)]
    Jobs(#[from] JobsError),
}

/// See the module docs.
pub struct Service {
    /// Jobs.
    pub jobs: Arc<Jobs>,
    /// What they have published, each in the set [`set_of`] it.
    pub artifacts: Arc<Artifacts>,
    /// People.
    pub accounts: Accounts,
    /// What asks addresses that somebody else has written.
    pub outgoing: Arc<Outgoing>,
    /// How much is kept.
    pub storage: Arc<Storage>,
    /// Whether all of this answers.
    pub readiness: Readiness,
    closing: watch::Sender<bool>,
    /// Where what is made on the way lies, when nobody is to read it.
    hidden: Option<Hidden>,
    /// Apart from the one that answers requests, and there for as long as children are.
    runtime: Option<Runtime>,
    /// Held as long as this is the only one.
    _lock: File,
}

impl Service {
    /// Opens the data folder of the settings and takes up what was left there. Stages are done here, or by workers that NATS reaches.
    ///
    /// # Errors
    /// It cannot be used, or another server uses it.
    pub fn open(settings: &Settings) -> Result<Service, ServiceError> {
        let data = settings.data()?;
        let failed = |cause| ServiceError::Folder { path: data.clone(), cause };
        let folders = Folders::open(&data).map_err(failed)?;
        let lock = File::create(folders.root().join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ServiceError::Taken(folders.root().into())),
            Err(TryLockError::Error(cause)) => return Err(failed(cause)),
        }
        let hidden = settings.privacy.encrypted.then(|| Hidden::of_service(folders.root())).transpose().map_err(failed)?;
        let folders = match &hidden {
            Some(hidden) => folders.making_in(hidden.memory.clone()).map_err(failed)?,
            None => folders,
        };
        let runtime = Builder::new_multi_thread().worker_threads(2).thread_name("jobs").enable_all().build().map_err(failed)?;
        let ledger = Ledger::open(&folders.ledger())?;
        uploads::clear(&folders.uploads()).map_err(failed)?;
        // A submission that was cut short left a folder.
        folders.sweep(|job| !matches!(ledger.job(job), Ok(None))).map_err(failed)?;
        let options = Options {
            retention: settings.retention.tiers(),
            floor: settings.store.floor.0,
            work: Some(folders.root().into()),
            in_use: housekeeping::at_work(ledger.clone()),
            ..Options::default()
        };
        let artifacts = Arc::new(Artifacts::open(&settings.place()?, options)?);
        let accounts = Accounts::open(&folders.accounts())?;
        let (desk, handle) = (Desk::new(ledger.clone()), runtime.handle().clone());
        let dispatch: Arc<dyn Dispatch> = match settings.workers.queue() {
            Some(queue) => {
                // Without one that workers elsewhere reach, they share the data folder.
                let transfer = settings.store.place.as_ref().map(|_| Transfer::new(artifacts.clone(), folders.clone()));
                Arc::new(runtime.block_on(Nats::start(queue, desk, transfer, handle))?)
            }
            None => {
                let slots = Slots::of(settings.workers.slots, settings.time_limits());
                let program = Program::own().map_err(failed)?;
                let program = hidden.iter().cloned().fold(program, Program::hiding);
                let worker = Worker::new(folders.clone(), artifacts.clone(), program, &settings.guard).map_err(failed)?;
                Arc::new(Local::new(desk, Arc::new(worker), slots, handle))
            }
        };
        let jobs = Arc::new(runtime.block_on(Jobs::open(ledger, dispatch, folders))?);
        let stays = if hidden.is_some() { PRIVATE } else { settings.retention.uploads.0.to_std() };
        let storage = Arc::new(Storage::new(jobs.folders().clone(), artifacts.clone()));
        runtime.spawn(housekeeping::tidy(jobs.clone(), artifacts.clone(), settings.retention, stays));
        runtime.spawn(housekeeping::sweep(artifacts.clone(), storage.clone(), settings.retention.sweep.0.to_std()));
        let outgoing = Arc::new(Outgoing::new(settings.http.private_targets)?);
        match settings.test_mode {
            true => tracing::info!("webhooks are not told: {}", test_mode::OFF),
            false => drop(runtime.spawn(webhooks::tell(jobs.ledger().clone(), outgoing.clone()))),
        }
        let readiness = Readiness::new(jobs.clone(), artifacts.clone());
        let (closing, runtime) = (watch::Sender::new(false), Some(runtime));
        Ok(Service { jobs, artifacts, accounts, outgoing, storage, readiness, closing, hidden, runtime, _lock: lock })
    }

    /// To be asked before anything is taken in: so many bytes more fit on the disk of the data folder, at the price of what is easily made again.
    ///
    /// # Errors
    /// They do not.
    pub async fn make_room(&self, bytes: u64) -> Result<(), StoreError> {
        self.artifacts.make_room_to_work(bytes).await
    }

    /// A file that a job has published.
    ///
    /// # Errors
    /// There is none, its time is over, or the store cannot be read.
    pub async fn file(&self, job: JobId, name: &str) -> Result<Artifact, StoreError> {
        self.artifacts.find(&set_of(job), name).await
    }

    /// All of them, by name.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn files(&self, job: JobId) -> Result<Vec<Entry>, StoreError> {
        Ok(self.artifacts.manifest(&set_of(job)).await?.map(|manifest| manifest.files).unwrap_or_default())
    }

    /// Forgets a job with all that it published; one that is at work is cancelled first.
    ///
    /// # Errors
    /// There is none, or its files cannot be removed; then it is still known.
    pub async fn delete(&self, job: JobId) -> Result<(), JobsError> {
        match self.jobs.cancel(job).await {
            Ok(_) | Err(JobsError::State(..)) => {}
            Err(error) => return Err(error),
        }
        housekeeping::forget(&self.jobs, &self.artifacts, job).await
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
        self.hidden.iter().for_each(Hidden::clear);
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
