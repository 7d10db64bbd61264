//! `lectern render`: a deck in, a film with subtitles out.

use super::several;
use crate::captions::CaptionOptions;
use crate::console::Console;
use crate::decks::{DeckOptions, LectureOptions, Source, must_exist};
use crate::estimate;
use crate::execute::Figures;
use crate::failure::Failure;
use crate::graphs::{GraphFile, GraphOptions};
use crate::outputs;
use crate::private;
use crate::progress::{Doing, clock};
use crate::quality::PictureOptions;
use crate::segmented::{SegmentOptions, Task, execute_graph};
use crate::signals::Signals;
use crate::subtitles::{Translation, beside};
use clap::Args;
use engine::graph::GraphDocument;
use engine::graph::check::Depth;
use engine::graph::document::Clock;
use engine::graph::draw::{Format, draw};
use engine::graph::plan::Plan;
use engine::registry::Defaults;
use engine::run::Report;
use engine::time::{Rate, Span};
use plugins::browser::PageCache;
use plugins::lesson::{self, Lesson, Visual};
use plugins::speech::voice::must_be_voice;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const EXAMPLES: &str = "\
Examples:
  lectern render talk.pptx                           writes talk.mp4, talk.srt, talk.vtt
  lectern render talk.pptx -o out/talk.mp4 --avatar henrik
  lectern render talk.pptx --slides 3-5,8            only these slides
  lectern render talk.pptx --quality high --watermark logo.png
  lectern render talk.pptx --captions burned --transcript talk.md
  lectern render talk.pptx --subtitle-language fr    also talk.fr.srt and talk.fr.vtt
  lectern render talk.pptx --bullets --music calm.mp3 --set transition=push
  lectern render slides/ --dry-run                   a folder of pictures with script.md
  lectern render notes.md --theme dark --minutes 3   slides and words are made from the text
  lectern render report.pdf --as content --instructions \"For beginners. Leave out the history.\"
  lectern render https://docs.google.com/presentation/d/ID/edit
  lectern render talk.pptx --graph mine.yaml --set voice=voices/my.onnx --report report.json

What stands in the speaker notes is what is said; [pause 1s] is a pause. Hidden slides are left out.
Of a text, slides and words are made by the script writer: by rules, or by a language model (--writer).
A Google Slides presentation is read with a token of an account that may see it (scope presentations.readonly),
from the environment: GOOGLE_SLIDES_TOKEN, or GOOGLE_SLIDES_TOKEN_FILE for a file that holds it.
The graph is the built-in lecture.yaml (`lectern graph` draws it) unless --graph names another one;
render sets its variables lesson, out, srt and vtt, and those given by options. Of what is said twice,
--set is stronger than --size, and that than --quality. The sound is AAC, stereo, 48 kHz, as --sound says;
--set codec=hevc, vp9 or av1 codes the pictures otherwise, --set encoder=auto lets a chip do it.";

/// Make the film of a deck.
///
/// Reads slides and speaker notes, speaks the notes, lets a presenter give them, and writes an MP4 with chapters and, beside it,
/// subtitles. Needs no configuration.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    /// The deck: .pptx, .ppt, .odp, .pdf, a lesson (.yaml, .json), a folder of pictures with script.md, or the address of a Google Slides
    /// presentation; or content: .docx, .md, .txt.
    #[arg(value_name = "DECK")]
    pub(super) deck: PathBuf,
    /// The film; the subtitles get its name with .srt and .vtt. [default: the deck's name with .mp4, here]
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    #[command(flatten)]
    pub(super) lecture: LectureOptions,
    #[command(flatten)]
    pub(super) pictures: PictureOptions,
    #[command(flatten)]
    pub(super) captions: CaptionOptions,
    /// Another graph than the built-in one; its profile `offline` is used where it has one.
    #[arg(long, value_name = "FILE")]
    pub(super) graph: Option<PathBuf>,
    #[command(flatten)]
    pub(super) deck_options: DeckOptions,
    #[command(flatten)]
    pub(super) graph_options: GraphOptions,
    #[command(flatten)]
    pub(super) segments: SegmentOptions,
    /// Leave nothing but the film on the disk that anybody could read: what is made on the way lies in memory, or is encrypted with a key
    /// that is gone at the end. Nothing is found again by the next render.
    #[arg(long, conflicts_with_all = ["cache_limit", "no_cache", "explain"])]
    pub(super) private: bool,
    /// Say of each slide whether it is encoded again, and what has changed.
    #[arg(long, help_heading = "Segments")]
    pub(super) explain: bool,
    #[command(flatten)]
    pub(super) figures: Figures,
    /// Capture live pages anew, in place of what was captured for an earlier film.
    #[arg(long)]
    pub(super) refresh_pages: bool,
    /// Read and check everything, print what would be done, write nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
}

