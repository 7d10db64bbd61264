//! Pictures as grey levels, and how alike two are.

use super::succeed;
use std::ops::Range;
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
    // A picture that holds is there once, at most 5 s before.
    let from = (seconds - 8.0).max(0.0);
    let (first, then) = (format!("{from:.4}"), format!("{:.4}", seconds - from));
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-ss", &first, "-i"]).arg(film);
    grey(command.args(["-vf", "fps=120", "-ss", &then, "-frames:v", "1"]), width, height)
}

/// A film's picture at a time in colour, red, green and blue by turns. Of a film of 30 pictures a second at most.
pub fn color_at(film: &Path, seconds: &str) -> Vec<u8> {
    let mut decode = Command::new("ffmpeg");
    // A picture that holds is there once.
    let at = ["-vf", "fps=30", "-ss", seconds, "-frames:v", "1", "-pix_fmt", "rgb24", "-f", "rawvideo", "-"];
    succeed(decode.args(["-v", "error", "-i"]).arg(film).args(at)).stdout
}

/// A page in a picture: `grey` has the picture's size, the page lies in the columns and rows of `area`.
pub struct Page {
    pub grey: Grey,
    pub area: (Range<usize>, Range<usize>),
}

/// A page of a PDF as pdftoppm draws it, fitted into the size. Drawn four times as large and averaged: at the size itself pdftoppm moves
/// glyphs to quarters of a pixel and hints them, and small print is then less like its own average (0.85 to 0.89) than ours is (0.98).
pub fn page(pdf: &Path, number: usize, width: usize, height: usize, folder: &Path) -> Page {
    let stem = folder.join(format!("page-{number}"));
    let (page, png) = (number.to_string(), stem.with_extension("png"));
    let draw = |scale: [String; 4]| {
        succeed(Command::new("pdftoppm").args(["-png", "-singlefile", "-f", &page, "-l", &page]).args(scale).arg(pdf).arg(&stem));
        // The header chunk of a PNG begins with width and height.
        let header = std::fs::read(&png).expect("a picture");
        let side = |at: usize| u32::from_be_bytes(header[at..at + 4].try_into().expect("four bytes")) as usize;
        (side(16), side(20))
    };
    // Its shape, from a first drawing.
    let shape = draw(["-scale-to-x".into(), width.to_string(), "-scale-to-y".into(), "-1".into()]);
    let fitted = |side: usize, most: usize| if most - side.min(most) < 2 { most } else { side };
    let factor = (width as f64 / shape.0 as f64).min(height as f64 / shape.1 as f64);
    let w = fitted((shape.0 as f64 * factor).round() as usize, width);
    let h = fitted((shape.1 as f64 * factor).round() as usize, height);
    draw(["-scale-to-x".into(), (4 * w).to_string(), "-scale-to-y".into(), (4 * h).to_string()]);
    let (left, top) = ((width - w) / 2, (height - h) / 2);
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-i"]).arg(&png);
    let fit = format!("scale={w}:{h}:flags=area,pad={width}:{height}:{left}:{top}:white");
    Page { grey: grey(command.args(["-vf", &fit]), width, height), area: (left..left + w, top..top + h) }
}

/// A picture of one colour as a PNG file.
pub fn png(width: usize, height: usize) -> Vec<u8> {
    let source = format!("color=c=steelblue:s={width}x{height}:d=1:r=1");
    let ffmpeg = ["-v", "error", "-f", "lavfi", "-i", &source, "-frames:v", "1", "-f", "image2pipe", "-c:v", "png", "-"];
    succeed(Command::new("ffmpeg").args(ffmpeg)).stdout
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
