//! The worker of one machine: what it does stages with, and what limits it.

use super::child::{Exit, Program};
use super::steps::{Broken, Step, unless, words};
use super::{Ended, Perform, StageError, Stop, Task, Transfer};
use crate::artifacts::Artifacts;
use crate::config::GuardSettings;
use crate::folders::{Folders, remove_folder};
use crate::guard::{Devices, Guard, Hardware, Preset, Rules, Verdict, sensors};
use crate::jobs::Report;
use crate::ledger::Ticket;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// Where the files of films lie that other workers make, in the folder of this one.
const HELPING: &str = "helping";

/// Does stages in children of this program.
pub struct Worker {
    pub(super) folders: Folders,
    pub(super) artifacts: Arc<Artifacts>,
    pub(super) program: Program,
    pub(super) guard: Guard,
    /// What models run on.
    pub(super) devices: Devices,
    /// How films look when neither their job nor the guard says it.
    pub(super) usual: Option<Preset>,
    /// Where this machine shares no folder with the server.
    pub(super) transfer: Option<Transfer>,
    /// There, too, for films of other workers, whose files lie apart from those of its own stages.
    helping: Option<Transfer>,
    /// The name of stages of which the next one fails.
    fault: Mutex<Option<String>>,
}

impl Worker {
    /// In these folders, publishing to this store. `LECTERN_FAIL_STAGE` names a stage that fails once: to rehearse what those do then who
    /// wait for a job.
    ///
    /// # Errors
    /// Nobody can look after the machine.
    pub fn new(folders: Folders, artifacts: Arc<Artifacts>, program: Program, guard: &GuardSettings) -> io::Result<Worker> {
        let fault = std::env::var("LECTERN_FAIL_STAGE").ok().filter(|name| !name.is_empty());
        let (usual, hardware) = (guard.quality, Hardware::find());
        let (devices, guard) = (Devices::here(&hardware, guard), Guard::start(Rules::of(guard, &hardware), sensors())?);
        Ok(Worker { folders, artifacts, program, guard, devices, usual, transfer: None, helping: None, fault: Mutex::new(fault) })
    }

    /// The same on a machine that shares no folder with the server: files of jobs come by the store and go there.
    ///
    /// # Errors
    /// There is no room for the files of films that it helps with.
    pub fn by_store(self) -> io::Result<Worker> {
        let apart = self.folders.root().join(HELPING);
        remove_folder(&apart)?;
        let by = |folders: Folders| Some(Transfer::new(self.artifacts.clone(), folders));
        let (transfer, helping) = (by(self.folders.clone()), by(Folders::open(&apart)?));
        Ok(Worker { transfer, helping, ..self })
    }

    /// Where the files of a film are that somebody else makes, if they are to be had.
    async fn borrow(&self, ticket: &Ticket, stop: &mut Stop) -> Option<PathBuf> {
        let Some(helping) = &self.helping else {
            let folder = self.folders.work(ticket.job);
            // Whoever asks may keep its files elsewhere.
            return folder.join(Folders::PROCESSING).is_dir().then_some(folder);
        };
        match unless(stop, helping.fetch(ticket)).await {
            Ok(_) => Some(helping.folder(ticket.job)),
            Err(Broken::Stopped) => None,
            Err(Broken::Failed(error)) => {
                tracing::info!(job = %ticket.job, "there is no helping without its files: {}", error.detail);
                None
            }
        }
    }

    /// This stage is the one that is to fail.
    pub(super) fn takes_fault(&self, stage: &str) -> bool {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).take_if(|name| name == stage).is_some()
    }
}

impl Perform for Worker {
    fn perform<'a>(&'a self, ticket: &'a Ticket, report: watch::Sender<Report>, stop: Stop) -> BoxFuture<'a, Result<Ended, StageError>> {
        async move {
            match Step::new(self, ticket, report, stop).run().await {
                Ok(ended) => Ok(ended),
                Err(Broken::Stopped) => Ok(Ended::Stopped),
                Err(Broken::Failed(error)) => Err(error),
            }
        }
        .boxed()
    }

    fn help<'a>(&'a self, ticket: &'a Ticket, mut stop: Stop) -> BoxFuture<'a, ()> {
        async move {
            let task = serde_json::from_value(ticket.task.clone()).map(Task::plain);
            let Ok((Task::Render { lesson, wishes, looks, .. }, _)) = task else { return };
            if self.guard.look() != Verdict::Go(None) {
                return;
            }
            let Some(folder) = self.borrow(ticket, &mut stop).await else { return };
            let mut arguments = words(["render", &lesson, "--help-another", "-o", "processing/film.mp4"]);
            arguments.extend(wishes.arguments());
            let looks = self.guard.largest().map_or_else(|| looks.clone(), |largest| looks.within(largest).0);
            arguments.extend(looks.arguments());
            match self.program.run(&folder, &arguments, &mut stop, |_| {}).await {
                Ok(Exit::Done(_) | Exit::Stopped) => {}
                // Whoever makes the film will say what is wrong with it.
                other => tracing::info!(job = %ticket.job, ?other, "helping came to nothing"),
            }
            if self.helping.is_some()
                && let Err(error) = remove_folder(&folder)
            {
                tracing::warn!(%error, job = %ticket.job, "files of a film that was helped with are left");
            }
        }
        .boxed()
    }

    fn is_by_store(&self) -> bool {
        self.transfer.is_some()
    }
}
