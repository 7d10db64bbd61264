//! The lesson: what is said and shown. Plain values without behaviour, made by an importer, checked once, hashed by content.
//!
//! Invariants after [`check`](super::check): 1 to 500 slides, ids unique and not empty, every length positive, every file that is
//! named was there and within the limits when the lesson was read.

use super::canvas::Canvas;
use super::hash::{Canon, ContentHash};
use super::overlay::Overlay;
use super::pronounce::Pronunciations;
use engine::cue::{Motion, Placement, Transition};
use engine::time::{Rate, Span, Time};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// So many characters of a narration take part in its slide's seed.
const OPENING: usize = 120;
/// The shortest time between a slide's start and its first word; a longer transition takes its place.
pub const LEAD_IN: Span = Span::from_millis(100);
/// How long a slide stays after its last word.
pub const TAIL: Span = Span::from_millis(600);
/// How long a slide without narration shows.
pub const SILENT_SLIDE: Span = Span::from_seconds(3);

/// How long a live page without narration shows in a film.
pub const SILENT_EMBED: Span = Span::from_seconds(5);

/// A whole lesson.
#[derive(Clone, Debug, PartialEq)]
pub struct Lesson {
    /// Name in file names and rooms: 1 to 64 of `A-Z a-z 0-9 _ -`.
    pub id: String,
    /// What a player shows as the title.
    pub title: String,
    /// Language of the narration as a BCP 47 tag (`en`, `en-US`).
    pub language: String,
    /// Width and height of a slide in the source's own unit (EMU, 1/100 point, pixel). Only their ratio means something.
    pub size: (u32, u32),
    /// Voices by the names that slides and narrations give them: `guest` -> `kokoro:am_puck`.
    pub voices: BTreeMap<String, Speaker>,
    /// How its words are said.
    pub pronounce: Pronunciations,
    /// In the order of the lecture; hidden ones are not among them.
    pub slides: Vec<Slide>,
    /// What the source has and the lecture will not show. Not part of the hash.
    pub warnings: Vec<Warning>,
}

/// A voice that a lesson brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// One that is installed: `joe`, `kokoro:af_heart`.
    Named(String),
    /// A Piper voice of its own.
    File {
        /// The `.onnx` file; its `.onnx.json` lies beside it.
        path: PathBuf,
        /// Of the `.onnx` file.
        hash: ContentHash,
    },
}

/// One step of a lesson.
#[derive(Clone, Debug, PartialEq)]
pub struct Slide {
    /// Stable name from the source: it stays with the slide when others are added or moved.
    pub id: String,
    /// Number in the source from 1, hidden slides counted: what its author sees. Not part of the hash.
    pub number: usize,
    /// What a chapter list calls it; one line.
    pub title: String,
    /// The picture.
    pub visual: Visual,
    /// The sound.
    pub narration: Narration,
    /// Who speaks: a name of the lesson's voices, or a voice. `None` = who speaks the lecture.
    pub voice: Option<String>,
    /// Where the presenter stands; what it leaves open, the graph says.
    pub presenter: Placement,
    /// Additions over the picture, each for its time.
    pub overlays: Vec<Overlay>,
    /// How this slide replaces the one before; `None` = as the graph says.
    pub transition: Option<Transition>,
    /// The slide shows at least this long.
    pub duration: Option<Span>,
}

/// What a slide shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Visual {
    /// A page of a PDF document.
    Page {
        /// The PDF; for a deck, the one that LibreOffice made of it.
        document: PathBuf,
        /// Page from 0.
        index: usize,
        /// Of all that shapes the page: of a deck the slide with its layout, master, theme and media, but not its notes; of a PDF
        /// the whole file and the page number.
        hash: ContentHash,
    },
    /// A picture file.
    Image {
        /// PNG, JPEG, WebP, GIF (first frame) or BMP.
        path: PathBuf,
        /// Of the file.
        hash: ContentHash,
    },
    /// One colour, red, green, blue in sRGB.
    Color([u8; 3]),
    /// A part of a film, with its sound.
    Clip(Clip),
    /// Drawn objects, which may come and go while the slide is spoken.
    Canvas(Arc<Canvas>),
    /// A film kept as numbered pictures, without sound. The slide shows until it is over at least; then its last picture stands.
    Frames(Frames),
    /// A live page, which viewers of a live talk are shown until the talk is told to go on. A film shows its poster, or what was captured
    /// of it.
    Embed {
        /// Address of the page: `https://…` or `http://…`.
        url: String,
        /// A picture that stands for it, with the file's hash; without one, a plain ground does.
        poster: Option<(PathBuf, ContentHash)>,
        /// How a film captures it; `None` = not at all where there is a poster, else as a picture. Where that fails, the poster stands
        /// for it.
        capture: Option<Capture>,
    },
}

