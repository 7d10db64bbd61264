//! `captions` [cues -> layer]: what is said, as text in the picture.
//!
//! One small picture with alpha and a place, drawn once for each caption (with `highlight`, each word that is lit once more) and held until
//! the caption is over. After one was seen and is no more, a layer lies outside of the picture. What is seen is a function of the settings and the
//! captions, words and times of the cues.

mod line;
mod plate;

use self::line::Line;
pub use self::plate::Look;
use self::plate::{Plate, Written};
use super::place::unseen;
use crate::drawing::Painter;
use crate::lesson::canvas::Color;
use crate::lesson::{ImportOptions, import_for};
use crate::pixels::Changing;
use engine::cue::Cue;
use engine::frame::{PixelFormat, Rect, Size, VideoFrame};
use engine::graph::unit::Percent;
use engine::media::{Caps, VideoCaps};
use engine::node::{Cx, Flow, In, Node, Out, Result, Start};
use engine::packet::Packet;
use engine::pool::Pool;
use engine::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use engine::segments::{Fingerprint, Hash, Part};
use engine::time::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::path::PathBuf;

const CUES: In<Cue> = In::new("cues");
const LAYER: Out<VideoFrame> = Out::new("layer");

/// The node's entry in the registry.
pub const CAPTIONS: NodeType = NodeType {
    name: "captions",
    family: "compositor",
    revision: 4,
    summary: "What is said, as text in the picture",
    inputs: &[CUES.port("captions, and words for the highlight")],
    outputs: &[LAYER.port("a small picture with alpha and its place; each holds until the next")],
    sync: Sync::Join,
    lane: Lane::Own,
    starts: Starts::Anywhere,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<CaptionsConfig>("{ language: en, look: plate, size: 5%, highlight: \"#ffd84d\" }"),
};

/// Settings of `captions`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CaptionsConfig {
    /// The lesson that is spoken; its language decides between fonts for characters that languages share (Chinese, Japanese, Korean).
    lesson: Option<PathBuf>,
    /// The language, as a BCP 47 tag such as `ja` or `zh-TW`, where there is no lesson or it is not the lesson's.
    language: Option<String>,
    /// What parts the letters from the picture.
    look: Look,
    /// Height of the letters as part of the picture's, 2% to 20%. A picture narrower than 4:3 counts as one of its width that is 4:3.
    size: Percent,
    /// Where they are: 5% from that edge.
    edge: Edge,
    /// Colour of the letters.
    color: Color,
    /// Colour of the word that is being spoken; without it, it looks like the others.
    highlight: Option<Color>,
    /// Font families by preference, separated by commas; what they lack is taken from others.
    font: Option<String>,
}

impl Default for CaptionsConfig {
    fn default() -> CaptionsConfig {
        let (look, edge) = (Look::default(), Edge::default());
        CaptionsConfig { lesson: None, language: None, look, size: Percent(5.0), edge, color: Color::WHITE, highlight: None, font: None }
    }
}

impl CaptionsConfig {
    fn plate(&self, picture: Size) -> Plate {
        Plate {
            picture,
            size: plate::font_size(self.size.fraction(), picture),
            look: self.look,
            color: self.color,
            highlight: self.highlight,
            at_top: self.edge == Edge::Top,
            families: String::new(),
        }
    }
}

/// Where captions lie in pictures of this size where no setting says otherwise: what is to be read beside them keeps clear of it.
pub(super) fn band(picture: Size) -> Rect {
    CaptionsConfig::default().plate(picture).band()
}

/// An edge of the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Edge {
    #[default]
    Bottom,
    Top,
}

impl NodeConfig for CaptionsConfig {
    fn validate(&self, _: &Defaults) -> std::result::Result<(), String> {
        if !(0.02..=0.2).contains(&self.size.fraction()) {
            return Err(format!("size {} is out of range; it goes from 2% to 20%", self.size));
        }
        Ok(())
    }

    fn check_env(&self) -> std::result::Result<(), String> {
        match self.lesson.as_deref().filter(|path| !path.exists()) {
            Some(path) => Err(format!("there is no file {}", path.display())),
            None => Ok(()),
        }
    }

    fn build(self, defaults: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(Captions {
            plate: self.plate(defaults.size),
            config: self,
            line: None,
            written: None,
            shown: None,
            painter: Painter::default(),
            frames: Changing::new(),
            pool: Pool::new(),
            seq: 0,
            said: 0,
        }))
    }
}

struct Captions {
    config: CaptionsConfig,
    plate: Plate,
    /// The caption that holds.
    line: Option<Line>,
    /// The one that was drawn last.
    written: Option<Written>,
    /// What went out last: a text, and which part of it is being spoken.
    shown: Option<(String, Option<Range<usize>>)>,
    painter: Painter,
    frames: Changing,
    pool: Pool,
    seq: u64,
    /// The number of the last layer that shows something.
    said: u64,
}

impl Node for Captions {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        let CaptionsConfig { lesson, language, font, .. } = &self.config;
        let size = self.plate.picture;
        start.set_caps(LAYER, Caps::Video(VideoCaps { format: PixelFormat::A420, size, rate: start.defaults().fps }));
        let spoken = match (language, lesson) {
            (Some(language), _) => language.clone(),
            (None, Some(path)) => import_for(start, path, &ImportOptions::default())?.language.clone(),
            (None, None) => String::new(),
        };
        self.plate.families = plate::families(&spoken, font.as_deref());
        Ok(())
    }

    fn fingerprint(&mut self, _: &Part, key: &mut Fingerprint<'_>) -> Result {
        // What is said is known by the speech; of the lesson, only its language matters.
        key.add("captions", Hash::of(format!("{:?}", self.plate)));
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        while let Some(cue) = cx.take(CUES) {
            match &cue.media {
                Cue::Caption(text) => self.line = Line::new(text, cue.end()),
                Cue::Word(word) if self.config.highlight.is_some() => self.line.iter_mut().for_each(|line| line.say(&word.text)),
                _ => {}
            }
        }
        let time = cx.tick().time;
        self.line = self.line.take().filter(|line| line.until.is_none_or(|until| time < until));
        if self.line.as_ref().is_some_and(|line| line.until.is_some()) {
            cx.again();
        }
        let seen = self.line.as_ref().map(|line| (line.text.clone(), line.spoken.clone()));
        if self.shown != seen {
            self.shown = seen;
            let layer = match &self.shown {
                Some((text, spoken)) => {
                    let known = self.written.take().filter(|written| written.is(text));
                    let goes_on = known.is_some();
                    let mut written = known.unwrap_or_else(|| self.plate.write(text, &mut self.painter));
                    let (layer, differs) = self.plate.layer(&mut written, spoken.clone(), &mut self.painter, &mut self.frames)?;
                    self.written = Some(written);
                    // The next number is that of this layer.
                    let before = std::mem::replace(&mut self.said, self.seq + 1);
                    VideoFrame { damage: goes_on.then_some((before, differs)), ..layer }
                }
                None => unseen(&self.pool),
            };
            self.seq += 1;
            cx.emit(LAYER, Packet::new(time, VideoFrame { seq: self.seq, ..layer }));
        }
        Ok(Flow::More)
    }

    fn flush(&mut self, _: Time) {
        // What is still read is stated again by a cue. Nothing is shown until then, and what went out last may have been for later.
        (self.line, self.shown) = (None, Some((String::new(), None)));
    }
}

#[cfg(test)]
mod tests;
