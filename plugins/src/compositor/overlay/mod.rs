//! `overlay` [cues -> layer]: a mark of origin, and the texts that a lesson's slides have over their pictures.
//!
//! One small picture with alpha and a place, no larger than what is to be seen; it holds until something else is to be seen. After
//! something was seen and is no more, a layer lies outside of the picture. What is seen is a function of the settings, the slide that holds
//! and the time in it.

mod card;
mod logo;

use self::card::{Card, Stack, TextLook};
use crate::lesson::canvas::Color;
use crate::lesson::{ImportOptions, Lesson, OverlayRole, import_for};
use engine::cue::{Anchor, Cue, SlideCue};
use engine::frame::{PixelFormat, Point, Size, VideoFrame};
use engine::media::{Caps, VideoCaps};
use engine::node::{Cx, Flow, In, Node, Out, Result, Start};
use engine::packet::Packet;
use engine::pool::Pool;
use engine::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use engine::segments::{Fingerprint, Hash, Part};
use engine::time::{Span, Time};
use schemars::JsonSchema;
use serde::Deserialize;
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
    revision: 1,
    summary: "A watermark, and the texts that slides have over their pictures",
    inputs: &[CUES.port("slides; of the same lesson where there is one")],
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
    /// The lesson whose slides' texts and marks are shown, each for its time; the same that the speech comes from.
    lesson: Option<PathBuf>,
    /// A mark of origin that is always there: a text or, where it ends in .png, .svg, .jpg, .jpeg, .webp, .gif or .bmp, a picture file.
    watermark: Option<String>,
    /// How marks of origin look and where they are.
    #[serde(default)]
    mark: MarkConfig,
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
        TextLook { size: self.size, color: self.color, opacity: self.opacity, weight: 600, panel: None }
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
            _ => {}
        }
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
            slide: None,
            shown: None,
            ever: false,
            pool: Pool::new(),
            seq: 0,
        }))
    }
}

struct Overlay {
    config: OverlayConfig,
    size: Size,
    lesson: Option<Arc<Lesson>>,
    /// The watermark, drawn.
    mark: Option<Card>,
    slide: Option<Holding>,
    /// What the layer shows that went out last.
    shown: Option<Seen>,
    /// A layer has gone out.
    ever: bool,
    pool: Pool,
    seq: u64,
}

/// What is seen besides the watermark: overlays of a slide, by their index; no slide where there are none.
type Seen = (Option<usize>, Vec<usize>);

/// The slide that holds.
struct Holding {
    index: usize,
    start: Time,
    /// Its time stands still here.
    paused: Option<Span>,
    /// Its texts are on this side: away from the presenter.
    side: Anchor,
    /// Those of its overlays that were seen so far, drawn.
    cards: Vec<Option<Card>>,
}

/// Texts of slides.
const TEXT: TextLook = TextLook { size: 44, color: Color::WHITE, opacity: 1.0, weight: 500, panel: Some(Color([16, 20, 28, 200])) };
const TEXT_MARGIN: u32 = 50;

impl Node for Overlay {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        start.set_caps(LAYER, Caps::Video(VideoCaps { format: PixelFormat::A420, size: self.size, rate: start.defaults().fps }));
        if let Some(path) = &self.config.lesson {
            let lesson = import_for(start, path, &ImportOptions::default())?;
            let bullets = lesson.slides.iter().find(|slide| slide.overlays.iter().any(|overlay| overlay.role == OverlayRole::Bullet));
            if let Some(slide) = bullets {
                start.warn(Some(slide.number), "its bullets are not shown: overlay shows texts and watermarks");
            }
            self.lesson = Some(lesson);
        }
        self.mark = match (self.config.picture(), &self.config.watermark) {
            (Some(path), _) => Some(logo::card(path, &self.config.mark, self.size)?),
            (None, Some(text)) => Some(self.config.mark.text().card(text, self.size)?),
            (None, None) => None,
        };
        Ok(())
    }

    fn fingerprint(&mut self, part: &Part, key: &mut Fingerprint<'_>) -> Result {
        if let Some(mark) = &self.mark {
            let look = [self.config.mark.anchor as u32, self.config.mark.margin];
            key.add("watermark", Hash::of_all([mark.pixels(), &look.map(u32::to_be_bytes).concat()]));
        }
        let slide = self.lesson.as_ref().and_then(|lesson| lesson.slides.iter().find(|slide| *slide.id == *part.id));
        let overlays = slide.map(|slide| slide.overlays.as_slice()).filter(|overlays| !overlays.is_empty());
        if let Some(overlays) = overlays {
            key.add("overlays", Hash::of(format!("{overlays:?} {:?}", self.config.mark)));
        }
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        while let Some(cue) = cx.take(CUES) {
            if let Cue::Slide(slide) = &cue.media {
                self.slide = self.holding(cue.pts, slide);
            }
        }
        let time = cx.tick().time;
        let (overlays, more) = self.seen(time);
        if more {
            cx.again();
        }
        let slide = self.slide.as_ref().map(|slide| slide.index).filter(|_| !overlays.is_empty());
        let seen = Some((slide, overlays));
        if self.shown == seen {
            return Ok(Flow::More);
        }
        self.shown = seen;
        let layer = self.layer()?;
        if layer.is_some() || self.ever {
            self.ever = true;
            self.seq += 1;
            let layer = layer.unwrap_or_else(|| nothing(&self.pool));
            cx.emit(LAYER, Packet::new(time, VideoFrame { seq: self.seq, ..layer }));
        }
        Ok(Flow::More)
    }

    fn flush(&mut self, _: Time) {
        // What holds at the cut is stated again by a cue; what went out last may have been for later.
        (self.slide, self.shown) = (None, None);
    }
}

