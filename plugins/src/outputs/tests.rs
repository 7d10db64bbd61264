//! What the tests of this family share: material, and others' programs to look at what was made.

use engine::frame::{Size, VideoFrame};
use engine::graph::check::{Depth, check};
use engine::graph::parse::parse;
use engine::graph::{LoadOptions, load};
use engine::media::AudioBlock;
use engine::node::Out;
use engine::nodes::ENGINE_NODES;
use engine::packet::Packet;
use engine::registry::{Defaults, NodeType, Registry};
use engine::run::Run;
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

/// Checks and runs a graph of the engine's nodes, `sound` and this family.
fn run_graph(graph: &str) {
    let registry = Registry::new(&[ENGINE_NODES, crate::sound::NODES, super::NODES]);
    let document = load(graph, "test.yaml", &LoadOptions::default()).unwrap_or_else(|problems| panic!("{problems}"));
    let plan = check(&document, &registry, Depth::Environment).unwrap_or_else(|problems| panic!("{problems}"));
    Run::launch(plan).and_then(Run::wait).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn a_graph_writes_all_outputs_and_a_flash_and_its_click_are_together() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| folder.path().join(name).display().to_string();
    let graph = format!(
        "version: 1
graph: outputs
defaults: {{ video: {{ size: 320x180, fps: 30 }} }}
nodes:
  picture: {{ type: test_video, config: {{ duration: 2500ms, flash: true }} }}
  click: {{ type: test_tone, config: {{ duration: 2500ms, click: true }} }}
  level: {{ type: loudness, inputs: {{ audio: click }} }}
  playout: {{ type: playout, inputs: {{ video: picture.video, audio: level.audio }} }}
  low: {{ type: resample, inputs: {{ audio: playout.audio }}, config: {{ rate: 16000 }} }}
  h264: {{ type: video_encoder, inputs: {{ video: playout.video }} }}
  aac: {{ type: audio_encoder, inputs: {{ audio: playout.audio }} }}
  file: {{ type: mp4_sink, inputs: {{ video: h264.encoded, audio: aac.encoded }}, config: {{ path: {} }} }}
  wav: {{ type: audio_sink, inputs: {{ audio: low.audio }}, config: {{ path: {} }} }}
  frames: {{ type: frame_sink, inputs: {{ video: playout.video }}, config: {{ path: {}, every: 15 }} }}
  preview: {{ type: jpeg_preview, inputs: {{ video: playout.video }}, config: {{ path: {}, every: 500ms }} }}
",
        at("a.mp4"),
        at("a.wav"),
        at("frames"),
        at("a.jpg")
    );
    run_graph(&graph);
    let decode = |options: &[&str]| {
        let output = Command::new("ffmpeg").args(["-v", "error", "-i", &at("a.mp4")]).args(options).arg("-").output().expect("ffmpeg");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let luma = decode(&["-map", "0:v", "-f", "rawvideo", "-pix_fmt", "gray"]);
    let bright: Vec<usize> = luma.chunks(320 * 180).enumerate().filter(|(_, frame)| frame[0] > 128).map(|(n, _)| n).collect();
    assert_eq!((luma.len() / (320 * 180), bright), (75, vec![30, 60]));
    let sound = decode(&["-map", "0:a", "-ac", "1", "-f", "s16le"]);
    let samples: Vec<i16> = sound.as_chunks::<2>().0.iter().map(|bytes| i16::from_le_bytes(*bytes)).collect();
    // A codec smears a little before an onset: where half of the height is first reached says when the click is.
    let onset = samples.iter().position(|sample| sample.unsigned_abs() > 8192).expect("a click");
    assert!((48_000..48_048).contains(&onset), "within 1 ms of the flash: {onset}");
    let wav = hound::WavReader::open(at("a.wav")).expect("a WAV file");
    assert_eq!((wav.spec().sample_rate, wav.duration()), (16_000, 40_000));
    let frames = std::fs::read_dir(at("frames")).expect("a folder").count();
    assert_eq!((frames, Path::new(&at("a.jpg")).exists()), (5, true));
    let mut left: Vec<_> = std::fs::read_dir(&folder).expect("it is there").map(|entry| entry.expect("an entry").file_name()).collect();
    left.sort();
    assert_eq!(left, ["a.jpg", "a.mp4", "a.wav", "frames"], "no part is left");
}
