//! What a talk is made of: a row of stretches (slides, rests and answers), and what is known of the speech of each slide.

use super::answer::Answer;
use crate::lesson::{LEAD_IN, Narration, Slide, TAIL};
use engine::time::{Span, Time};

/// Speech runs at about this many characters a second; for the estimate of the length only.
const CHARACTERS_A_SECOND: f64 = 15.0;

/// A part of the programme.
pub(super) struct Stretch {
    pub(super) at: Time,
    /// Place in `order` of its slide.
    pub(super) place: usize,
    /// Place of the slide that was shown before that one, if it is not the one before it in `order`.
    pub(super) left: Option<usize>,
    /// When that slide began, or would have if nothing had come between.
    pub(super) start: Time,
    pub(super) what: What,
}

/// What a stretch is.
pub(super) enum What {
    /// A slide, from its beginning or from where it was.
    Slide,
    /// Silence, while the slide stands and the presenter idles.
    Rest(Rest),
    /// Something else is said, while the slide stands.
    Answer(Box<Answer>),
}

/// How a rest ends, and where in the slide it goes on.
#[derive(Clone, Copy)]
pub(super) struct Rest {
    pub(super) until: Until,
    pub(super) sentence: Span,
}

/// The end of a rest.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// The talk is told to begin.
    Told,
    /// It is told to go on.
    Resumed,
    /// All answers have been given.
    Answered,
    /// The live page is left.
    Left,
}

/// What is known of a slide's speech: the times in it at which sentences begin, and at which the last one has ended.
#[derive(Clone, Default)]
pub(super) struct Speech {
    pub(super) begins: Vec<Span>,
    pub(super) end: Option<Span>,
}

impl Speech {
    pub(super) fn begins_at(&mut self, at: Span) {
        if self.begins.last().is_none_or(|last| *last < at) {
            self.begins.push(at);
        }
    }

    /// Where in the slide an interruption at this time goes on: with the sentence that it interrupts, or, when all has been said, with
    /// what the slide shows.
    pub(super) fn goes_on_at(&self, at: Span) -> Span {
        match self.end {
            Some(end) if at >= end => at,
            _ => self.begins.iter().filter(|begin| **begin <= at).max().copied().unwrap_or(Span::ZERO),
        }
    }

    /// How long a sentence still goes on at this time; `None` when nobody speaks, or one has just ended. As far as speech has been made.
    pub(super) fn left(&self, at: Span) -> Option<Span> {
        let begun = self.begins.iter().rfind(|begin| **begin <= at).filter(|begin| **begin < at)?;
        let end = self.begins.iter().find(|begin| *begin > begun).copied().or(self.end).unwrap_or(Span(i64::MAX));
        (end > at).then(|| end - at)
    }
}

/// About how long it takes to say so many characters.
pub(super) fn spoken_length(characters: usize) -> Span {
    Span::from_seconds_f64(characters as f64 / CHARACTERS_A_SECOND)
}

/// About how long a slide will be.
pub(super) fn expected_length(slide: &Slide) -> Span {
    let said = match &slide.narration {
        Narration::Text(text) => spoken_length(text.chars().count()) + LEAD_IN + TAIL,
        Narration::Silence(span) => *span,
        Narration::Audio { .. } => Span::from_seconds(30),
    };
    said.max(slide.least())
}