impl Overlay {
    /// What the slide of a cue has to show; nothing where it is none of the lesson's.
    fn holding(&self, at: Time, cue: &SlideCue) -> Option<Holding> {
        let lesson = self.lesson.as_ref()?;
        let named = |index: &usize| lesson.slides.get(*index).is_some_and(|slide| *slide.id == *cue.id);
        let index = Some(cue.index).filter(named).or_else(|| lesson.slides.iter().position(|slide| *slide.id == *cue.id))?;
        let left = matches!(cue.placement.anchor, Some(Anchor::TopLeft | Anchor::Left | Anchor::BottomLeft));
        Some(Holding {
            index,
            start: at - cue.elapsed,
            paused: cue.paused.then_some(cue.elapsed),
            side: if left { Anchor::BottomRight } else { Anchor::BottomLeft },
            cards: vec![None; lesson.slides[index].overlays.len()],
        })
    }

    /// Which overlays of the slide are seen at a time, and whether that may still change while the slide holds.
    fn seen(&self, time: Time) -> (Vec<usize>, bool) {
        let (Some(slide), Some(lesson)) = (&self.slide, &self.lesson) else { return (Vec::new(), false) };
        let at = Time::ZERO + slide.paused.unwrap_or(time - slide.start);
        let overlays = lesson.slides[slide.index].overlays.iter().enumerate().filter(|(_, overlay)| overlay.role != OverlayRole::Bullet);
        let (mut seen, mut more) = (Vec::new(), false);
        for (index, overlay) in overlays {
            if overlay.from <= at && overlay.until.is_none_or(|until| at < until) {
                seen.push(index);
            }
            more |= overlay.from > at || overlay.until.is_some_and(|until| until > at);
        }
        (seen, more && slide.paused.is_none())
    }

    /// The layer that shows the mark and what is seen of the slide; nothing where there is nothing.
    fn layer(&mut self) -> Result<Option<VideoFrame>> {
        let mark = self.config.mark;
        let mut marks = Stack::new(mark.anchor, mark.margin, self.size);
        let mut texts = Stack::new(Anchor::BottomLeft, TEXT_MARGIN, self.size);
        if let (Some(slide), Some(lesson)) = (&mut self.slide, &self.lesson) {
            texts = Stack::new(slide.side, TEXT_MARGIN, self.size);
            for &index in self.shown.iter().flat_map(|(_, overlays)| overlays) {
                let overlay = &lesson.slides[slide.index].overlays[index];
                let (look, stack) = match overlay.role {
                    OverlayRole::Watermark => (mark.text(), &mut marks),
                    OverlayRole::Text | OverlayRole::Bullet => (TEXT, &mut texts),
                };
                let card = match slide.cards[index].take() {
                    Some(card) => card,
                    None => look.card(&overlay.text, self.size)?,
                };
                slide.cards[index] = Some(card.clone());
                stack.push(card);
            }
        }
        // Nearest to the edge: those of slides come and go above it.
        if let Some(mark) = &self.mark {
            marks.push(mark.clone());
        }
        // Marks lie on top, also of texts.
        let placed: Vec<(Card, Point)> = texts.placed().chain(marks.placed()).collect();
        Ok(card::layer(&placed, self.size, &self.pool)?)
    }
}

/// A layer that is not seen: it lies outside.
fn nothing(pool: &Pool) -> VideoFrame {
    let size = Size::new(2, 2);
    VideoFrame { place: Some(Point { x: -2, y: -2 }), ..pool.black(PixelFormat::A420, size).freeze() }
}

#[cfg(test)]
mod tests;
