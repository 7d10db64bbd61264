//! Lessons and films joined to one film.

use crate::support::picture::{frame_at, png};
use crate::support::{decodes_cleanly, lectern, probe, sound, succeed};
use std::path::Path;
use std::process::Command;

const FPS: f64 = 25.0;

fn ffmpeg(arguments: &str, file: &Path) {
    succeed(Command::new("ffmpeg").args(["-v", "error"]).args(arguments.split(' ')).arg(file));
}

/// The mean grey level of the left upper corner, where no presenter stands.
fn corner(film: &Path, seconds: f64) -> f64 {
    mean_at(film, seconds, (120, 20))
}

/// The same of the presenter's jacket.
fn jacket(film: &Path, seconds: f64) -> f64 {
    mean_at(film, seconds, (704, 438))
}

/// The mean grey level of 40x40 pixels.
fn mean_at(film: &Path, seconds: f64, (left, top): (usize, usize)) -> f64 {
    let grey = frame_at(film, seconds, 854, 480);
    let levels =
        (top..top + 40).flat_map(|y| (left..left + 40).map(move |x| (x, y))).map(|(x, y)| f64::from(grey.levels[y * grey.width + x]));
    levels.sum::<f64>() / 1600.0
}

/// The effective level of the sound between two times.
fn level(samples: &[f32], from: f64, to: f64) -> f64 {
    let part = &samples[(from * 48_000.0) as usize..(to * 48_000.0) as usize];
    (part.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / part.len() as f64).sqrt()
}

