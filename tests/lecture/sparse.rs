//! Films of slides that stand still: only pictures that change are in them.

use crate::live::stage::{peer, report};
use crate::support::{decodes_cleanly, lectern, probe, succeed};
use serde_json::Value;
use std::fmt::Write;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

/// How long slides are shown, in seconds, and their colours. The third one fades in.
const SLIDES: [(u32, [u8; 3]); 6] =
    [(7, [200, 40, 40]), (4, [40, 170, 60]), (12, [50, 60, 200]), (3, [230, 220, 90]), (9, [30, 30, 30]), (21, [180, 180, 180])];
/// How long the fade takes, in seconds.
const FADE: f64 = 0.5;

/// Renders the slides in segments.
fn film(home: &Path, playout: &str) -> PathBuf {
    let lesson = home.join("slides.yaml");
    let mut text = "version: 1\nslides:\n".to_string();
    for (number, (seconds, [r, g, b])) in SLIDES.iter().enumerate() {
        let transition = if number == 2 { format!(", transition: {{ kind: fade, duration: {FADE}s }}") } else { String::new() };
        let _ = writeln!(text, "  - {{ color: \"#{r:02x}{g:02x}{b:02x}\", silence: {seconds}s{transition} }}");
    }
    std::fs::write(&lesson, text).expect("our own folder");
    let (graph, film) = (home.join("graph.yaml"), home.join("film.mp4"));
    let lesson = lesson.display();
    let text = format!(
        "version: 1\ngraph: slides\nsegment_by: slide\ndefaults: {{ video: {{ size: 640x360, fps: 30 }} }}\nnodes:
  speech: {{ type: tts_chunker, config: {{ lesson: \"{lesson}\" }} }}
  slides: {{ type: slide_source, inputs: {{ cues: speech.cues }}, config: {{ lesson: \"{lesson}\" }} }}
  playout: {{ type: playout, inputs: {{ video: slides.video, audio: speech.audio, cues: speech.cues }}, config: {playout} }}
  h264: {{ type: video_encoder, inputs: {{ video: playout.video }} }}
  aac: {{ type: audio_encoder, inputs: {{ audio: playout.audio }} }}
  file: {{ type: mp4_sink, inputs: {{ video: h264, audio: aac, cues: playout.cues }}, config: {{ path: \"{}\" }} }}
",
        film.display()
    );
    std::fs::write(&graph, text).expect("our own folder");
    succeed(lectern(home).args(["run", "--quiet"]).arg(&graph));
    film
}

/// Which slide shows at a time, and when it began.
fn slide_at(time: f64) -> (usize, f64) {
    let begins = SLIDES.iter().scan(0.0, |at, (seconds, _)| Some(std::mem::replace(at, *at + f64::from(*seconds))));
    begins.enumerate().take_while(|(_, begin)| *begin <= time).last().expect("the first begins at zero")
}

fn streams(film: &Path) -> (u64, Vec<String>) {
    let found = probe(film, &["-count_packets", "-show_streams"]);
    let streams = found["streams"].as_array().expect("streams").iter();
    let durations = streams.filter(|stream| stream["codec_type"] != "subtitle" && stream["codec_type"] != "data");
    let durations = durations.map(|stream| stream["duration"].as_str().unwrap_or_default().to_string()).collect();
    (found["streams"][0]["nb_read_packets"].as_str().and_then(|count| count.parse().ok()).expect("a count"), durations)
}

#[test]
fn a_film_of_still_slides_holds_what_changes_and_chromium_shows_the_right_slide_wherever_it_begins() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let length: u32 = SLIDES.iter().map(|(seconds, _)| seconds).sum();
    let film = film(home.path(), "{}");
    decodes_cleanly(&film);
    let (packets, durations) = streams(&film);
    assert!(packets < 40, "{packets} pictures, 15 of them a fade");
    assert!(durations.iter().all(|duration| *duration == format!("{length}.000000")), "{durations:?}");

    let seed = RandomState::new().hash_one("seed");
    let mut state = seed | 1;
    let mut random = || {
        // Xorshift: Marsaglia, "Xorshift RNGs", Journal of Statistical Software, 2003.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    // Not while one slide fades into the other.
    let is_steady = |at: &f64| !matches!(slide_at(*at), (2, begin) if at - begin < FADE + 0.05);
    let times: Vec<f64> =
        std::iter::repeat_with(|| (random() * f64::from(length) * 1000.0).floor() / 1000.0).filter(is_steady).take(20).collect();
    let list = times.iter().map(f64::to_string).collect::<Vec<_>>().join(",");
    let seen = report(peer("seek").arg("--film").arg(&film).args(["--at", &list]));
    assert_eq!(seen["duration"], f64::from(length), "{seen:#}");
    let seeks = seen["seeks"].as_array().expect("seeks");
    assert_eq!(seeks.len(), 20);
    for (seek, at) in seeks.iter().zip(&times) {
        let color: Vec<i64> = seek["color"].as_array().expect("a colour").iter().filter_map(Value::as_i64).collect();
        let (slide, _) = slide_at(*at);
        let apart = color.iter().zip(SLIDES[slide].1).map(|(shown, wanted)| (shown - i64::from(wanted)).abs()).max();
        assert!(apart.is_some_and(|apart| apart < 12), "seed {seed}: at {at} s slide {slide} should show, but {seek}");
    }
}

#[test]
fn an_encoder_that_holds_one_picture_back_ends_each_piece_of_a_still_slide() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let lesson = home.path().join("still.yaml");
    std::fs::write(&lesson, "version: 1\nslides:\n- { color: \"#406080\", silence: 40s, presenter: { visible: false } }\n")
        .expect("our own folder");
    let film = home.path().join("still.mp4");
    let mut command = lectern(home.path());
    command.args(["render", "--quiet", "--size", "160x90", "--set", "preset=ultrafast"]).arg(&lesson).arg("-o").arg(&film);
    succeed(&mut command);
    assert_eq!(streams(&film).1, ["40.000000", "40.000000"]);
}

#[test]
fn a_film_of_constant_rate_is_made_when_asked_for() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let (packets, durations) = streams(&film(home.path(), "{ constant_frame_rate: true }"));
    assert_eq!(packets, 56 * 30);
    assert!(durations.iter().all(|duration| duration == "56.000000"), "{durations:?}");
}
