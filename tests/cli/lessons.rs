//! Lessons, voices, presenters: what plugins know, as commands print it.

use super::{files, run, run_with};
use crate::support::probe;
use serde_json::Value;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const LESSON: &str = "version: 1
id: sky
title: The sky
language: en
size: 16x9
slides:
  - id: blue
    title: Why it is blue
    color: \"#4070c0\"
    narration: Sunlight is scattered by the air. [pause 1s] Blue is scattered most.
  - id: night
    title: Night
    color: \"#000000\"
    silence: 2s
";

fn with_lesson() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("sky.yaml"), LESSON).expect("written");
    folder
}

#[test]
fn a_lesson_is_shown_with_its_narration_and_length() {
    let folder = with_lesson();
    let text = run(folder.path(), "lesson show sky.yaml").ok();
    assert!(text.starts_with("The sky (en), 2 slides, about 0:0"), "{text}");
    assert!(text.contains("\n1. Why it is blue\n   colour #4070c0, about 0:0"), "{text}");
    assert!(text.contains("   | Sunlight is scattered by the air. [pause 1s]"), "{text}");
    assert!(text.contains("\n2. Night\n   colour #000000, about 0:02\n"), "{text}");
    let json: Value = serde_json::from_str(&run(folder.path(), "lesson show sky.yaml --json").ok()).expect("JSON");
    assert_eq!((&json["slides"][1]["narration"]["silence_seconds"], &json["slides"][0]["words"]), (&2.0.into(), &12.into()));
}

#[test]
fn a_lesson_is_exported_and_read_again() {
    let folder = with_lesson();
    let text = run(folder.path(), "lesson export sky.yaml -o talk/lesson.yaml").ok();
    assert_eq!(text, "talk/lesson.yaml  2 slides\n");
    let show = |file: &str| run(folder.path(), &format!("lesson show {file}")).ok();
    assert_eq!(show("talk/lesson.yaml"), show("sky.yaml"));
    let again = run(folder.path(), "lesson export sky.yaml -o talk/lesson.yaml").fails(2);
    assert_eq!(again, "error: talk/lesson.yaml is there already; --force replaces it\n");
    run(folder.path(), "lesson export sky.yaml -o talk/lesson.yaml --force").ok();
    assert!(run(folder.path(), "lesson export sky.yaml -o sky.yaml --force").fails(2).contains("is the input"));
    assert!(run(folder.path(), "lesson export sky.yaml -o other").fails(2).contains("write -o other/lesson.yaml"));
}

#[test]
fn a_bad_lesson_is_invalid_input() {
    let folder = with_lesson();
    fs::write(folder.path().join("bad.yaml"), LESSON.replace("silence: 2s", "silence: soon")).expect("written");
    let text = run(folder.path(), "lesson show bad.yaml").fails(2);
    assert!(text.starts_with("error: bad.yaml") && text.contains("soon"), "{text}");
    assert!(run(folder.path(), "lesson show nowhere.pptx").fails(2).contains("cannot read nowhere.pptx"));
}

#[test]
fn a_dry_run_tells_slides_and_lanes_and_writes_nothing() {
    let folder = with_lesson();
    let ran = run(folder.path(), "render sky.yaml --dry-run");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let out = ran.stdout;
    assert!(out.contains("12 words  Why it is blue\n") && out.contains("   2    0:02     0 words  Night\n"), "{out}");
    assert!(out.contains("graph lecture: ") && out.contains("the film would be sky.mp4"), "{out}");
    let out = run(folder.path(), "render sky.yaml --dry-run --slides 2 --json").ok();
    let json: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(json["slides"].as_array().map(Vec::len), Some(1));
    assert_eq!((&json["slides"][0]["number"], &json["estimated_seconds"]), (&2.into(), &2.0.into()));
    assert!(run(folder.path(), "render sky.yaml --dry-run --slides 7").fails(2).contains('7'));
    assert!(run(folder.path(), "render sky.yaml --dry-run --slides x-y").fails(2).contains("x-y"));
    assert!(run(folder.path(), "render sky.yaml --dry-run --slides 2-1").fails(2).contains("the range 2-1 is backwards; write 1-2"));
    assert!(run(folder.path(), "render sky.yaml --dry-run --slides 2").ok().starts_with("The sky (en), 1 slide, about 0:02\n"));
    assert_eq!(files(folder.path()), ["sky.yaml"]);
}

