//! A node that goes wrong in every phase, in every way, at every place: the first cause is named, no thread and no file is left.

mod support;

use engine::run::{Cancel, ErrorKind, RunError, RunOptions};
use engine::time::Span;
use std::time::{Duration, Instant};
use support::{Show, try_launch};

/// Where the node stands; `{f}` is its line without the input.
const PLACES: [(&str, &str); 4] = [
    (
        "fused behind the source",
        "  v{id}: { type: test_video, config: { duration: 2s } }\n  f{id}: { inputs: { video: v{id}.video }, {fault} }\n  p{id}: { type: playout, inputs: { video: f{id} } }\n  o{id}: { type: hash, inputs: { video: p{id}.video }, config: { path: \"${out}\" } }\n",
    ),
    (
        "in a lane of its own",
        "  v{id}: { type: test_video, config: { duration: 2s } }\n  f{id}: { inputs: { video: { from: v{id}.video, queue: { items: 2 } } }, {fault} }\n  p{id}: { type: playout, inputs: { video: { from: f{id}, queue: { items: 1 } } } }\n  o{id}: { type: hash, inputs: { video: p{id}.video }, config: { path: \"${out}\" } }\n",
    ),
    (
        "before a join",
        "  v{id}: { type: test_video, config: { duration: 2s } }\n  w{id}: { type: test_video, config: { duration: 2s } }\n  a{id}: { type: test_tone, config: { duration: 2s } }\n  f{id}: { inputs: { video: v{id}.video }, {fault} }\n  j{id}: { type: mix, inputs: { video: w{id}.video, more: f{id}, audio: a{id} } }\n  p{id}: { type: playout, inputs: { video: j{id}, audio: a{id} } }\n  o{id}: { type: hash, inputs: { video: p{id}.video, audio: p{id}.audio }, config: { path: \"${out}\" } }\n",
    ),
    (
        "directly before the sink",
        "  v{id}: { type: test_video, config: { duration: 2s } }\n  p{id}: { type: playout, inputs: { video: v{id}.video } }\n  f{id}: { inputs: { video: p{id}.video }, {fault} }\n  o{id}: { type: hash, on_error: abort, inputs: { video: f{id} }, config: { path: \"${out}\" } }\n",
    ),
];

fn graph(clock: &str, id: &str, nodes: &str, phase: &str, kind: &str) -> String {
    let fault = format!("type: fault, config: {{ phase: {phase}, kind: {kind}, after: 20 }}");
    let nodes = nodes.replace("{id}", id).replace("{fault}", &fault);
    format!("clock: {clock}\nnodes:\n{nodes}")
}

/// Waits until no thread of the nodes whose names end in `id` is left. A thread that was joined may still be listed for a moment.
fn assert_no_threads(id: &str) {
    let named = || {
        let names = std::fs::read_dir("/proc/self/task").unwrap().flatten();
        let name = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        names.map(name).filter(|name| name.trim_end().ends_with(id)).collect::<Vec<_>>()
    };
    let given_up = Instant::now() + Duration::from_secs(60);
    while !named().is_empty() {
        assert!(Instant::now() < given_up, "threads are left: {:?}", named());
        std::thread::yield_now();
    }
}

/// How the run ended, and whether there is a file.
fn outcome(show: Result<Show, Box<RunError>>, id: &str) -> (Result<(), Box<RunError>>, bool) {
    let result = match show {
        Err(error) => (Err(error), false),
        Ok(show) => {
            let (path, folder) = (show.out(), show.folder);
            let result = show.run.wait().map(drop);
            let is_there = path.exists();
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), usize::from(is_there), "nothing but the file");
            (result, is_there)
        }
    };
    assert_no_threads(id);
    result
}

