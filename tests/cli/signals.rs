//! Stopping a run from outside.

use super::files;
use super::runs::with_graph;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// Hours of pictures, so that the run is under way when the signal comes.
const LONG: &str = "  picture: { type: test_video, config: { duration: 900h } }
  slow: { type: delay, inputs: { video: picture.video }, config: { frames: 0, busy_us: 1000 } }
  playout: { type: playout, inputs: { video: slow } }
  out: { type: hash, inputs: { video: playout.video }, config: { path: \"${out}\" } }
";

fn stopped_by(signal: &str) -> (Option<i32>, serde_json::Value) {
    let folder = with_graph(LONG);
    let mut command = Command::new(env!("CARGO_BIN_EXE_lectern"));
    command.args(["run", "graph.yaml", "--json"]).current_dir(folder.path()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines().map(|line| line.expect("a line"));
    // The signal is sent when the run is known to be under way.
    let mut before = Vec::new();
    let under_way = lines.by_ref().inspect(|line| before.push(line.clone())).any(|line| line.contains("\"stage\":\"rendering\""));
    assert!(under_way, "{before:?}");
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
    let last = lines.last().expect("a last event");
    let status = child.wait().expect("it ends");
    assert_eq!(files(folder.path()), ["graph.yaml"], "no file is left behind");
    (status.code(), serde_json::from_str(&last).expect("JSON"))
}

#[test]
fn signals_abort_with_their_exit_code_and_leave_nothing() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let (status, event) = stopped_by(signal);
        assert_eq!(status, Some(code));
        assert_eq!((&event["event"], &event["code"]), (&"error".into(), &code.into()));
    }
}
