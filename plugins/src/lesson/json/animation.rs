//! Animations by the names that animation libraries give them (`fadeIn`, `slideInLeft`, `zoomOut`).

use super::super::canvas::{Animation, Effect, Side, Trigger};
use super::fields::Fields;
use super::narration::Spoken;
use super::{Reader, millis};
use engine::time::Span;

/// How long an animation takes that does not say.
const DURATION: Span = Span::from_millis(500);

/// Coming or going: the same name means another side.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Way {
    In,
    Out,
}

impl Reader<'_> {
    /// How an object comes or goes; `None` when nothing does.
    pub(super) fn animation(&mut self, fields: &Fields, way: Way, object: &str, spoken: &Spoken) -> Option<Animation> {
        let names: Vec<String> = [fields.text(&["effect"]), fields.text(&["animationType", "type", "name"])]
            .into_iter()
            .flatten()
            .map(str::to_lowercase)
            .collect();
        let delay = fields.number(&["delay"]).and_then(millis).unwrap_or(Span::ZERO);
        let duration = fields.number(&["duration"]).and_then(millis).unwrap_or(DURATION);
        let time = fields.number(&["triggerTime", "startTime", "time"]).and_then(millis);
        let id = fields.name(&["triggerId", "trigger"]);
        fields.note_rest(&mut self.unknown);
        let trigger = match (&id, time) {
            (Some(id), _) => match spoken.trigger(id) {
                Some(trigger) => trigger,
                None => {
                    self.warn(format!("an animation of object {object:?} waits for the word {id:?}, which is none; it does not wait"));
                    Trigger::Start
                }
            },
            (None, Some(time)) => Trigger::Time(time),
            (None, None) => Trigger::Start,
        };
        if way == Way::Out && trigger == Trigger::Start && delay == Span::ZERO {
            // Nobody says when: it stays to the end.
            return None;
        }
        let effect = effect(&names, way).unwrap_or_else(|| {
            self.warn(format!("the animation {:?} of object {object:?} is shown as a fade", names.join(" ")));
            Effect::Fade
        });
        Some(Animation { trigger, effect, delay, duration, ..Animation::default() })
    }
}

/// The effect of these names, of which the first that means something counts.
fn effect(names: &[String], way: Way) -> Option<Effect> {
    let all = names.join(" ");
    let side = side(&all, way);
    let from = |usual| side.unwrap_or(usual);
    if names.is_empty() {
        return Some(Effect::Fade);
    }
    names.iter().find_map(|name| {
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        match () {
            () if has(&["typewriter", "wipe", "reveal", "clip", "draw"]) => Some(Effect::Wipe(from(Side::Left))),
            () if has(&["zoom", "scale", "grow", "shrink", "pop", "bounce"]) => Some(Effect::Zoom),
            () if has(&["float", "rise", "drift"]) => Some(Effect::Float(from(Side::Bottom))),
            () if has(&["fade", "dissolve"]) => Some(side.map_or(Effect::Fade, Effect::Float)),
            () if has(&["slide", "fly", "move", "push"]) => Some(Effect::Fly(from(Side::Left))),
            () if has(&["appear", "show", "hide", "none", "cut", "instant"]) => Some(Effect::Appear),
            () => None,
        }
    })
}

/// Things come *from* a side and go *to* one; `up` and `down` say where they move.
fn side(name: &str, way: Way) -> Option<Side> {
    let (up, down) = if way == Way::In { (Side::Bottom, Side::Top) } else { (Side::Top, Side::Bottom) };
    let sides = [("left", Side::Left), ("right", Side::Right), ("bottom", Side::Bottom), ("top", Side::Top), ("up", up), ("down", down)];
    sides.into_iter().find(|(word, _)| name.contains(word)).map(|(_, side)| side)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_animations_are_understood() {
        let of = |names: &[&str], way| effect(&names.iter().map(|name| name.to_lowercase()).collect::<Vec<_>>(), way);
        let cases = [
            (&["fade", "fadeIn"][..], Way::In, Some(Effect::Fade)),
            (&["slideInLeft"], Way::In, Some(Effect::Fly(Side::Left))),
            (&["slideInUp"], Way::In, Some(Effect::Fly(Side::Bottom))),
            (&["slideOutUp"], Way::Out, Some(Effect::Fly(Side::Top))),
            (&["fadeInDown"], Way::In, Some(Effect::Float(Side::Top))),
            (&["from-right", "fly"], Way::In, Some(Effect::Fly(Side::Right))),
            (&["zoomOut"], Way::Out, Some(Effect::Zoom)),
            (&["wipe", "fadeIn"], Way::In, Some(Effect::Wipe(Side::Left))),
            (&["none"], Way::In, Some(Effect::Appear)),
            (&["hologram"], Way::In, None),
            (&[], Way::In, Some(Effect::Fade)),
        ];
        for (names, way, expected) in cases {
            assert_eq!(of(names, way), expected, "{names:?}");
        }
    }
}
