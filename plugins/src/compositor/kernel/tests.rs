//! Against plain references in double precision, and against pictures whose true composite is known.

use super::*;
use crate::pixels::simd::tests::without_avx2;
use crate::pixels::{frame_to_rgba, rgba_to_i420};
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

/// A subject in front of green and its true composite: colour by position and by the colour of the light that the screen throws on it, and
/// coverage by position.
struct Scene {
    size: Size,
    colour: fn(f64, f64, [f64; 3]) -> [f64; 3],
    cover: fn(f64, f64) -> f64,
}

impl Scene {
    fn over(&self, light: [f64; 3], screen: impl Fn(f64, f64) -> [f64; 3]) -> Vec<u8> {
        let mut data = Vec::new();
        for y in 0..self.size.height {
            for x in 0..self.size.width {
                let (x, y) = (f64::from(x) + 0.5, f64::from(y) + 0.5);
                let (cover, colour, behind) = ((self.cover)(x, y), (self.colour)(x, y, light), screen(x, y));
                data.extend([0, 1, 2].map(|c| (colour[c] * cover + behind[c] * (1.0 - cover)).round() as u8));
                data.push(255);
            }
        }
        data
    }

    /// The keyed picture and the true one.
    fn key(
        &self,
        pool: &Pool,
        key: Key,
        light: [f64; 3],
        screen: impl Fn(f64, f64) -> [f64; 3],
        behind: [f64; 3],
    ) -> (VideoFrame, VideoFrame) {
        let make = |data: Vec<u8>| rgba_to_i420(&data, self.size, pool).unwrap();
        let filmed = make(self.over(light, screen));
        let plain = behind.map(|c| c as u8);
        let empty = make((0..self.size.area()).flat_map(|_| [plain[0], plain[1], plain[2], 255]).collect());
        let (frame, _) = Keyer::new(key).over(&empty, &filmed, Point::default(), |rect| pool.around(&empty, rect));
        (frame.freeze(), make(self.over(light, |_, _| behind)))
    }
}

