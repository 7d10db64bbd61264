//! What the tests of this family share: material, and others' programs to look at what was made.

use engine::frame::{Size, VideoFrame};
use engine::graph::parse::parse;
use engine::media::AudioBlock;
use engine::nodes::ENGINE_NODES;
use engine::node::Out;
use engine::packet::Packet;
use engine::registry::{Defaults, NodeType};
use engine::testing::NodeTest;
use engine::time::Rate;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

pub(super) const DEFAULTS: Defaults =
    Defaults { size: Size::new(320, 180), fps: Rate::per_second(30), sample_rate: Rate::per_second(48_000) };

/// What `validate` and `check_env` say to a configuration.
pub(super) fn config(node_type: &NodeType, yaml: &str) -> (Result<(), String>, Result<(), String>) {
    let value = parse(yaml, &Arc::from("test")).expect("YAML");
    let config = (node_type.config.parse)(&value, "config").unwrap_or_else(|problems| panic!("{problems:?}"));
    (config.validate(&DEFAULTS), config.check_env())
}

fn engine_node(name: &str) -> &'static NodeType {
    ENGINE_NODES.iter().find(|node_type| node_type.name == name).expect("an engine node")
}

/// Pictures at 30 fps: a bar that crosses a ramp.
pub(super) fn moving_pictures(size: Size, count: i64) -> Vec<Packet<VideoFrame>> {
    let millis = count * 1000 / 30 + 40;
    let source = NodeTest::new(engine_node("test_video"), &format!("{{ duration: {millis}ms }}")).defaults(Defaults { size, ..DEFAULTS });
    let mut pictures = source.run().expect("runs").packets(Out::<VideoFrame>::new("video"));
    pictures.truncate(count as usize);
    pictures
}

/// A tone of 440 Hz at 48 kHz, one channel, in blocks of 20 ms.
pub(super) fn tone(millis: i64) -> Vec<Packet<AudioBlock>> {
    let source = NodeTest::new(engine_node("test_tone"), &format!("{{ duration: {millis}ms }}"));
    source.run().expect("runs").packets(Out::<AudioBlock>::new("audio"))
}

/// What `ffprobe` says about a file: streams, format and chapters.
pub(super) fn probe(path: &Path, options: &[&str]) -> serde_json::Value {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-of", "json", "-show_streams", "-show_format", "-show_chapters"]).args(options).arg(path);
    let output = command.output().expect("ffprobe is installed");
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn every_example_builds() {
    for node_type in super::NODES {
        let value = parse(node_type.config.example, &Arc::from("example")).expect("YAML");
        let config = (node_type.config.parse)(&value, "config").unwrap_or_else(|problems| panic!("{}: {problems:?}", node_type.name));
        config.validate(&DEFAULTS).unwrap_or_else(|text| panic!("{}: {text}", node_type.name));
        config.build(&DEFAULTS).unwrap_or_else(|failure| panic!("{}: {failure}", node_type.name));
    }
}
