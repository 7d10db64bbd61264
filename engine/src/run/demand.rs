//! Wishes that travel against the stream: consumers of an output write them, its producer reads them. They go no further.

use super::primitives::{AtomicBool, Mutex, Ordering};
use crate::time::{Span, Time};

/// A keyframe is made at most this often on demand.
const APART: Span = Span::from_millis(500);

/// The wishes of all consumers of one output.
#[derive(Default)]
pub struct Demand {
    keyframe: AtomicBool,
    last: Mutex<Option<Time>>,
}

impl Demand {
    /// Asks for a keyframe as soon as possible; asking again changes nothing.
    pub fn ask_keyframe(&self) {
        self.keyframe.store(true, Ordering::SeqCst);
    }

    /// For the producer, before the picture at `pts`: it is to be a keyframe. A wish that comes too soon after the last waits.
    pub fn take_keyframe(&self, pts: Time) -> bool {
        if !self.keyframe.load(Ordering::SeqCst) {
            return false;
        }
        let mut last = self.last.lock().expect("nobody panics with this lock");
        if last.is_some_and(|last| pts - last < APART) {
            return false;
        }
        *last = Some(pts);
        self.keyframe.swap(false, Ordering::SeqCst)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn wishes_for_keyframes_are_joined_and_spaced() {
        let demand = Demand::default();
        assert!(!demand.take_keyframe(Time::ZERO));
        demand.ask_keyframe();
        demand.ask_keyframe();
        assert!(demand.take_keyframe(Time::ZERO));
        assert!(!demand.take_keyframe(Time::ZERO + Span::SECOND), "one wish, one keyframe");
        demand.ask_keyframe();
        assert!(!demand.take_keyframe(Time::ZERO + Span::from_millis(499)), "too soon");
        assert!(demand.take_keyframe(Time::ZERO + Span::from_millis(500)), "but not forgotten");
    }
}