#[test]
fn whatever_goes_wrong_the_first_cause_is_named_and_nothing_is_left() {
    let cases = [
        ("start", "error", "this is the error"),
        ("start", "panic", "it panicked: this is the panic"),
        ("process", "error", "this is the error"),
        ("process", "panic", "it panicked: this is the panic"),
        ("process", "bad_pts", "though it was settled up to"),
        ("finish", "error", "this is the error"),
        ("finish", "panic", "it panicked: this is the panic"),
        ("finish", "bad_pts", "though it was settled up to"),
    ];
    for (number, (place, nodes)) in PLACES.into_iter().enumerate() {
        for (case, (phase, kind, cause)) in cases.into_iter().enumerate() {
            let id = format!("_{number}_{case}");
            let (result, has_file) = outcome(try_launch(&graph("offline", &id, nodes, phase, kind), RunOptions::default()), &id);
            let error = result.expect_err("it was asked to fail");
            assert_eq!((error.node.as_str(), error.phase.as_str()), (format!("f{id}").as_str(), phase), "{place}, {kind}: {error}");
            assert!(error.to_string().contains(cause), "{place}, {phase}, {kind}: {error}");
            assert_eq!((error.kind, error.cascades.len()), (ErrorKind::Failed, 0), "{place}, {phase}, {kind}: {error}");
            assert!(!has_file, "{place}, {phase}, {kind}: a file is left");
        }
    }
}

#[test]
fn a_node_that_is_done_early_ends_the_programme_in_order() {
    for (number, (place, nodes)) in PLACES.into_iter().enumerate() {
        let id = format!("_d{number}");
        let (result, has_file) = outcome(try_launch(&graph("offline", &id, nodes, "process", "early_done"), RunOptions::default()), &id);
        result.unwrap_or_else(|error| panic!("{place}: {error}"));
        assert!(has_file, "{place}: the file is finished");
    }
}

#[test]
fn a_node_that_hangs_is_named() {
    std::thread::scope(|scope| {
        for (number, (place, nodes)) in PLACES.into_iter().enumerate() {
            for phase in ["process", "finish"] {
                scope.spawn(move || {
                    let id = format!("_h{number}_{phase}");
                    let (result, has_file) = outcome(try_launch(&graph("offline", &id, nodes, phase, "hang"), RunOptions::default()), &id);
                    let error = result.expect_err("it hangs");
                    assert_eq!((error.node.as_str(), error.phase.as_str()), (format!("f{id}").as_str(), phase), "{place}: {error}");
                    assert!(error.to_string().contains("it has been in one call for more than 1.000s"), "{place}: {error}");
                    assert!(!has_file, "{place}, {phase}");
                });
            }
        }
    });
}

#[test]
fn a_node_that_hangs_when_it_starts_can_be_cancelled() {
    for (number, (place, nodes)) in PLACES.into_iter().enumerate() {
        let id = format!("_s{number}");
        let cancel = Cancel::default();
        let options = RunOptions { cancel: cancel.clone(), ..RunOptions::default() };
        let canceller = std::thread::spawn(move || cancel.cancel());
        let (result, _) = outcome(try_launch(&graph("offline", &id, nodes, "start", "hang"), options), &id);
        let error = result.expect_err("it was cancelled");
        assert_eq!((error.kind, error.node.as_str()), (ErrorKind::Cancelled, format!("f{id}").as_str()), "{place}");
        canceller.join().unwrap();
    }
}

#[test]
fn a_node_that_goes_wrong_in_a_flush_is_named() {
    std::thread::scope(|scope| {
        // Behind `playout` nothing is flushed.
        for (number, (place, nodes)) in PLACES.into_iter().enumerate().take(3) {
            for (kind, cause) in [("panic", "it panicked: this is the panic"), ("hang", "it has been in one call")] {
                scope.spawn(move || {
                    let id = format!("_f{number}_{kind}");
                    let mut show = try_launch(&graph("live", &id, nodes, "flush", kind), RunOptions::default()).unwrap();
                    show.handle.idle();
                    show.play(Span::from_millis(800));
                    show.handle.flush().unwrap();
                    let (result, has_file) = outcome(Ok(show), &id);
                    let error = result.expect_err("it was asked to fail");
                    assert_eq!((error.node.as_str(), error.phase.as_str()), (format!("f{id}").as_str(), "flush"), "{place}: {error}");
                    assert!(error.to_string().contains(cause), "{place}: {error}");
                    assert!(!has_file, "{place}, {kind}");
                });
            }
        }
    });
}
