//! `test_video` [-> video, cues]: a moving test picture of exact timing: a grey ramp, a bar that crosses in two seconds, and, when asked, a
//! white flash at every full second with a marker cue.

use crate::cue::Cue;
use crate::frame::{PixelFormat, Point, Rect, Size, VideoFrame};
use crate::graph::unit::DurationSetting;
use crate::node::{Cx, Failure, Flow, Node, Out, Result, Start};
use crate::packet::Packet;
use crate::pool::Pool;
use crate::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use crate::segments::{Fingerprint, Hash, Part};
use crate::time::{Span, Time};
use schemars::JsonSchema;
use serde::Deserialize;

const VIDEO: Out<VideoFrame> = Out::new("video");
const CUES: Out<Cue> = Out::new("cues");

/// The node's entry in the registry.
pub const TEST_VIDEO: NodeType = NodeType {
    name: "test_video",
    family: "engine",
    revision: 1,
    summary: "A moving test picture of exact timing",
    inputs: &[],
    outputs: &[VIDEO.port("one picture a frame time"), CUES.port("a marker at every flash")],
    sync: Sync::Each,
    lane: Lane::Own,
    starts: Starts::Anywhere,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<TestVideoConfig>("{ duration: 2s }"),
};

/// Settings of `test_video`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TestVideoConfig {
    /// How long it plays.
    duration: DurationSetting,
    /// One white picture at every full second, from 1 s on; the rest dark.
    #[serde(default)]
    flash: bool,
    /// The programme consists of so many parts of whole pictures, about equally long; 0 to 10000. For renders in segments.
    #[serde(default)]
    parts: u32,
}

impl NodeConfig for TestVideoConfig {
    fn validate(&self, _: &Defaults) -> std::result::Result<(), String> {
        match (self.duration.0.0, self.parts) {
            (..=0, _) => Err("duration must be longer than nothing".into()),
            (_, 10_001..) => Err("parts goes up to 10000".into()),
            _ => Ok(()),
        }
    }

    fn build(self, defaults: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(TestVideo { config: self, defaults: *defaults, pool: Pool::new(), base: None, index: 0, first: 0, end: None }))
    }
}

struct TestVideo {
    config: TestVideoConfig,
    defaults: Defaults,
    pool: Pool,
    base: Option<VideoFrame>,
    index: i64,
    /// The picture at time zero of the run.
    first: i64,
    /// Where the run ends, if not with the programme.
    end: Option<i64>,
}

impl TestVideo {
    /// The pictures of a part: the first one, and the first of the next part.
    fn part(&self, number: u32) -> (i64, i64) {
        let count = self.defaults.fps.index_from(Time::ZERO + self.config.duration.0);
        let border = |number: u32| count * i64::from(number) / i64::from(self.config.parts.max(1));
        (border(number), border(number + 1))
    }

    /// A ramp from left to right, grey.
    fn base(&mut self) -> VideoFrame {
        let (size, flash) = (self.defaults.size, self.config.flash);
        let draw = || {
            let mut frame = Pool::new().black(PixelFormat::I420, size);
            let (_, planes) = frame.draw(size.rect());
            if let [Some(luma), ..] = planes {
                for row in luma.data.chunks_mut(luma.stride).take(luma.size.height as usize) {
                    for (x, level) in row.iter_mut().enumerate().take(luma.size.width as usize) {
                        *level = if flash { 16 } else { (16 + x * 160 / luma.size.width as usize) as u8 };
                    }
                }
            }
            frame.freeze()
        };
        self.base.get_or_insert_with(draw).clone()
    }
}

impl Node for TestVideo {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        if let Some(window) = start.window() {
            let number = window.part.id.parse().map_err(|_| Failure::msg(format!("there is no part \"{}\"", window.part.id)))?;
            let (first, end) = self.part(number);
            (self.index, self.first, self.end) = (first, first, Some(end));
        }
        Ok(())
    }

    fn parts(&mut self) -> Result<Vec<Part>> {
        let rate = self.defaults.fps;
        let part = |number: u32| {
            let (first, end) = self.part(number);
            let content = Hash::of_all([first.to_le_bytes(), end.to_le_bytes()]);
            let (start, end) = (rate.time_of(first), rate.time_of(end));
            Part { id: number.to_string().into(), number: number as usize + 1, start, end, content, overlap: Span::ZERO }
        };
        Ok((0..self.config.parts).map(part).collect())
    }

    fn fingerprint(&mut self, part: &Part, key: &mut Fingerprint<'_>) -> Result {
        key.add("pictures", part.content);
        key.add_settings();
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        let rate = self.defaults.fps;
        let time = rate.time_of(self.index - self.first);
        let end = self.end.map_or(Time::ZERO + self.config.duration.0, |end| rate.time_of(end - self.first));
        if time >= end {
            cx.settle(VIDEO, end);
            cx.settle(CUES, end);
            return Ok(Flow::Done);
        }
        let size = self.defaults.size;
        let base = self.base();
        let mut frame = self.pool.on(&base);
        let shown = rate.time_of(self.index);
        let second = Time((shown.0 / Span::SECOND.0) * Span::SECOND.0);
        let flashes = self.config.flash && self.index > 0 && shown - second < rate.interval();
        let rect = match self.config.flash {
            true if flashes => size.rect(),
            true => Rect::default(),
            false => {
                let cycle = rate.index_at(Time(2 * Span::SECOND.0)).max(1);
                let x = (self.index % cycle) * i64::from(size.width) / cycle;
                Rect::new(Point { x: x as i32, y: 0 }, Size::new((size.width / 16).max(2), size.height))
            }
        };
        let (_, planes) = frame.draw(rect);
        if let [Some(luma), ..] = planes {
            luma.data.chunks_mut(luma.stride).take(luma.size.height as usize).for_each(|row| row[..luma.size.width as usize].fill(235));
        }
        if flashes {
            cx.emit(CUES, Packet::new(time, Cue::Marker("flash".into())));
        }
        let mut shown = frame.freeze();
        shown.seq = self.index as u64;
        cx.emit(VIDEO, Packet::lasting(time, rate.interval(), shown));
        cx.settle(CUES, time + rate.interval());
        self.index += 1;
        Ok(Flow::More)
    }

    fn flush(&mut self, cut: Time) {
        self.index = self.index.min(self.defaults.fps.index_from(cut));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::NodeTest;

    #[test]
    fn frames_are_exact_and_different_and_flashes_are_marked() {
        let out = NodeTest::new(&TEST_VIDEO, "{ duration: 2s }").run().expect("runs");
        let frames = out.packets(VIDEO);
        assert_eq!(frames.len(), 60);
        assert_eq!(frames[59].pts, crate::time::Rate::per_second(30).time_of(59));
        assert_ne!(frames[0].media.picture.bytes(), frames[1].media.picture.bytes());

        let out = NodeTest::new(&TEST_VIDEO, "{ duration: 2500ms, flash: true }").run().expect("runs");
        let flashes: Vec<Time> = out.packets(CUES).iter().map(|cue| cue.pts).collect();
        assert_eq!(flashes, [Time(Span::SECOND.0), Time(2 * Span::SECOND.0)]);
        let bright: Vec<usize> =
            out.packets(VIDEO).iter().enumerate().filter(|(_, f)| f.media.picture.plane(0).data[0] == 235).map(|(i, _)| i).collect();
        assert_eq!(bright, [30, 60]);
    }
}
