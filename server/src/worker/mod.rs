//! Does a stage: by a child of the same program where it is work, here where it is not.

mod attempt;
mod child;
mod errors;
mod helping;
mod log;
mod machine;
mod publish;
mod script;
mod station;
mod steps;
mod task;
mod time_limits;
mod transfer;
mod used;

pub use attempt::attempt;
pub use child::{Exit, PARENT, Program, follow_parent};
pub use errors::StageError;
pub use machine::Worker;
pub use publish::{set_of, view};
pub use station::Station;
pub use task::{Class, Layout, Looks, Presenter, Said, Task, Wishes};
pub use time_limits::TimeLimits;
pub use transfer::Transfer;
pub use used::tell as tell_used;

use crate::jobs::Report;
use crate::ledger::Ticket;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, select_all};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;

/// How a stage ended that did not fail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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

    /// Helps somebody else who does this one, as far as both share what they make. There may be nothing to help with.
    fn help<'a>(&'a self, _ticket: &'a Ticket, _stop: Stop) -> BoxFuture<'a, ()> {
        async {}.boxed()
    }

    /// Files of jobs come to it by the store; otherwise they lie in a folder that it shares with the server.
    fn is_by_store(&self) -> bool {
        false
    }
}

/// Tells a worker to stop, by one of several voices.
#[derive(Clone)]
pub struct Stop(Vec<watch::Receiver<bool>>);

impl Stop {
    /// Once this is true.
    pub fn new(asked: watch::Receiver<bool>) -> Stop {
        Stop(vec![asked])
    }

    /// Or once this is true.
    pub fn or(mut self, asked: watch::Receiver<bool>) -> Stop {
        self.0.push(asked);
        self
    }

    /// Nobody will ever ask.
    #[cfg(test)]
    pub fn never() -> Stop {
        Stop(Vec::new())
    }

    /// Waits until it is asked to.
    pub async fn asked(&mut self) {
        if self.0.is_empty() {
            return std::future::pending().await;
        }
        let voices = self.0.iter_mut().map(|asked| {
            async move {
                if asked.wait_for(|asked| *asked).await.is_err() {
                    // Nobody is left who could ask.
                    std::future::pending::<()>().await;
                }
            }
            .boxed()
        });
        select_all(voices).await;
    }
}
