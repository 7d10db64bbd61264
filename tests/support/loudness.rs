//! How loud sound is.

use super::succeed;
use std::path::Path;
use std::process::Command;

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
pub fn assert_level(audio: &Path, what: &str) {
    let (loudness, peak) = level(audio);
    eprintln!("{what}: {loudness} LUFS, {peak} dBTP");
    assert!((loudness + 16.0).abs() <= 1.0 && peak <= -1.0, "{what}: {loudness} LUFS, {peak} dBTP");
}
