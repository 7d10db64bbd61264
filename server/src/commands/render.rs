//! `lectern render`: a deck in, a film with subtitles out.

use crate::console::Console;
use crate::decks::{DeckOptions, LectureOptions, Source, must_exist};
use crate::estimate;
use crate::execute::{Figures, execute};
use crate::failure::Failure;
use crate::graphs::{GraphFile, GraphOptions};
use crate::outputs;
use crate::progress::{Doing, clock};
use crate::signals::Signals;
use clap::Args;
use engine::graph::check::Depth;
use engine::graph::document::Clock;
use engine::graph::draw::{Format, draw};
use engine::graph::plan::Plan;
use engine::run::Report;
use engine::time::Span;
use plugins::lesson::Lesson;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const EXAMPLES: &str = "\
Examples:
  lectern render talk.pptx                           writes talk.mp4, talk.srt, talk.vtt
  lectern render talk.pptx -o out/talk.mp4 --avatar henrik
  lectern render talk.pptx --slides 3-5,8            only these slides
  lectern render slides/ --dry-run                   a folder of pictures with script.md
  lectern render notes.md --theme dark --minutes 3   slides and words are made from the text
  lectern render report.pdf --as content --instructions \"For beginners. Leave out the history.\"
  lectern render talk.pptx --graph mine.yaml --set voice=voices/my.onnx --report report.json

What stands in the speaker notes is what is said; [pause 1s] is a pause. Hidden slides are left out.
Of a text, slides and words are made by the script writer: by rules, or by a language model (--writer).
The graph is the built-in lecture.yaml (`lectern graph` draws it) unless --graph names another one;
render sets its variables lesson, out, srt and vtt, and those given by options.";

/// Make the film of a deck.
///
/// Reads slides and speaker notes, speaks the notes, lets a presenter give them, and writes an MP4 with chapters and, beside it,
/// subtitles. Needs no configuration.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    /// The deck: .pptx, .ppt, .odp, .pdf, a lesson (.yaml, .json), or a folder of pictures with script.md; or content: .docx, .md, .txt.
    #[arg(value_name = "DECK")]
    deck: PathBuf,
    /// The film; the subtitles get its name with .srt and .vtt. [default: the deck's name with .mp4, here]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    lecture: LectureOptions,
    /// Another graph than the built-in one; its profile `offline` is used where it has one.
    #[arg(long, value_name = "FILE")]
    graph: Option<PathBuf>,
    #[command(flatten)]
    deck_options: DeckOptions,
    #[command(flatten)]
    graph_options: GraphOptions,
    #[command(flatten)]
    figures: Figures,
    /// Read and check everything, print what would be done, write nothing.
    #[arg(long)]
    dry_run: bool,
}

/// What a render is about to do.
struct Job {
    /// What the graph reads; held until the end.
    source: Source,
    lesson: Arc<Lesson>,
    /// Which of its slides.
    chosen: Vec<usize>,
    film: PathBuf,
    plan: Plan,
}

/// Renders, or says what would be rendered.
pub fn run(options: Options, console: &Console) -> Result<(), Failure> {
    let signals = Signals::listen();
    let job = prepare(&options, console)?;
    if let Some(signal) = signals.aborted() {
        return Err(Failure::Aborted(signal));
    }
    if options.dry_run {
        show(&job, console);
        return Ok(());
    }
    // The lesson is held until the end: the nodes of the run share it.
    let Job { source, lesson: _lesson, chosen, film, plan } = job;
    let size = plan.defaults.size;
    let report = execute(plan, &options.figures, console)?;
    let Report { wall_seconds, media_seconds, .. } = report;
    let speed = if wall_seconds > 0.0 { media_seconds / wall_seconds } else { 0.0 };
    let slides = chosen.len();
    console.event(&json!({
        "event": "done", "file": film, "media_seconds": media_seconds, "wall_seconds": wall_seconds, "speed": speed,
        "width": size.width, "height": size.height, "slides": slides,
    }));
    let plural = if slides == 1 { "" } else { "s" };
    console.say(&format!(
        "{}  {}  {}x{}  {slides} slide{plural}  rendered in {} ({speed:.1}x real time)",
        film.display(),
        clock(media_seconds),
        size.width,
        size.height,
        duration(wall_seconds),
    ));
    console.lesson_warnings(source.warnings());
    console.warnings(&report.warnings);
    Ok(())
}

