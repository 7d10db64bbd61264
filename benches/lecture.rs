//! The nodes that speak and draw, and what a run needs in memory: by the program itself, with graphs written here.

use crate::measure::{above, cpu_of, least, peak_memory_of};
use crate::rows::{Mark, Row};
use crate::{peers, scene};
use serde_json::Value;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The deck whose notes are spoken.
const DECK: &str = "graphs/demo/lectern.pptx";

/// The program with caches of its own.
fn program(lectern: &Path, cache: &Path) -> Command {
    let mut command = Command::new(lectern);
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env("XDG_CACHE_HOME", cache).arg("--quiet");
    command
}

/// A graph file in the folder.
fn graph(folder: &Path, name: &str, video: &str, nodes: &str) -> PathBuf {
    let path = folder.join(format!("{name}.yaml"));
    let text = format!("version: 1\ngraph: {name}\ndefaults: {{ video: {video} }}\nnodes:\n{nodes}");
    std::fs::write(&path, text).expect("our own folder");
    path
}

/// Processor seconds of a run, with its children, and the length of the programme.
fn run(lectern: &Path, cache: &Path, graph: &Path) -> (f64, f64) {
    let report = graph.with_extension("json");
    let seconds = cpu_of(program(lectern, cache).arg("run").arg(graph).arg("--report").arg(&report));
    let report: Value = serde_json::from_slice(&std::fs::read(report).expect("a report was asked for")).expect("a report is JSON");
    (seconds, report["media_seconds"].as_f64().unwrap_or(f64::NAN))
}

/// Speech without a cache: voice, words and mouth shapes, per second of the programme. The deck's pictures are made before: what
/// LibreOffice needs for them is not speech.
pub fn speech(folder: &Path, lectern: &Path) -> Vec<Row> {
    let graph = graph(
        folder,
        "speech",
        "{ size: 64x64, fps: 30 }",
        &format!(
            "  speech: {{ type: tts_chunker, config: {{ lesson: {DECK} }} }}\n  playout: {{ type: playout, inputs: {{ audio: speech.audio, cues: speech.cues }} }}\n  end: {{ type: null_sink, inputs: {{ audio: [playout.audio], cues: [playout.cues] }} }}\n"
        ),
    );
    let mut round = 0;
    let ours = least(2, || {
        round += 1;
        let cache = folder.join(format!("speech-cache-{round}"));
        cpu_of(program(lectern, &cache).args(["lesson", "show", DECK]));
        let (seconds, length) = run(lectern, &cache, &graph);
        seconds / length
    });
    let what = "speech, processor time per second (cold cache)";
    vec![Row::new("speech", what, ours, "s").mark(Mark::AtMost(0.15))]
}

/// Slides without a presenter as a film, each encoded anew, against ffmpeg, which encodes every picture of them.
pub fn slides(folder: &Path, lectern: &Path) -> Vec<Row> {
    let sound = scene::minute(folder);
    let film = |name: &str| folder.join(format!("slides-{name}.mp4"));
    let lesson = folder.join("slides.yaml");
    let mut text = "version: 1\nslides:\n".to_string();
    for number in 1..=60 / scene::SLIDE {
        let _ =
            writeln!(text, "  - {{ image: slide-{number:02}.png, audio: {{ file: slide-{number:02}.wav }}, duration: {}s }}", scene::SLIDE);
    }
    std::fs::write(&lesson, text).expect("our own folder");
    let graph = folder.join("slides-graph.yaml");
    let text = format!(
        "version: 1\ngraph: slides\nsegment_by: slide\ndefaults: {{ video: {{ size: 1920x1080, fps: 30 }} }}\nnodes:\n\
        \x20 speech: {{ type: tts_chunker, config: {{ lesson: \"{lesson}\" }} }}\n\
        \x20 slides: {{ type: slide_source, inputs: {{ cues: speech.cues }}, config: {{ lesson: \"{lesson}\" }} }}\n\
        \x20 playout: {{ type: playout, inputs: {{ video: slides.video, audio: speech.audio, cues: speech.cues }} }}\n\
        \x20 h264: {{ type: video_encoder, inputs: {{ video: playout.video }}, config: {{ preset: veryfast, crf: 23, threads: 2, keyframe_every: 2s }} }}\n\
        \x20 aac: {{ type: audio_encoder, inputs: {{ audio: playout.audio }}, config: {{ codec: aac, bitrate: 192k }} }}\n\
        \x20 file: {{ type: mp4_sink, inputs: {{ video: h264, audio: aac, cues: playout.cues }}, config: {{ path: \"{}\" }} }}\n",
        film("lectern").display(),
        lesson = lesson.display(),
    );
    std::fs::write(&graph, text).expect("our own folder");
    let ours = || cpu_of(program(lectern, &folder.join("slides-cache")).args(["run", "--no-cache"]).arg(&graph));
    let theirs = || {
        let mut command = peers::script("ffmpeg-slides");
        command.arg(folder).args([scene::SLIDE.to_string(), "60".into()]).arg(&sound).arg(film("ffmpeg"));
        cpu_of(&mut command)
    };
    let row = Row::new("slides", "slides without a presenter, a minute of 1080p, against ffmpeg at constant rate", least(3, ours), "s");
    let row = row.against(least(2, theirs));
    vec![row.mark(Mark::Faster(8.0))]
}

