//! `tts_chunker` [-> audio, cues]: gives a lesson's narration, slide after slide: sound in blocks of 20 ms, and beside it the cues that
//! everything else follows (slides, words, phonemes, visemes, captions, sentence ends, rests).
//!
//! Narration is spoken by whole clauses, first of all and into the cache, then taken from there in order: a voice at work and an encoder
//! at work need some hundred megabytes each, and so never at once. The lesson's text alone decides every packet. A slide
//! lasts lead-in + speech + tail, or as long as it asks for, rounded up to a time that is a whole frame and a whole sample.

use super::cache::Cache;
use super::decode::decode;
use super::narrator::Narrator;
use super::text::{Clause, Narration as Script, Options, narrate};
use super::timeline::Timeline;
use super::viseme::visemes_from_sound;
use super::voice::{CachedVoice, PiperVoice, Settings, TARGET_LUFS, Voice, gain_for};
use crate::lesson::{ImportOptions, LEAD_IN, Lesson, LessonError, Narration, Slide, TAIL, import_shared, select};
use engine::cue::{Cue, SlideCue, VisemeCue, WordCue};
use engine::graph::unit::DurationSetting;
use engine::media::AudioBlock;
use engine::node::{Cx, Failure, Flow, Node, Out, Result, Start};
use engine::packet::Packet;
use engine::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Sync};
use engine::run::Cancel;
use engine::time::{Span, Time, common_interval};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::Arc;

const AUDIO: Out<AudioBlock> = Out::new("audio");
const CUES: Out<Cue> = Out::new("cues");

/// Clauses asked for ahead of the one that plays.
const AHEAD: usize = 4;
/// Speech runs at about this many characters a second; for the estimate of the length only.
const CHARACTERS_A_SECOND: f64 = 15.0;

/// The node's entry in the registry.
pub const TTS_CHUNKER: NodeType = NodeType {
    name: "tts_chunker",
    family: "speech",
    revision: 1,
    summary: "Gives a lesson's narration: sound, and the cues that everything else follows",
    inputs: &[],
    outputs: &[
        AUDIO.port("mono sound in blocks of 20 ms, anew at each slide"),
        CUES.port("slides, words, phonemes, visemes, captions, rests"),
    ],
    sync: Sync::Each,
    lane: Lane::Own,
    config: ConfigType::of::<TtsChunkerConfig>("{ lesson: graphs/demo/lectern.pptx }"),
};

/// Settings of `tts_chunker`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TtsChunkerConfig {
    /// The deck, PDF, folder or lesson file.
    lesson: PathBuf,
    /// A voice by name (`lectern voices`), or the path of a Piper model (`.onnx`).
    #[serde(default = "default_voice")]
    voice: String,
    /// Only these slides, by their numbers in the deck: `3-5,8`; `all` for all.
    #[serde(default = "every_slide")]
    slides: String,
    /// How fast the voice speaks: 0.5 to 2.
    #[serde(default = "own_speed")]
    speed: f32,
    /// Length of a block of sound, 5 ms to 20 ms.
    #[serde(default = "block_length")]
    chunk: DurationSetting,
    /// How long LibreOffice may take over a deck.
    #[serde(default = "conversion_time")]
    conversion_limit: DurationSetting,
}

fn default_voice() -> String {
    "default".into()
}
fn every_slide() -> String {
    "all".into()
}
fn own_speed() -> f32 {
    1.0
}
fn block_length() -> DurationSetting {
    DurationSetting(Span::from_millis(20))
}
fn conversion_time() -> DurationSetting {
    DurationSetting(Span::from_seconds(120))
}

impl NodeConfig for TtsChunkerConfig {
    fn validate(&self, defaults: &Defaults) -> std::result::Result<(), String> {
        if defaults.sample_rate != super::voice::SAMPLES {
            return Err("speech is made at 48000 samples a second; write defaults: { audio: { rate: 48000 } }".into());
        }
        if !(0.5..=2.0).contains(&self.speed) {
            return Err(format!("speed {} is out of range; it goes from 0.5 to 2", self.speed));
        }
        if !(Span::from_millis(5)..=Span::from_millis(20)).contains(&self.chunk.0) {
            return Err(format!("chunk {} is out of range; it goes from 5ms to 20ms", self.chunk));
        }
        Ok(())
    }

    fn check_env(&self) -> std::result::Result<(), String> {
        match self.lesson.exists() {
            true => Ok(()),
            false => Err(format!("there is no file {}", self.lesson.display())),
        }
    }

    fn build(self, defaults: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(TtsChunker { step: common_interval(defaults.fps, super::voice::SAMPLES), config: self, talk: None }))
    }
}

struct TtsChunker {
    config: TtsChunkerConfig,
    /// Slides last a multiple of this.
    step: Span,
    talk: Option<Talk>,
}

