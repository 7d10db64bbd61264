//! Cues: timed events that travel beside pictures and sound.

use crate::time::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::Arc;

/// A timed event. Its packet's `pts` says when, its `dur` how long it lasts (words, phonemes, visemes, captions).
#[derive(Clone, Debug, PartialEq)]
pub enum Cue {
    /// From here on this slide holds.
    Slide(Arc<SlideCue>),
    /// A spoken word.
    Word(Arc<WordCue>),
    /// A spoken phoneme, in IPA.
    Phoneme(Arc<str>),
    /// A mouth shape that belongs to the sound at this time.
    Viseme(VisemeCue),
    /// A line to read, shown for `dur`.
    Caption(Arc<str>),
    /// A sentence ends here.
    SentenceEnd {
        /// It was a question.
        question: bool,
    },
    /// Speech rests from here on until the next viseme: the presenter goes to the pose of silence.
    Rest,
    /// Anything else worth knowing downstream.
    Marker(Arc<str>),
}

/// The slide that holds from a cue on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SlideCue {
    /// Stable name of the slide in its lesson.
    pub id: Arc<str>,
    /// Place in the lesson, from 0.
    pub index: usize,
    /// Number in its source, from 1, hidden slides counted: what its author sees.
    pub number: usize,
    /// What a chapter list calls it.
    pub title: Arc<str>,
    /// Hash of the slide's content: the source of all that looks random while it shows.
    pub seed: u64,
    /// How long the slide has been showing at this cue; zero except after a jump.
    pub elapsed: Span,
    /// Its time stands still until the next slide cue (a pause, an answer): nothing on it moves on.
    pub paused: bool,
    /// Where the presenter stands.
    pub placement: Placement,
    /// How this slide comes in.
    pub transition: Transition,
    /// Where the presenter stood on the slide before, if not like here and if this slide takes time to come in: they fade from there.
    pub fades_from: Option<Placement>,
}

impl SlideCue {
    /// How long somebody is seen where they stood on the slide before, from the beginning of this one.
    pub fn fading(&self) -> Span {
        if self.fades_from.is_some() { self.transition.duration() } else { Span::ZERO }
    }
}

/// A word with its place in the narration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordCue {
    /// As written.
    pub text: Arc<str>,
    /// Its bytes in the slide's narration; `None` for what is said beside it (an answer).
    pub range: Option<Range<usize>>,
    /// Carries the stress of its phrase.
    pub stressed: bool,
    /// Its author emphasised it.
    pub emphasis: bool,
    /// The time is computed, not given by the voice.
    pub estimated: bool,
}

/// A mouth shape with how strongly it is held.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VisemeCue {
    /// The shape.
    pub viseme: Viseme,
    /// 0 (at rest) to 1 (fully formed).
    pub strength: f32,
}

/// The 15 mouth shapes of the Oculus (Meta) lip-sync set, in its order: the one alphabet that every speech source maps to and every
/// face draws. [`Viseme::as_str`] gives the usual names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Viseme {
    /// Closed and at rest.
    #[default]
    #[serde(rename = "sil")]
    Sil,
    /// Lips pressed: p, b, m.
    #[serde(rename = "PP")]
    Pp,
    /// Lower lip at the teeth: f, v.
    #[serde(rename = "FF")]
    Ff,
    /// Tongue between the teeth: th.
    #[serde(rename = "TH")]
    Th,
    /// Tongue behind the teeth: t, d.
    #[serde(rename = "DD")]
    Dd,
    /// Back of the tongue: k, g.
    #[serde(rename = "kk")]
    Kk,
    /// Rounded and narrow: ch, j, sh, zh.
    #[serde(rename = "CH")]
    Ch,
    /// Teeth together: s, z.
    #[serde(rename = "SS")]
    Ss,
    /// Tongue up: n, l.
    #[serde(rename = "nn")]
    Nn,
    /// r.
    #[serde(rename = "RR")]
    Rr,
    /// Wide open: a.
    #[serde(rename = "aa")]
    Aa,
    /// Half open, spread: e.
    E,
    /// Narrow, spread: i.
    #[serde(rename = "ih")]
    Ih,
    /// Round: o.
    #[serde(rename = "oh")]
    Oh,
    /// Small and round: u, w.
    #[serde(rename = "ou")]
    Ou,
}

