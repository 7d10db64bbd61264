//! `scale` [video -> video]: pictures of another size.

use crate::pixels::{fit, scale_frame};
use engine::frame::{Point, Rect, Size, VideoFrame};
use engine::graph::unit::FrameSize;
use engine::media::{Caps, VideoCaps};
use engine::node::{Cx, Flow, In, Node, Out, Result, Start};
use engine::packet::Packet;
use engine::pool::{FrameMut, Pool};
use engine::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const VIDEO: In<VideoFrame> = In::new("video");
const VIDEO_OUT: Out<VideoFrame> = Out::new("video");

/// The node's entry in the registry.
pub const SCALE: NodeType = NodeType {
    name: "scale",
    family: "compositor",
    revision: 1,
    summary: "Pictures of another size",
    inputs: &[VIDEO.port("pictures")],
    outputs: &[VIDEO_OUT.port("the same, of the size asked for")],
    sync: Sync::Each,
    lane: Lane::Shared,
    starts: Starts::Anywhere,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<ScaleConfig>("{ size: 640x360, fit: contain }"),
};

/// Settings of `scale`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScaleConfig {
    /// Size of the result; the graph's picture size when left out.
    size: Option<FrameSize>,
    /// What happens when the proportions differ.
    #[serde(default)]
    fit: Fit,
}

/// What happens when proportions differ.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Fit {
    /// All of the picture shows; bars fill the rest, black, or transparent where the picture has alpha.
    #[default]
    Contain,
    /// The picture fills the size; what sticks out on two sides is cut off.
    Cover,
    /// Each side is scaled by itself.
    Stretch,
}

impl NodeConfig for ScaleConfig {
    fn build(self, defaults: &Defaults) -> Result<Box<dyn Node>> {
        let size = self.size.map_or(defaults.size, |size| Size::new(size.width, size.height));
        Ok(Box::new(Scale { size, fit: self.fit, pool: Pool::new(), last: None, seq: 0 }))
    }
}

struct Scale {
    size: Size,
    fit: Fit,
    pool: Pool,
    /// The picture scaled last, by identity, and the result: a held picture is scaled once.
    last: Option<(u64, VideoFrame)>,
    seq: u64,
}

impl Node for Scale {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        if let Some(video) = start.video(VIDEO) {
            start.set_caps(VIDEO_OUT, Caps::Video(VideoCaps { size: self.size, ..video }));
        }
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        let Some(packet) = cx.take(VIDEO) else { return Ok(Flow::More) };
        let id = packet.media.picture.id();
        let scaled = match &self.last {
            Some((known, scaled)) if *known == id => scaled.clone(),
            _ => self.scaled(&packet.media)?,
        };
        self.last = Some((id, scaled.clone()));
        let frame = VideoFrame { seq: self.seq, damage: None, place: None, ..scaled };
        self.seq += 1;
        cx.emit(VIDEO_OUT, Packet { media: frame, ..packet });
        Ok(Flow::More)
    }
}

impl Scale {
    fn scaled(&self, frame: &VideoFrame) -> Result<VideoFrame> {
        let inner = match self.fit {
            Fit::Contain => fit(frame.size(), self.size),
            Fit::Cover => cover(frame.size(), self.size),
            Fit::Stretch => self.size.rect(),
        };
        let scaled = scale_frame(frame, Size::new(inner.width, inner.height), &self.pool)?;
        if inner == self.size.rect() {
            return Ok(scaled);
        }
        let mut target = self.pool.black(frame.format(), self.size);
        copy_into(&mut target, &scaled, Point { x: inner.x, y: inner.y });
        Ok(target.freeze())
    }
}

/// The smallest even rectangle with the proportions of `source` that covers `area`, its middle in the middle, at an even place.
fn cover(source: Size, area: Size) -> Rect {
    let scale = (f64::from(area.width) / f64::from(source.width)).max(f64::from(area.height) / f64::from(source.height));
    let side = |length: u32, least: u32| ((f64::from(length) * scale / 2.0).round() as u32 * 2).max(least);
    let (width, height) = (side(source.width, area.width), side(source.height, area.height));
    let middle = |area: u32, side: u32| ((area as i32 - side as i32) / 2) & !1;
    Rect { x: middle(area.width, width), y: middle(area.height, height), width, height }
}

