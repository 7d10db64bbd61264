//! Sound against picture in a film of flashes and clicks (graphs/avsync.yaml), measured on what a decoder gives.

use super::{probe, sound, succeed};
use std::path::Path;
use std::process::Command;

/// When the flashes and the clicks of a film are, in seconds of its own time.
pub fn flashes_and_clicks(film: &Path, fps: f64) -> (Vec<f64>, Vec<f64>) {
    let begins = |stream: &str| {
        let probed = probe(film, &["-show_entries", "stream=start_time", "-select_streams", stream]);
        probed["streams"][0]["start_time"].as_str().and_then(|time| time.parse::<f64>().ok()).expect("a start")
    };
    let picture = ["-vf", "scale=8:8", "-fps_mode", "passthrough", "-pix_fmt", "gray", "-f", "rawvideo", "-"];
    let output = succeed(Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(film).args(picture));
    let bright = |frame: &[u8]| frame.iter().map(|&level| u32::from(level)).sum::<u32>() > 64 * 128;
    let flashes = output.stdout.chunks_exact(64).enumerate().filter(|(_, frame)| bright(frame));
    let (video, audio) = (begins("v:0"), begins("a:0"));
    let mut clicks: Vec<f64> = Vec::new();
    for (i, _) in sound(film).iter().enumerate().filter(|(_, sample)| sample.abs() > 0.1) {
        let time = audio + i as f64 / 48_000.0;
        if clicks.last().is_none_or(|last| time - last > 0.5) {
            clicks.push(time);
        }
    }
    (flashes.map(|(i, _)| video + i as f64 / fps).collect(), clicks)
}

/// The largest distance of a flash to its click.
pub fn worst(flashes: &[f64], clicks: &[f64]) -> f64 {
    let nearest = |flash: &f64| clicks.iter().map(|click| (flash - click).abs()).fold(f64::INFINITY, f64::min);
    flashes.iter().map(nearest).fold(0.0, f64::max)
}
