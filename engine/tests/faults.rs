//! A node that goes wrong in every phase, in every way, at every place: the first cause is named, no thread and no file is left.

mod support;

use engine::run::{Cancel, ErrorKind, RunError, RunOptions};
use engine::time::{Span, Time};
use std::path::Path;
use std::time::{Duration, Instant};
use support::{Show, try_launch};

/// Where the node stands; `{fault}` is its type and configuration.
struct Place {
    name: &'static str,
    node_type: &'static str,
    nodes: &'static str,
    /// It stands before `playout`: behind it nothing is flushed.
    flushes: bool,
}

static PLACES: [Place; 8] = [
    Place {
        name: "fused behind the source",
        node_type: "fault",
        nodes: "  v{id}: { type: test_video, config: { duration: 2s } }\n  f{id}: { inputs: { video: v{id}.video }, {fault} }\n  p{id}: { type: playout, inputs: { video: f{id} } }\n  o{id}: { type: hash, inputs: { video: p{id}.video }, config: { path: \"${out}\" } }\n",
        flushes: true,
    },
    Place {
        name: "in a lane of its own",
        node_type: "fault",
        nodes: "  v{id}: { type: test_video, config: { duration: 2s } }\n  f{id}: { inputs: { video: { from: v{id}.video, queue: { items: 2 } } }, {fault} }\n  p{id}: { type: playout, inputs: { video: { from: f{id}, queue: { items: 1 } } } }\n  o{id}: { type: hash, inputs: { video: p{id}.video }, config: { path: \"${out}\" } }\n",
        flushes: true,
    },
    Place {
        name: "at an input of a join",
        node_type: "fault",
        nodes: "  v{id}: { type: test_video, config: { duration: 2s } }\n  w{id}: { type: test_video, config: { duration: 2s } }\n  a{id}: { type: test_tone, config: { duration: 2s } }\n  f{id}: { inputs: { video: v{id}.video }, {fault} }\n  j{id}: { type: mix, inputs: { video: w{id}.video, more: f{id}, audio: a{id} } }\n  p{id}: { type: playout, inputs: { video: j{id}, audio: a{id} } }\n  o{id}: { type: hash, inputs: { video: p{id}.video, audio: p{id}.audio }, config: { path: \"${out}\" } }\n",
        flushes: true,
    },
    Place {
        name: "as a join",
        node_type: "trouble_join",
        nodes: "  v{id}: { type: test_video, config: { duration: 2s } }\n  w{id}: { type: test_video, config: { duration: 2s } }\n  f{id}: { inputs: { video: v{id}.video, more: w{id}.video }, {fault} }\n  p{id}: { type: playout, inputs: { video: f{id} } }\n  o{id}: { type: hash, inputs: { video: p{id}.video }, config: { path: \"${out}\" } }\n",
        flushes: true,
    },
    Place {
        name: "as the source",
        node_type: "trouble_source",
        nodes: "  f{id}: { {fault} }\n  p{id}: { type: playout, inputs: { video: f{id} } }\n  o{id}: { type: hash, inputs: { video: p{id}.video }, config: { path: \"${out}\" } }\n",
        flushes: true,
    },
    Place {
        name: "directly before the sink",
        node_type: "fault",
        nodes: "  v{id}: { type: test_video, config: { duration: 2s } }\n  p{id}: { type: playout, inputs: { video: v{id}.video } }\n  f{id}: { inputs: { video: p{id}.video }, {fault} }\n  o{id}: { type: hash, on_error: abort, inputs: { video: f{id} }, config: { path: \"${out}\" } }\n",
        flushes: false,
    },
    Place {
        name: "behind an encoder",
        node_type: "trouble_behind",
        nodes: "  v{id}: { type: test_video, config: { duration: 2s } }\n  p{id}: { type: playout, inputs: { video: v{id}.video } }\n  e{id}: { type: test_encoder, inputs: { video: p{id}.video }, config: { bytes: 10, keyframe_every: 10 } }\n  f{id}: { inputs: { encoded: e{id} }, {fault} }\n  o{id}: { type: hash, on_error: abort, inputs: { encoded: f{id} }, config: { path: \"${out}\" } }\n",
        flushes: false,
    },
    Place {
        name: "as a sink, beside another one",
        node_type: "trouble_sink",
        nodes: "  v{id}: { type: test_video, config: { duration: 2s } }\n  p{id}: { type: playout, inputs: { video: v{id}.video } }\n  f{id}: { on_error: abort, inputs: { video: p{id}.video }, {fault} }\n  o{id}: { type: hash, on_error: abort, inputs: { video: p{id}.video }, config: { path: \"${out}\" } }\n",
        flushes: false,
    },
];

