//! Renders in segments: how many at once, where they are kept, and what the user is told about them.

use crate::console::Console;
use crate::execute::{Figures, Ran, execute, run_failed, write_figures};
use crate::failure::Failure;
use crate::guard::memory;
use crate::metrics::MetricsFile;
use crate::private::SealedSegments;
use crate::progress;
use crate::renders::{Reason, Record};
use crate::shared_segments::SharedSegments;
use crate::signals::Signals;
use clap::Args;
use engine::graph::GraphDocument;
use engine::graph::check::{Depth, check};
use engine::graph::plan::Plan;
use engine::graph::unit::Bytes;
use engine::run::Report;
use engine::segments::{Cut, Render, RenderError, RenderOptions, Store, Watch};
use plugins::cache_folder;
use plugins::segment_store::{DEFAULT_LIMIT, SegmentStore};
use serde_json::json;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How a render in segments is made.
#[derive(Args, Clone, Debug, Default)]
pub struct SegmentOptions {
    /// Encode so many segments at once, as far as half of the memory that is free holds them. The film is the same for any number.
    /// [default: one for two processors, which one keeps busy]
    #[arg(long, value_name = "N", help_heading = "Segments")]
    pub jobs: Option<NonZero<usize>>,
    /// Encode everything anew, and keep nothing of it.
    #[arg(long, help_heading = "Segments", conflicts_with = "cache_limit")]
    pub no_cache: bool,
    /// Keep at most about so much of what was encoded; what was not used for longest goes first. [default: 10GB]
    #[arg(long, value_name = "SIZE", help_heading = "Segments")]
    pub cache_limit: Option<Bytes>,
    /// Make what is missing from the end on, and write no film: for a process that renders the same elsewhere, with the same cache.
    #[arg(long, hide = true, conflicts_with = "no_cache")]
    pub help_another: bool,
}

/// The folder of a store that is kept, or one that goes with the render.
enum Place {
    Kept(PathBuf),
    Temporary(tempfile::TempDir),
}

impl Place {
    fn of(options: &SegmentOptions) -> Result<Place, Failure> {
        match cache_folder::of_user().filter(|_| !options.no_cache) {
            Some(cache) => Ok(Place::Kept(cache.join(SEGMENTS))),
            None => {
                let folder = tempfile::Builder::new().prefix("lectern-").tempdir();
                folder.map(Place::Temporary).map_err(|error| Failure::Failed(format!("there is no room for segments: {error}")))
            }
        }
    }

    fn path(&self) -> &Path {
        match self {
            Place::Kept(path) => path,
            Place::Temporary(folder) => folder.path(),
        }
    }
}

/// Where segments lie in the cache.
pub const SEGMENTS: &str = "seg";

/// What is rendered, and what the user wants to hear about it.
pub struct Task<'a> {
    /// The graph.
    pub document: &'a GraphDocument,
    /// What its renders are known by: the deck, or the graph file.
    pub source: &'a Path,
    /// Tell of each slide why it is encoded.
    pub explain: bool,
}

/// Runs a graph to its end: in segments where it asks for them, else from beginning to end. `plan` has been made of the document.
///
/// Gives the figures, unless it has only helped.
///
/// # Errors
/// The run failed, or a signal stopped it.
pub fn execute_graph(
    task: &Task<'_>,
    plan: Plan,
    options: &SegmentOptions,
    figures: &Figures,
    console: &Console,
) -> Result<Option<Report>, Failure> {
    let whole = |plan| if options.help_another { Ok(None) } else { execute(plan, figures, console).map(Some) };
    if plan.segment_by.is_none() {
        return whole(plan);
    }
    let signals = Signals::listen();
    let registry = plugins_webrtc::registry();
    let make_plan = || check(task.document, &registry, Depth::Pure);
    let place = Place::of(options)?;
    let limit = options.cache_limit.map_or(DEFAULT_LIMIT, |limit| limit.0);
    let own = || SegmentStore::open(place.path(), limit);
    let unsealed = |error| Failure::Failed(format!("segments cannot be sealed: {error}"));
    // What is not to be kept is not for others either.
    let store: Arc<dyn Store> = match (SealedSegments::open().map_err(unsealed)?, &place) {
        (Some(sealed), _) => Arc::new(sealed),
        (None, Place::Kept(_)) => SharedSegments::open(own())?.into(),
        (None, Place::Temporary(_)) => Arc::new(own()),
    };
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let jobs = options.jobs.map_or(processors.div_ceil(2), NonZero::get);
    let (used, all) = memory();
    let settings = RenderOptions {
        jobs,
        memory: all.saturating_sub(used) / 2,
        store,
        helping: options.help_another,
        cancel: signals.cancel().child(),
        trace: figures.trace.is_some(),
    };
    let watch = Watch::new();
    let shown = progress::Watch::start(watch.progress(), false, console);
    let failed = |error: RenderError| match error {
        RenderError::Run(error) => run_failed(&error),
        RenderError::Problems(problems) => Failure::Graph { problems, text: None },
        RenderError::Store(error) => Failure::Failed(format!("the segments in the cache cannot be read: {error}. Try --no-cache")),
    };
    let render = match Render::prepare(&make_plan, settings, &watch).map_err(failed)? {
        Cut::Segments(render) => render,
        Cut::Whole(why) => {
            drop(shown);
            if let Some(why) = why {
                console.note(&format!("rendered from beginning to end, not in segments: {why}"));
            }
            return whole(plan);
        }
    };
    drop(plan);
    if options.help_another {
        let helped = render.help();
        drop(shown);
        helped.map_err(failed)?;
        return signals.aborted().map_or(Ok(None), |signal| Err(Failure::Aborted(signal)));
    }
    let known = Record::read(task.source);
    let made = Record::of(&render);
    if task.explain {
        explain(&render, &known, console);
    }
    let figures_of = watch.clone();
    let metrics = figures.metrics.as_ref().map(|path| MetricsFile::keep(path, move || figures_of.report()));
    let result = render.run();
    drop(metrics);
    drop(shown);
    let report = result.map_err(failed)?;
    if let Some(signal) = signals.aborted() {
        return Err(Failure::Aborted(signal));
    }
    if let Place::Kept(_) = place {
        made.write(task.source);
    }
    write_figures(Ran { report, trace: &|| watch.trace() }, figures).map(Some)
}

/// Says of each slide whether it is encoded, and why.
fn explain(render: &Render<'_>, before: &[Record], console: &Console) {
    for slide in Reason::of_all(render, before) {
        console.event(&json!({
            "event": "slide", "slide": slide.number, "id": &*slide.id, "segments": slide.segments, "encoded": slide.encoded,
            "because": slide.because,
        }));
        console.say(&slide.to_string());
    }
}
