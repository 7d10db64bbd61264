//! A pool of ONNX sessions of one model.
//!
//! A session runs one thing at a time, on one thread; speaking in parallel takes one session per worker. Sessions are made when first
//! needed, up to a limit (each holds its own copy of the weights), and kept until the voice rests.

use crate::heap;
use std::ops::{Deref, DerefMut};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::models;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;

struct State {
    idle: Vec<Session>,
    made: usize,
}

/// A session of a model: one thread, no spinning, so that many fit beside each other. It works in memory that it has worked in before.
pub(super) fn build(model: &[u8], level: GraphOptimizationLevel) -> ort::Result<Session> {
    let environment = models::environment().map_err(|error| ort::Error::new(error.to_string()))?;
    Session::builder(environment)?
        .with_optimization_level(level)?
        .with_intra_threads(1)?
        .with_inter_threads(1)?
        .with_intra_op_spinning(false)?
        // No two clauses are of one length: a plan of memory for each would be kept for ever.
        .with_memory_pattern(false)?
        .commit_from_memory(model)
}

/// The pool.
pub(super) struct Sessions {
    state: Mutex<State>,
    returned: Condvar,
    limit: usize,
}

impl Sessions {
    /// An empty pool of at most `limit` (at least 1) sessions.
    pub(super) fn new(limit: usize) -> Sessions {
        Sessions { state: Mutex::new(State { idle: Vec::new(), made: 0 }), returned: Condvar::new(), limit: limit.max(1) }
    }

    /// A session for the caller alone: an idle one, else a new one from `make`, else the next that is given back.
    pub(super) fn lend<E>(&self, make: impl FnOnce() -> Result<Session, E>) -> Result<Lent<'_>, E> {
        let mut state = self.lock();
        loop {
            if let Some(session) = state.idle.pop() {
                return Ok(Lent { session: Some(session), pool: self });
            }
            if state.made < self.limit {
                state.made += 1;
                break;
            }
            state = self.returned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        // The place is taken from here on; it is given back if nothing comes of it, by panic or by error.
        let mut lent = Lent { session: None, pool: self };
        lent.session = Some(make()?);
        Ok(lent)
    }

    /// Ends the idle sessions; others are made when they are needed.
    pub(super) fn clear(&self) {
        let mut state = self.lock();
        state.made -= state.idle.len();
        state.idle.clear();
        drop(state);
        // What they worked on lies in large holes.
        heap::trim();
    }

    /// Poisoning means nothing here: the state is changed in single steps.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A session on loan; goes back to its pool when dropped.
pub(super) struct Lent<'a> {
    session: Option<Session>,
    pool: &'a Sessions,
}

impl Deref for Lent<'_> {
    type Target = Session;
    fn deref(&self) -> &Session {
        self.session.as_ref().expect("lent with a session")
    }
}

impl DerefMut for Lent<'_> {
    fn deref_mut(&mut self) -> &mut Session {
        self.session.as_mut().expect("lent with a session")
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        match self.session.take() {
            Some(session) => state.idle.push(session),
            None => state.made -= 1,
        }
        drop(state);
        self.pool.returned.notify_one();
    }
}
