//! `slide_source` [cues -> video]: the picture of the slide that holds.
//!
//! One picture a slide, which holds; during a fade one picture a tick, each a weighted mean of the old slide's and the new one's, then
//! the new slide's own. Pictures are a function of the cues alone. A slide that cannot be drawn shows a plain ground and a warning names
//! it; the lecture goes on.

use super::gallery::Gallery;
use crate::lesson::{ImportOptions, Lesson, check_source, import_for};
use engine::cue::{Cue, SlideCue, Transition};
use engine::frame::{PixelFormat, Size, VideoFrame};
use engine::media::{Caps, VideoCaps};
use engine::node::{Cx, Failure, Flow, In, Node, Out, Result, Start};
use engine::packet::Packet;
use engine::pool::Pool;
use engine::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use engine::segments::{Fingerprint, Hash, Part};
use engine::time::{Span, Time};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

const CUES: In<Cue> = In::new("cues");
const VIDEO: Out<VideoFrame> = Out::new("video");

/// The node's entry in the registry.
pub const SLIDE_SOURCE: NodeType = NodeType {
    name: "slide_source",
    family: "slides",
    revision: 1,
    summary: "The picture of the slide that holds, with its transition",
    inputs: &[CUES.port("slides of the same lesson")],
    outputs: &[VIDEO.port("opaque pictures of the graph's size; each holds until the next")],
    sync: Sync::Join,
    lane: Lane::Own,
    starts: Starts::Anywhere,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<SlideSourceConfig>("{ lesson: graphs/demo/lectern.pptx }"),
};

/// Settings of `slide_source`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlideSourceConfig {
    /// The deck, PDF, folder or lesson file, or the address of a Google Slides presentation; the same that the speech comes from.
    lesson: PathBuf,
}

impl NodeConfig for SlideSourceConfig {
    fn check_env(&self) -> std::result::Result<(), String> {
        check_source(&self.lesson)
    }

    fn build(self, defaults: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(SlideSource {
            path: self.lesson,
            size: defaults.size,
            open: None,
            shown: None,
            fade: None,
            past: VecDeque::new(),
            known: Arc::default(),
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
    fade: Option<Fade>,
    /// When slides began, and which: those within reach of a flush.
    past: VecDeque<(Time, usize)>,
    /// What the segments of a render were named by.
    known: Arc<Pictures>,
    pool: Pool,
    seq: u64,
}

/// Hashes of the pictures of slides that segments were named by, by index.
#[derive(Default)]
struct Pictures(Mutex<HashMap<usize, Hash>>);

impl Pictures {
    fn of(&self, index: usize) -> Option<Hash> {
        self.0.lock().expect("nobody panics with this lock").get(&index).copied()
    }

    fn set(&self, index: usize, hash: Hash) {
        self.0.lock().expect("nobody panics with this lock").insert(index, hash);
    }
}

fn undrawn(fault: &str) -> String {
    format!("its picture cannot be drawn, a plain ground is shown: {fault}")
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
        start.set_caps(VIDEO, Caps::Video(VideoCaps { format: PixelFormat::I420, size: self.size, rate: start.defaults().fps }));
        let lesson = import_for(start, &self.path, &ImportOptions::default())?;
        let mut first = 0;
        if let Some(window) = start.window() {
            let place = |part: &Part| lesson.slides.iter().position(|slide| *slide.id == *part.id);
            first = place(&window.part).unwrap_or(0);
            // The slide before did not show in this run, but fades out in it.
            self.past.extend(window.before.as_ref().and_then(place).map(|before| (Time(i64::MIN), before)));
        }
        let gallery = Gallery::open(lesson.clone(), self.size, first, &start.cancel())?;
        self.known = start.shared(&format!("pictures of {} at {}", self.path.display(), self.size), || Ok(Pictures::default()))?;
        self.open = Some((lesson, gallery));
        Ok(())
    }

    fn fingerprint(&mut self, part: &Part, key: &mut Fingerprint<'_>) -> Result {
        if !key.wants(VIDEO) {
            return Ok(());
        }
        let Some((transition, picture)) = self.fingerprint_of(part, key)? else { return Ok(()) };
        key.add("picture", picture);
        let before = key.before().cloned().filter(|_| key.from() < transition.duration());
        if let Some(before) = before
            && let Some((_, picture)) = self.fingerprint_of(&before, key)?
        {
            key.add("picture of the slide before", picture);
        }
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
    /// How the slide of a part comes in, and the hash of its picture; nothing when it is none of the lesson's.
    fn fingerprint_of(&mut self, part: &Part, key: &mut Fingerprint<'_>) -> Result<Option<(Transition, Hash)>> {
        let (lesson, gallery) = self.open.as_mut().expect("started before it is asked");
        let Some(index) = lesson.slides.iter().position(|slide| *slide.id == *part.id) else { return Ok(None) };
        let slide = &lesson.slides[index];
        if let Some(known) = self.known.of(index) {
            return Ok(Some((slide.transition, known)));
        }
        let drawn = gallery.picture(index)?;
        if let Some(fault) = drawn.fault {
            key.warn(Some(slide.number), undrawn(&fault));
        }
        let hash = Hash::of(drawn.frame.picture.bytes());
        self.known.set(index, hash);
        Ok(Some((slide.transition, hash)))
    }

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
            cx.warn(Some(lesson.slides[index].number), undrawn(&fault));
        }
        if self.known.of(index).is_some_and(|known| known != Hash::of(drawn.frame.picture.bytes())) {
            let number = lesson.slides[index].number;
            return Err(Failure::msg(format!("the picture of slide {number} has changed while the film was being made; render it again")));
        }
        let start = at - cue.elapsed;
        let before = self.past.iter().rev().find(|(began, _)| *began < start).map(|(_, index)| *index);
        let from = match (cue.transition, before, self.shown.take()) {
            (Transition::Fade(length), ..) if cue.elapsed >= length => None,
            (Transition::Fade(length), Some(_), Some(from)) => Some((from, length)),
            (Transition::Fade(length), Some(before), None) => Some((gallery.picture(before)?.frame, length)),
            _ => None,
        };
        self.fade = from.map(|(from, length)| Fade { from, start, length });
        self.shown = Some(drawn.frame);
        self.past.push_back((start, index));
        if self.past.len() > PAST {
            self.past.pop_front();
        }
        Ok(())
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
