//! `slide_source` [cues -> video, audio]: the picture of the slide that holds, and the sound of its film.
//!
//! One picture a slide, which holds, or those of a film at the ticks they belong to; on a canvas one a tick while an object comes or goes,
//! by the time in the slide and the words heard in it; while a slide comes in one picture a tick, made of the old slide's last one and the
//! new slide's. Pictures and sound are a function of the cues alone, and of the live pages as they were
//! captured; while a slide stands so does its film, in silence. A slide that cannot be shown shows a plain ground and a warning names it; the lecture goes on.

use super::cinema::Cinema;
use super::entrance::Entrance;
use super::film::Wanted;
use super::gallery::{Drawn, Gallery, plain};
use super::moving::Moving;
use super::pages::{PagesConfig, captured};
use super::showings::Showings;
use crate::browser::PageCache;
use crate::lesson::{ImportOptions, Lesson, Slide, Visual, check_source, import_for};
use engine::cue::{Cue, SlideCue};
use engine::frame::{PixelFormat, Size, VideoFrame};
use engine::media::{AudioBlock, AudioCaps, Caps, VideoCaps};
use engine::node::{Cx, Failure, Flow, In, Node, Out, Result, Start};
use engine::packet::Packet;
use engine::pool::Pool;
use engine::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use engine::segments::{Fingerprint, Hash, Part};
use engine::time::{Span, Time};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

const CUES: In<Cue> = In::new("cues");
const VIDEO: Out<VideoFrame> = Out::new("video");
const AUDIO: Out<AudioBlock> = Out::new("audio");

/// The node's entry in the registry.
pub const SLIDE_SOURCE: NodeType = NodeType {
    name: "slide_source",
    family: "slides",
    revision: 5,
    summary: "The picture of the slide that holds, with its transition and what moves on it, and the sound of its film",
    inputs: &[CUES.port("slides of the same lesson, and their words")],
    outputs: &[
        VIDEO.port("opaque pictures of the graph's size; each holds until the next"),
        AUDIO.port("mono sound of films; nothing while none is heard"),
    ],
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
    /// How live pages are captured for a film. A live talk shows the pages themselves.
    #[serde(default)]
    pages: PagesConfig,
}

impl NodeConfig for SlideSourceConfig {
    fn validate(&self, _: &Defaults) -> std::result::Result<(), String> {
        self.pages.validate()
    }

    fn check_env(&self) -> std::result::Result<(), String> {
        check_source(&self.lesson)
    }

    fn build(self, defaults: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(SlideSource {
            path: self.lesson,
            pages: self.pages,
            defaults: *defaults,
            open: None,
            shown: None,
            moving: None,
            entrance: None,
            showings: Showings::default(),
            known: Arc::default(),
            pool: Pool::new(),
            seq: 0,
        }))
    }
}

struct SlideSource {
    path: PathBuf,
    pages: PagesConfig,
    defaults: Defaults,
    open: Option<Open>,
    /// The picture of the slide that holds.
    shown: Option<VideoFrame>,
    /// Draws it when objects move on it.
    moving: Option<Moving>,
    /// The slide that holds comes in.
    entrance: Option<Entrance>,
    showings: Showings,
    /// What the segments of a render were named by.
    known: Arc<Pictures>,
    pool: Pool,
    seq: u64,
}

