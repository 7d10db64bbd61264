//! `lectern nodes`: the node types that graphs are made of.

use crate::catalogue;
use crate::console::Console;
use crate::failure::Failure;
use clap::Args;
use engine::catalog::{help, markdown, signature};
use engine::graph::did_you_mean;

const EXAMPLES: &str = "\
Examples:
  lectern nodes                      all of them, one line each
  lectern nodes chroma_compositor    ports, settings with defaults, an example
  lectern nodes --markdown > plugins/README.md";

/// List node types, or explain one.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    /// The node type to explain.
    #[arg(value_name = "NAME", conflicts_with = "markdown")]
    name: Option<String>,
    /// Print the whole catalogue as Markdown.
    #[arg(long)]
    markdown: bool,
}

/// Lists or explains.
pub fn run(options: Options, console: &Console) -> Result<(), Failure> {
    let registry = plugins_webrtc::registry();
    if options.markdown {
        console.answer(&markdown(&registry));
        return Ok(());
    }
    if let Some(name) = options.name {
        let Some(node_type) = registry.get(&name) else {
            let close = did_you_mean(&name, registry.types().iter().map(|node_type| node_type.name));
            let hint = close.map_or("`lectern nodes` lists all".to_string(), |close| format!("did you mean \"{close}\"?"));
            return Err(Failure::Invalid(format!("there is no node type \"{name}\"; {hint}")));
        };
        match console.json() {
            true => console.answer_json(&catalogue::node(node_type)),
            false => console.answer(&help(node_type)),
        }
        return Ok(());
    }
    if console.json() {
        console.answer_json(&catalogue::nodes(&registry));
        return Ok(());
    }
    let width = registry.types().iter().map(|node_type| node_type.name.len()).max().unwrap_or(0);
    let mut family = "";
    for node_type in registry.types() {
        if node_type.family != family {
            console.answer(&format!("{}{}\n", if family.is_empty() { "" } else { "\n" }, node_type.family));
            family = node_type.family;
        }
        console.answer(&format!("  {:width$}  {}\n  {:width$}  {}\n", node_type.name, node_type.summary, "", signature(node_type)));
    }
    Ok(())
}