#[test]
fn qualities_and_sizes_are_shown_by_a_dry_run_in_their_order_of_weight() {
    let folder = with_lesson();
    let pictures = |options: &str| {
        let out = run(folder.path(), format!("render sky.yaml --dry-run --json {options}").trim_end()).ok();
        serde_json::from_str::<Value>(&out).expect("JSON")["pictures"].clone()
    };
    let all = |size: &str, fps: &str, preset: &str, crf: &str| serde_json::json!({ "size": size, "fps": fps, "codec": "h264", "encoder": "software", "preset": preset, "crf": crf });
    assert_eq!(pictures(""), all("1280x720", "30", "veryfast", "20"));
    assert_eq!(pictures("--quality standard"), pictures(""));
    assert_eq!(pictures("--quality high"), all("1920x1080", "30", "medium", "18"));
    assert_eq!(pictures("--size sd --quality high"), all("640x480", "30", "medium", "18"));
    assert_eq!(pictures("--size sd --set size=320x180 --quality fast --set crf=30"), all("320x180", "25", "superfast", "30"));
    let text = run(folder.path(), "render sky.yaml --dry-run --quality minimal --watermark Example").ok();
    assert!(text.contains("\npictures: size=854x480 fps=25 codec=h264 encoder=software preset=superfast crf=26\n"), "{text}");
    assert!(text.contains("watermark"), "{text}");
    assert!(run(folder.path(), "render sky.yaml --dry-run --size 641x480").fails(2).contains("642x480"));
    assert!(
        run(folder.path(), "render sky.yaml --dry-run --quality best")
            .fails(2)
            .contains("[possible values: minimal, fast, standard, high]")
    );
    assert!(run(folder.path(), "render sky.yaml --dry-run --watermark no/logo.png").fails(2).contains("there is no file no/logo.png"));
}

#[test]
fn voices_and_presenters_are_listed() {
    let folder = with_lesson();
    assert!(run(folder.path(), "voices").ok().starts_with("joe  en-US  (default)\n"));
    assert!(run(folder.path(), "avatars").ok().contains("  (default)\n"));
    let avatars: Value = serde_json::from_str(&run(folder.path(), "avatars --json").ok()).expect("JSON");
    assert!(avatars.as_array().is_some_and(|avatars| avatars.iter().filter(|avatar| avatar["default"] == true).count() == 1));
}

#[test]
fn a_presenter_is_previewed_and_its_poses_are_drawn() {
    let folder = with_lesson();
    let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins/presenters/template");
    fs::create_dir(folder.path().join("mine")).expect("a folder");
    for file in ["rig.svg", "poses.json", "rig.toml"] {
        fs::copy(template.join(file), folder.path().join("mine").join(file)).expect("copied");
    }
    let text = run(folder.path(), "avatars preview mine -o look").ok();
    assert!(text.starts_with("look/mine-visemes.png\nlook/mine-heads.png\nlook/mine-emotions.png\n"), "{text}");
    assert!(text.ends_with("look/mine.mp4\n"), "{text}");
    let sheet = image::open(folder.path().join("look/mine-visemes.png")).expect("a picture");
    assert!(sheet.width() > 1000 && sheet.height() > 500);
    assert!(fs::metadata(folder.path().join("look/mine.mp4")).expect("a film").len() > 50_000);
    let film = probe(&folder.path().join("look/mine.mp4"), &["-show_format"]);
    let seconds: f64 = film["format"]["duration"].as_str().and_then(|seconds| seconds.parse().ok()).expect("a length");
    assert!((9.9..=10.1).contains(&seconds), "ten seconds are promised, not {seconds}");
    assert_eq!(files(&folder.path().join("look")).len(), 4, "nothing is left behind");
    assert!(run(folder.path(), "avatars preview nobody").fails(2).contains("there is no presenter \"nobody\""));

    assert_eq!(run(folder.path(), "avatars poses mine --draw").ok(), "mine/poses  21 drawings written\n");
    assert!(run(folder.path(), "avatars poses mine").ok().starts_with("mine/poses.json  "));
    run(folder.path(), "avatars preview mine -o look --no-film").ok();
    let drawing = folder.path().join("mine/poses/mouth-aa.svg");
    fs::write(&drawing, fs::read_to_string(&drawing).expect("a drawing").replace("id=\"tongue\"", "id=\"tong\"")).expect("written");
    assert!(run(folder.path(), "avatars poses mine").fails(2).contains("mouth-aa.svg: the path \"tongue\" is missing"));
}

