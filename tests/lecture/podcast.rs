//! Conversations of two voices, from scripts and documents to sound with chapters. `scripts/setup kokoro` must have run.

use crate::support::{lectern, succeed, word_error, word_error_in};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

const SCRIPT: &str = "# Boats\n\n\
    HOST: Good morning, and welcome to our talk about sailing boats.\n\
    GUEST: Thank you. It is a pleasure to be here today.\n\n\
    ## How a sail works\n\n\
    HOST: How can a boat sail against the wind?\n\
    GUEST: The sail is a wing. The air flows around it and pulls the boat along.\n\
    HOST: And the keel keeps it from drifting to the side.\n";

/// Integrated loudness in LUFS and the true peak in dBTP, as ffmpeg measures the sound heard from both loudspeakers.
fn level(audio: &Path) -> (f64, f64) {
    let filter = "pan=stereo|c0=c0|c1=c0,ebur128=peak=true";
    let mut command = Command::new("ffmpeg");
    let output = succeed(command.args(["-hide_banner", "-nostats", "-i"]).arg(audio).args(["-af", filter, "-f", "null", "-"]));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let summary = &said[said.rfind("Summary:").expect("ffmpeg measures")..];
    let number = |key: &str| -> f64 {
        let rest = &summary[summary.find(key).expect("a figure") + key.len()..];
        rest.split_whitespace().next().and_then(|number| number.parse().ok()).expect("a number")
    };
    (number("I:"), number("Peak:"))
}

/// One level for every voice: -16 LUFS within one, and room for what a lossy codec adds.
fn assert_level(audio: &Path, what: &str) {
    let (loudness, peak) = level(audio);
    eprintln!("{what}: {loudness} LUFS, {peak} dBTP");
    assert!((loudness + 16.0).abs() <= 1.0 && peak <= -1.0, "{what}: {loudness} LUFS, {peak} dBTP");
}

#[test]
fn a_script_is_spoken_by_two_voices_at_one_level_with_chapters() {
    let home = tempfile::tempdir().unwrap();
    let (script, sound) = (home.path().join("boats.md"), home.path().join("boats.mp3"));
    std::fs::write(&script, SCRIPT).unwrap();
    let mut podcast = lectern(home.path());
    let output = succeed(podcast.args(["podcast", "--json"]).arg(&script).arg("-o").arg(&sound).args([
        "--host",
        "joe",
        "--guest",
        "kokoro:af_heart",
    ]));
    let events = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut events = events.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let done = events.find(|event| event["event"] == "done").unwrap();
    assert_eq!((&done["turns"], &done["chapters"]), (&5.into(), &2.into()));
    let mut probe = Command::new("ffprobe");
    let output = succeed(probe.args(["-v", "error", "-of", "json", "-show_format", "-show_chapters"]).arg(&sound));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let titles: Vec<&str> =
        found["chapters"].as_array().unwrap().iter().map(|chapter| chapter["tags"]["title"].as_str().unwrap()).collect();
    assert_eq!((found["format"]["tags"]["title"].as_str().unwrap(), titles), ("Boats", vec!["Boats", "How a sail works"]));
    let length: f64 = found["format"]["duration"].as_str().unwrap().parse().unwrap();
    let told = done["media_seconds"].as_f64().unwrap();
    assert!(told > 10.0 && (told - length).abs() < 0.3, "{told} s are told, the sound has {length} s");
    assert_level(&sound, "the podcast");
    let said: Vec<&str> = SCRIPT.lines().filter_map(|line| Some(line.split_once(": ")?.1)).collect();
    assert!(word_error(home.path(), &said.join(" "), &sound) <= 0.10);
    let subtitles = std::fs::read_to_string(sound.with_extension("srt")).unwrap();
    assert!(subtitles.contains("The sail is a wing."), "{subtitles}");
}

#[test]
fn a_written_conversation_keeps_its_voices_and_is_not_written_over() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name);
    std::fs::write(at("talk.md"), "HOST: Hello.\nGUEST: Hi.\n").unwrap();
    let write = |more: &[&str]| {
        let mut podcast = lectern(home.path());
        podcast.arg("podcast").arg(at("talk.md")).arg("--script").arg(at("talk.yaml"));
        podcast.args(["--host", "kokoro:af_heart", "--guest", "joe"]).args(more).output().unwrap()
    };
    assert!(write(&[]).status.success());
    let text = std::fs::read_to_string(at("talk.yaml")).unwrap();
    let names = |name: &str, voice: &str| text.lines().any(|line| line.contains(name) && line.contains(voice));
    assert!(names("host", "kokoro:af_heart") && names("guest", "joe"), "{text}");
    std::fs::write(at("talk.yaml"), text.replace("Hello.", "Good morning.")).unwrap();
    let again = write(&[]);
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&again.stderr).contains("talk.yaml is there already; --force replaces it"));
    // As its first line says, and as a podcast.
    succeed(lectern(home.path()).arg("render").arg(at("talk.yaml")).arg("-o").arg(at("talk.mp4")).args(["--quality", "minimal"]));
    let output = succeed(lectern(home.path()).args(["podcast", "--json"]).arg(at("talk.yaml")).arg("-o").arg(at("talk.wav")));
    let events = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut events = events.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let done = events.find(|event| event["event"] == "done").unwrap();
    assert_eq!((&done["host"], &done["guest"]), (&"kokoro:af_heart".into(), &"joe".into()));
    let wav = hound::WavReader::open(at("talk.wav")).unwrap();
    let length = f64::from(wav.duration()) / f64::from(wav.spec().sample_rate);
    assert!((done["media_seconds"].as_f64().unwrap() - length).abs() < 0.001, "{done}: {length} s");
    let subtitles = std::fs::read_to_string(at("talk.srt")).unwrap();
    assert!(subtitles.contains("Good morning."), "{subtitles}");
    assert!(write(&["--force"]).status.success());
    assert!(!std::fs::read_to_string(at("talk.yaml")).unwrap().contains("Good morning."));
}

#[test]
fn every_voice_speaks_at_one_level() {
    let home = tempfile::tempdir().unwrap();
    // A voice of one's own, by its path.
    let own = home.path().join("own.onnx");
    let data = std::env::var_os("LECTERN_DATA").map(Into::into).unwrap_or_else(|| {
        let folder = std::env::var_os("XDG_DATA_HOME").map(std::path::PathBuf::from);
        folder.unwrap_or_else(|| Path::new(&std::env::var_os("HOME").unwrap()).join(".local/share")).join("lectern")
    });
    let joe = data.join("voices/joe/en_US-joe-medium.onnx");
    std::fs::copy(&joe, &own).unwrap();
    std::fs::copy(joe.with_extension("onnx.json"), own.with_extension("onnx.json")).unwrap();
    let text =
        "Welcome to this lecture on sailing. Today we learn how the wind moves a boat. Even against the wind a good sailor gets home.";
    for voice in ["joe", own.to_str().unwrap(), "kokoro:af_heart"] {
        let audio = home.path().join("level.wav");
        succeed(lectern(home.path()).arg("speak").arg(text).arg("-o").arg(&audio).args(["--voice", voice]));
        assert_level(&audio, voice);
    }
}

#[test]
fn another_language_is_spoken_and_understood() {
    let home = tempfile::tempdir().unwrap();
    let text = "Buenos días. Hoy hablamos del mar y de los barcos de vela.";
    let audio = home.path().join("said.wav");
    succeed(lectern(home.path()).arg("speak").arg(text).arg("-o").arg(&audio).args(["--voice", "kokoro:ef_dora"]));
    assert!(word_error_in("es", home.path(), text, &audio) <= 0.2);
}