/// A lesson being given.
struct Talk {
    lesson: Arc<Lesson>,
    /// Which slides, by index into `lesson.slides`.
    order: Vec<usize>,
    scripts: Vec<Script>,
    narrator: Narrator,
    gain: f32,
    /// The clause that the narrator is asked for next: place in `order`, number in its script.
    next_ask: (usize, usize),
    /// Place in `order` of the slide that plays.
    place: usize,
    /// When that slide began.
    start: Time,
    now: Timeline,
    /// Its next clause.
    clause: usize,
    /// All of it has been made.
    complete: bool,
    block: usize,
    step: Span,
}

impl Node for TtsChunker {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        let config = &self.config;
        let options =
            ImportOptions { libreoffice_timeout: config.conversion_limit.0.to_std(), cancel: start.cancel(), ..ImportOptions::default() };
        let lesson = import_shared(&config.lesson, &options).map_err(LessonError::into_failure)?;
        for warning in &lesson.warnings {
            start.warn(warning.slide, warning.text.as_str());
        }
        let order = select(&lesson, &config.slides)?;
        let script = |&index: &usize| match &lesson.slides[index].narration {
            Narration::Text(text) => narrate(text, &lesson.language, Options::default()),
            Narration::Audio { .. } | Narration::Silence(_) => Script::default(),
        };
        let scripts: Vec<Script> = order.iter().map(script).collect();
        let settings = Settings { speed: config.speed, ..Settings::default() };
        let workers = settings.parallel;
        let voice = CachedVoice::new(PiperVoice::open(&config.voice, settings)?, Cache::of_user());
        let speaks = scripts.iter().any(|script| !script.clauses.is_empty());
        let gain = if speaks { gain_for(&voice, voice.cache())? } else { 1.0 };
        if speaks && !same_language(voice.language(), &lesson.language) {
            let text = format!("the lesson is in \"{}\", the voice \"{}\" speaks \"{}\"", lesson.language, voice.id(), voice.language());
            start.warn(None, format!("{text}. Give a voice of that language: --voice PATH.onnx"));
        }
        let voice = Arc::new(voice);
        speak_first(&voice, &scripts, workers, &start.cancel())?;
        let narrator = Narrator::start(voice, 1, &start.cancel())?;
        let block = super::voice::SAMPLES.count_in(config.chunk.0) as usize;
        let talk = Talk {
            lesson,
            order,
            scripts,
            narrator,
            gain,
            next_ask: (0, 0),
            place: 0,
            start: Time::ZERO,
            now: Timeline::default(),
            clause: 0,
            complete: false,
            block,
            step: self.step,
        };
        start.expect_end(talk.expected_end());
        self.talk = Some(talk);
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        let talk = self.talk.as_mut().ok_or_else(|| Failure::msg("not started"))?;
        if talk.place == talk.order.len() {
            return Ok(Flow::Done);
        }
        talk.fill(cx)?;
        let (samples, cues) = talk.now.take(talk.block, talk.start);
        let pts = talk.start + (talk.now.position() - super::voice::SAMPLES.span_of(samples.len() as i64));
        cues.into_iter().for_each(|cue| cx.emit(CUES, cue));
        if !samples.is_empty() {
            let block = AudioBlock::mono(samples, super::voice::SAMPLES);
            cx.emit(AUDIO, Packet::lasting(pts, block.duration(), block));
        }
        cx.settle(CUES, talk.start + talk.now.position());
        if talk.complete && talk.now.waiting() == 0 {
            talk.now.take_rest(talk.start).into_iter().for_each(|cue| cx.emit(CUES, cue));
            talk.next_slide();
            cx.expect_end(talk.expected_end());
        }
        Ok(if talk.place == talk.order.len() { Flow::Done } else { Flow::More })
    }
}

/// Has the voice speak what its cache does not hold yet; then it rests.
fn speak_first(voice: &Arc<CachedVoice<PiperVoice>>, scripts: &[Script], workers: usize, cancel: &Cancel) -> Result {
    let mut missing = scripts.iter().flat_map(|script| &script.clauses).filter(|clause| !voice.remembers(clause));
    if let Some(first) = missing.next() {
        voice.synthesize(first)?;
        // Where nothing is kept, everything would be said twice: then it is spoken when its time comes.
        if voice.remembers(first) {
            let mut narrator = Narrator::start(voice.clone(), workers, cancel)?;
            for clause in missing {
                if narrator.ahead() == AHEAD {
                    narrator.next()?;
                }
                narrator.ask(clause.clone());
            }
            while narrator.ahead() > 0 {
                narrator.next()?;
            }
        }
    }
    voice.rest();
    Ok(())
}

impl Talk {
    fn slide(&self) -> &Slide {
        &self.lesson.slides[self.order[self.place]]
    }

