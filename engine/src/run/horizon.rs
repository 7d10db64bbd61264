//! How far live sources may run ahead: a source is called only while it is settled before `playout`'s media time plus the latency.

use super::activity::{Activity, Sleep};
use super::cancel::{Cancel, Waker};
use super::primitives::{Condvar, Mutex, MutexGuard};
use crate::time::{Span, Time};
use std::sync::Arc;

/// One source lane's view of the horizon.
pub(crate) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
    cancel: Cancel,
    activity: Arc<Activity>,
}

struct State {
    limit: Time,
    asleep: bool,
    nudged: bool,
}

impl Gate {
    /// Waits until a source that is settled at `bound` may be called, or until there is something else to attend to. Returns whether it
    /// may be called.
    pub(crate) fn pass(&self, bound: Time, waiting: impl Fn(bool)) -> bool {
        let mut state = self.state.lock().expect("nobody panics with this lock");
        let mut told = false;
        while bound >= state.limit && !state.nudged && !self.cancel.is_cancelled() {
            if !told {
                waiting(true);
                told = true;
            }
            state.asleep = true;
            self.activity.sleep(Sleep::Lane);
            while state.asleep {
                state = self.changed.wait(state).expect("nobody panics with this lock");
            }
        }
        state.nudged = false;
        if told {
            waiting(false);
        }
        bound < state.limit
    }

    fn open(&self, limit: Time) {
        let mut state = self.state.lock().expect("nobody panics with this lock");
        if limit > state.limit {
            state.limit = limit;
            self.rouse(&mut state);
        }
    }

    fn rouse(&self, state: &mut State) {
        if state.asleep {
            state.asleep = false;
            self.activity.wake(Sleep::Lane);
            self.changed.notify_one();
        }
    }
}

impl Waker for Gate {
    fn wake(&self) {
        let mut state = self.state.lock().expect("nobody panics with this lock");
        state.nudged = true;
        self.rouse(&mut state);
    }
}

/// The horizon of a run.
pub(crate) struct Horizon {
    gates: Mutex<Gates>,
}

struct Gates {
    all: Vec<Arc<Gate>>,
    /// How far sources run ahead of the media time.
    ahead: Span,
}

impl Horizon {
    pub(crate) fn new(ahead: Span) -> Arc<Horizon> {
        Arc::new(Horizon { gates: Mutex::new(Gates { all: Vec::new(), ahead }) })
    }

    fn lock(&self) -> MutexGuard<'_, Gates> {
        self.gates.lock().expect("nobody panics with this lock")
    }

    /// Sources run ahead by this much more. Before there are gates.
    pub(crate) fn reach_further(&self, by: Span) {
        let mut gates = self.lock();
        gates.ahead += by;
    }

    /// A gate for one more source.
    pub(crate) fn gate(&self, cancel: &Cancel, activity: &Arc<Activity>) -> Arc<Gate> {
        let mut gates = self.lock();
        let state = Mutex::new(State { limit: Time::ZERO + gates.ahead, asleep: false, nudged: false });
        let gate = Arc::new(Gate { state, changed: Condvar::new(), cancel: cancel.clone(), activity: activity.clone() });
        let waker: Arc<dyn Waker> = gate.clone();
        cancel.register(Arc::downgrade(&waker));
        if let Some(view) = &cancel.flushes {
            view.epochs.register(Arc::downgrade(&waker));
        }
        gates.all.push(gate.clone());
        gate
    }

    /// Sources look for something that is no horizon.
    pub(crate) fn wake(&self) {
        self.lock().all.iter().for_each(|gate| gate.wake());
    }

    /// `playout` has come to this media time.
    pub(crate) fn advance(&self, media: Time) {
        let gates = self.lock();
        let limit = media + gates.ahead;
        gates.all.iter().for_each(|gate| gate.open(limit));
    }
}
