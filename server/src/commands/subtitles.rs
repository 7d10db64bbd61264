//! `lectern subtitles`: those of a finished film in another language.

use super::several;
use crate::console::Console;
use crate::decks::{language_tag, translator};
use crate::failure::Failure;
use crate::outputs;
use crate::subtitles::{Translation, beside};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  lectern subtitles talk.srt --to fr              writes talk.fr.srt and talk.fr.vtt
  lectern subtitles talk.srt --from de --to zh-Hans

The language model is that of LECTERN_WRITER_URL, LECTERN_WRITER_MODEL and LECTERN_WRITER_KEY (or _KEY_FILE).";

/// Translate the subtitles of a finished film.
///
/// A language model translates what is said; when it is shown stays, and lines are broken anew.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    /// The subtitles, SubRip, as `lectern render` writes them beside a film.
    #[arg(value_name = "FILE.srt")]
    file: PathBuf,
    /// The language that is wished for, as a BCP 47 tag: fr, zh-Hans.
    #[arg(long, value_name = "TAG")]
    to: String,
    /// The language that they are in. [default: what the text tells]
    #[arg(long, value_name = "TAG")]
    from: Option<String>,
    /// The address of an OpenAI-compatible service. [default: LECTERN_WRITER_URL]
    #[arg(long, value_name = "URL")]
    writer: Option<String>,
}

/// Translates.
pub fn run(options: Options, console: &Console) -> Result<(), Failure> {
    let Options { file, to, from, writer } = options;
    let from = from.map(|tag| language_tag("--from", &tag)).transpose()?;
    let language = language_tag("--to", &to)?;
    for path in beside(&file, &language) {
        outputs::check(&path, &[&file])?;
    }
    let translation = Translation { writer: translator(writer.as_deref())?, language };
    let made = translation.make(
        &file,
        &file,
        |subtitles| {
            let told = from.or_else(|| subtitles.language().map(String::from));
            told.ok_or_else(|| Failure::Invalid(format!("the text of {} does not tell its language; say it with --from", file.display())))
        },
        console,
    )?;
    let [srt, vtt] = &made.files;
    console.event(&json!({ "event": "done", "srt": srt, "vtt": vtt, "captions": made.captions }));
    console.say(&format!("{}  {}  {}", srt.display(), vtt.display(), several(made.captions, "caption")));
    console.lesson_warnings(&made.warnings);
    Ok(())
}
