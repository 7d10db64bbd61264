//! Graphs in this process, by the engine's public face alone, with nodes made for measuring.

use crate::layers::SAID;
use engine::frame::{PixelFormat, Size, VideoFrame};
use engine::graph::check::{Depth, check};
use engine::graph::{LoadOptions, load};
use engine::node::{Cx, Flow, In, Node, Out, Result};
use engine::packet::Packet;
use engine::pool::Pool;
use engine::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Registry, Starts, Sync};
use engine::run::Run;
use schemars::JsonSchema;
use serde::Deserialize;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

const VIDEO: In<VideoFrame> = In::new("video");
const OTHER: In<VideoFrame> = In::new("other");
const OUT: Out<VideoFrame> = Out::new("out");

/// Emits the same small picture so many times.
const REPEAT: NodeType = NodeType {
    name: "repeat",
    family: "bench",
    revision: 1,
    summary: "The same small picture, many times",
    inputs: &[],
    outputs: &[OUT.port("pictures")],
    sync: Sync::Each,
    lane: Lane::Own,
    starts: Starts::Anywhere,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<RepeatConfig>("{ packets: 10 }"),
};
/// Hands every packet on, in its producer's lane.
const PASS: NodeType = NodeType {
    name: "pass",
    family: "bench",
    revision: 1,
    summary: "Hands packets on",
    inputs: &[VIDEO.port("pictures")],
    outputs: &[OUT.port("the same")],
    sync: Sync::Each,
    lane: Lane::Shared,
    starts: Starts::Anywhere,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<PassConfig>("{}"),
};
/// Hands every packet on, in a lane of its own.
const CROSS: NodeType = NodeType { name: "cross", lane: Lane::Own, ..PASS };
/// Looks at two streams at every tick.
const JOIN: NodeType =
    NodeType { name: "join", inputs: &[VIDEO.port("pictures"), OTHER.port("more pictures")], sync: Sync::Join, lane: Lane::Own, ..PASS };
/// Writes every picture's bytes into a file.
const RAW_SINK: NodeType = NodeType {
    name: "raw_sink",
    summary: "Pictures as bytes in a file",
    outputs: &[],
    lane: Lane::Own,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<RawSinkConfig>("{ path: pictures }"),
    ..PASS
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawSinkConfig {
    path: PathBuf,
}

struct RawSink {
    file: BufWriter<File>,
}

impl NodeConfig for RawSinkConfig {
    fn build(self, _: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(RawSink { file: BufWriter::new(File::create(self.path)?) }))
    }
}

impl Node for RawSink {
    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        if let Some(packet) = cx.take(VIDEO) {
            self.file.write_all(packet.media.picture.bytes())?;
        }
        Ok(Flow::More)
    }

    fn finish(&mut self, _: &mut Cx<'_>) -> Result {
        Ok(self.file.flush()?)
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RepeatConfig {
    packets: u64,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PassConfig {}

struct Repeat {
    frame: VideoFrame,
    left: u64,
    index: i64,
    rate: engine::time::Rate,
}

struct Pass {
    joins: bool,
}

impl NodeConfig for RepeatConfig {
    fn build(self, defaults: &Defaults) -> Result<Box<dyn Node>> {
        let frame = Pool::new().black(PixelFormat::I420, Size::new(16, 16)).freeze();
        Ok(Box::new(Repeat { frame, left: self.packets, index: 0, rate: defaults.fps }))
    }
}

impl NodeConfig for PassConfig {
    fn build(self, _: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(Pass { joins: false }))
    }
}

impl Node for Repeat {
    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        if self.left == 0 {
            return Ok(Flow::Done);
        }
        cx.emit(OUT, Packet::lasting(self.rate.time_of(self.index), self.rate.interval(), self.frame.clone()));
        (self.left, self.index) = (self.left - 1, self.index + 1);
        Ok(Flow::More)
    }
}

impl Node for Pass {
    fn start(&mut self, start: &mut engine::node::Start<'_>) -> Result {
        self.joins = start.video(OTHER).is_some();
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        if self.joins {
            if let Some((_, frame)) = cx.current(VIDEO) {
                let packet = Packet::new(cx.tick().time, frame.clone());
                cx.emit(OUT, packet);
            }
        } else if let Some(packet) = cx.take(VIDEO) {
            cx.emit(OUT, packet);
        }
        Ok(Flow::More)
    }
}

/// Runs a graph given as the `nodes:` of a graph file.
pub fn run(size: Size, nodes: &str) {
    let Size { width, height } = size;
    let text = format!("version: 1\ngraph: bench\ndefaults: {{ video: {{ size: {width}x{height}, fps: 30 }} }}\nnodes:\n{nodes}");
    let mut types = plugins::registry().types().to_vec();
    types.extend([&REPEAT, &PASS, &CROSS, &JOIN, &RAW_SINK, &SAID]);
    let document = load(&text, "bench.yaml", &LoadOptions::default()).unwrap_or_else(|problems| panic!("{problems}\n{text}"));
    let plan = check(&document, &Registry::new(&[&types]), Depth::Environment).unwrap_or_else(|problems| panic!("{problems}\n{text}"));
    Run::launch(plan).and_then(Run::wait).unwrap_or_else(|error| panic!("{error}\n{text}"));
}