/// Everything that can be wrong is found here, before anything is written.
fn prepare(options: &Options, console: &Console) -> Result<Job, Failure> {
    let deck = options.deck.as_path();
    must_exist(deck)?;
    let film = options.output.clone().unwrap_or_else(|| outputs::default_film(deck));
    if options.graph.is_none() && film.extension().is_none_or(|extension| !extension.eq_ignore_ascii_case("mp4")) {
        return Err(Failure::Invalid(format!(
            "the film is an MP4 file, {} would not be seen as one; end its name in .mp4",
            film.display()
        )));
    }
    let file = GraphFile::new(options.graph.as_deref());
    must_declare(&file, options)?;
    let (srt, vtt) = (film.with_extension("srt"), film.with_extension("vtt"));
    let inputs: Vec<&Path> = [Some(deck), options.graph.as_deref()].into_iter().flatten().collect();
    let written = [Some(&film), file.declares("srt").then_some(&srt), file.declares("vtt").then_some(&vtt)];
    let written: Vec<&PathBuf> = written.into_iter().flatten().chain(options.figures.files()).collect();
    for (index, path) in written.iter().enumerate() {
        if written[..index].contains(path) {
            return Err(Failure::Invalid(format!("{} would be written twice; choose another name", path.display())));
        }
        if !options.dry_run {
            outputs::check(path, &inputs)?;
        }
    }

    let telling = || Doing::start("reading", &deck.display().to_string(), console);
    let source = options.deck_options.source(deck, telling)?;
    let graph_options = graph_options(options, &file, &[("lesson", source.path()), ("out", &film), ("srt", &srt), ("vtt", &vtt)]);
    let (document, plan) = file.plan(&graph_options, Depth::Environment)?;
    if plan.clock == Clock::Live {
        let text = "the graph has clock: live, and render makes a file; choose another profile, or use `lectern run`";
        return Err(Failure::Invalid(format!("{}: {text}", file.name())));
    }
    // A dry run for programs is one document, nothing may stand before it.
    let reading = (!options.dry_run || !console.json()).then(|| {
        console.lints(&document.warnings, &file.text);
        telling()
    });
    let lesson = source.lesson()?;
    drop(reading);
    let chosen = options.lecture.choose(&lesson)?;
    Ok(Job { source, lesson, chosen, film, plan })
}

/// What render sets must be a variable of the graph, or it would do nothing.
fn must_declare(file: &GraphFile, options: &Options) -> Result<(), Failure> {
    let asked = options.lecture.variables().map(|(name, _)| name);
    match ["lesson", "out"].into_iter().chain(asked).find(|name| !file.declares(name)) {
        // What is wrong with a file that cannot be read at all is told when it is loaded.
        None => Ok(()),
        Some(_) if !file.is_map() => Ok(()),
        Some(name @ ("lesson" | "out")) => Err(Failure::Invalid(format!(
            "{} does not declare the variable {name}, which render sets; add it to vars, or use `lectern run`",
            file.name()
        ))),
        Some(name) => Err(Failure::Invalid(format!(
            "{} does not declare the variable {name}, which --{name} sets; add it to vars, or leave the option out",
            file.name()
        ))),
    }
}

/// The variables in the order of their weight: what the command is about, its options, then `--set`.
fn graph_options(options: &Options, file: &GraphFile, paths: &[(&str, &Path)]) -> GraphOptions {
    let GraphOptions { mut profile, set } = options.graph_options.clone();
    if profile.is_empty() && file.has_profile("offline") {
        profile.push("offline".into());
    }
    let paths = paths.iter().filter(|(name, _)| file.declares(name)).map(|(name, path)| (name.to_string(), path.display().to_string()));
    let asked = options.lecture.variables().map(|(name, value)| (name.to_string(), value.clone()));
    GraphOptions { profile, set: paths.chain(asked).chain(set).collect() }
}

/// `--dry-run`: the slides with about how long they will be, then the lanes.
fn show(job: &Job, console: &Console) {
    let Job { lesson, chosen, film, plan, .. } = job;
    let slides: Vec<_> = chosen.iter().map(|&index| &lesson.slides[index]).collect();
    let lengths: Vec<Option<Span>> = slides.iter().map(|slide| estimate::length(slide, &lesson.language)).collect();
    let total: Span = lengths.iter().copied().flatten().sum();
    if console.json() {
        let slide = |(slide, length): (&&plugins::lesson::Slide, &Option<Span>)| json!({ "number": slide.number, "title": slide.title, "words": estimate::words(slide), "estimated_seconds": length.map(Span::as_seconds) });
        let warnings: Vec<Value> = lesson.warnings.iter().map(|warning| json!({ "slide": warning.slide, "text": warning.text })).collect();
        return console.answer_json(&json!({
            "title": lesson.title, "language": lesson.language, "file": film, "estimated_seconds": total.as_seconds(),
            "slides": slides.iter().zip(&lengths).map(slide).collect::<Vec<_>>(), "warnings": warnings, "plan": engine::graph::draw::json(plan),
        }));
    }
    console.say(&format!("{} ({}), {} slides, about {}", lesson.title, lesson.language, slides.len(), clock(total.as_seconds().round())));
    for (slide, length) in slides.iter().zip(&lengths) {
        let length = length.map_or("?".to_string(), |length| clock(length.as_seconds().round()));
        console.say(&format!("{:>4}  {length:>6}  {:>4} words  {}", slide.number, estimate::words(slide), slide.title));
    }
    console.say(&format!("\n{}", draw(plan, Format::Lanes)));
    console.say(&format!("Nothing was written; without --dry-run the film would be {}.", film.display()));
    lesson.warnings.iter().for_each(|warning| console.note(&format!("warning: {warning}")));
}

/// `38 s`, `2 min 5 s`, `0.4 s`.
fn duration(seconds: f64) -> String {
    match seconds.round() as u64 {
        _ if seconds < 9.95 => format!("{seconds:.1} s"),
        whole if whole < 60 => format!("{whole} s"),
        whole => format!("{} min {} s", whole / 60, whole % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_as_exact_as_they_are_long() {
        assert_eq!([0.44, 9.9, 38.2, 125.4].map(duration), ["0.4 s", "9.9 s", "38 s", "2 min 5 s"]);
    }
}
