//! What a packet costs on its way, without what nodes do with it: `cargo run -p engine --example hops`.
//!
//! Prints nanoseconds of one run on this machine, and beside them what they are held against: a hop inside a lane against a bare call
//! through a trait object with one look at the clock, a hop between lanes against a queue of GStreamer (18,900 ns on the machine of the
//! design's figures). Ratios travel between machines, nanoseconds do not.

use engine::cue::Cue;
use engine::graph::check::{Depth, check};
use engine::graph::{LoadOptions, load};
use engine::node::{Cx, Flow, In, Node, Out, Result};
use engine::nodes::ENGINE_NODES;
use engine::packet::Packet;
use engine::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Registry, Sync};
use engine::run::Run;
use engine::time::Time;
use schemars::JsonSchema;
use serde::Deserialize;
use std::hint::black_box;
use std::time::Instant;

const PACKETS: i64 = 400_000;
const HOPS: usize = 16;
const GSTREAMER_QUEUE: f64 = 18_900.0;

const IN: In<Cue> = In::new("cues");
const OUT: Out<Cue> = Out::new("cues");

const SOURCE: NodeType = NodeType {
    name: "source",
    family: "bench",
    revision: 1,
    summary: "The cheapest packets there are",
    inputs: &[],
    outputs: &[OUT.port("rests")],
    sync: Sync::Each,
    lane: Lane::Own,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<SourceConfig>("{}"),
};

const PASS: NodeType = NodeType {
    name: "pass",
    summary: "Hands on what it gets",
    inputs: &[IN.port("anything")],
    lane: Lane::Shared,
    config: ConfigType::of::<PassConfig>("{}"),
    ..SOURCE
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SourceConfig {}

impl NodeConfig for SourceConfig {
    fn build(self, _: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(Source(0)))
    }
}

struct Source(i64);

impl Node for Source {
    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        cx.emit(OUT, Packet::new(Time(self.0), Cue::Rest));
        self.0 += 1;
        Ok(if self.0 < PACKETS { Flow::More } else { Flow::Done })
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PassConfig {}

impl NodeConfig for PassConfig {
    fn build(self, _: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(Pass))
    }
}

struct Pass;

impl Node for Pass {
    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        if let Some(packet) = cx.take(IN) {
            cx.emit(OUT, packet);
        }
        Ok(Flow::More)
    }
}

/// Nanoseconds a packet through `hops` nodes; with `queue`, each in a lane of its own.
fn through(hops: usize, queue: Option<usize>) -> f64 {
    let mut text = String::from("version: 1\ngraph: hops\nnodes:\n  n0: { type: source }\n");
    for i in 1..=hops {
        let from = i - 1;
        let queue = queue.map_or_else(String::new, |items| format!(", queue: {{ items: {items} }}"));
        text += &format!("  n{i}: {{ type: pass, inputs: {{ cues: {{ from: n{from}{queue} }} }} }}\n");
    }
    text += &format!("  end: {{ type: null_sink, inputs: {{ cues: [n{hops}] }} }}\n");
    let document = load(&text, "hops.yaml", &LoadOptions::default()).unwrap_or_else(|problems| panic!("{problems}"));
    let plan =
        check(&document, &Registry::new(&[ENGINE_NODES, &[&SOURCE, &PASS]]), Depth::Pure).unwrap_or_else(|problems| panic!("{problems}"));
    let start = Instant::now();
    Run::launch(plan).and_then(Run::wait).unwrap_or_else(|error| panic!("{error}"));
    start.elapsed().as_nanos() as f64 / PACKETS as f64
}

/// A call through a trait object and a look at the clock.
fn bare() -> f64 {
    trait Call {
        fn call(&mut self, packet: i64) -> i64;
    }
    struct Add(i64);
    impl Call for Add {
        fn call(&mut self, packet: i64) -> i64 {
            self.0 += packet;
            self.0
        }
    }
    let mut nodes: Vec<Box<dyn Call>> = (0..HOPS as i64).map(|i| Box::new(Add(i)) as Box<dyn Call>).collect();
    let start = Instant::now();
    for i in 0..PACKETS {
        for node in black_box(&mut nodes) {
            black_box(node.call(i));
            black_box(Instant::now());
        }
    }
    start.elapsed().as_nanos() as f64 / (PACKETS as usize * HOPS) as f64
}

/// The least of some runs: the one that was disturbed least.
fn best(mut run: impl FnMut() -> f64) -> f64 {
    (0..5).map(|_| run()).fold(f64::INFINITY, f64::min)
}

fn main() {
    let bare = best(bare);
    let alone = best(|| through(0, None));
    let fused = (best(|| through(HOPS, None)) - alone) / HOPS as f64;
    println!("a bare call and a look at the clock   {bare:7.1} ns");
    println!("a hop inside a lane                   {fused:7.1} ns   {:.2} of that", fused / bare);
    for items in [8, 64] {
        let border = best(|| through(1, Some(items))) - alone;
        println!("a hop between lanes, {items:2} packets wait {border:7.1} ns   {:.3} of a GStreamer queue", border / GSTREAMER_QUEUE);
    }
}
