//! `tts_chunker` [-> audio, cues]: gives a lesson's narration, slide after slide: sound in blocks of 20 ms, and beside it the cues that
//! everything else follows (slides, words, phonemes, visemes, captions, sentence ends, rests).
//!
//! Narration is spoken by whole clauses, first of all and into the cache, then taken from there in order: a voice at work and an encoder
//! at work need some hundred megabytes each, and so never at once. The lesson's text alone decides every packet. A slide
//! lasts lead-in + speech + tail, or as long as it asks for, rounded up to a time that is a whole frame and a whole sample.

use super::cast::{Cast, Casting, same_language};
use super::direction::TalkCommand;
use super::narrator::{AHEAD, Manner, Narrator};
use super::programme::{Rest, Speech, Stretch, Until, What, expected_length, spoken_length};
use super::recordings::Recordings;
use super::talk::Talk;
use super::text::{Clause, Narration as Script};
use super::timeline::{Content, Timeline};
use super::voice::{Settings, Voice, voice_for};
use crate::lesson::{
    ImportOptions, Lesson, LessonError, MAX_TRANSITION, Narration, Pronunciations, TransitionSetting, check_source, import_for, select,
};
use engine::cue::{Cue, Transition};
use engine::graph::unit::DurationSetting;
use engine::media::AudioBlock;
use engine::node::{Cx, Failure, Flow, Node, Out, Result, Start};
use engine::packet::Packet;
use engine::registry::{CommandType, ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use engine::run::Command;
use engine::segments::{Fingerprint, Part};
use engine::time::{Span, Time, common_interval};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

/// No picture depends on what is said later than this after it; the nodes behind look less far ahead.
const AHEAD_OF_PICTURES: Span = Span::from_seconds(2);

pub(super) const AUDIO: Out<AudioBlock> = Out::new("audio");
pub(super) const CUES: Out<Cue> = Out::new("cues");

/// The node's entry in the registry.
pub const TTS_CHUNKER: NodeType = NodeType {
    name: "tts_chunker",
    family: "speech",
    revision: 7,
    summary: "Gives a lesson's narration: sound, and the cues that everything else follows",
    inputs: &[],
    outputs: &[
        AUDIO.port("mono sound in blocks of 20 ms, anew at each slide"),
        CUES.port("slides, words, phonemes, visemes, captions, rests"),
    ],
    sync: Sync::Each,
    lane: Lane::Own,
    starts: Starts::Anywhere,
    time_limit: NodeType::TIME_LIMIT,
    command: Some(CommandType::of::<TalkCommand>()),
    config: ConfigType::of::<TtsChunkerConfig>("{ lesson: graphs/demo/lectern.pptx }"),
};

/// Settings of `tts_chunker`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TtsChunkerConfig {
    /// The deck, PDF, folder or lesson file, or the address of a Google Slides presentation.
    lesson: PathBuf,
    /// A voice by name (`lectern voices`), or the path of a Piper model (`.onnx`). `default` is one of the lesson's language.
    #[serde(default = "default_voice")]
    voice: String,
    /// Voices by the names that slides and marks like [voice guest] give them; they take the place of the lesson's own.
    #[serde(default)]
    voices: BTreeMap<String, String>,
    /// A file that says how words are said: YAML, `word: respelling` or `word: /IPA/`. Empty: none. The lesson's own list comes before
    /// it.
    #[serde(default)]
    dictionary: PathBuf,
    /// Only these slides, by their numbers in the deck: `3-5,8`; `all` for all.
    #[serde(default = "every_slide")]
    slides: String,
    /// How fast the voice speaks: 0.5 to 2.
    #[serde(default = "own_speed")]
    speed: f32,
    /// Length of a block of sound, 5 ms to 20 ms.
    #[serde(default = "block_length")]
    chunk: DurationSetting,
    /// When the talk begins. One that waits shows its first slide in silence.
    #[serde(default)]
    begin: Begin,
    /// After the last slide comes the first again, until the run is stopped; in live runs only.
    #[serde(default)]
    repeat: bool,
    /// How slides come in that do not say it themselves: cut, fade, slide or push; or a map with kind, from, duration and easing.
    #[serde(default)]
    transition: TransitionSetting,
    /// A presenter stands in the pictures, where slides let it. Without one, everybody downstream is told so.
    #[serde(default = "with_presenter")]
    presenter: bool,
    /// How long LibreOffice may take over a deck.
    #[serde(default = "conversion_time")]
    conversion_limit: DurationSetting,
}

