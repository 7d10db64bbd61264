//! The bounded queue at the head of a lane: one lock, a queue per connection, nobody woken who does not wait.
//!
//! The consumer takes everything of a connection at once, and only when it has used up what it took before; so at most twice the limit
//! is ever held, and a connection that the consumer does not need yet pushes back on its producer.

use super::activity::{Activity, Sleep};
use super::cancel::{Cancel, Waker};
use super::epoch::Epochs;
use super::primitives::{Condvar, Mutex, MutexGuard};
use super::queue::{Connection, Queue, Recovery, admit};
use super::slot::Slot;
use crate::clock::Clock;
use crate::graph::document::Policy;
use crate::packet::Packet;
use crate::time::Time;
use std::sync::Arc;
use std::time::Instant;

/// What became of a packet that was pushed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// It waits, or was dropped by the rules.
    Taken,
    /// The consumer wants no more.
    Closed,
    Cancelled,
}

/// What a consumer waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// News on this connection.
    News(usize),
    /// News on any connection, and room for everything.
    Any,
    /// This time of the clock, whatever comes meanwhile.
    Until(Time),
}

/// Why a consumer goes on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    Refilled,
    Cancelled,
}

/// What all inboxes of a run share.
#[derive(Clone)]
pub(crate) struct InboxEnv {
    pub(crate) cancel: Cancel,
    pub(crate) activity: Arc<Activity>,
    /// The flushes that concern this inbox; none behind `playout`.
    pub(crate) epochs: Option<Arc<Epochs>>,
    pub(crate) clock: Option<Arc<dyn Clock>>,
}

pub(crate) struct Inbox {
    state: Mutex<State>,
    ready: Condvar,
    env: InboxEnv,
}

struct State {
    queues: Vec<Queue>,
    /// What the consumer sleeps for; whoever wakes it takes this away and counts it as awake.
    sleeper: Option<Wanted>,
    /// The consumer has something else to attend to.
    nudged: bool,
    closed: bool,
    epoch: u32,
    /// Of connections that dropped.
    recovery: Recovery,
}

impl Inbox {
    pub(crate) fn new(connections: &[Connection], env: InboxEnv) -> Arc<Inbox> {
        let queues = connections.iter().map(Queue::new).collect();
        let state = State { queues, sleeper: None, nudged: false, closed: false, epoch: 0, recovery: Recovery::default() };
        let inbox = Arc::new(Inbox { state: Mutex::new(state), ready: Condvar::new(), env });
        let waker: Arc<dyn Waker> = inbox.clone();
        inbox.env.cancel.register(Arc::downgrade(&waker));
        if let Some(epochs) = &inbox.env.epochs {
            epochs.register(Arc::downgrade(&waker));
        }
        if let Some(clock) = &inbox.env.clock {
            clock.register(Arc::downgrade(&waker));
        }
        inbox
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().expect("no code that can panic runs with this lock");
        if let Some(epochs) = &self.env.epochs
            && epochs.current() > state.epoch
        {
            let now = epochs.current();
            let cut = epochs.cut_since(state.epoch);
            state.epoch = now;
            for slot in 0..state.queues.len() {
                if state.queues[slot].flush(epochs, cut) {
                    self.give_room(&mut state.queues[slot]);
                }
            }
            self.rouse(&mut state);
        }
        state
    }

    /// Queues a packet; when the connection is full, waits or drops as its policy says. `blocked` is told before and after a wait.
    pub(crate) fn push(&self, slot: usize, packet: Packet, blocked: impl Fn(bool)) -> Pushed {
        let mut state = self.lock();
        let admitted = match state.queues[slot].settings.policy {
            Policy::Block => {
                if state.queues[slot].is_full() && !state.closed && !self.env.cancel.is_cancelled() {
                    blocked(true);
                    let since = Instant::now();
                    state = self.wait_for_room(state, slot);
                    state.queues[slot].settings.stats.add_blocked(since.elapsed());
                    blocked(false);
                }
                true
            }
            Policy::Latest => {
                state.queues[slot].make_room();
                true
            }
            Policy::ToKeyframe => {
                let State { queues, recovery, .. } = &mut *state;
                admit(queues, recovery, slot, &packet)
            }
        };
        if self.env.cancel.is_cancelled() {
            return Pushed::Cancelled;
        }
        if state.closed {
            return Pushed::Closed;
        }
        let packet = match &self.env.epochs {
            Some(epochs) => epochs.keep(packet),
            None => Some(packet),
        };
        let queue = &mut state.queues[slot];
        match packet {
            Some(packet) if admitted => queue.push(packet),
            Some(packet) => queue.drop_new(&packet),
            None => {}
        }
        self.rouse(&mut state);
        Pushed::Taken
    }

    fn wait_for_room<'a>(&'a self, mut state: MutexGuard<'a, State>, slot: usize) -> MutexGuard<'a, State> {
        let space = state.queues[slot].space.clone();
        while state.queues[slot].is_full() && !state.closed && !self.env.cancel.is_cancelled() {
            state.queues[slot].producer_waits = true;
            self.env.activity.sleep(Sleep::Lane);
            while state.queues[slot].producer_waits {
                state = space.wait(state).expect("no code that can panic runs with this lock");
            }
        }
        state
    }

