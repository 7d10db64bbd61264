//! How slides come in, as lesson files and graphs say it: a kind, or a kind with what is to be other than usual.

use engine::cue::{Easing, Motion, Side, Transition};
use engine::graph::unit::DurationSetting;
use engine::time::Span;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// How long a fade takes when nobody says it.
const FADE: Span = Span::from_millis(500);
/// The same for what moves: the eye has to follow it.
const MOTION: Span = Span::from_millis(700);

/// A transition as a setting: `fade`, or `{ kind: push, from: left, duration: 800ms, easing: ease_in_out }`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransitionSetting(pub Transition);

/// How a slide replaces the one before.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TransitionForm {
    /// The kind.
    kind: TransitionKind,
    /// How long it takes. Default: 500ms for a fade, 700ms for what moves.
    duration: Option<DurationSetting>,
    /// Of slide and push, the side that the new picture comes from. Default: right.
    from: Option<Side>,
    /// Of slide and push, how the speed changes. Default: ease_in_out.
    easing: Option<Easing>,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum TransitionKind {
    /// At once.
    Cut,
    /// The old picture fades into the new one.
    Fade,
    /// The new picture moves in over the old one.
    Slide,
    /// The new picture moves in and pushes the old one out.
    Push,
}

impl TransitionKind {
    /// As it is written.
    const NAMES: [(&str, TransitionKind); 4] =
        [("cut", TransitionKind::Cut), ("fade", TransitionKind::Fade), ("slide", TransitionKind::Slide), ("push", TransitionKind::Push)];
}

impl TransitionForm {
    fn transition(self) -> Result<Transition, &'static str> {
        let TransitionForm { kind, duration, from, easing } = self;
        let duration = duration.map(|length| length.0);
        match kind {
            TransitionKind::Cut if duration.is_some() => return Err("a cut takes no time: leave its duration out"),
            TransitionKind::Cut | TransitionKind::Fade if from.is_some() || easing.is_some() => {
                return Err("from and easing are for what moves: write kind: slide or kind: push");
            }
            _ => {}
        }
        let motion =
            Motion { from: from.unwrap_or(Side::Right), duration: duration.unwrap_or(MOTION), easing: easing.unwrap_or(Easing::EaseInOut) };
        Ok(match kind {
            TransitionKind::Cut => Transition::Cut,
            TransitionKind::Fade => Transition::Fade(duration.unwrap_or(FADE)),
            TransitionKind::Slide => Transition::Slide(motion),
            TransitionKind::Push => Transition::Push(motion),
        })
    }
}

/// The longer form, in which everything is written.
impl fmt::Display for TransitionSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, motion) = match self.0 {
            Transition::Cut => return f.write_str("{ kind: cut }"),
            Transition::Fade(span) => return write!(f, "{{ kind: fade, duration: {} }}", DurationSetting(span)),
            Transition::Slide(motion) => ("slide", motion),
            Transition::Push(motion) => ("push", motion),
        };
        let from = match motion.from {
            Side::Left => "left",
            Side::Right => "right",
            Side::Top => "top",
            Side::Bottom => "bottom",
        };
        let easing = match motion.easing {
            Easing::Linear => "linear",
            Easing::EaseIn => "ease_in",
            Easing::EaseOut => "ease_out",
            Easing::EaseInOut => "ease_in_out",
        };
        write!(f, "{{ kind: {kind}, from: {from}, duration: {}, easing: {easing} }}", DurationSetting(motion.duration))
    }
}

impl<'de> Deserialize<'de> for TransitionSetting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<TransitionSetting, D::Error> {
        struct Shapes;
        impl<'de> Visitor<'de> for Shapes {
            type Value = TransitionSetting;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("cut, fade, slide, push or { kind: push, from: left, duration: 800ms, easing: ease_in_out }")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<TransitionSetting, E> {
                let known = TransitionKind::NAMES.iter().find(|(name, _)| *name == text);
                let &(_, kind) = known.ok_or_else(|| E::unknown_variant(text, &["cut", "fade", "slide", "push"]))?;
                let form = TransitionForm { kind, duration: None, from: None, easing: None };
                form.transition().map(TransitionSetting).map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TransitionSetting, A::Error> {
                let form = TransitionForm::deserialize(de::value::MapAccessDeserializer::new(map))?;
                form.transition().map(TransitionSetting).map_err(de::Error::custom)
            }
        }
        deserializer.deserialize_any(Shapes)
    }
}

impl JsonSchema for TransitionSetting {
    fn schema_name() -> Cow<'static, str> {
        "Transition".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let form = generator.subschema_for::<TransitionForm>();
        json_schema!({ "anyOf": [{ "enum": ["cut", "fade", "slide", "push"] }, form] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::graph::from_value_all;
    use engine::graph::parse::parse;
    use std::sync::Arc;

    fn read(text: &str) -> Result<Transition, String> {
        let value = parse(text, &Arc::from("g.yaml")).expect("YAML");
        from_value_all(&value, "transition").map(|setting: TransitionSetting| setting.0).map_err(|problems| problems.to_string())
    }

    #[test]
    fn what_is_written_is_read_again() {
        let motion = Motion { from: Side::Top, duration: Span(705_600_001), easing: Easing::Linear };
        let all = [Transition::Cut, Transition::Fade(Span::from_millis(750)), Transition::Slide(motion), Transition::Push(motion)];
        for transition in all {
            assert_eq!(read(&TransitionSetting(transition).to_string()), Ok(transition));
        }
        let usual = Motion { from: Side::Right, duration: MOTION, easing: Easing::EaseInOut };
        assert_eq!(read("fade"), Ok(Transition::Fade(FADE)));
        assert_eq!((read("push"), read("{ kind: slide }")), (Ok(Transition::Push(usual)), Ok(Transition::Slide(usual))));
    }

    #[test]
    fn mistakes_are_named() {
        for (text, says) in [
            ("wipe", "fade"),
            ("{ kind: cut, duration: 1s }", "a cut takes no time"),
            ("{ kind: fade, from: left }", "for what moves"),
            ("{ kind: push, form: left }", "from"),
            ("{ kind: push, from: north }", "left"),
            ("[push]", "cut, fade, slide, push or"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
