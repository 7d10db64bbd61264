//! Against plain references in double precision, and against pictures whose true composite is known.

use super::*;
use crate::pixels::simd::tests::without_avx2;
use crate::pixels::rgba_to_i420;
use engine::frame::{PixelFormat, VideoFrame};
use engine::pool::Pool;

const GREEN: [f64; 3] = [0.0, 255.0, 0.0];

fn filled(pool: &Pool, format: PixelFormat, size: Size, mut sample: impl FnMut(usize, usize, usize) -> u8) -> VideoFrame {
    let mut frame = pool.blank(format, size);
    let layout = frame.layout();
    for p in 0..layout.planes() {
        let (stride, start, area) = (layout.stride(p), layout.offset(p), layout.plane_size(p));
        for y in 0..area.height as usize {
            for x in 0..area.width as usize {
                frame.bytes_mut()[start + y * stride + x] = sample(p, x, y);
            }
        }
    }
    frame.freeze()
}

/// The same noise for the same numbers.
fn noise(p: usize, x: usize, y: usize) -> u8 {
    let mut n = (p as u32).wrapping_mul(0x9e37_79b9) ^ (x as u32).wrapping_mul(0x85eb_ca6b) ^ (y as u32).wrapping_mul(0xc2b2_ae35);
    n = (n ^ (n >> 15)).wrapping_mul(0x2c1b_3c6d);
    (n ^ (n >> 13)) as u8
}

fn background(pool: &Pool, size: Size) -> VideoFrame {
    filled(pool, PixelFormat::I420, size, |p, x, y| 40 + noise(p, x / 9, y / 7) / 2)
}

/// Noise with regions of no and of full alpha.
fn layer(pool: &Pool, size: Size) -> VideoFrame {
    filled(pool, PixelFormat::A420, size, |p, x, y| match (p, (x / 40 + y / 16) % 3) {
        (3, 0) => 0,
        (3, 1) => 255,
        _ => noise(p + 4, x, y),
    })
}

fn at(frame: &VideoFrame, p: usize, x: usize, y: usize) -> f64 {
    let plane = frame.picture.plane(p);
    f64::from(plane.data[y * plane.stride + x])
}

#[test]
fn alpha_is_exact_wherever_the_layer_lies() {
    let pool = Pool::new();
    let (below, above) = (background(&pool, Size::new(160, 90)), layer(&pool, Size::new(122, 70)));
    for point in [Point { x: 20, y: 8 }, Point { x: -30, y: -12 }, Point { x: 90, y: 60 }, Point { x: 400, y: 0 }] {
        let run = || {
            let mut frame = pool.on(&below);
            let rect = blend_alpha(&mut frame, &above, point);
            (rect, frame.freeze())
        };
        let (rect, result) = run();
        assert_eq!(rect, Rect::new(point, above.size()).intersect(below.size().rect()));
        assert!(without_avx2(run).1.picture.bytes() == result.picture.bytes());
        for p in 0..3 {
            let (half, size) = if p == 0 { (1, below.size()) } else { (2, Size::new(80, 45)) };
            for y in 0..size.height as usize {
                for x in 0..size.width as usize {
                    let old = at(&below, p, x, y);
                    let (lx, ly) = (x as i32 - point.x / half, y as i32 - point.y / half);
                    let inside = lx >= 0 && ly >= 0 && lx < above.size().width as i32 / half && ly < above.size().height as i32 / half;
                    let expected = if inside {
                        let (lx, ly) = (lx as usize, ly as usize);
                        let alpha = if p == 0 {
                            at(&above, 3, lx, ly)
                        } else {
                            let column = |x: usize| at(&above, 3, x, 2 * ly) + at(&above, 3, x, 2 * ly + 1);
                            ((column((2 * lx).saturating_sub(1)) + 2.0 * column(2 * lx) + column(2 * lx + 1)) / 8.0 + 1e-9).round()
                        };
                        ((at(&above, p, lx, ly) * alpha + old * (255.0 - alpha)) / 255.0).round()
                    } else {
                        old
                    };
                    assert_eq!(at(&result, p, x, y), expected, "plane {p} at {x},{y}, layer at {point:?}");
                }
            }
        }
    }
}

