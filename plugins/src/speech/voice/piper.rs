//! Piper voices: VITS models (Kim, Kong, Son 2021) that read phonemes and make sound in one pass.
//!
//! A voice is `NAME.onnx` with `NAME.onnx.json` beside it. What the model reads, as Piper's training wrote it: phonemes of espeak-ng as
//! decomposed (NFD) code points, the id of `^`, then every symbol with the blank `_` after each, then `$`; punctuation counts as a symbol.
//! `scales` are the noise of the sound, the length, and the noise of the durations. Both noises are 0 here: then the model is a function
//! (the usual 0.667 and 0.8 sound a little livelier and differ from run to run). The durations are the inner tensor
//! [`DURATIONS`], made visible when loading, in frames of [`HOP`] samples.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use engine::time::Rate;
use ort::session::builder::GraphOptimizationLevel;
use ort::session::{RunOptions, Session};
use ort::value::Tensor;
use serde::Deserialize;

use super::clause::{Words, speak};
use super::espeak::Phonemizer;
use super::sessions::{self, Sessions};
use super::{Settings, Synthesis, Voice, VoiceError, onnx, timing};
use crate::models;
use crate::speech::text::Clause;

/// Raised when the same clause would sound or be timed differently.
const REVISION: u32 = 7;
/// Frames per id, before they are rounded up to the sound's length; every Piper export has it under this name.
const DURATIONS: &str = "/Ceil_output_0";
/// A clause of more ids, spoken as it is, is a long one: some five seconds of speech.
const LONG: f32 = 200.0;
/// Samples to a frame.
const HOP: usize = 256;

#[derive(Deserialize)]
struct Config {
    audio: AudioConfig,
    espeak: EspeakConfig,
    #[serde(default)]
    phoneme_type: Option<String>,
    #[serde(default)]
    phoneme_map: BTreeMap<String, Vec<String>>,
    phoneme_id_map: BTreeMap<String, Vec<i64>>,
    #[serde(default)]
    num_speakers: u32,
    #[serde(default)]
    language: LanguageConfig,
}

#[derive(Deserialize)]
struct AudioConfig {
    sample_rate: u32,
}

#[derive(Deserialize)]
struct EspeakConfig {
    voice: String,
}

#[derive(Default, Deserialize)]
struct LanguageConfig {
    #[serde(default)]
    code: String,
}

/// A Piper voice. Loading reads its description and, unless the manifest names them, hashes the model's bytes; the model is built at the first
/// clause.
pub struct PiperVoice {
    id: String,
    language: String,
    path: PathBuf,
    rate: Rate,
    config: Config,
    phonemizer: Phonemizer,
    settings: Settings,
    loudness: Option<f64>,
    fingerprint: blake3::Hash,
    sessions: Sessions,
}

impl PiperVoice {
    /// Opens a voice by its name in the manifest (`joe`, `default`) or by the path of its `.onnx` file.
    ///
    /// # Errors
    /// All of [`VoiceError`] but `Inference`: files missing or not of a voice, settings out of range, espeak-ng missing.
    pub fn open(voice: &str, settings: Settings) -> Result<PiperVoice, VoiceError> {
        if voice.ends_with(".onnx") {
            let name = Path::new(voice).file_stem().map_or(voice.into(), |stem| stem.to_string_lossy());
            return PiperVoice::load(&name, Path::new(voice), None, settings);
        }
        let name = if voice == "default" { models::DEFAULT_VOICE } else { voice };
        let id = format!("voice:{name}");
        let (model, path) = (models::find(&id)?, models::locate(&id)?);
        let file = model.files.iter().find(|file| path.ends_with(&file.name));
        let loudness = model.loudness_lufs.filter(|_| settings.speaker == 0);
        Ok(PiperVoice { loudness, ..PiperVoice::load(name, &path, file.map(|file| file.sha256.as_str()), settings)? })
    }

