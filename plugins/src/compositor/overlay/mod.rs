//! `overlay` [cues -> layer]: a mark of origin, what a lesson's slides have over their pictures, and a line that shows how far it is.
//!
//! One picture with alpha and a place: as large as the picture that it lies on where a slide has overlays, and says in which parts something
//! is seen; else no larger than the marks. It holds until something else is to be seen. After something was seen and is no more, a layer
//! lies outside of the picture. What is seen is a function of the settings, the slide that
//! holds, the time in it and the words heard in it.

mod card;
mod layout;
mod logo;
mod moves;
mod plate;
mod progress;
mod stage;
mod surface;

use self::card::{Card, Piece, Stack, TextLook};
use self::progress::{Line, Progress, Way};
use self::stage::Stage;
use self::surface::Surface;
use super::captions::band;
use super::place::{PlaceConfig, placement_rect, unseen};
use crate::drawing::Painter;
use crate::lesson::canvas::{Color, Look};
use crate::lesson::{ImportOptions, Lesson, import_for};
use engine::cue::{Anchor, Cue, Placement, SlideCue, WordCue};
use engine::frame::{PixelFormat, Rect, Size, VideoFrame};
use engine::media::{Caps, VideoCaps};
use engine::node::{Cx, Flow, In, Node, Out, Result, Start};
use engine::packet::Packet;
use engine::pool::Pool;
use engine::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use engine::segments::{Fingerprint, Hash, Part};
use engine::time::{Span, Time};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const CUES: In<Cue> = In::new("cues");
const LAYER: Out<VideoFrame> = Out::new("layer");

/// Lengths count in pixels of a picture this high.
const HEIGHT: u32 = 1080;

/// The node's entry in the registry.
pub const OVERLAY: NodeType = NodeType {
    name: "overlay",
    family: "compositor",
    revision: 7,
    summary: "A watermark, the bullets, texts, names and pictures that slides have over their pictures, and a line of progress",
    inputs: &[CUES.port("slides, and their words; of the same lesson where there is one")],
    outputs: &[LAYER.port("a small picture with alpha and its place; each holds until the next")],
    sync: Sync::Join,
    lane: Lane::Own,
    starts: Starts::Anywhere,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<OverlayConfig>(
        "{ watermark: Example University, mark: { opacity: 0.95, size: 64, anchor: bottom_right, margin: 50 } }",
    ),
};

/// Settings of `overlay`; at least one of `lesson` and `watermark`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OverlayConfig {
    /// The lesson whose slides' overlays are shown, each for its time; the same that the speech comes from.
    lesson: Option<PathBuf>,
    /// A line along the bottom of the picture: how much has been said of the slide, or of the lecture.
    #[serde(default)]
    progress: Progress,
    /// Captions are shown at the bottom of the picture: what would stand there and be covered stands above two lines of them.
    #[serde(default)]
    captions: bool,
    /// Somebody stands in the picture. Overlays keep clear of the presenter.
    #[serde(default = "yes")]
    presenter: bool,
    /// Where the presenter stands, unless a slide says otherwise: as the compositor has it.
    #[serde(default)]
    place: PlaceConfig,
    /// A mark of origin that is always there: a text or, where it ends in .png, .svg, .jpg, .jpeg, .webp, .gif or .bmp, a picture file.
    watermark: Option<String>,
    /// How marks of origin look and where they are.
    #[serde(default)]
    mark: MarkConfig,
}

fn yes() -> bool {
    true
}

/// How marks of origin look and where they are.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MarkConfig {
    /// 0 (not seen) to 1.
    opacity: f64,
    /// Size of the letters or height of the picture, in pixels of a picture 1080 high, 8 to 1080.
    size: u32,
    /// Corner, edge or middle.
    anchor: Anchor,
    /// Distance from the edges, in pixels of a picture 1080 high, 0 to 540.
    margin: u32,
    /// Colour of the letters. They have a dark rim, so that they are seen on any slide.
    color: Color,
}

impl Default for MarkConfig {
    fn default() -> MarkConfig {
        MarkConfig { opacity: 0.95, size: 64, anchor: Anchor::BottomRight, margin: 50, color: Color::WHITE }
    }
}

