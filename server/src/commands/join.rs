//! `lectern join`: decks, lessons and films one after the other, as one film.

use super::render;
use crate::captions::CaptionOptions;
use crate::console::Console;
use crate::decks::{DeckOptions, LectureOptions, PassingLesson, must_exist};
use crate::execute::Figures;
use crate::failure::Failure;
use crate::graphs::GraphOptions;
use crate::outputs;
use crate::progress::Doing;
use crate::quality::PictureOptions;
use crate::segmented::SegmentOptions;
use crate::verify::verify;
use clap::Args;
use engine::graph::unit::DurationSetting;
use plugins::lesson::{Lesson, join};
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  lectern join intro.mp4 talk.pptx -o course.mp4        a film, then a lecture
  lectern join monday.pptx tuesday.pptx -o week.mp4 --fade 2s
  lectern join talk.pptx credits.mov -o talk.mp4 --set size=1920x1080

Films may have any size and rate; what comes out has those of the graph. Sound fades out before a
joint and in after it. The film is decoded afterwards and checked; one that is not right is removed.";

/// Make one film of several lessons and films.
///
/// The parts follow each other with a fade at each joint; their pictures are fitted, their sound is resampled.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    /// The parts in order: decks, lessons, folders of pictures, films (.mp4, .mov, .mkv, .webm, .avi).
    #[arg(value_name = "PART", required = true, num_args = 2..)]
    parts: Vec<PathBuf>,
    /// The film; the subtitles get its name with .srt and .vtt.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// How long one part fades into the next; 0s joins them with a cut.
    #[arg(long, value_name = "TIME", default_value = "1s")]
    fade: DurationSetting,
    #[command(flatten)]
    lecture: LectureOptions,
    #[command(flatten)]
    pictures: PictureOptions,
    #[command(flatten)]
    deck_options: DeckOptions,
    #[command(flatten)]
    graph_options: GraphOptions,
    #[command(flatten)]
    segments: SegmentOptions,
    #[command(flatten)]
    figures: Figures,
}

/// Joins, renders, and looks at what came out.
pub fn run(options: Options, console: &Console) -> Result<(), Failure> {
    let Options { parts, output, fade, lecture, pictures, deck_options, graph_options, segments, figures } = options;
    parts.iter().try_for_each(|part| must_exist(part))?;
    let mut inputs = parts.clone();
    inputs.extend(parts.iter().flat_map(|part| outputs::beside_deck(part)));
    let inputs: Vec<&Path> = inputs.iter().map(PathBuf::as_path).collect();
    let beside = ["srt", "vtt"].map(|extension| output.with_extension(extension));
    let written: Vec<&PathBuf> = [&output].into_iter().chain(&beside).chain(figures.files()).collect();
    written.iter().try_for_each(|path| outputs::check(path, &inputs))?;
    let reading = Doing::start("reading", &parts.iter().map(|part| part.display().to_string()).collect::<Vec<_>>().join(", "), console);
    let lessons = parts.iter().map(|part| Ok(Lesson::clone(&*deck_options.import(part)?))).collect::<Result<Vec<_>, Failure>>()?;
    let joined = join(lessons, fade.0, &output)?;
    // What is rendered is a copy, whose files are copies too.
    let files = outputs::files_of(&joined);
    written.iter().try_for_each(|path| outputs::is_none_of(path, &files))?;
    let passing = PassingLesson::of(&joined)?;
    drop(reading);
    joined.warnings.iter().for_each(|warning| console.note(&format!("warning: {warning}")));
    let made = render::Options {
        deck: passing.file().into(),
        output: Some(output.clone()),
        lecture,
        pictures,
        captions: CaptionOptions::default(),
        graph: None,
        deck_options: deck_options.fulfilled(),
        graph_options,
        segments,
        private: false,
        explain: false,
        figures,
        refresh_pages: false,
        dry_run: false,
    };
    let Some((seconds, fps)) = render::render(&made, console)? else { return Ok(()) };
    let checking = Doing::start("checking", &output.display().to_string(), console);
    let result = verify(&output, seconds, fps);
    drop(checking);
    result.map_err(|fault| {
        // Nobody should take it for what was asked for.
        for path in [output.clone(), output.with_extension("srt"), output.with_extension("vtt")] {
            let _ = std::fs::remove_file(path);
        }
        Failure::Failed(format!("{} was not made as it should be and has been removed: {fault}", output.display()))
    })
}