/// Copies all planes with the top left corner at the even point `at`; what lies outside is left out.
fn copy_into(target: &mut FrameMut, source: &VideoFrame, at: Point) {
    let (rect, planes) = target.draw(Rect::new(at, source.size()));
    if rect.is_empty() {
        return;
    }
    let (left, top) = ((rect.x - at.x) as usize, (rect.y - at.y) as usize);
    for (p, plane) in planes.into_iter().enumerate() {
        let Some(plane) = plane else { continue };
        let from = source.picture.plane(p);
        let halves = if p == 1 || p == 2 { 2 } else { 1 };
        let width = plane.size.width as usize;
        for y in 0..plane.size.height as usize {
            let start = (top / halves + y) * from.stride + left / halves;
            plane.data[y * plane.stride..][..width].copy_from_slice(&from.data[start..start + width]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::{Alpha, rgba_to_a420, rgba_to_i420};
    use engine::frame::PixelFormat;
    use engine::testing::{NodeTest, Outputs};
    use engine::time::{Span, Time};

    fn run(config: &str, frame: VideoFrame, times: i64) -> Outputs {
        let at = |i| Time(i * Span::SECOND.0);
        let packets = (0..times).map(|i| Packet::lasting(at(i), Span::SECOND, frame.clone())).collect();
        NodeTest::new(&SCALE, config).input(VIDEO, packets, at(times)).run().expect("runs")
    }

    /// White with a black edge of 4 pixels at the left and right.
    fn picture(size: Size) -> Vec<u8> {
        let level = |x: u32| if x < 4 || x >= size.width - 4 { [0, 0, 0, 255] } else { [255; 4] };
        (0..size.area() as u32).flat_map(|i| level(i % size.width)).collect()
    }

    #[test]
    fn contain_has_bars_cover_cuts_and_stretch_does_neither() {
        let size = Size::new(120, 120);
        let frame = rgba_to_i420(&picture(size), size, &Pool::new()).unwrap();
        let middle_row = |config: &str| {
            let out = run(config, frame.clone(), 1);
            let Some(Caps::Video(caps)) = &out.caps[0] else { panic!("caps") };
            assert_eq!(caps.size, Size::new(160, 80));
            let picture = out.packets(VIDEO_OUT)[0].media.picture.clone();
            picture.plane(0).data[40 * 160..41 * 160].to_vec()
        };
        let row = middle_row("{ size: 160x80 }");
        assert_eq!((row[0], row[39], row[80], row[159]), (16, 16, 235, 16));
        let row = middle_row("{ size: 160x80, fit: cover }");
        assert_eq!((row[0], row[8], row[80], row[159]), (16, 235, 235, 16), "the whole width, rows are cut");
        let row = middle_row("{ size: 160x80, fit: stretch }");
        assert_eq!((row[1], row[10], row[80], row[158]), (16, 235, 235, 16));
    }

    #[test]
    fn cover_cuts_the_middle_out() {
        assert_eq!(cover(Size::new(120, 120), Size::new(160, 80)), Rect { x: 0, y: -40, width: 160, height: 160 });
        assert_eq!(cover(Size::new(640, 480), Size::new(160, 90)), Rect { x: 0, y: -16, width: 160, height: 120 });
        let odd = cover(Size::new(334, 111), Size::new(160, 90));
        assert!(odd.width >= 160 && odd.height == 90 && odd.width.is_multiple_of(2) && odd.x % 2 == 0);
    }

    #[test]
    fn bars_of_a_cut_out_are_transparent() {
        let size = Size::new(40, 40);
        let frame = rgba_to_a420(&picture(size), size, Alpha::Straight, &Pool::new()).unwrap();
        let out = run("{ size: 80x40 }", frame, 1).packets(VIDEO_OUT);
        let alpha = out[0].media.picture.plane(3);
        assert_eq!((out[0].media.format(), alpha.data[0], alpha.data[40], alpha.data[79]), (PixelFormat::A420, 0, 255, 0));
    }

    #[test]
    fn a_held_picture_is_scaled_once_and_times_stay() {
        let size = Size::new(40, 40);
        let frame = rgba_to_i420(&picture(size), size, &Pool::new()).unwrap();
        let out = run("{}", frame, 3);
        let frames = out.packets(VIDEO_OUT);
        assert_eq!(out.end(VIDEO_OUT), Some(Time(3 * Span::SECOND.0)));
        assert_eq!(frames[2].pts, Time(2 * Span::SECOND.0));
        assert_eq!(frames[2].media.size(), Size::new(320, 180));
        assert_eq!(frames[0].media.picture.id(), frames[2].media.picture.id());
    }
}