impl MarkConfig {
    fn validate(&self) -> std::result::Result<(), String> {
        if !(0.0..=1.0).contains(&self.opacity) {
            return Err(format!("mark.opacity {} is out of range; it goes from 0 to 1", self.opacity));
        }
        if !(8..=HEIGHT).contains(&self.size) {
            return Err(format!("mark.size {} is out of range; it goes from 8 to {HEIGHT}", self.size));
        }
        if self.margin > HEIGHT / 2 {
            return Err(format!("mark.margin {} is out of range; it goes from 0 to {}", self.margin, HEIGHT / 2));
        }
        Ok(())
    }

    fn text(&self) -> TextLook {
        TextLook { size: self.size, color: self.color, opacity: self.opacity }
    }
}

impl OverlayConfig {
    /// The picture file that the watermark is, if it is one.
    fn picture(&self) -> Option<&Path> {
        self.watermark.as_deref().map(Path::new).filter(|path| logo::is_picture(path))
    }
}

impl NodeConfig for OverlayConfig {
    fn validate(&self, _: &Defaults) -> std::result::Result<(), String> {
        match &self.watermark {
            Some(text) if text.trim().is_empty() => return Err("watermark is empty; write a text or a picture file".into()),
            None if self.lesson.is_none() => return Err("there is nothing to show; write watermark, or lesson, or both".into()),
            _ if self.lesson.is_none() && self.progress != Progress::None => {
                return Err("progress is that of a lesson; write lesson, too".into());
            }
            _ => {}
        }
        self.place.validate()?;
        self.mark.validate()
    }

    fn check_env(&self) -> std::result::Result<(), String> {
        match self.lesson.as_deref().into_iter().chain(self.picture()).find(|path| !path.exists()) {
            Some(path) => Err(format!("there is no file {}", path.display())),
            None => Ok(()),
        }
    }

    fn build(self, defaults: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(Overlay {
            config: self,
            size: defaults.size,
            lesson: None,
            mark: None,
            past: VecDeque::new(),
            shown: None,
            ever: false,
            painter: Painter::default(),
            surface: None,
            line: None,
            pool: Pool::new(),
            seq: 0,
            surfaced: 0,
        }))
    }
}

/// Slides remembered: more than begin within the latency of a live run.
const PAST: usize = 16;
/// Presenters are about as wide and high as this; how wide they are, only their pictures tell.
const PRESENTER: Size = Size::new(5, 6);

struct Overlay {
    config: OverlayConfig,
    size: Size,
    lesson: Option<Arc<Lesson>>,
    /// The watermark, drawn.
    mark: Option<Card>,
    /// The slides up to now; the last one holds.
    past: VecDeque<Holding>,
    /// What the layer shows that went out last.
    shown: Option<Seen>,
    /// A layer has gone out.
    ever: bool,
    painter: Painter,
    /// Of slides with overlays, once there was one.
    surface: Option<Surface>,
    /// How far the lecture is, once that was to be seen.
    line: Option<Line>,
    pool: Pool,
    seq: u64,
    /// The number of the surface's last layer.
    surfaced: u64,
}

/// What is seen besides the watermark.
#[derive(PartialEq)]
struct Seen {
    /// The slide whose overlays are seen; nothing where none are.
    slide: Option<usize>,
    /// Of its objects.
    looks: Vec<Look>,
    /// How many pixels of the line are full, where there is one.
    filled: Option<u32>,
}

/// A slide, or a part of one, from a cue on.
struct Holding {
    /// Its place in the lesson.
    index: usize,
    start: Time,
    /// Its time stands still here.
    paused: Option<Span>,
    stage: Option<Stage>,
    /// Its marks of origin that were seen so far, drawn, by their places among its overlays.
    marks: BTreeMap<usize, Card>,
    way: Way,
}

impl Holding {
    fn at(&self, time: Time) -> Span {
        self.paused.unwrap_or(time - self.start)
    }

    fn hear(&mut self, at: Time, word: &WordCue) {
        if let (Some(range), None) = (&word.range, self.paused) {
            let at = at - self.start;
            self.stage.iter_mut().for_each(|stage| stage.hear(range, at));
            self.way.hear(range, at);
        }
    }

    /// What was heard at this time in the slide and later has not been.
    fn forget(&mut self, from: Span) {
        self.stage.iter_mut().for_each(|stage| stage.forget(from));
        self.way.forget(from);
    }
}