#[test]
fn a_film_a_lesson_and_a_foreign_film_become_one() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name);
    // Grey with a tone, 3 s; a lesson of two slides; flashes and clicks at every second, 4 s, of another size and at other rates.
    ffmpeg(
        "-f lavfi -i color=c=0x808080:s=1280x720:r=50:d=3 -f lavfi -i sine=f=440:r=48000:d=3 -c:v libx264 -c:a pcm_s16le",
        &at("one.mov"),
    );
    std::fs::create_dir(at("two")).unwrap();
    std::fs::create_dir(at("tmp")).unwrap();
    std::fs::write(at("two/picture.png"), png(854, 480)).unwrap();
    let slides =
        "- { image: picture.png, narration: Hello there. }\n- { color: \"#ffffff\", silence: 2s, presenter: { visible: false } }\n";
    std::fs::write(at("two/lesson.yaml"), format!("version: 1\nslides:\n{slides}")).unwrap();
    let flashes = "-f lavfi -i color=c=black:s=640x360:r=30000/1001:d=4,drawbox=color=white:t=fill:enable='lt(mod(t,1),0.2)'";
    let clicks = "-f lavfi -i aevalsrc=exprs='if(lt(mod(t,1),0.01),0.7*sin(2*PI*1000*t),0)':s=44100:d=4";
    ffmpeg(&format!("{flashes} {clicks} -c:v libx264 -bf 2 -c:a aac -ac 2"), &at("three.mp4"));

    let film = at("joined.mp4");
    let join = |film: &Path| {
        let mut command = lectern(home.path());
        command.env("TMPDIR", at("tmp")).arg("join").args([at("one.mov"), at("two"), at("three.mp4")]).arg("-o").arg(film);
        succeed(command.args(["--set", "size=854x480", "--set", "fps=25", "--quiet", "--report"]).arg(at("report.json")));
        let report: serde_json::Value = serde_json::from_slice(&std::fs::read(at("report.json")).unwrap()).unwrap();
        (report["segments"]["total"].as_u64().unwrap(), report["segments"]["encoded"].as_u64().unwrap())
    };
    assert_eq!(join(&film), (4, 4));
    // What was encoded for one film is taken for the next.
    assert_eq!(join(&at("again.mp4")), (4, 0));
    assert!(std::fs::read(&film).unwrap() == std::fs::read(at("again.mp4")).unwrap());
    decodes_cleanly(&film);
    assert_eq!(std::fs::read_dir(at("tmp")).unwrap().count(), 0, "nothing is left behind");

    let probed = probe(&film, &["-count_frames", "-show_streams", "-show_chapters"]);
    let streams = probed["streams"].as_array().unwrap();
    let video = streams.iter().find(|stream| stream["codec_type"] == "video").unwrap();
    assert_eq!((&video["width"], &video["height"]), (&854.into(), &480.into()));
    let starts: Vec<f64> =
        probed["chapters"].as_array().unwrap().iter().map(|chapter| chapter["start_time"].as_str().unwrap().parse().unwrap()).collect();
    let seconds: f64 = video["duration"].as_str().unwrap().parse().unwrap();
    let (first, last) = (starts[1], starts[3]);
    assert_eq!((starts.len(), first), (4, 3.0));
    assert!((seconds - last - 4.0).abs() < 0.05, "the last part is 4 s long: {starts:?} of {seconds}");
    let samples = sound(&film);
    // To the frame and to the sample.
    assert!((seconds * FPS - (seconds * FPS).round()).abs() < 1e-3);
    let audio = streams.iter().find(|stream| stream["codec_type"] == "audio").unwrap();
    assert_eq!(audio["duration"].as_str().unwrap().parse::<f64>().unwrap(), seconds);
    // The decoder gives the last packet of 1024 samples whole.
    assert_eq!(samples.len().div_ceil(1024), ((seconds * 48_000.0).round() as usize).div_ceil(1024));

    // The pictures at the joints: from grey (128) to the picture, from white to black, each within a second.
    let picture = corner(&film, first + 1.2);
    let grey = corner(&film, first - 0.2);
    assert!((grey - 128.0).abs() < 4.0 && (picture - grey).abs() > 5.0, "{grey} {picture}");
    for (after, part) in [(0.24, 0.24), (0.52, 0.52), (0.76, 0.76)] {
        let (found, expected) = (corner(&film, first + after), grey + part * (picture - grey));
        assert!((found - expected).abs() < 3.0, "{after} s after the joint: {found} is not {expected}");
    }
    // The presenter comes with the lesson's first slide, over its picture as it comes.
    let there = jacket(&film, first + 1.2);
    assert!((there - picture).abs() > 30.0, "somebody stands there: {there} {picture}");
    for (after, part) in [(0.0, 0.0), (0.24, 0.24), (0.52, 0.52), (0.76, 0.76)] {
        let behind = grey + part * (picture - grey);
        let (found, expected) = (jacket(&film, first + after), behind + part * (there - behind));
        assert!((found - expected).abs() < 5.0, "{after} s after the joint: {found} is not {expected}");
    }
    let white = corner(&film, last - 0.2);
    let middle = corner(&film, last + 0.6);
    assert!(white > 250.0 && (middle - 0.4 * white).abs() < 8.0 && corner(&film, last + 0.96) < 20.0, "{white} {middle}");

    // The tone falls before the first joint and is gone at it.
    let full = level(&samples, 0.5, 1.5);
    let falls: Vec<f64> = (0..10).map(|n| level(&samples, 2.0 + 0.1 * f64::from(n), 2.1 + 0.1 * f64::from(n)) / full).collect();
    assert!(
        full > 0.05 && falls.windows(2).all(|pair| pair[1] < pair[0]) && (falls[4] - 0.55).abs() < 0.06 && falls[9] < 0.08,
        "{falls:?}"
    );
    assert!(level(&samples, 3.01, 3.9) < 1e-3, "the picture fades in silence");
    let steepest =
        samples[(2.9 * 48_000.0) as usize..(3.1 * 48_000.0) as usize].windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
    assert!(steepest < 0.01, "no click: {steepest}");

    // Flashes and clicks of the last part: every second, together, the first of them faded in.
    let mut clicks: Vec<f64> = Vec::new();
    for (index, sample) in samples.iter().enumerate().skip((last * 48_000.0) as usize) {
        let time = index as f64 / 48_000.0 - last;
        if sample.abs() > 0.25 && clicks.last().is_none_or(|click| time - click > 0.5) {
            clicks.push(time);
        }
    }
    assert_eq!(clicks.len(), 3, "{clicks:?}");
    for (n, click) in clicks.iter().enumerate() {
        assert!((click - (n + 1) as f64).abs() < 0.003, "{clicks:?}");
        let flash = |frames: f64| corner(&film, last + click.round() + frames / FPS + 0.001) > 128.0;
        assert!(!flash(-1.0) && flash(1.0), "the flash at {click} s");
    }
    assert!(level(&samples, last, last + 0.01) < 0.05 * level(&samples, last + 1.0, last + 1.01), "faded in");
}

#[test]
fn what_cannot_be_joined_is_told_before_anything_is_made() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name);
    ffmpeg("-f lavfi -i testsrc2=s=64x36:r=25:d=1 -c:v libx264", &at("one.mp4"));
    std::fs::write(at("two.mp4"), b"\0\0\0\x20ftypisom and then nothing").unwrap();
    let told = |parts: &[&str], more: &[&str]| {
        let mut command = lectern(home.path());
        command.arg("join").args(parts.iter().map(|name| at(name))).arg("-o").arg(at("joined.mp4")).args(more);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let text = told(&["one.mp4", "two.mp4"], &[]);
    assert!(text.contains("two.mp4 cannot be shown as a clip"), "{text}");
    let text = told(&["one.mp4", "three.mp4"], &[]);
    assert!(text.contains("there is no deck") && text.contains("three.mp4"), "{text}");
    let text = told(&["one.mp4", "one.mp4"], &["--fade", "20s"]);
    assert!(text.contains("the fade between two parts is 20s") && text.contains("the limit is 10s"), "{text}");
    assert!(!at("joined.mp4").exists());
}