/// When a talk begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Begin {
    /// With the run.
    #[default]
    AtOnce,
    /// With the command `start`; in live runs only.
    WhenTold,
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
fn with_presenter() -> bool {
    true
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
        let transition = self.transition.0;
        if transition.duration() > MAX_TRANSITION || (transition.duration() <= Span::ZERO && transition != Transition::Cut) {
            return Err(format!("transition.duration must be over zero and at most {}", DurationSetting(MAX_TRANSITION)));
        }
        Ok(())
    }

    fn check_env(&self) -> std::result::Result<(), String> {
        check_source(&self.lesson)?;
        // What is wrong in it is said before anything is made.
        self.words().map(drop).map_err(|error| error.to_string())
    }

    fn build(self, defaults: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(TtsChunker {
            step: common_interval(defaults.fps, super::voice::SAMPLES),
            config: self,
            talk: None,
            unheard: Span::ZERO,
            contents: Vec::new(),
        }))
    }
}

impl TtsChunkerConfig {
    /// The words of the dictionary.
    fn words(&self) -> std::result::Result<Pronunciations, LessonError> {
        match self.dictionary.as_os_str().is_empty() {
            true => Ok(Pronunciations::default()),
            false => Pronunciations::read(&self.dictionary),
        }
    }
}

struct TtsChunker {
    config: TtsChunkerConfig,
    /// Slides last a multiple of this.
    step: Span,
    talk: Option<Talk>,
    /// Sound before this is not asked for: the run makes pictures from here on.
    unheard: Span,
    /// By slide, once they are known.
    contents: Vec<Content>,
}

