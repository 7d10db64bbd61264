//! Pixel arithmetic of the plates: integers only, so that all machines give the same bytes.
//!
//! Written in plain loops over small arrays, compiled twice: once for every machine, once for those with AVX2, where the loops become
//! vector instructions. Two channels share a 32-bit word: products of 8-bit values and weights up to 256 fit in 16 bits each.

use vello_cpu::color::PremulRgba8;

use crate::pixels::premultiplied::{HALF, PAIR, over};

/// Fraction bits of sample coordinates.
pub(super) const FRACTION: u32 = 16;
/// Pixels handled at a time.
const BLOCK: usize = 16;

/// Where a row of pixels lies in the samples, in units of 1/65536 sample; a plate has fewer than 32768 of them in each direction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub x: i32,
    pub y: i32,
    pub step_x: i32,
    pub step_y: i32,
}

impl Line {
    /// The same line `pixels` further on.
    #[inline(always)]
    pub fn after(self, pixels: usize) -> Line {
        let pixels = pixels as i32;
        let x = self.x.wrapping_add(self.step_x.wrapping_mul(pixels));
        Line { x, y: self.y.wrapping_add(self.step_y.wrapping_mul(pixels)), ..self }
    }
}

/// Weight (0..=255 of 256) of the later of two samples at `position`.
pub(super) fn weight(position: i32) -> u32 {
    (position >> (FRACTION - 8)) as u32 & 0xff
}

