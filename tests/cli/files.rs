//! What is generated from the registry: node help, catalogue, schema, drawings.

use super::run;
use serde_json::Value;
use std::path::Path;

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn nodes_are_listed_and_explained() {
    let list = run(here(), "nodes").ok();
    assert!(list.contains("\n  playout ") && list.contains("-> audio"), "{list}");
    let one = run(here(), "nodes test_tone").ok();
    for part in [
        "outputs\n  audio  audio  sound in blocks of 20 ms",
        "  duration: text such as 400ms",
        "; required",
        "  frequency: whole number",
        "default: 440",
    ] {
        assert!(one.contains(part), "{part}\n{one}");
    }
    assert_eq!(run(here(), "nodes test_tne").fails(2), "error: there is no node type \"test_tne\"; did you mean \"test_tone\"?\n");
    let all: Value = serde_json::from_str(&run(here(), "nodes --json").ok()).expect("JSON");
    assert!(all.as_array().is_some_and(|all| all.iter().any(|node| node["name"] == "hash")));
}

#[test]
fn the_schema_narrows_configurations_by_type() {
    let text = run(here(), "schema").ok();
    let schema: Value = serde_json::from_str(&text).expect("JSON");
    let rules = schema["$defs"]["Node"]["allOf"].as_array().expect("rules");
    let known = schema["$defs"]["Node"]["properties"]["type"]["enum"].as_array().expect("names");
    assert_eq!(rules.len(), known.len());
    assert!(known.contains(&"playout".into()));
    assert!(run(here(), "schema lesson").ok().contains("narration"));
}

#[test]
fn generated_files_are_current() {
    for (file, command) in [("graphs/graph.schema.json", "schema"), ("plugins/README.md", "nodes --markdown")] {
        let committed = std::fs::read_to_string(here().join(file)).unwrap_or_default();
        assert!(committed == run(here(), command).ok(), "{file} is stale; write it anew: cargo run -q -- {command} > {file}");
    }
}

#[test]
fn a_graph_is_drawn_in_four_ways() {
    let draw = |format: &str| run(here(), &format!("graph tests/cli/graphs/l001-unused-variable.yaml --format {format}")).ok();
    assert!(draw("dot").starts_with("digraph \"sample\" {\n"));
    assert!(draw("mermaid").contains("n_tone -.->|audio| n_out"));
    assert!(draw("lanes").contains("lane 1\n  tone (test_tone)\n  out (null_sink), called by tone.audio\n"));
    let json: Value = serde_json::from_str(&draw("json")).expect("JSON");
    assert_eq!(json["edges"][0]["from"], "tone.audio");
}

#[test]
fn the_graph_of_render_is_drawn_without_arguments() {
    assert!(run(here(), "graph").ok().starts_with("graph lecture: "));
}
