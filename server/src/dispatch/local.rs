//! Stages done in this process and its children: so many at once and no more.

use super::Dispatch;
use super::queue::Queue;
use crate::jobs::{Desk, Report};
use crate::ledger::{ErrorClass, JobId, LedgerError, Ticket};
use crate::worker::{Class, Ended, Perform, StageError, Stop, Task};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};

/// Who does it, in the ledger.
const NAME: &str = "local";
/// How often progress is written down at most.
const TELL: Duration = Duration::from_millis(400);
/// So long after the last time it is written down again, even if nothing has changed.
const BEAT: Duration = Duration::from_millis(1500);
/// How long until something is written down that could not be.
const AGAIN: Duration = Duration::from_secs(1);

/// How many stages are done at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slots {
    /// Those that keep processors busy.
    pub heavy: usize,
    /// Those that do not.
    pub light: usize,
    /// How long one stage may take.
    pub limit: Duration,
}

impl Slots {
    /// How long one stage may take.
    const LIMIT: Duration = Duration::from_secs(30 * 60);

    /// For so many heavy ones.
    pub fn of(heavy: usize) -> Slots {
        Slots { heavy: heavy.max(1), light: 4 * heavy.max(1), limit: Slots::LIMIT }
    }
}

impl Default for Slots {
    /// As many as there are processors, and two at least: a short job does not wait for a long one.
    fn default() -> Slots {
        Slots::of(std::thread::available_parallelism().map_or(2, |count| count.get().max(2)))
    }
}

/// See the module docs.
pub struct Local(Arc<Pool>);

struct Pool {
    desk: Desk,
    worker: Arc<dyn Perform>,
    runtime: Handle,
    limit: Duration,
    state: Mutex<State>,
    /// A stage has ended.
    ended: Notify,
}

struct State {
    heavy: Lane,
    light: Lane,
    running: HashMap<Key, watch::Sender<bool>>,
    draining: bool,
}

struct Lane {
    queue: Queue,
    free: usize,
}

/// Job, stage, attempt.
type Key = (JobId, u32, u32);

fn key(ticket: &Ticket) -> Key {
    (ticket.job, ticket.position, ticket.attempt)
}

impl State {
    fn lane(&mut self, class: Class) -> &mut Lane {
        match class {
            Class::Heavy => &mut self.heavy,
            Class::Light => &mut self.light,
        }
    }
}

impl Local {
    /// A pool of this many slots, whose tasks run on this runtime.
    pub fn new(desk: Desk, worker: Arc<dyn Perform>, slots: Slots, runtime: Handle) -> Local {
        let lane = |free| Lane { queue: Queue::default(), free };
        let state = State { heavy: lane(slots.heavy), light: lane(slots.light), running: HashMap::new(), draining: false };
        Local(Arc::new(Pool { desk, worker, runtime, limit: slots.limit, state: Mutex::new(state), ended: Notify::new() }))
    }
}

impl Dispatch for Local {
    fn offer(&self, ticket: Ticket, pause: Duration) {
        self.0.offer(ticket, pause);
    }

    fn cancel(&self, job: JobId) -> BoxFuture<'_, ()> {
        {
            let mut state = self.0.lock();
            state.heavy.queue.remove(job);
            state.light.queue.remove(job);
            state.running.iter().filter(|(key, _)| key.0 == job).for_each(|(_, stop)| _ = stop.send_replace(true));
        }
        self.0.until(move |state| state.running.keys().all(|key| key.0 != job)).boxed()
    }

    fn drain(&self) -> BoxFuture<'_, ()> {
        {
            let mut state = self.0.lock();
            state.draining = true;
            state.heavy.queue.clear();
            state.light.queue.clear();
            state.running.values().for_each(|stop| _ = stop.send_replace(true));
        }
        self.0.until(|state| state.running.is_empty()).boxed()
    }

    fn is_draining(&self) -> bool {
        self.0.lock().draining
    }
}

impl Pool {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn until(&self, is_so: impl Fn(&State) -> bool + Send) {
        loop {
            let mut ended = pin!(self.ended.notified());
            // From here on no end is missed.
            ended.as_mut().enable();
            if is_so(&self.lock()) {
                return;
            }
            ended.await;
        }
    }

    fn offer(self: &Arc<Pool>, ticket: Ticket, pause: Duration) {
        if pause.is_zero() {
            let class = Task::class_of(&ticket.task);
            self.lock().lane(class).queue.push(ticket);
            self.pump();
        } else {
            let pool = self.clone();
            self.runtime.spawn(async move {
                tokio::time::sleep(pause).await;
                pool.offer(ticket, Duration::ZERO);
            });
        }
    }

    /// Begins what may be begun.
    fn pump(self: &Arc<Pool>) {
        let mut state = self.lock();
        for class in [Class::Light, Class::Heavy] {
            while !state.draining && state.lane(class).free > 0 {
                let Some(ticket) = state.lane(class).queue.pop() else { break };
                if state.running.contains_key(&key(&ticket)) {
                    // It was offered twice.
                    state.lane(class).queue.done(&ticket.owner);
                    continue;
                }
                let (stop, stopped) = watch::channel(false);
                state.running.insert(key(&ticket), stop);
                state.lane(class).free -= 1;
                self.runtime.spawn(self.clone().run(class, ticket, Stop::new(stopped)));
            }
        }
    }

    async fn run(self: Arc<Pool>, class: Class, ticket: Ticket, stop: Stop) {
        let next = self.work(&ticket, stop).await;
        {
            let mut state = self.lock();
            state.running.remove(&key(&ticket));
            let lane = state.lane(class);
            lane.free += 1;
            lane.queue.done(&ticket.owner);
        }
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
        let ended = self.perform(ticket, stop).await;
        if let Err(error) = &ended {
            tracing::warn!(job = %ticket.job, stage = ticket.stage, attempt = ticket.attempt, code = error.code, "{}", error.detail);
        }
        loop {
            match self.desk.finish(ticket, ended.clone()).await {
                Ok(next) => return next,
                Err(LedgerError::Closed) => return None,
                Err(error) => {
                    tracing::error!(%error, job = %ticket.job, "the end of a stage was not written down; trying again");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }

    async fn perform(&self, ticket: &Ticket, stop: Stop) -> Result<Ended, StageError> {
        let (reporter, mut reports) = watch::channel(Report::default());
        let work = AssertUnwindSafe(self.worker.perform(ticket, reporter, stop.clone())).catch_unwind();
        let mut work = pin!(tokio::time::timeout(self.limit, work));
        let mut look = tokio::time::interval(TELL);
        let mut told = Instant::now();
        let mut is_ours = true;
        loop {
            tokio::select! {
                ended = &mut work => return match ended {
                    Ok(Ok(ended)) => ended,
                    Ok(Err(_)) => Err(StageError::new(ErrorClass::Recoverable, "panicked", "the work broke off", "look into the server's log")),
                    Err(_) => Err(StageError::new(
                        ErrorClass::Resource,
                        "time_limit",
                        format!("it took longer than {} s and was stopped", self.limit.as_secs()),
                        "ask for less at once, or for a lower quality",
                    )),
                },
                _ = look.tick(), if is_ours => {
                    let changed = reports.has_changed().unwrap_or(false);
                    if changed || told.elapsed() >= BEAT {
                        told = Instant::now();
                        let report = reports.borrow_and_update().clone();
                        match self.desk.progress(ticket, report).await {
                            Ok(ours) => is_ours = ours,
                            Err(error) => tracing::warn!(%error, "progress was not written down"),
                        }
                    }
                }
            }
        }
    }
}
