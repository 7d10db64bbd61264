//! Conversations of two voices, from scripts and documents to sound with chapters. `scripts/setup kokoro` must have run.

use crate::support::loudness::assert_level;
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
    // A man's voice and a woman's, each where its lines are.
    let samples = crate::support::sound(&sound);
    let pitches = |role: &str| -> Vec<f64> {
        let lines: Vec<&str> = SCRIPT.lines().filter_map(|line| line.strip_prefix(role)).collect();
        let captions = subtitles.split("\n\n").filter_map(|caption| caption.split_once(" --> ")?.1.split_once('\n').zip(times(caption)));
        let its = captions.filter(|((_, text), _)| lines.iter().any(|line| line.contains(&text.replace('\n', " "))));
        its.map(|(_, (from, to))| pitch(&samples[(from * 48e3) as usize..(to * 48e3) as usize])).collect()
    };
    let (host, guest) = (pitches("HOST: "), pitches("GUEST: "));
    assert!(host.len() >= 3 && guest.len() >= 2, "{subtitles}");
    assert!(host.iter().all(|man| guest.iter().all(|woman| *woman > 1.3 * man)), "host {host:?} Hz, guest {guest:?} Hz");
}

/// When a SubRip caption begins and ends, in seconds.
fn times(caption: &str) -> Option<(f64, f64)> {
    let (from, to) = caption.lines().find_map(|line| line.split_once(" --> "))?;
    let seconds = |time: &str| time.replace(',', ".").split(':').try_fold(0.0, |sum, part| Some(sum * 60.0 + part.parse::<f64>().ok()?));
    Some((seconds(from)?, seconds(to)?))
}

/// The middle pitch of speech at 48 kHz, in Hz: of each loud 40 ms the delay by which they are most like themselves.
fn pitch(samples: &[f32]) -> f64 {
    // Every eighth sample is enough for what is below 400 Hz, and quick.
    let slow: Vec<f32> = samples.chunks_exact(8).map(|eight| eight.iter().sum::<f32>() / 8.0).collect();
    let product = |one: &[f32], two: &[f32]| one.iter().zip(two).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    let mut found: Vec<f64> = slow
        .windows(240 + 86)
        .step_by(120)
        .filter_map(|window| {
            let likeness = |delay: usize| {
                let (here, later) = (&window[..240], &window[delay..delay + 240]);
                product(here, later) / (product(here, here) * product(later, later)).sqrt().max(1e-9)
            };
            let best = (17..=86).map(likeness).fold(0.0, f64::max);
            // Twice the delay is as good.
            let delay = (17..=86).find(|delay| likeness(*delay) > 0.95 * best)?;
            (product(&window[..240], &window[..240]) > 0.05 && best > 0.8).then(|| 6000.0 / delay as f64)
        })
        .collect();
    assert!(found.len() > 5, "{} of {} samples are voiced", found.len() * 120 * 8, samples.len());
    found.sort_by(f64::total_cmp);
    found[found.len() / 2]
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