/// Pictures of the drawn presenter, 540 high, over the demo lecture: with the rig, less without.
pub fn rig(folder: &Path, lectern: &Path) -> Vec<Row> {
    let speech = format!("  speech: {{ type: tts_chunker, config: {{ lesson: {DECK} }} }}\n");
    let (video, end) = ("{ size: 1920x1080, fps: 30 }", "inputs: { audio: [speech.audio], cues: [speech.cues]");
    let with = graph(
        folder,
        "rig",
        video,
        &format!(
            "{speech}  avatar: {{ type: lip_sync, inputs: {{ cues: speech.cues }}, config: {{ height: 50% }} }}\n  end: {{ type: null_sink, {end}, video: [avatar.video] }} }}\n"
        ),
    );
    let without = graph(folder, "rig_without", video, &format!("{speech}  end: {{ type: null_sink, {end} }} }}\n"));
    // The speech comes from the cache: it is the same in both, and small.
    let cache = folder.join("rig-cache");
    let report = with.with_extension("json");
    run(lectern, &cache, &without);
    let seconds = above(3, || run(lectern, &cache, &with).0, || run(lectern, &cache, &without).0);
    let report: Value = serde_json::from_slice(&std::fs::read(&report).expect("it was just written")).expect("a report is JSON");
    let avatar = report["nodes"].as_array().and_then(|nodes| nodes.iter().find(|node| node["node"] == "avatar"));
    let frames = avatar.and_then(|avatar| avatar["packets_out"].as_f64()).unwrap_or(f64::NAN);
    let ours = seconds * 1e3 / frames;
    let what = format!("a picture of the presenter, 540 high, mean of {frames:.0}");
    vec![Row::new("rig", what, ours, "ms").mark(Mark::AtMost(2.0))]
}

/// Resident memory: the same for 5 and 30 minutes, and of a whole 1080p lecture with speech.
pub fn memory(folder: &Path, lectern: &Path) -> Vec<Row> {
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let long = |minutes: u32| {
        let nodes = format!(
            "  picture: {{ type: test_video, config: {{ duration: {minutes}min }} }}\n  tone: {{ type: test_tone, config: {{ duration: {minutes}min }} }}\n\
            \x20 playout: {{ type: playout, inputs: {{ video: picture.video, audio: tone.audio }} }}\n\
            \x20 h264: {{ type: video_encoder, inputs: {{ video: playout.video }}, config: {{ preset: ultrafast }} }}\n\
            \x20 aac: {{ type: audio_encoder, inputs: {{ audio: playout.audio }} }}\n\
            \x20 file: {{ type: mp4_sink, inputs: {{ video: h264, audio: aac }}, config: {{ path: \"{}\" }} }}\n",
            folder.join(format!("memory_{minutes}.mp4")).display()
        );
        let graph = graph(folder, &format!("memory_{minutes}"), "{ size: 320x180, fps: 30 }", &nodes);
        megabytes(peak_memory_of(program(lectern, &folder.join("memory_cache")).arg("run").arg(graph)))
    };
    let (short, half_hour) = (long(5), long(30));
    let flat = Row::new("memory", "memory of half an hour, against five minutes", half_hour, "MB").against(short).mark(Mark::Within(1.1));
    let film = folder.join("memory.mp4");
    let deck = graph_of_demo(folder);
    let whole =
        peak_memory_of(program(lectern, &folder.join("memory_cache")).args(["render", DECK, "--graph"]).arg(deck).arg("-o").arg(film));
    vec![
        flat,
        Row::new("memory", "memory of the demo lecture at 1080p, with speech (cold cache)", megabytes(whole), "MB")
            .mark(Mark::AtMost(600.0)),
    ]
}

/// The lecture's own graph, at 1080p.
fn graph_of_demo(folder: &Path) -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("graphs/lecture.yaml");
    let text = std::fs::read_to_string(own).expect("the repository's own graph");
    assert!(text.contains("1280x720"), "graphs/lecture.yaml has another size than the bench expects");
    let path = folder.join("lecture-1080p.yaml");
    std::fs::write(&path, text.replace("1280x720", "1920x1080")).expect("our own folder");
    path
}
