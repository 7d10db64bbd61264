//! `chroma_compositor` [slide, avatar, cues, layers* -> video]: the slide, the presenter cut out in front of it, and small layers on top.
//!
//! A frame is a pure function of the pictures that cover its tick and of the slide that holds; nothing is remembered that could change
//! it. It is made on a buffer that shows the slide and the layers that stand still already, so only the rectangles of the presenter and of what
//! lies over it are written. Where nothing is to be drawn the slide's own picture goes out, not a copy. A picture goes out only when something seen has changed, and then holds.

use super::kernel::{Key, Keyer, blend_alpha};
use super::key_setting::{KeySetting, Screen};
use super::place::{PlaceConfig, placement_rect};
use crate::pixels::scale_frame;
use crate::slides::entrance::Entrance;
use engine::cue::{Cue, Placement, SlideCue, Transition};
use engine::frame::{PixelFormat, Point, Rect, Size, VideoFrame};
use engine::media::{Caps, VideoCaps};
use engine::node::{Cx, Failure, Flow, In, Node, Out, Result, Start};
use engine::packet::Packet;
use engine::pool::{FrameMut, Pool, Still};
use engine::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use engine::time::{Span, Time};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};

const SLIDE: In<VideoFrame> = In::new("slide");
const AVATAR: In<VideoFrame> = In::new("avatar");
const CUES: In<Cue> = In::new("cues");
const LAYERS: In<VideoFrame> = In::new("layers");
const VIDEO: Out<VideoFrame> = Out::new("video");

/// The node's entry in the registry.
pub const CHROMA_COMPOSITOR: NodeType = NodeType {
    name: "chroma_compositor",
    family: "compositor",
    revision: 3,
    summary: "The presenter, cut out by alpha or by a key colour, in front of the slide",
    inputs: &[
        SLIDE.port("opaque pictures; their size is the result's"),
        AVATAR.port("the presenter, with alpha or in front of a screen").optional(),
        CUES.port("slides, which say where the presenter stands").optional(),
        LAYERS.port("small pictures with their place, drawn in this order").many(),
    ],
    outputs: &[VIDEO.port("composed pictures; each holds until the next")],
    sync: Sync::Join,
    lane: Lane::Own,
    starts: Starts::Anywhere,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<ChromaCompositorConfig>("{ key: auto, place: { anchor: bottom_right, height: 40%, margin: 24 } }"),
};

/// Settings of `chroma_compositor`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChromaCompositorConfig {
    /// How the presenter is cut out: `auto` by its alpha or, where it has none, by the default screen; `none` by its alpha only; or a
    /// screen.
    #[serde(default)]
    key: KeySetting,
    /// Where the presenter stands, unless a slide says otherwise.
    #[serde(default)]
    place: PlaceConfig,
}

impl NodeConfig for ChromaCompositorConfig {
    fn validate(&self, _: &Defaults) -> std::result::Result<(), String> {
        self.key.validate()?;
        self.place.validate()
    }

    fn build(self, _: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(ChromaCompositor {
            cutter: Cutter::new(self.key),
            place: self.place,
            placement: Placement::default(),
            fade: None,
            pool: Pool::new(),
            scaled: None,
            versions: Vec::new(),
            shown: false,
            seq: 0,
        }))
    }
}

struct ChromaCompositor {
    cutter: Cutter,
    place: PlaceConfig,
    /// As the slide that holds says.
    placement: Placement,
    /// The presenter has stood elsewhere, or not at all.
    fade: Option<Fade>,
    pool: Pool,
    /// The presenter's picture scaled last, by identity, and the result: a held picture is scaled once.
    scaled: Option<(u64, VideoFrame)>,
    /// Of each layer.
    versions: Vec<Versions>,
    /// A picture has gone out.
    shown: bool,
    seq: u64,
}

/// The presenter fades from one place to another.
#[derive(Clone, Copy)]
struct Fade {
    from: Placement,
    start: Time,
    length: Span,
}

impl Fade {
    fn of(slide: &SlideCue, at: Time) -> Option<Fade> {
        Some(Fade { from: slide.fades_from?, start: at - slide.elapsed, length: slide.fading() })
    }

    fn end(&self) -> Time {
        self.start + self.length
    }
}

impl Node for ChromaCompositor {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        let Some(slide) = start.video(SLIDE) else { return Ok(()) };
        if slide.format == PixelFormat::A420 {
            return Err(Failure::msg(
                "the pictures on \"slide\" have alpha; connect opaque ones there, and those with alpha to \"avatar\"",
            ));
        }
        // Pictures go out at the graph's ticks, however seldom the slides change.
        let caps = VideoCaps { format: PixelFormat::I420, size: slide.size, rate: start.defaults().fps };
        start.set_caps(VIDEO, Caps::Video(caps));
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        let before = self.placement;
        while let Some(cue) = cx.take(CUES) {
            if let Cue::Slide(slide) = cue.media {
                self.placement = slide.placement;
                self.fade = Fade::of(&slide, cue.pts).filter(|_| cx.connections(AVATAR) > 0);
            }
        }
        // At its end, too, there is something to be seen.
        let fading = self.fade.is_some();
        self.fade.take_if(|fade| fade.end() <= cx.tick().time);
        let presenter = cx.is_new(AVATAR) && self.placement.visible;
        let news = cx.is_new(SLIDE) || cx.is_new(LAYERS) || presenter || fading || self.placement != before;
        if (news || !self.shown)
            && let Some(frame) = self.seen(cx)?
        {
            self.shown = true;
            self.seq += 1;
            let frame = VideoFrame { seq: self.seq, place: None, damage: None, parts: None, ..frame };
            cx.emit(VIDEO, Packet::new(cx.tick().time, frame));
        }
        Ok(Flow::More)
    }

    fn flush(&mut self, _: Time) {
        // Whatever went out last may have been for a later time.
        self.shown = false;
    }
}

