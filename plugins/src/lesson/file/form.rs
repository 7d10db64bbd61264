//! What is written in a `lesson.yaml`: its keys, their kinds and defaults.

use super::super::canvas::{Canvas, Trigger};
use super::super::model::Capture;
use super::super::overlay::OverlayRole;
use super::super::transition::TransitionSetting;
use engine::cue::Anchor;
use engine::graph::unit::{DurationSetting, FrameRate, Percent, Rgb};
use engine::time::Span;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Pictures a second of a page that is captured as it moves, when the file does not say.
const RATE: u32 = 10;

/// A lesson: what is said and shown, slide by slide.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "lesson.yaml")]
pub(super) struct LessonFile {
    /// Version of this format: 1.
    pub version: u32,
    /// Name in file names and rooms: 1 to 64 of A-Z, a-z, 0-9, _ and -. Default: made of the folder's name.
    pub id: Option<String>,
    /// What a player shows as the title. Default: the id.
    pub title: Option<String>,
    /// Language of the narration as a BCP 47 tag. Default: en.
    pub language: Option<String>,
    /// Shape of the slides. Default: that of the first picture.
    pub size: Option<Ratio>,
    /// Voices by names of your own, for `voice` and for marks in narrations: [voice guest]. Each is a voice by name (`lectern voices`), or a
    /// Piper voice (NAME.onnx with NAME.onnx.json), relative to this file.
    #[serde(default)]
    pub voices: BTreeMap<String, String>,
    /// How words are said that the voice reads wrongly: other words for them, or sounds (IPA) between slashes: { SQL: sequel, Lectern:
    /// /ˈlɛktɚn/ }. A word in lower case is meant in any case.
    #[serde(default)]
    pub pronounce: BTreeMap<String, String>,
    /// The slides in order, 1 to 500.
    pub slides: Vec<SlideFile>,
}

/// One slide: a picture (`page`, `image`, `color`, `clip`, `frames`, `embed` or `canvas`), a narration (`narration`, `audio` or `silence`; none
/// is 3 s of silence, 5 s for an embed, its own length for a clip and for frames).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SlideFile {
    /// Stable name. Default: slide-1, slide-2 and so on.
    pub id: Option<String>,
    /// What a chapter list calls it. Default: the id.
    pub title: Option<String>,
    /// Shows a page of a PDF.
    pub page: Option<PageFile>,
    /// Shows a picture: PNG, JPEG or WebP, relative to this file.
    pub image: Option<String>,
    /// Shows one colour.
    pub color: Option<Rgb>,
    /// Shows a film, or a part of one.
    pub clip: Option<ClipFile>,
    /// Shows a live page: live, until the talk is told to go on.
    pub embed: Option<EmbedFile>,
    /// Shows drawn objects, which may come and go while the slide is spoken.
    pub canvas: Option<Canvas>,
    /// Shows a film kept as numbered pictures.
    pub frames: Option<FramesFile>,
    /// What is said. Pauses are written [pause 0.5s]; who speaks from here on, [voice guest].
    pub narration: Option<String>,
    /// Who speaks: a name of `voices`, or a voice by name. Default: who speaks the lecture.
    pub voice: Option<String>,
    /// A recording in place of `narration`.
    pub audio: Option<AudioFile>,
    /// Nothing is said for this long.
    pub silence: Option<DurationSetting>,
    /// Where the presenter stands; what is left out, the graph decides.
    #[serde(default)]
    pub presenter: PresenterFile,
    /// Bullets, texts, names, marks and pictures over the picture, each for its time.
    #[serde(default)]
    pub overlays: Vec<OverlayFile>,
    /// How this slide replaces the one before. Default: as the graph says.
    pub transition: Option<TransitionSetting>,
    /// The slide shows at least this long.
    pub duration: Option<DurationSetting>,
}

/// A page of a PDF.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PageFile {
    /// The PDF, relative to this file.
    pub document: String,
    /// Page from 1.
    #[schemars(range(min = 1))]
    pub number: usize,
}

/// A film kept as numbered PNG pictures. The slide shows until it is over at least.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FramesFile {
    /// The folder, relative to this file: frame_0001.png, frame_0002.png and so on.
    pub folder: String,
    /// Pictures a second. Default: 25.
    pub fps: Option<FrameRate>,
}

/// A film, or a part of one. The slide shows until it is over at least.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ClipFile {
    /// MP4, MOV, MKV, WebM, AVI, MPEG or Ogg, relative to this file.
    pub file: String,
    /// Where in the film it begins. Default: at its start.
    pub from: Option<DurationSetting>,
    /// Where in the film it ends. Default: at its end.
    pub until: Option<DurationSetting>,
    /// Its sound is heard.
    #[serde(default = "heard")]
    pub sound: bool,
    /// Over how much of its end the sound is faded out. Default: 10ms.
    pub fade_out: Option<DurationSetting>,
}

fn heard() -> bool {
    true
}

/// A live page.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EmbedFile {
    /// Its address: https://... or http://...
    pub url: String,
    /// A picture that stands for it in a film, relative to this file. Default: the page is captured.
    pub poster: Option<String>,
    /// How a film captures it. With a poster, the poster stands for it only where that fails. Default: still where there is no poster.
    pub capture: Option<CaptureFile>,
    /// Of `capture: moving`, pictures a second. Default: 10.
    #[schemars(range(min = 1, max = 25))]
    pub rate: Option<u32>,
    /// Of `capture: moving`, for how long; then its last picture stands. Default: about as long as the slide will last.
    pub length: Option<DurationSetting>,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum CaptureFile {
    /// As a picture.
    Still,
    /// As it moves, from when it has loaded.
    Moving,
}

