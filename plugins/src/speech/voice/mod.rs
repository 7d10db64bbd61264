//! Voices: a clause of text in, sound with exact times out.
//!
//! Every engine gives what a lecture needs besides the sound: when each word and phoneme is spoken and which mouth shape goes with it.
//! A voice is deterministic (the same clause gives the same samples), speaks from several threads at once and never fails on odd text:
//! what it cannot say it reports in [`Synthesis::unspoken`].

mod align;
mod cached;
mod clause;
mod emphasis;
mod espeak;
mod gain;
mod kokoro;
mod onnx;
mod open;
mod pauses;
mod piper;
mod resample;
mod script;
mod sessions;
mod shared;
mod timing;

use std::ops::Range;
use std::path::PathBuf;

use engine::time::{Rate, Span};

use super::text::{Clause, Unspoken};
use super::viseme::Viseme;
use crate::models::ModelError;

pub use cached::CachedVoice;
pub use gain::{TARGET_LUFS, gain_for, gain_of, loudness, loudness_of_both};
pub use kokoro::kokoro_voices;
pub(crate) use open::primary;
pub use open::{Named, Settings, another_voice, must_be_voice, named_voices, open, voice_for};
pub use resample::resample;
pub use shared::shared;

/// The rate of all sound inside Lectern.
pub const SAMPLE_RATE: u32 = 48_000;

/// Why a word of a clause was not said, in [`Synthesis::unspoken`].
const FOREIGN_SCRIPT: &str = "a script that the voice does not read";

/// Samples as exact time.
pub const SAMPLES: Rate = Rate::per_second(SAMPLE_RATE);

/// Something with a time: from `at`, counted from the start of the clause's samples, for `dur` (never negative).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timed<T> {
    /// Start.
    pub at: Span,
    /// Length.
    pub dur: Span,
    /// What it is.
    pub value: T,
}

impl<T> Timed<T> {
    /// Where it ends.
    pub fn end(&self) -> Span {
        self.at + self.dur
    }
}

/// A spoken word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Its index in [`Clause::words`].
    pub token: usize,
    /// As written, without punctuation.
    pub text: String,
    /// Its bytes in the source text.
    pub range: Range<usize>,
    /// It carries a main stress in this clause (function words mostly do not).
    pub stressed: bool,
}

/// A speech sound in the International Phonetic Alphabet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phoneme {
    /// The symbol with its modifiers, without stress marks: `tʃ`, `ɜː`.
    pub ipa: String,
    /// The main stress mark stands before it.
    pub stressed: bool,
}

/// A clause, spoken.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Synthesis {
    /// Mono at [`SAMPLE_RATE`], nominally within -1..1, before any gain. Starts at most 20 ms before the first sound and ends 60 ms after
    /// the last one. Empty when nothing in the clause can be said.
    pub samples: Vec<f32>,
    /// Every spoken word of the clause, in order, not overlapping. A word that the voice slurs away has no length.
    pub words: Vec<Timed<Word>>,
    /// Every speech sound, in order, not overlapping.
    pub phonemes: Vec<Timed<Phoneme>>,
    /// Mouth shapes, gapless from zero to the end of the samples, neighbours different.
    pub visemes: Vec<Timed<Viseme>>,
    /// What was not said, from the clause and by the voice.
    pub unspoken: Vec<Unspoken>,
    /// Times are estimated, not taken from the engine.
    pub estimated: bool,
}

impl Synthesis {
    /// The length of the samples.
    pub fn duration(&self) -> Span {
        SAMPLES.span_of(self.samples.len() as i64)
    }
}

/// What goes wrong when speaking.
#[derive(Debug, thiserror::Error)]
pub enum VoiceError {
    /// A model file or the run-time library.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A voice file is missing or unreadable.
    #[error("cannot read the voice file {path}: {cause}. A Piper voice is a pair of files, NAME.onnx and NAME.onnx.json")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A voice file is there but is no voice that can be used.
    #[error("{path} is not a usable voice: {cause}")]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// The program that makes phonemes cannot be started.
    #[error("cannot run espeak-ng: {0}. Install the package espeak-ng")]
    NoPhonemizer(std::io::Error),
    /// The program that makes phonemes failed.
    #[error("espeak-ng failed on \"{text}\": {cause}")]
    Phonemizer {
        /// What it was given.
        text: String,
        /// What happened.
        cause: String,
    },
    /// The model failed.
    #[error("the model of voice `{voice}` failed on \"{text}\": {cause}")]
    Inference {
        /// The voice.
        voice: String,
        /// The clause.
        text: String,
        /// What the run-time library said.
        cause: String,
    },
    /// The rate of a voice cannot be converted.
    #[error("cannot convert sound from {rate} Hz to {SAMPLE_RATE} Hz: {cause}")]
    Rate {
        /// The voice's rate.
        rate: u32,
        /// Why.
        cause: String,
    },
    /// Nobody speaks this language.
    #[error(
        "there is no voice for the language \"{language}\". Add one: fetch a Piper voice of it (NAME.onnx and NAME.onnx.json, for example from \
         huggingface.co/rhasspy/piper-voices) and give its path, --voice PATH/NAME.onnx"
    )]
    NoVoice {
        /// Its tag.
        language: String,
    },
    /// A setting is out of its range.
    #[error("speech setting {name} = {value} is out of range; it must be {range}")]
    Setting {
        /// Its name.
        name: &'static str,
        /// What was given.
        value: String,
        /// What is allowed.
        range: &'static str,
    },
}

/// A speaking voice.
pub trait Voice: Send + Sync {
    /// A short name for people and logs: `joe`.
    fn id(&self) -> &str;

    /// BCP 47 tag of the language it speaks: `en-US`.
    fn language(&self) -> &str;

    /// Samples per second of the engine itself, before conversion.
    fn sample_rate(&self) -> u32;

    /// Hash of all that shapes its sound besides the text: model, settings, versions of the programs used, revision of this code.
    fn fingerprint(&self) -> blake3::Hash;

    /// Speaks a clause. May be called from several threads.
    ///
    /// # Errors
    /// Only for what is wrong with the machine or the voice, never for what is wrong with the text.
    fn synthesize(&self, clause: &Clause) -> Result<Synthesis, VoiceError>;

    /// How loud its speech is before any gain, in LUFS, where that is known without measuring it.
    fn loudness(&self) -> Option<f64> {
        None
    }

    /// Gives back what only speaking needs, mostly memory. The next clause takes it anew.
    fn rest(&self) {}
}

#[cfg(test)]
mod tests;
