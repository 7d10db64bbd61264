//! `lectern avatars`: who can be seen, and how a presenter looks.

use crate::catalogue;
use crate::console::Console;
use crate::decks::PassingLesson;
use crate::execute::Figures;
use crate::failure::Failure;
use crate::graphs::{GraphFile, GraphOptions};
use crate::outputs;
use crate::segmented::{SegmentOptions, Task, execute_graph};
use clap::{Args, Subcommand};
use engine::graph::check::Depth;
use plugins::avatar::lip_sync::DEFAULT_AVATAR;
use plugins::avatar::rig::{self, Rig, Sheet};
use plugins::part_file;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const EXAMPLES: &str = "\
Examples:
  lectern avatars                           their names
  lectern avatars preview maya -o look      sheets (look/maya-visemes.png, …) and a film (look/maya.mp4)
  lectern avatars preview my-presenter      a presenter of your own, by its folder
  lectern avatars poses my-presenter --draw makes my-presenter/poses/mouth-aa.svg and so on, to be drawn in
  lectern avatars poses my-presenter        takes what was drawn into my-presenter/poses.json

How a presenter is drawn: plugins/presenters/README.md.";

/// What the presenter says in the film: closed lips, teeth, round vowels, a word that is emphasised, a pause and a question.
const SPEECH: &str = "Hello, my name is NAME, and I move my lips for *every* sound. You wonder how? \
    Small shapes follow what I say; now and then I look at the slide.";
/// The lesson of the film: one empty slide, a little longer than the speech takes.
const LESSON: &str = "version: 1
id: preview
title: Preview
language: en
size: 16x9
slides:
  - id: preview
    title: Preview
    color: \"#e3e9ee\"
    duration: 10s
    narration: ";

/// List the presenters that can be seen, or show what one of them can look like.
///
/// Use one with `lectern render --avatar NAME`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Draw sheets of its mouth shapes, head poses and emotions as PNG, and make a film of ten seconds in which it speaks.
    Preview(Preview),
    /// Make `poses.json` of a folder from the drawings in its folder `poses`.
    Poses {
        /// The presenter's folder.
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
        /// The other way: write the drawings that are missing, one for each pose, from `poses.json`.
        #[arg(long)]
        draw: bool,
    },
}

#[derive(Args, Debug)]
struct Preview {
    /// A presenter's name, or a folder with `rig.svg`, `poses.json` and `rig.toml`.
    #[arg(value_name = "NAME|FOLDER")]
    avatar: String,
    /// The folder that the files go to.
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    output: PathBuf,
    /// Who speaks: a name from `lectern voices`, or the path of a Piper voice (.onnx).
    #[arg(long, value_name = "VOICE", default_value = "default")]
    voice: String,
    /// Draw the sheets only.
    #[arg(long)]
    no_film: bool,
}

/// Lists them, or shows one.
pub fn run(options: Options, console: &Console) -> Result<(), Failure> {
    match options.command {
        None => list(console),
        Some(Command::Preview(options)) => preview(&options, console)?,
        Some(Command::Poses { folder, draw }) => poses(&folder, draw, console)?,
    }
    Ok(())
}

fn poses(folder: &Path, draw: bool, console: &Console) -> Result<(), Failure> {
    let (done, said) = if draw {
        let drawn = rig::write_drawings(folder).map_err(|error| Failure::Invalid(error.to_string()))?;
        (drawn, format!("{}  {drawn} drawings written", folder.join("poses").display()))
    } else {
        let paths = rig::read_drawings(folder).map_err(|error| Failure::Invalid(error.to_string()))?;
        (paths, format!("{}  {paths} paths change their shape", folder.join("poses.json").display()))
    };
    console.event(&json!({ "event": "done", "folder": folder, "count": done }));
    console.say(&said);
    Ok(())
}

fn list(console: &Console) {
    if console.json() {
        console.answer_json(&catalogue::avatars());
        return;
    }
    for name in rig::names() {
        console.answer(&format!("{name}{}\n", if name == DEFAULT_AVATAR { "  (default)" } else { "" }));
    }
}

fn preview(options: &Preview, console: &Console) -> Result<(), Failure> {
    let rig = Arc::new(rig::load(&options.avatar).map_err(|error| Failure::Invalid(error.to_string()))?);
    let stem = Path::new(&options.avatar).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let stem = if stem.is_empty() { "presenter".to_string() } else { stem };
    let sheets = Sheet::ALL.map(|kind| (kind, options.output.join(format!("{stem}-{}.png", kind.name()))));
    let film = options.output.join(format!("{stem}.mp4"));
    std::fs::create_dir_all(&options.output)
        .map_err(|error| Failure::Failed(format!("cannot make the folder {}: {error}", options.output.display())))?;
    sheets.iter().map(|(_, path)| path).chain([&film]).try_for_each(|path| outputs::check(path, &[]))?;
    for (kind, path) in &sheets {
        let png = kind.png(std::slice::from_ref(&rig));
        part_file::write(path, &png).map_err(|error| Failure::Failed(format!("cannot write {}: {}", path.display(), error.cause)))?;
        console.event(&json!({ "event": "sheet", "file": path, "shows": kind.name() }));
        console.say(&path.display().to_string());
    }
    if !options.no_film {
        speak(options, &rig, &film, console)?;
        console.event(&json!({ "event": "done", "file": film }));
        console.say(&film.display().to_string());
    }
    Ok(())
}

/// The film: a lecture of one empty slide, given by the presenter alone.
fn speak(options: &Preview, rig: &Rig, film: &Path, console: &Console) -> Result<(), Failure> {
    // JSON is YAML, whatever the presenter is called.
    let lesson = PassingLesson::of_text(&format!("{LESSON}{}\n", json!(SPEECH.replace("NAME", rig.name()))))?;
    let set = [
        ("lesson", lesson.file().display().to_string()),
        ("out", film.display().to_string()),
        ("avatar", options.avatar.clone()),
        ("voice", options.voice.clone()),
    ];
    let set = set.into_iter().map(|(name, value)| (name.to_string(), value)).collect();
    let graph = GraphFile::new(None);
    let (document, plan) = graph.plan(
        &GraphOptions { profile: ["offline", "large_presenter", "no_subtitles"].map(String::from).into(), set },
        Depth::Environment,
    )?;
    let task = Task { document: &document, source: lesson.file(), explain: false };
    // A folder that is being drawn changes all the time: nothing of its films is worth keeping.
    let segments = SegmentOptions { no_cache: true, ..SegmentOptions::default() };
    execute_graph(&task, plan, &segments, &Figures::default(), console)?;
    Ok(())
}
