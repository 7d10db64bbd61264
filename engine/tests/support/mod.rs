//! Live graphs with a clock that is cranked by hand, and test nodes that only tests need.

#![allow(dead_code, reason = "every test file takes what it needs")]

pub mod nodes;
pub mod trouble;

use engine::clock::Manual;
use engine::frame::{PixelFormat, Size, VideoFrame};
use engine::graph::check::{Depth, check};
use engine::graph::{LoadOptions, load};
use engine::media::AudioBlock;
use engine::nodes::ENGINE_NODES;
use engine::packet::Packet;
use engine::pool::Pool;
use engine::registry::Registry;
use engine::run::{EdgeReport, Handle, NodeReport, Report, Run, RunError, RunOptions};
use engine::testing::TEST_NODES;
use engine::time::{Rate, Span, Time};
use std::path::PathBuf;
use std::sync::Arc;

pub const TICK: Rate = Rate::per_second(25);
pub const SAMPLES: Rate = Rate::per_second(48_000);

/// A live graph at work, with its clock and the folder that its `${out}` is in.
pub struct Show {
    pub run: Run,
    pub handle: Handle,
    pub clock: Manual,
    pub folder: tempfile::TempDir,
    pub now: Time,
}

/// 64x36 at 25 fps, 200 ms ahead.
pub fn show(nodes: &str) -> Show {
    let show = launch(&format!("clock: live\nlatency: 200ms\n{nodes}"));
    show.handle.idle();
    show
}

pub fn launch(text: &str) -> Show {
    try_launch(text, RunOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// The same; only that the graph is valid is taken for granted.
pub fn try_launch(text: &str, options: RunOptions) -> Result<Show, Box<RunError>> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("packets.txt");
    let text = format!("version: 1\ngraph: t\ndefaults: {{ video: {{ size: 64x36, fps: 25 }} }}\n{text}")
        .replace("${out}", &out.display().to_string());
    let registry = Registry::new(&[ENGINE_NODES, TEST_NODES, nodes::NODES, trouble::NODES]);
    let document = load(&text, "test.yaml", &LoadOptions::default()).unwrap_or_else(|problems| panic!("{problems}"));
    let plan = check(&document, &registry, Depth::Pure).unwrap_or_else(|problems| panic!("{problems}"));
    let clock = Manual::default();
    let options = RunOptions { clock: Some(Arc::new(clock.clone())), ..options };
    let run = Run::launch_with(plan, options)?;
    let handle = run.handle();
    Ok(Show { run, handle, clock, folder, now: Time::ZERO })
}

impl Show {
    /// Lets the programme play for `span`, every 10 ms of it on time.
    pub fn play(&mut self, span: Span) {
        let until = self.now + span;
        while self.now < until {
            self.now += Span::from_millis(10);
            self.clock.crank(self.now);
            self.handle.idle();
        }
    }

    /// What a node has done so far.
    pub fn node(&self, name: &str) -> NodeReport {
        self.handle.report().nodes.into_iter().find(|node| node.node == name).expect("the graph has this node")
    }

    /// What has gone over the edge into a port (`node.port`) so far.
    pub fn edge(&self, to: &str) -> EdgeReport {
        self.handle.report().edges.into_iter().find(|edge| edge.to == to).expect("the graph has this edge")
    }

    pub fn out(&self) -> PathBuf {
        self.folder.path().join("packets.txt")
    }

    pub fn end(self) -> (Result<Report, Box<RunError>>, Vec<Line>) {
        let out = self.out();
        let result = self.run.wait();
        (result, lines(&std::fs::read_to_string(out).unwrap_or_default()))
    }
}

/// One packet as `hash` writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub kind: String,
    pub pts: Time,
    pub dur: Span,
    pub hash: String,
}

pub fn lines(text: &str) -> Vec<Line> {
    let line = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let (pts, dur) = (Time(words[1].parse().unwrap()), Span(words[2].parse().unwrap()));
        Line { kind: words[0].into(), pts, dur, hash: words[3].into() }
    };
    text.lines().map(line).collect()
}

pub fn of_kind(lines: &[Line], kind: &str) -> Vec<Line> {
    lines.iter().filter(|line| line.kind == kind).cloned().collect()
}

/// Every packet begins where the one before it ended.
pub fn assert_gapless(lines: &[Line]) {
    assert_eq!(lines[0].pts, Time::ZERO);
    for pair in lines.windows(2) {
        assert_eq!(pair[0].pts + pair[0].dur, pair[1].pts, "{pair:?}");
    }
}

pub const TEST_SOURCES: &str = "  v: { type: test_video, config: { duration: 3s } }\n  a: { type: test_tone, config: { duration: 3s } }\n";
pub const TO_HASH: &str = "  p: { type: playout, inputs: { video: v.video, audio: a.audio } }\n  out: { type: hash, inputs: { video: p.video, audio: p.audio }, config: { path: \"${out}\" } }\n";

pub fn picture(level: u8) -> VideoFrame {
    let mut frame = Pool::new().black(PixelFormat::I420, Size::new(64, 36));
    frame.bytes_mut().fill(level);
    frame.freeze()
}

/// 20 ms of a constant level.
pub fn sound(index: i64, level: f32) -> Packet<AudioBlock> {
    let block = AudioBlock::mono(vec![level; 960], SAMPLES);
    Packet::lasting(Rate::per_second(50).time_of(index), block.duration(), block)
}

pub fn shown(index: i64, level: u8) -> Packet<VideoFrame> {
    Packet::lasting(TICK.time_of(index), TICK.interval(), picture(level))
}