/// Ways to go wrong that are errors at once: phase, kind, and what the error says.
const ERRORS: [(&str, &str, &str); 8] = [
    ("start", "error", "this is the error"),
    ("start", "panic", "it panicked: this is the panic"),
    ("process", "error", "this is the error"),
    ("process", "panic", "it panicked: this is the panic"),
    ("process", "bad_pts", "though it was settled up to"),
    ("finish", "error", "this is the error"),
    ("finish", "panic", "it panicked: this is the panic"),
    ("finish", "bad_pts", "though it was settled up to"),
];

const HANGS: &str = "it has been in one call for more than 1.000s";

impl Place {
    fn graph(&self, clock: &str, id: &str, phase: &str, kind: &str) -> String {
        let fault = format!("type: {}, config: {{ phase: {phase}, kind: {kind}, after: 20 }}", self.node_type);
        let nodes = self.nodes.replace("{id}", id).replace("{fault}", &fault);
        format!("clock: {clock}\nnodes:\n{nodes}")
    }

    /// It can go wrong in this way: what emits nothing emits nothing wrong.
    fn can(&self, kind: &str) -> bool {
        kind != "bad_pts" || self.node_type != "trouble_sink"
    }

    /// The run has failed as it was asked to.
    fn assert_named(&self, (result, has_file): Outcome, id: &str, (phase, kind, cause): (&str, &str, &str)) {
        let name = self.name;
        let error = result.expect_err("it was asked to fail");
        assert_eq!((error.node.as_str(), error.phase.as_str()), (format!("f{id}").as_str(), phase), "{name}, {kind}: {error}");
        assert!(error.to_string().contains(cause), "{name}, {phase}, {kind}: {error}");
        assert_eq!((error.kind, error.cascades.len()), (ErrorKind::Failed, 0), "{name}, {phase}, {kind}: {error}");
        // What another sink has finished by then is whole.
        let may_be_whole = self.node_type == "trouble_sink" && phase == "finish";
        assert!(!has_file || may_be_whole, "{name}, {phase}, {kind}: a file is left");
    }
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

/// How a run ended, and whether there is a file.
type Outcome = (Result<(), Box<RunError>>, bool);

fn outcome(show: Result<Show, Box<RunError>>, id: &str) -> Outcome {
    let result = match show {
        Err(error) => (Err(error), false),
        Ok(show) => {
            let (path, folder) = (show.out(), show.folder);
            let result = show.run.wait().map(drop);
            (result, is_alone(&path, &folder))
        }
    };
    assert_no_threads(id);
    result
}

/// The same of a live run: it is played to its end while somebody waits for it.
fn outcome_live(show: Show, id: &str) -> Outcome {
    let path = show.out();
    let Show { run, handle, clock, folder, mut now } = show;
    handle.idle();
    let waiting = std::thread::spawn(move || run.wait().map(drop));
    while !handle.has_ended() && now < Time::ZERO + Span::from_seconds(4) {
        now += Span::from_millis(10);
        clock.crank(now);
        handle.idle();
    }
    let result = waiting.join().expect("waiting does not panic");
    assert_no_threads(id);
    (result, is_alone(&path, &folder))
}

/// Whether the file is there; nothing else is.
fn is_alone(path: &Path, folder: &tempfile::TempDir) -> bool {
    let is_there = path.exists();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), usize::from(is_there), "nothing but the file");
    is_there
}