#[test]
fn an_opaque_layer_replaces_and_a_clear_one_changes_nothing() {
    let pool = Pool::new();
    let size = Size::new(64, 32);
    let below = background(&pool, size);
    let mut frame = pool.on(&below);
    blend_alpha(&mut frame, &filled(&pool, PixelFormat::A420, size, |p, _, _| if p == 3 { 0 } else { 77 }), Point::default());
    assert!(frame.freeze().picture.bytes() == below.picture.bytes());
    let opaque = filled(&pool, PixelFormat::I420, size, noise);
    let mut frame = pool.on(&below);
    blend_alpha(&mut frame, &opaque, Point::default());
    assert!(frame.freeze().picture.bytes() == opaque.picture.bytes());
}

/// A subject in front of green and its true composite: colour and coverage by position.
struct Scene {
    size: Size,
    colour: fn(f64, f64) -> [f64; 3],
    cover: fn(f64, f64) -> f64,
}

impl Scene {
    fn over(&self, screen: impl Fn(f64, f64) -> [f64; 3]) -> Vec<u8> {
        let mut data = Vec::new();
        for y in 0..self.size.height {
            for x in 0..self.size.width {
                let (x, y) = (f64::from(x) + 0.5, f64::from(y) + 0.5);
                let (cover, colour, behind) = ((self.cover)(x, y), (self.colour)(x, y), screen(x, y));
                data.extend([0, 1, 2].map(|c| (colour[c] * cover + behind[c] * (1.0 - cover)).round() as u8));
                data.push(255);
            }
        }
        data
    }

    /// The keyed picture and the true one.
    fn key(&self, pool: &Pool, key: Key, screen: impl Fn(f64, f64) -> [f64; 3], behind: [f64; 3]) -> (VideoFrame, VideoFrame) {
        let make = |data: Vec<u8>| rgba_to_i420(&data, self.size, pool).unwrap();
        let filmed = make(self.over(screen));
        let plain = behind.map(|c| c as u8);
        let empty = make((0..self.size.area()).flat_map(|_| [plain[0], plain[1], plain[2], 255]).collect());
        let mut frame = pool.on(&empty);
        Keyer::new(key).blend(&mut frame, &filmed, Point::default());
        (frame.freeze(), make(self.over(|_, _| behind)))
    }
}

/// A head with hairs one to two pixels wide around it.
const HAIR: Scene = Scene {
    size: Size::new(192, 128),
    colour: |x, y| if (x - 96.0).hypot(y - 64.0) < 32.0 { [205.0, 150.0, 120.0] } else { [60.0, 40.0, 30.0] },
    cover: |x, y| {
        let (radius, angle) = ((x - 96.0).hypot(y - 64.0), (y - 64.0).atan2(x - 96.0));
        let hair = (angle * 40.0).sin() * radius / 40.0;
        let strand = if radius < 58.0 { (hair * 1.3 + 0.5 - (radius - 36.0) / 40.0).clamp(0.0, 1.0) } else { 0.0 };
        (36.5 - radius).clamp(0.0, 1.0).max(strand)
    },
};
/// An arm smeared over 24 pixels.
const BLUR: Scene = Scene { size: Size::new(192, 64), colour: |_, _| [190.0, 140.0, 110.0], cover: |x, _| ((96.0 - (x - 96.0).abs() - 30.0) / 24.0).clamp(0.0, 1.0) };
/// Solid bands of every colour that people wear, with a sharp edge.
const CLOTHES: Scene = Scene {
    size: Size::new(192, 128),
    colour: |_, y| match y as usize / 16 {
        0 => [250.0, 220.0, 20.0],
        1 => [20.0, 60.0, 160.0],
        2 => [240.0, 240.0, 240.0],
        3 => [15.0, 15.0, 15.0],
        4 => [200.0, 30.0, 40.0],
        5 => [40.0, 190.0, 220.0],
        6 => [128.0, 128.0, 128.0],
        _ => [215.0, 165.0, 140.0],
    },
    cover: |x, _| if (50.0..142.0).contains(&x) { 1.0 } else { 0.0 },
};

/// Mean and largest luma difference, and by how much the result is more like the key's colour than the truth: mean, largest.
fn judge(result: &VideoFrame, truth: &VideoFrame) -> [f64; 4] {
    let (mut mean, mut worst, mut green, mut most) = (0.0, 0.0_f64, 0.0, 0.0_f64);
    let (width, height) = (result.size().width as usize, result.size().height as usize);
    for y in 0..height {
        for x in 0..width {
            let difference = (at(result, 0, x, y) - at(truth, 0, x, y)).abs();
            mean += difference / (width * height) as f64;
            worst = worst.max(difference);
        }
    }
    let [_, ku, kv] = Key::default().color.map(|c| f64::from(c) - 128.0);
    for y in 0..height / 2 {
        for x in 0..width / 2 {
            let along = ((at(result, 1, x, y) - at(truth, 1, x, y)) * ku + (at(result, 2, x, y) - at(truth, 2, x, y)) * kv) / ku.hypot(kv);
            green += along.max(0.0) / (width * height / 4) as f64;
            most = most.max(along);
        }
    }
    [mean, worst, green, most]
}

