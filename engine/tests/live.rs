//! Live runs with a clock that is cranked by hand: exact, whatever the machine is busy with.

use engine::clock::Manual;
use engine::cue::Cue;
use engine::frame::{PixelFormat, Size, VideoFrame};
use engine::graph::check::{Depth, check};
use engine::graph::{LoadOptions, load};
use engine::media::AudioBlock;
use engine::nodes::ENGINE_NODES;
use engine::packet::Packet;
use engine::pool::Pool;
use engine::registry::Registry;
use engine::run::{ErrorKind, Handle, Report, Run, RunError, RunOptions};
use engine::testing::{BRAKE, Door, FEED};
use engine::time::{Rate, Span, Time};
use std::path::PathBuf;
use std::sync::Arc;

const TICK: Rate = Rate::per_second(25);
const SAMPLES: Rate = Rate::per_second(48_000);

/// A live graph at work, with its clock and the folder that its `${out}` is in.
struct Show {
    run: Run,
    handle: Handle,
    clock: Manual,
    folder: tempfile::TempDir,
    now: Time,
}

/// 64x36 at 25 fps, 200 ms ahead.
fn show(nodes: &str) -> Show {
    launch(&format!("clock: live\nlatency: 200ms\n{nodes}"))
}

fn launch(text: &str) -> Show {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("packets.txt");
    let text = format!("version: 1\ngraph: t\ndefaults: {{ video: {{ size: 64x36, fps: 25 }} }}\n{text}")
        .replace("${out}", &out.display().to_string());
    let registry = Registry::new(&[ENGINE_NODES, &[&FEED, &BRAKE]]);
    let document = load(&text, "test.yaml", &LoadOptions::default()).unwrap_or_else(|problems| panic!("{problems}"));
    let plan = check(&document, &registry, Depth::Pure).unwrap_or_else(|problems| panic!("{problems}"));
    let clock = Manual::default();
    let options = RunOptions { clock: Some(Arc::new(clock.clone())), ..RunOptions::default() };
    let run = Run::launch_with(plan, options).unwrap_or_else(|error| panic!("{error}"));
    let handle = run.handle();
    handle.idle();
    Show { run, handle, clock, folder, now: Time::ZERO }
}

impl Show {
    /// Lets the programme play for `span`, every 10 ms of it on time.
    fn play(&mut self, span: Span) {
        let until = self.now + span;
        while self.now < until {
            self.now = self.now + Span::from_millis(10);
            self.clock.crank(self.now);
            self.handle.idle();
        }
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("packets.txt")
    }

    fn end(self) -> (Result<Report, Box<RunError>>, Vec<Line>) {
        let out = self.out();
        let result = self.run.wait();
        (result, lines(&std::fs::read_to_string(out).unwrap_or_default()))
    }
}

/// One packet as `hash` writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    kind: String,
    pts: Time,
    dur: Span,
    hash: String,
}

fn lines(text: &str) -> Vec<Line> {
    let line = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let (pts, dur) = (Time(words[1].parse().unwrap()), Span(words[2].parse().unwrap()));
        Line { kind: words[0].into(), pts, dur, hash: words[3].into() }
    };
    text.lines().map(line).collect()
}

fn of_kind(lines: &[Line], kind: &str) -> Vec<Line> {
    lines.iter().filter(|line| line.kind == kind).cloned().collect()
}

/// Every packet begins where the one before it ended.
fn assert_gapless(lines: &[Line]) {
    assert_eq!(lines[0].pts, Time::ZERO);
    for pair in lines.windows(2) {
        assert_eq!(pair[0].pts + pair[0].dur, pair[1].pts, "{pair:?}");
    }
}

const TEST_SOURCES: &str = "  v: { type: test_video, config: { duration: 3s } }\n  a: { type: test_tone, config: { duration: 3s } }\n";
const TO_HASH: &str = "  p: { type: playout, inputs: { video: v.video, audio: a.audio } }\n  out: { type: hash, inputs: { video: p.video, audio: p.audio }, config: { path: \"${out}\" } }\n";

fn picture(level: u8) -> VideoFrame {
    let mut frame = Pool::new().black(PixelFormat::I420, Size::new(64, 36));
    frame.bytes_mut().fill(level);
    frame.freeze()
}

/// 20 ms of a constant level.
fn sound(index: i64, level: f32) -> Packet<AudioBlock> {
    let block = AudioBlock::mono(vec![level; 960], SAMPLES);
    Packet::lasting(Rate::per_second(50).time_of(index), block.duration(), block)
}

fn shown(index: i64, level: u8) -> Packet<VideoFrame> {
    Packet::lasting(TICK.time_of(index), TICK.interval(), picture(level))
}

