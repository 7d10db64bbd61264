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

/// Hours of pictures and sound by the clock, recorded.
const LIVE: &str = "  picture: { type: test_video, config: { duration: 900h } }
  tone: { type: test_tone, config: { duration: 900h } }
  playout: { type: playout, inputs: { video: picture.video, audio: tone.audio } }
  h264: { type: video_encoder, inputs: { video: playout.video }, config: { crf: null, bitrate: 300k, tune: zerolatency } }
  aac: { type: audio_encoder, inputs: { audio: playout.audio } }
  file: { type: mp4_sink, inputs: { video: h264, audio: aac }, config: { path: live.mp4 } }
";

#[test]
fn the_first_signal_lets_a_live_run_end_in_order_with_a_whole_recording() {
    let folder = with_graph(LIVE);
    let graph = folder.path().join("graph.yaml");
    let text = std::fs::read_to_string(&graph).expect("written");
    std::fs::write(&graph, text.replace("graph: sample", "graph: sample\nclock: live")).expect("written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_lectern"));
    command.args(["run", "graph.yaml", "--json", "--report", "report.json", "--trace", "trace.json", "--metrics", "metrics.prom"]);
    let mut child = command.current_dir(folder.path()).stdout(Stdio::piped()).spawn().expect("the program starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines().map(|line| line.expect("a line"));
    assert!(lines.any(|line| line.contains("\"stage\":\"live\"")), "it plays");
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
    let last: serde_json::Value = serde_json::from_str(&lines.last().expect("a last event")).expect("JSON");
    assert_eq!((child.wait().expect("it ends").code(), &last["event"]), (Some(0), &"done".into()));
    assert_eq!(files(folder.path()), ["graph.yaml", "live.mp4", "metrics.prom", "report.json", "trace.json"]);

    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect(name);
    let report: serde_json::Value = serde_json::from_str(&read("report.json")).expect("JSON");
    let (media, wall) = (report["media_seconds"].as_f64().unwrap_or(0.0), report["wall_seconds"].as_f64().unwrap_or(0.0));
    assert!(media > 0.0 && media < wall, "it went by the clock: {media} s of programme in {wall} s");
    assert!(report["av_skew_seconds"] == 0.0 || report["playout"]["held"] != 0, "only a late picture is apart from its sound: {report:#}");
    let trace: serde_json::Value = serde_json::from_str(&read("trace.json")).expect("JSON");
    assert!(trace["traceEvents"].as_array().is_some_and(|events| events.iter().any(|event| event["name"] == "h264" && event["ph"] == "X")));
    assert!(read("metrics.prom").lines().any(|line| line.starts_with("lectern_node_packets_total{node=\"playout\"")));

    let mut probe = Command::new("ffprobe");
    probe.args(["-v", "error", "-show_entries", "stream=codec_name,duration", "-of", "csv=p=0", "live.mp4"]).current_dir(folder.path());
    let streams = String::from_utf8(probe.output().expect("ffprobe").stdout).expect("text");
    for line in streams.lines() {
        let (_, duration) = line.split_once(',').expect("codec and duration");
        assert!((duration.parse::<f64>().expect("seconds") - media).abs() < 0.05, "{streams} beside {media} s");
    }
    assert_eq!(streams.lines().count(), 2, "{streams}");
}

#[test]
fn signals_abort_with_their_exit_code_and_leave_nothing() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let (status, event) = stopped_by(signal);
        assert_eq!(status, Some(code));
        assert_eq!((&event["event"], &event["code"]), (&"error".into(), &code.into()));
    }
}