impl Node for Overlay {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        start.set_caps(LAYER, Caps::Video(VideoCaps { format: PixelFormat::A420, size: self.size, rate: start.defaults().fps }));
        if let Some(path) = &self.config.lesson {
            self.lesson = Some(import_for(start, path, &ImportOptions::default())?);
        }
        self.mark = match (self.config.picture(), &self.config.watermark) {
            (Some(path), _) => Some(logo::card(path, &self.config.mark, self.size)?),
            (None, Some(text)) => Some(self.config.mark.text().card(text, self.size)?),
            (None, None) => None,
        };
        Ok(())
    }

    fn fingerprint(&mut self, part: &Part, key: &mut Fingerprint<'_>) -> Result {
        let OverlayConfig { mark, progress, captions, presenter, place, .. } = &self.config;
        if *captions {
            key.add("captions", format!("{presenter} {place:?}"));
        }
        if let Some(card) = &self.mark {
            let look = [mark.anchor as u32, mark.margin];
            key.add("watermark", Hash::of_all([card.pixels(), &look.map(u32::to_be_bytes).concat()]));
        }
        let Some(lesson) = &self.lesson else { return Ok(()) };
        let Some(index) = lesson.slides.iter().position(|slide| *slide.id == *part.id) else { return Ok(()) };
        let slide = &lesson.slides[index];
        if !slide.overlays.is_empty() {
            let look = format!("{:?} {mark:?} {presenter} {place:?} {:?}", slide.triggers(), slide.presenter);
            key.add("overlays", Hash::of_all([slide.overlays_hash().0.as_slice(), look.as_bytes()]));
        }
        // A line of the whole lecture is another one wherever the slide lies.
        let lies = (*progress == Progress::Lecture).then_some((index, lesson.slides.len()));
        if *progress != Progress::None {
            key.add("progress", format!("{progress:?} {lies:?} {}", slide.narration.spoken().len()));
        }
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        while let Some(cue) = cx.take(CUES) {
            match &cue.media {
                Cue::Slide(slide) => self.change(cue.pts, slide, cx),
                Cue::Word(word) => {
                    if let Some(holding) = self.past.back_mut() {
                        holding.hear(cue.pts, word);
                    }
                }
                _ => {}
            }
        }
        let time = cx.tick().time;
        let (seen, more) = self.seen(time);
        if more {
            cx.again();
        }
        if self.shown.as_ref() == Some(&seen) {
            return Ok(Flow::More);
        }
        let layer = self.layer(&seen)?;
        self.shown = Some(seen);
        if layer.is_some() || self.ever {
            self.ever = true;
            self.seq += 1;
            let layer = layer.unwrap_or_else(|| unseen(&self.pool));
            cx.emit(LAYER, Packet::new(time, VideoFrame { seq: self.seq, ..layer }));
        }
        Ok(Flow::More)
    }

    fn flush(&mut self, cut: Time) {
        // What holds at the cut is stated again by a cue; what went out last may have been for later.
        self.past.retain(|holding| holding.start < cut);
        if let Some(holding) = self.past.back_mut() {
            holding.forget(cut - holding.start);
        }
        self.shown = None;
    }
}

impl Overlay {
    /// Another slide holds from `at` on, or the same one goes on or stands. One that is none of the lesson's has nothing to show.
    fn change(&mut self, at: Time, cue: &SlideCue, cx: &Cx<'_>) {
        let Some(lesson) = &self.lesson else { return };
        let named = |index: &usize| lesson.slides.get(*index).is_some_and(|slide| *slide.id == *cue.id);
        let index = Some(cue.index).filter(named).or_else(|| lesson.slides.iter().position(|slide| *slide.id == *cue.id));
        let Some(index) = index else { return self.past.clear() };
        let (start, paused) = (at - cue.elapsed, cue.paused.then_some(cue.elapsed));
        // One that goes on remembers its words up to here; later ones come again.
        if let Some(mut known) = self.past.pop_back_if(|known| known.index == index && cue.elapsed > Span::ZERO) {
            known.forget(cue.elapsed);
            return self.past.push_back(Holding { start, paused, ..known });
        }
        let slide = &lesson.slides[index];
        let stage = Stage::of(slide, self.size, self.presenter(cue), self.captions());
        for fault in stage.iter().flat_map(Stage::faults) {
            cx.warn(Some(slide.number), format!("a picture over it cannot be shown: {fault}"));
        }
        self.past.iter_mut().filter_map(|holding| holding.stage.as_mut()).for_each(Stage::rest);
        self.past.push_back(Holding { index, start, paused, stage, marks: BTreeMap::new(), way: Way::of(slide) });
        if self.past.len() > PAST {
            self.past.pop_front();
        }
    }