impl Viseme {
    /// All of them, in order.
    pub const ALL: [Viseme; 15] = {
        use Viseme::*;
        [Sil, Pp, Ff, Th, Dd, Kk, Ch, Ss, Nn, Rr, Aa, E, Ih, Oh, Ou]
    };

    /// The name used in rigs and files: `sil`, `PP` … `ou`.
    pub const fn as_str(self) -> &'static str {
        const NAMES: [&str; 15] = ["sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "ih", "oh", "ou"];
        NAMES[self as usize]
    }

    /// The viseme of that name.
    pub fn from_name(name: &str) -> Option<Viseme> {
        Viseme::ALL.into_iter().find(|viseme| viseme.as_str() == name)
    }
}

/// Which point of the presenter's box meets which point of the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Anchor {
    TopLeft,
    Top,
    TopRight,
    Left,
    Center,
    Right,
    BottomLeft,
    Bottom,
    #[default]
    BottomRight,
}

/// Where the presenter stands. Fields left out fall back to the compositor's own settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placement {
    /// Corner, edge or centre; `None` = as the compositor says.
    pub anchor: Option<Anchor>,
    /// Where the top left corner of its box lies, in parts of the picture's width and height; in place of anchor and margin.
    pub at: Option<(f64, f64)>,
    /// Height as part of the picture's, over 0 to 1; `None` = as the compositor says.
    pub height: Option<f64>,
    /// Distance from the edges in pixels of a picture 720 high; `None` = as the compositor says.
    pub margin: Option<u32>,
    /// Shown at all.
    pub visible: bool,
    /// Fills the frame (an introduction): the presenter covers the picture.
    pub fill: bool,
}

impl Default for Placement {
    fn default() -> Placement {
        Placement { anchor: None, at: None, height: None, margin: None, visible: true, fill: false }
    }
}

/// How a slide replaces the one before. Belongs wholly to the start of the later slide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transition {
    /// At once.
    #[default]
    Cut,
    /// The old picture fades into the new one within this time.
    Fade(Span),
    /// The new picture moves in over the old one, which stands.
    Slide(Motion),
    /// The new picture moves in and pushes the old one out.
    Push(Motion),
}

/// How a picture moves in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Motion {
    /// The side of the frame that it comes from.
    pub from: Side,
    /// How long it takes.
    pub duration: Span,
    /// How its speed changes.
    pub easing: Easing,
}

impl Transition {
    /// How long it takes.
    pub const fn duration(self) -> Span {
        match self {
            Transition::Cut => Span::ZERO,
            Transition::Fade(span) => span,
            Transition::Slide(motion) | Transition::Push(motion) => motion.duration,
        }
    }
}

/// A side of an object or of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Side {
    Left,
    Right,
    Top,
    Bottom,
}

/// How the speed of something that moves changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Easing {
    /// It does not.
    Linear,
    /// Slow at the beginning.
    EaseIn,
    /// Slow at the end.
    #[default]
    EaseOut,
    /// Slow at both ends.
    EaseInOut,
}

impl Easing {
    /// How much is done after this part of the time; both 0 to 1. Cubic.
    pub fn at(self, part: f64) -> f64 {
        let (gone, left) = (part, 1.0 - part);
        match self {
            Easing::Linear => part,
            Easing::EaseIn => gone * gone * gone,
            Easing::EaseOut => 1.0 - left * left * left,
            Easing::EaseInOut if part < 0.5 => 4.0 * gone * gone * gone,
            Easing::EaseInOut => 1.0 - 4.0 * left * left * left,
        }
    }
}