    /// What is pushed now waits for room.
    pub(crate) fn would_block(&self, slot: usize) -> bool {
        let state = self.lock();
        let queue = &state.queues[slot];
        queue.settings.policy == Policy::Block && queue.is_full() && !state.closed
    }

    /// Moves a connection's bound.
    pub(crate) fn settle(&self, slot: usize, bound: Time, epoch: u32) {
        let mut state = self.lock();
        if state.queues[slot].settle(self.as_of_now(bound, epoch)) {
            self.rouse(&mut state);
        }
    }

    /// Ends a connection.
    pub(crate) fn end(&self, slot: usize, end: Time, epoch: u32) {
        let mut state = self.lock();
        state.queues[slot].end(self.as_of_now(end, epoch));
        self.rouse(&mut state);
    }

    /// What was promised in an older epoch holds up to the cut.
    fn as_of_now(&self, bound: Time, epoch: u32) -> Time {
        self.env.epochs.as_ref().map_or(bound, |epochs| epochs.bound(bound, epoch))
    }

    /// The consumer wants no more: whatever waits or comes is dropped.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        for queue in &mut state.queues {
            queue.clear();
            self.give_room(queue);
        }
    }

    /// Makes the consumer look for something that is not in its queues.
    pub(crate) fn nudge(&self) {
        let mut state = self.lock();
        state.nudged = true;
        self.rouse(&mut state);
    }

    /// Wakes the producer that waits for room.
    fn give_room(&self, queue: &mut Queue) {
        if queue.producer_waits {
            queue.producer_waits = false;
            self.env.activity.wake(Sleep::Lane);
            queue.space.notify_one();
        }
    }

    /// Wakes the consumer if what it sleeps for has come.
    fn rouse(&self, state: &mut State) {
        if let Some(wanted) = state.sleeper
            && self.has_come(state, wanted)
        {
            state.sleeper = None;
            self.env.activity.wake(reason(wanted));
            self.ready.notify_one();
        }
    }

    fn has_come(&self, state: &State, wanted: Wanted) -> bool {
        let come = match wanted {
            Wanted::News(slot) => state.queues[slot].news,
            Wanted::Any => state.queues.iter().any(|queue| queue.news),
            Wanted::Until(time) => self.env.clock.as_ref().is_none_or(|clock| clock.now() >= time),
        };
        come || state.nudged || self.env.cancel.is_cancelled()
    }

    /// Waits for what is wanted, then hands over the queues of all connections whose slot is empty, or of all where all is wanted.
    /// `waiting` is told before and after a wait.
    pub(crate) fn refill(&self, slots: &mut [Slot], wanted: Wanted, waiting: impl Fn(bool)) -> Woken {
        let mut state = self.lock();
        if state.closed {
            return Woken::Cancelled;
        }
        if !self.has_come(&state, wanted) {
            waiting(true);
            while !self.has_come(&state, wanted) {
                state.sleeper = Some(wanted);
                self.env.activity.sleep(reason(wanted));
                state = self.sleep(state, wanted);
            }
            waiting(false);
        }
        if self.env.cancel.is_cancelled() {
            return Woken::Cancelled;
        }
        state.nudged = false;
        let epoch = state.epoch;
        for (queue, slot) in state.queues.iter_mut().zip(slots) {
            if queue.news && (slot.waiting().is_none() || !matches!(wanted, Wanted::News(_))) {
                queue.take_into(slot);
                slot.epoch = epoch;
                self.give_room(queue);
            }
        }
        Woken::Refilled
    }

    /// Sleeps until woken, or until the clock says so.
    fn sleep<'a>(&'a self, mut state: MutexGuard<'a, State>, wanted: Wanted) -> MutexGuard<'a, State> {
        let limit = match (wanted, &self.env.clock) {
            (Wanted::Until(time), Some(clock)) => clock.sleep_for(time),
            _ => None,
        };
        while state.sleeper.is_some() {
            let Some(limit) = limit else {
                state = self.ready.wait(state).expect("no code that can panic runs with this lock");
                continue;
            };
            state = self.ready.wait_timeout(state, limit).expect("no code that can panic runs with this lock").0;
            if state.sleeper.take().is_some() {
                // Nobody has woken it, so nobody has counted it; the loop around looks at the clock again.
                self.env.activity.wake(reason(wanted));
            }
        }
        state
    }
}

const fn reason(wanted: Wanted) -> Sleep {
    if matches!(wanted, Wanted::Until(_)) { Sleep::Clock } else { Sleep::Lane }
}

impl Waker for Inbox {
    fn wake(&self) {
        let mut state = self.lock();
        self.rouse(&mut state);
        if self.env.cancel.is_cancelled() {
            for slot in 0..state.queues.len() {
                self.give_room(&mut state.queues[slot]);
            }
        }
    }
}
