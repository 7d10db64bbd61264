//! Sound against picture, measured on what a decoder gives.

use crate::support::{lectern, root, sound, succeed};
use std::process::Command;

#[test]
fn flash_and_click_stay_together_for_ten_minutes() {
    let home = tempfile::tempdir().unwrap();
    let film = home.path().join("avsync.mp4");
    let out = format!("out={}", film.display());
    succeed(lectern(home.path()).args(["run", "--quiet"]).arg(root().join("graphs/avsync.yaml")).args(["--set", &out]));

    let output = succeed(Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(&film).args([
        "-vf",
        "scale=8:8",
        "-pix_fmt",
        "gray",
        "-f",
        "rawvideo",
        "-",
    ]));
    let bright = |frame: &[u8]| frame.iter().map(|&level| u32::from(level)).sum::<u32>() > 64 * 128;
    let flashes: Vec<f64> =
        output.stdout.chunks_exact(64).enumerate().filter(|(_, frame)| bright(frame)).map(|(i, _)| i as f64 / 30.0).collect();

    let samples = sound(&film);
    let mut clicks: Vec<f64> = Vec::new();
    for (i, _) in samples.iter().enumerate().filter(|(_, sample)| sample.abs() > 0.1) {
        let time = i as f64 / 48_000.0;
        if clicks.last().is_none_or(|last| time - last > 0.5) {
            clicks.push(time);
        }
    }
    assert_eq!((flashes.len(), clicks.len()), (599, 599));
    let worst = flashes.iter().zip(&clicks).map(|(flash, click)| (flash - click).abs()).fold(0.0, f64::max);
    assert!(worst <= 0.001, "flash and click are up to {worst} s apart");
    assert_eq!(samples.len(), 600 * 48_000);
}
