//! `color` [-> video]: one picture of one colour, held for a time.

use crate::frame::{PixelFormat, VideoFrame};
use crate::graph::unit::{DurationSetting, Rgb};
use crate::node::{Cx, Flow, Node, Out, Result};
use crate::packet::Packet;
use crate::pool::Pool;
use crate::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use crate::time::Time;
use schemars::JsonSchema;
use serde::Deserialize;

const VIDEO: Out<VideoFrame> = Out::new("video");

/// The node's entry in the registry.
pub const COLOR: NodeType = NodeType {
    name: "color",
    family: "engine",
    revision: 1,
    summary: "One picture of one colour",
    inputs: &[],
    outputs: &[VIDEO.port("the picture, once")],
    sync: Sync::Each,
    lane: Lane::Own,
    starts: Starts::Anywhere,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<ColorConfig>("{ color: \"#102030\", duration: 2s }"),
};

/// Settings of `color`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColorConfig {
    /// The colour.
    color: Rgb,
    /// How long it shows.
    duration: DurationSetting,
}

impl NodeConfig for ColorConfig {
    fn validate(&self, _: &Defaults) -> std::result::Result<(), String> {
        if self.duration.0.0 <= 0 { Err("duration must be longer than nothing".into()) } else { Ok(()) }
    }

    fn build(self, defaults: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(Color { config: self, defaults: *defaults, from: Time::ZERO }))
    }
}

struct Color {
    config: ColorConfig,
    defaults: Defaults,
    /// Where the picture is stated.
    from: Time,
}

impl Node for Color {
    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        let mut frame = Pool::new().blank(PixelFormat::I420, self.defaults.size);
        let layout = frame.layout();
        let planes = bt709(self.config.color.0);
        let bytes = frame.bytes_mut();
        for (p, level) in planes.into_iter().enumerate() {
            bytes[layout.offset(p)..layout.offset(p + 1)].fill(level);
        }
        cx.emit(VIDEO, Packet::new(self.from, frame.freeze()));
        cx.settle(VIDEO, Time::ZERO + self.config.duration.0);
        Ok(Flow::Done)
    }

    fn flush(&mut self, cut: Time) {
        self.from = cut;
    }
}

/// Y, Cb, Cr of an sRGB colour by ITU-R BT.709 in limited range, rounded to nearest.
fn bt709([r, g, b]: [u8; 3]) -> [u8; 3] {
    let [r, g, b] = [r, g, b].map(|c| f64::from(c) / 255.0);
    let y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    let level = |value: f64| value.round().clamp(0.0, 255.0) as u8;
    [level(16.0 + 219.0 * y), level(128.0 + 224.0 * (b - y) / 1.8556), level(128.0 + 224.0 * (r - y) / 1.5748)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::NodeTest;

    #[test]
    fn a_color_is_one_picture_of_the_right_levels() {
        assert_eq!(bt709([255, 255, 255]), [235, 128, 128]);
        assert_eq!(bt709([0, 0, 0]), [16, 128, 128]);
        assert_eq!(bt709([0, 177, 64]), [129, 96, 55]);
        let out = NodeTest::new(&COLOR, "{ color: \"#00b140\", duration: 2s }").run().expect("runs");
        let frames = out.packets(VIDEO);
        assert_eq!(frames.len(), 1);
        assert_eq!(frames[0].media.picture.plane(0).data[0], 129);
        assert_eq!(out.end(VIDEO), Some(Time::ZERO + crate::time::Span::from_seconds(2)));
    }
}