#[test]
fn whatever_goes_wrong_the_first_cause_is_named_and_nothing_is_left() {
    for (number, place) in PLACES.iter().enumerate() {
        for (number_of_case, case) in ERRORS.into_iter().enumerate().filter(|(_, (_, kind, _))| place.can(kind)) {
            let id = format!("_{number}_{number_of_case}");
            let outcome = outcome(try_launch(&place.graph("offline", &id, case.0, case.1), RunOptions::default()), &id);
            place.assert_named(outcome, &id, case);
        }
    }
}

#[test]
fn in_a_live_run_too() {
    std::thread::scope(|scope| {
        for (number, place) in PLACES.iter().enumerate() {
            scope.spawn(move || {
                // Nodes start before a run is live.
                let errors = ERRORS.into_iter().filter(|(phase, kind, _)| *phase != "start" && place.can(kind));
                for (number_of_case, case) in errors.chain([("process", "hang", HANGS)]).enumerate() {
                    let id = format!("_l{number}_{number_of_case}");
                    let show = try_launch(&place.graph("live", &id, case.0, case.1), RunOptions::default()).unwrap();
                    place.assert_named(outcome_live(show, &id), &id, case);
                }
            });
        }
    });
}

#[test]
fn a_node_that_is_done_early_ends_the_programme_in_order() {
    for (number, place) in PLACES.iter().enumerate() {
        let id = format!("_d{number}");
        let offline = outcome(try_launch(&place.graph("offline", &id, "process", "early_done"), RunOptions::default()), &id);
        let id = format!("_e{number}");
        let live = outcome_live(try_launch(&place.graph("live", &id, "process", "early_done"), RunOptions::default()).unwrap(), &id);
        for (result, has_file) in [offline, live] {
            result.unwrap_or_else(|error| panic!("{}: {error}", place.name));
            assert!(has_file, "{}: the file is finished", place.name);
        }
    }
}

#[test]
fn a_node_that_hangs_is_named() {
    std::thread::scope(|scope| {
        for (number, place) in PLACES.iter().enumerate() {
            for phase in ["process", "finish"] {
                scope.spawn(move || {
                    let id = format!("_h{number}_{phase}");
                    let outcome = outcome(try_launch(&place.graph("offline", &id, phase, "hang"), RunOptions::default()), &id);
                    place.assert_named(outcome, &id, (phase, "hang", HANGS));
                });
            }
        }
    });
}

#[test]
fn a_node_that_hangs_when_it_starts_can_be_cancelled() {
    for (number, place) in PLACES.iter().enumerate() {
        let id = format!("_s{number}");
        let cancel = Cancel::default();
        let options = RunOptions { cancel: cancel.clone(), ..RunOptions::default() };
        let canceller = std::thread::spawn(move || cancel.cancel());
        let (result, _) = outcome(try_launch(&place.graph("offline", &id, "start", "hang"), options), &id);
        let error = result.expect_err("it was cancelled");
        assert_eq!((error.kind, error.node.as_str()), (ErrorKind::Cancelled, format!("f{id}").as_str()), "{}", place.name);
        canceller.join().unwrap();
    }
}

#[test]
fn a_node_that_goes_wrong_in_a_flush_is_named() {
    std::thread::scope(|scope| {
        for (number, place) in PLACES.iter().enumerate().filter(|(_, place)| place.flushes) {
            for (kind, cause) in [("panic", "it panicked: this is the panic"), ("hang", HANGS)] {
                scope.spawn(move || {
                    let id = format!("_f{number}_{kind}");
                    let mut show = try_launch(&place.graph("live", &id, "flush", kind), RunOptions::default()).unwrap();
                    show.handle.idle();
                    show.play(Span::from_millis(800));
                    show.handle.flush().unwrap();
                    place.assert_named(outcome(Ok(show), &id), &id, ("flush", kind, cause));
                });
            }
        }
    });
}