/// The lesson and what shows its slides.
struct Open {
    lesson: Arc<Lesson>,
    gallery: Gallery,
    cinema: Cinema,
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

impl Node for SlideSource {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        let Defaults { size, fps, sample_rate } = self.defaults;
        start.set_caps(VIDEO, Caps::Video(VideoCaps { format: PixelFormat::I420, size, rate: fps }));
        start.set_caps(AUDIO, Caps::Audio(AudioCaps { rate: sample_rate, channels: 1 }));
        let mut lesson = import_for(start, &self.path, &ImportOptions::default())?;
        if !start.is_live() {
            // Once for all runs of a render: a page may look different a moment later.
            let warn = &mut |number, text: String| start.warn(Some(number), text);
            let capture = || captured(&lesson, size, &self.pages, &PageCache::of_user(), &start.cancel(), warn);
            lesson = Arc::clone(&*start.shared(&format!("pages of {} at {size}", self.path.display()), capture)?);
        }
        let mut first = 0;
        if let Some(window) = start.window() {
            let place = |part: &Part| lesson.slides.iter().position(|slide| *slide.id == *part.id);
            first = place(&window.part).unwrap_or(0);
            // The slide before did not show in this run, but leaves in it.
            window.before.as_ref().and_then(place).into_iter().for_each(|before| self.showings.before_all(before));
        }
        let gallery = Gallery::open(lesson.clone(), size, first, start.window().is_none(), &start.cancel())?;
        let cinema = Cinema::new(lesson.clone(), self.defaults, start.cancel());
        self.known = start.shared(&format!("pictures of {} at {size}", self.path.display()), || Ok(Pictures::default()))?;
        self.open = Some(Open { lesson, gallery, cinema });
        Ok(())
    }

    fn fingerprint(&mut self, part: &Part, key: &mut Fingerprint<'_>) -> Result {
        if key.wants(AUDIO) {
            let lesson = &self.open.as_ref().expect("started before it is asked").lesson;
            let slide = lesson.slides.iter().find(|slide| *slide.id == *part.id);
            if let Some(Slide { visual: visual @ Visual::Clip(_), .. }) = slide {
                // Its sound is faded in while its picture comes.
                key.add("film", Hash::of_all([visual.content_hash().0.as_slice(), &part.overlap.0.to_le_bytes()]));
            }
        }
        if !key.wants(VIDEO) {
            return Ok(());
        }
        let Some(picture) = self.fingerprint_of(part, key)? else { return Ok(()) };
        key.add("picture", picture);
        if let Some(before) = key.before().cloned()
            && let Some(picture) = self.fingerprint_of(&before, key)?
        {
            key.add("picture of the slide before", picture);
        }
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
                Cue::Word(word) => self.showings.hear(cue.pts, word),
                _ => {}
            }
        }
        changed |= self.roll(cx)?;
        changed |= self.move_on(cx)?;
        let time = cx.tick().time;
        let Some(shown) = &self.shown else { return Ok(Flow::More) };
        let frame = match self.entrance.take() {
            Some(entrance) if time < entrance.end() => {
                let frame = entrance.frame(shown, time, &self.pool);
                self.entrance = Some(entrance);
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
        // What holds at the cut is stated again by a cue; the slide before it may have to leave once more.
        self.showings.flush(cut);
        (self.shown, self.moving, self.entrance) = (None, None, None);
    }
}

