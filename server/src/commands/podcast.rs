//! `lectern podcast`: a conversation of two voices as sound with chapters.

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
use plugins::lesson::{dialogue, export};
use plugins::speech::voice::{another_voice, voice_for};
use serde_json::json;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  lectern podcast interview.md -o interview.mp3          a script: lines that begin with HOST: and GUEST:
  lectern podcast report.pdf -o report.mp3 --minutes 5   a conversation about a document
  lectern podcast talk.pptx -o talk.wav --host joe --guest voices/NAME.onnx

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
    #[command(flatten)]
    deck_options: DeckOptions,
    #[command(flatten)]
    figures: Figures,
}

/// Reads or writes the conversation, and speaks it.
pub fn run(options: Options, console: &Console) -> Result<(), Failure> {
    must_exist(&options.source)?;
    let output =
        options.output.clone().unwrap_or_else(|| PathBuf::from(options.source.file_stem().unwrap_or_default()).with_extension("mp3"));
    let source = options.source.as_path();
    options.figures.check(&[source])?;
    outputs::check(options.script.as_ref().unwrap_or(&output), &[source])?;
    let reading = Doing::start("reading", &options.source.display().to_string(), console);
    let lesson = options.deck_options.podcast(&options.source)?;
    drop(reading);
    let said = dialogue(&lesson);
    if let Some(file) = &options.script {
        export(&lesson, file)?;
        console.event(&json!({ "event": "done", "file": file, "chapters": lesson.slides.len(), "turns": said.len() }));
        console.say(&format!("{}  {} turns", file.display(), said.len()));
        console.lesson_warnings(&lesson.warnings);
        return Ok(());
    }
    let host = match &options.host {
        Some(voice) => voice.clone(),
        None => voice_for(&lesson.language)?,
    };
    let guest = options.guest.clone().or_else(|| another_voice(&host, &lesson.language));
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
    console.say(&format!("{}  {}  {} turns, {chapters} chapters  {host} and {guest}", output.display(), clock(seconds), said.len()));
    console.lesson_warnings(&lesson.warnings);
    console.warnings(&report.warnings);
    Ok(())
}
