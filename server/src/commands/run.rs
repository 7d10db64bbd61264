//! `lectern run`: any graph file, as it stands.

use crate::console::Console;
use crate::execute::Figures;
use crate::failure::Failure;
use crate::graphs::{GraphFile, GraphOptions, must_have_sink};
use crate::progress::clock;
use crate::segmented::{SegmentOptions, Task, execute_graph};
use clap::Args;
use engine::graph::check::Depth;
use serde_json::json;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  lectern run graphs/lecture.yaml --profile offline --set lesson=talk.pptx --set out=talk.mp4
  lectern run graphs/hello.yaml --report report.json --trace trace.json

A graph with clock: live plays by the clock; Ctrl-C lets it end in order, and a second one ends it at once.";

/// Run a graph file.
///
/// Paths in the graph are relative to the current folder. Variables are given with --set, profiles with --profile.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    /// The graph file.
    #[arg(value_name = "GRAPH")]
    graph: PathBuf,
    #[command(flatten)]
    graph_options: GraphOptions,
    #[command(flatten)]
    segments: SegmentOptions,
    #[command(flatten)]
    figures: Figures,
}

/// Checks the graph and runs it.
pub fn run(options: Options, console: &Console) -> Result<(), Failure> {
    options.figures.check(&[&options.graph])?;
    let file = GraphFile::new(Some(&options.graph));
    let (document, plan) = file.plan(&options.graph_options, Depth::Environment)?;
    must_have_sink(&file, &document, &plan)?;
    console.lints(&document.warnings, &file.text);
    let name = plan.name.clone();
    let task = Task { document: &document, source: &options.graph, explain: false };
    let Some(report) = execute_graph(&task, plan, &options.segments, &options.figures, console)? else { return Ok(()) };
    let (wall, media) = (report.wall_seconds, report.media_seconds);
    console.event(&json!({ "event": "done", "graph": name, "media_seconds": media, "wall_seconds": wall }));
    let programme = if media > 0.0 { format!("  {} of programme", clock(media)) } else { String::new() };
    console.say(&format!("{name}  done in {wall:.1} s{programme}"));
    console.warnings(&report.warnings);
    Ok(())
}
