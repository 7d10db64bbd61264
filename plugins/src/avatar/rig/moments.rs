//! Beats that go with the speech: what would happen about now waits a little for a stress or the end of a sentence.

use super::noise::{Beats, glide};

/// Beats of which each falls on the first event after it, or at the end of its patience if there is none.
///
/// It is enough to know the events up to `t + ahead` to tell everything about the beats that have begun by `t`.
pub(super) struct Moments<F> {
    /// When they would be without the speech. Neighbours are further apart than `patience`.
    pub beats: Beats,
    /// The first event (seconds) at or after the first number and before the second one.
    pub event: F,
    /// Longest wait, in seconds.
    pub patience: f64,
    /// Seconds by which what happens begins ahead of its event.
    pub ahead: f64,
}

impl<F: Fn(f64, f64) -> Option<f64>> Moments<F> {
    /// When beat `k` falls, in seconds. In the future it may still come later.
    pub fn at(&self, k: i64) -> f64 {
        let begun = self.beats.at(k);
        let end = begun + self.patience;
        (self.event)(begun, end).unwrap_or(end) - self.ahead
    }

    /// The last beat that has fallen by `t`.
    pub fn last(&self, t: f64) -> i64 {
        let mut k = self.beats.last(t + self.ahead);
        while self.at(k) > t {
            k -= 1;
        }
        k
    }

    /// What is held at `t`: from each beat on a move leads to its `hold`, as long as `duration` says.
    ///
    /// A beat may fall before the move of the one before has ended; that one goes on below the new one, so that nothing jumps. The third
    /// beat in a row must fall after the end of the first one's move.
    pub fn held(&self, t: f64, duration: impl Fn(i64) -> f64, hold: impl Fn(i64) -> f64) -> f64 {
        let k = self.last(t);
        let step = |k: i64| (hold(k) - hold(k - 1)) * glide((t - self.at(k)) / duration(k));
        hold(k - 2) + step(k - 1) + step(k)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beats_wait_for_events_and_keep_their_order() {
        let events: Vec<f64> = (0..200).map(|i| f64::from(i) * 0.37 + 0.1).collect();
        let known = |until: f64| {
            let events = &events;
            move |from: f64, to: f64| events.iter().copied().find(|e| (from..to).contains(e) && *e <= until)
        };
        let moments = |until: f64| Moments {
            beats: Beats { seed: 4, stream: 1, period: 1.6, shift: 0.28 },
            event: known(until),
            patience: 0.5,
            ahead: 0.1,
        };
        let all = moments(f64::INFINITY);
        for k in 1..40 {
            assert!(all.at(k) < all.at(k + 1));
            assert_eq!(all.last(all.at(k)), k);
            assert!(events.iter().any(|e| (e - 0.1 - all.at(k)).abs() < 1e-9), "beat {k} falls on no event");
        }
        for t in (0..6000).map(|i| f64::from(i) / 100.0) {
            // What comes later than 0.2 s ahead changes nothing.
            let now = moments(t + 0.2);
            let (duration, hold) = (|_: i64| 0.5, |k: i64| (k % 3) as f64);
            assert_eq!((now.last(t), now.held(t, duration, hold)), (all.last(t), all.held(t, duration, hold)), "at {t}");
        }
    }

    #[test]
    fn a_move_goes_on_when_the_next_one_begins() {
        // One beat waits as long as it can, and the next one not at all.
        let beats = Beats { seed: 4, stream: 1, period: 1.6, shift: 0.28 };
        let events = [beats.at(3) + 0.49, beats.at(4)];
        let event = |from: f64, to: f64| events.into_iter().find(|e| (from..to).contains(e));
        let moments = Moments { beats, event, patience: 0.5, ahead: 0.1 };
        let apart = moments.at(4) - moments.at(3);
        assert!(apart < 0.6, "{apart} s");
        let held = |t: f64| moments.held(t, |_| 2.0 * apart, |k| (k % 2) as f64);
        for t in (4000..9000).map(|i| f64::from(i) / 1000.0) {
            // A glide is 15/8 times as steep in its middle as on average.
            let most = 0.001 * 1.9 / (2.0 * apart);
            assert!((held(t + 0.001) - held(t)).abs() < most, "at {t}");
        }
    }

    #[test]
    fn without_events_beats_come_when_their_patience_ends() {
        let beats = Beats { seed: 4, stream: 1, period: 1.6, shift: 0.2 };
        let moments = Moments { beats, event: |_, _| None, patience: 0.5, ahead: 0.0 };
        assert_eq!(moments.at(3), beats.at(3) + 0.5);
    }
}
