//! `mp4_sink` [video, audio, cues]: the lecture as one MP4 file, with chapters and soft captions from its cues.

use super::captions::Captions;
use super::file::{check_file, ending};
use super::tracks::Tracks;
use crate::lesson::{ImportOptions, Lesson, import_for};
use crate::mp4::{MovieSpec, Mp4Error, Mp4Writer, Synthetic, Unit};
use engine::cue::{Cue, SlideCue};
use engine::media::EncodedUnit;
use engine::node::{Cx, Flow, In, Node, Result, Start};
use engine::packet::Packet;
use engine::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use engine::time::{Span, Time};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::Arc;

const VIDEO: In<EncodedUnit> = In::new("video");
const AUDIO: In<EncodedUnit> = In::new("audio");
const CUES: In<Cue> = In::new("cues");

/// The node's entry in the registry.
pub const MP4_SINK: NodeType = NodeType {
    name: "mp4_sink",
    family: "outputs",
    revision: 2,
    summary: "The lecture as an MP4 file with chapters and captions",
    inputs: &[
        VIDEO.port("H.264 units").optional().sparse(),
        AUDIO.port("AAC units").optional(),
        CUES.port("slides become chapters, captions soft captions").optional(),
    ],
    outputs: &[],
    sync: Sync::Merge,
    lane: Lane::Own,
    starts: Starts::Anywhere,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<Mp4SinkConfig>("{ path: lecture.mp4, title: A lecture, language: en }"),
};

/// Settings of `mp4_sink`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mp4SinkConfig {
    /// The file, ending in `.mp4` or `.m4v`, or `.m4a` for sound alone. What is there is replaced once the new one is whole.
    path: PathBuf,
    /// The title that players show; without it that of the lesson.
    title: Option<String>,
    /// The language spoken and written, as a BCP-47 tag such as `en` or `de-AT`; without it that of the lesson.
    language: Option<String>,
    /// The lesson that is shown.
    lesson: Option<PathBuf>,
    /// Slides become chapters.
    #[serde(default = "yes")]
    chapters: bool,
    /// Captions become a soft caption track, off until chosen.
    #[serde(default = "yes")]
    captions: bool,
    /// The file says that voice and face were made by a computer, of each that it has.
    #[serde(default = "yes")]
    synthetic: bool,
}

fn yes() -> bool {
    true
}

impl NodeConfig for Mp4SinkConfig {
    fn validate(&self, _: &Defaults) -> std::result::Result<(), String> {
        if ending(&self.path, &["mp4", "m4v", "m4a"]).is_none() {
            return Err(format!("path {} is no MP4 file; let it end in .mp4", self.path.display()));
        }
        match &self.language {
            Some(tag) if !is_language(tag) => Err(format!("language {tag:?} is no language tag; write one such as en or de-AT")),
            _ => Ok(()),
        }
    }

    fn check_env(&self) -> std::result::Result<(), String> {
        check_file(&self.path)
    }

    fn build(self, _: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(Mp4Sink { config: self, open: None }))
    }
}

impl Mp4SinkConfig {
    /// Title and language of the film.
    fn named(&self, start: &Start<'_>) -> Result<(Option<String>, String)> {
        let lesson = match &self.lesson {
            Some(path) if self.title.is_none() || self.language.is_none() => Some(import_for(start, path, &ImportOptions::default())?),
            _ => None,
        };
        let of_lesson =
            |text: fn(&Lesson) -> &str| lesson.as_deref().map(text).map(str::trim).filter(|text| !text.is_empty()).map(String::from);
        let title = self.title.clone().or_else(|| of_lesson(|lesson| &lesson.title));
        // Lessons of others may name it in words, which players do not know.
        let language = self.language.clone().or_else(|| of_lesson(|lesson| &lesson.language).filter(|tag| is_language(tag)));
        Ok((title, language.unwrap_or_default()))
    }
}

/// The shape of a tag by BCP-47: a language of two to eight letters, then parts of up to eight letters and digits.
fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let first = parts.next().is_some_and(|part| (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic()));
    first && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// A movie that could not be written, with its path.
#[derive(Debug, thiserror::Error)]
#[error("cannot make {}", path.display())]
struct MovieError {
    path: PathBuf,
    source: Mp4Error,
}

struct Mp4Sink {
    config: Mp4SinkConfig,
    open: Option<Open>,
}

/// The movie being written.
struct Open {
    writer: Mp4Writer,
    /// Tracks by number.
    video: Option<usize>,
    audio: Option<usize>,
    /// By how much a sound unit's samples went into the encoder later than they are heard.
    priming: Span,
    captions: Captions,
    slide: Option<Arc<SlideCue>>,
    seen: Seen,
}

