//! Kokoro-82M: a StyleTTS 2 model (Li et al. 2023) with an ISTFT vocoder, one model for many voices in several languages.
//!
//! The model reads phonemes (with a zero at both ends), a style of 256 numbers that says whose voice it is (one for each count of
//! phonemes), and a speed; it makes 24,000 samples a second. The durations of the phonemes are the inner tensor [`DURATIONS`], in frames of
//! [`HOP`] samples. The export has no random part.

mod symbols;

use std::ops::Range;
use std::path::PathBuf;

use engine::time::Rate;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::Tensor;

use super::clause::{Symbols, Words, speak};
use super::espeak::Phonemizer;
use super::sessions::{self, Sessions};
use super::{Settings, Synthesis, TARGET_LUFS, Voice, VoiceError, gain, onnx, pauses, timing};
use crate::models::{self, ModelError};
use crate::speech::text::Clause;

/// Raised when the same clause would sound or be timed differently.
const REVISION: u32 = 8;
/// What names of these voices begin with.
pub(super) const PREFIX: &str = "kokoro:";
pub(super) const MODEL: &str = "voice:kokoro";
/// Frames per id.
const DURATIONS: &str = "/encoder/Clip_output_0";
/// Samples to a frame.
const HOP: i64 = 600;
const RATE: u32 = 24_000;
/// Beyond this is no speech: at its very ends the quantised model may make numbers without bounds.
const LOUDEST: f32 = 1.2;
/// Numbers of a style.
const STYLE: usize = 256;
/// Styles of a voice: one for each count of ids, and so the most ids.
const MOST: usize = 510;

/// The languages by the first letter of a voice's name: tag, name of espeak-ng's voice. Those of Japanese and Chinese are missing: nothing
/// here writes their words in phonemes.
const LANGUAGES: &[(char, &str, &str)] = &[
    ('a', "en-US", "en-us"),
    ('b', "en-GB", "en-gb"),
    ('e', "es", "es"),
    ('f', "fr", "fr-fr"),
    ('h', "hi", "hi"),
    ('i', "it", "it"),
    ('p', "pt-BR", "pt-br"),
];

/// All voices with their language tags, in the order of the manifest.
pub fn kokoro_voices() -> impl Iterator<Item = (String, &'static str)> {
    let model = models::find(MODEL).ok();
    let files = model.into_iter().flat_map(|model| &model.files).filter_map(|file| file.name.strip_suffix(".bin"));
    files.filter_map(|name| Some((format!("{PREFIX}{name}"), LANGUAGES.iter().find(|(letter, ..)| name.starts_with(*letter))?.1)))
}

/// One voice of the model.
pub(super) struct KokoroVoice {
    id: String,
    language: &'static str,
    model: PathBuf,
    /// [`STYLE`] numbers for each count of ids.
    styles: Vec<f32>,
    rules: Vec<(&'static str, &'static str)>,
    phonemizer: Phonemizer,
    speed: f32,
    fingerprint: blake3::Hash,
    sessions: Sessions,
}

impl KokoroVoice {
    /// Opens a voice by its name in the manifest, `af_heart`, as `kokoro:af_heart`.
    pub fn open(id: &str, settings: Settings) -> Result<KokoroVoice, VoiceError> {
        let name = id.strip_prefix(PREFIX).unwrap_or(id);
        let known = LANGUAGES.iter().find(|(letter, ..)| name.starts_with(*letter));
        let Some((&(_, language, espeak), _)) = known.zip(kokoro_voices().find(|(known, _)| known == id)) else {
            return Err(ModelError::NoVoice { name: id.to_owned() }.into());
        };
        settings.check()?;
        if settings.speaker > 0 {
            return Err(VoiceError::Setting {
                name: "speaker",
                value: settings.speaker.to_string(),
                range: "0: each voice is one speaker",
            });
        }
        let model = models::locate(MODEL)?;
        let path = model.with_file_name(format!("{name}.bin"));
        let bytes = std::fs::read(&path).map_err(|cause| VoiceError::File { path: path.clone(), cause })?;
        if bytes.len() != MOST * STYLE * 4 {
            let cause = format!("it has {} bytes, and a voice of Kokoro has {}; run scripts/setup kokoro", bytes.len(), MOST * STYLE * 4);
            return Err(VoiceError::Format { path, cause });
        }
        let styles = bytes.chunks_exact(4).map(|number| f32::from_le_bytes([number[0], number[1], number[2], number[3]])).collect();
        let phonemizer = Phonemizer::new(espeak)?;
        models::environment()?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(&REVISION.to_le_bytes()).update(b"kokoro").update(&bytes);
        // The manifest names the model's bytes.
        hasher.update(models::find(MODEL)?.files[0].sha256.as_bytes()).update(&settings.speed.to_le_bytes());
        hasher.update(phonemizer.version().as_bytes()).update(ort::info().as_bytes());
        Ok(KokoroVoice {
            id: id.to_owned(),
            language,
            model,
            styles,
            rules: symbols::rules(espeak),
            phonemizer,
            speed: settings.speed,
            fingerprint: hasher.finalize(),
            sessions: Sessions::new(settings.parallel),
        })
    }

