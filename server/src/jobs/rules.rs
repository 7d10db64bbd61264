//! What is done about each class of error.

use crate::ledger::ErrorClass;
use std::time::Duration;

/// How often, and when, something is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// How often after the first time.
    pub again: u32,
    /// How long until the second try; each next pause is twice as long.
    pub pause: Duration,
}

impl Rule {
    /// The rule for a class.
    pub const fn of(class: ErrorClass) -> Rule {
        match class {
            ErrorClass::Recoverable => Rule { again: 3, pause: Duration::from_millis(500) },
            ErrorClass::Permanent => Rule { again: 0, pause: Duration::ZERO },
            // Others need time to end and give back what they hold.
            ErrorClass::Resource => Rule { again: 2, pause: Duration::from_secs(10) },
            ErrorClass::External => Rule { again: 5, pause: Duration::from_secs(2) },
        }
    }

    /// How long to wait after so many failures, from 1.
    pub fn pause_after(self, failures: u32) -> Duration {
        self.pause * 2u32.saturating_pow(failures.saturating_sub(1).min(8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow() {
        let rule = Rule::of(ErrorClass::External);
        assert_eq!([1, 2, 5].map(|failures| rule.pause_after(failures).as_secs()), [2, 4, 32]);
        assert_eq!(Rule::of(ErrorClass::Permanent).again, 0);
    }
}
