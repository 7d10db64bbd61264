//! Captions of a film: as a track, in its pictures, as files, as a text; and their time against the sound.

use crate::support::writer::Writer;
use crate::support::{decodes_cleanly, lectern, picture, probe, render, succeed};
use std::path::{Path, PathBuf};

const LESSON: &str = "version: 1
title: Two Seas
language: en
size: 16x9
slides:
  - id: calm
    title: The calm one
    color: \"#20407f\"
    presenter: { visible: false }
    narration: \"This sea is calm, and it is 200 meters deep. Yes. We shall look at its currents, because they carry the warm water far to the north.\"
  - { id: wild, title: The wild one, color: \"#207f40\", presenter: { visible: false }, silence: 2s }
";

fn lesson(home: &Path) -> PathBuf {
    let path = home.join("seas.yaml");
    std::fs::write(&path, LESSON).expect("written");
    path
}

fn tracks(film: &Path) -> Vec<String> {
    let streams = probe(film, &["-show_streams"])["streams"].as_array().unwrap().clone();
    streams.iter().map(|stream| stream["codec_name"].as_str().unwrap_or_default().to_string()).collect()
}

/// White letters in the lower part of the picture at this time.
fn letters(film: &Path, seconds: f64) -> usize {
    let (width, height) = (640, 480);
    let grey = picture::frame_at(film, seconds, width, height);
    grey.levels.iter().enumerate().filter(|(at, level)| at / width > height * 3 / 4 && **level > 220).count()
}

/// Start, end and text of each caption of a SubRip file, in seconds.
fn captions(srt: &Path) -> Vec<(f64, f64, String)> {
    let seconds = |clock: &str| clock.replace(',', ".").split(':').fold(0.0, |all, part| all * 60.0 + part.parse::<f64>().unwrap());
    let text = std::fs::read_to_string(srt).unwrap();
    let read = |cue: &str| {
        let (time, text) = cue.split_once('\n').unwrap().1.split_once('\n').unwrap();
        let (start, end) = time.split_once(" --> ").unwrap();
        (seconds(start), seconds(end), text.to_string())
    };
    text.trim().split("\n\n").map(read).collect()
}

#[test]
fn captions_are_a_track_or_in_the_pictures_or_nowhere() {
    let home = tempfile::tempdir().unwrap();
    let (deck, text) = (lesson(home.path()), home.path().join("said.md"));
    let options = ["--quality", "fast", "--size", "sd"];
    let soft = render(home.path(), &deck, &options);
    assert!(tracks(&soft).contains(&"mov_text".into()), "{:?}", tracks(&soft));
    let said = captions(&soft.with_extension("srt"));
    let middle = (said[0].0 + said[0].1) / 2.0;
    assert_eq!(letters(&soft, middle), 0);
    for (start, end, text) in &said {
        assert!(end - start >= 1.199 && end - start <= 7.0, "{start} to {end}: {text}");
        assert!(text.lines().count() <= 2 && text.lines().all(|line| line.len() <= 42), "{text}");
    }
    let whole = said.iter().map(|(.., text)| text.replace('\n', " ")).collect::<Vec<_>>().join(" ");
    assert!(LESSON.contains(&whole), "{whole}");

    let more = [&options[..], &["--captions", "burned", "--watermark", "MARK", "--transcript", text.to_str().unwrap()]].concat();
    let burned = render(home.path(), &deck, &more);
    decodes_cleanly(&burned);
    assert!(!tracks(&burned).contains(&"mov_text".into()), "{:?}", tracks(&burned));
    assert!(letters(&burned, middle) > 600, "{}", letters(&burned, middle));
    assert_eq!(captions(&burned.with_extension("srt")), said);
    let transcript = std::fs::read_to_string(&text).unwrap();
    let expected = format!("# Two Seas\n\n## The calm one (0:00)\n\n{whole}\n\n## The wild one (");
    assert!(transcript.starts_with(&expected), "{transcript}");

    std::fs::remove_file(burned.with_extension("srt")).unwrap();
    let off = render(home.path(), &deck, &[&options[..], &["--captions", "off"]].concat());
    assert!(!tracks(&off).contains(&"mov_text".into()) && !off.with_extension("srt").exists());
    assert_eq!(letters(&off, middle), 0);
}

#[test]
fn a_graph_without_a_profile_for_captions_is_told_what_to_add() {
    let home = tempfile::tempdir().unwrap();
    let graph = home.path().join("mine.yaml");
    let text = "version: 1\ngraph: mine\nvars: { lesson: a, out: b }\nnodes:\n  picture: { type: color, config: { color: \"#000000\", duration: 1s } }\n";
    std::fs::write(&graph, text).unwrap();
    let refused = |option: &[&str]| {
        let mut command = lectern(home.path());
        command.arg("render").arg(lesson(home.path())).args(["-o", "x.mp4", "--graph"]).arg(&graph).args(option);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refused(&["--captions", "burned"]).contains("no profile captions, which --captions needs"));
    assert!(refused(&["--transcript", "x.md"]).contains("does not declare the variable transcript, which --transcript sets"));
    let deck = lesson(home.path());
    let same = succeed(lectern(home.path()).arg("render").arg(&deck).args(["-o", "x.mp4", "--dry-run", "--captions", "burned"]));
    assert!(String::from_utf8_lossy(&same.stdout).contains("captions"));
}

#[test]
fn subtitles_are_written_in_another_language_too() {
    let home = tempfile::tempdir().unwrap();
    let (deck, film) = (lesson(home.path()), home.path().join("film.mp4"));
    let options = ["--quality", "minimal", "--subtitle-language", "fr"];
    let asked = |mut command: std::process::Command, more: &[&str]| {
        command.arg("render").arg(&deck).arg("-o").arg(&film).args(options).args(more);
        command
    };
    let refused = |more: &[&str]| {
        let mut command = asked(lectern(home.path()), more);
        let output = command.env_remove("LECTERN_WRITER_URL").output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refused(&[]).contains("there is none: set LECTERN_WRITER_URL and LECTERN_WRITER_MODEL"));
    assert!(refused(&["--writer", "local"]).contains("or name its address with --writer"));
    assert!(refused(&["--captions", "off"]).contains("that --captions off leaves out"));
    let twice = film.with_extension("fr.srt").display().to_string();
    assert!(refused(&["--transcript", &twice]).contains("film.fr.srt would be written twice"));
    assert!(!film.exists(), "it is told before the film is made");

    // The first answer lacks a caption, and is asked for again.
    let writer = Writer::with_faults(1);
    succeed(&mut asked(writer.lectern(home.path()), &[]));
    assert_eq!(writer.asked("captions"), 2);
    let (spoken, french) = (captions(&film.with_extension("srt")), captions(&film.with_extension("fr.srt")));
    let loud = |text: &str| text.replace('\n', " ").to_uppercase();
    let one_line = |text: &str| text.replace('\n', " ");
    assert_eq!(
        french.iter().map(|(start, end, text)| (*start, *end, one_line(text))).collect::<Vec<_>>(),
        spoken.iter().map(|(start, end, text)| (*start, *end, loud(text))).collect::<Vec<_>>()
    );
    assert!(french.iter().all(|(.., text)| text.lines().count() <= 2 && text.lines().all(|line| line.len() <= 42)), "{french:?}");
    let vtt = std::fs::read_to_string(film.with_extension("fr.vtt")).unwrap();
    assert!(vtt.starts_with("WEBVTT\n") && vtt.contains(&french[0].2), "{vtt}");

    // The same of a film that is there.
    let subtitles = |to: &str| {
        let mut command = writer.lectern(home.path());
        command.arg("subtitles").arg(film.with_extension("srt")).args(["--to", to, "--from", "en"]);
        command
    };
    succeed(&mut subtitles("de"));
    assert_eq!(captions(&film.with_extension("de.srt")), french);
    let output = subtitles("german").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--to \"german\" is no language tag"));
}
