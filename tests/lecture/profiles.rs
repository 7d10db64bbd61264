//! Films of other sizes, rates and codecs, with a watermark and with texts of slides.

use crate::support::picture::{Grey, frame_at};
use crate::support::{decodes_cleanly, probe, render};
use serde_json::json;
use std::path::Path;

const LESSON: &str = "version: 1
id: marks
title: Marks
language: en
size: 16x9
slides:
  - { id: blue, color: \"#20407f\", silence: 1s, presenter: { visible: false }, overlays: [{ role: text, text: For a while, from: 400ms, until: 800ms }] }
  - { id: green, color: \"#207f40\", silence: 1s }
";

fn lesson(home: &Path) -> std::path::PathBuf {
    let path = home.join("marks.yaml");
    std::fs::write(&path, LESSON).expect("written");
    path
}

/// How many pixels of a part of the picture are lighter than the ground.
fn light(grey: &Grey, part: impl Fn(usize, usize) -> bool) -> usize {
    let level = |x: usize, y: usize| grey.levels[y * grey.width + x];
    (0..grey.height).flat_map(|y| (0..grey.width).map(move |x| (x, y))).filter(|&(x, y)| part(x, y) && level(x, y) > 180).count()
}

#[test]
fn a_fast_film_in_sd_as_vp9_with_a_watermark_is_what_was_asked_for() {
    let home = tempfile::tempdir().unwrap();
    let report = home.path().join("report.json");
    let more = ["--quality", "fast", "--size", "sd", "--watermark", "EXAMPLE", "--set", "codec=vp9", "--report", report.to_str().unwrap()];
    let film = render(home.path(), &lesson(home.path()), &more);
    decodes_cleanly(&film);
    let said = probe(&film, &["-show_streams", "-select_streams", "v,a", "-count_frames"]);
    let (video, audio) = (&said["streams"][0], &said["streams"][1]);
    for (stream, key, value) in [
        (video, "codec_name", json!("vp9")),
        (video, "width", json!(640)),
        (video, "height", json!(480)),
        (video, "r_frame_rate", json!("25/1")),
        (video, "nb_read_frames", json!("50")),
        (video, "color_space", json!("bt709")),
        (audio, "codec_name", json!("aac")),
        (audio, "channels", json!(2)),
        (audio, "sample_rate", json!("48000")),
    ] {
        assert_eq!(stream[key], value, "{key}");
    }
    // 50 pixels of a picture 1080 high are 22: the mark ends there, and above it begins.
    let corner = |x: usize, y: usize| x > 400 && y > 400;
    let [before, while_it_is, after] = [0.2, 0.6, 0.9].map(|time| frame_at(&film, time, 640, 480));
    assert!(light(&before, corner) > 300 && light(&before, |x, y| !corner(x, y)) == 0, "{}", light(&before, corner));
    assert_eq!(light(&before, |x, y| x >= 640 - 20 || y >= 480 - 20), 0);
    let text = |grey: &Grey| light(grey, |x, y| x < 320 && y > 400);
    assert!(text(&while_it_is) > 200 && text(&before) == 0 && text(&after) == 0, "{}", text(&while_it_is));
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    assert_eq!(report["frame_copies"], 0);

    // Another mark is another film, also where segments are kept.
    let first = std::fs::read(&film).unwrap();
    let other =
        render(home.path(), &lesson(home.path()), &["--quality", "fast", "--size", "sd", "--watermark", "OTHER", "--set", "codec=vp9"]);
    assert!(std::fs::read(&other).unwrap() != first);
    let same = render(home.path(), &lesson(home.path()), &more);
    assert!(std::fs::read(&same).unwrap() == first);
}