impl Options {
    /// What is rendered.
    pub fn deck(&self) -> &Path {
        &self.deck
    }

    /// What is written besides the film and its subtitles.
    pub fn written(&self) -> impl Iterator<Item = &PathBuf> {
        self.figures.files().chain(self.captions.transcript())
    }

    /// Subtitles in another language.
    pub fn translated(&self) -> Vec<PathBuf> {
        let language = self.captions.subtitle_language().ok().flatten();
        language.map(|language| beside(&self.film(), language).into()).unwrap_or_default()
    }

    /// Where the film will be.
    pub fn film(&self) -> PathBuf {
        self.output.clone().unwrap_or_else(|| outputs::default_film(&self.deck))
    }
}

/// What a render is about to do.
struct Job {
    /// What the graph reads; held until the end.
    source: Source,
    lesson: Arc<Lesson>,
    /// Which of its slides.
    chosen: Vec<usize>,
    film: PathBuf,
    /// What becomes of its subtitles, and where they are.
    translation: Option<(Translation, PathBuf)>,
    document: GraphDocument,
    plan: Plan,
    /// What shapes the pictures, as far as the graph has variables for it.
    pictures: Vec<(&'static str, String)>,
}

/// Variables of the lecture's graph that shape its pictures.
const PICTURES: [&str; 6] = ["size", "fps", "codec", "encoder", "preset", "crf"];

/// Renders, or says what would be rendered.
pub fn run(options: Options, console: &Console) -> Result<(), Failure> {
    if options.private && !private::is_private() {
        return private::run_again();
    }
    render(&options, console).map(drop)
}

/// The same, for who renders more than once; how long the film is in seconds, and its rate, if one was made.
pub(super) fn render(options: &Options, console: &Console) -> Result<Option<(f64, Rate)>, Failure> {
    let signals = Signals::listen();
    let job = prepare(options, console)?;
    if let Some(signal) = signals.aborted() {
        return Err(Failure::Aborted(signal));
    }
    if options.dry_run {
        show(&job, console);
        return Ok(None);
    }
    if options.refresh_pages {
        forget_pages(&job.lesson)?;
    }
    // The lesson is held until the end: the nodes of the run share it.
    let Job { source, lesson, chosen, film, translation, document, plan, .. } = job;
    let Defaults { size, fps, .. } = plan.defaults;
    let task = Task { document: &document, source: &options.deck, explain: options.explain };
    let Some(report) = execute_graph(&task, plan, &options.segments, &options.figures, console)? else { return Ok(None) };
    let Report { wall_seconds, media_seconds, .. } = report;
    let mut warnings = Vec::new();
    if let Some((translation, srt)) = translation {
        // Decks seldom say their language, and are then taken for English.
        let made = translation.make(&srt, &film, |said| Ok(said.language().unwrap_or(&lesson.language).to_string()), console);
        warnings = made.map_err(|failure| untranslated(failure, &srt, &translation.language))?.warnings;
    }
    let speed = if wall_seconds > 0.0 { media_seconds / wall_seconds } else { 0.0 };
    let slides = chosen.len();
    console.event(&json!({
        "event": "done", "file": film, "media_seconds": media_seconds, "wall_seconds": wall_seconds, "speed": speed,
        "width": size.width, "height": size.height, "slides": slides, "segments": report.segments,
    }));
    console.say(&format!(
        "{}  {}  {}x{}  {}  rendered in {} ({speed:.1}x real time)",
        film.display(),
        clock(media_seconds),
        size.width,
        size.height,
        several(slides, "slide"),
        duration(wall_seconds),
    ));
    console.lesson_warnings(source.warnings());
    console.warnings(&report.warnings);
    console.lesson_warnings(&warnings);
    Ok(Some((media_seconds, fps)))
}

/// The film is there, and need not be made again.
fn untranslated(failure: Failure, srt: &Path, language: &str) -> Failure {
    match failure {
        aborted @ Failure::Aborted(_) => aborted,
        other => Failure::Failed(format!(
            "the film is made, its subtitles are not translated: {other}. Without making the film again: lectern subtitles {} --to {language}",
            srt.display()
        )),
    }
}

/// Pages are captured when the film is made; what is not there any more, is captured anew.
fn forget_pages(lesson: &Lesson) -> Result<(), Failure> {
    let pages = lesson.slides.iter().filter_map(|slide| if let Visual::Embed { url, .. } = &slide.visual { Some(url) } else { None });
    let cache = PageCache::of_user();
    pages.into_iter().try_for_each(|url| {
        cache.forget(url).map_err(|error| Failure::Failed(format!("cannot remove what was captured of {url} before: {error}")))
    })
}

/// Everything that can be wrong is found here, before anything is written.
fn prepare(options: &Options, console: &Console) -> Result<Job, Failure> {
    must_exist(&options.deck)?;
    // A dry run for programs is one document, nothing may stand before it.
    let doing = || (!options.dry_run || !console.json()).then(|| Doing::start("reading", &options.deck.display().to_string(), console));
    let fetching = lesson::address(&options.deck).and_then(|_| doing());
    let deck = options.deck_options.fetch(&options.deck)?;
    let deck = deck.as_path();
    let film = match &options.output {
        // What was brought from the web lies under a name that says nothing.
        None if lesson::address(&options.deck).is_some() => format!("{}.mp4", options.deck_options.import(deck)?.id).into(),
        _ => options.film(),
    };
    drop(fetching);
    if options.graph.is_none() && film.extension().is_none_or(|extension| !extension.eq_ignore_ascii_case("mp4")) {
        return Err(Failure::Invalid(format!(
            "the film is an MP4 file, {} would not be seen as one; end its name in .mp4",
            film.display()
        )));
    }
    let file = GraphFile::new(options.graph.as_deref());
    must_declare(&file, options)?;
    let (srt, vtt) = (film.with_extension("srt"), film.with_extension("vtt"));
    let inputs = inputs(options, &file, deck);
    let inputs: Vec<&Path> = inputs.iter().map(PathBuf::as_path).collect();
    let is_written = |name: &str| file.declares(name) && options.captions.has_files();
    let written = [Some(&film), is_written("srt").then_some(&srt), is_written("vtt").then_some(&vtt), options.captions.transcript()];
    let language = options.captions.subtitle_language()?;
    let translated = language.map(|language| beside(&film, language));
    let written = written.into_iter().flatten().chain(options.figures.files()).chain(translated.iter().flatten());
    let written: Vec<&PathBuf> = written.collect();
    for (index, path) in written.iter().enumerate() {
        if written[..index].contains(path) {
            return Err(Failure::Invalid(format!("{} would be written twice; choose another name", path.display())));
        }
        if !options.dry_run {
            outputs::check(path, &inputs)?;
        }
    }

    options.lecture.variables().filter(|(name, _)| *name == "voice").try_for_each(|(_, voice)| must_be_voice(voice))?;
    let translation = match language {
        Some(language) => Some(Translation { writer: options.deck_options.translator()?, language: language.into() }),
        None => None,
    };

    let source = options.deck_options.source(deck, doing)?;
    let mut paths: Vec<(&str, &Path)> =
        vec![("lesson", source.path()), ("out", film.as_path()), ("srt", srt.as_path()), ("vtt", vtt.as_path())];
    paths.extend(options.captions.transcript().map(|path| ("transcript", path.as_path())));
    let graph_options = graph_options(options, &file, &paths);
    let (document, plan) = file.plan(&graph_options, Depth::Environment)?;
    if plan.clock == Clock::Live {
        let text = "the graph has clock: live, and render makes a file; choose another profile, or use `lectern run`";
        return Err(Failure::Invalid(format!("{}: {text}", file.name())));
    }
    if !options.dry_run || !console.json() {
        console.lints(&document.warnings, &file.text);
    }
    let reading = doing();
    let lesson = source.lesson()?;
    drop(reading);
    if !options.dry_run {
        let files = outputs::files_of(&lesson);
        written.iter().try_for_each(|path| outputs::is_none_of(path, &files))?;
    }
    let chosen = options.lecture.choose(&lesson)?;
    let value = |name: &'static str| Some((name, graph_options.value(name).or_else(|| file.variable(name))?));
    let pictures = PICTURES.into_iter().filter_map(value).collect();
    let translation = translation.map(|translation| (translation, graph_options.value("srt").map_or(srt, PathBuf::from)));
    Ok(Job { source, lesson, chosen, film, translation, document, plan, pictures })
}

/// What is read besides the files of the lesson: what a variable names, unless it says where something is written.
fn inputs(options: &Options, file: &GraphFile, deck: &Path) -> Vec<PathBuf> {
    let set = graph_options(options, file, &[]).set;
    let named = set.iter().filter(|(name, _)| !["out", "srt", "vtt", "transcript"].contains(&name.as_str()));
    let named = named.flat_map(|(_, value)| outputs::named_by(value));
    [deck.to_path_buf()].into_iter().chain(options.graph.clone()).chain(outputs::beside_deck(deck)).chain(named).collect()
}

/// What render sets must be a variable of the graph, or it would do nothing.
fn must_declare(file: &GraphFile, options: &Options) -> Result<(), Failure> {
    let asked = options.lecture.variables().map(|(name, _)| (name, name));
    let asked = asked.chain(options.pictures.variables(file).map(|(name, _, option)| (name, option)));
    let asked = asked.chain(options.captions.transcript().map(|_| ("transcript", "transcript")));
    let asked = asked.chain(options.captions.subtitle_language()?.map(|_| ("srt", "subtitle-language")));
    match [("lesson", ""), ("out", "")].into_iter().chain(asked).find(|(name, _)| !file.declares(name)) {
        // What is wrong with a file that cannot be read at all is told when it is loaded.
        _ if !file.is_map() => Ok(()),
        None => match options.captions.profiles(options.pictures.profile().is_some()).find(|profile| !file.has_profile(profile)) {
            Some(profile) => Err(Failure::Invalid(format!(
                "{} has no profile {profile}, which --{} needs; add it to profiles, or leave the option out",
                file.name(),
                CaptionOptions::option(profile)
            ))),
            None => Ok(()),
        },
        Some((name, "")) => Err(Failure::Invalid(format!(
            "{} does not declare the variable {name}, which render sets; add it to vars, or use `lectern run`",
            file.name()
        ))),
        Some((name, option)) => Err(Failure::Invalid(format!(
            "{} does not declare the variable {name}, which --{option} sets; add it to vars, or leave the option out",
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
    let watermark = options.pictures.profile();
    let more = watermark.into_iter().chain(options.captions.profiles(watermark.is_some())).chain(options.lecture.profile());
    profile.extend(more.filter(|name| file.has_profile(name)).map(String::from));
    let paths = paths.iter().filter(|(name, _)| file.declares(name)).map(|(name, path)| (name.to_string(), path.display().to_string()));
    let pictures = options.pictures.variables(file).map(|(name, value, _)| (name.to_string(), value));
    let asked = options.lecture.variables().map(|(name, value)| (name.to_string(), value.clone())).chain(pictures);
    GraphOptions { profile, set: paths.chain(asked).chain(set).collect() }
}

/// `--dry-run`: the slides with about how long they will be, then the lanes.
fn show(job: &Job, console: &Console) {
    let Job { lesson, chosen, film, plan, pictures, .. } = job;
    let slides: Vec<_> = chosen.iter().map(|&index| &lesson.slides[index]).collect();
    let lengths: Vec<Option<Span>> = slides.iter().map(|slide| estimate::length(slide, &lesson.language)).collect();
    let total: Span = lengths.iter().copied().flatten().sum();
    if console.json() {
        let slide = |(slide, length): (&&plugins::lesson::Slide, &Option<Span>)| json!({ "number": slide.number, "title": slide.title, "words": estimate::words(slide), "estimated_seconds": length.map(Span::as_seconds) });
        let warnings: Vec<Value> = lesson.warnings.iter().map(|warning| json!({ "slide": warning.slide, "text": warning.text })).collect();
        return console.answer_json(&json!({
            "title": lesson.title, "language": lesson.language, "file": film, "estimated_seconds": total.as_seconds(),
            "slides": slides.iter().zip(&lengths).map(slide).collect::<Vec<_>>(), "warnings": warnings, "pictures": pictures.iter().map(|(name, value)| (name.to_string(), json!(value))).collect::<serde_json::Map<_, _>>(), "plan": engine::graph::draw::json(plan),
        }));
    }
    let count = several(slides.len(), "slide");
    console.say(&format!("{} ({}), {count}, about {}", lesson.title, lesson.language, clock(total.as_seconds().round())));
    for (slide, length) in slides.iter().zip(&lengths) {
        let length = length.map_or("?".to_string(), |length| clock(length.as_seconds().round()));
        let words = estimate::words(slide);
        let what = if words == 1 { "word " } else { "words" };
        console.say(&format!("{:>4}  {length:>6}  {words:>4} {what}  {}", slide.number, slide.title));
    }
    let pictures: Vec<String> = pictures.iter().map(|(name, value)| format!("{name}={value}")).collect();
    console.say(&format!("\npictures: {}", pictures.join(" ")));
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
