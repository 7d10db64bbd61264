//! A line that grows with the lecture, or with the slide.

use super::card::{Card, Piece};
use super::layout::ACCENT;
use crate::lesson::canvas::Easing;
use crate::lesson::{Narration, Slide};
use engine::frame::{Point, Rect, Size};
use engine::time::Span;
use schemars::JsonSchema;
use serde::Deserialize;
use std::ops::Range;

/// What a line at the bottom of the picture tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// There is none.
    #[default]
    None,
    /// How much of the slide has been said.
    Slide,
    /// How much of the lecture has been said, slide by slide.
    Lecture,
}

/// How high the line is, in pixels of a picture 1080 high.
const LINE: f64 = 6.0;
/// What is still to come, premultiplied.
const TRACK: [u8; 4] = [0, 0, 0, 100];
/// How long it takes to the next word.
const STEP: Span = Span::from_millis(300);

/// How far a slide is.
pub(super) struct Way {
    /// Bytes of the narration; without one the slide goes by time.
    narration: usize,
    length: Span,
    /// When words were heard, and how much had been said with them.
    heard: Vec<(Span, f64)>,
}

impl Way {
    pub fn of(slide: &Slide) -> Way {
        let length = match slide.narration {
            Narration::Silence(length) => length.max(slide.least()),
            Narration::Text(_) | Narration::Audio { .. } => slide.least(),
        };
        Way { narration: slide.narration.spoken().trim_end().len(), length, heard: Vec::new() }
    }

    /// A word of the narration begins at this time in the slide.
    pub fn hear(&mut self, range: &Range<usize>, at: Span) {
        if self.narration > 0 {
            self.heard.push((at, (range.end as f64 / self.narration as f64).min(1.0)));
        }
    }

    /// What was heard at this time in the slide and later has not been.
    pub fn forget(&mut self, from: Span) {
        self.heard.retain(|(at, _)| *at < from);
    }

    /// How much of the slide is done at a time in it, 0 to 1.
    pub fn part(&self, at: Span) -> f64 {
        if self.narration == 0 {
            return if self.length > Span::ZERO { (at.0 as f64 / self.length.0 as f64).clamp(0.0, 1.0) } else { 0.0 };
        }
        let mut words = self.heard.iter().rev().filter(|(heard, _)| *heard <= at);
        let Some((since, to)) = words.next() else { return 0.0 };
        let from = words.next().map_or(0.0, |(_, before)| *before);
        from + (to - from) * Easing::EaseOut.at(((at - *since).0 as f64 / STEP.0 as f64).min(1.0))
    }

    /// It moves on after this time in the slide, whatever is said.
    pub fn moves_after(&self, at: Span) -> bool {
        match self.narration {
            0 => at < self.length,
            _ => self.heard.last().is_some_and(|(since, _)| at < *since + STEP),
        }
    }
}

/// How many pixels of the line are full, an even number, when so much is done.
pub(super) fn filled(part: f64, picture: Size) -> u32 {
    (part.clamp(0.0, 1.0) * f64::from(picture.width) / 2.0).round() as u32 * 2
}

/// The line along the bottom of the picture.
pub(super) struct Line {
    full: Piece,
    /// What is still to come.
    track: Piece,
}

impl Line {
    pub fn new(picture: Size) -> Line {
        let unit = f64::from(picture.width.min(picture.height)) / 1080.0;
        let size = Size::new(picture.width, ((LINE * unit / 2.0).round() as u32).max(1) * 2);
        let at = Point { x: 0, y: (picture.height - size.height) as i32 };
        let of = |pixel: [u8; 4]| Piece::whole(Card::new(size, pixel.repeat(size.area() as usize), 1.0), at);
        Line { full: of(ACCENT.0), track: of(TRACK) }
    }

    /// With so many pixels full.
    pub fn pieces(&self, filled: u32) -> [Piece; 2] {
        let (full, track) = (self.full.seen, self.track.seen);
        let rest = Rect { x: track.x + filled as i32, width: track.width - filled, ..track };
        [Piece { seen: Rect { width: filled, ..full }, ..self.full.clone() }, Piece { seen: rest, ..self.track.clone() }]
    }
}
