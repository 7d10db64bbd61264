//! What holds for every node type, and the files made from the registry.

use crate::support::{lectern, root, succeed};
use engine::frame::Size;
use engine::graph::parse::parse;
use engine::registry::Defaults;
use engine::time::Rate;
use std::sync::Arc;

#[test]
fn the_committed_schema_and_catalogue_are_current() {
    let home = tempfile::tempdir().unwrap();
    for (file, arguments) in [("graphs/graph.schema.json", ["schema"].as_slice()), ("plugins/README.md", &["nodes", "--markdown"])] {
        let made = String::from_utf8(succeed(lectern(home.path()).args(arguments)).stdout).unwrap();
        let committed = std::fs::read_to_string(root().join(file)).unwrap();
        assert!(made == committed, "{file} is stale; write it anew: lectern {} > {file}", arguments.join(" "));
    }
}

#[test]
fn every_example_is_read_and_valid() {
    let defaults = Defaults { size: Size::new(1280, 720), fps: Rate::per_second(30), sample_rate: Rate::per_second(48_000) };
    for node_type in plugins::registry().types() {
        let value = parse(node_type.config.example, &Arc::from("example")).unwrap_or_else(|error| panic!("{}: {error}", node_type.name));
        let config = (node_type.config.parse)(&value, "config").unwrap_or_else(|error| panic!("{}: {error}", node_type.name));
        config.validate(&defaults).unwrap_or_else(|error| panic!("{}: {error}", node_type.name));
        config.build(&defaults).unwrap_or_else(|error| panic!("{}: {error}", node_type.name));
    }
}

#[test]
fn every_type_is_named_and_documented() {
    for node_type in plugins::registry().types() {
        let name = node_type.name;
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'), "{name}");
        assert!(!node_type.summary.is_empty() && !node_type.summary.ends_with('.'), "{name}: the summary is one line without a full stop");
        assert!(node_type.revision > 0, "{name}");
        assert!(!node_type.inputs.is_empty() || !node_type.outputs.is_empty(), "{name} has no ports");
        let text = node_type.inputs.iter().map(|port| port.summary).chain(node_type.outputs.iter().map(|port| port.summary));
        assert!(text.into_iter().all(|summary| !summary.is_empty()), "{name}: a port without a summary");
        let mut generator = schemars::SchemaGenerator::default();
        (node_type.config.schema)(&mut generator);
        let definitions = serde_json::to_value(generator.definitions()).unwrap();
        for (definition, schema) in definitions.as_object().into_iter().flatten() {
            for (key, property) in schema["properties"].as_object().into_iter().flatten() {
                assert!(property.get("description").is_some(), "{name}: {definition}.{key} is not documented");
            }
        }
    }
}