impl EmbedFile {
    pub fn capture(&self) -> Result<Option<Capture>, &'static str> {
        match (self.capture, self.rate, self.length) {
            (Some(CaptureFile::Moving), Some(0 | 26..), _) => Err("its rate must be 1 to 25 pictures a second"),
            (Some(CaptureFile::Moving), rate, length) => {
                Ok(Some(Capture::Moving { rate: rate.unwrap_or(RATE), length: length.map(|length| length.0) }))
            }
            (_, Some(_), _) | (_, _, Some(_)) => Err("rate and length are for a page that is captured as it moves: write capture: moving"),
            (capture, None, None) => Ok(capture.map(|_| Capture::Still)),
        }
    }
}

/// A recording.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AudioFile {
    /// WAV, MP3, FLAC, Ogg or MP4 sound, relative to this file.
    pub file: String,
    /// When each word is spoken, if known.
    pub words: Option<Vec<WordFile>>,
}

/// A word of a recording.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WordFile {
    /// As written.
    pub text: String,
    /// First sound, from the start of the recording.
    pub start: DurationSetting,
    /// Last sound.
    pub end: DurationSetting,
}

/// Where the presenter stands.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PresenterFile {
    /// Corner, edge or centre.
    pub anchor: Option<Anchor>,
    /// Where its top left corner lies, in parts of the picture's width and height: [0.5, 0.25]. In place of anchor and margin.
    pub at: Option<[f64; 2]>,
    /// Height as part of the picture's.
    pub height: Option<Percent>,
    /// Distance from the edges in pixels of a picture 720 high.
    pub margin: Option<u32>,
    /// Shown at all.
    pub visible: bool,
    /// Covers the whole picture.
    pub fill: bool,
}

impl Default for PresenterFile {
    fn default() -> PresenterFile {
        PresenterFile { anchor: None, at: None, height: None, margin: None, visible: true, fill: false }
    }
}

/// Something over the picture for a time.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OverlayFile {
    /// What it is for.
    pub role: OverlayRole,
    /// What it says; of a lower third the name, of a picture nothing.
    #[serde(default)]
    pub text: String,
    /// Of a lower third: what stands below the name.
    pub detail: Option<String>,
    /// Of a picture: the file, relative to this one. PNG, JPEG, WebP, GIF or BMP.
    pub file: Option<String>,
    /// Of a picture: how high it is, as part of the slide's height. Default: 33%.
    pub height: Option<Percent>,
    /// Which corner, edge or middle it is at. Default: away from the presenter. Bullets have a column of their own.
    pub anchor: Option<Anchor>,
    /// Appears, from the slide's start. Default: with the slide; a bullet with the sentence that it goes with; a lower third after 800ms.
    pub from: Option<DurationSetting>,
    /// In place of `from`: appears when this word of the narration is said, written as there.
    pub word: Option<String>,
    /// Which of the words that read so, from 1. Default: 1.
    #[schemars(range(min = 1))]
    pub nth: Option<usize>,
    /// Is gone, from the slide's start. Default: with the slide; a lower third after five seconds.
    pub until: Option<DurationSetting>,
}

impl OverlayFile {
    /// When it appears, if it says so.
    pub fn trigger(&self) -> Result<Option<Trigger>, String> {
        match (self.from, &self.word, self.nth) {
            (Some(_), Some(_), _) => Err(format!("{} has from and word; one of them says when it appears", self.name())),
            (_, None, Some(_)) => Err(format!("{} has nth without word", self.name())),
            (_, Some(word), _) if word.trim().is_empty() => Err(format!("{} waits for an empty word", self.name())),
            (Some(at), None, None) => Ok(Some(if at.0 == Span::ZERO { Trigger::Start } else { Trigger::Time(at.0) })),
            (None, Some(word), nth) => Ok(Some(Trigger::Word { text: word.clone(), nth: nth.unwrap_or(1) })),
            (None, None, None) => Ok(None),
        }
    }

    /// What it has that its role does not know, or lacks.
    pub fn check(&self) -> Result<(), String> {
        let is_picture = self.role == OverlayRole::Picture;
        let wrong = match self.role {
            OverlayRole::Picture if self.file.is_none() => "is a picture without file",
            OverlayRole::Picture if !self.text.is_empty() => "is a picture; leave text out",
            _ if !is_picture && (self.file.is_some() || self.height.is_some()) => "has file or height, which are for role: picture",
            _ if !is_picture && self.text.trim().is_empty() => "says nothing; write text",
            _ if self.detail.is_some() && self.role != OverlayRole::LowerThird => "has detail, which is for role: lower_third",
            OverlayRole::Bullet | OverlayRole::Watermark if self.anchor.is_some() => {
                "has anchor: bullets have a column, and watermarks are where the graph has them"
            }
            _ => return Ok(()),
        };
        Err(format!("{} {wrong}", self.name()))
    }

    fn name(&self) -> String {
        format!("the overlay {:?}", self.file.as_ref().unwrap_or(&self.text))
    }
}

/// Width and height of which only the ratio matters: `16x9`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String", example = "16x9")]
pub(super) struct Ratio(pub u32, pub u32);

impl TryFrom<String> for Ratio {
    type Error = String;

    fn try_from(text: String) -> Result<Ratio, String> {
        let sides = text.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
        let ratio = sides.filter(|(width, height)| *width > 0 && *height > 0).map(|(width, height)| Ratio(width, height));
        ratio.ok_or_else(|| format!("{text:?} is no shape; write width x height, such as \"16x9\""))
    }
}
