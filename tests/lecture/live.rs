//! A whole lecture by the clock: the same packets as offline, and a flush that loses nothing.

use crate::support::{deck, decodes_cleanly, lectern, probe, root, succeed};
use engine::clock::Manual;
use engine::graph::check::{Depth, check};
use engine::graph::{LoadOptions, load};
use engine::run::{Report, Run, RunOptions};
use engine::time::{Span, Time};
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

/// Slides as the lecture graph gives them, up to what would be encoded.
fn graph((lesson, slides): (&Path, &str), clock: &str, out: &Path) -> String {
    format!(
        r##"version: 1
graph: live
clock: {clock}
defaults: {{ video: {{ size: 640x360, fps: 30 }}, memory: 512MiB }}
nodes:
  speech:  {{ type: tts_chunker, config: {{ lesson: "{lesson}", slides: "{slides}" }} }}
  slides:  {{ type: slide_source, inputs: {{ cues: speech.cues }}, config: {{ lesson: "{lesson}" }} }}
  avatar:  {{ type: lip_sync, inputs: {{ audio: speech.audio, cues: speech.cues }}, config: {{ avatar: default }} }}
  scene:   {{ type: chroma_compositor, inputs: {{ slide: slides.video, avatar: avatar.video, cues: speech.cues }} }}
  mix:     {{ type: audio_mix, inputs: {{ audio: [speech.audio, slides.audio] }} }}
  level:   {{ type: loudness, inputs: {{ audio: mix.audio }} }}
  playout: {{ type: playout, inputs: {{ video: scene.video, audio: level.audio, cues: speech.cues }} }}
  sound:   {{ type: audio_sink, inputs: {{ audio: playout.audio }}, config: {{ path: "{wav}" }} }}
  out:     {{ type: hash, inputs: {{ video: playout.video, cues: playout.cues }}, config: {{ path: "{out}" }} }}
"##,
        lesson = lesson.display(),
        wav = out.with_extension("wav").display(),
        out = out.display()
    )
}

struct Programme {
    report: Report,
    video: Vec<String>,
    /// All samples: live, blocks of sound are cut anew.
    audio: Vec<i16>,
    cues: Vec<String>,
}

/// Runs the graph; live, the clock is cranked by 10 ms whenever nothing moves, and the run is flushed at `flush`.
fn give(lesson: (&Path, &str), clock: &str, flush: Option<Span>) -> Programme {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("packets.txt");
    let document = load(&graph(lesson, clock, &out), "live.yaml", &LoadOptions::default()).unwrap_or_else(|problems| panic!("{problems}"));
    let plan = check(&document, &plugins::registry(), Depth::Environment).unwrap_or_else(|problems| panic!("{problems}"));
    let manual = Manual::default();
    let options = RunOptions { clock: Some(Arc::new(manual.clone())), ..RunOptions::default() };
    let run = Run::launch_with(plan, options).unwrap_or_else(|error| panic!("{error}"));
    let handle = run.handle();
    if clock == "live" {
        let (mut now, mut flush) = (Time::ZERO, flush);
        handle.idle();
        while !handle.has_ended() {
            if flush.is_some_and(|at| now - Time::ZERO >= at) {
                flush = None;
                handle.flush().unwrap_or_else(|error| panic!("{error}"));
                handle.idle();
            }
            now += Span::from_millis(10);
            manual.crank(now);
            handle.idle();
        }
    }
    let report = run.wait().unwrap_or_else(|error| panic!("{error}"));
    let sound = hound::WavReader::open(out.with_extension("wav")).expect("a WAV file").into_samples::<i16>();
    let text = std::fs::read_to_string(out).expect("the sink has written");
    let of = |kind: &str| text.lines().filter(|line| line.starts_with(kind)).map(str::to_string).collect();
    Programme { report, video: of("video"), audio: sound.map(|sample| sample.expect("a sample")).collect(), cues: of("cues") }
}

#[test]
fn a_live_lecture_is_the_offline_one_and_a_flush_changes_only_the_join() {
    // Two slides of the demo.
    let deck = root().join("graphs/demo/lectern.pptx");
    goes_live_as_offline((&deck, "1-2"), &[Span::from_millis(2500), Span::from_millis(7130)], Sound::Same);
}

