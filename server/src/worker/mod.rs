//! Does a stage: by a child of the same program where it is work, here where it is not.

mod child;
mod errors;
mod publish;
mod script;
mod steps;
mod task;

pub use child::{Program, follow_parent};
pub use errors::StageError;
pub use publish::{Artifact, Artifacts, ArtifactsError};
pub use steps::Worker;
pub use task::{Class, Looks, Said, Task, Wishes};

use crate::jobs::Report;
use crate::ledger::Ticket;
use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::sync::watch;

/// How a stage ended that did not fail.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    /// It is done.
    Done {
        /// What came of it.
        result: Value,
        /// What is to be known about it.
        note: Option<String>,
    },
    /// It was not done; the job goes on without it.
    Skipped {
        /// Why.
        because: String,
    },
    /// It was asked to stop, and nothing is left of it.
    Stopped,
}

/// Does stages.
pub trait Perform: Send + Sync {
    /// Does one, telling how far it is. Dropped before its end, it stops and leaves nothing running.
    fn perform<'a>(&'a self, ticket: &'a Ticket, report: watch::Sender<Report>, stop: Stop) -> BoxFuture<'a, Result<Ended, StageError>>;
}

/// Tells a worker to stop.
#[derive(Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Once this is true.
    pub fn new(asked: watch::Receiver<bool>) -> Stop {
        Stop(asked)
    }

    /// Nobody will ever ask.
    #[cfg(test)]
    pub fn never() -> Stop {
        Stop(watch::channel(false).1)
    }

    /// Waits until it is asked to.
    pub async fn asked(&mut self) {
        if self.0.wait_for(|asked| *asked).await.is_err() {
            // Nobody is left who could ask.
            std::future::pending().await
        }
    }
}
