//! Against the formulas in double precision, pixel by pixel.

use super::*;
use crate::pixels::simd::tests::without_avx2;

/// A fixed sequence of bytes that looks random.
fn noise(count: usize, mut seed: u32) -> Vec<u8> {
    let mut next = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 24) as u8
    };
    (0..count).map(|_| next()).collect()
}

fn dot(weights: [f64; 3], colour: [f64; 3]) -> f64 {
    weights.iter().zip(colour).map(|(w, c)| w * c).sum()
}

/// Planes by the book: colour weighted by alpha, left-sited chroma, one rounding.
fn reference(data: &[u8], size: Size, alpha: Option<Alpha>) -> Vec<[f64; 4]> {
    let (width, height) = (size.width as usize, size.height as usize);
    let weighted = |x: usize, y: usize| {
        let p = &data[(y * width + x) * 4..][..4];
        let [r, g, b, a] = [p[0], p[1], p[2], p[3]].map(f64::from);
        match alpha {
            None => [r, g, b, 1.0],
            Some(Alpha::Straight) => [r * a, g * a, b * a, a],
            Some(Alpha::Premultiplied) => [r * 255.0, g * 255.0, b * 255.0, a],
        }
    };
    let mut out = vec![[0.0; 4]; width * height];
    for y in 0..height {
        for x in 0..width {
            let mut sum = [0.0; 4];
            let cell = x / 2 * 2;
            for row in [y / 2 * 2, y / 2 * 2 + 1] {
                for (column, weight) in [(cell.saturating_sub(1), 1.0), (cell, 2.0), (cell + 1, 1.0)] {
                    for (sum, part) in sum.iter_mut().zip(weighted(column, row)) {
                        *sum += weight * part;
                    }
                }
            }
            let straight = |[r, g, b, a]: [f64; 4]| if a == 0.0 { [0.0; 3] } else { [r / a, g / a, b / a] };
            let here = weighted(x, y);
            let cell = straight(sum);
            let luma = if here[3] == 0.0 { cell } else { straight(here) };
            out[y * width + x] = [
                (16.0 + dot(LUMA, luma)).clamp(16.0, 235.0),
                (128.0 + dot(U, cell)).clamp(16.0, 240.0),
                (128.0 + dot(V, cell)).clamp(16.0, 240.0),
                here[3],
            ];
        }
    }
    out
}

fn compare(frame: &VideoFrame, expected: &[[f64; 4]]) {
    let size = frame.size();
    for p in 0..frame.picture.layout().planes() {
        let plane = frame.picture.plane(p);
        let step = if p == 1 || p == 2 { 2 } else { 1 };
        for y in 0..size.height as usize / step {
            for x in 0..size.width as usize / step {
                let levels = &expected[y * step * size.width as usize + x * step];
                let exact = levels[p];
                let got = f64::from(plane.data[y * plane.stride + x]);
                assert!((got - exact).abs() <= 0.5 + 0.01, "plane {p} at {x},{y}: {got} for {exact}");
            }
        }
    }
}

/// Noise with patches of full and no alpha, and colour no brighter than alpha when premultiplied.
fn translucent(size: Size, premultiplied: bool) -> Vec<u8> {
    let mut data = noise(size.area() as usize * 4, 3);
    for (i, p) in data.as_chunks_mut::<4>().0.iter_mut().enumerate() {
        let (x, y) = (i % size.width as usize, i / size.width as usize);
        match (x / 7 + y / 5) % 4 {
            0 => p[3] = 0,
            1 => p[3] = 255,
            _ => {}
        }
        if premultiplied {
            for c in 0..3 {
                p[c] = (u16::from(p[c]) * u16::from(p[3]) / 255) as u8;
            }
        }
    }
    data
}

#[test]
fn opaque_pictures_are_rounded_to_nearest() {
    let pool = Pool::new();
    for (seed, size) in [(1, Size::new(2, 2)), (2, Size::new(34, 6)), (3, Size::new(150, 90))] {
        let data = noise(size.area() as usize * 4, seed);
        let frame = rgba_to_i420(&data, size, &pool).unwrap();
        compare(&frame, &reference(&data, size, None));
        let plain = without_avx2(|| rgba_to_i420(&data, size, &pool).unwrap());
        assert_eq!(plain.picture.bytes(), frame.picture.bytes());
    }
}

