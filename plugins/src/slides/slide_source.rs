//! `slide_source` [cues -> video]: the picture of the slide that holds.
//!
//! One picture a slide, which holds; during a fade one picture a tick, each a weighted mean of the old slide's and the new one's, then
//! the new slide's own; on a canvas one a tick while an object comes or goes, by the time in the slide and the words heard in it; of
//! numbered pictures each at its time. Pictures are a function of the cues alone. A slide that cannot be drawn shows a plain ground and a warning names
//! it; the lecture goes on.

use super::gallery::Gallery;
use super::moving::Moving;
use crate::lesson::canvas::Schedule;
use crate::lesson::{ImportOptions, Lesson, LessonError, Visual, import_shared};
use engine::cue::{Cue, SlideCue, Transition, WordCue};
use engine::frame::{PixelFormat, Size, VideoFrame};
use engine::media::{Caps, VideoCaps};
use engine::node::{Cx, Failure, Flow, In, Node, Out, Result, Start};
use engine::packet::Packet;
use engine::pool::Pool;
use engine::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Sync};
use engine::time::{Span, Time};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

const CUES: In<Cue> = In::new("cues");
const VIDEO: Out<VideoFrame> = Out::new("video");

/// The node's entry in the registry.
pub const SLIDE_SOURCE: NodeType = NodeType {
    name: "slide_source",
    family: "slides",
    revision: 2,
    summary: "The picture of the slide that holds, with its transition and what moves on it",
    inputs: &[CUES.port("slides of the same lesson, and their words")],
    outputs: &[VIDEO.port("opaque pictures of the graph's size; each holds until the next")],
    sync: Sync::Join,
    lane: Lane::Own,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<SlideSourceConfig>("{ lesson: graphs/demo/lectern.pptx }"),
};

/// Settings of `slide_source`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlideSourceConfig {
    /// The deck, PDF, folder or lesson file; the same that the speech comes from.
    lesson: PathBuf,
}

impl NodeConfig for SlideSourceConfig {
    fn check_env(&self) -> std::result::Result<(), String> {
        match self.lesson.exists() {
            true => Ok(()),
            false => Err(format!("there is no file {}", self.lesson.display())),
        }
    }

    fn build(self, defaults: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(SlideSource {
            path: self.lesson,
            size: defaults.size,
            open: None,
            shown: None,
            moving: None,
            fade: None,
            past: VecDeque::new(),
            pool: Pool::new(),
            seq: 0,
        }))
    }
}

struct SlideSource {
    path: PathBuf,
    size: Size,
    open: Option<(Arc<Lesson>, Gallery)>,
    /// The picture of the slide that holds.
    shown: Option<VideoFrame>,
    /// Draws it when it moves.
    moving: Option<Moving>,
    fade: Option<Fade>,
    /// What holds, and what held before it: those within reach of a flush.
    past: VecDeque<Showing>,
    pool: Pool,
    seq: u64,
}

/// Slides remembered: more than begin within the latency of a live run.
const PAST: usize = 16;

/// A slide, or a part of one, from a cue on.
struct Showing {
    /// When the slide began, or would have if nothing had come between.
    start: Time,
    index: usize,
    /// Its time stands still here.
    stands: Option<Span>,
    /// Of a canvas: with the words that have been heard.
    schedule: Option<Schedule>,
}

impl Showing {
    /// How far the slide is.
    fn at(&self, time: Time) -> Span {
        self.stands.unwrap_or(time - self.start)
    }

    /// What it showed at a time, drawn again.
    fn last_picture(&self, lesson: &Lesson, gallery: &mut Gallery, time: Time, size: Size) -> Result<VideoFrame> {
        let drawn = gallery.picture(self.index)?;
        let moving = Moving::of(&lesson.slides[self.index].visual, drawn.still, size).ok().flatten();
        let next = moving.map(|mut moving| moving.next(self.at(time), self.schedule.as_ref())).transpose()?;
        Ok(next.and_then(|next| next.frame).unwrap_or(drawn.frame))
    }
}

/// A slide coming in over the one before.
struct Fade {
    from: VideoFrame,
    start: Time,
    length: Span,
}

impl Node for SlideSource {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        start.set_caps(VIDEO, Caps::Video(VideoCaps { format: PixelFormat::I420, size: self.size, rate: start.defaults().fps }));
        let options = ImportOptions { cancel: start.cancel(), ..ImportOptions::default() };
        let lesson = import_shared(&self.path, &options).map_err(LessonError::into_failure)?;
        let gallery = Gallery::open(lesson.clone(), self.size, &start.cancel())?;
        self.open = Some((lesson, gallery));
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        let mut changed = false;
        while let Some(cue) = cx.take(CUES) {
            match &cue.media {
                Cue::Slide(slide) => {
                    self.change(cue.pts, slide, cx)?;
                    changed = true;
                }
                Cue::Word(word) => self.hear(cue.pts, word),
                _ => {}
            }
        }
        let time = cx.tick().time;
        changed |= self.move_on(time, cx)?;
        let Some(shown) = &self.shown else { return Ok(Flow::More) };
        let frame = match self.fade.take() {
            Some(fade) if time < fade.start + fade.length => {
                let frame = fade.frame(shown, time, &self.pool);
                self.fade = Some(fade);
                cx.again();
                frame
            }
            None if !changed => return Ok(Flow::More),
            _ => shown.clone(),
        };
        self.seq += 1;
        cx.emit(VIDEO, Packet::new(time, VideoFrame { seq: self.seq, ..frame }));
        Ok(Flow::More)
    }

    fn flush(&mut self, cut: Time) {
        // What holds at the cut is stated again by a cue; the slide before it may have to fade out once more.
        self.past.retain(|showing| showing.start < cut);
        if let Some(Showing { start, schedule: Some(schedule), .. }) = self.past.back_mut() {
            schedule.forget(cut - *start);
        }
        (self.shown, self.moving, self.fade) = (None, None, None);
    }
}