#[test]
fn a_film_in_a_lecture_is_live_as_offline_too_also_when_it_is_flushed() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let sources = ["testsrc2=s=320x240:r=25:d=6", "sine=f=300:r=48000:d=6"].map(|source| ["-f", "lavfi", "-i", source]);
    let film = ["-c:v", "libx264", "-bf", "2", "-g", "40", "-c:a", "pcm_s16le"];
    succeed(Command::new("ffmpeg").args(["-v", "error"]).args(sources.as_flattened()).args(film).arg(home.path().join("film.mov")));
    let slides = "- { color: \"#204060\", silence: 1s, presenter: { visible: false } }\n- { clip: { file: film.mov }, narration: This is a film., transition: { kind: fade }, presenter: { visible: false } }\n\
        - { color: \"#602040\", silence: 1s, transition: { kind: fade }, presenter: { visible: false } }\n- { clip: { file: film.mov, from: 2s, until: 4500ms }, presenter: { visible: false } }\n";
    let lesson = home.path().join("lesson.yaml");
    std::fs::write(&lesson, format!("version: 1\nslides:\n{slides}")).expect("a writable folder");
    // In the fade, while it is spoken, in the film alone, in the fade away from it, in the second one.
    let cuts = [1200, 2500, 5500, 7200, 9500].map(Span::from_millis);
    // The film's sound is opened anew at a flush, and is then only as long as it was.
    goes_live_as_offline((&lesson, "all"), &cuts, Sound::AsLong);
}

/// How the sound after a flush is to be like the sound without one.
#[derive(PartialEq)]
enum Sound {
    /// Sample for sample, but for the 10 ms of the join.
    Same,
    /// In length.
    AsLong,
}

fn goes_live_as_offline(lesson: (&Path, &str), cuts: &[Span], wanted: Sound) {
    let offline = give(lesson, "offline", None);
    let live = give(lesson, "live", None);
    let playout = live.report.playout.expect("a live run");
    assert_eq!((playout.held, playout.late, playout.underruns), (0, 0, 0));
    assert!(offline.video.len() > 300, "all slides are more than 10 s: {}", offline.video.len());
    assert!(live.video == offline.video, "pictures differ from {:?} on", live.video.iter().zip(&offline.video).find(|(a, b)| a != b));
    assert!(live.audio == offline.audio, "sound differs from {:?} on", live.audio.iter().zip(&offline.audio).position(|(a, b)| a != b));
    assert!(live.cues == offline.cues, "cues differ from {:?} on", live.cues.iter().zip(&offline.cues).find(|(a, b)| a != b));

    for &at in cuts {
        let flushed = give(lesson, "live", Some(at));
        let playout = flushed.report.playout.expect("a live run");
        assert_eq!((playout.late, playout.underruns, playout.refills), (0, 0, 0), "{playout:?}");
        let others: Vec<_> = flushed.video.iter().zip(&offline.video).filter(|(a, b)| a != b).collect();
        assert!(
            flushed.video == offline.video,
            "pictures are made again as they were, but after a flush at {at} {} are others: {:?}",
            others.len(),
            others.first()
        );
        let (sound, plain) = (&flushed.audio, &offline.audio);
        assert_eq!(sound.len(), plain.len());
        let other: Vec<usize> = (0..plain.len()).filter(|&i| sound[i].abs_diff(plain[i]) > 1).collect();
        let reach = other.last().map_or(0, |last| last - other[0]);
        assert!(
            wanted == Sound::AsLong || reach <= 480,
            "only the 10 ms of the join differ, here {reach} samples from {:?} on",
            other.first()
        );
    }
}

#[test]
fn a_lecture_is_given_live_as_a_stream_and_as_a_recording() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| home.path().join(name);
    let (hls, film, report) = (at("hls"), at("film.mp4"), at("report.json"));
    let mut command = lectern(home.path());
    command.arg("live").arg(deck("hello.pptx")).arg("--hls").arg(&hls).arg("--record").arg(&film).arg("--report").arg(&report);
    succeed(command.arg("--json"));
    let report: Value = serde_json::from_str(&std::fs::read_to_string(&report).expect("a report")).expect("JSON");
    let seconds = report["media_seconds"].as_f64().expect("a length");
    // It goes by the clock: three slides of about nine seconds, not faster.
    assert!(seconds > 8.0 && report["wall_seconds"].as_f64() >= Some(seconds), "{report:#}");
    assert!(report["av_skew_seconds"] == 0.0 || report["playout"]["held"] != 0, "only a late picture is apart from its sound: {report:#}");
    assert_eq!(report["frame_copies"], 0);
    // Those are counted that a machine with too much to do leaves out.
    let skipped = report["playout"]["skipped"].as_f64().expect("a count");
    let pictures = ((seconds * 30.0).round() - skipped).to_string();
    for file in [hls.join("index.m3u8"), film] {
        decodes_cleanly(&file);
        let probed = probe(&file, &["-count_frames", "-show_entries", "stream=codec_name,nb_read_frames", "-select_streams", "v:0"]);
        assert_eq!(probed["streams"][0]["nb_read_frames"], pictures.as_str(), "{}: {probed}", file.display());
    }
    let list = std::fs::read_to_string(hls.join("index.m3u8")).expect("a list");
    let lengths: f64 = list.lines().filter_map(|line| line.strip_prefix("#EXTINF:")?.strip_suffix(',')?.parse::<f64>().ok()).sum();
    assert!((lengths - seconds).abs() < 0.001 && list.ends_with("#EXT-X-ENDLIST\n"), "{lengths} of {seconds} s: {list}");
}