impl SlideSource {
    /// The hash of the picture of a part's slide; nothing when it is none of the lesson's.
    fn fingerprint_of(&mut self, part: &Part, key: &mut Fingerprint<'_>) -> Result<Option<Hash>> {
        let Open { lesson, gallery, .. } = self.open.as_mut().expect("started before it is asked");
        let Some(index) = lesson.slides.iter().position(|slide| *slide.id == *part.id) else { return Ok(None) };
        let slide = &lesson.slides[index];
        if let Some(known) = self.known.of(index) {
            return Ok(Some(known));
        }
        let hash = if let Visual::Clip(clip) = &slide.visual {
            // All that decides its pictures, and the last one that the next slide comes in over.
            Hash::of(clip.pictures_hash().0)
        } else {
            let drawn = gallery.picture(index)?;
            let hash = named_by(&slide.visual, &drawn);
            if let Some(fault) = drawn.fault {
                key.warn(Some(slide.number), &*fault);
            }
            hash
        };
        self.known.set(index, hash);
        Ok(Some(hash))
    }

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
        let wanted = Wanted { pictures: cx.is_connected(VIDEO), sound: cx.is_connected(AUDIO) };
        let mut moving = None;
        let picture = match cinema.change(index, elapsed, cue, wanted)? {
            Some(step) => {
                warn_of(step.fault.take(), lesson.slides[index].number, cx);
                step.picture.clone().or_else(|| wanted.pictures.then(|| plain(self.defaults.size, &self.pool)))
            }
            None if !wanted.pictures => None,
            None => {
                let drawn = gallery.picture(index)?;
                let Slide { number, visual, .. } = &lesson.slides[index];
                if self.known.of(index).is_some_and(|known| known != named_by(visual, &drawn)) {
                    return Err(Failure::msg(format!(
                        "the picture of slide {number} has changed while the film was being made; render it again"
                    )));
                }
                warn_of(drawn.fault.map(|fault| fault.to_string()), *number, cx);
                moving = Moving::of(visual, drawn.still, self.defaults.size).unwrap_or_else(|fault| {
                    cx.warn(Some(*number), format!("its pictures cannot be shown: {fault}"));
                    None
                });
                Some(drawn.frame)
            }
        };
        let leaves = std::mem::replace(&mut self.moving, moving);
        let start = at - cue.elapsed;
        let before = self.showings.before(start);
        let from = match (before, self.shown.take()) {
            _ if !wanted.pictures || cue.elapsed >= cue.transition.duration() => None,
            (Some(before), Some(from)) => {
                // Where objects move, as it is at the very end, whatever part of the slide was shown in this run.
                let last = leaves.filter(|_| before != index).map(|mut moving| moving.last(&lesson.slides[before])).transpose()?;
                Some(last.flatten().unwrap_or(from))
            }
            (Some(before), None) => {
                let last = cinema.last_picture(before)?;
                Some(last.map_or_else(|| last_of(&lesson.slides[before], gallery.picture(before)?, self.defaults.size), Ok)?)
            }
            (None, _) => None,
        };
        self.entrance = from.map(|from| Entrance { from, start, transition: cue.transition });
        self.shown = picture;
        self.showings.begin(at, index, &lesson.slides[index], cue);
        Ok(())
    }

    /// Draws what moves on the slide; whether its picture is another.
    fn move_on(&mut self, cx: &mut Cx<'_>) -> Result<bool> {
        let (Some(moving), Some(showing)) = (&mut self.moving, self.showings.now()) else { return Ok(false) };
        let (at, schedule) = (showing.at(cx.tick().time), showing.schedule.as_ref());
        if !showing.is_paused() && moving.moves_after(at, schedule) {
            cx.again();
        }
        let next = moving.next(at, schedule)?;
        if let (Some(fault), Some(Open { lesson, .. })) = (next.fault, &self.open) {
            let fault = format!("a picture of it cannot be drawn, the one before stands: {fault}");
            cx.warn(lesson.slides.get(showing.index).map(|slide| slide.number), fault);
        }
        let is_new = next.frame.is_some();
        self.shown = next.frame.or(self.shown.take());
        Ok(is_new)
    }

    /// Shows and sounds what a film has for this tick; whether its picture is another.
    fn roll(&mut self, cx: &mut Cx<'_>) -> Result<bool> {
        let Open { lesson, cinema, .. } = self.open.as_mut().expect("started before it is called");
        let Some(step) = cinema.step()? else { return Ok(false) };
        let number = self.showings.now().and_then(|showing| lesson.slides.get(showing.index)).map_or(0, |slide| slide.number);
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

/// The last picture of a slide that is drawn.
fn last_of(slide: &Slide, drawn: Drawn, size: Size) -> Result<VideoFrame> {
    let moving = Moving::of(&slide.visual, drawn.still, size).ok().flatten();
    let last = moving.map(|mut moving| moving.last(slide)).transpose()?;
    Ok(last.flatten().unwrap_or(drawn.frame))
}

/// What segments with a drawn slide are named by: its picture, and what moves on it.
fn named_by(visual: &Visual, drawn: &Drawn) -> Hash {
    let picture = Hash::of(drawn.frame.picture.bytes());
    match visual {
        Visual::Canvas(_) | Visual::Frames(_) => Hash::of_all([picture.0, visual.content_hash().0]),
        _ => picture,
    }
}

fn warn_of(fault: Option<String>, number: usize, cx: &Cx<'_>) {
    if let Some(fault) = fault {
        cx.warn(Some(number), fault);
    }
}

#[cfg(test)]
#[path = "slide_source_tests.rs"]
mod tests;