impl ChromaCompositor {
    /// The picture of this tick, with the presenter where he stands or in two places while he fades; `None` before the first slide.
    fn seen(&mut self, cx: &mut Cx<'_>) -> Result<Option<VideoFrame>> {
        let now = self.compose(self.placement, cx)?;
        let (Some(to), Some(Fade { from, start, length })) = (&now, self.fade) else { return Ok(now) };
        let Some(from) = self.compose(from, cx)? else { return Ok(None) };
        cx.again();
        Ok(Some(Entrance { from, start, transition: Transition::Fade(length) }.frame(to, cx.tick().time, &self.pool)))
    }

    /// The picture with the presenter in this place; `None` before the first slide.
    fn compose(&mut self, placement: Placement, cx: &Cx<'_>) -> Result<Option<VideoFrame>> {
        let Some((_, slide)) = cx.current(SLIDE) else { return Ok(None) };
        let presenter = cx.current(AVATAR).filter(|_| placement.visible);
        let presenter = presenter.map(|(_, frame)| self.presenter(slide.size(), frame, &placement)).transpose()?;
        let layers = (0..cx.connections(LAYERS)).filter_map(|n| cx.current_nth(LAYERS, n).map(|(_, layer)| (n, layer)));
        let layers: Vec<Layer<'_>> = layers.filter_map(|(n, layer)| Layer::of(n, layer, slide.size())).collect();
        self.versions.resize_with(cx.connections(LAYERS), Versions::default);
        layers.iter().for_each(|layer| self.versions[layer.connection].note(layer.frame));
        let seen = presenter.as_ref().is_some_and(|(frame, at)| !Layer::places(frame, *at, slide.size()).is_empty());
        if layers.is_empty() && !seen {
            return Ok(Some(slide.clone()));
        }
        // What of the layers lies beside the presenter stays: of that, only what changes is drawn.
        let mut stage = Rect::default();
        let mut take = |written: Rect, presenter: Rect| {
            stage = steps(presenter);
            let still: Vec<Still> = layers.iter().map(|layer| layer.still(stage)).collect();
            let changed = |index: usize, what: u64| layers[index].changed(&self.versions, what);
            self.pool.with(slide, &still, written, changed, |picture, index, places| layers[index].draw(picture, places))
        };
        let keyer = presenter.as_ref().and_then(|(frame, _)| self.cutter.keyer(frame.format()));
        let mut picture = match (&presenter, keyer) {
            (Some((frame, at)), Some(keyer)) => keyer.over(slide, frame, *at, |rect| take(rect, rect)).0,
            (Some((frame, at)), None) => {
                let mut picture = take(Rect::default(), Rect::new(*at, frame.size()));
                blend_alpha(&mut picture, frame, *at);
                picture
            }
            (None, _) => take(Rect::default(), Rect::default()),
        };
        layers.iter().for_each(|layer| layer.draw(&mut picture, &layer.within(stage)));
        Ok(Some(picture.freeze()))
    }

    /// The presenter at its final size, and where it stands.
    fn presenter(&mut self, picture: Size, frame: &VideoFrame, placement: &Placement) -> Result<(VideoFrame, Point)> {
        let rect = placement_rect(picture, frame.size(), placement, &self.place);
        let (at, size) = (Point { x: rect.x, y: rect.y }, Size::new(rect.width, rect.height));
        let id = frame.picture.id();
        let scaled = match &self.scaled {
            _ if frame.size() == size => return Ok((frame.clone(), at)),
            Some((known, scaled)) if *known == id && scaled.size() == size => scaled.clone(),
            _ => scale_frame(frame, size, &self.pool)?,
        };
        self.scaled = Some((id, scaled.clone()));
        Ok((scaled, at))
    }
}

/// A layer of which something is seen.
struct Layer<'a> {
    connection: usize,
    frame: &'a VideoFrame,
    /// Its top left corner.
    at: Point,
    /// Where in the picture it is not empty; even edges.
    places: Vec<Rect>,
}

