//! Turns at something of which there is only so much: whoever is the most urgent goes first.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// See the module docs.
pub(super) struct Turns {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    free: usize,
    /// Rank, and a number in order of coming.
    waiting: BTreeSet<(usize, u64)>,
    next: u64,
}

/// A turn; the next one's when it is dropped.
pub(super) struct Turn<'a>(&'a Turns);

impl Turns {
    /// So many at once, at least one.
    pub(super) fn new(count: usize) -> Turns {
        Turns { state: Mutex::new(State { free: count.max(1), waiting: BTreeSet::new(), next: 0 }), changed: Condvar::new() }
    }

    /// Waits for a turn: the smallest rank goes first, equal ones in the order in which they came.
    pub(super) fn take(&self, rank: usize) -> Turn<'_> {
        let mut state = self.lock();
        let own = (rank, state.next);
        state.next += 1;
        state.waiting.insert(own);
        while state.free == 0 || state.waiting.first() != Some(&own) {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting.remove(&own);
        state.free -= 1;
        // There may be a turn for the next one, too.
        self.changed.notify_all();
        Turn(self)
    }

    /// Poisoning means nothing here: the state is changed in single steps.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.lock().free += 1;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn the_most_urgent_goes_first_and_only_so_many_at_once() {
        let turns = Turns::new(1);
        let (told, heard) = channel();
        std::thread::scope(|scope| {
            let held = turns.take(9);
            for rank in [3, 0, 2] {
                let (turns, told) = (&turns, told.clone());
                scope.spawn(move || {
                    let _turn = turns.take(rank);
                    told.send(rank).unwrap();
                });
            }
            while turns.lock().waiting.len() < 3 {
                std::thread::yield_now();
            }
            assert!(heard.try_recv().is_err(), "the only turn is taken");
            drop(held);
        });
        drop(told);
        assert_eq!(heard.iter().collect::<Vec<_>>(), [0, 2, 3]);
        assert_eq!(turns.lock().free, 1);
    }
}
