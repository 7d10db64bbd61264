//! Who does a stage, and when.
//!
//! A dispatcher is told which stages may be done and sees to it that each is done once as far as the ledger is concerned: whoever does it signs
//! at the [`Desk`](crate::jobs::Desk) with its ticket, whose attempt number shuts out everybody else. A ticket that is lost is offered again
//! at the next start; one that comes twice is turned away.

mod lanes;
mod local;
mod nats;
mod queue;

pub use lanes::{Key, Room, key};
pub use local::{Local, Slots};
pub use nats::{Answer, DESK, Done, HELLO, Link, Nats, NatsError, STOP, Say, Stopped, read};

use crate::ledger::{JobId, Ticket};
use futures_util::future::BoxFuture;
use std::time::Duration;

/// See the module docs.
pub trait Dispatch: Send + Sync {
    /// A stage may be done, after a pause.
    fn offer(&self, ticket: Ticket, pause: Duration);

    /// Whatever waits or is done for a job is to stop; done when nobody works at it any more. The ledger knows already.
    fn cancel(&self, job: JobId) -> BoxFuture<'_, ()>;

    /// Nothing more is begun, and what is being done is given back; done when nobody works any more.
    fn drain(&self) -> BoxFuture<'_, ()>;

    /// It was told to drain.
    fn is_draining(&self) -> bool;

    /// Workers go on when the server ends: what was under way then may still be.
    fn outlives_the_server(&self) -> bool {
        false
    }
}