impl Node for TtsChunker {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        let config = &self.config;
        if config.repeat && !start.is_live() {
            return Err(Failure::msg("repeat: true would make a film without an end; it is for graphs with clock: live"));
        }
        if config.begin == Begin::WhenTold && !start.is_live() {
            return Err(Failure::msg("begin: when_told would wait for ever; it is for graphs with clock: live"));
        }
        let options = ImportOptions { libreoffice_timeout: config.conversion_limit.0.to_std(), ..ImportOptions::default() };
        let lesson = import_for(start, &config.lesson, &options)?;
        for warning in &lesson.warnings {
            start.warn(warning.slide, warning.text.as_str());
        }
        let mut order = select(&lesson, &config.slides)?;
        // Of a part of the programme all others are left out; what comes before it only says that it is not the first.
        let window = start.window().cloned();
        let only = window.as_ref().map(|window| place_of(&lesson, &order, &window.part)).transpose()?;
        order.truncate(only.map_or(order.len(), |only| only + 1));
        let words = lesson.pronounce.over(&config.words()?);
        let (workers, live) = (Settings::default().parallel, start.is_live());
        // An answer does not wait for narration that is being spoken.
        let settings = Settings { speed: config.speed, parallel: workers + usize::from(live), ..Settings::default() };
        let is_said = |place: usize| only.is_none_or(|only| only == place);
        let speaks =
            order.iter().enumerate().any(|(place, &index)| is_said(place) && matches!(lesson.slides[index].narration, Narration::Text(_)));
        let usual = if config.voice == "default" && speaks { voice_for(&lesson.language)? } else { config.voice.clone() };
        let mut cast = Cast::open(&usual, settings, start)?;
        let casting = Casting { lesson: &lesson, voices: &config.voices, words: &words, settings };
        let script = |(place, &index): (usize, &usize)| match &lesson.slides[index].narration {
            Narration::Text(text) if is_said(place) => casting.script(index, text, &mut cast, start),
            Narration::Text(_) | Narration::Audio { .. } | Narration::Silence(_) => Ok(Script::default()),
        };
        let scripts = order.iter().enumerate().map(script).collect::<Result<Vec<Script>>>()?;
        // A live talk may be told to say something.
        if speaks || live {
            cast.measure()?;
        }
        if speaks && !same_language(cast.language(), &lesson.language) {
            let text = format!("the lesson is in \"{}\", the voice \"{}\" speaks \"{}\"", lesson.language, cast.id(), cast.language());
            start.warn(None, format!("{text}. Give a voice of that language: --voice PATH.onnx"));
        }
        let cast = Arc::new(cast);
        // Live, a few clauses ahead are enough, and nobody waits for the last one to hear the first.
        if !live {
            start.expect_end(Time::ZERO + order.iter().map(|&index| expected_length(&lesson.slides[index])).sum());
            speak_first(&cast, &scripts, workers, start)?;
        }
        let mut answers = Narrator::start(cast.clone(), 1, Manner::AtOnce, &start.cancel())?;
        if !live {
            answers.close();
        }
        let (workers, manner) = if live { (workers, Manner::Ahead) } else { (1, Manner::AtOnce) };
        let narrator = Narrator::start(cast.clone(), workers, manner, &start.cancel())?;
        let block = super::voice::SAMPLES.count_in(config.chunk.0) as usize;
        let waits = config.begin == Begin::WhenTold;
        let what = if waits { What::Rest(Rest { until: Until::Told, sentence: Span::ZERO }) } else { What::Slide };
        let mut talk = Talk {
            speech: vec![Speech::default(); order.len()],
            lesson,
            order,
            scripts,
            narrator,
            answers,
            recordings: Recordings::new(start.cancel()),
            events: start.events(),
            cast,
            words,
            next_ask: (only.unwrap_or(0), 0),
            past: [Stretch { at: Time::ZERO, place: only.unwrap_or(0), left: None, start: Time::ZERO, what }].into(),
            place: only.unwrap_or(0),
            resume: None,
            orders: Vec::new(),
            says: VecDeque::new(),
            warnings: Vec::new(),
            silent: Time::ZERO,
            stated: false,
            embeds: Vec::new(),
            now: Timeline::default(),
            clause: 0,
            complete: false,
            block,
            live,
            repeat: config.repeat,
            transition: config.transition.0,
            presenter: config.presenter,
            step: self.step,
        };
        if !config.repeat {
            start.expect_end(talk.expected_end());
        }
        if let Some(window) = window {
            if talk.make_whole()?.hash() != window.part.content {
                let number = window.part.number;
                return Err(Failure::msg(format!("slide {number} has changed while the film was being made; render it again")));
            }
            self.unheard = window.from;
        }
        if live {
            // The first words are there before anybody can wait for them.
            if let Some(Narration::Audio { path, .. }) = talk.order.first().map(|&index| &talk.lesson.slides[index].narration) {
                talk.recordings.get(path)?;
            }
            talk.keep_ahead();
            talk.narrator.wait()?;
        }
        self.talk = Some(talk);
        Ok(())
    }

    fn parts(&mut self) -> Result<Vec<Part>> {
        let Some(talk) = &mut self.talk else { return Ok(Vec::new()) };
        let mut parts = Vec::new();
        self.contents.clear();
        while talk.place < talk.order.len() {
            let content = talk.make_whole()?;
            let slide = &talk.lesson.slides[talk.order[talk.place]];
            let (id, number) = (slide.id.as_str().into(), slide.number);
            let start = talk.position();
            let end = start + talk.now.length();
            parts.push(Part { id, number, start, end, content: content.hash(), overlap: talk.transition().duration() });
            self.contents.push(content);
            talk.leave_slide();
        }
        Ok(parts)
    }

    fn fingerprint(&mut self, part: &Part, key: &mut Fingerprint<'_>) -> Result {
        let content = self.contents.iter().find(|content| content.hash() == part.content).cloned().unwrap_or_default();
        let heard = key.pictures().map_or(content.heard(part.length()), |(_, to)| content.heard(to + AHEAD_OF_PICTURES));
        key.add("narration", heard);
        if key.pictures().is_some() {
            key.add("place of the presenter", content.place);
            key.add("transition", content.transition);
            key.add("idle motion", content.seed);
        }
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        let talk = self.talk.as_mut().ok_or_else(|| Failure::msg("not started"))?;
        std::mem::take(&mut talk.warnings).into_iter().for_each(|(slide, text)| cx.warn(slide, text));
        if talk.place == talk.order.len() {
            // It was told to leave the last slide.
            talk.leave_embeds(talk.position(), None, cx);
            cx.settle(CUES, talk.position());
            return Ok(Flow::Done);
        }
        if talk.rest(cx) || talk.answer(cx)? {
            return Ok(Flow::More);
        }
        talk.fill()?;
        if talk.skip(cx) {
            return Ok(Flow::More);
        }
        let Some(count) = talk.until_answer() else {
            talk.begin_answer(None);
            return Ok(Flow::More);
        };
        let (start, pts) = (talk.stretch().start, talk.position());
        let (samples, cues) = talk.now.take(count, start);
        talk.send(cues, cx);
        if !samples.is_empty() && pts.since_start() >= self.unheard {
            let block = AudioBlock::mono(samples, super::voice::SAMPLES);
            cx.emit(AUDIO, Packet::lasting(pts, block.duration(), block));
        }
        cx.settle(AUDIO, talk.position());
        cx.settle(CUES, talk.position());
        if talk.complete && talk.now.waiting() == 0 {
            let last = talk.now.take_rest(start);
            talk.send(last, cx);
            talk.next_slide();
            if !talk.repeat {
                cx.expect_end(talk.expected_end());
            }
        }
        if talk.place == talk.order.len() {
            talk.leave_embeds(talk.position(), None, cx);
            return Ok(Flow::Done);
        }
        Ok(Flow::More)
    }

    fn flush(&mut self, cut: Time) {
        if let Some(talk) = &mut self.talk {
            talk.turn(cut);
        }
    }

    fn command(&mut self, command: Command) -> Result {
        if let (Some(talk), Some(told)) = (&mut self.talk, command.typed::<TalkCommand>()) {
            talk.tell(told);
        }
        Ok(())
    }
}

