//! Whether a server can do what it is asked: ready when the ledger, the store and whoever hands out stages answer. That a process is there at
//! all, `/health` says.

use crate::artifacts::Artifacts;
use crate::jobs::Jobs;
use std::fmt::Display;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How long a part may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// So long an answer holds, however many ask.
const FRESH: Duration = Duration::from_secs(1);

/// The parts of a server, and whether each of them answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts(pub [(&'static str, bool); 3]);

impl Parts {
    /// All of them do.
    pub fn are_ready(&self) -> bool {
        self.0.iter().all(|(_, answers)| *answers)
    }

    /// Those that do not.
    pub fn missing(&self) -> impl Iterator<Item = &'static str> {
        self.0.into_iter().filter(|(_, answers)| !answers).map(|(name, _)| name)
    }
}

/// See the module docs.
pub struct Readiness {
    jobs: Arc<Jobs>,
    artifacts: Arc<Artifacts>,
    known: Mutex<Option<(Instant, Parts)>>,
}

impl Readiness {
    /// Of these parts.
    pub fn new(jobs: Arc<Jobs>, artifacts: Arc<Artifacts>) -> Readiness {
        Readiness { jobs, artifacts, known: Mutex::default() }
    }

    /// Asks each part, unless somebody has a second ago. Why one does not answer stands in the log: it may name places of this machine.
    pub async fn look(&self) -> Parts {
        let mut known = self.known.lock().await;
        if let Some((when, parts)) = *known
            && when.elapsed() < FRESH
        {
            return parts;
        }
        // The thread that writes answers without writing anything.
        let ledger = answers("ledger", self.jobs.ledger().write(|_| Ok(())));
        let (ledger, store, dispatch) =
            tokio::join!(ledger, answers("store", self.artifacts.answers()), answers("dispatch", self.jobs.dispatch_answers()));
        let parts = Parts([("ledger", ledger), ("store", store), ("dispatch", dispatch)]);
        *known = Some((Instant::now(), parts));
        parts
    }
}

async fn answers<E: Display>(name: &str, asked: impl Future<Output = Result<(), E>>) -> bool {
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(())) => return true,
        Ok(Err(error)) => tracing::warn!(%error, "not ready: {name}"),
        Err(_) => tracing::warn!("not ready: {name} has not answered for {} s", PATIENCE.as_secs()),
    }
    false
}