/// A head with hairs one to two pixels wide around it.
const HAIR: Scene = Scene {
    size: Size::new(192, 128),
    colour: |x, y, _| if (x - 96.0).hypot(y - 64.0) < 32.0 { [205.0, 150.0, 120.0] } else { [60.0, 40.0, 30.0] },
    cover: |x, y| {
        let (radius, angle) = ((x - 96.0).hypot(y - 64.0), (y - 64.0).atan2(x - 96.0));
        let hair = (angle * 40.0).sin() * radius / 40.0;
        let strand = if radius < 58.0 { (hair * 1.3 + 0.5 - (radius - 36.0) / 40.0).clamp(0.0, 1.0) } else { 0.0 };
        (36.5 - radius).clamp(0.0, 1.0).max(strand)
    },
};
/// An arm smeared over 24 pixels.
const BLUR: Scene = Scene {
    size: Size::new(192, 64),
    colour: |_, _, _| [190.0, 140.0, 110.0],
    cover: |x, _| ((96.0 - (x - 96.0).abs() - 30.0) / 24.0).clamp(0.0, 1.0),
};
/// Solid bands of every colour that people wear, with a sharp edge.
const CLOTHES: Scene = Scene {
    size: Size::new(192, 128),
    colour: |_, y, _| match y as usize / 16 {
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

/// A head before a wall of green light: it shines on skin and on grey cloth near the edge.
const SPILL: Scene = Scene {
    size: Size::new(192, 128),
    colour: |x, y, light| {
        let depth = 52.0 - (x - 96.0).hypot(y - 64.0);
        let shine = (1.0 - depth / 14.0).clamp(0.0, 1.0) * 0.25;
        let own = if y < 64.0 { [205.0, 150.0, 120.0] } else { [150.0, 150.0, 155.0] };
        [0, 1, 2].map(|c| own[c] + shine * (light[c] - own[c]))
    },
    cover: |x, y| (52.5 - (x - 96.0).hypot(y - 64.0)).clamp(0.0, 1.0),
};

/// Dark hair around a bright face: two colours that meet near the screen.
const FACE: Scene = Scene {
    size: Size::new(192, 128),
    colour: |x, y, _| if (x - 96.0).hypot(y - 64.0) < 34.0 { [208.0, 154.0, 126.0] } else { [58.0, 41.0, 32.0] },
    cover: |x, y| (58.5 - (x - 96.0).hypot(y - 64.0)).clamp(0.0, 1.0),
};

/// What is seen of a result beside the truth.
struct Seen {
    /// Mean difference of luma.
    mean: f64,
    /// How far pixels are greener than red and blue, and the truth is not: the largest, and the part of all pixels above 4.
    rim: f64,
    rim_part: f64,
}

fn look(result: &VideoFrame, truth: &VideoFrame) -> Seen {
    let (ours, theirs) = (frame_to_rgba(result), frame_to_rgba(truth));
    let green = |pixel: &[u8]| (f64::from(pixel[1]) - f64::from(pixel[0].max(pixel[2]))).max(0.0);
    let excess: Vec<f64> = ours.chunks(4).zip(theirs.chunks(4)).map(|(ours, theirs)| green(ours) - green(theirs)).collect();
    let (width, height) = (result.size().width as usize, result.size().height as usize);
    let differences = (0..width * height).map(|i| (at(result, 0, i % width, i / width) - at(truth, 0, i % width, i / width)).abs());
    let count = excess.len() as f64;
    Seen {
        mean: differences.sum::<f64>() / count,
        rim: excess.iter().fold(0.0, |most: f64, &excess| most.max(excess)),
        rim_part: excess.iter().filter(|&&excess| excess > 4.0).count() as f64 / count,
    }
}

#[test]
fn hair_motion_blur_spill_and_clothes_keep_no_green_rim() {
    let pool = Pool::new();
    let screens = [GREEN, [0.0, 177.0, 64.0]];
    let keys = [Key::default(), Key { color: [129, 96, 55], similarity: 0.066, smoothness: 0.044, spill: 1.0 }];
    for (screen, key) in screens.into_iter().zip(keys) {
        // Mean luma difference, the largest excess of green and the part of pixels that have it: what was measured and a little more.
        // Bands of seven saturated colours have no one colour near, so their hard edges keep a sample of green.
        for (name, scene, light, [mean, rim, part]) in [
            ("hair", &HAIR, screen, [6.0, 3.0, 0.0]),
            ("blur", &BLUR, screen, [1.5, 2.0, 0.0]),
            ("spill", &SPILL, screen, [3.0, 2.0, 0.0]),
            // Light of another green than the screen's is none of it, and stays.
            ("other light", &SPILL, GREEN, [3.0, 28.0, 0.003]),
            ("clothes", &CLOTHES, screen, [1.0, 56.0, 0.0055]),
        ] {
            for behind in [[240.0, 240.0, 240.0], [20.0, 24.0, 40.0], [150.0, 110.0, 160.0]] {
                let (result, truth) = scene.key(&pool, key, light, |_, _| screen, behind);
                let seen = look(&result, &truth);
                assert!(
                    seen.mean <= mean && seen.rim <= rim && seen.rim_part <= part,
                    "{name} before {screen:?} over {behind:?}: {} {} {}",
                    seen.mean,
                    seen.rim,
                    seen.rim_part
                );
                // The test can fail: without taking the screen's light out there is a rim.
                let plain = look(&scene.key(&pool, Key { spill: 0.0, ..key }, light, |_, _| screen, behind).0, &truth);
                let (rim, part) = (plain.rim, plain.rim_part);
                assert!(rim > 8.0 && part > 0.006 && part > 2.0 * seen.rim_part, "{name}: {rim}, {part} without taking light out");
            }
        }
    }
}

#[test]
fn hair_by_a_face_is_neither_seen_through_nor_coloured() {
    let pool = Pool::new();
    let key = Key { color: [129, 96, 55], similarity: 0.066, smoothness: 0.044, spill: 1.0 };
    let screen = [0.0, 177.0, 64.0];
    for behind in [[240.0, 240.0, 240.0], [20.0, 24.0, 40.0]] {
        let (result, truth) = FACE.key(&pool, key, screen, |_, _| screen, behind);
        let (ours, theirs) = (frame_to_rgba(&result), frame_to_rgba(&truth));
        for (i, (ours, theirs)) in ours.chunks(4).zip(theirs.chunks(4)).enumerate() {
            let radius = ((i % 192) as f64 - 95.5).hypot((i / 192) as f64 - 63.5);
            if radius < 54.0 {
                let most = ours.iter().zip(theirs).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
                assert!(most <= 3, "{most} at {},{} over {behind:?}", i % 192, i / 192);
            }
        }
    }
}

#[test]
fn an_uneven_noisy_screen_vanishes_and_the_inside_is_copied() {
    let pool = Pool::new();
    let screen = |x: f64, y: f64| {
        let noise = f64::from(noise(0, x as usize, y as usize)) / 16.0;
        [10.0 + noise, 200.0 + 40.0 * (x / 192.0) + noise, 10.0 + noise]
    };
    let key = Key { color: [160, 50, 35], similarity: 0.1, smoothness: 0.1, spill: 1.0 };
    let (result, truth) = CLOTHES.key(&pool, key, GREEN, screen, [30.0, 30.0, 60.0]);
    for y in 0..128 {
        for x in (0..44).chain(150..192) {
            assert_eq!(at(&result, 0, x, y), at(&truth, 0, x, y), "screen at {x},{y}");
        }
        for x in 80..112 {
            assert_eq!(at(&result, 0, x, y), at(&truth, 0, x, y), "subject at {x},{y}");
        }
    }
}

/// The module's description in double precision and without rounding in between, for rows of whole runs.
fn keyed_by_the_book(layer: &VideoFrame, below: &VideoFrame, key: Key) -> Vec<Vec<f64>> {
    let (cells, rows) = (layer.size().width as usize / 2, layer.size().height as usize / 2);
    let [ky, ku, kv] = [f64::from(key.color[0]) - 16.0, f64::from(key.color[1]) - 128.0, f64::from(key.color[2]) - 128.0];
    let [similarity, smoothness, spill] = [key.similarity, key.smoothness, key.spill].map(f64::from);
    let length = ku.hypot(kv);
    let uv = |x: usize, y: usize| (at(layer, 1, x, y) - 128.0, at(layer, 2, x, y) - 128.0);
    let distance = |x: usize, y: usize| (uv(x, y).0 - ku).hypot(uv(x, y).1 - kv) / (255.0 * 2.0_f64.sqrt());
    let ramp = |x: usize, y: usize| ((distance(x, y) - similarity) / smoothness).clamp(0.0, 1.0);

    // Blocks of 8 by 8: is there screen, and the colours of runs without any.
    let (columns, lines) = (cells / 8, rows / 8);
    let is_subject = |r: usize, y: usize| (r * 8..r * 8 + 8).all(|x| ramp(x, y) == 1.0);
    let screen = |bx: i32, by: i32, reach: i32| {
        (by - reach..=by + reach).any(|by| {
            let inside = |bx: &i32| (0..columns as i32).contains(bx) && (0..lines as i32).contains(&by);
            (bx - reach..=bx + reach).filter(inside).any(|bx| (0..8).any(|y| !is_subject(bx as usize, by as usize * 8 + y)))
        })
    };
    let block = |bx: usize, by: usize| {
        let (mut count, mut sum, mut squares) = (4.0, (0.0, 0.0), 0.0);
        for y in (by as i32 - 2).max(0)..(by as i32 + 3).min(lines as i32) {
            for x in (bx as i32 - 2).max(0)..(bx as i32 + 3).min(columns as i32) {
                let weight = if screen(x, y, 0) {
                    0.0
                } else if screen(x, y, 1) {
                    1.0 / 16.0
                } else {
                    1.0
                };
                for y in (y as usize * 8..y as usize * 8 + 8).step_by(2) {
                    let run =
                        (x as usize * 8..x as usize * 8 + 8).map(|x| uv(x, y)).fold((0.0, 0.0), |a, b| (a.0 + b.0 / 8.0, a.1 + b.1 / 8.0));
                    count += 8.0 * weight;
                    sum = (sum.0 + 8.0 * weight * run.0, sum.1 + 8.0 * weight * run.1);
                    squares += 8.0 * weight * (run.0 * run.0 + run.1 * run.1);
                }
            }
        }
        let (u, v) = (sum.0 / count, sum.1 / count);
        let deviation = (squares / count - u * u - v * v).max(0.0).sqrt();
        let excess = ((u * ku + v * kv) / (length * length) - 0.4).max(0.0);
        let trust = if screen(bx as i32, by as i32, 1) { 1.0 } else { 0.0 };
        [trust, u - excess * ku, v - excess * kv, (2.0 - deviation / 20.0).clamp(0.0, 1.0)]
    };
    let blocks: Vec<[f64; 4]> = (0..lines * columns).map(|i| block(i % columns, i / columns)).collect();
    // Blocks' values hold for their middles, with straight lines between.
    let around = |x: usize, y: usize| {
        let place = |at: usize, count: usize| {
            let at = ((at as f64 + 0.5) / 8.0 - 0.5).clamp(0.0, count as f64 - 1.0);
            (at as usize, (at as usize + 1).min(count - 1), at.fract())
        };
        let ((x0, x1, fx), (y0, y1, fy)) = (place(x, columns), place(y, lines));
        let value = |x: usize, y: usize, k: usize| blocks[y * columns + x][k];
        [0, 1, 2, 3].map(|k| {
            let row = |y: usize| value(x0, y, k) * (1.0 - fx) + value(x1, y, k) * fx;
            row(y0) * (1.0 - fy) + row(y1) * fy
        })
    };
    // Alpha, gain, remove.
    let decide = |x: usize, y: usize| {
        let ((u, v), [trust, su, sv, one]) = (uv(x, y), around(x, y));
        let (along, across) = ((u * ku + v * kv) / (length * length), (u * kv - v * ku).abs() / (length * length));
        let cautious = along.min(2.0 * (along - across)).clamp(0.0, 1.0);
        let (lu, lv) = (ku - su, kv - sv);
        let on_line = ((u - su) * lu + (v - sv) * lv) / (lu * lu + lv * lv);
        let on_line = on_line.min(2.0 * (on_line - 0.08)).clamp(0.0, 1.0);
        let beside = ((u - su) * lv - (v - sv) * lu).abs() / lu.hypot(lv);
        let light = cautious + one * (2.0 - beside / 8.0).clamp(0.0, 1.0) * (on_line - cautious);
        let light = ((light - 0.03) / 0.97).clamp(0.0, 1.0);
        let (ramp, trust) = (ramp(x, y), trust * spill);
        let mixed = ramp.min(1.0 - light);
        let shown = if light < 0.996 { mixed / (1.0 - light) } else { 0.0 };
        let alpha = ramp + trust * (mixed - ramp);
        [alpha, alpha + trust * (shown - alpha), trust * light * shown]
    };
    let maps: Vec<[f64; 3]> = (0..rows * cells).map(|i| decide(i % cells, i / cells)).collect();
    let on_luma = |x: usize, y: usize| {
        let (near, next) = (y / 2, (x / 2 + x % 2).min(cells - 1));
        let far = if y.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(rows - 1) };
        [0, 1, 2].map(|m| {
            [(near, 0.75), (far, 0.25)]
                .map(|(row, w)| w * (maps[row * cells + x / 2][m] + maps[row * cells + next][m]) / 2.0)
                .iter()
                .sum::<f64>()
        })
    };
    let compose = |p: usize, x: usize, y: usize| {
        let (zero, key, [alpha, gain, remove]) = match p {
            0 => (16.0, ky, on_luma(x, y)),
            1 => (128.0, ku, maps[y * cells + x]),
            _ => (128.0, kv, maps[y * cells + x]),
        };
        let subject = (at(layer, p, x, y) - zero) * gain - key * remove;
        let subject = if p == 0 { subject.max(-16.0 * alpha) } else { subject };
        (zero + subject + (1.0 - alpha) * (at(below, p, x, y) - zero)).clamp(0.0, 255.0)
    };
    (0..3)
        .map(|p| {
            let size = layer.picture.plane(p).size;
            (0..size.height as usize).flat_map(|y| (0..size.width as usize).map(move |x| (x, y))).map(|(x, y)| compose(p, x, y)).collect()
        })
        .collect()
}

#[test]
fn keying_follows_its_description_within_rounding() {
    let pool = Pool::new();
    let scenes = [&HAIR, &BLUR, &CLOTHES].map(|scene| rgba_to_i420(&scene.over(GREEN, |_, _| GREEN), scene.size, &pool).unwrap());
    for layer in scenes {
        let size = layer.size();
        let below = background(&pool, size);
        for key in [Key::default(), Key { similarity: 0.2, smoothness: 0.3, spill: 0.5, ..Key::default() }] {
            let run = || Keyer::new(key).over(&below, &layer, Point::default(), |rect| pool.around(&below, rect)).0.freeze();
            let result = run();
            assert!(without_avx2(run).picture.bytes() == result.picture.bytes());
            for (p, expected) in keyed_by_the_book(&layer, &below, key).iter().enumerate() {
                let width = result.picture.plane(p).size.width as usize;
                let differences: Vec<f64> =
                    expected.iter().enumerate().map(|(i, e)| (at(&result, p, i % width, i / width) - e).abs()).collect();
                let (mean, most) =
                    (differences.iter().sum::<f64>() / differences.len() as f64, differences.iter().fold(0.0, |a: f64, &b| a.max(b)));
                assert!(mean <= 1.0 && most <= 6.0, "{key:?} plane {p}: {mean} on average, {most} at most");
            }
        }
    }
}

#[test]
fn a_keyed_layer_is_cut_at_the_edges_and_works_at_any_size() {
    let pool = Pool::new();
    let below = background(&pool, Size::new(96, 64));
    let mut keyer = Keyer::new(Key::default());
    let screen_color = Key::default().color;
    for (size, point) in [
        (Size::new(2, 2), Point { x: 94, y: 62 }),
        (Size::new(130, 90), Point { x: -20, y: -12 }),
        (Size::new(38, 22), Point { x: 70, y: 50 }),
        (Size::new(20, 20), Point { x: 500, y: 0 }),
    ] {
        let screen = filled(&pool, PixelFormat::I420, size, |p, _, _| screen_color[p]);
        let subject = filled(&pool, PixelFormat::I420, size, |p, x, y| if p == 0 { noise(p, x, y) } else { 128 });
        let covered = Rect::new(point, size).intersect(below.size().rect());
        let (frame, drawn) = keyer.over(&below, &screen, point, |rect| pool.around(&below, rect));
        assert_eq!(drawn, Rect::default());
        assert!(frame.freeze().picture.bytes() == below.picture.bytes(), "nothing but screen: nothing drawn");
        let (frame, drawn) = keyer.over(&below, &subject, point, |rect| pool.around(&below, rect));
        assert_eq!(drawn, covered);
        let shown = frame.freeze();
        for y in 0..64 {
            for x in 0..96 {
                let (lx, ly) = (x - point.x, y - point.y);
                let inside = lx >= 0 && ly >= 0 && lx < size.width as i32 && ly < size.height as i32;
                let expected = if inside { at(&subject, 0, lx as usize, ly as usize) } else { at(&below, 0, x as usize, y as usize) };
                assert_eq!(at(&shown, 0, x as usize, y as usize), expected);
            }
        }
    }
}
