//! `lectern graph`: a picture of a graph.

use crate::console::Console;
use crate::failure::Failure;
use crate::graphs::{GraphFile, GraphOptions};
use clap::{Args, ValueEnum};
use engine::graph::check::Depth;
use engine::graph::draw;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  lectern graph                                     the graph of `lectern render`, by lanes
  lectern graph graphs/lecture.yaml --profile offline --format dot | dot -Tsvg > lecture.svg
  lectern graph graphs/hello.yaml --format mermaid";

/// Draw a graph.
///
/// Shows nodes, what travels between them, which share a thread (a lane), and how much each inbox may hold.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    /// The graph file. [default: the graph of `lectern render`]
    #[arg(value_name = "GRAPH")]
    graph: Option<PathBuf>,
    #[command(flatten)]
    graph_options: GraphOptions,
    /// How.
    #[arg(long, value_enum, default_value_t = Form::Lanes)]
    format: Form,
}

/// The forms of `engine::graph::draw`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    /// Graphviz.
    Dot,
    /// Mermaid, for Markdown.
    Mermaid,
    /// Text, by lanes.
    Lanes,
    /// For programs.
    Json,
}

/// Draws.
pub fn run(options: Options, console: &Console) -> Result<(), Failure> {
    let Options { graph, mut graph_options, format } = options;
    let file = GraphFile::new(graph.as_deref());
    if graph.is_none() && graph_options.profile.is_empty() {
        graph_options.profile.push("offline".into());
    }
    let (_, plan) = file.plan(&graph_options, Depth::Pure)?;
    let format = match format {
        _ if console.json() => draw::Format::Json,
        Form::Dot => draw::Format::Dot,
        Form::Mermaid => draw::Format::Mermaid,
        Form::Lanes => draw::Format::Lanes,
        Form::Json => draw::Format::Json,
    };
    console.answer(&draw::draw(&plan, format));
    Ok(())
}
