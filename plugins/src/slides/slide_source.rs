//! `slide_source` [cues -> video, audio]: the picture of the slide that holds, and the sound of its film.
//!
//! One picture a slide, which holds, or those of a film at the ticks they belong to; during a fade one picture a tick, each a weighted
//! mean of the old slide's last one and the new slide's. Pictures and sound are a function of the cues alone; while a slide stands so
//! does its film, in silence. A slide that cannot be shown shows a plain ground and a warning names it; the lecture goes on.

use super::cinema::Cinema;
use super::gallery::{Gallery, plain};
use crate::lesson::{ImportOptions, Lesson, LessonError, import_shared};
use engine::cue::{Cue, SlideCue, Transition};
use engine::frame::{PixelFormat, VideoFrame};
use engine::media::{AudioBlock, AudioCaps, Caps, VideoCaps};
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
const AUDIO: Out<AudioBlock> = Out::new("audio");

/// The node's entry in the registry.
pub const SLIDE_SOURCE: NodeType = NodeType {
    name: "slide_source",
    family: "slides",
    revision: 2,
    summary: "The picture of the slide that holds, with its transition, and the sound of its film",
    inputs: &[CUES.port("slides of the same lesson")],
    outputs: &[
        VIDEO.port("opaque pictures of the graph's size; each holds until the next"),
        AUDIO.port("mono sound of films; nothing while none is heard"),
    ],
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
            defaults: *defaults,
            open: None,
            shown: None,
            fade: None,
            past: VecDeque::new(),
            pool: Pool::new(),
            seq: 0,
        }))
    }
}

struct SlideSource {
    path: PathBuf,
    defaults: Defaults,
    open: Option<Open>,
    /// The picture of the slide that holds.
    shown: Option<VideoFrame>,
    fade: Option<Fade>,
    /// When slides began, and which: those within reach of a flush.
    past: VecDeque<(Time, usize)>,
    pool: Pool,
    seq: u64,
}

/// The lesson and what shows its slides.
struct Open {
    lesson: Arc<Lesson>,
    gallery: Gallery,
    cinema: Cinema,
}

/// Slides remembered: more than begin within the latency of a live run.
const PAST: usize = 16;

/// A slide coming in over the one before.
struct Fade {
    from: VideoFrame,
    start: Time,
    length: Span,
}

impl Node for SlideSource {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        let Defaults { size, fps, sample_rate } = self.defaults;
        start.set_caps(VIDEO, Caps::Video(VideoCaps { format: PixelFormat::I420, size, rate: fps }));
        start.set_caps(AUDIO, Caps::Audio(AudioCaps { rate: sample_rate, channels: 1 }));
        let options = ImportOptions { cancel: start.cancel(), ..ImportOptions::default() };
        let lesson = import_shared(&self.path, &options).map_err(LessonError::into_failure)?;
        let gallery = Gallery::open(lesson.clone(), size, &start.cancel())?;
        let cinema = Cinema::new(lesson.clone(), self.defaults, start.cancel());
        self.open = Some(Open { lesson, gallery, cinema });
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        let mut changed = false;
        while let Some(cue) = cx.take(CUES) {
            if let Cue::Slide(slide) = &cue.media {
                self.change(cue.pts, slide, cx)?;
                changed = true;
            }
        }
        changed |= self.roll(cx)?;
        let time = cx.tick().time;
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
        self.past.retain(|(start, _)| *start < cut);
        (self.shown, self.fade) = (None, None);
    }
}

impl SlideSource {
    /// Another slide holds from `at` on, or the same one goes on or stands.
    fn change(&mut self, at: Time, cue: &SlideCue, cx: &Cx<'_>) -> Result {
        let Open { lesson, gallery, cinema } = self.open.as_mut().expect("started before it is called");
        let named = |index: &usize| lesson.slides.get(*index).is_some_and(|slide| *slide.id == *cue.id);
        // Its place, or wherever the lesson has it.
        let index = Some(cue.index).filter(named).or_else(|| lesson.slides.iter().position(|slide| *slide.id == *cue.id));
        let Some(index) = index else {
            let path = self.path.display();
            return Err(Failure::msg(format!("{path} has no slide \"{}\"; give slide_source the lesson that the cues come from", cue.id)));
        };
        // A film goes on by ticks.
        let elapsed = cue.elapsed + (cx.tick().time - at).max(Span::ZERO);
        let picture = match cinema.change(index, elapsed, cue, cx.is_connected(AUDIO))? {
            Some(step) => {
                warn_of(step.fault.take(), lesson.slides[index].number, cx);
                step.picture.clone().unwrap_or_else(|| plain(self.defaults.size, &self.pool))
            }
            None => {
                let drawn = gallery.picture(index)?;
                let fault = drawn.fault.map(|fault| format!("its picture cannot be drawn, a plain ground is shown: {fault}"));
                warn_of(fault, lesson.slides[index].number, cx);
                drawn.frame
            }
        };
        let start = at - cue.elapsed;
        let before = self.past.iter().rev().find(|(began, _)| *began < start).map(|(_, index)| *index);
        let from = match (cue.transition, before, self.shown.take()) {
            (Transition::Fade(length), ..) if cue.elapsed >= length => None,
            (Transition::Fade(length), Some(_), Some(from)) => Some((from, length)),
            (Transition::Fade(length), Some(before), None) => {
                let last = cinema.last_picture(before)?;
                Some((last.map_or_else(|| gallery.picture(before).map(|drawn| drawn.frame), Ok)?, length))
            }
            _ => None,
        };
        self.fade = from.map(|(from, length)| Fade { from, start, length });
        self.shown = Some(picture);
        self.past.push_back((start, index));
        if self.past.len() > PAST {
            self.past.pop_front();
        }
        Ok(())
    }

    /// Shows and sounds what a film has for this tick; whether its picture is another.
    fn roll(&mut self, cx: &mut Cx<'_>) -> Result<bool> {
        let Open { lesson, cinema, .. } = self.open.as_mut().expect("started before it is called");
        let Some(step) = cinema.step()? else { return Ok(false) };
        let number = self.past.back().and_then(|(_, index)| lesson.slides.get(*index)).map_or(0, |slide| slide.number);
        warn_of(step.fault, number, cx);
        if let Some(samples) = step.sound {
            // As many as the tick has, wherever the slide began.
            let rate = self.defaults.sample_rate;
            let (tick, first) = (cx.tick(), rate.index_from(cx.tick().time));
            let mut samples = samples;
            samples.resize((rate.index_from(tick.next) - first).max(0) as usize, 0.0);
            let block = AudioBlock::mono(samples, rate);
            cx.emit(AUDIO, Packet::lasting(rate.time_of(first), block.duration(), block));
        }
        if cinema.goes_on() {
            cx.again();
        }
        let is_new = step.picture.is_some();
        self.shown = step.picture.or(self.shown.take());
        Ok(is_new)
    }
}

fn warn_of(fault: Option<String>, number: usize, cx: &Cx<'_>) {
    if let Some(fault) = fault {
        cx.warn(Some(number), fault);
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
