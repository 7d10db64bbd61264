//! Graphs of test nodes, run by the program.

use super::{files, run};
use crate::support::picture::png;
use crate::support::succeed;
use serde_json::Value;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// A folder with `graph.yaml` in it.
pub fn with_graph(nodes: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let graph = format!(
        "version: 1\ngraph: sample\nvars: {{ out: packets.txt, length: 1s }}\ndefaults: {{ video: {{ size: 64x36, fps: 30 }} }}\nnodes:\n{nodes}"
    );
    fs::write(folder.path().join("graph.yaml"), graph).expect("written");
    folder
}

const GOOD: &str = "  picture: { type: test_video, config: { duration: \"${length}\" } }
  tone: { type: test_tone, config: { duration: \"${length}\" } }
  playout: { type: playout, inputs: { video: picture.video, audio: tone } }
  out: { type: hash, inputs: { video: playout.video, audio: playout.audio }, config: { path: \"${out}\" } }
";

#[test]
fn a_run_writes_its_output_and_a_report() {
    let folder = with_graph(GOOD);
    let ran = run(folder.path(), "run graph.yaml --report report.json --set length=2s");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.starts_with("sample  done in ") && ran.stdout.ends_with("  0:02 of programme\n"), "{}", ran.stdout);
    assert_eq!(files(folder.path()), ["graph.yaml", "packets.txt", "report.json"]);
    let report: Value = serde_json::from_str(&fs::read_to_string(folder.path().join("report.json")).expect("a report")).expect("JSON");
    for key in ["wall_seconds", "media_seconds", "cpu_seconds", "peak_rss_bytes", "av_skew_seconds", "frame_copies"] {
        assert!(report[key].is_number(), "{key}");
    }
    assert_eq!((&report["media_seconds"], &report["av_skew_seconds"], &report["frame_copies"]), (&2.0.into(), &0.0.into(), &0.into()));
    assert!(report["cpu_seconds"].as_f64() > Some(0.0) && report["peak_rss_bytes"].as_u64() > Some(1_000_000));
    let picture = &report["nodes"][0];
    assert_eq!((&picture["node"], &picture["type"], &picture["packets_out"]), (&"picture".into(), &"test_video".into(), &60.into()));
    assert!(report["edges"].as_array().is_some_and(|edges| edges.iter().any(|edge| edge["from"] == "tone.audio")));
    assert_eq!(report["warnings"], Value::Array(Vec::new()));
}

#[test]
fn quiet_prints_nothing_and_json_prints_events() {
    let folder = with_graph(GOOD);
    let ran = run(folder.path(), "run graph.yaml --quiet");
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "", ""));
    let ran = run(folder.path(), "run graph.yaml --json");
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    let last = ran.events().pop().expect("an event");
    assert_eq!((&last["event"], &last["media_seconds"]), (&"done".into(), &1.0.into()));
}

#[test]
fn sound_alone_has_a_length_too() {
    let tone = "  tone: { type: test_tone, config: { duration: \"${length}\" } }\n";
    let file = "  file: { type: audio_sink, inputs: { audio: tone }, config: { path: \"${out}\" } }\n";
    let folder = with_graph(&format!("{tone}{file}"));
    let out = run(folder.path(), "run graph.yaml --set out=tone.wav --set length=2s").ok();
    assert!(out.ends_with("  0:02 of programme\n"), "{out}");
}

#[test]
fn a_failing_node_is_named_with_exit_code_1_and_leaves_nothing() {
    let faulty = GOOD.replace(
        "  tone:",
        "  broken: { type: fault, inputs: { video: picture.video }, config: { phase: process, after: 9, kind: error } }\n  tone:",
    );
    let folder = with_graph(&faulty.replace("video: picture.video, audio", "video: broken, audio"));
    let text = run(folder.path(), "run graph.yaml --report report.json").fails(1);
    assert!(text.starts_with("error: node \"broken\" (fault) failed in process at 0:00:00.300: "), "{text}");
    assert_eq!(files(folder.path()), ["graph.yaml"]);
    let ran = run(folder.path(), "run graph.yaml --json");
    let last = ran.events().pop().expect("an event");
    assert_eq!((ran.code, &last["event"], &last["code"]), (Some(1), &"error".into(), &1.into()));
}

#[test]
fn what_is_wrong_before_the_run_is_exit_code_2() {
    let folder = with_graph(GOOD);
    let fails = |arguments: &str| run(folder.path(), arguments).fails(2);
    assert!(fails("run graph.yaml --set lenght=2s").contains("[G005]"));
    assert!(fails("run nowhere.yaml").contains("[G001] nowhere.yaml:1:1: the file cannot be read"));
    assert!(fails("run graph.yaml --report no/report.json").contains("there is no folder no. Make it: mkdir -p no"));
    assert!(fails("run graph.yaml --report graph.yaml").contains("is the input"));
    assert_eq!(files(folder.path()), ["graph.yaml"]);
}

#[test]
fn a_graph_without_a_sink_names_its_profiles() {
    let folder =
        with_graph("  tone: { type: test_tone, config: { duration: \"${length}\" } }\nprofiles: { offline: { clock: offline } }\n");
    let text = run(folder.path(), "run graph.yaml --set out=x").fails(2);
    assert!(text.contains("the graph has no sink") && text.contains("--profile offline"), "{text}");
}

#[test]
fn render_takes_a_graph_of_its_own_and_sets_its_variables() {
    let folder = with_graph(GOOD);
    let lesson = "version: 1\nid: two\ntitle: Two\nlanguage: en\nsize: 16x9\nslides:\n  - id: a\n    title: A\n    color: \"#102030\"\n    silence: 1s\n";
    fs::write(folder.path().join("two.yaml"), lesson).expect("written");
    let text = run(folder.path(), "render two.yaml --graph graph.yaml -o film.txt").fails(2);
    assert_eq!(text, "error: graph.yaml does not declare the variable lesson, which render sets; add it to vars, or use `lectern run`\n");

    let graph = fs::read_to_string(folder.path().join("graph.yaml")).expect("a graph").replace("vars: {", "vars: { lesson: x,");
    fs::write(folder.path().join("graph.yaml"), graph.replace("graph: sample", "graph: sample_two")).expect("written");
    let out = run(folder.path(), "render two.yaml --graph graph.yaml -o film.txt").ok();
    assert!(out.starts_with("film.txt  0:01  64x36  1 slide  rendered in "), "{out}");
    assert_eq!(files(folder.path()), ["film.txt", "graph.yaml", "two.yaml"]);
    let text = run(folder.path(), "render two.yaml --graph graph.yaml -o film.txt --voice joe").fails(2);
    assert_eq!(
        text,
        "error: graph.yaml does not declare the variable voice, which --voice sets; add it to vars, or leave the option out\n"
    );
}

#[test]
fn render_refuses_bad_inputs_and_outputs_before_it_works() {
    let folder = with_graph(GOOD);
    let path = folder.path();
    fs::write(path.join("talk.pptx"), "no deck").expect("written");
    fs::write(path.join("clip.mp4"), "a film").expect("written");
    let fails = |arguments: &str| run(path, arguments).fails(2);
    assert!(fails("render nowhere.pptx").contains("there is no deck nowhere.pptx"));
    assert!(fails("render talk.pptx -o out/talk.mp4").contains("there is no folder out. Make it: mkdir -p out"));
    assert!(fails("render talk.pptx -o talk.mkv").contains("end its name in .mp4"));
    assert!(fails("render clip.mp4").contains("the output clip.mp4 is the input"));
    assert!(fails("render talk.pptx --report talk.mp4").contains("would be written twice"));
    assert_eq!(files(path), ["clip.mp4", "graph.yaml", "talk.pptx"]);
    assert_eq!(fs::read(path.join("clip.mp4")).expect("still there"), b"a film");
}

#[test]
fn what_is_read_is_not_written_over() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| folder.path().join(name);
    let mut film = std::process::Command::new("ffmpeg");
    let grey = "-v error -f lavfi -i color=c=gray:s=640x360:r=25:d=1 -c:v libx264";
    succeed(film.args(grey.split(' ')).arg(at("clip.mp4")));
    fs::write(at("sky.png"), png(64, 36)).expect("written");
    std::os::unix::fs::symlink("sky.png", at("link.png")).expect("linked");
    fs::write(at("words.yaml"), "SQL: sequel\n").expect("written");
    fs::write(at("music.wav"), "no music").expect("written");
    fs::write(at("talk.md"), "HOST: Hello.\nGUEST: Hi.\n").expect("written");
    let slides = "- { image: sky.png, silence: 1s }\n- { clip: { file: clip.mp4 } }\n";
    fs::write(at("lesson.yaml"), format!("version: 1\nslides:\n{slides}")).expect("written");
    let all = || files(folder.path()).into_iter().map(|name| (fs::read(at(&name)).expect("a file"), name)).collect::<Vec<_>>();
    let before = all();
    for arguments in [
        "render lesson.yaml -o clip.mp4",
        "render lesson.yaml -o ./film.mp4 --report ./sky.png",
        "render lesson.yaml --trace link.png",
        "render lesson.yaml --music music.wav --report music.wav",
        "render lesson.yaml --dictionary words.yaml --report words.yaml",
        "render lesson.yaml --set dictionary=words.yaml --report words.yaml",
        "render lesson.yaml --watermark link.png --report sky.png",
        "join lesson.yaml lesson.yaml -o clip.mp4",
        "join lesson.yaml lesson.yaml -o film.mp4 --report lesson.yaml",
        "live lesson.yaml --dictionary words.yaml --report words.yaml",
        "podcast talk.md -o talk.mp3 --dictionary words.yaml --report words.yaml",
        "speak Hello -o hello.wav --dictionary words.yaml --times words.yaml",
    ] {
        let text = run(folder.path(), arguments).fails(2);
        assert!(text.contains("is the input"), "{arguments}: {text}");
    }
    assert!(before == all(), "nothing is changed, and nothing is left");
}

#[test]
fn a_folder_that_cannot_be_written_is_one_clear_error() {
    // Not even root may write here.
    let text = run(Path::new("/proc"), "speak hello -o hello.wav").fails(2);
    assert!(text.starts_with("error: cannot write hello.wav: "), "{text}");
}
