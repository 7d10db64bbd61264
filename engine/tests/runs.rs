//! Whole graphs of the engine's own nodes.

use engine::graph::check::{Depth, check};
use engine::graph::{LoadOptions, load};
use engine::nodes::ENGINE_NODES;
use engine::registry::Registry;
use engine::run::{ErrorKind, Report, Run, RunError};

fn run(graph: &str) -> Result<Report, Box<RunError>> {
    let registry = Registry::new(&[ENGINE_NODES]);
    let document = load(graph, "test.yaml", &LoadOptions::default()).unwrap_or_else(|problems| panic!("{problems}"));
    let plan = check(&document, &registry, Depth::Environment).unwrap_or_else(|problems| panic!("{problems}"));
    Run::launch(plan)?.wait()
}

/// A graph whose sink writes fingerprints to a file; the text of that file.
fn hashes(nodes: &str, inputs: &str) -> String {
    hashes_at("30", nodes, inputs)
}

/// The same at another number of pictures a second.
fn hashes_at(fps: &str, nodes: &str, inputs: &str) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("packets.txt");
    let graph = format!(
        "version: 1\ngraph: t\ndefaults: {{ video: {{ size: 64x36, fps: {fps} }} }}\nnodes:\n{nodes}\n  out: {{ type: hash, inputs: {{ {inputs} }}, config: {{ path: {} }} }}\n",
        path.display()
    );
    run(&graph).unwrap_or_else(|error| panic!("{error}"));
    std::fs::read_to_string(path).expect("the sink wrote its file")
}

#[test]
fn a_picture_and_a_tone_come_out_of_playout_with_one_length() {
    let out = hashes(
        "  v: { type: color, config: { color: \"#ff0000\", duration: 2s } }\n  a: { type: test_tone, config: { duration: 2s } }\n  p: { type: playout, inputs: { video: v, audio: a } }",
        "video: p.video, audio: p.audio",
    );
    assert_eq!(out.lines().filter(|line| line.starts_with("video")).count(), 60);
    assert_eq!(out.lines().filter(|line| line.starts_with("audio")).count(), 100);
}

#[test]
fn short_sound_is_padded_and_short_pictures_hold() {
    let out = hashes(
        "  v: { type: test_video, config: { duration: 1s } }\n  a: { type: test_tone, config: { duration: 1510ms } }\n  p: { type: playout, inputs: { video: v.video, audio: a } }",
        "video: p.video, audio: p.audio",
    );
    assert_eq!(out.lines().filter(|line| line.starts_with("video")).count(), 46, "every tick that begins before 1.51 s");
    let out = hashes(
        "  v: { type: test_video, config: { duration: 2s } }\n  a: { type: test_tone, config: { duration: 1510ms } }\n  p: { type: playout, inputs: { video: v.video, audio: a } }",
        "video: p.video, audio: p.audio",
    );
    let samples: usize = out
        .lines()
        .filter(|line| line.starts_with("audio"))
        .map(|line| line.split(' ').nth(2).unwrap().parse::<usize>().unwrap() / 14700)
        .sum();
    assert_eq!(samples, 96_000);
}

#[test]
fn silence_is_whole_also_where_ticks_lie_between_samples() {
    let out = hashes_at(
        "30000/1001",
        "  v: { type: test_video, config: { duration: 2s } }\n  a: { type: test_tone, config: { duration: 100ms } }\n  p: { type: playout, inputs: { video: v.video, audio: a } }",
        "video: p.video, audio: p.audio",
    );
    let blocks: Vec<Vec<i64>> = out
        .lines()
        .filter_map(|line| line.strip_prefix("audio "))
        .map(|line| line.split(' ').take(2).map(|time| time.parse::<i64>().unwrap() / 14700).collect())
        .collect();
    let ends = blocks.iter().scan(0, |end, block| Some(std::mem::replace(end, block[0] + block[1])));
    assert!(ends.eq(blocks.iter().map(|block| block[0])), "{blocks:?}");
    assert_eq!(blocks.last().map(|block| block[0] + block[1]), Some(96_096), "60 ticks: {blocks:?}");
}

#[test]
fn a_long_still_after_short_sound_does_not_block_the_graph() {
    let out = hashes(
        "  v: { type: color, config: { color: \"#ff0000\", duration: 60s } }\n  a: { type: test_tone, config: { duration: 1s } }\n  p: { type: playout, inputs: { video: v, audio: a } }",
        "video: p.video, audio: p.audio",
    );
    assert_eq!(out.lines().filter(|line| line.starts_with("video")).count(), 1800);
    let out = hashes(
        "  v: { type: color, config: { color: \"#ff0000\", duration: 1s } }\n  a: { type: test_tone, config: { duration: 60s } }\n  p: { type: playout, inputs: { video: v, audio: a } }",
        "video: p.video, audio: p.audio",
    );
    assert_eq!(out.lines().filter(|line| line.starts_with("video")).count(), 1800);
}