    /// About where the presenter stands on the slide of a cue.
    fn presenter(&self, cue: &SlideCue) -> Option<Rect> {
        let stands = self.config.presenter && cue.placement.visible && !cue.placement.fill;
        stands.then(|| placement_rect(self.size, PRESENTER, &cue.placement, &self.config.place))
    }

    /// Where captions lie, where they do.
    fn captions(&self) -> Option<Rect> {
        self.config.captions.then(|| band(self.size))
    }

    /// Where marks lie. They stay where they are from slide to slide, so only where the presenter mostly stands counts.
    fn stack(&self) -> Stack {
        let OverlayConfig { mark, presenter, place, .. } = &self.config;
        let stands = presenter.then(|| placement_rect(self.size, PRESENTER, &Placement::default(), place));
        Stack::new(mark.anchor, mark.margin, self.size).clear_of(self.captions(), stands)
    }

    /// What is seen at a time, and whether that will change while the slide holds, whatever is said.
    fn seen(&self, time: Time) -> (Seen, bool) {
        let nothing = Seen { slide: None, looks: Vec::new(), filled: None };
        let (Some(holding), Some(lesson)) = (self.past.back(), &self.lesson) else { return (nothing, false) };
        let at = holding.at(time);
        let looks = holding.stage.as_ref().map(|stage| stage.looks(at)).unwrap_or_default();
        let looks = if looks.iter().all(|look| *look == Look::Hidden) { Vec::new() } else { looks };
        let part = holding.way.part(at);
        let filled = match self.config.progress {
            Progress::None => None,
            Progress::Slide => Some(progress::filled(part, self.size)),
            Progress::Lecture => Some(progress::filled((holding.index as f64 + part) / lesson.slides.len() as f64, self.size)),
        };
        let comes = holding.stage.as_ref().is_some_and(|stage| stage.moves_after(at));
        let grows = filled.is_some() && holding.way.moves_after(at);
        let slide = Some(holding.index).filter(|_| !looks.is_empty());
        (Seen { slide, looks, filled }, (comes || grows) && holding.paused.is_none())
    }

    /// The layer that shows the mark and what is seen; nothing where there is nothing.
    fn layer(&mut self, seen: &Seen) -> Result<Option<VideoFrame>> {
        let mark = self.config.mark;
        let mut marks = self.stack();
        let holding = self.past.back_mut();
        if let (Some(Holding { index, stage: Some(stage), marks: drawn, .. }), Some(lesson), Some(_)) = (holding, &self.lesson, seen.slide)
        {
            for overlay in stage.marks(&seen.looks) {
                let card = match drawn.remove(&overlay) {
                    Some(card) => card,
                    None => mark.text().card(&lesson.slides[*index].overlays[overlay].text, self.size)?,
                };
                drawn.insert(overlay, card.clone());
                marks.push(card);
            }
        }
        // Nearest to the edge: those of slides come and go above it.
        if let Some(mark) = &self.mark {
            marks.push(mark.clone());
        }
        let line = seen.filled.map(|filled| self.line.get_or_insert_with(|| Line::new(self.size)).pieces(filled));
        // Marks lie on top.
        let above = line.into_iter().flatten().chain(marks.placed().map(|(card, at)| Piece::whole(card, at)));
        let Some(stage) = self.past.back_mut().and_then(|holding| holding.stage.as_mut()) else {
            return Ok(card::layer(&above.collect::<Vec<_>>(), self.size, &self.pool)?);
        };
        let own = if seen.slide.is_some() { stage.pieces(&seen.looks, &mut self.painter) } else { Vec::new() };
        let surface = self.surface.get_or_insert_with(|| Surface::new(self.size));
        let Some((layer, differs)) = surface.show(own.into_iter().chain(above).collect()) else { return Ok(None) };
        // The next number is that of this layer.
        let before = std::mem::replace(&mut self.surfaced, self.seq + 1);
        Ok(Some(VideoFrame { damage: Some((before, differs)), ..layer }))
    }
}

#[cfg(test)]
mod tests;
