//! Music under a lecture.

use crate::support::{lectern, succeed};
use ebur128::{EbuR128, Mode};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

const LESSON: &str = r##"version: 1
id: music
slides:
- { id: one, color: "#204060", narration: "Good morning, everybody. Today we look at how wind turns into current, and at what it costs. Turbines stand where the land is flat." }
- { id: two, color: "#a04060", narration: "Solar panels work in the desert. In the end it is the price that counts, and the price has fallen for twenty years. Thank you for listening." }
"##;

/// Chords that change every second, loud as music is sold.
fn write_music(path: &Path) {
    let form = hound::WavSpec { channels: 2, sample_rate: 44_100, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut file = hound::WavWriter::create(path, form).unwrap();
    for n in 0..7 * 44_100u32 {
        let (t, root) = (n as f32 / 44_100.0, [220.0, 261.6, 196.0, 246.9][(n / 44_100 % 4) as usize]);
        let tone = |ratio: f32| (t * root * ratio * std::f32::consts::TAU).sin();
        file.write_sample(((tone(1.0) + tone(1.25)) * 9_000.0) as i16).unwrap();
        file.write_sample(((tone(1.0) + tone(1.5)) * 9_000.0) as i16).unwrap();
    }
    file.finalize().unwrap();
}

/// The film's sound, left and right by turns.
fn heard(film: &Path) -> Vec<f32> {
    let output =
        succeed(Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(film).args(["-f", "f32le", "-ac", "2", "-ar", "48000", "-"]));
    output.stdout.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

/// Loudness in LUFS and true peak in dB.
fn measured(samples: &[f32]) -> (f64, f64) {
    let mut meter = EbuR128::new(2, 48_000, Mode::I | Mode::TRUE_PEAK).unwrap();
    meter.add_frames_f32(samples).unwrap();
    let peak = (0..2).map(|channel| meter.true_peak(channel).unwrap()).fold(0.0, f64::max);
    (meter.loudness_global().unwrap(), 20.0 * peak.log10())
}

#[test]
fn music_leaves_loudness_and_pictures_as_they_were() {
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name);
    fs::write(path("lesson.yaml"), LESSON).unwrap();
    write_music(&path("calm.wav"));
    let render = |film: &str, more: &[&str]| {
        let mut command = lectern(home.path());
        command.current_dir(home.path()).args([
            "render",
            "lesson.yaml",
            "--quiet",
            "--set",
            "size=160x90",
            "--report",
            "report.json",
            "-o",
            film,
        ]);
        succeed(command.args(more));
        let report: Value = serde_json::from_slice(&fs::read(path("report.json")).unwrap()).unwrap();
        (heard(&path(film)), report["segments"]["encoded"].as_u64().unwrap())
    };
    let (plain, _) = render("plain.mp4", &[]);
    let (music, encoded) = render("music.mp4", &["--music", "calm.wav"]);
    assert_eq!(encoded, 0, "music is no picture");
    assert_eq!(music.len(), plain.len());
    let ((before, _), (loudness, peak)) = (measured(&plain), measured(&music));
    assert!((loudness + 16.0).abs() <= 1.0 && (loudness - before).abs() < 0.7, "{before} and with music {loudness} LUFS");
    assert!(peak <= -1.0 + 0.2, "{peak} dBTP: what the encoder adds is little");
    // What is left without the speech: the music, which begins and ends in silence.
    let rest: Vec<f32> = music.iter().zip(&plain).map(|(with, without)| with - without).collect();
    let level = |from: f64, to: f64| {
        let part = &rest[(from * 96_000.0) as usize / 2 * 2..(to * 96_000.0) as usize / 2 * 2];
        10.0 * (part.iter().map(|sample| f64::from(sample * sample)).sum::<f64>() / part.len() as f64 + 1e-12).log10()
    };
    let end = rest.len() as f64 / 96_000.0;
    assert!(level(0.0, 0.02) < -55.0 && level(end - 0.02, end) < -50.0, "{} {}", level(0.0, 0.02), level(end - 0.02, end));
    assert!((-50.0..-30.0).contains(&level(3.0, 5.0)), "it is there under speech: {}", level(3.0, 5.0));

    // A shorter lecture ends with its music, too: nothing of the fade is kept from before.
    fs::write(path("lesson.yaml"), LESSON.lines().take(4).collect::<Vec<_>>().join("\n") + "\n").unwrap();
    let (kept, _) = render("short.mp4", &["--music", "calm.wav"]);
    let (anew, _) = render("anew.mp4", &["--music", "calm.wav", "--no-cache"]);
    assert!(kept == anew, "from the cache and without one");
}
