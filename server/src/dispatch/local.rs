//! Stages done in this process and its children: so many at once and no more.

use super::lanes::{Lanes, Room, key};
use super::{Dispatch, after, until};
use crate::jobs::Desk;
use crate::ledger::{JobId, Ticket};
use crate::worker::{Perform, Stop, TimeLimits, attempt};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};

/// Who does it, in the ledger.
const NAME: &str = "local";

/// How many stages are done at once, and how long one may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slots {
    /// How many at once.
    pub room: Room,
    /// How long one may take.
    pub limits: TimeLimits,
}

impl Slots {
    /// For so many heavy ones; without a number for as many as there are processors, and two at least: a short job does not wait for a long
    /// one.
    pub fn of(heavy: Option<u32>, limits: TimeLimits) -> Slots {
        let processors = || std::thread::available_parallelism().map_or(2, |count| count.get().max(2));
        let heavy = heavy.map_or_else(processors, |heavy| heavy.max(1) as usize);
        Slots { room: Room { heavy, light: 4 * heavy }, limits }
    }
}

/// See the module docs.
pub struct Local(Arc<Pool>);

struct Pool {
    desk: Desk,
    worker: Arc<dyn Perform>,
    runtime: Handle,
    limits: TimeLimits,
    lanes: Mutex<Lanes<watch::Sender<bool>>>,
    /// A stage has ended.
    ended: Notify,
}

impl Local {
    /// A pool of this many slots, whose tasks run on this runtime.
    pub fn new(desk: Desk, worker: Arc<dyn Perform>, slots: Slots, runtime: Handle) -> Local {
        let lanes = Mutex::new(Lanes::new(slots.room));
        Local(Arc::new(Pool { desk, worker, runtime, limits: slots.limits, lanes, ended: Notify::new() }))
    }
}

impl Dispatch for Local {
    fn offer(&self, ticket: Ticket, pause: Duration) {
        self.0.offer(ticket, pause);
    }

    fn cancel(&self, job: JobId) -> BoxFuture<'_, ()> {
        {
            let mut lanes = self.0.lock();
            lanes.forget(job);
            lanes.out().filter(|(key, _)| key.0 == job).for_each(|(_, stop)| _ = stop.send_replace(true));
        }
        self.0.until(move |lanes| !lanes.out().any(|(key, _)| key.0 == job)).boxed()
    }

    fn drain(&self) -> BoxFuture<'_, ()> {
        {
            let mut lanes = self.0.lock();
            lanes.drain();
            lanes.out().for_each(|(_, stop)| _ = stop.send_replace(true));
        }
        self.0.until(|lanes| lanes.out().next().is_none()).boxed()
    }

    fn is_draining(&self) -> bool {
        self.0.lock().is_draining()
    }
}

impl Pool {
    fn lock(&self) -> MutexGuard<'_, Lanes<watch::Sender<bool>>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn until(&self, is_so: impl Fn(&mut Lanes<watch::Sender<bool>>) -> bool + Send) {
        until(&self.ended, move || is_so(&mut self.lock())).await;
    }

    fn offer(self: &Arc<Pool>, ticket: Ticket, pause: Duration) {
        let pool = self.clone();
        after(&self.runtime, pause, move || {
            pool.lock().push(ticket);
            pool.pump();
        });
    }

    /// Begins what may be begun.
    fn pump(self: &Arc<Pool>) {
        loop {
            let (stop, stopped) = watch::channel(false);
            let Some(ticket) = self.lock().next(|_| stop) else { return };
            self.runtime.spawn(self.clone().run(ticket, Stop::new(stopped)));
        }
    }

    async fn run(self: Arc<Pool>, ticket: Ticket, stop: Stop) {
        let next = self.work(&ticket, stop).await;
        self.lock().done(key(&ticket));
        self.ended.notify_waiters();
        if let Some((ticket, pause)) = next {
            self.offer(ticket, pause);
        }
        self.pump();
    }

    /// Signs for a stage, does it, and signs it off. What may be done next.
    async fn work(&self, ticket: &Ticket, stop: Stop) -> Option<(Ticket, Duration)> {
        match self.desk.begin(ticket, NAME).await {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) => {
                tracing::error!(%error, job = %ticket.job, "a stage was not begun; it is offered again at the next start");
                return None;
            }
        }
        let tell = |report| {
            let (desk, ticket) = (self.desk.clone(), ticket.clone());
            async move { desk.hear(&ticket, report).await }
        };
        let ended = attempt(&*self.worker, ticket, stop, self.limits.of(&ticket.task), tell).await;
        self.desk.sign_off(ticket, ended).await
    }
}
