//! What time it is, for a live run. An offline run has no clock.
//!
//! Only `playout` asks: everything before it is driven by demand, everything behind it by what it sends.

use crate::run::Waker;
use crate::time::{Span, Time};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

/// A clock that only goes forward.
pub trait Clock: Send + Sync {
    /// The time since the clock was made.
    fn now(&self) -> Time;

    /// How long to sleep until `until`; `None` when the clock itself wakes those who wait.
    fn sleep_for(&self, until: Time) -> Option<Duration>;

    /// Somebody to be woken whenever the clock has been moved by hand.
    fn register(&self, _waker: Weak<dyn Waker>) {}
}

/// The machine's monotonic clock.
pub struct Monotonic {
    start: Instant,
}

impl Default for Monotonic {
    fn default() -> Monotonic {
        Monotonic { start: Instant::now() }
    }
}

impl Clock for Monotonic {
    fn now(&self) -> Time {
        Time::ZERO + Span::from_nanos(self.start.elapsed().as_nanos() as i64)
    }

    fn sleep_for(&self, until: Time) -> Option<Duration> {
        Some(if until > self.now() { (until - self.now()).to_std() } else { Duration::ZERO })
    }
}

/// A clock that stands until it is cranked; for tests. Cloning shares it.
#[derive(Clone, Default)]
pub struct Manual {
    shared: Arc<Mutex<Cranked>>,
}

#[derive(Default)]
struct Cranked {
    now: Time,
    sleepers: Vec<Weak<dyn Waker>>,
}

impl Manual {
    /// Moves the clock forward to `time` and wakes whoever waited for that.
    ///
    /// # Panics
    /// When `time` lies before now.
    pub fn crank(&self, time: Time) {
        let sleepers = {
            let mut cranked = self.shared.lock().expect("nobody panics with this lock");
            assert!(time >= cranked.now, "a clock does not go back from {} to {time}", cranked.now);
            cranked.now = time;
            cranked.sleepers.clone()
        };
        for sleeper in sleepers.iter().filter_map(Weak::upgrade) {
            sleeper.wake();
        }
    }
}

impl Clock for Manual {
    fn now(&self) -> Time {
        self.shared.lock().expect("nobody panics with this lock").now
    }

    fn sleep_for(&self, _: Time) -> Option<Duration> {
        None
    }

    fn register(&self, waker: Weak<dyn Waker>) {
        self.shared.lock().expect("nobody panics with this lock").sleepers.push(waker);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_monotonic_clock_goes_forward_and_says_how_long_to_sleep() {
        let clock = Monotonic::default();
        let (before, after) = (clock.now(), clock.now());
        assert!(before <= after);
        assert_eq!(clock.sleep_for(Time::ZERO), Some(Duration::ZERO));
        assert!(clock.sleep_for(after + Span::SECOND).is_some_and(|left| left <= Duration::from_secs(1)));
    }

    #[test]
    #[should_panic(expected = "does not go back")]
    fn a_manual_clock_stands_and_does_not_go_back() {
        let clock = Manual::default();
        clock.crank(Time(5));
        assert_eq!(clock.now(), Time(5));
        clock.crank(Time(4));
    }
}
