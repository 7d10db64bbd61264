//! How objects of a canvas come and go.

pub use engine::cue::{Easing, Side};
use engine::graph::unit::DurationSetting;
use engine::time::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How an object comes or goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Animation {
    /// What sets it off. Default: the slide's start.
    #[serde(default)]
    pub trigger: Trigger,
    /// What it looks like. Default: fade.
    #[serde(default)]
    pub effect: Effect,
    /// How long after that it begins. Default: at once.
    #[serde(default, with = "span", skip_serializing_if = "is_none")]
    #[schemars(with = "DurationSetting")]
    pub delay: Span,
    /// How long it takes. Default: 400ms.
    #[serde(default = "duration", with = "span")]
    #[schemars(with = "DurationSetting")]
    pub duration: Span,
    /// How its speed changes. Default: ease_out.
    #[serde(default)]
    pub easing: Easing,
}

impl Default for Animation {
    fn default() -> Animation {
        Animation {
            trigger: Trigger::default(),
            effect: Effect::default(),
            delay: Span::ZERO,
            duration: duration(),
            easing: Easing::default(),
        }
    }
}

/// What sets an animation off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Trigger {
    /// The slide's start.
    #[default]
    Start,
    /// A time in the slide.
    Time(
        #[serde(with = "span")]
        #[schemars(with = "DurationSetting")]
        Span,
    ),
    /// A word of the narration, when its sound begins.
    Word {
        /// As it is written there: a word, the beginning of one, or several.
        text: String,
        /// Which of those that read so, from 1.
        #[serde(default = "first", skip_serializing_if = "is_first")]
        nth: usize,
    },
}

impl Trigger {
    /// The word of `narration` (see [`Narration::spoken`](crate::lesson::Narration::spoken)) at this byte.
    ///
    /// # Panics
    /// When `at` is not the beginning of a character in it.
    pub fn word_at(narration: &str, at: usize) -> Trigger {
        let rest = &narration[at..];
        let length = rest.find(|c: char| c.is_whitespace()).unwrap_or(rest.len());
        let word = rest[..length].trim_end_matches(|c: char| !c.is_alphanumeric());
        let text = if word.is_empty() { &rest[..length] } else { word };
        let nth = occurrences(narration, text).position(|found| found == at).map_or(1, |index| index + 1);
        Trigger::Word { text: text.into(), nth }
    }

    /// For a word: at which byte of `narration` it begins; `None` when it does not occur there.
    pub fn place(&self, narration: &str) -> Option<usize> {
        match self {
            Trigger::Word { text, nth } => occurrences(narration, text).nth(nth.checked_sub(1)?),
            Trigger::Start | Trigger::Time(_) => None,
        }
    }
}

/// Where a text begins in another one, overlapping ones counted.
fn occurrences<'a>(text: &'a str, wanted: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.char_indices().map(|(at, _)| at).filter(move |&at| !wanted.is_empty() && text[at..].starts_with(wanted))
}

/// What an object looks like on its way in; on its way out the same, backwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// At once.
    Appear,
    /// From transparent.
    #[default]
    Fade,
    /// From beyond this side of the picture.
    Fly(Side),
    /// From a little towards this side, and from transparent.
    Float(Side),
    /// From a point, and from transparent.
    Zoom,
    /// Uncovered from this side on.
    Wipe(Side),
}

fn is_none(span: &Span) -> bool {
    *span == Span::ZERO
}
fn duration() -> Span {
    Span::from_millis(400)
}
fn first() -> usize {
    1
}
fn is_first(nth: &usize) -> bool {
    *nth == 1
}

/// A length of time as a setting with its unit.
mod span {
    use super::{Deserialize, DurationSetting, Serialize, Span};

    pub fn serialize<S: serde::Serializer>(span: &Span, serializer: S) -> Result<S::Ok, S::Error> {
        DurationSetting(*span).serialize(serializer)
    }

    pub fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
        DurationSetting::deserialize(deserializer).map(|setting| setting.0)
    }
}
