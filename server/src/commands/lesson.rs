//! `lectern lesson`: what an importer made of a deck.

use super::several;
use crate::console::Console;
use crate::decks::DeckOptions;
use crate::estimate;
use crate::failure::Failure;
use crate::outputs;
use crate::progress::clock;
use clap::{Args, Subcommand};
use engine::time::Span;
use plugins::lesson::{Lesson, Narration, Slide, Visual, export};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  lectern lesson show talk.pptx
  lectern lesson export talk.pptx -o talk/lesson.yaml    to be edited, then rendered
  lectern lesson export notes.docx -o talk/lesson.yaml --instructions \"five slides, for beginners\"";

/// Show what a deck says and shows, or write it as a file to edit.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print the slides with what is said at each.
    Show {
        /// The deck: .pptx, .ppt, .odp, .pdf, a lesson (.yaml, .json), a folder of pictures with script.md, or the address of a Google
        /// Slides presentation; or content: .docx, .md, .txt.
        #[arg(value_name = "DECK")]
        deck: PathBuf,
        #[command(flatten)]
        deck_options: DeckOptions,
    },
    /// Write the lesson as lesson.yaml, to be edited by hand and rendered.
    Export {
        /// The deck: .pptx, .ppt, .odp, .pdf, a lesson (.yaml, .json), a folder of pictures with script.md, or the address of a Google
        /// Slides presentation; or content: .docx, .md, .txt.
        #[arg(value_name = "DECK")]
        deck: PathBuf,
        /// The file, FOLDER/lesson.yaml; pictures are copied to FOLDER/media. The folder is made.
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        /// Replace the file if it is there.
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        deck_options: DeckOptions,
    },
}

/// Shows or exports.
pub fn run(options: Options, console: &Console) -> Result<(), Failure> {
    match options.action {
        Action::Show { deck, deck_options } => {
            let lesson = deck_options.import(&deck)?;
            match console.json() {
                true => console.answer_json(&described(&lesson)),
                false => show(&lesson, console),
            }
            Ok(())
        }
        Action::Export { deck, output, force, deck_options } => write(&deck, &output, force, deck_options, console),
    }
}

fn write(deck: &Path, output: &Path, force: bool, deck_options: DeckOptions, console: &Console) -> Result<(), Failure> {
    if output.exists() {
        outputs::check(output, &[deck])?;
        if !force {
            return Err(Failure::Invalid(format!("{} is there already; --force replaces it", output.display())));
        }
    }
    if output.extension().is_none_or(|extension| extension != "yaml" && extension != "yml") {
        let better = output.join("lesson.yaml");
        return Err(Failure::Invalid(format!("a lesson file ends in .yaml; write -o {}", better.display())));
    }
    let lesson = deck_options.import(deck)?;
    export(&lesson, output)?;
    console.event(&json!({ "event": "done", "file": output, "slides": lesson.slides.len() }));
    console.say(&format!("{}  {}", output.display(), several(lesson.slides.len(), "slide")));
    console.lesson_warnings(&lesson.warnings);
    Ok(())
}

fn show(lesson: &Lesson, console: &Console) {
    let lengths: Vec<Option<Span>> = lesson.slides.iter().map(|slide| estimate::length(slide, &lesson.language)).collect();
    let total: Span = lengths.iter().copied().flatten().sum();
    let count = several(lesson.slides.len(), "slide");
    console.answer(&format!("{} ({}), {count}, about {}\n", lesson.title, lesson.language, clock(total.as_seconds().round())));
    for (slide, length) in lesson.slides.iter().zip(&lengths) {
        let length = length.map_or_else(String::new, |length| format!(", about {}", clock(length.as_seconds().round())));
        console.answer(&format!("\n{}. {}\n   {}{length}\n", slide.number, slide.title, shown(slide)));
        for line in said(slide).lines() {
            console.answer(&format!("   | {line}\n"));
        }
    }
    console.lesson_warnings(&lesson.warnings);
}

fn shown(slide: &Slide) -> String {
    match &slide.visual {
        Visual::Page { index, .. } => format!("page {}", index + 1),
        Visual::Image { path, .. } => format!("picture {}", path.display()),
        Visual::Embed { url, .. } => format!("live page {url}"),
        Visual::Frames(frames) => format!("{} of {}", several(frames.count, "frame"), frames.folder.display()),
        Visual::Clip(clip) => format!("clip {}, {}{}", clip.path.display(), clip.length, if clip.sound { "" } else { ", without sound" }),
        Visual::Canvas(canvas) => format!("canvas with {}", several(canvas.objects.len(), "object")),
        Visual::Color(rgb) => format!("colour {}", engine::graph::unit::Rgb(*rgb)),
    }
}

fn said(slide: &Slide) -> String {
    match &slide.narration {
        Narration::Text(text) => text.clone(),
        Narration::Audio { path, .. } => format!("(recording {})", path.display()),
        Narration::Silence(span) => format!("(silence, {span})"),
    }
}

/// A lesson for programs.
fn described(lesson: &Lesson) -> Value {
    let slide = |slide: &Slide| {
        let narration = match &slide.narration {
            Narration::Text(text) => json!({ "text": text }),
            Narration::Audio { path, .. } => json!({ "audio": path }),
            Narration::Silence(span) => json!({ "silence_seconds": span.as_seconds() }),
        };
        let seconds = estimate::length(slide, &lesson.language).map(Span::as_seconds);
        json!({
            "id": slide.id, "number": slide.number, "title": slide.title, "shows": shown(slide), "narration": narration,
            "words": estimate::words(slide), "estimated_seconds": seconds,
        })
    };
    let warnings: Vec<Value> = lesson.warnings.iter().map(|warning| json!({ "slide": warning.slide, "text": warning.text })).collect();
    json!({
        "id": lesson.id, "title": lesson.title, "language": lesson.language,
        "slides": lesson.slides.iter().map(slide).collect::<Vec<_>>(), "warnings": warnings,
    })
}