/// Defines a safe function whose body is compiled for any machine and for AVX2, and picks at run time. `$fetch` in the body is the
/// function that collects samples, where there are two.
macro_rules! compiled_twice {
    ($(#[$doc:meta])* $name:ident => $body:ident($($arg:ident: $type:ty),*) $(, $plain:ident or $wide:ident)?) => {
        $(#[$doc])*
        pub(super) fn $name($($arg: $type),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2")]
                fn with_avx2($($arg: $type),*) {
                    $body($($arg),* $(, |samples, width, at, taps| $wide(samples, width, at, taps))?);
                }
                if is_x86_feature_detected!("avx2") {
                    // SAFETY: the machine has AVX2, asked in the line above; the function needs nothing else.
                    return unsafe { with_avx2($($arg),*) };
                }
            }
            $body($($arg),* $(, $plain)?);
        }
    };
}

compiled_twice! {
    /// Lays over `pixels` the mix of two rows of samples, `lower` / 256 of it from `below`. All of one length.
    stacked_rows => stacked_rows_body(pixels: &mut [PremulRgba8], above: &[u32], below: &[u32], lower: u32)
}

#[inline(always)]
fn stacked_rows_body(pixels: &mut [PremulRgba8], above: &[u32], below: &[u32], lower: u32) {
    let weights = [256u32.wrapping_sub(lower), lower, 0, 0];
    for ((pixel, above), below) in pixels.iter_mut().zip(above).zip(below) {
        let (red_blue, green_alpha) = (mix([*above, *below, 0, 0], weights), mix([*above >> 8, *below >> 8, 0, 0], weights));
        *pixel = PremulRgba8::from_u32(over(pixel.to_u32(), red_blue, green_alpha));
    }
}

compiled_twice! {
    /// Lays over `pixels` the samples along `line`, each mixed of the four around it. All must be in `samples`, which has rows of
    /// `width`.
    slanted => slanted_body(pixels: &mut [PremulRgba8], samples: &[u32], width: usize, line: Line), fetch or fetch_avx2
}

#[inline(always)]
fn slanted_body(
    pixels: &mut [PremulRgba8],
    samples: &[u32],
    width: usize,
    mut line: Line,
    fetch: impl Fn(&[u32], i32, &[i32; BLOCK], &mut [[u32; BLOCK]; 4]) + Copy,
) {
    let (blocks, rest) = pixels.as_chunks_mut::<BLOCK>();
    for block in blocks {
        slanted_block(block, BLOCK, samples, width as i32, line, fetch);
        line = line.after(BLOCK);
    }
    if !rest.is_empty() {
        let mut block = [PremulRgba8::from_u32(0); BLOCK];
        block[..rest.len()].copy_from_slice(rest);
        slanted_block(&mut block, rest.len(), samples, width as i32, line, fetch);
        rest.copy_from_slice(&block[..rest.len()]);
    }
}

/// For each index in `at`, the sample there and those right of it, below it and diagonally below it.
#[inline(always)]
fn fetch(samples: &[u32], width: i32, at: &[i32; BLOCK], taps: &mut [[u32; BLOCK]; 4]) {
    for (k, index) in at.iter().enumerate() {
        let index = *index as usize;
        let (above, below) = (&samples[index..][..2], &samples[index + width as usize..][..2]);
        (taps[0][k], taps[1][k], taps[2][k], taps[3][k]) = (above[0], above[1], below[0], below[1]);
    }
}

/// [`fetch`] by loads of two samples at once: half as many as there are samples, and each cheaper than its part of a gather instruction.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
fn fetch_avx2(samples: &[u32], width: i32, at: &[i32; BLOCK], taps: &mut [[u32; BLOCK]; 4]) {
    use std::arch::x86_64::{
        _MM_HINT_T0, _mm_castps_si128, _mm_castsi128_ps, _mm_loadl_epi64, _mm_prefetch, _mm_shuffle_ps, _mm_storeu_si128,
        _mm_unpacklo_epi64,
    };
    let end = samples.len().min(i32::MAX as usize) as i32;
    let mut inside = width >= 0;
    for index in at {
        inside &= *index >= 0 && index.wrapping_add(width) >= 0 && index.wrapping_add(width) < end.wrapping_sub(1);
    }
    assert!(inside, "samples outside the plate");
    // The samples of the next row of pixels, two rows of samples down: plates are too large for the nearer caches.
    for row in [2, 3] {
        for line in (0..2 * BLOCK).step_by(16) {
            let next = samples.as_ptr().wrapping_add(at[0] as usize + row * width as usize + line);
            _mm_prefetch::<_MM_HINT_T0>(next.cast());
        }
    }
    for (row, [first, second]) in taps.as_chunks_mut::<2>().0.iter_mut().enumerate() {
        let base = samples.as_ptr().wrapping_add(row * width as usize);
        for ((at, first), second) in at.as_chunks::<4>().0.iter().zip(first.as_chunks_mut::<4>().0).zip(second.as_chunks_mut::<4>().0) {
            // SAFETY: every index is >= 0 and, counted from the start of either row, it and the next one are inside `samples`, as asserted;
            // `first` and `second` are 4 words each.
            unsafe {
                let [a, b, c, d] = at.map(|index| _mm_loadl_epi64(base.wrapping_add(index as usize).cast()));
                let (ab, cd) = (_mm_castsi128_ps(_mm_unpacklo_epi64(a, b)), _mm_castsi128_ps(_mm_unpacklo_epi64(c, d)));
                _mm_storeu_si128(first.as_mut_ptr().cast(), _mm_castps_si128(_mm_shuffle_ps::<0b10_00_10_00>(ab, cd)));
                _mm_storeu_si128(second.as_mut_ptr().cast(), _mm_castps_si128(_mm_shuffle_ps::<0b11_01_11_01>(ab, cd)));
            }
        }
    }
}

/// The first `count` of a block of pixels. In passes, so that all but the fetching of samples becomes vector instructions.
#[inline(always)]
fn slanted_block(
    pixels: &mut [PremulRgba8; BLOCK],
    count: usize,
    samples: &[u32],
    width: i32,
    line: Line,
    fetch: impl Fn(&[u32], i32, &[i32; BLOCK], &mut [[u32; BLOCK]; 4]),
) {
    let (mut at, mut right, mut lower) = ([0i32; BLOCK], [0u32; BLOCK], [0u32; BLOCK]);
    for k in 0..BLOCK {
        let Line { x, y, .. } = line.after(k);
        at[k] = (y >> FRACTION).wrapping_mul(width).wrapping_add(x >> FRACTION);
        (right[k], lower[k]) = (weight(x), weight(y));
    }
    if count < BLOCK {
        // What lies beyond need not be inside the plate.
        let first = at[0];
        at[count..].fill(first);
    }
    let mut taps = [[0u32; BLOCK]; 4];
    fetch(samples, width, &at, &mut taps);
    for k in 0..BLOCK {
        // Four weights that sum to 256, so that the mix is rounded once.
        let both = right[k].wrapping_mul(lower[k]).wrapping_add(128) >> 8;
        let weights = [
            256u32.wrapping_add(both).wrapping_sub(right[k]).wrapping_sub(lower[k]),
            right[k].wrapping_sub(both),
            lower[k].wrapping_sub(both),
            both,
        ];
        let red_blue = mix([taps[0][k], taps[1][k], taps[2][k], taps[3][k]], weights);
        let green_alpha = mix([taps[0][k] >> 8, taps[1][k] >> 8, taps[2][k] >> 8, taps[3][k] >> 8], weights);
        pixels[k] = PremulRgba8::from_u32(over(pixels[k].to_u32(), red_blue, green_alpha));
    }
}

/// A pixel that only rounding kept from being opaque is made so: where paths overlap, drawing in 8 bits loses a level or two.
pub(super) fn opaque_if_nearly(pixel: u32) -> u32 {
    let alpha = pixel >> 24;
    if alpha < 250 {
        return pixel;
    }
    let scale = |shift: u32| ((pixel >> shift & 0xff) * 255 + alpha / 2) / alpha;
    scale(0) | scale(8) << 8 | scale(16) << 16 | 0xff << 24
}

compiled_twice! {
    /// Sets each of `row` to the mean of the samples at, `right` of, below and diagonally below it. All of one length.
    mean => mean_body(row: &mut [u32], above: &[u32], below: &[u32], right: usize)
}

#[inline(always)]
fn mean_body(row: &mut [u32], above: &[u32], below: &[u32], right: usize) {
    let columns = above.iter().zip(&above[right..]).zip(below.iter().zip(&below[right..]));
    for (out, ((a, b), (c, d))) in row.iter_mut().zip(columns) {
        *out = mix([*a, *b, *c, *d], [64; 4]) | mix([*a >> 8, *b >> 8, *c >> 8, *d >> 8], [64; 4]) << 8;
    }
}

/// The even bytes of four words mixed by weights that sum to 256, rounded.
#[inline(always)]
fn mix(words: [u32; 4], weights: [u32; 4]) -> u32 {
    let products = [
        (words[0] & PAIR).wrapping_mul(weights[0]),
        (words[1] & PAIR).wrapping_mul(weights[1]),
        (words[2] & PAIR).wrapping_mul(weights[2]),
        (words[3] & PAIR).wrapping_mul(weights[3]),
    ];
    products[0].wrapping_add(products[1]).wrapping_add(products[2]).wrapping_add(products[3]).wrapping_add(HALF) >> 8 & PAIR
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same by the textbook, channel by channel in floating point.
    fn reference(ground: u32, taps: [u32; 4], fx: f64, fy: f64) -> [f64; 4] {
        let weights = [(1.0 - fx) * (1.0 - fy), fx * (1.0 - fy), (1.0 - fx) * fy, fx * fy];
        let channel = |p: u32, c: usize| f64::from(p.to_le_bytes()[c]);
        let mixed = |c| taps.iter().zip(weights).map(|(t, w)| channel(*t, c) * w).sum::<f64>();
        let through = 1.0 - mixed(3) / 255.0;
        [0, 1, 2, 3].map(|c| mixed(c) + channel(ground, c) * through)
    }

    fn pixel(seed: u32) -> u32 {
        let hash = seed.wrapping_mul(0x9e37_79b9).rotate_left(13).wrapping_mul(0x85eb_ca6b);
        let alpha = match hash % 4 {
            0 => 0,
            1 => 255,
            _ => hash >> 8 & 0xff,
        };
        let part = |shift: u32| (hash >> shift & 0xff) * alpha / 255;
        part(0) | part(7) << 8 | part(13) << 16 | alpha << 24
    }

    #[test]
    fn the_kernels_agree_with_the_textbook_and_with_each_other() {
        let (width, height) = (192, 24);
        let samples: Vec<u32> = (0..width * height).map(|i| pixel(i as u32)).collect();
        for trial in 0..200i32 {
            let line =
                Line { x: 200_000 + trial * 7_919, y: 400_000 + trial * 1_237, step_x: 131_072 - trial * 31, step_y: trial * 67 - 6_000 };
            let length = 1 + trial as usize % (2 * BLOCK);
            let ground: Vec<PremulRgba8> = (0..length as u32).map(|i| PremulRgba8::from_u32(pixel(i + 77 + trial as u32))).collect();
            let (mut fast, mut plain) = (ground.clone(), ground.clone());
            slanted(&mut fast, &samples, width, line);
            slanted_body(&mut plain, &samples, width, line, fetch);
            assert_eq!(fast, plain);
            for (k, (got, ground)) in fast.iter().zip(&ground).enumerate() {
                let (x, y) = (line.x + line.step_x * k as i32, line.y + line.step_y * k as i32);
                let index = (y >> FRACTION) as usize * width + (x >> FRACTION) as usize;
                let taps = [samples[index], samples[index + 1], samples[index + width], samples[index + width + 1]];
                let part = |v: i32| (v & 0xffff) as f64 / 65536.0;
                for (c, expected) in reference(ground.to_u32(), taps, part(x), part(y)).into_iter().enumerate() {
                    let got = f64::from(got.to_u8_array()[c]);
                    assert!((got - expected).abs() < 3.5, "trial {trial} pixel {k} channel {c}: {got} for {expected}");
                    assert!(got <= f64::from(fast[k].a));
                }
            }
            let (mut fast, mut plain) = (ground.clone(), ground.clone());
            stacked_rows(&mut fast, &samples[..length], &samples[width..][..length], weight(line.y));
            stacked_rows_body(&mut plain, &samples[..length], &samples[width..][..length], weight(line.y));
            assert_eq!(fast, plain);
        }
    }
}