#[test]
fn a_text_is_spoken_with_its_times() {
    let folder = with_lesson();
    let text = "Good morning. [pause 1s] Shall we begin?";
    let out = run_with(folder.path(), &["speak", text, "-o", "a.wav", "--times", "a.json"]).ok();
    assert!(out.starts_with("a.wav  0:0") && out.ends_with("  5 words\n"), "{out}");
    let wav = hound::WavReader::open(folder.path().join("a.wav")).expect("a WAV file");
    assert_eq!((wav.spec().sample_rate, wav.spec().channels), (48_000, 1));
    let seconds = f64::from(wav.duration()) / 48_000.0;
    let times: Value = serde_json::from_str(&fs::read_to_string(folder.path().join("a.json")).expect("times")).expect("JSON");
    assert_eq!(times["seconds"], seconds);
    let at = |index: usize, key: &str| times["words"][index][key].as_f64().expect(key);
    assert_eq!(times["words"][2]["word"], "Shall");
    assert!(at(2, "start") - at(1, "end") >= 1.0, "the pause is in the times");
    assert!(at(4, "end") <= seconds);
    let (quiet, loud) = (run_with(folder.path(), &["speak", "…", "-o", "b.wav"]), run_with(folder.path(), &["speak", text, "-o", "b.wav"]));
    assert!(quiet.fails(2).contains("nothing to say"));
    loud.ok();
    let speak = |text: &str, file: &str| run_with(folder.path(), &["speak", text, "-o", file]);
    let text = speak("😀", "c.wav").fails(2);
    assert!(text.contains("nothing to say in this text: \"😀\" is not spoken"), "{text}");
    assert!(speak("Hello.", "c.mp3").fails(2).contains("the sound is a WAV file, c.mp3 would not be seen as one; end its name in .wav"));
    assert!(speak("Hello.", "c.WAV").ok().ends_with("  1 word\n"));
    assert_eq!(files(folder.path()), ["a.json", "a.wav", "b.wav", "c.WAV", "sky.yaml"]);
    assert_eq!(
        fs::read(folder.path().join("a.wav")).unwrap(),
        fs::read(folder.path().join("b.wav")).unwrap(),
        "the same text, the same bytes"
    );
}

#[test]
fn who_is_not_there_is_told_by_the_list_of_voices() {
    let folder = with_lesson();
    fs::write(folder.path().join("talk.md"), "HOST: Hello.\nGUEST: Hi.\n").expect("written");
    for arguments in [
        "render sky.yaml --voice nobody",
        "live sky.yaml --voice nobody",
        "podcast talk.md --host nobody",
        "podcast talk.md --guest nobody",
        "podcast talk.md --script talk.yaml --guest nobody",
        "speak Hello -o a.wav --voice nobody",
    ] {
        let text = run(folder.path(), arguments).fails(2);
        assert!(text.starts_with("error: there is no voice `nobody`; `lectern voices` lists them"), "{arguments}: {text}");
    }
    let marked =
        LESSON.replace("narration: Sunlight", "narration: \"[voice guest] Sunlight").replace("scattered most.", "scattered most.\"");
    for (lesson, name) in
        [(marked, "guest"), (LESSON.replace("    color: \"#4070c0\"", "    color: \"#4070c0\"\n    voice: nobody"), "nobody")]
    {
        fs::write(folder.path().join("sky.yaml"), lesson).expect("written");
        let text = run(folder.path(), "render sky.yaml").fails(1);
        assert!(text.contains(&format!("slide 1: there is no voice `{name}`; `lectern voices` lists them")), "{text}");
        assert!(text.contains(&format!("write who {name} is under voices: in the lesson")), "{text}");
    }
    assert_eq!(files(folder.path()), ["sky.yaml", "talk.md"]);
}

