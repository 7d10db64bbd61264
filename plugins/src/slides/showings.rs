//! Which slide holds, since when, and the words that have been heard in it; and those before it, within reach of a flush.

use crate::lesson::canvas::Schedule;
use crate::lesson::{Slide, Visual};
use engine::cue::{SlideCue, WordCue};
use engine::time::{Span, Time};
use std::collections::VecDeque;

/// Slides remembered: more than begin within the latency of a live run.
const PAST: usize = 16;

/// A slide, or a part of one, from a cue on.
pub struct Showing {
    /// When the slide began, or would have if nothing had come between.
    pub start: Time,
    /// Its place in the lesson.
    pub index: usize,
    /// Of a canvas: with the words that have been heard.
    pub schedule: Option<Schedule>,
    /// Its time stands still here.
    paused: Option<Span>,
}

impl Showing {
    /// How far the slide is.
    pub fn at(&self, time: Time) -> Span {
        self.paused.unwrap_or(time - self.start)
    }

    /// Its time stands still.
    pub fn is_paused(&self) -> bool {
        self.paused.is_some()
    }
}

/// The last one holds.
#[derive(Default)]
pub struct Showings(VecDeque<Showing>);

impl Showings {
    /// A slide that was shown before the run began.
    pub fn before_all(&mut self, index: usize) {
        self.0.push_back(Showing { start: Time(i64::MIN), index, schedule: None, paused: None });
    }

    /// A slide holds from its cue at `at` on. One that goes on remembers its words up to there; later ones come again.
    pub fn begin(&mut self, at: Time, index: usize, slide: &Slide, cue: &SlideCue) {
        let schedule = match &slide.visual {
            Visual::Canvas(canvas) => {
                let known = self.0.back().filter(|showing| showing.index == index && cue.elapsed > Span::ZERO);
                let mut schedule = known.and_then(|showing| showing.schedule.clone());
                schedule.iter_mut().for_each(|schedule| schedule.forget(cue.elapsed));
                Some(schedule.unwrap_or_else(|| Schedule::new(canvas, &slide.narration.spoken())))
            }
            _ => None,
        };
        self.0.push_back(Showing { start: at - cue.elapsed, index, schedule, paused: cue.paused.then_some(cue.elapsed) });
        if self.0.len() > PAST {
            self.0.pop_front();
        }
    }

    /// A word begins at `at`.
    pub fn hear(&mut self, at: Time, word: &WordCue) {
        if let Some(Showing { start, paused: None, schedule: Some(schedule), .. }) = self.0.back_mut()
            && let Some(range) = &word.range
        {
            schedule.heard(range, at - *start);
        }
    }

    /// What began at `cut` or later, and what was heard there, has not been.
    pub fn flush(&mut self, cut: Time) {
        self.0.retain(|showing| showing.start < cut);
        if let Some(Showing { start, schedule: Some(schedule), .. }) = self.0.back_mut() {
            schedule.forget(cut - *start);
        }
    }

    /// What holds.
    pub fn now(&self) -> Option<&Showing> {
        self.0.back()
    }

    /// What held before a slide that began at `start`: its place in the lesson.
    pub fn before(&self, start: Time) -> Option<usize> {
        self.0.iter().rev().find(|showing| showing.start < start).map(|showing| showing.index)
    }
}