#[test]
fn lanes_and_delays_do_not_change_a_packet() {
    let nodes = |queue: &str, busy: u32| {
        format!(
            "  v: {{ type: test_video, config: {{ duration: 2s }} }}\n  d: {{ type: delay, inputs: {{ video: {{ from: v.video{queue} }} }}, config: {{ frames: 5, busy_us: {busy} }} }}\n  a: {{ type: test_tone, config: {{ duration: 2s }} }}\n  p: {{ type: playout, inputs: {{ video: d, audio: a, cues: v.cues }} }}"
        )
    };
    let inputs = "video: p.video, audio: p.audio, cues: p.cues";
    let fused = hashes(&nodes("", 0), inputs);
    assert_eq!(fused.lines().filter(|line| line.starts_with("video")).count(), 60);
    assert_eq!(fused, hashes(&nodes(", queue: { items: 1 }", 0), inputs));
    assert_eq!(fused, hashes(&nodes(", queue: { items: 3 }", 700), inputs));
}

fn fault(phase: &str, kind: &str, queue: &str) -> Result<Report, Box<RunError>> {
    run(&format!(
        "version: 1\ngraph: t\ndefaults: {{ video: {{ size: 64x36, fps: 30 }} }}\nnodes:\n  v: {{ type: test_video, config: {{ duration: 3s }} }}\n  f: {{ type: fault, inputs: {{ video: {{ from: v.video{queue} }} }}, config: {{ phase: {phase}, kind: {kind}, after: 20 }} }}\n  p: {{ type: playout, inputs: {{ video: f }} }}\n  out: {{ type: null_sink, inputs: {{ video: p.video }} }}\n"
    ))
}

#[test]
fn the_first_cause_of_a_failure_is_named() {
    for queue in ["", ", queue: { items: 2 }"] {
        for phase in ["start", "process", "finish"] {
            let error = fault(phase, "error", queue).expect_err("it was asked to fail");
            assert_eq!((error.node.as_str(), error.phase.as_str()), ("f", phase));
            assert!(error.to_string().contains("this is the error that was asked for"), "{error}");
        }
        let error = fault("process", "panic", queue).expect_err("it was asked to panic");
        assert!(error.to_string().contains("it panicked: this is the panic"), "{error}");
        let error = fault("process", "bad_pts", queue).expect_err("it broke the order");
        assert!(error.to_string().contains("though it was settled up to"), "{error}");
        let report = fault("process", "early_done", queue).expect("stopping early is no error");
        assert_eq!(report.nodes.iter().find(|node| node.node == "p").map(|node| node.packets_out), Some(21));
    }
}

#[test]
fn a_run_can_be_cancelled_while_a_node_hangs() {
    let registry = Registry::new(&[ENGINE_NODES]);
    let graph = "version: 1\ngraph: t\nnodes:\n  v: { type: test_video, config: { duration: 3s } }\n  f: { type: fault, inputs: { video: v.video }, config: { phase: process, kind: hang } }\n  out: { type: null_sink, inputs: { video: f } }\n";
    let document = load(graph, "test.yaml", &LoadOptions::default()).unwrap_or_else(|problems| panic!("{problems}"));
    let run = Run::launch(check(&document, &registry, Depth::Pure).unwrap_or_else(|problems| panic!("{problems}"))).expect("starts");
    run.cancel().cancel();
    assert!(run.wait().expect_err("it was cancelled").kind == ErrorKind::Cancelled);
}

#[test]
fn a_graph_that_would_stand_still_is_refused_or_widened() {
    let graph = |queue: &str| {
        format!(
            "version: 1\ngraph: t\ndefaults: {{ video: {{ size: 64x36, fps: 30 }} }}\nnodes:\n  v: {{ type: test_video, config: {{ duration: 3s }} }}\n  d: {{ type: delay, inputs: {{ video: v.video }}, config: {{ frames: 20 }} }}\n  j: {{ type: null_sink, inputs: {{ video: [d.video, {{ from: v.video{queue} }}] }} }}\n"
        )
    };
    run(&graph("")).unwrap_or_else(|error| panic!("{error}"));
    let error = run(&graph(", queue: { items: 4 }")).expect_err("four pictures do not hold twenty");
    assert!(error.to_string().contains("Write `queue: { items: 22 }`"), "{error}");
}

#[test]
fn what_two_paths_hold_back_may_come_at_once_when_all_ends() {
    // Each path alone has room for less than it holds back; at the end both give it away.
    for sinks in [
        "j: { type: null_sink, inputs: { video: [d.video, e.video] } }",
        "j: { type: null_sink, inputs: { video: [d.video, { from: e.video, queue: { items: 1 } }] } }",
        "j: { type: null_sink, inputs: { video: [{ from: d.video, queue: { items: 1 } }, e.video] } }",
    ] {
        for (first, second) in [
            ("v.video", "v.video"),
            ("v.video", "{ from: v.video, queue: { items: 2 } }"),
            ("{ from: v.video, queue: { items: 2 } }", "v.video"),
        ] {
            let graph = format!(
                "version: 1\ngraph: t\ndefaults: {{ video: {{ size: 64x36, fps: 30 }} }}\nnodes:\n  v: {{ type: test_video, config: {{ duration: 3s }} }}\n  d: {{ type: delay, inputs: {{ video: {first} }}, config: {{ frames: 20 }} }}\n  e: {{ type: delay, inputs: {{ video: {second} }}, config: {{ frames: 20 }} }}\n  {sinks}\n"
            );
            run(&graph).unwrap_or_else(|error| panic!("{error}\n{graph}"));
        }
    }
}