/// How a film captures a live page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capture {
    /// As a picture.
    Still,
    /// As it moves from when it has loaded; then its last picture stands.
    Moving {
        /// Pictures a second, 1 to 25.
        rate: u32,
        /// For how long; `None` = for about as long as the slide will last.
        length: Option<Span>,
    },
}

/// A film kept as numbered PNG pictures in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frames {
    /// The folder; its PNG files have one name but for the number, without gaps.
    pub folder: PathBuf,
    /// How many there are, at least one.
    pub count: usize,
    /// Pictures a second.
    pub rate: Rate,
    /// Of all files.
    pub hash: ContentHash,
}

/// A part of a film. The slide shows at least as long; after the clip its last picture stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clip {
    /// MP4, MOV, MKV, WebM, AVI, MPEG or Ogg.
    pub path: PathBuf,
    /// Of the file.
    pub hash: ContentHash,
    /// Width and height as shown, in pixels.
    pub size: (u32, u32),
    /// Where in the film the part begins.
    pub from: Span,
    /// How long it is; over zero.
    pub length: Span,
    /// It is heard, too.
    pub sound: bool,
    /// Over how much of its end the sound is faded out.
    pub fade_out: Span,
}

impl Clip {
    /// Hash of what is seen of it, whatever is heard.
    pub fn pictures_hash(&self) -> ContentHash {
        Canon::new("clip 1").hash(self.hash).number(self.from.0).number(self.length.0).finish()
    }
}

/// What a slide says.
#[derive(Clone, Debug, PartialEq)]
pub enum Narration {
    /// Text to be spoken, paragraphs separated by line ends, as its author wrote it: `[pause 0.5s]`, emphasis and pronunciation
    /// marks are still in it and are read by the speech side. Never blank.
    Text(String),
    /// A recording.
    Audio {
        /// WAV, MP3, FLAC, Ogg or MP4 sound.
        path: PathBuf,
        /// Of the file.
        hash: ContentHash,
        /// When each word is spoken, if known; in order.
        words: Option<Vec<TimedWord>>,
    },
    /// Nothing, for this long (lead-in and tail included).
    Silence(Span),
}

/// A word of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedWord {
    /// As written.
    pub text: String,
    /// First sound, from the start of the recording.
    pub start: Time,
    /// Last sound; not before `start`.
    pub end: Time,
}

