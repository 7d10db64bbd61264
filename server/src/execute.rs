//! A plan at work under the eyes of the user: progress, signals, and the files that say how it went.

use crate::console::Console;
use crate::failure::Failure;
use crate::metrics::MetricsFile;
use crate::outputs;
use crate::progress::Watch;
use crate::resources;
use crate::signals::Signals;
use clap::Args;
use engine::graph::plan::Plan;
use engine::run::{ErrorKind, Handle, Report, Run, RunError, RunOptions};
use plugins::part_file;
use std::path::{Path, PathBuf};

/// What is written about a run, beside what it makes.
#[derive(Args, Clone, Debug, Default)]
pub struct Figures {
    /// Write figures about the run to this file, as JSON.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Write when each node worked to this file, for chrome://tracing or Perfetto.
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Keep the figures of the run in this file while it runs, as Prometheus text.
    #[arg(long, value_name = "FILE")]
    pub metrics: Option<PathBuf>,
}

impl Figures {
    /// The files that will be written.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        [&self.report, &self.trace, &self.metrics].into_iter().flatten()
    }

    /// Makes sure that they can be written, and are no input.
    ///
    /// # Errors
    /// The first that cannot.
    pub fn check(&self, inputs: &[&Path]) -> Result<(), Failure> {
        self.files().try_for_each(|path| outputs::check(path, inputs))
    }
}

/// Runs a plan to its end and writes its figures.
///
/// # Errors
/// The run failed, or a signal stopped it.
pub fn execute(plan: Plan, figures: &Figures, console: &Console) -> Result<Report, Failure> {
    execute_with(plan, figures, console, |_| (), |()| ())
}

/// The same, with something beside the run: made when it has been launched, and told when it has ended.
///
/// # Errors
/// As [`execute`].
pub fn execute_with<B>(
    plan: Plan,
    figures: &Figures,
    console: &Console,
    begin: impl FnOnce(Handle) -> B,
    end: impl FnOnce(B),
) -> Result<Report, Failure> {
    let signals = Signals::listen();
    let is_live = plan.clock == engine::graph::document::Clock::Live;
    let options = RunOptions { cancel: signals.cancel().child(), trace: figures.trace.is_some(), ..RunOptions::default() };
    let finished = Run::launch_with(plan, options).and_then(|run| {
        let handle = run.handle();
        if is_live {
            signals.stop_first(handle.clone());
        }
        let _watch = Watch::start(run.progress(), is_live, console);
        let watched = handle.clone();
        let metrics = figures.metrics.as_ref().map(|path| MetricsFile::keep(path, move || watched.report()));
        let beside = begin(handle.clone());
        let result = run.wait();
        end(beside);
        drop(metrics);
        result.map(|report| (report, handle))
    });
    let (report, handle) = finished.map_err(|error| run_failed(&error))?;
    if let Some(signal) = signals.aborted() {
        return Err(Failure::Aborted(signal));
    }
    write_figures(Ran { report, trace: &|| handle.trace() }, figures)
}

/// Why a run failed. Whatever nodes say while they are stopped, the signal is the cause.
pub fn run_failed(error: &RunError) -> Failure {
    match (Signals::listen().aborted(), error.kind) {
        (_, ErrorKind::Laggards) => Failure::Laggards(error.to_string()),
        (Some(signal), _) => Failure::Aborted(signal),
        (None, _) => Failure::Failed(error.to_string()),
    }
}

/// What a run that has ended says about itself.
pub struct Ran<'a> {
    /// Its figures, but for those of the process.
    pub report: Report,
    /// When each node worked.
    pub trace: &'a dyn Fn() -> serde_json::Value,
}

/// Completes the figures of a run and writes those that are asked for.
///
/// # Errors
/// A file cannot be written.
pub fn write_figures(ran: Ran<'_>, figures: &Figures) -> Result<Report, Failure> {
    let Ran { mut report, trace } = ran;
    resources::fill_in(&mut report);
    if let Some(path) = &figures.report {
        write_json("report", &serde_json::to_value(&report).expect("a report is plain data"), path)?;
    }
    if let Some(path) = &figures.trace {
        write_json("trace", &trace(), path)?;
    }
    Ok(report)
}

fn write_json(what: &str, value: &serde_json::Value, path: &Path) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(value).expect("JSON can be written");
    part_file::write(path, (json + "\n").as_bytes())
        .map_err(|error| Failure::Failed(format!("cannot write the {what} {}: {}", path.display(), error.cause)))
}
