//! `delay` [video -> video]: holds every picture back by a fixed number of frame times and may take real time over it. Tests use it to shift
//! work between lanes; the result must not change.

use crate::frame::VideoFrame;
use crate::media::Caps;
use crate::node::{Cx, Flow, In, Node, Out, Result, Start};
use crate::packet::Packet;
use crate::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use crate::time::{Span, Time};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::VecDeque;
use std::time::Duration;

const VIDEO: In<VideoFrame> = In::new("video");
const VIDEO_OUT: Out<VideoFrame> = Out::new("video");

/// The node's entry in the registry.
pub const DELAY: NodeType = NodeType {
    name: "delay",
    family: "engine",
    revision: 1,
    summary: "Holds pictures back, as an encoder or a model does (for tests)",
    inputs: &[VIDEO.port("pictures")],
    outputs: &[VIDEO_OUT.port("the same pictures, later")],
    sync: Sync::Each,
    lane: Lane::Shared,
    starts: Starts::Anywhere,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<DelayConfig>("{ frames: 3 }"),
};

/// Settings of `delay`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DelayConfig {
    /// How many frame times it holds pictures back, 0 to 1000.
    frames: u32,
    /// Real time that each call takes, in microseconds; 0 to 1,000,000.
    #[serde(default)]
    busy_us: u64,
}

impl NodeConfig for DelayConfig {
    fn validate(&self, _: &Defaults) -> std::result::Result<(), String> {
        if self.frames > 1000 || self.busy_us > 1_000_000 {
            return Err("frames goes up to 1000, busy_us up to 1000000".into());
        }
        Ok(())
    }

    fn build(self, _: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(Delay { config: self, latency: Span::ZERO, held: VecDeque::new() }))
    }
}

struct Delay {
    config: DelayConfig,
    latency: Span,
    held: VecDeque<Packet<VideoFrame>>,
}

impl Node for Delay {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        if let Some(video) = start.video(VIDEO) {
            start.set_caps(VIDEO_OUT, Caps::Video(video));
            self.latency = video.rate.span_of(i64::from(self.config.frames));
            start.set_latency(self.latency);
        }
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        if self.config.busy_us > 0 {
            std::thread::sleep(Duration::from_micros(self.config.busy_us));
        }
        self.held.extend(cx.take(VIDEO));
        // As long as it said and no longer, also where one picture stands for many.
        let due = cx.settled() - self.latency;
        while self.held.front().is_some_and(|packet| packet.pts < due)
            && let Some(packet) = self.held.pop_front()
        {
            cx.emit(VIDEO_OUT, packet);
        }
        Ok(Flow::More)
    }

    fn flush(&mut self, cut: Time) {
        self.held.retain(|packet| packet.pts < cut);
    }

    fn finish(&mut self, cx: &mut Cx<'_>) -> Result {
        self.held.drain(..).for_each(|packet| cx.emit(VIDEO_OUT, packet));
        Ok(())
    }
}
