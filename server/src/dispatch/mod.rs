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
pub use nats::{Answer, DESK, Done, HELLO, HELP, Help, Link, Nats, NatsError, STOP, Say, Stopped, read};

use crate::ledger::{JobId, Ticket};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::pin::pin;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Notify;

/// See the module docs.
pub trait Dispatch: Send + Sync {
    /// A stage may be done, after a pause.
    fn offer(&self, ticket: Ticket, pause: Duration);

    /// Whatever waits or is done for a job is to stop; done when nobody works at it any more. The ledger knows already.
    fn cancel(&self, job: JobId) -> BoxFuture<'_, ()>;

    /// A job is forgotten; what workers were given for it goes.
    fn forget(&self, _job: JobId) -> BoxFuture<'_, ()> {
        std::future::ready(()).boxed()
    }

    /// Nothing more is begun, and what is being done is given back; done when nobody works any more.
    fn drain(&self) -> BoxFuture<'_, ()>;

    /// It was told to drain.
    fn is_draining(&self) -> bool;

    /// Those who do stages can be reached, and more of them are handed out.
    fn answers(&self) -> BoxFuture<'_, Result<(), Silent>> {
        std::future::ready(if self.is_draining() { Err(Silent::Draining) } else { Ok(()) }).boxed()
    }

    /// Workers go on when the server ends: what was under way then may still be.
    fn outlives_the_server(&self) -> bool {
        false
    }
}

/// Why no stages are handed out.
#[derive(Debug, thiserror::Error)]
pub enum Silent {
    /// It was told to drain.
    #[error("the server is ending")]
    Draining,
    /// The queue that workers take stages from.
    #[error(transparent)]
    Nats(#[from] NatsError),
}

/// Does something after a pause; without one at once, so that what is offered first has its place first.
fn after(runtime: &Handle, pause: Duration, work: impl FnOnce() + Send + 'static) {
    if pause.is_zero() {
        return work();
    }
    runtime.spawn(async move {
        tokio::time::sleep(pause).await;
        work();
    });
}

/// Waits until something is so; it is looked at again whenever there is news.
async fn until(news: &Notify, is_so: impl Fn() -> bool) {
    loop {
        let mut told = pin!(news.notified());
        // From here on nothing is missed.
        told.as_mut().enable();
        if is_so() {
            return;
        }
        told.await;
    }
}
