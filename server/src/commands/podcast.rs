//! `lectern podcast`: a conversation of two voices as sound with chapters.

use super::several;
use crate::console::Console;
use crate::decks::{DeckOptions, PassingLesson, must_exist};
use crate::execute::Figures;
use crate::failure::Failure;
use crate::graphs::{GraphFile, GraphOptions};
use crate::outputs;
use crate::progress::{Doing, clock};
use crate::segmented::{SegmentOptions, Task, execute_graph};
use clap::Args;
use engine::graph::check::Depth;
use plugins::lesson::{ContentHash, Lesson, Speaker, dialogue, export};
use plugins::speech::voice::{VoiceError, another_voice, must_be_voice, voice_for};
use serde_json::json;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  lectern podcast interview.md -o interview.mp3          a script: lines that begin with HOST: and GUEST:
  lectern podcast report.pdf -o report.mp3 --minutes 5   a conversation about a document
  lectern podcast talk.pptx -o talk.wav --host joe --guest voices/NAME.onnx
  lectern podcast report.pdf --script talk.yaml          to be changed by hand, then: lectern podcast talk.yaml

In a script headings (# Title) begin chapters; other names than HOST and GUEST will do, whoever speaks
first is the host. The conversation about a deck or a document is made by --writer; without a language
model the sentences are shared between the two by rules. An MP3 has chapters, a WAV has none.";

/// Make a conversation of two voices as MP3 or WAV, of a script, a deck or a document.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    /// The script (.md, .txt with HOST: and GUEST:), deck, document or lesson.
    #[arg(value_name = "SCRIPT|DECK|DOCUMENT")]
    source: PathBuf,
    /// The sound: .mp3 with chapters, or .wav; the subtitles get its name with .srt and .vtt. [default: the source's name with .mp3, here]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Who leads: a name from `lectern voices`, or the path of a Piper voice (.onnx). [default: the usual voice of the language]
    #[arg(long, value_name = "VOICE")]
    host: Option<String>,
    /// Who answers. [default: another voice of the language, if there is one on this machine]
    #[arg(long, value_name = "VOICE")]
    guest: Option<String>,
    /// How words are said: a YAML file, `word: respelling` or `word: /IPA/`.
    #[arg(long, value_name = "FILE")]
    dictionary: Option<PathBuf>,
    /// Write the conversation as a lesson, to be changed by hand and read again, and make no sound.
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Replace the file of --script if it is there.
    #[arg(long, requires = "script")]
    force: bool,
    #[command(flatten)]
    deck_options: DeckOptions,
    #[command(flatten)]
    figures: Figures,
}

/// What a conversation calls its two voices.
const HOST: &str = "host";
const GUEST: &str = "guest";