/// What the cues tell of voice and face.
#[derive(Default)]
struct Seen {
    slide: bool,
    presenter: bool,
    speech: bool,
}

impl Seen {
    fn note(&mut self, cue: &Cue) {
        match cue {
            Cue::Slide(slide) => {
                self.slide = true;
                self.presenter |= slide.placement.visible;
            }
            // A recording has them, too, and cannot be told from a voice here.
            Cue::Word(_) | Cue::Phoneme(_) | Cue::Viseme(_) | Cue::Caption(_) | Cue::SentenceEnd { .. } => self.speech = true,
            // A film that was made so, and is shown.
            Cue::Marker(text) => {
                let film = Synthetic::of_marker(text).unwrap_or_default();
                self.speech |= film.voice;
                self.presenter |= film.face;
            }
            Cue::Rest => {}
        }
    }

    /// Both where no cue told of the slides: only what is surely not there is left out.
    fn synthetic(&self) -> Synthetic {
        Synthetic { voice: self.speech || !self.slide, face: self.presenter || !self.slide }
    }
}

impl Mp4Sink {
    fn open(&self, start: &Start<'_>) -> Result<Open> {
        let Tracks { specs, video, audio, priming } = Tracks::connected(start, VIDEO, AUDIO)?;
        let Mp4SinkConfig { path, synthetic, .. } = &self.config;
        let (title, language) = self.config.named(start)?;
        let synthetic = if *synthetic { Synthetic::ALL } else { Synthetic::NONE };
        let spec = MovieSpec { title, language, synthetic, tracks: specs };
        let writer = Mp4Writer::create(path, spec).map_err(|error| self.failed(error))?;
        Ok(Open { writer, video, audio, priming, captions: Captions::default(), slide: None, seen: Seen::default() })
    }

    fn failed(&self, source: Mp4Error) -> MovieError {
        MovieError { path: self.config.path.clone(), source }
    }
}

impl Open {
    fn take(&mut self, config: &Mp4SinkConfig, cx: &mut Cx<'_>) -> std::result::Result<(), Mp4Error> {
        if let Some(packet) = cx.take(VIDEO) {
            self.push(self.video, &packet, Span::ZERO)?;
        }
        if let Some(packet) = cx.take(AUDIO) {
            self.push(self.audio, &packet, self.priming)?;
        }
        if let Some(packet) = cx.take(CUES) {
            self.seen.note(&packet.media);
            match &packet.media {
                Cue::Slide(slide) if config.chapters => self.chapter(packet.pts, slide)?,
                Cue::Caption(_) if config.captions => self.captions.add(&packet),
                _ => {}
            }
        }
        Ok(())
    }

    fn push(&mut self, track: Option<usize>, packet: &Packet<EncodedUnit>, shift: Span) -> std::result::Result<(), Mp4Error> {
        let EncodedUnit { keyframe, data, .. } = &packet.media;
        match track {
            Some(track) => self.writer.push(track, Unit { pts: packet.pts + shift, keyframe: *keyframe, data }),
            None => Ok(()),
        }
    }

    fn finish(mut self, config: &Mp4SinkConfig, end: Time) -> std::result::Result<(), Mp4Error> {
        if config.synthetic {
            let Synthetic { voice, face } = self.seen.synthetic();
            self.writer.synthetic(Synthetic { voice: voice && self.audio.is_some(), face: face && self.video.is_some() });
        }
        for caption in self.captions.until(end) {
            self.writer.caption(caption.start, caption.end, &caption.text)?;
        }
        self.writer.finish(end).map(drop)
    }

    /// A chapter where a slide begins. A slide that goes on after a pause or a jump within it, and is stated again, is no new one.
    fn chapter(&mut self, start: Time, slide: &Arc<SlideCue>) -> std::result::Result<(), Mp4Error> {
        let goes_on = self.slide.replace(slide.clone()).is_some_and(|before| before.id == slide.id && slide.elapsed > Span::ZERO);
        if goes_on {
            return Ok(());
        }
        match slide.title.trim() {
            "" => self.writer.chapter(start, &format!("Slide {}", slide.index + 1)),
            title => self.writer.chapter(start, title),
        }
    }
}

impl Node for Mp4Sink {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        self.open = Some(self.open(start)?);
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        let taken = self.open.as_mut().map_or(Ok(()), |open| open.take(&self.config, cx));
        taken.map_err(|error| self.failed(error))?;
        Ok(Flow::More)
    }

    fn finish(&mut self, cx: &mut Cx<'_>) -> Result {
        let written = self.open.take().map_or(Ok(()), |open| open.finish(&self.config, cx.end()));
        written.map_err(|error| self.failed(error))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
