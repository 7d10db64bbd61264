//! Films of other sizes, rates and codecs, with a watermark and with texts of slides.

use crate::support::picture::frame_at;
use crate::support::{decodes_cleanly, lectern, probe, render, succeed};
use serde_json::json;
use std::path::Path;
use std::process::Command;

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

const WIDTH: usize = 640;
const HEIGHT: usize = 480;

/// The grey levels of every picture at 25 a second: where nothing moves the film itself has fewer.
fn pictures(film: &Path) -> Vec<Vec<u8>> {
    let output = succeed(
        Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(film).args(["-vf", "fps=25", "-pix_fmt", "gray", "-f", "rawvideo", "-"]),
    );
    output.stdout.chunks_exact(WIDTH * HEIGHT).map(<[u8]>::to_vec).collect()
}

/// How many pixels of a part of the picture are lighter than the ground.
fn light(picture: &[u8], part: impl Fn(usize, usize) -> bool) -> usize {
    picture.iter().enumerate().filter(|&(i, level)| part(i % WIDTH, i / WIDTH) && *level > 180).count()
}

#[test]
fn a_fast_film_in_sd_as_vp9_with_a_watermark_is_what_was_asked_for() {
    let home = tempfile::tempdir().unwrap();
    let report = home.path().join("report.json");
    let more = ["--quality", "fast", "--size", "sd", "--watermark", "EXAMPLE", "--set", "codec=vp9", "--report", report.to_str().unwrap()];
    let film = render(home.path(), &lesson(home.path()), &more);
    decodes_cleanly(&film);
    let said = probe(&film, &["-show_streams"]);
    let (video, audio) = (&said["streams"][0], &said["streams"][1]);
    for (stream, key, value) in [
        (video, "codec_name", json!("vp9")),
        (video, "width", json!(640)),
        (video, "height", json!(480)),
        (video, "time_base", json!("1/25000")),
        (video, "duration", json!("2.000000")),
        (video, "color_space", json!("bt709")),
        (audio, "codec_name", json!("aac")),
        (audio, "channels", json!(2)),
        (audio, "sample_rate", json!("48000")),
    ] {
        assert_eq!(stream[key], value, "{key}");
    }
    // 50 pixels of a picture 1080 high are 22: the mark ends there, and above it begins.
    let corner = |x: usize, y: usize| x > 400 && y > 400;
    let all = pictures(&film);
    let [before, while_it_is, after] = [&all[5], &all[15], &all[22]];
    assert!(light(before, corner) > 300 && light(before, |x, y| !corner(x, y)) == 0, "{}", light(before, corner));
    assert_eq!(light(before, |x, y| x >= WIDTH - 20 || y >= HEIGHT - 20), 0);
    let text = |picture: &[u8]| light(picture, |x, y| x < 320 && y > 400);
    assert!(text(while_it_is) > 200 && text(before) == 0 && text(after) == 0, "{}", text(while_it_is));
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

#[test]
fn a_large_presenter_stands_in_the_middle_and_without_one_no_face_is_told_of() {
    let home = tempfile::tempdir().unwrap();
    let lesson = lesson(home.path());
    // What is looked at does not hold to the end.
    std::fs::write(&lesson, format!("{LESSON}  - {{ color: \"#7f4020\", silence: 1s }}\n")).unwrap();
    let film = |profile: &str| {
        let at = |ending: &str| home.path().join(format!("{profile}.{ending}"));
        let mut run = lectern(home.path());
        run.args(["run", "graphs/lecture.yaml", "--profile", &format!("offline,{profile}")]);
        for (name, path) in [("lesson", lesson.clone()), ("out", at("mp4")), ("srt", at("srt")), ("vtt", at("vtt"))] {
            run.arg("--set").arg(format!("{name}={}", path.display()));
        }
        succeed(&mut run);
        at("mp4")
    };
    let (large, none) = (film("large_presenter"), film("no_presenter"));
    let says = |film: &Path| probe(film, &["-show_format"])["format"]["tags"]["synthetic"].clone();
    assert_eq!((says(&large), says(&none)), (json!("face"), json!(null)));
    let (width, height) = (1280, 720);
    let [with, without] = [&large, &none].map(|film| frame_at(film, 1.5, width, height).levels);
    let stands: Vec<(usize, usize)> =
        (0..width * height).filter(|&i| with[i].abs_diff(without[i]) > 16).map(|i| (i % width, i / width)).collect();
    let (left, right) = (stands.iter().map(|at| at.0).min().unwrap(), stands.iter().map(|at| at.0).max().unwrap());
    let (top, bottom) = (stands.iter().map(|at| at.1).min().unwrap(), stands.iter().map(|at| at.1).max().unwrap());
    // The plate has nine tenths of the height, and some of it is room above the head.
    assert!((height / 10..height / 4).contains(&top) && bottom == height - 1, "{top} to {bottom} of {height}");
    assert!((left + right).abs_diff(width) < width / 20 && right - left > width / 5, "{left} to {right} of {width}");
}