#[test]
fn on_time_a_live_programme_is_the_offline_one_packet_by_packet() {
    let mut live = show(&format!("nodes:\n{TEST_SOURCES}{TO_HASH}"));
    live.play(Span::from_millis(3500));
    let (report, live) = live.end();
    let report = report.unwrap_or_else(|error| panic!("{error}"));
    let playout = report.playout.expect("a live run has a programme");
    assert_eq!((playout.held, playout.late, playout.underruns, playout.skipped), (0, 0, 0, 0));
    assert_eq!(report.av_skew_seconds, 0.0);
    let (_, offline) = launch(&format!("clock: offline\nnodes:\n{TEST_SOURCES}{TO_HASH}")).end();
    for kind in ["video", "audio"] {
        assert_eq!(of_kind(&live, kind), of_kind(&offline, kind));
    }
    assert_eq!((of_kind(&live, "video").len(), of_kind(&live, "audio").len()), (75, 150));
}

#[test]
fn nothing_is_made_beyond_the_horizon_and_nothing_goes_out_before_its_time() {
    let mut live = show(&format!("nodes:\n{TEST_SOURCES}{TO_HASH}"));
    live.play(Span::from_millis(1000));
    let report = live.handle.report();
    let packets = |name: &str| report.nodes.iter().find(|node| node.node == name).map(|node| node.packets_out).unwrap();
    // Ticks 0 to 25 have gone out; sources are 200 ms ahead.
    assert_eq!(packets("v"), 26 + 5);
    assert_eq!(packets("a"), 51 + 10);
    live.handle.stop();
    live.play(Span::from_millis(400));
    live.end().0.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn missing_sound_delays_the_programme_and_sound_and_picture_stay_together() {
    let door = Door::open("missing sound");
    let mut live = show(&format!(
        "nodes:\n  v: {{ type: test_video, config: {{ duration: 3s }} }}\n  a: {{ type: feed, config: {{ door: missing sound }} }}\n{TO_HASH}"
    ));
    (0..25).for_each(|i| door.audio(sound(i, 0.5)));
    live.handle.idle();
    // 500 ms of sound: at 500 ms there is none.
    live.play(Span::from_millis(700));
    let playout = live.handle.report().playout.unwrap();
    // Blocks at 500 and 520 (one tick of silence), 540 and 560, … up to the one due at 700 ms.
    assert_eq!(playout.underruns, 6, "{playout:?}");
    (25..100).for_each(|i| door.audio(sound(i, 0.5)));
    door.end();
    live.play(Span::from_millis(4000));
    let (report, out) = live.end();
    let report = report.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(report.av_skew_seconds, 0.0);
    let (video, audio) = (of_kind(&out, "video"), of_kind(&out, "audio"));
    assert_gapless(&video);
    assert_gapless(&audio);
    let behind = 6 * TICK.interval().0;
    assert_eq!(video.last().map(|line| line.pts + line.dur), Some(Time::ZERO + Span::from_seconds(3) + Span(behind)));
    // The picture that was shown at 480 ms stands for as long as the sound was silent, then the next one follows.
    let stands = video[12..].iter().take_while(|line| line.hash == video[12].hash).count();
    assert_eq!(stands, 7, "one tick of its own and six of waiting");
}

#[test]
fn a_missing_picture_holds_the_one_before_and_the_programme_goes_on() {
    let door = Door::open("missing picture");
    let mut live = show(&format!(
        "nodes:\n  v: {{ type: feed, config: {{ door: missing picture }} }}\n  a: {{ type: test_tone, config: {{ duration: 3s }} }}\n{TO_HASH}"
    ));
    (0..10).for_each(|i| door.video(shown(i, i as u8)));
    live.handle.idle();
    live.play(Span::from_millis(600));
    let playout = live.handle.report().playout.unwrap();
    assert_eq!((playout.underruns, playout.held), (0, 6), "ticks 10 to 15");
    (10..75).for_each(|i| door.video(shown(i, i as u8)));
    door.end();
    live.play(Span::from_millis(3000));
    let (report, out) = live.end();
    let playout = report.unwrap_or_else(|error| panic!("{error}")).playout.unwrap();
    assert_eq!((playout.late, playout.underruns), (6, 0));
    let video = of_kind(&out, "video");
    assert_gapless(&video);
    assert_eq!(video.len(), 75);
    assert_eq!(video[15].hash, video[9].hash);
    assert_ne!(video[16].hash, video[9].hash);
    let alone = Rate::per_second(25).time_of(16);
    assert_eq!(video[16].pts, alone);
}

#[test]
fn a_flush_throws_away_what_has_not_gone_out_and_the_rest_follows_without_a_gap() {
    let mut live = show(&format!("nodes:\n{TEST_SOURCES}{TO_HASH}"));
    live.play(Span::from_millis(1000));
    let before = live.handle.report();
    let cut = live.handle.flush().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(cut, TICK.time_of(26), "tick 25 has gone out, and sound up to 1.02 s");
    live.handle.idle();
    let after = live.handle.report();
    let made = |report: &Report, name: &str| report.nodes.iter().find(|node| node.node == name).map(|node| node.packets_out).unwrap();
    assert!(made(&after, "v") > made(&before, "v"), "the pictures from the cut on are made again");
    live.play(Span::from_millis(2500));
    let (report, out) = live.end();
    let playout = report.unwrap_or_else(|error| panic!("{error}")).playout.unwrap();
    assert_eq!((playout.underruns, playout.late), (0, 0), "{playout:?}");
    let (video, audio) = (of_kind(&out, "video"), of_kind(&out, "audio"));
    assert_gapless(&video);
    assert_gapless(&audio);
    let (_, offline) = launch(&format!("clock: offline\nnodes:\n{TEST_SOURCES}{TO_HASH}")).end();
    assert_eq!(video, of_kind(&offline, "video"), "the sources make the same again");
}

#[test]
fn cues_leave_in_order_at_their_time_and_a_late_one_at_once() {
    let door = Door::open("cues");
    let nodes = "nodes:\n  f: { type: feed, config: { door: cues } }\n  p: { type: playout, inputs: { video: f.video, cues: f.cues } }\n  out: { type: hash, inputs: { video: p.video, cues: p.cues }, config: { path: \"${out}\" } }\n";
    let mut live = show(nodes);
    let at = |millis| Time::ZERO + Span::from_millis(millis);
    door.cue(Packet::new(at(100), Cue::Marker("one".into())));
    (0..50).for_each(|i| door.video(shown(i, i as u8)));
    door.settle(at(200));
    live.handle.idle();
    live.play(Span::from_millis(400));
    door.cue(Packet::new(at(250), Cue::Marker("late".into())));
    door.cue(Packet::new(at(1200), Cue::Marker("two".into())));
    door.end();
    live.play(Span::from_millis(2500));
    let (report, out) = live.end();
    report.unwrap_or_else(|error| panic!("{error}"));
    let cues: Vec<Time> = of_kind(&out, "cues").iter().map(|line| line.pts).collect();
    assert_eq!(cues, [at(100), at(400), at(1200)]);
}

#[test]
fn a_stop_during_preroll_ends_in_order() {
    let door = Door::open("preroll");
    let live = show(&format!(
        "nodes:\n  v: {{ type: test_video, config: {{ duration: 3s }} }}\n  a: {{ type: feed, config: {{ door: preroll }} }}\n{TO_HASH}"
    ));
    live.handle.stop();
    door.end();
    let mut live = live;
    live.play(Span::from_millis(400));
    let (report, out) = live.end();
    report.unwrap_or_else(|error| panic!("{error}"));
    assert!(!of_kind(&out, "video").is_empty(), "what had been made goes out");
}

#[test]
fn a_command_reaches_its_node_between_two_calls() {
    let mut live = show(&format!("nodes:\n{TEST_SOURCES}{TO_HASH}"));
    live.play(Span::from_millis(500));
    assert!(live.handle.command("v", serde_json::json!({})).is_err());
    assert!(live.handle.command("a", serde_json::json!({ "volume": 3 })).is_err());
    live.handle.command("a", serde_json::json!({ "frequency": 880 })).unwrap();
    live.play(Span::from_millis(3000));
    let (report, out) = live.end();
    report.unwrap_or_else(|error| panic!("{error}"));
    let (_, offline) = launch(&format!("clock: offline\nnodes:\n{TEST_SOURCES}{TO_HASH}")).end();
    let (audio, plain) = (of_kind(&out, "audio"), of_kind(&offline, "audio"));
    let first = audio.iter().zip(&plain).position(|(a, b)| a != b).expect("the pitch has changed");
    assert_eq!(first, 36, "what had been made before the command (500 ms and the 200 ms ahead) is as it was");
}

#[test]
fn a_run_that_does_not_drain_names_the_laggards() {
    let door = Door::open("laggard");
    let nodes = "drain: 50ms\nnodes:\n  v: { type: test_video, config: { duration: 3s } }\n  p: { type: playout, inputs: { video: v.video } }\n  b: { type: brake, inputs: { video: p.video }, config: { door: laggard } }\n";
    door.hold(true);
    let mut live = show(nodes);
    live.play(Span::from_millis(1000));
    assert!(live.handle.report().playout.unwrap().skipped > 0, "ticks are left out while the sink is stuck");
    live.handle.stop();
    let error = live.end().0.expect_err("the sink never goes on");
    assert_eq!(error.kind, ErrorKind::Laggards);
    assert!(error.to_string().contains("b (brake)"), "{error}");
}