    /// `sha256`: of the model's bytes, where it is known; else they are read for their hash.
    fn load(id: &str, path: &Path, sha256: Option<&str>, settings: Settings) -> Result<PiperVoice, VoiceError> {
        let read = |path: &Path| std::fs::read(path).map_err(|cause| VoiceError::File { path: path.to_owned(), cause });
        let config_path = PathBuf::from(format!("{}.json", path.display()));
        let json = read(&config_path)?;
        let unusable = |cause: String| VoiceError::Format { path: config_path.clone(), cause };
        let config: Config = serde_json::from_slice(&json).map_err(|error| unusable(error.to_string()))?;
        if config.phoneme_type.as_deref().is_some_and(|kind| kind != "espeak") {
            return Err(unusable("its phoneme_type is not espeak, the only one known here".to_owned()));
        }
        if let Some(mark) = ["^", "_", "$"].into_iter().find(|mark| config.phoneme_id_map.get(*mark).is_none_or(Vec::is_empty)) {
            return Err(unusable(format!("its phoneme_id_map has no `{mark}`")));
        }
        settings.check()?;
        if settings.speaker >= config.num_speakers.max(1) {
            return Err(VoiceError::Setting {
                name: "speaker",
                value: settings.speaker.to_string(),
                range: "below the number of speakers of the voice",
            });
        }
        let rate = Rate::new(config.audio.sample_rate, 1)
            .ok_or_else(|| unusable(format!("its sample rate of {} Hz is not one used for sound", config.audio.sample_rate)))?;
        let phonemizer = Phonemizer::new(&config.espeak.voice)?;
        models::environment()?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(&REVISION.to_le_bytes()).update(blake3::hash(&json).as_bytes());
        match sha256 {
            Some(sum) => hasher.update(sum.as_bytes()),
            None => hasher.update(blake3::hash(&read(path)?).as_bytes()),
        };
        hasher.update(&settings.speed.to_le_bytes()).update(&settings.speaker.to_le_bytes());
        hasher.update(phonemizer.version().as_bytes()).update(ort::info().as_bytes());
        Ok(PiperVoice {
            id: id.to_owned(),
            language: language(&config),
            path: path.to_owned(),
            rate,
            phonemizer,
            settings,
            fingerprint: hasher.finalize(),
            sessions: Sessions::new(settings.parallel),
            loudness: None,
            config,
        })
    }

    fn session(&self) -> Result<Session, VoiceError> {
        let mut model = std::fs::read(&self.path).map_err(|cause| VoiceError::File { path: self.path.clone(), cause })?;
        if !onnx::expose(&mut model, DURATIONS) {
            tracing::warn!(voice = self.id, tensor = DURATIONS, "the model does not tell its durations: word times are estimated");
        }
        // More of it takes longer than a few minutes of speech would win back.
        sessions::build(&onnx::without_shapes(model), GraphOptimizationLevel::Level1)
            .map_err(|error| VoiceError::Format { path: self.path.clone(), cause: error.to_string() })
    }

    /// The ids of the symbols, and where each symbol's lie. Symbols that the voice does not know have none.
    fn ids(&self, symbols: &[(char, Option<usize>)]) -> (Vec<i64>, Vec<Range<usize>>) {
        let known = |symbol: &str| self.config.phoneme_id_map.get(symbol).map_or(&[][..], Vec::as_slice);
        let blank = known("_");
        let mut ids = [known("^"), blank].concat();
        let mut places = Vec::with_capacity(symbols.len());
        let mut buffer = [0; 4];
        for (ch, _) in symbols {
            let symbol: &str = ch.encode_utf8(&mut buffer);
            let start = ids.len();
            match self.config.phoneme_map.get(symbol) {
                Some(mapped) => mapped.iter().for_each(|symbol| ids.extend(known(symbol))),
                None => ids.extend(known(symbol)),
            }
            places.push(start..ids.len());
            if ids.len() > start {
                ids.extend(blank);
            }
        }
        ids.extend(known("$"));
        (ids, places)
    }

