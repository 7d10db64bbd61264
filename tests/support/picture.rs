//! Pictures as grey levels, and how alike two are.

use super::succeed;
use std::path::Path;
use std::process::Command;

/// Grey levels, row by row.
pub struct Grey {
    pub width: usize,
    pub height: usize,
    pub levels: Vec<u8>,
}

/// The picture of a film at `seconds`.
pub fn frame_at(film: &Path, seconds: f64, width: usize, height: usize) -> Grey {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-ss", &format!("{seconds:.4}"), "-i"]).arg(film);
    grey(command.args(["-frames:v", "1"]), width, height)
}

/// A page of a PDF as pdftoppm draws it, fitted into the size on white.
pub fn page(pdf: &Path, number: usize, width: usize, height: usize, folder: &Path) -> Grey {
    let stem = folder.join(format!("page-{number}"));
    let page = number.to_string();
    let size = ["-scale-to-x", &width.to_string(), "-scale-to-y", "-1"].map(String::from);
    succeed(Command::new("pdftoppm").args(["-png", "-singlefile", "-f", &page, "-l", &page]).args(size).arg(pdf).arg(&stem));
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-i"]).arg(stem.with_extension("png"));
    let fit = format!("scale={width}:{height}:force_original_aspect_ratio=decrease:flags=area,pad={width}:{height}:-1:-1:white");
    grey(command.args(["-vf", &fit]), width, height)
}

fn grey(command: &mut Command, width: usize, height: usize) -> Grey {
    let output = succeed(command.args(["-f", "rawvideo", "-pix_fmt", "gray", "-"]));
    assert_eq!(output.stdout.len(), width * height, "{command:?}");
    Grey { width, height, levels: output.stdout }
}

/// Mean structural similarity over blocks of 8x8, of those that `counts` (by their left upper corner).
/// Wang et al., "Image quality assessment: from error visibility to structural similarity", IEEE TIP 2004.
pub fn ssim(a: &Grey, b: &Grey, counts: impl Fn(usize, usize) -> bool) -> f64 {
    assert_eq!((a.width, a.height), (b.width, b.height));
    let (mut sum, mut blocks) = (0.0, 0);
    for y in (0..a.height - 7).step_by(8) {
        for x in (0..a.width - 7).step_by(8).filter(|&x| counts(x, y)) {
            let pixels = || (0..64).map(|i| (y + i / 8) * a.width + x + i % 8);
            let mean = |p: &Grey| pixels().map(|i| f64::from(p.levels[i])).sum::<f64>() / 64.0;
            let (ma, mb) = (mean(a), mean(b));
            let cov = |p: &Grey, mp: f64, q: &Grey, mq: f64| {
                pixels().map(|i| (f64::from(p.levels[i]) - mp) * (f64::from(q.levels[i]) - mq)).sum::<f64>() / 63.0
            };
            let (c1, c2) = (6.5025, 58.5225);
            sum += (2.0 * ma * mb + c1) * (2.0 * cov(a, ma, b, mb) + c2)
                / ((ma * ma + mb * mb + c1) * (cov(a, ma, a, ma) + cov(b, mb, b, mb) + c2));
            blocks += 1;
        }
    }
    sum / f64::from(blocks)
}