/// Something that the source has and the lecture will not show as its author expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Number of the slide in the source, from 1, hidden ones counted; `None` = all of it.
    pub slide: Option<usize>,
    /// What and what to do about it.
    pub text: String,
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.slide {
            Some(number) => write!(f, "slide {number}: {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

impl Narration {
    /// The text that word cues and triggers count in: the text as written, or the words of a recording with a space between them.
    pub fn spoken(&self) -> Cow<'_, str> {
        match self {
            Narration::Text(text) => text.into(),
            Narration::Audio { words, .. } => words.iter().flatten().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ").into(),
            Narration::Silence(_) => "".into(),
        }
    }
}

impl Lesson {
    /// Width to height of the slides in lowest terms: `(16, 9)`.
    pub fn ratio(&self) -> (u32, u32) {
        let shared = gcd(self.size.0, self.size.1).max(1);
        (self.size.0 / shared, self.size.1 / shared)
    }

    /// Hash of all that a viewer could notice. Files enter by content, never by path.
    pub fn content_hash(&self) -> ContentHash {
        let (width, height) = self.ratio();
        let canon = Canon::new("lesson 1");
        let canon = self.voices.iter().fold(canon, |canon, (name, voice)| match voice {
            Speaker::Named(voice) => canon.text("voice").text(name).text(voice),
            Speaker::File { hash, .. } => canon.text("voice file").text(name).hash(*hash),
        });
        let canon = self.pronounce.iter().fold(canon, |canon, (word, said)| canon.text("said").text(word).text(&said.written()));
        canon
            .text(&self.id)
            .text(&self.title)
            .text(&self.language)
            .number(i64::from(width))
            .number(i64::from(height))
            .list(&self.slides, |canon, slide| canon.text(&slide.id).text(&slide.title).hash(slide.content_hash()))
            .finish()
    }
}

impl Visual {
    /// Hash of all that is seen of it.
    pub fn content_hash(&self) -> ContentHash {
        self.canon(Canon::new("visual 1")).finish()
    }

    fn canon(&self, canon: Canon) -> Canon {
        match self {
            Visual::Page { hash, .. } => canon.text("page").hash(*hash),
            Visual::Image { hash, .. } => canon.text("image").hash(*hash),
            Visual::Embed { url, poster, capture } => {
                let canon = canon.text("embed").text(url).option(poster.as_ref(), |canon, (_, hash)| canon.hash(*hash));
                canon.option(*capture, |canon, capture| match capture {
                    Capture::Still => canon.text("still"),
                    Capture::Moving { rate, length } => {
                        canon.text("moving").number(rate.into()).option(length, |canon, length| canon.number(length.0))
                    }
                })
            }
            Visual::Clip(clip) => canon.text("clip").hash(clip.pictures_hash()).number(i64::from(clip.sound)).number(clip.fade_out.0),
            Visual::Canvas(canvas) => canvas.canon(canon.text("canvas")),
            Visual::Frames(frames) => canon.text("frames").hash(frames.hash).number(frames.rate.interval().0),
            Visual::Color(rgb) => rgb.iter().fold(canon.text("color"), |canon, value| canon.number(i64::from(*value))),
        }
    }

    /// How long it goes on by itself; zero for what stands still.
    pub fn length(&self) -> Span {
        match self {
            Visual::Clip(clip) => clip.length,
            Visual::Frames(frames) => frames.length(),
            _ => Span::ZERO,
        }
    }
}

impl Slide {
    /// The slide shows at least this long, whatever is said: its picture's own length, or longer when it asks for that.
    pub fn least(&self) -> Span {
        self.visual.length().max(self.duration.unwrap_or(Span::ZERO))
    }

    /// What all that looks random on the slide comes from: what it shows, and how its narration begins. An edit further on changes nothing
    /// before it.
    pub fn seed(&self) -> u64 {
        let said: String = self.narration.spoken().chars().take(OPENING).collect();
        Canon::new("seed 1").hash(self.visual.content_hash()).text(&said).finish().seed()
    }

    /// Hash of its overlays, files by content.
    pub fn overlays_hash(&self) -> ContentHash {
        Canon::new("overlays 1").list(&self.overlays, |canon, overlay| overlay.canon(canon)).finish()
    }

    /// Hash of what is seen and heard while the slide shows: neither its name nor its place in the lesson, so that a slide keeps its
    /// hash when others change.
    pub fn content_hash(&self) -> ContentHash {
        let canon = self.visual.canon(Canon::new("slide 1"));
        let canon = match &self.narration {
            Narration::Text(text) => canon.text("text").text(text),
            Narration::Audio { hash, words, .. } => canon.text("audio").hash(*hash).option(words.as_deref(), |canon, words| {
                canon.list(words, |canon, word| canon.text(&word.text).number(word.start.0).number(word.end.0))
            }),
            Narration::Silence(span) => canon.text("silence").number(span.0),
        };
        let place = &self.presenter;
        let canon = canon
            .option(place.anchor, |canon, anchor| canon.number(anchor as i64))
            .option(place.height, Canon::real)
            .option(place.margin, |canon, margin| canon.number(i64::from(margin)))
            .option(place.at, |canon, (x, y)| canon.real(x).real(y))
            .number(i64::from(place.visible))
            .number(i64::from(place.fill))
            .list(&self.overlays, |canon, overlay| overlay.canon(canon));
        let motion = |canon: Canon, motion: Motion| canon.number(motion.from as i64).number(motion.duration.0).number(motion.easing as i64);
        let canon = canon.option(self.transition, |canon, transition| match transition {
            Transition::Cut => canon.text("cut"),
            Transition::Fade(span) => canon.text("fade").number(span.0),
            Transition::Slide(how) => motion(canon.text("slide"), how),
            Transition::Push(how) => motion(canon.text("push"), how),
        });
        let canon = self.voice.iter().fold(canon, |canon, voice| canon.text("voice").text(voice));
        canon.option(self.duration, |canon, span| canon.number(span.0)).finish()
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
