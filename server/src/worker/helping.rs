//! Helping another worker with its film: one that has nothing of its own to do makes segments from the last one on, into the cache or the
//! store that both share, until the two meet. The ledger knows nothing of it, and nothing is lost when it breaks off.

use super::{Perform, Stop};
use crate::dispatch::{Key, key};
use crate::ledger::{JobId, Ticket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How often help is asked for.
pub const ASK: Duration = Duration::from_secs(1);
/// Who has not been asked for so long is needed no more.
const ENOUGH: Duration = Duration::from_secs(4);

/// A stage, and which attempt at it.
type Attempt = (Key, u32);

/// See the module docs.
pub struct Helping {
    worker: Arc<dyn Perform>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Stages of its own.
    own: usize,
    now: Option<Help>,
    /// What there is nothing more to help with.
    last: Option<Attempt>,
}

struct Help {
    with: Attempt,
    stop: watch::Sender<bool>,
    asked: Instant,
}

/// A stage of one's own, for as long as it is made.
pub struct Own<'a>(&'a Helping);

impl Helping {
    /// With what this worker can do.
    pub fn new(worker: Arc<dyn Perform>) -> Arc<Helping> {
        Arc::new(Helping { worker, state: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody who makes a film could do with help.
    pub fn asked(self: &Arc<Helping>, ticket: Ticket) {
        let with = (key(&ticket), ticket.attempt);
        let mut state = self.lock();
        if let Some(help) = &mut state.now {
            if help.with == with {
                help.asked = Instant::now();
            }
            return;
        }
        if state.own > 0 || state.last == Some(with) {
            return;
        }
        let (stop, stopped) = watch::channel(false);
        state.now = Some(Help { with, stop, asked: Instant::now() });
        drop(state);
        let helping = self.clone();
        tokio::spawn(async move {
            tracing::info!(job = %ticket.job, "helping with a film");
            helping.worker.help(&ticket, Stop::new(stopped)).await;
            let mut state = helping.lock();
            state.now = None;
            state.last = Some(with);
        });
    }

    /// A stage of its own begins: that goes first.
    pub fn own(&self) -> Own<'_> {
        let mut state = self.lock();
        state.own += 1;
        if let Some(help) = &state.now {
            help.stop.send_replace(true);
        }
        Own(self)
    }

    /// Stops helping where nobody asks for it any more. To be called now and then.
    pub fn look(&self) {
        if let Some(help) = self.lock().now.as_ref().filter(|help| help.asked.elapsed() > ENOUGH) {
            help.stop.send_replace(true);
        }
    }

    /// A job is to stop, wherever it is made.
    pub fn leave(&self, job: JobId) {
        if let Some(help) = self.lock().now.as_ref().filter(|help| help.with.0.0 == job) {
            help.stop.send_replace(true);
        }
    }

    /// Stops helping.
    pub fn stop(&self) {
        if let Some(help) = &self.lock().now {
            help.stop.send_replace(true);
        }
    }
}

impl Drop for Own<'_> {
    fn drop(&mut self) {
        self.0.lock().own -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::Report;
    use crate::worker::{Ended, StageError};
    use futures_util::FutureExt;
    use futures_util::future::BoxFuture;
    use serde_json::Value;
    use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

    /// Helps until it is stopped, and says so.
    struct Willing(UnboundedSender<(JobId, &'static str)>);

    impl Perform for Willing {
        fn perform<'a>(&'a self, _: &'a Ticket, _: watch::Sender<Report>, _: Stop) -> BoxFuture<'a, Result<Ended, StageError>> {
            async { Ok(Ended::Stopped) }.boxed()
        }

        fn help<'a>(&'a self, ticket: &'a Ticket, mut stop: Stop) -> BoxFuture<'a, ()> {
            async move {
                self.0.send((ticket.job, "begun")).unwrap();
                stop.asked().await;
                self.0.send((ticket.job, "over")).unwrap();
            }
            .boxed()
        }
    }

    fn ticket() -> Ticket {
        let (stage, owner, task) = ("render".into(), None, Value::Null);
        Ticket { job: JobId::new(), position: 1, stage, attempt: 1, owner, priority: 0, task }
    }

    async fn over(helping: &Helping, told: &mut UnboundedReceiver<(JobId, &'static str)>, job: JobId) {
        assert_eq!(told.recv().await, Some((job, "over")));
        while helping.lock().now.is_some() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn who_is_idle_helps_one_at_a_time_and_own_work_goes_first() {
        let (tell, mut told) = unbounded_channel();
        let helping = Helping::new(Arc::new(Willing(tell)));
        let [one, other] = [ticket(), ticket()];
        helping.asked(one.clone());
        assert_eq!(told.recv().await, Some((one.job, "begun")));
        helping.asked(other.clone());
        helping.asked(one.clone());
        helping.look();
        assert!(told.try_recv().is_err(), "it goes on with the one");
        let own = helping.own();
        over(&helping, &mut told, one.job).await;
        helping.asked(other.clone());
        assert!(helping.lock().now.is_none(), "it has work of its own");
        drop(own);
        helping.asked(one.clone());
        assert!(helping.lock().now.is_none(), "it has helped with this one");
        helping.asked(other.clone());
        assert_eq!(told.recv().await, Some((other.job, "begun")));
        helping.lock().now.as_mut().unwrap().asked = Instant::now() - ENOUGH - ASK;
        helping.look();
        over(&helping, &mut told, other.job).await;
    }
}
