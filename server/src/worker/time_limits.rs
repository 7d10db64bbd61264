//! How long stages may take, by what they make.

use super::task::Task;
use crate::guard::{Profile, ProfileName};
use crate::quality::Quality;
use engine::graph::unit::DurationSetting;
use engine::time::Span;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

/// How long one attempt at a stage may take. What is not ready by then is stopped, and tried again as the class `RESOURCE` says: a film goes on
/// with the segments that are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TimeLimits {
    /// A film of the quality `minimal`.
    pub minimal: DurationSetting,
    /// A film of the quality `fast`.
    pub fast: DurationSetting,
    /// A film of the quality `standard`.
    pub standard: DurationSetting,
    /// A film of the quality `high`.
    pub high: DurationSetting,
    /// One film of several parts, of any quality.
    pub combined: DurationSetting,
    /// A film for which no quality is named.
    pub film: DurationSetting,
    /// Whatever makes no film; without it, what the profile of the machine says.
    pub other: Option<DurationSetting>,
}

impl Default for TimeLimits {
    fn default() -> TimeLimits {
        let [fast, standard, high, combined] = [600, 900, 1500, 1800].map(|seconds| DurationSetting(Span::from_seconds(seconds)));
        TimeLimits { minimal: fast, fast, standard, high, combined, film: combined, other: None }
    }
}

impl TimeLimits {
    /// The same on a machine of this profile.
    #[must_use]
    pub fn on(self, profile: ProfileName) -> TimeLimits {
        let usual = || DurationSetting(Span::from_seconds(Profile::named(profile).time_limit.as_secs() as i64));
        TimeLimits { other: Some(self.other.unwrap_or_else(usual)), ..self }
    }

    /// The limit of a task as the ledger holds it.
    pub fn of(&self, task: &Value) -> Duration {
        let limit = match serde_json::from_value(task.clone()).map(Task::plain) {
            Ok((Task::Join { .. }, _)) => self.combined,
            Ok((Task::Render { looks, .. }, _)) => match looks.quality.as_deref().and_then(Quality::named) {
                Some(Quality::Minimal) => self.minimal,
                Some(Quality::Fast) => self.fast,
                Some(Quality::Standard) => self.standard,
                Some(Quality::High) => self.high,
                None => self.film,
            },
            // What is no task here fails at once.
            _ => self.on(ProfileName::Small).other.unwrap_or(self.film),
        };
        limit.0.to_std()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::{Looks, Wishes};
    use serde_json::json;

    #[test]
    fn the_limits_are_the_known_ones() {
        let limits = TimeLimits::default();
        let render = |quality: Option<&str>| {
            let looks = Looks { quality: quality.map(String::from), ..Looks::default() };
            Task::Render { lesson: "input/a".into(), wishes: Wishes::default(), looks, film: "output/film.mp4".into() }
        };
        let of = |limits: &TimeLimits, task: &Task| limits.of(&serde_json::to_value(task).unwrap()).as_secs();
        let seconds = [Some("minimal"), Some("fast"), Some("standard"), Some("high"), None].map(|quality| of(&limits, &render(quality)));
        assert_eq!(seconds, [600, 600, 900, 1500, 1800]);
        assert_eq!(of(&limits, &render(Some("balanced"))), 900, "names of other systems count, too");
        let looks = Looks { quality: Some("fast".into()), ..Looks::default() };
        let join = Task::Join { parts: vec![], looks, film: "output/film.mp4".into() };
        let instead = Task::Instead { because: "there is no model".into(), task: render(Some("fast")).into() };
        assert_eq!((of(&limits, &join), of(&limits, &instead)), (1800, 600));
        let read = Task::Import { deck: "input/a".into() };
        let on = |profile| of(&limits.on(profile), &read);
        assert_eq!((on(ProfileName::Small), on(ProfileName::Large)), (900, 1200));
        let own = TimeLimits { other: Some(DurationSetting(Span::from_seconds(7))), ..limits };
        assert_eq!((of(&own.on(ProfileName::Large), &read), own.of(&json!({ "do": "nothing known" })).as_secs()), (7, 7));
    }
}