#[test]
fn hair_motion_blur_and_clothes_come_without_a_green_rim() {
    let pool = Pool::new();
    for (name, scene) in [("hair", &HAIR), ("blur", &BLUR), ("clothes", &CLOTHES)] {
        for behind in [[240.0, 240.0, 240.0], [20.0, 24.0, 40.0], [150.0, 110.0, 160.0]] {
            let (result, truth) = scene.key(&pool, Key::default(), |_, _| GREEN, behind);
            if let Some(folder) = std::env::var_os("LECTERN_TEST_PICTURES") {
                for (kind, frame) in [("keyed", &result), ("true", &truth)] {
                    let path = std::path::Path::new(&folder).join(format!("{name}-{}-{kind}.png", behind[0]));
                    let rgba = crate::pixels::frame_to_rgba(frame);
                    image::save_buffer(path, &rgba, frame.size().width, frame.size().height, image::ColorType::Rgba8).unwrap();
                }
            }
            let judged = judge(&result, &truth);
            println!("{name} over {behind:?}: {judged:.2?}");
        }
    }
}

#[test]
fn speed() {
    let pool = Pool::new();
    let below = background(&pool, Size::new(1920, 1080));
    let size = Size::new(960, 540);
    let scene = Scene { size, colour: |x, y| if (x - 480.0).hypot(y - 270.0) < 150.0 { [205.0, 150.0, 120.0] } else { [60.0, 40.0, 30.0] }, cover: |x, y| ((((x - 480.0) / 250.0).hypot((y - 330.0) / 330.0) - 1.0) * -80.0).clamp(0.0, 1.0) };
    let layer = rgba_to_i420(&scene.over(|_, _| GREEN), size, &pool).unwrap();
    let mut alpha = pool.blank(PixelFormat::A420, size);
    let clear: Vec<u8> = { let mut d = scene.over(|_, _| GREEN); for y in 0..540 { for x in 0..960 { d[(y*960+x)*4+3] = ((scene.cover)(x as f64 + 0.5, y as f64 + 0.5) * 255.0) as u8; } } d };
    let image = crate::pixels::Rgba::new(&clear, size, crate::pixels::Alpha::Straight).unwrap();
    crate::pixels::draw_rgba(&mut alpha, image, size.rect()).unwrap();
    let alpha = alpha.freeze();
    let mut keyer = Keyer::new(Key::default());
    let n = 300;
    let time = |name: &str, work: &mut dyn FnMut()| { let cpu = || std::fs::read_to_string("/proc/thread-self/schedstat").unwrap().split(' ').next().unwrap().parse::<f64>().unwrap(); for _ in 0..20 { work(); } let start = cpu(); for _ in 0..n { work(); } println!("{name}: {:.3} ms", (cpu() - start) / 1e6 / n as f64); };
    let p = Point { x: 900, y: 500 };
    time("restore only", &mut || { let mut f = pool.on(&below); let _ = f.draw(Rect::new(p, size)); drop(f.freeze()); });
    time("alpha", &mut || { let mut f = pool.on(&below); blend_alpha(&mut f, &alpha, p); drop(f.freeze()); });
    time("keyed", &mut || { let mut f = pool.on(&below); keyer.blend(&mut f, &layer, p); drop(f.freeze()); });
    let spare = keyer;
    let mut keyer = spare;
    without_avx2(|| time("keyed portable", &mut || { let mut f = pool.on(&below); keyer.blend(&mut f, &layer, p); drop(f.freeze()); }));
    without_avx2(|| time("alpha portable", &mut || { let mut f = pool.on(&below); blend_alpha(&mut f, &alpha, p); drop(f.freeze()); }));
    time("rgba->a420 960x540", &mut || { let mut f = pool.blank(PixelFormat::A420, size); crate::pixels::draw_rgba(&mut f, image, size.rect()).unwrap(); drop(f.freeze()); });
    let hd = vec![77; 1920*1080*4];
    time("rgba->i420 1080p", &mut || { drop(rgba_to_i420(&hd, Size::new(1920,1080), &pool)); });
    time("scale 1080p->720p", &mut || { drop(crate::pixels::scale_frame(&below, Size::new(1280,720), &pool)); });
}
