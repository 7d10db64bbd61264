//! A plan at work under the eyes of the user: progress, signals, the report.

use crate::console::Console;
use crate::failure::Failure;
use crate::outputs;
use crate::progress::Watch;
use crate::resources;
use crate::signals::Signals;
use engine::graph::plan::Plan;
use engine::run::{Report, Run};
use std::path::Path;

/// Runs a plan to its end.
///
/// # Errors
/// The run failed, or a signal stopped it.
pub fn execute(plan: Plan, console: &Console) -> Result<Report, Failure> {
    let signals = Signals::listen();
    let finished = Run::launch_with(plan, signals.cancel()).and_then(|run| {
        let _watch = Watch::start(run.progress(), console);
        run.wait()
    });
    // Whatever nodes say while they are stopped, the signal is the cause.
    if let Some(signal) = signals.caught() {
        return Err(Failure::Aborted(signal));
    }
    let mut report = finished.map_err(|error| Failure::Failed(error.to_string()))?;
    resources::fill_in(&mut report);
    Ok(report)
}

/// Writes the report as JSON.
pub fn write_report(report: &Report, path: &Path) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(report).expect("a report is plain data");
    outputs::write(path, &(json + "\n")).map_err(|error| Failure::Failed(format!("cannot write the report {}: {error}", path.display())))
}
