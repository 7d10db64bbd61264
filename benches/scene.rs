//! What all sides are given: a presenter in front of a green screen, slides, a sound. Made here, the same in every run.

use engine::frame::{Size, VideoFrame};
use engine::pool::Pool;
use plugins::pixels::rgba_to_i420;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// The picture that everything ends in.
pub const FULL: Size = Size::new(1920, 1080);
/// The presenter's.
pub const SMALL: Size = Size::new(960, 540);
/// Pictures a second.
pub const FPS: u32 = 30;
/// Each slide is shown so long, in seconds.
pub const SLIDE: u32 = 6;
/// Different pictures of the presenter; then they begin anew.
const POSES: u32 = 45;
/// The screen: #00b140.
const GREEN: [f32; 3] = [0.0, 177.0, 64.0];

/// The files of one programme.
pub struct Scene {
    /// The presenter, Y4M at 30 pictures a second.
    pub presenter: PathBuf,
    /// The slides, Y4M with a picture every six seconds.
    pub slides: PathBuf,
    /// The same with the last one once more, for those who show a picture until the next one comes.
    pub closed: PathBuf,
    /// Speech-like sound, WAV.
    pub sound: PathBuf,
    /// Its length.
    pub seconds: u32,
}

impl Scene {
    /// Writes a programme into a folder.
    pub fn write(folder: &Path, name: &str, seconds: u32) -> Scene {
        let file = |what: &str| folder.join(format!("{name}-{what}"));
        let scene = Scene {
            presenter: file("presenter.y4m"),
            slides: file("slides.y4m"),
            closed: file("closed.y4m"),
            sound: file("sound.wav"),
            seconds,
        };
        let pool = Pool::new();
        let poses: Vec<VideoFrame> = (0..POSES.min(seconds * FPS)).map(|pose| presenter(&pool, pose)).collect();
        let frames = (0..seconds * FPS).map(|n| &poses[(n % POSES) as usize]);
        film(&scene.presenter, SMALL, (FPS, 1), frames);
        let slides: Vec<VideoFrame> = (0..seconds.div_ceil(SLIDE)).map(|number| slide(&pool, number)).collect();
        film(&scene.slides, FULL, (1, SLIDE), slides.iter());
        film(&scene.closed, FULL, (1, SLIDE), slides.iter().chain(slides.last()));
        sound(&scene.sound, seconds);
        scene
    }
}

/// Uncompressed: <https://wiki.multimedia.cx/index.php/YUV4MPEG2>.
fn film<'a>(path: &Path, size: Size, (pictures, seconds): (u32, u32), frames: impl Iterator<Item = &'a VideoFrame>) {
    let mut file = BufWriter::new(File::create(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())));
    let mut write = |bytes: &[u8]| file.write_all(bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    write(format!("YUV4MPEG2 W{} H{} F{pictures}:{seconds} Ip A1:1 C420mpeg2\n", size.width, size.height).as_bytes());
    for frame in frames {
        write(b"FRAME\n");
        write(frame.picture.bytes());
    }
}

fn picture(pool: &Pool, size: Size, mut color: impl FnMut(u32, u32) -> [f32; 3]) -> VideoFrame {
    let mut data = Vec::with_capacity(size.area() as usize * 4);
    for y in 0..size.height {
        for x in 0..size.width {
            data.extend(color(x, y).map(|level| level.clamp(0.0, 255.0) as u8));
            data.push(255);
        }
    }
    rgba_to_i420(&data, size, pool).expect("both sides are even")
}

/// The same noise for the same numbers, 0 to 7.
fn noise(x: u32, y: u32, seed: u32) -> f32 {
    let mut n = x.wrapping_mul(0x85eb_ca6b) ^ y.wrapping_mul(0xc2b2_ae35) ^ seed.wrapping_mul(0x9e37_79b9);
    n = (n ^ (n >> 15)).wrapping_mul(0x2c1b_3c6d);
    ((n ^ (n >> 13)) & 7) as f32
}

