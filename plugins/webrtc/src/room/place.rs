//! Places of a room: whoever watches has one, from before it is let in until it has gone.

use super::Counters;
use std::sync::{Arc, PoisonError};

/// How somebody watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// WebRTC.
    Whep,
    /// Fragmented MP4.
    Mse,
}

/// How many watch now.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Watching {
    pub(super) whep: usize,
    pub(super) mse: usize,
}

impl Watching {
    fn of(&mut self, by: By) -> &mut usize {
        match by {
            By::Whep => &mut self.whep,
            By::Mse => &mut self.mse,
        }
    }
}

/// A place that is taken. Dropping it frees it.
pub(crate) struct Place {
    counters: Arc<Counters>,
    by: By,
}

impl Place {
    /// One of `limit` places, where one is free: however many come at once, no more than that have one.
    pub(super) fn take(counters: &Arc<Counters>, by: By, limit: usize) -> Option<Place> {
        let mut watching = counters.watching.lock().unwrap_or_else(PoisonError::into_inner);
        if watching.whep + watching.mse >= limit {
            return None;
        }
        *watching.of(by) += 1;
        Some(Place { counters: counters.clone(), by })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *self.counters.watching.lock().unwrap_or_else(PoisonError::into_inner).of(self.by) -= 1;
    }
}
