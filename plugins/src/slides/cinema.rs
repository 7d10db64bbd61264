//! The films of a lesson: the one that shows, and the next slide's, begun while this one shows so that a change of slides waits for
//! no decoder.

use super::film::{Film, Showing, Step, Wanted};
use crate::lesson::{Clip, Lesson, Visual};
use engine::cue::{SlideCue, Transition};
use engine::frame::VideoFrame;
use engine::node::Result;
use engine::registry::Defaults;
use engine::run::Cancel;
use engine::time::Span;
use std::sync::Arc;

/// Films under way.
pub struct Cinema {
    lesson: Arc<Lesson>,
    defaults: Defaults,
    cancel: Cancel,
    now: Option<Screening>,
    next: Option<Screening>,
    /// How long slides come in that do not say it, as far as one has been seen.
    usual: Span,
}

/// A film in a slide.
struct Screening {
    index: usize,
    /// The time in the slide at its next step.
    elapsed: Span,
    fade_in: Span,
    paused: bool,
    film: Film,
}

impl Cinema {
    /// Nothing shows yet.
    pub fn new(lesson: Arc<Lesson>, defaults: Defaults, cancel: Cancel) -> Cinema {
        Cinema { lesson, defaults, cancel, now: None, next: None, usual: Span::ZERO }
    }

    /// The clip of a slide, if it shows one.
    fn clip(&self, index: usize) -> Option<&Clip> {
        match &self.lesson.slides.get(index)?.visual {
            Visual::Clip(clip) => Some(clip),
            _ => None,
        }
    }

    /// A slide begins, goes on or stands at `elapsed`. For a slide that shows a film, its first step is looked at.
    ///
    /// # Errors
    /// When the run is cancelled or flushed meanwhile.
    pub fn change(&mut self, index: usize, elapsed: Span, cue: &SlideCue, wanted: Wanted) -> Result<Option<&mut Step>> {
        let fade_in = cue.transition.duration();
        if self.lesson.slides[index].transition.is_none() {
            self.usual = fade_in;
        }
        let is_due = |screening: &Screening| (screening.index, screening.elapsed, screening.fade_in) == (index, elapsed, fade_in);
        let ready = self.now.take().filter(is_due).or_else(|| self.next.take_if(|next| is_due(next)));
        let film = match (self.clip(index), ready) {
            (None, _) => None,
            (Some(_), Some(ready)) => Some(ready.film),
            (Some(clip), None) => {
                let showing = Showing { elapsed, fade_in, wanted };
                Some(Film::open(clip, showing, self.defaults, &self.cancel)?)
            }
        };
        self.now = film.map(|film| Screening { index, elapsed, fade_in, paused: cue.paused, film });
        if self.next.as_ref().is_none_or(|next| next.index != index + 1) {
            self.next = self.begin(index + 1, wanted)?;
        }
        self.now.as_mut().map(|screening| screening.film.look()).transpose()
    }

    /// The next step of the film that shows; `None` when none goes on.
    ///
    /// # Errors
    /// When the run is cancelled or flushed meanwhile.
    pub fn step(&mut self) -> Result<Option<Step>> {
        let Some(screening) = self.now.as_mut().filter(|screening| !screening.paused) else { return Ok(None) };
        let step = screening.film.step()?;
        screening.elapsed += self.defaults.fps.interval();
        if step.is_none() {
            self.now = None;
        }
        Ok(step)
    }

    /// A film shows, and goes on.
    pub fn goes_on(&self) -> bool {
        self.now.as_ref().is_some_and(|screening| !screening.paused)
    }

    /// The last picture of a slide's clip; `None` where it shows none.
    ///
    /// # Errors
    /// When the run is cancelled or flushed meanwhile.
    pub fn last_picture(&self, index: usize) -> Result<Option<VideoFrame>> {
        let Some(clip) = self.clip(index) else { return Ok(None) };
        let wanted = Wanted { pictures: true, sound: false };
        let showing = Showing { elapsed: clip.length, fade_in: Span::ZERO, wanted };
        Ok(Film::open(clip, showing, self.defaults, &self.cancel)?.step()?.and_then(|step| step.picture))
    }

    fn begin(&self, index: usize, wanted: Wanted) -> Result<Option<Screening>> {
        let Some(clip) = self.clip(index) else { return Ok(None) };
        let (elapsed, fade_in) = (Span::ZERO, self.lesson.slides[index].transition.map_or(self.usual, Transition::duration));
        let showing = Showing { elapsed, fade_in, wanted };
        let film = Film::open(clip, showing, self.defaults, &self.cancel)?;
        Ok(Some(Screening { index, elapsed, fade_in, paused: false, film }))
    }
}