/// Reads or writes the conversation, and speaks it.
pub fn run(options: Options, console: &Console) -> Result<(), Failure> {
    must_exist(&options.source)?;
    let output =
        options.output.clone().unwrap_or_else(|| PathBuf::from(options.source.file_stem().unwrap_or_default()).with_extension("mp3"));
    let source = options.source.as_path();
    let asked = || options.host.iter().chain(&options.guest);
    let mut inputs: Vec<PathBuf> = asked().flat_map(|voice| outputs::named_by(voice)).chain(options.dictionary.clone()).collect();
    inputs.extend(outputs::beside_deck(source));
    let inputs: Vec<&Path> = inputs.iter().map(PathBuf::as_path).chain([source]).collect();
    let written: Vec<PathBuf> = match &options.script {
        Some(script) => vec![script.clone()],
        None => [output.clone(), output.with_extension("srt"), output.with_extension("vtt")].into(),
    };
    let written: Vec<&PathBuf> = written.iter().chain(options.figures.files()).collect();
    written.iter().try_for_each(|path| outputs::check(path, &inputs))?;
    if let Some(script) = options.script.as_ref().filter(|script| script.exists() && !options.force) {
        return Err(Failure::Invalid(format!("{} is there already; --force replaces it", script.display())));
    }
    asked().try_for_each(|voice| must_be_voice(voice))?;
    let reading = Doing::start("reading", &options.source.display().to_string(), console);
    let mut lesson = options.deck_options.podcast(&options.source)?;
    let mut files = outputs::files_of(&lesson);
    if is_lesson(source) {
        // A conversation about it names none of its files.
        let whole = options.deck_options.fulfilled().import(source)?;
        files.extend(outputs::files_of(&whole));
    }
    drop(reading);
    written.iter().try_for_each(|path| outputs::is_none_of(path, &files))?;
    let said = dialogue(&lesson);
    let (own_host, own_guest) = (voice_of(&lesson, HOST), voice_of(&lesson, GUEST));
    let host = options.host.clone().or(own_host).map_or_else(|| voice_for(&lesson.language), Ok);
    let guest = |host: &str| options.guest.clone().or(own_guest).or_else(|| another_voice(host, &lesson.language));
    if let Some(file) = &options.script {
        // A conversation can be written in a language that nobody speaks yet.
        let host = host.ok();
        let guest = host.as_deref().map_or_else(|| options.guest.clone(), |host| Some(guest(host).unwrap_or_else(|| host.into())));
        for (name, voice) in [(HOST, host), (GUEST, guest)] {
            if let Some(voice) = voice {
                lesson.voices.insert(name.into(), speaker(voice)?);
            }
        }
        export(&lesson, file)?;
        console.event(&json!({ "event": "done", "file": file, "chapters": lesson.slides.len(), "turns": said.len() }));
        console.say(&format!("{}  {}", file.display(), several(said.len(), "turn")));
        console.lesson_warnings(&lesson.warnings);
        return Ok(());
    }
    let host = host?;
    let guest = guest(&host);
    if guest.is_none() {
        console.note("note: host and guest have the same voice; give one with --guest, or fetch more: scripts/setup kokoro");
    }
    let guest = guest.unwrap_or_else(|| host.clone());
    let passing = PassingLesson::of(&lesson)?;
    let dictionary = options.dictionary.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
    let text = |path: &Path| path.display().to_string();
    let set = [
        ("lesson", text(passing.file())),
        ("out", text(&output)),
        ("srt", text(&output.with_extension("srt"))),
        ("vtt", text(&output.with_extension("vtt"))),
        ("title", lesson.title.clone()),
        ("host", host.clone()),
        ("guest", guest.clone()),
        ("dictionary", dictionary),
    ];
    let set = set.map(|(name, value)| (name.to_string(), value)).to_vec();
    let (document, plan) = GraphFile::podcast().plan(&GraphOptions { profile: Vec::new(), set }, Depth::Environment)?;
    let task = Task { document: &document, source: &options.source, explain: false };
    let Some(report) = execute_graph(&task, plan, &SegmentOptions::default(), &options.figures, console)? else { return Ok(()) };
    let (seconds, chapters) = (report.media_seconds, lesson.slides.len());
    console.event(&json!({
        "event": "done", "file": output, "media_seconds": seconds, "wall_seconds": report.wall_seconds, "chapters": chapters, "turns": said.len(),
        "host": host, "guest": guest,
    }));
    let (turns, parts) = (several(said.len(), "turn"), several(chapters, "chapter"));
    console.say(&format!("{}  {}  {turns}, {parts}  {host} and {guest}", output.display(), clock(seconds)));
    console.lesson_warnings(&lesson.warnings);
    console.warnings(&report.warnings);
    Ok(())
}

/// Its content lies in more files than one.
fn is_lesson(source: &Path) -> bool {
    let is_file = |extension: &std::ffi::OsStr| ["yaml", "yml", "json"].iter().any(|known| extension.eq_ignore_ascii_case(known));
    source.is_dir() || source.extension().is_some_and(is_file)
}

/// The voice that a lesson gives this name.
fn voice_of(lesson: &Lesson, name: &str) -> Option<String> {
    Some(match lesson.voices.get(name)? {
        Speaker::Named(voice) => voice.clone(),
        Speaker::File { path, .. } => path.display().to_string(),
    })
}

/// A voice as a lesson has it.
fn speaker(voice: String) -> Result<Speaker, Failure> {
    if !voice.ends_with(".onnx") {
        return Ok(Speaker::Named(voice));
    }
    let path = PathBuf::from(voice);
    let bytes = std::fs::read(&path).map_err(|cause| VoiceError::File { path: path.clone(), cause })?;
    Ok(Speaker::File { hash: ContentHash::of(&bytes), path })
}
