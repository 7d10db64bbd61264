//! How many lanes are at work. The count is exact: whoever wakes a lane counts it before it runs, under the lock by which it found the
//! lane asleep. So "nothing moves any more" is a fact at the moment it becomes true, however busy the machine is.

use super::primitives::{AtomicU64, Condvar, Mutex, Ordering};
use std::sync::Arc;
use std::time::Duration;

/// What a lane sleeps for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sleep {
    /// Another lane: input, room, or the horizon.
    Lane,
    /// The clock.
    Clock,
}

/// Rung whenever a watcher may have something to see; the number of rings makes sure that none is missed.
#[derive(Default)]
pub(crate) struct Bell {
    rings: Mutex<u64>,
    rung: Condvar,
}

impl Bell {
    pub(crate) fn ring(&self) {
        *self.rings.lock().expect("nobody panics with this lock") += 1;
        self.rung.notify_all();
    }

    /// How often it has rung.
    pub(crate) fn rings(&self) -> u64 {
        *self.rings.lock().expect("nobody panics with this lock")
    }

    /// Waits until it has rung more than `seen` times, at most for `limit`.
    #[cfg(not(loom))]
    pub(crate) fn wait(&self, seen: u64, limit: Duration) {
        let rings = self.rings.lock().expect("nobody panics with this lock");
        let waited = self.rung.wait_timeout_while(rings, limit, |rings| *rings == seen);
        drop(waited.expect("nobody panics with this lock"));
    }

    /// Under loom nothing watches.
    #[cfg(loom)]
    pub(crate) fn wait(&self, _: u64, _: Duration) {}
}

/// Lanes at work (low half) and lanes asleep until a time of the clock (high half).
pub(crate) struct Activity {
    word: AtomicU64,
    bell: Arc<Bell>,
}

const CLOCKED: u64 = 1 << 32;

impl Activity {
    pub(crate) fn new(bell: Arc<Bell>) -> Arc<Activity> {
        Arc::new(Activity { word: AtomicU64::new(0), bell })
    }

    /// A lane begins.
    pub(crate) fn begin(&self) {
        self.word.fetch_add(1, Ordering::SeqCst);
    }

    /// A lane has ended.
    pub(crate) fn end(&self) {
        self.leave(1);
    }

    /// The calling lane goes to sleep. Called with the lock under which others would find it asleep.
    pub(crate) fn sleep(&self, reason: Sleep) {
        match reason {
            Sleep::Lane => self.leave(1),
            Sleep::Clock => {
                // One lane less and one sleeper more, in one step.
                let before = self.word.fetch_add(CLOCKED - 1, Ordering::SeqCst);
                if before as u32 == 1 {
                    self.bell.ring();
                }
            }
        }
    }

    /// A lane that slept is awake; called by the waker, with that lock.
    pub(crate) fn wake(&self, reason: Sleep) {
        match reason {
            Sleep::Lane => self.word.fetch_add(1, Ordering::SeqCst),
            Sleep::Clock => self.word.fetch_sub(CLOCKED - 1, Ordering::SeqCst),
        };
    }

    fn leave(&self, lanes: u64) {
        let before = self.word.fetch_sub(lanes, Ordering::SeqCst);
        if before as u32 == 1 {
            self.bell.ring();
        }
    }

    /// No lane is at work.
    pub(crate) fn is_idle(&self) -> bool {
        self.word.load(Ordering::SeqCst) as u32 == 0
    }

    /// No lane is at work and none will be by itself.
    pub(crate) fn is_stuck(&self) -> bool {
        self.word.load(Ordering::SeqCst) == 0
    }
}