    /// Runs the model: samples at its own rate, and frames per id where it tells.
    fn infer(&self, ids: Vec<i64>) -> Result<(Vec<f32>, Option<Vec<f32>>), VoiceError> {
        let mut session = self.sessions.lend(|| self.session())?;
        let run = || -> ort::Result<(Vec<f32>, Option<Vec<f32>>)> {
            let count = ids.len();
            let mut inputs = ort::inputs![
                "input" => Tensor::from_array(([1, count], ids))?,
                "input_lengths" => Tensor::from_array(([1], vec![count as i64]))?,
                "scales" => Tensor::from_array(([3], vec![0.0, 1.0 / self.settings.speed, 0.0]))?,
            ];
            if self.config.num_speakers > 1 {
                inputs.push(("sid".into(), Tensor::from_array(([1], vec![i64::from(self.settings.speaker)]))?.into()));
            }
            // What a long clause worked in would be kept for ever, and is given back; the others work in what is there, for a tenth of the time
            // goes into asking for it anew. (300 slides take 1.05 times the memory of ten.)
            let mut options = RunOptions::new()?;
            if count as f32 / self.settings.speed > LONG {
                options.set("memory.enable_memory_arena_shrinkage", "cpu:0")?;
            }
            let outputs = session.run_with_options(inputs, &options)?;
            let frames =
                outputs.get(DURATIONS).map(|tensor| tensor.try_extract_tensor::<f32>().map(|(_, frames)| frames.to_vec())).transpose()?;
            Ok((outputs["output"].try_extract_tensor::<f32>()?.1.to_vec(), frames))
        };
        let (samples, frames) =
            run().map_err(|error| VoiceError::Inference { voice: self.id.clone(), text: String::new(), cause: error.to_string() })?;
        let frames = frames.filter(|frames| frames.iter().map(|frames| *frames as usize * HOP).sum::<usize>() == samples.len());
        Ok((samples, frames))
    }

    /// Speaks the words that can be spoken.
    fn speak(&self, clause: &Clause, words: &Words<'_>) -> Result<Synthesis, VoiceError> {
        let mut symbols = words.symbols(&self.phonemizer, clause, &self.id)?;
        let (ids, mut places) = self.ids(&symbols);
        // Symbols without ids cannot be timed and are not heard.
        let mut kept = places.iter().map(|place| !place.is_empty());
        symbols.retain(|_| kept.next() == Some(true));
        places.retain(|place| !place.is_empty());
        let groups = timing::group(&symbols);
        let (samples, frames) = self.infer(ids)?;
        let estimated = frames.is_none();
        let times = match frames {
            Some(frames) => timing::exact(&groups, &places, &frames, HOP),
            None => timing::estimated(&groups, &samples),
        };
        words.synthesis(&groups, times, samples, self.rate, estimated)
    }
}

impl Voice for PiperVoice {
    fn id(&self) -> &str {
        &self.id
    }

    fn language(&self) -> &str {
        &self.language
    }

    fn sample_rate(&self) -> u32 {
        self.config.audio.sample_rate
    }

    fn fingerprint(&self) -> blake3::Hash {
        self.fingerprint
    }

    fn synthesize(&self, clause: &Clause) -> Result<Synthesis, VoiceError> {
        speak(clause, (&self.id, &self.language), |words| self.speak(clause, words))
    }

    fn loudness(&self) -> Option<f64> {
        self.loudness
    }

    fn rest(&self) {
        self.sessions.clear();
    }
}

/// `en_US` of newer files, else made from espeak's name: `en-us` -> `en-US`.
fn language(config: &Config) -> String {
    if !config.language.code.is_empty() {
        return config.language.code.replace('_', "-");
    }
    match config.espeak.voice.split_once('-') {
        Some((primary, region)) => format!("{primary}-{}", region.to_uppercase()),
        None => config.espeak.voice.clone(),
    }
}
