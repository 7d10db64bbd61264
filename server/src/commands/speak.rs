//! `lectern speak`: a text as sound, with the times of words and mouth shapes.

use super::several;
use crate::console::Console;
use crate::failure::Failure;
use crate::outputs;
use crate::progress::clock;
use crate::signals::Signals;
use clap::Args;
use engine::time::Span;
use plugins::lesson::Pronunciations;
use plugins::part_file::{self, PartFile};
use plugins::sound::limited;
use plugins::speech::text::{Options as ClauseLengths, narrate_by};
use plugins::speech::voice::{CachedVoice, SAMPLE_RATE, SAMPLES, Settings, Synthesis, Timed, Voice, VoiceError, gain_for, shared};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufWriter, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// More text than anybody speaks in one go.
const LONGEST: u64 = 1 << 20;

const EXAMPLES: &str = "\
Examples:
  lectern speak \"Good morning. [pause 0.5s] Shall we begin?\" -o hello.wav
  lectern speak - -o notes.wav --times notes.json < notes.txt
  lectern speak \"Faster.\" -o fast.wav --speed 1.3";

/// Speak a text into a WAV file.
///
/// Marks work as in speaker notes: [pause 0.5s] is a pause, [voice NAME] another voice.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    /// What to say; - reads it from standard input.
    #[arg(value_name = "TEXT")]
    text: String,
    /// The sound: WAV, mono, 48 kHz, 16 bit.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Write when words, phonemes and mouth shapes begin and end, in seconds, as JSON.
    #[arg(long, value_name = "FILE")]
    times: Option<PathBuf>,
    /// Who speaks: a name from `lectern voices`, or the path of a Piper voice (.onnx).
    #[arg(long, value_name = "VOICE", default_value = "default")]
    voice: String,
    /// How words are said: a YAML file, `word: respelling` or `word: /IPA/`.
    #[arg(long, value_name = "FILE")]
    dictionary: Option<PathBuf>,
    /// How fast: 0.5 to 2.
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    speed: f32,
}

/// Sound so far, and what happens when in it.
#[derive(Default)]
struct Spoken {
    samples: Vec<f32>,
    words: Vec<Value>,
    phonemes: Vec<Value>,
    visemes: Vec<Value>,
    unspoken: Vec<String>,
}

/// Voices that have spoken, each with the factor that brings it to the loudness of all.
struct Voices {
    settings: Settings,
    open: BTreeMap<String, (Arc<CachedVoice>, f32)>,
}

impl Voices {
    fn get(&mut self, name: &str) -> Result<&(Arc<CachedVoice>, f32), VoiceError> {
        if !self.open.contains_key(name) {
            let voice = shared(name, self.settings)?;
            let gain = gain_for(&*voice, voice.cache())?;
            self.open.insert(name.to_owned(), (voice, gain));
        }
        Ok(&self.open[name])
    }
}

