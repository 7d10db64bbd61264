//! When an overlay comes and goes, and its parts one after the other.

use super::plate::Animations;
use crate::lesson::canvas::{Animation, Easing, Effect, Trigger};
use crate::lesson::{Overlay, OverlayRole};
use engine::time::{Span, Time};
use std::ops::Range;

/// How long things take to come, and to go.
const ENTER: Span = Span::from_millis(450);
pub(super) const EXIT: Span = Span::from_millis(300);
/// A lower third goes part by part: that takes longer.
const EXIT_IN_TURN: Span = Span::from_millis(450);
/// How long a lower third stays that does not say it, until it is as good as gone.
pub(super) const STAY: Span = Span::from_seconds(5);

/// When an overlay comes and goes.
pub(super) struct Moves {
    trigger: Trigger,
    /// Comes with the slide: it is there when the slide is.
    at_once: bool,
    until: Option<Time>,
    /// Goes by itself after this.
    stay: Option<Span>,
    /// How long it takes to come, and to go.
    enter: Span,
    exit: Span,
}

impl Moves {
    pub fn of(overlay: &Overlay, trigger: &Trigger) -> Moves {
        let in_turn = overlay.role == OverlayRole::LowerThird;
        let exit = if in_turn { EXIT_IN_TURN } else { EXIT };
        // It is gone as long after that time as all others would be.
        let stay = (in_turn && overlay.until.is_none()).then_some(STAY + EXIT - exit);
        let at_once = matches!(trigger, Trigger::Start | Trigger::Time(Span::ZERO));
        // What is there for a moment only comes and goes the faster.
        let half = match (trigger, overlay.until) {
            (Trigger::Time(from), Some(until)) => Span((until.since_start() - *from).0.max(0) / 2),
            _ => Span(i64::MAX),
        };
        Moves { trigger: trigger.clone(), at_once, until: overlay.until, stay, enter: ENTER.min(half), exit: exit.min(half) }
    }

    /// How all of it comes and goes.
    pub fn animations(&self, effect: Effect) -> Animations {
        self.in_turn((effect, 0), (effect, 0..100))
    }

    /// How a part of it comes, so many milliseconds after the others, and how it goes, in these hundredths of the time that going takes.
    pub fn in_turn(&self, (comes, after): (Effect, i64), (goes, when): (Effect, Range<i64>)) -> Animations {
        // Where coming is the faster, the parts come the sooner: one that came after its time to go would stay.
        let after = Span(Span::from_millis(after).0 * self.enter.0 / ENTER.0);
        let enter = Animation { trigger: self.trigger.clone(), effect: comes, delay: after, duration: self.enter, easing: Easing::EaseOut };
        let exit = match (self.until, self.stay) {
            // At that time it is gone.
            (Some(until), _) => Some((Trigger::Time((until.since_start() - self.exit).max(Span::ZERO)), Span::ZERO)),
            (None, Some(stay)) => Some((self.trigger.clone(), stay)),
            (None, None) => None,
        };
        let part = |hundredths: i64| Span(self.exit.0 * hundredths / 100);
        let exit = exit.map(|(trigger, delay)| Animation {
            trigger,
            effect: goes,
            delay: delay + part(when.start),
            duration: part(when.end) - part(when.start),
            easing: Easing::EaseOut,
        });
        (Some(enter).filter(|_| !self.at_once), exit)
    }
}