impl<'a> Layer<'a> {
    /// `None` when it lies outside of a picture of this size.
    fn of(connection: usize, frame: &'a VideoFrame, picture: Size) -> Option<Layer<'a>> {
        let at = frame.place.unwrap_or_default();
        let places = Layer::places(frame, at, picture);
        (!places.is_empty()).then_some(Layer { connection, frame, at: Point { x: at.x & !1, y: at.y & !1 }, places })
    }

    fn places(frame: &VideoFrame, at: Point, picture: Size) -> Vec<Rect> {
        let place = |part: Rect| Rect { x: (at.x & !1) + part.x, y: (at.y & !1) + part.y, ..part }.to_even().intersect(picture.rect());
        frame.parts().map(place).filter(|place| !place.is_empty()).collect()
    }

    fn within(&self, stage: Rect) -> Vec<Rect> {
        self.places.iter().map(|place| place.intersect(stage)).filter(|place| !place.is_empty()).collect()
    }

    /// What of it lies beside the stage, for the pool.
    fn still(&self, stage: Rect) -> Still {
        let mut pose = DefaultHasher::new();
        let cut = Some(stage).filter(|stage| self.places.iter().any(|place| !place.intersect(*stage).is_empty()));
        (self.connection, self.at.x, self.at.y, cut.map(|stage| (stage.x, stage.y, stage.width, stage.height))).hash(&mut pose);
        let area = self.places.iter().flat_map(|place| place.without(stage)).filter(|place| !place.is_empty()).collect();
        Still { pose: pose.finish(), what: self.frame.picture.id(), area }
    }

    /// Where in the picture it differs from an earlier one of its pictures.
    fn changed(&self, versions: &[Versions], id: u64) -> Option<Vec<Rect>> {
        let moved = |rect: Rect| Rect { x: rect.x + self.at.x, y: rect.y + self.at.y, ..rect };
        Some(versions[self.connection].since(id)?.map(moved).collect())
    }

    fn draw(&self, picture: &mut FrameMut, places: &[Rect]) {
        let own = |place: &Rect| Rect { x: place.x - self.at.x, y: place.y - self.at.y, ..*place };
        let parts = Some(places.iter().map(own).collect());
        blend_alpha(picture, &VideoFrame { parts, ..self.frame.clone() }, self.at);
    }
}

/// The pictures that a layer showed of late, by id and number, each with what had changed since the one before.
#[derive(Default)]
struct Versions(VecDeque<(u64, u64, Rect)>);

impl Versions {
    /// More than the buffers that are about at once, an encoder's among them.
    const KEPT: usize = 128;

    /// This one is shown now.
    fn note(&mut self, frame: &VideoFrame) {
        let id = frame.picture.id();
        match (self.0.back_mut(), frame.damage) {
            (Some((known, seq, _)), _) if *known == id => *seq = frame.seq,
            (Some((_, seq, _)), Some((before, changed))) if *seq == before => {
                self.0.push_back((id, frame.seq, changed));
                if self.0.len() > Versions::KEPT {
                    self.0.pop_front();
                }
            }
            _ => self.0 = VecDeque::from([(id, frame.seq, frame.size().rect())]),
        }
    }

    /// What has changed since the picture with this id, if that is known.
    fn since(&self, id: u64) -> Option<impl Iterator<Item = Rect>> {
        let index = self.0.iter().position(|(known, ..)| *known == id)?;
        Some(self.0.range(index + 1..).map(|(_, _, changed)| *changed))
    }
}

/// Where a presenter is, in steps, so that one who moves a little stays within.
fn steps(rect: Rect) -> Rect {
    const STEP: i32 = 64;
    let (down, up) = (|at: i32| at.div_euclid(STEP) * STEP, |at: i32| at.div_euclid(STEP) * STEP + STEP);
    let (x, y) = (down(rect.x), down(rect.y));
    let (right, bottom) = (up(rect.x + rect.width as i32 - 1), up(rect.y + rect.height as i32 - 1));
    if rect.is_empty() { rect } else { Rect { x, y, width: (right - x) as u32, height: (bottom - y) as u32 } }
}

/// How the presenter is cut out. A keyer holds working memory, so there is one.
enum Cutter {
    /// By alpha; opaque pictures stay whole.
    Alpha,
    /// By alpha; opaque pictures by key.
    AlphaOrKey(Box<Keyer>),
    /// By key.
    Key(Box<Keyer>),
}

impl Cutter {
    fn new(setting: KeySetting) -> Cutter {
        let keyer = |key: Key| Box::new(Keyer::new(key));
        match setting {
            KeySetting::Auto => Cutter::AlphaOrKey(keyer(Screen::default().key())),
            KeySetting::None => Cutter::Alpha,
            KeySetting::Screen(screen) => Cutter::Key(keyer(screen.key())),
        }
    }

    /// The keyer for pictures of this format; `None` when they are drawn by alpha.
    fn keyer(&mut self, format: PixelFormat) -> Option<&mut Keyer> {
        match (self, format) {
            (Cutter::Key(keyer), _) | (Cutter::AlphaOrKey(keyer), PixelFormat::I420) => Some(keyer),
            (Cutter::Alpha, _) | (Cutter::AlphaOrKey(_), PixelFormat::A420) => None,
        }
    }
}

#[cfg(test)]
#[path = "chroma_compositor_tests.rs"]
mod tests;