    /// Makes at least one block of the slide that plays, or the rest of it.
    fn fill(&mut self, cx: &mut Cx<'_>) -> Result {
        if self.now.length() == Span::ZERO && !self.complete {
            self.open();
        }
        while self.now.waiting() < self.block && !self.complete {
            self.keep_ahead();
            let script = &self.scripts[self.place];
            match script.clauses.get(self.clause) {
                Some(clause) => {
                    let spoken = self.narrator.next()?;
                    let last = self.clause + 1 == script.clauses.len();
                    let number = self.lesson.slides[self.order[self.place]].number;
                    for unspoken in &spoken.unspoken {
                        cx.warn(Some(number), format!("\"{}\" is not spoken: {}", unspoken.text, unspoken.reason));
                    }
                    self.now.clause(clause, &spoken, self.gain, last);
                    self.clause += 1;
                }
                None => self.close()?,
            }
        }
        Ok(())
    }

    /// The slide cue, and silence up to the first word.
    fn open(&mut self) {
        let slide = self.slide();
        let cue = SlideCue {
            id: slide.id.as_str().into(),
            index: self.order[self.place],
            title: slide.title.as_str().into(),
            seed: slide.content_hash().seed(),
            elapsed: Span::ZERO,
            placement: slide.presenter,
            transition: if self.place == 0 { engine::cue::Transition::Cut } else { slide.transition },
        };
        let lead_in = LEAD_IN.max(slide.transition.duration()) + self.scripts[self.place].lead;
        let silent = matches!(slide.narration, Narration::Silence(_));
        self.now.cue(None, Cue::Slide(cue.into()));
        if !silent {
            self.now.cue(None, Cue::Rest);
            self.now.silence(lead_in);
        }
    }

    /// What a slide is besides spoken text, and its length.
    fn close(&mut self) -> Result {
        let slide = self.lesson.slides[self.order[self.place]].clone();
        let mut least = slide.duration.unwrap_or(Span::ZERO);
        match &slide.narration {
            Narration::Text(_) => {}
            Narration::Silence(span) => least = least.max(*span),
            Narration::Audio { path, words, .. } => {
                let samples = decode(path)?;
                let gain = recording_gain(&samples);
                let visemes = visemes_from_sound(&samples).into_iter();
                let mut cues: Vec<(Span, Option<Span>, Cue)> =
                    visemes.map(|v| (v.at, Some(v.dur), Cue::Viseme(VisemeCue { viseme: v.value, strength: 1.0 }))).collect();
                for word in words.iter().flatten() {
                    let cue = WordCue { text: word.text.as_str().into(), stressed: false, estimated: false };
                    cues.push((word.start.since_start(), Some(word.end - word.start), Cue::Word(cue.into())));
                }
                cues.sort_by_key(|(at, ..)| *at);
                self.now.sound(&samples, gain, cues);
            }
        }
        let tail = if matches!(slide.narration, Narration::Silence(_)) { Span::ZERO } else { TAIL };
        let length = (self.now.length() + tail).max(least).round_up_to(self.step);
        let rest = length - self.now.length();
        self.now.cue(Some(rest), Cue::Rest);
        self.now.silence(rest);
        self.complete = true;
        Ok(())
    }

    fn next_slide(&mut self) {
        self.start += self.now.length();
        self.place += 1;
        (self.now, self.clause, self.complete) = (Timeline::default(), 0, false);
    }

    /// Asks for clauses until enough are under way, those of later slides too.
    fn keep_ahead(&mut self) {
        while self.narrator.ahead() < AHEAD {
            let (place, clause) = self.next_ask;
            let Some(script) = self.scripts.get(place) else { return self.narrator.close() };
            match script.clauses.get(clause) {
                Some(clause) => self.narrator.ask(Clause::clone(clause)),
                None => {
                    self.next_ask = (place + 1, 0);
                    continue;
                }
            }
            self.next_ask.1 += 1;
        }
    }

    /// Where the slides so far end, and about how long the others will be.
    fn expected_end(&self) -> Time {
        let later = self.order[self.place..].iter().map(|&index| match &self.lesson.slides[index] {
            Slide { narration: Narration::Text(text), .. } => {
                Span::from_seconds_f64(text.chars().count() as f64 / CHARACTERS_A_SECOND) + LEAD_IN + TAIL
            }
            Slide { narration: Narration::Silence(span), .. } => *span,
            Slide { narration: Narration::Audio { .. }, .. } => Span::from_seconds(30),
        });
        self.start + later.sum()
    }
}

/// Brings a recording to the loudness of the voices. Measured over the slide's own recording only.
fn recording_gain(samples: &[f32]) -> f32 {
    let loudness = super::voice::loudness(samples).unwrap_or(TARGET_LUFS);
    10f64.powf((TARGET_LUFS - loudness).clamp(-20.0, 20.0) / 20.0) as f32
}

/// The primary parts of two BCP 47 tags are the same.
fn same_language(a: &str, b: &str) -> bool {
    let primary = |tag: &str| tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    primary(a) == primary(b)
}