    fn session(&self) -> Result<Session, VoiceError> {
        let mut model = std::fs::read(&self.model).map_err(|cause| VoiceError::File { path: self.model.clone(), cause })?;
        let unusable = |cause: String| VoiceError::Format { path: self.model.clone(), cause };
        if !onnx::expose(&mut model, DURATIONS) {
            return Err(unusable(format!("it has no tensor {DURATIONS}; run scripts/setup kokoro")));
        }
        sessions::build(&model, GraphOptimizationLevel::Level3).map_err(|error| unusable(error.to_string()))
    }

    /// Runs the model: samples, and frames per id, those at both ends included.
    fn infer(&self, ids: &[(i64, Range<usize>)]) -> Result<(Vec<f32>, Vec<f32>), VoiceError> {
        let mut session = self.sessions.lend(|| self.session())?;
        let style = &self.styles[(ids.len().min(MOST) - 1) * STYLE..][..STYLE];
        let tokens: Vec<i64> = [0].into_iter().chain(ids.iter().map(|(id, _)| *id)).chain([0]).collect();
        let run = || -> ort::Result<(Vec<f32>, Vec<f32>)> {
            let outputs = session.run(ort::inputs![
                "tokens" => Tensor::from_array(([1, tokens.len()], tokens))?,
                "style" => Tensor::from_array(([1, STYLE], style.to_vec()))?,
                "speed" => Tensor::from_array(([1], vec![self.speed]))?,
            ])?;
            let numbers = |name: &str| outputs[name].try_extract_tensor::<f32>().map(|(_, numbers)| numbers.to_vec());
            let samples =
                numbers("audio")?.into_iter().map(|sample| if sample.is_finite() { sample.clamp(-LOUDEST, LOUDEST) } else { 0.0 });
            Ok((samples.collect(), numbers(DURATIONS)?))
        };
        run().map_err(|error| VoiceError::Inference { voice: self.id.clone(), text: String::new(), cause: error.to_string() })
    }

    /// Speaks the words that can be spoken.
    fn speak(&self, clause: &Clause, words: &Words<'_>) -> Result<Synthesis, VoiceError> {
        let mut symbols = words.symbols(&self.phonemizer, clause, &self.id)?;
        let mut ids = symbols::ids(&symbols, &self.rules);
        if ids.len() > MOST {
            tracing::warn!(voice = self.id, text = clause.text, "a clause is too long for this voice; its end is cut");
            symbols.truncate(ids[MOST].1.start);
            ids.truncate(MOST);
        }
        if ids.is_empty() {
            return Ok(Synthesis::default());
        }
        let (samples, frames) = self.infer(&ids)?;
        let groups = timing::group(&symbols);
        let exact = frames.len() == ids.len() + 2;
        let times = if exact { times(&symbols, &ids, &frames) } else { Vec::new() };
        let mut times: Vec<Range<i64>> = if exact {
            groups.iter().map(|group| times[group.symbols.start].start..times[group.symbols.end - 1].end).collect()
        } else {
            timing::estimated(&groups, &samples)
        };
        let rate = Rate::per_second(RATE);
        pauses::fit(&symbols, &groups, &mut times, &samples, rate);
        let mut synthesis = words.synthesis(&groups, times, samples, rate, !exact)?;
        // The model speaks some clauses several decibels louder than others.
        gain::level(&mut synthesis.samples);
        Ok(synthesis)
    }
}

/// The samples of each phoneme: an id that stands for several is shared evenly, a phoneme without id has no length.
fn times(symbols: &Symbols, ids: &[(i64, Range<usize>)], frames: &[f32]) -> Vec<Range<i64>> {
    let mut times: Vec<Option<Range<i64>>> = vec![None; symbols.len()];
    let mut at = frames[0].round() as i64 * HOP;
    for ((_, place), frames) in ids.iter().zip(&frames[1..]) {
        let length = frames.round().max(0.0) as i64 * HOP;
        let count = place.len() as i64;
        for (index, symbol) in place.clone().enumerate() {
            let (from, to) = (at + length * index as i64 / count, at + length * (index as i64 + 1) / count);
            // Two ids of one phoneme follow each other.
            times[symbol] = Some(times[symbol].as_ref().map_or(from, |time| time.start)..to);
        }
        at += length;
    }
    let mut last = times.iter().flatten().next().map_or(0, |time| time.start);
    times
        .into_iter()
        .map(|time| {
            let time = time.unwrap_or(last..last);
            last = time.end;
            time
        })
        .collect()
}

impl Voice for KokoroVoice {
    fn id(&self) -> &str {
        &self.id
    }

    fn language(&self) -> &str {
        self.language
    }

    fn sample_rate(&self) -> u32 {
        RATE
    }

    fn fingerprint(&self) -> blake3::Hash {
        self.fingerprint
    }

    fn loudness(&self) -> Option<f64> {
        Some(TARGET_LUFS)
    }

    fn synthesize(&self, clause: &Clause) -> Result<Synthesis, VoiceError> {
        speak(clause, (&self.id, self.language), |words| self.speak(clause, words))
    }

    fn rest(&self) {
        self.sessions.clear();
    }
}