/// Speaks.
pub fn run(options: Options, console: &Console) -> Result<(), Failure> {
    let signals = Signals::listen();
    let written: Vec<&PathBuf> = [Some(&options.output), options.times.as_ref()].into_iter().flatten().collect();
    if options.output.extension().is_none_or(|extension| !extension.eq_ignore_ascii_case("wav")) {
        return Err(Failure::Invalid(format!(
            "the sound is a WAV file, {} would not be seen as one; end its name in .wav",
            options.output.display()
        )));
    }
    let inputs: Vec<PathBuf> = options.dictionary.iter().cloned().chain(outputs::named_by(&options.voice)).collect();
    let inputs: Vec<&Path> = inputs.iter().map(PathBuf::as_path).collect();
    for path in &written {
        outputs::check(path, &inputs)?;
    }
    if written.len() == 2 && written[0] == written[1] {
        return Err(Failure::Invalid("the sound and the times cannot be one file".into()));
    }
    let text = text_of(&options.text)?;
    let settings = Settings { speed: options.speed, ..Settings::default() };
    let words = options.dictionary.as_deref().map(Pronunciations::read).transpose()?.unwrap_or_default();
    let mut voices = Voices { settings, open: BTreeMap::new() };
    let script = narrate_by(&words, &text, voices.get(&options.voice)?.0.language(), ClauseLengths::default());
    if script.clauses.is_empty() {
        return Err(Failure::Invalid("there is nothing to say in this text".into()));
    }
    let mut spoken = Spoken::default();
    spoken.silence(script.lead);
    for (index, clause) in script.clauses.iter().enumerate() {
        if let Some(signal) = signals.aborted() {
            return Err(Failure::Aborted(signal));
        }
        let (voice, gain) = voices.get(clause.voice.as_deref().unwrap_or(&options.voice))?;
        spoken.add(&voice.synthesize(clause)?, *gain);
        if index + 1 < script.clauses.len() {
            spoken.silence(clause.pause_after);
        }
    }
    if spoken.words.is_empty() {
        let why = spoken.unspoken.first().map_or_else(String::new, |text| format!(": {text}"));
        return Err(Failure::Invalid(format!("there is nothing to say in this text{why}")));
    }
    let failed = |path: &Path, error: &dyn std::error::Error| Failure::Failed(format!("cannot write {}: {error}", path.display()));
    let sound = wav(&limited(&spoken.samples, SAMPLES), &options.output).map_err(|error| failed(&options.output, &*error))?;
    let seconds = spoken.samples.len() as f64 / f64::from(SAMPLE_RATE);
    if let Some(path) = &options.times {
        let Spoken { words, phonemes, visemes, .. } = &spoken;
        let times = json!({ "seconds": seconds, "words": words, "phonemes": phonemes, "visemes": visemes });
        part_file::write(path, format!("{times:#}\n").as_bytes()).map_err(|error| failed(path, &error.cause))?;
    }
    // Only now: half of what was asked for is nothing.
    sound.publish().map_err(|error| failed(&options.output, &error.cause))?;
    console.event(&json!({ "event": "done", "file": options.output, "seconds": seconds, "words": spoken.words.len() }));
    console.say(&format!("{}  {}  {}", options.output.display(), clock(seconds), several(spoken.words.len(), "word")));
    spoken.unspoken.iter().for_each(|text| console.note(&format!("warning: {text}")));
    Ok(())
}

fn text_of(argument: &str) -> Result<String, Failure> {
    if argument != "-" {
        return Ok(argument.to_string());
    }
    let mut text = String::new();
    let read = std::io::stdin().lock().take(LONGEST).read_to_string(&mut text);
    read.map_err(|error| Failure::Invalid(format!("standard input cannot be read as text: {error}")))?;
    Ok(text)
}

impl Spoken {
    fn silence(&mut self, span: Span) {
        self.samples.extend(std::iter::repeat_n(0.0, SAMPLES.count_in(span).max(0) as usize));
    }

    fn add(&mut self, clause: &Synthesis, gain: f32) {
        let start = SAMPLES.span_of(self.samples.len() as i64);
        fn timed<T>(start: Span, item: &Timed<T>, name: &str, value: Value) -> Value {
            json!({ name: value, "start": (start + item.at).as_seconds(), "end": (start + item.end()).as_seconds() })
        }
        self.words.extend(clause.words.iter().map(|word| timed(start, word, "word", word.value.text.as_str().into())));
        self.phonemes.extend(clause.phonemes.iter().map(|phoneme| timed(start, phoneme, "phoneme", phoneme.value.ipa.as_str().into())));
        self.visemes.extend(clause.visemes.iter().map(|viseme| timed(start, viseme, "viseme", json!(viseme.value))));
        self.unspoken.extend(clause.unspoken.iter().map(|part| format!("\"{}\" is not spoken: {}", part.text, part.reason)));
        self.samples.extend(clause.samples.iter().map(|sample| sample * gain));
    }
}

/// The sound in a file that is still to be published.
fn wav(samples: &[f32], path: &Path) -> Result<PartFile, Box<dyn std::error::Error>> {
    let spec = hound::WavSpec { channels: 1, sample_rate: SAMPLE_RATE, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let part = PartFile::create(path)?;
    let mut writer = hound::WavWriter::new(BufWriter::new(part.handle()?), spec)?;
    for sample in samples {
        writer.write_sample((sample.clamp(-1.0, 1.0) * f32::from(i16::MAX)).round() as i16)?;
    }
    writer.finalize()?;
    Ok(part)
}