/// Head with hair, neck and shoulders, swaying, before an unevenly lit screen; a camera's noise makes every pixel change.
fn presenter(pool: &Pool, pose: u32) -> VideoFrame {
    let turn = pose as f32 * std::f32::consts::TAU / POSES as f32;
    let (sway, nod) = (turn.sin() * 14.0, (2.0 * turn).cos() * 5.0);
    picture(pool, SMALL, |x, y| {
        let (fx, fy) = (x as f32 - 480.0 - sway, y as f32 - nod);
        let strands = (fx * 0.9).sin() * 3.0 + (fx * 0.37 + 1.0).sin() * 4.0;
        let parts = [
            // Depth inside the part in pixels, and its colour.
            (285.0 - fx.hypot(fy - 590.0), [52.0, 66.0, 118.0]),
            (46.0 - fx.abs().max((fy - 300.0).abs() - 30.0), [196.0, 142.0, 114.0]),
            (118.0 + strands - (fx * 1.08).hypot(fy - 165.0), [58.0, 41.0, 32.0]),
            (92.0 - (fx * 1.12).hypot((fy - 190.0) * 0.86), [208.0, 154.0, 126.0]),
        ];
        let light = y as f32 * 0.02 + noise(x, y, pose) - 3.5;
        parts
            .iter()
            .fold(GREEN, |below, (depth, color)| {
                let cover = (depth / 2.0 + 0.5).clamp(0.0, 1.0);
                std::array::from_fn(|k| below[k] + cover * (color[k] - below[k]))
            })
            .map(|level| level + light)
    })
}

/// Slides of a minute as PNG: `slide-01.png` and so on, the last one twice, for those who show a picture until the next one comes. Beside
/// each what is said meanwhile, `slide-01.wav` and so on, a second shorter than it is shown, and all of the sound.
pub fn minute(folder: &Path) -> PathBuf {
    let slides = 60 / SLIDE;
    for number in 0..=slides {
        let mut color = page(number.min(slides - 1));
        let image = image::RgbImage::from_fn(FULL.width, FULL.height, |x, y| image::Rgb(color(x, y).map(|level| level as u8)));
        let path = folder.join(format!("slide-{:02}.png", number + 1));
        image.save(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    for number in 0..slides {
        sound(&folder.join(format!("slide-{:02}.wav", number + 1)), SLIDE - 1);
    }
    let whole = folder.join("sound.wav");
    sound(&whole, 60);
    whole
}

fn slide(pool: &Pool, number: u32) -> VideoFrame {
    picture(pool, FULL, page(number))
}

/// A bright page with a headline and lines of something like text.
fn page(number: u32) -> impl FnMut(u32, u32) -> [f32; 3] {
    let paper = [[246.0, 246.0, 242.0], [24.0, 32.0, 52.0], [228.0, 238.0, 250.0]][number as usize % 3];
    let ink = [[30.0, 34.0, 44.0], [236.0, 238.0, 244.0], [26.0, 60.0, 120.0]][number as usize % 3];
    move |x, y| {
        let (line, row) = (y / 60, y % 60);
        let letter = line > 2 && line < 15 && (14..44).contains(&row) && x > 120 && x < 1700 - noise(line, 0, number) as u32 * 60;
        let stroke = letter && noise(x / 6, y / 6 + line * 100, number) > 3.0 && x % 24 > 5;
        let headline = (60..110).contains(&y) && (120..900).contains(&x) && noise(x / 12, y / 12, number) > 2.0;
        if stroke || headline { ink } else { paper }
    }
}

/// Vowel-like tones that come and go as syllables do, 48 kHz.
fn sound(path: &Path, seconds: u32) {
    let form = hound::WavSpec { channels: 1, sample_rate: 48_000, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut file = hound::WavWriter::create(path, form).expect("a new file in our own folder");
    for n in 0..seconds * 48_000 {
        let t = n as f32 / 48_000.0;
        let syllable = (t * 4.0 * std::f32::consts::PI).sin().max(0.0);
        let tones = [130.0, 390.0, 780.0, 1_560.0].iter().enumerate();
        let value: f32 = tones.map(|(k, hertz)| (t * hertz * std::f32::consts::TAU).sin() / (k + 1) as f32).sum();
        file.write_sample((value * syllable * 6_000.0) as i16).expect("space for a sound");
    }
    file.finalize().expect("space for a sound");
}
