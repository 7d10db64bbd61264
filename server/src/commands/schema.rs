//! `lectern schema`: JSON schemas of the files that people write.

use crate::console::Console;
use crate::failure::Failure;
use clap::{Args, ValueEnum};

const EXAMPLES: &str = "\
Examples:
  lectern schema > graphs/graph.schema.json
  lectern schema lesson > lesson.schema.json

Editors with a YAML language server then complete and check graph files that begin with the line
  # yaml-language-server: $schema=graph.schema.json";

/// Print the JSON schema of graph files or lesson files.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    /// Of which files.
    #[arg(value_enum, default_value_t = Kind::Graph)]
    kind: Kind,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// Graph files, with the settings of every node type.
    Graph,
    /// lesson.yaml, as `lectern lesson export` writes it.
    Lesson,
}

/// Prints.
pub fn run(options: Options, console: &Console) -> Result<(), Failure> {
    console.answer_json(&match options.kind {
        Kind::Graph => engine::catalog::schema(&plugins_webrtc::registry()),
        Kind::Lesson => plugins::lesson::schema().to_value(),
    });
    Ok(())
}
