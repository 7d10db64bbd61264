//! `lectern check`: everything that is wrong with graph files.

use super::several;
use crate::console::{Console, problem_json};
use crate::failure::Failure;
use crate::graphs::{GraphFile, GraphOptions};
use clap::Args;
use engine::graph::check::Depth;
use serde_json::{Value, json};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  lectern check graphs/lecture.yaml --profile offline
  lectern check graphs/*.yaml --no-environment --deny-warnings";

/// Check graph files without running them.
///
/// Prints every problem with its place, and what to write instead. Exit code 2 when there is one.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    /// The graph files.
    #[arg(value_name = "GRAPH", required = true)]
    graphs: Vec<PathBuf>,
    #[command(flatten)]
    graph_options: GraphOptions,
    /// Look at the files alone: not whether decks, voices and programs that they need are there.
    #[arg(long)]
    no_environment: bool,
    /// Warnings are problems, too.
    #[arg(long)]
    deny_warnings: bool,
}

/// Checks all files and fails with the first failure's code after the last file.
pub fn run(options: Options, console: &Console) -> Result<(), Failure> {
    let depth = if options.no_environment { Depth::Pure } else { Depth::Environment };
    let mut failures = Vec::new();
    let mut valid = Vec::new();
    for path in &options.graphs {
        let file = GraphFile::new(Some(path));
        let (document, plan) = match file.plan(&options.graph_options, depth) {
            Ok(checked) => checked,
            Err(failure) => {
                failures.push(failure);
                continue;
            }
        };
        if options.deny_warnings && !document.warnings.is_empty() {
            let problems = engine::graph::Problems(document.warnings);
            failures.push(Failure::Graph { problems, text: Some(file.text) });
            continue;
        }
        if !console.json() {
            console.lints(&document.warnings, &file.text);
        }
        let (nodes, lanes) = (plan.nodes.len(), plan.lanes().len());
        console.say(&format!("{}: valid, {} in {}", file.name(), several(nodes, "node"), several(lanes, "lane")));
        let warnings: Value = document.warnings.iter().map(problem_json).collect();
        valid.push(json!({ "file": file.name(), "graph": plan.name, "nodes": nodes, "lanes": lanes, "warnings": warnings }));
    }
    let last = failures.pop();
    failures.iter().for_each(|failure| console.failure(failure));
    if console.json() && last.is_none() {
        console.answer_json(&json!({ "valid": valid }));
    }
    last.map_or(Ok(()), Err)
}