#[test]
fn greys_have_no_colour_and_the_range_is_limited() {
    let pool = Pool::new();
    for (level, luma) in [(0_u8, 16), (255, 235), (128, 126)] {
        let frame = rgba_to_i420(&[level; 8 * 4 * 4], Size::new(8, 4), &pool).unwrap();
        assert!(frame.picture.plane(0).data.iter().all(|&y| y == luma));
        assert!(frame.picture.plane(1).data.iter().chain(frame.picture.plane(2).data).all(|&c| c == 128));
    }
}

#[test]
fn transparent_pictures_are_weighted_by_alpha() {
    let pool = Pool::new();
    for alpha in [Alpha::Straight, Alpha::Premultiplied] {
        for size in [Size::new(2, 4), Size::new(98, 62)] {
            let data = translucent(size, alpha == Alpha::Premultiplied);
            let frame = rgba_to_a420(&data, size, alpha, &pool).unwrap();
            compare(&frame, &reference(&data, size, Some(alpha)));
            let plain = without_avx2(|| rgba_to_a420(&data, size, alpha, &pool).unwrap());
            assert_eq!(plain.picture.bytes(), frame.picture.bytes());
        }
    }
}

#[test]
fn a_changed_rectangle_gives_what_the_whole_picture_gives() {
    let (pool, size) = (Pool::new(), Size::new(64, 48));
    for alpha in [Alpha::Straight, Alpha::Premultiplied] {
        let before = translucent(size, alpha == Alpha::Premultiplied);
        let base = rgba_to_a420(&before, size, alpha, &pool).unwrap();
        for changed in [
            Rect { x: 11, y: 7, width: 9, height: 6 },
            Rect { x: 0, y: 0, width: 1, height: 1 },
            Rect { x: 50, y: 30, width: 40, height: 40 },
            Rect { x: -5, y: 40, width: 12, height: 3 },
        ] {
            let mut after = before.clone();
            let inside = changed.intersect(size.rect());
            for y in inside.y..inside.y + inside.height as i32 {
                for x in inside.x..inside.x + inside.width as i32 {
                    after[(y as usize * 64 + x as usize) * 4..][..4].copy_from_slice(&[90, 40, 20, 120]);
                }
            }
            let mut frame = pool.on(&base);
            let written = draw_rgba(&mut frame, Rgba::new(&after, size, alpha).unwrap(), changed).unwrap();
            assert!(written.width <= inside.width + 6 && written.height <= inside.height + 2);
            assert!(frame.freeze().picture.bytes() == rgba_to_a420(&after, size, alpha, &pool).unwrap().picture.bytes(), "{changed:?}");
        }
    }
    let mut frame = pool.on(&rgba_to_i420(&[0; 64 * 48 * 4], size, &pool).unwrap());
    assert_eq!(draw_rgba(&mut frame, Rgba::new(&[9; 64 * 48 * 4], size, Alpha::Straight).unwrap(), Rect::default()), Ok(Rect::default()));
}

#[test]
fn wrong_input_is_an_error() {
    let pool = Pool::new();
    assert_eq!(rgba_to_i420(&[0; 36], Size::new(3, 3), &pool).unwrap_err(), PixelError::OddSize { size: Size::new(3, 3) });
    assert_eq!(rgba_to_i420(&[0; 15], Size::new(2, 2), &pool).unwrap_err().to_string(), "an RGBA picture of 2x2 has 16 bytes, not 15");
    let data = [0; 16];
    let source = Rgba::new(&data, Size::new(2, 2), Alpha::Straight).unwrap();
    assert!(matches!(
        draw_rgba(&mut pool.blank(PixelFormat::A420, Size::new(4, 4)), source, Size::new(2, 2).rect()),
        Err(PixelError::SizeDiffers { .. })
    ));
}

#[test]
fn back_to_rgba_is_the_inverse() {
    let (pool, size) = (Pool::new(), Size::new(48, 32));
    // Smooth enough for half the chroma.
    let data: Vec<u8> =
        (0..size.area() as usize).flat_map(|i| [(i % 48 * 4) as u8 + 20, (i / 48 * 6) as u8 + 10, 200 - (i % 48) as u8, 255]).collect();
    let back = crate::pixels::frame_to_rgba(&rgba_to_i420(&data, size, &pool).unwrap());
    let inner = |i: usize| (2..46).contains(&(i / 4 % 48)) && (2..30).contains(&(i / 4 / 48));
    let worst = data.iter().zip(&back).enumerate().filter(|(i, _)| inner(*i)).map(|(_, (a, b))| a.abs_diff(*b)).max();
    assert!(worst <= Some(3), "{worst:?}");
    let alpha = rgba_to_a420(&data, size, Alpha::Straight, &pool).unwrap();
    assert_eq!(crate::pixels::frame_to_rgba(&alpha), back);
}