impl SlideSource {
    /// Another slide holds from `at` on.
    fn change(&mut self, at: Time, cue: &SlideCue, cx: &Cx<'_>) -> Result {
        let (lesson, gallery) = self.open.as_mut().expect("started before it is called");
        let named = |index: &usize| lesson.slides.get(*index).is_some_and(|slide| *slide.id == *cue.id);
        // Its place, or wherever the lesson has it.
        let index = Some(cue.index).filter(named).or_else(|| lesson.slides.iter().position(|slide| *slide.id == *cue.id));
        let Some(index) = index else {
            let path = self.path.display();
            return Err(Failure::msg(format!("{path} has no slide \"{}\"; give slide_source the lesson that the cues come from", cue.id)));
        };
        let drawn = gallery.picture(index)?;
        if let Some(fault) = drawn.fault {
            cx.warn(Some(lesson.slides[index].number), &*fault);
        }
        let start = at - cue.elapsed;
        let moving = Moving::of(&lesson.slides[index].visual, drawn.still, self.size);
        self.moving = moving.unwrap_or_else(|fault| {
            cx.warn(Some(lesson.slides[index].number), format!("its pictures cannot be shown: {fault}"));
            None
        });
        let before = self.past.iter().rev().find(|showing| showing.start < start);
        let from = match (cue.transition, before, self.shown.take()) {
            (Transition::Fade(length), ..) if cue.elapsed >= length => None,
            (Transition::Fade(length), Some(_), Some(from)) => Some((from, length)),
            (Transition::Fade(length), Some(before), None) => Some((before.last_picture(lesson, gallery, start, self.size)?, length)),
            _ => None,
        };
        self.fade = from.map(|(from, length)| Fade { from, start, length });
        self.shown = Some(drawn.frame);
        let schedule = match &lesson.slides[index].visual {
            Visual::Canvas(canvas) => {
                // A slide that goes on remembers its words up to there; later ones come again.
                let known = self.past.back().filter(|showing| showing.index == index && cue.elapsed > Span::ZERO);
                let mut schedule = known.and_then(|showing| showing.schedule.clone());
                schedule.iter_mut().for_each(|schedule| schedule.forget(cue.elapsed));
                Some(schedule.unwrap_or_else(|| Schedule::new(canvas, &lesson.slides[index].narration.spoken())))
            }
            _ => None,
        };
        self.past.push_back(Showing { start, index, stands: cue.stands.then_some(cue.elapsed), schedule });
        if self.past.len() > PAST {
            self.past.pop_front();
        }
        Ok(())
    }

    /// A word begins.
    fn hear(&mut self, at: Time, word: &WordCue) {
        if let Some(Showing { start, stands: None, schedule: Some(schedule), .. }) = self.past.back_mut()
            && let Some(range) = &word.range
        {
            schedule.heard(range, at - *start);
        }
    }

    /// Draws what moves. `false` when nothing has changed.
    fn move_on(&mut self, time: Time, cx: &mut Cx<'_>) -> Result<bool> {
        let (Some(moving), Some(showing)) = (&mut self.moving, self.past.back()) else { return Ok(false) };
        let (at, schedule) = (showing.at(time), showing.schedule.as_ref());
        if showing.stands.is_none() && moving.moves_after(at, schedule) {
            cx.again();
        }
        let next = moving.next(at, schedule)?;
        if let (Some(fault), Some((lesson, _))) = (next.fault, &self.open) {
            let number = lesson.slides.get(showing.index).map(|slide| slide.number);
            cx.warn(number, format!("a picture of it cannot be drawn, the one before stands: {fault}"));
        }
        let changed = next.frame.is_some();
        self.shown = next.frame.or(self.shown.take());
        Ok(changed)
    }
}

impl Fade {
    /// The mean of both pictures at `time`, weighted by the time gone; 256 steps, rounded to nearest.
    fn frame(&self, to: &VideoFrame, time: Time, pool: &Pool) -> VideoFrame {
        let gone = (time - self.start).0.clamp(0, self.length.0);
        let weight = ((gone as i128 * 512 / i128::from(self.length.0) + 1) / 2) as u16;
        let mut frame = pool.blank(PixelFormat::I420, to.size());
        let pairs = self.from.picture.bytes().iter().zip(to.picture.bytes());
        for (mixed, (&from, &to)) in frame.bytes_mut().iter_mut().zip(pairs) {
            *mixed = ((u16::from(from) * (256 - weight) + u16::from(to) * weight + 128) >> 8) as u8;
        }
        frame.freeze()
    }
}

#[cfg(test)]
#[path = "slide_source_tests.rs"]
mod tests;
