//! `lectern live`: a deck given by the clock, as a stream and as a recording.

use crate::console::Console;
use crate::decks::{DeckOptions, LectureOptions, must_exist};
use crate::execute::{Figures, execute};
use crate::failure::Failure;
use crate::graphs::{GraphFile, GraphOptions};
use crate::outputs;
use crate::progress::{Doing, clock};
use clap::{ArgGroup, Args};
use engine::graph::check::Depth;
use serde_json::json;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  lectern live talk.pptx --hls /var/www/talk          a stream: any web server hands out /var/www/talk/index.m3u8
  lectern live talk.pptx --record talk.mp4            a recording made in real time
  lectern live talk.pptx --hls out/hls --record talk.mp4 --avatar henrik

The lecture goes by the clock and ends after its last slide, unless --loop is given. Ctrl-C lets it end in order, with a whole recording; a second one
ends it at once.";

/// Give a deck live.
///
/// Reads slides and speaker notes and plays the lecture by the clock: into a folder as HLS, into a recording, or both.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
#[command(group(ArgGroup::new("outputs").args(["hls", "record"]).required(true).multiple(true)))]
pub struct Options {
    /// The deck: .pptx, .ppt, .odp, .pdf, a lesson.yaml, or a folder of pictures with script.md.
    #[arg(value_name = "DECK")]
    deck: PathBuf,
    /// Stream as HLS into this folder.
    #[arg(long, value_name = "DIR")]
    hls: Option<PathBuf>,
    /// Record to this MP4 file.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Begin again after the last slide, until Ctrl-C.
    #[arg(long = "loop")]
    repeat: bool,
    #[command(flatten)]
    lecture: LectureOptions,
    #[command(flatten)]
    deck_options: DeckOptions,
    /// Give a variable of the graph another value; may be repeated: `--set voice=default`.
    #[arg(long, value_name = "NAME=VALUE", value_parser = crate::graphs::assignment)]
    set: Vec<(String, String)>,
    #[command(flatten)]
    figures: Figures,
}

/// Plays the lecture to its end, or until it is told to stop.
pub fn run(options: Options, console: &Console) -> Result<(), Failure> {
    let deck = options.deck.as_path();
    must_exist(deck)?;
    if let Some(record) = &options.record {
        outputs::check(record, &[deck])?;
    }
    options.figures.check(&[deck])?;
    let (document, plan) = GraphFile::new(None).plan(&graph_options(&options), Depth::Environment)?;
    console.lints(&document.warnings, "");
    let reading = Doing::start("reading", &deck.display().to_string(), console);
    // Held until the end: the nodes of the run share it.
    let lesson = options.deck_options.import(deck)?;
    drop(reading);
    let slides = options.lecture.choose(&lesson)?.len();
    let list = options.hls.as_ref().map(|folder| folder.join("index.m3u8"));
    console.event(&json!({ "event": "live", "slides": slides, "hls": list, "record": options.record }));
    if let Some(list) = &list {
        console.say(&format!("streaming to {}", list.display()));
    }
    let report = execute(plan, &options.figures, console)?;
    let (media, playout) = (report.media_seconds, report.playout.as_ref());
    let underruns = playout.map_or(0, |playout| playout.underruns);
    console.event(&json!({
        "event": "done", "hls": list, "record": options.record, "media_seconds": media, "wall_seconds": report.wall_seconds,
        "underruns": underruns,
    }));
    let several = |count: u64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    console.say(&format!("live for {}  {}  {}", clock(media), several(slides as u64, "slide"), several(underruns, "underrun")));
    console.warnings(&report.warnings);
    Ok(())
}

/// The profiles that were asked for and the variables in the order of their weight.
fn graph_options(options: &Options) -> GraphOptions {
    let asked = [("hls", options.hls.is_some()), ("record", options.record.is_some()), ("loop", options.repeat)];
    let profile = std::iter::once("live").chain(asked.into_iter().filter_map(|(name, asked)| asked.then_some(name)));
    let path = |path: &Path| path.display().to_string();
    let set =
        [("lesson", Some(path(&options.deck))), ("hls", options.hls.as_deref().map(path)), ("out", options.record.as_deref().map(path))];
    let set = set.into_iter().filter_map(|(name, value)| Some((name.to_string(), value?)));
    let asked = options.lecture.variables().map(|(name, value)| (name.to_string(), value.clone()));
    GraphOptions { profile: profile.map(String::from).collect(), set: set.chain(asked).chain(options.set.clone()).collect() }
}