/// The place in `order` of the slide that a part shows.
fn place_of(lesson: &Lesson, order: &[usize], part: &Part) -> Result<usize> {
    let place = order.iter().position(|&index| *lesson.slides[index].id == *part.id);
    place.ok_or_else(|| Failure::msg(format!("there is no slide \"{}\" any more; render again", part.id)))
}

/// Has the voice speak what its cache does not hold yet; then it rests.
fn speak_first(voice: &Arc<Cast>, scripts: &[Script], workers: usize, start: &Start<'_>) -> Result {
    let mut missing: Vec<&Clause> = scripts.iter().flat_map(|script| &script.clauses).filter(|clause| !voice.remembers(clause)).collect();
    if start.from_the_end() {
        missing.reverse();
    }
    let missing = voice.in_turn(missing);
    let length = |clauses: &[&Clause]| clauses.iter().map(|clause| spoken_length(clause.text.chars().count())).sum::<Span>();
    let all = length(&missing);
    if let Some((first, missing)) = missing.split_first() {
        start.narrated(Span::ZERO, all);
        voice.synthesize(first)?;
        // Where nothing is kept, everything would be said twice: then it is spoken when its time comes.
        if voice.remembers(first) {
            let mut narrator = Narrator::start(voice.clone(), workers, Manner::AtOnce, &start.cancel())?;
            let mut done = Span::ZERO;
            for clause in missing {
                if narrator.ahead() == AHEAD {
                    narrator.next()?;
                }
                narrator.ask((*clause).clone());
                done += spoken_length(clause.text.chars().count());
                start.narrated(done, all);
            }
            while narrator.ahead() > 0 {
                narrator.next()?;
            }
        }
    }
    voice.rest();
    Ok(())
}

#[cfg(test)]
#[path = "tts_chunker_tests.rs"]
mod tests;