#[test]
fn a_text_is_spoken_as_the_dictionary_says() {
    let folder = with_lesson();
    fs::write(folder.path().join("words.yaml"), "SQL: sequel\nLectern: /zˈuːm/\n").expect("written");
    let sounds = |more: &[&str]| {
        let mut arguments = vec!["speak", "Lectern likes SQL.", "-o", "a.wav", "--times", "a.json"];
        arguments.extend(more);
        run_with(folder.path(), &arguments).ok();
        let times: Value = serde_json::from_str(&fs::read_to_string(folder.path().join("a.json")).expect("times")).expect("JSON");
        let phonemes = times["phonemes"].as_array().expect("phonemes").iter();
        phonemes.map(|phoneme| phoneme["phoneme"].as_str().expect("a sound")).collect::<String>()
    };
    let (plain, said) = (sounds(&[]), sounds(&["--dictionary", "words.yaml"]));
    assert!(plain.starts_with("lɛktɚn") && plain.ends_with("ɛskjuːɛl"), "{plain}");
    assert!(said.starts_with("zuːml") && said.ends_with("siːkwəl"), "{said}");
    fs::write(folder.path().join("bad.yaml"), "Lectern: /what?/\n").expect("written");
    let error = run_with(folder.path(), &["speak", "Lectern.", "-o", "b.wav", "--dictionary", "bad.yaml"]).fails(2);
    assert!(error.contains("bad.yaml") && error.contains("Lectern"), "{error}");
}

#[test]
fn the_doctor_finds_what_the_tests_need() {
    let folder = with_lesson();
    let out = run(folder.path(), "doctor").ok();
    assert!(out.contains("✓ voice") && out.contains("✓ espeak-ng"), "{out}");
    let output = super::lectern(folder.path()).args(["doctor", "--json"]).env("LECTERN_DATA", "/nowhere").output().expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
    assert_eq!(report["ready"], false);
    let voice = report["checks"].as_array().and_then(|checks| checks.iter().find(|check| check["name"] == "voice")).expect("a voice check");
    assert_eq!((&voice["there"], &voice["fix"]), (&false.into(), &"scripts/setup".into()));
}

const NOTES: &str = "# The sky\n\n## Why it is blue\n\nSunlight is scattered by the air. Blue is scattered most (violet even more).\n\n## At night\n\nThere is no light to scatter, so it is black.\n";

#[test]
fn slides_and_words_are_made_of_a_text() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("notes.md"), NOTES).expect("written");
    let text = run(folder.path(), "lesson show notes.md").ok();
    assert!(text.starts_with("The sky (en), 4 slides, about 0:"), "{text}");
    assert!(text.contains("\n2. Why it is blue\n   canvas with") && text.contains("| Sunlight is scattered by the air. Blue is"), "{text}");
    let simple = run_with(folder.path(), &["lesson", "show", "notes.md", "--instructions", "short sentences, without an agenda"]).ok();
    assert!(!simple.contains("violet"), "{simple}");
    let out = run(folder.path(), "render notes.md --dry-run --theme warm --shape 4x3 --minutes 0.2").ok();
    assert!(out.starts_with("The sky (en), ") && out.contains("the film would be notes.mp4"), "{out}");
    run(folder.path(), "lesson export notes.md -o talk/lesson.yaml --theme dark").ok();
    let show = |options: &str| run(folder.path(), &format!("lesson show {options} --json")).ok();
    let narration = |options: &str| {
        let json: Value = serde_json::from_str(&show(options)).expect("JSON");
        json["slides"].as_array().expect("slides").iter().map(|slide| slide["narration"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(narration("talk/lesson.yaml"), narration("notes.md"));
    assert_eq!(files(folder.path()), ["notes.md", "talk"]);
}

#[test]
fn wishes_that_cannot_be_are_usage_errors() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("notes.md"), NOTES).expect("written");
    let fails = |options: &str| run(folder.path(), &format!("lesson show notes.md {options}")).fails(2);
    assert!(fails("--theme pink").contains("there are light, dark and warm"));
    assert!(fails("--shape 5x4").contains("there are 16x9 and 4x3"));
    assert!(fails("--minutes 0").contains("it goes from over 0 to 240"));
    assert!(fails("--language english").contains("is no language tag"));
    assert!(fails("--writer example.org").contains("must be whole, such as https://api.example.org/v1"));
    assert!(fails("--writer http://127.0.0.1:9/v1").contains("set LECTERN_WRITER_MODEL"));
    assert!(fails("--as slides").contains("no slides of its own"));
    assert!(fails("--as book").contains("[possible values: slides, content]"));
}
