//! RGBA to planes, whole or only where something changed.

use super::simd::vectorised;
use super::{PixelError, check_size};
use engine::frame::{PixelFormat, PlaneMut, Rect, Size, VideoFrame};
use engine::pool::{FrameMut, Pool};

/// How the colour of an RGBA picture relates to its alpha.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alpha {
    /// Colour is independent of alpha (PNG).
    Straight,
    /// Colour has been multiplied by alpha (renderers).
    Premultiplied,
}

/// An sRGB picture: rows of 4-byte pixels without padding.
#[derive(Clone, Copy)]
pub struct Rgba<'a> {
    data: &'a [u8],
    size: Size,
    alpha: Alpha,
}

impl<'a> Rgba<'a> {
    /// A picture of even size.
    ///
    /// # Errors
    /// When a side is odd or `data` is not `width * height * 4` bytes.
    pub fn new(data: &'a [u8], size: Size, alpha: Alpha) -> Result<Rgba<'a>, PixelError> {
        check_size(size)?;
        if data.len() as u64 != size.area() * 4 {
            return Err(PixelError::Length { size, bytes: data.len() });
        }
        Ok(Rgba { data, size, alpha })
    }

    /// Row `y` from column `x` on.
    fn row(&self, y: usize, x: usize) -> &'a [u8] {
        let width = self.size.width as usize;
        &self.data[(y * width + x) * 4..(y + 1) * width * 4]
    }
}

/// Converts an opaque picture (alpha is ignored, colour taken as straight) to `I420`.
///
/// # Errors
/// When a side is odd or `data` has the wrong length.
pub fn rgba_to_i420(data: &[u8], size: Size, pool: &Pool) -> Result<VideoFrame, PixelError> {
    convert(Rgba::new(data, size, Alpha::Straight)?, PixelFormat::I420, pool)
}

/// Converts a picture with transparency to `A420`: straight alpha, colour weighted by alpha so that no edge takes on what is hidden.
///
/// Under transparent pixels whose chroma sample is still in use the colour of the edge continues; elsewhere they are black.
///
/// # Errors
/// When a side is odd or `data` has the wrong length.
pub fn rgba_to_a420(data: &[u8], size: Size, alpha: Alpha, pool: &Pool) -> Result<VideoFrame, PixelError> {
    convert(Rgba::new(data, size, alpha)?, PixelFormat::A420, pool)
}

fn convert(source: Rgba<'_>, format: PixelFormat, pool: &Pool) -> Result<VideoFrame, PixelError> {
    let mut frame = pool.blank(format, source.size);
    draw_rgba(&mut frame, source, source.size.rect())?;
    Ok(frame.freeze())
}

/// Converts the part of `source` that changed into a frame that shows the rest already, and returns the rectangle written: `changed`
/// grown to even edges and by one chroma sample to the right, which shares its left neighbour's pixels. The result equals that of a
/// whole conversion. `A420` takes alpha into account, `I420` ignores it.
///
/// # Errors
/// When the two differ in size.
pub fn draw_rgba(frame: &mut FrameMut, source: Rgba<'_>, changed: Rect) -> Result<Rect, PixelError> {
    if frame.size() != source.size {
        return Err(PixelError::SizeDiffers { source_size: source.size, frame_size: frame.size() });
    }
    let changed = changed.to_even().intersect(source.size.rect());
    if changed.is_empty() {
        return Ok(Rect::default());
    }
    let (rect, [y, u, v, alpha]) = frame.draw(Rect { width: changed.width + 2, ..changed });
    let (Some(mut y), Some(mut u), Some(mut v)) = (y, u, v) else { unreachable!("every format has three planes") };
    let (left, cells) = (rect.x as usize, rect.width as usize / 2);
    let mut colours = Sums::<u16>::new(cells);
    let mut weighted = Sums::<f32>::new(cells);
    let mut alpha = alpha;
    for pair in 0..rect.height as usize / 2 {
        let top = rect.y as usize + pair * 2;
        // The column left of the rectangle counts, too; at the edge of the picture the first column stands for it.
        let before = left.saturating_sub(1);
        let lines = [source.row(top, left), source.row(top + 1, left)].map(|line| &line[..cells * 8]);
        let edge = [pixel(source.row(top, before)), pixel(source.row(top + 1, before))];
        let (y0, y1) = two_rows(&mut y, pair);
        let (u, v) = (row(&mut u, pair), row(&mut v, pair));
        match &mut alpha {
            None => {
                luma(lines[0], y0);
                luma(lines[1], y1);
                gather(lines[0], lines[1], edge, &mut colours);
                chroma(&colours, u, v);
            }
            Some(plane) => {
                let (a0, a1) = two_rows(plane, pair);
                if source.alpha == Alpha::Premultiplied {
                    gather_weighted::<true>(lines[0], lines[1], edge, &mut weighted);
                } else {
                    gather_weighted::<false>(lines[0], lines[1], edge, &mut weighted);
                }
                chroma_weighted(&mut weighted, u, v);
                for (line, y, a) in [(lines[0], y0, a0), (lines[1], y1, a1)] {
                    if source.alpha == Alpha::Premultiplied {
                        luma_weighted::<true>(line, &weighted.luma, y, a);
                    } else {
                        luma_weighted::<false>(line, &weighted.luma, y, a);
                    }
                }
            }
        }
    }
    Ok(rect)
}

fn pixel(line: &[u8]) -> [u8; 4] {
    [line[0], line[1], line[2], line[3]]
}

fn row<'a>(plane: &'a mut PlaneMut<'_>, y: usize) -> &'a mut [u8] {
    &mut plane.data[y * plane.stride..][..plane.size.width as usize]
}

fn two_rows<'a>(plane: &'a mut PlaneMut<'_>, pair: usize) -> (&'a mut [u8], &'a mut [u8]) {
    let (width, stride) = (plane.size.width as usize, plane.stride);
    let (first, second) = plane.data[pair * 2 * stride..].split_at_mut(stride);
    (&mut first[..width], &mut second[..width])
}

/// BT.709 weights of red and blue in luma (ITU-R BT.709-6, item 3.2).
pub(super) const KR: f64 = 0.2126;
pub(super) const KB: f64 = 0.0722;
const KG: f64 = 1.0 - KR - KB;
/// Luma spans 219 levels from 16 and chroma 224 around 128 (item 3.4).
const LUMA: [f64; 3] = [KR * 219.0 / 255.0, KG * 219.0 / 255.0, KB * 219.0 / 255.0];
const U_SCALE: f64 = 224.0 / 255.0 / (2.0 * (1.0 - KB));
const V_SCALE: f64 = 224.0 / 255.0 / (2.0 * (1.0 - KR));
const U: [f64; 3] = [-KR * U_SCALE, -KG * U_SCALE, (1.0 - KB) * U_SCALE];
const V: [f64; 3] = [(1.0 - KR) * V_SCALE, -KG * V_SCALE, -KB * V_SCALE];

/// Fixed point with 16 bits of fraction; the middle weight makes the sum exact, so that grey stays grey.
const fn fixed(weights: [f64; 3], sum: f64) -> [i32; 3] {
    let scale = 65536.0;
    let (red, blue) = (nearest(weights[0] * scale), nearest(weights[2] * scale));
    [red, nearest(sum * scale) - red - blue, blue]
}
const fn nearest(x: f64) -> i32 {
    (if x < 0.0 { x - 0.5 } else { x + 0.5 }) as i32
}
const fn single(weights: [f64; 3]) -> [f32; 3] {
    [weights[0] as f32, weights[1] as f32, weights[2] as f32]
}

const Y_FIXED: [i32; 3] = fixed(LUMA, 219.0 / 255.0);
const U_FIXED: [i32; 3] = fixed(U, 0.0);
const V_FIXED: [i32; 3] = fixed(V, 0.0);
const Y_SINGLE: [f32; 3] = single(LUMA);
const U_SINGLE: [f32; 3] = single(U);
const V_SINGLE: [f32; 3] = single(V);

/// Sums over two rows for each chroma sample: the even column, and the odd ones with one more in front.
struct Sums<T> {
    even: [Vec<T>; 4],
    odd: [Vec<T>; 4],
    /// Luma that belongs to each chroma sample; continues under transparent pixels.
    luma: Vec<u8>,
}

impl<T: Default + Clone> Sums<T> {
    fn new(cells: usize) -> Sums<T> {
        let list = |len| std::array::from_fn(|_| vec![T::default(); len]);
        Sums { even: list(cells), odd: list(cells + 1), luma: vec![0; cells] }
    }
}

vectorised! {
    fn luma(line: &[u8], y: &mut [u8]) {
        for (p, y) in line.as_chunks::<4>().0.iter().zip(y) {
            let sum = Y_FIXED[0] * i32::from(p[0]) + Y_FIXED[1] * i32::from(p[1]) + Y_FIXED[2] * i32::from(p[2]);
            *y = ((sum + (16 << 16) + (1 << 15)) >> 16) as u8;
        }
    }
}

vectorised! {
    fn gather(line0: &[u8], line1: &[u8], edge: [[u8; 4]; 2], sums: &mut Sums<u16>) {
        let Sums { even: [even_r, even_g, even_b, _], odd: [odd_r, odd_g, odd_b, _], .. } = sums;
        let cells = even_r.len();
        let (line0, line1) = (&line0.as_chunks::<8>().0[..cells], &line1.as_chunks::<8>().0[..cells]);
        let (even_g, even_b) = (&mut even_g[..cells], &mut even_b[..cells]);
        let sum = |c: usize| u16::from(edge[0][c]) + u16::from(edge[1][c]);
        (odd_r[0], odd_g[0], odd_b[0]) = (sum(0), sum(1), sum(2));
        let (odd_r, odd_g, odd_b) = (&mut odd_r[1..][..cells], &mut odd_g[1..][..cells], &mut odd_b[1..][..cells]);
        for i in 0..cells {
            let (p, q) = (line0[i], line1[i]);
            even_r[i] = u16::from(p[0]) + u16::from(q[0]);
            even_g[i] = u16::from(p[1]) + u16::from(q[1]);
            even_b[i] = u16::from(p[2]) + u16::from(q[2]);
            odd_r[i] = u16::from(p[4]) + u16::from(q[4]);
            odd_g[i] = u16::from(p[5]) + u16::from(q[5]);
            odd_b[i] = u16::from(p[6]) + u16::from(q[6]);
        }
    }
}

vectorised! {
    fn chroma(sums: &Sums<u16>, u: &mut [u8], v: &mut [u8]) {
        let cells = u.len();
        let v = &mut v[..cells];
        let [even_r, even_g, even_b, _] = &sums.even;
        let [odd_r, odd_g, odd_b, _] = &sums.odd;
        let (even_r, even_g, even_b) = (&even_r[..cells], &even_g[..cells], &even_b[..cells]);
        let (odd_r, odd_g, odd_b) = (&odd_r[..cells + 1], &odd_g[..cells + 1], &odd_b[..cells + 1]);
        // Weights add up to 8: three more bits of fraction.
        const HALF_UP: i32 = (128 << 19) + (1 << 18);
        for i in 0..cells {
            let r = i32::from(odd_r[i] + 2 * even_r[i] + odd_r[i + 1]);
            let g = i32::from(odd_g[i] + 2 * even_g[i] + odd_g[i + 1]);
            let b = i32::from(odd_b[i] + 2 * even_b[i] + odd_b[i + 1]);
            u[i] = ((U_FIXED[0] * r + U_FIXED[1] * g + U_FIXED[2] * b + HALF_UP) >> 19) as u8;
            v[i] = ((V_FIXED[0] * r + V_FIXED[1] * g + V_FIXED[2] * b + HALF_UP) >> 19) as u8;
        }
    }
}

/// Colour times alpha in one scale for both kinds, so that dividing by alpha gives 0 to 255. All sums are whole numbers below 2^24.
#[inline(always)]
fn weigh<const PREMULTIPLIED: bool>(colour: u8, alpha: u8) -> f32 {
    (i32::from(colour) * if PREMULTIPLIED { 255 } else { i32::from(alpha) }) as f32
}

vectorised! {
    fn gather_weighted<const PREMULTIPLIED: bool>(line0: &[u8], line1: &[u8], edge: [[u8; 4]; 2], sums: &mut Sums<f32>) {
        let Sums { even: [even_r, even_g, even_b, even_a], odd: [odd_r, odd_g, odd_b, odd_a], .. } = sums;
        let cells = even_r.len();
        let (line0, line1) = (&line0.as_chunks::<8>().0[..cells], &line1.as_chunks::<8>().0[..cells]);
        let (even_g, even_b, even_a) = (&mut even_g[..cells], &mut even_b[..cells], &mut even_a[..cells]);
        let [p, q] = edge;
        odd_r[0] = weigh::<PREMULTIPLIED>(p[0], p[3]) + weigh::<PREMULTIPLIED>(q[0], q[3]);
        odd_g[0] = weigh::<PREMULTIPLIED>(p[1], p[3]) + weigh::<PREMULTIPLIED>(q[1], q[3]);
        odd_b[0] = weigh::<PREMULTIPLIED>(p[2], p[3]) + weigh::<PREMULTIPLIED>(q[2], q[3]);
        odd_a[0] = f32::from(p[3]) + f32::from(q[3]);
        let (odd_r, odd_g) = (&mut odd_r[1..][..cells], &mut odd_g[1..][..cells]);
        let (odd_b, odd_a) = (&mut odd_b[1..][..cells], &mut odd_a[1..][..cells]);
        for i in 0..cells {
            let (p, q) = (line0[i], line1[i]);
            even_r[i] = weigh::<PREMULTIPLIED>(p[0], p[3]) + weigh::<PREMULTIPLIED>(q[0], q[3]);
            even_g[i] = weigh::<PREMULTIPLIED>(p[1], p[3]) + weigh::<PREMULTIPLIED>(q[1], q[3]);
            even_b[i] = weigh::<PREMULTIPLIED>(p[2], p[3]) + weigh::<PREMULTIPLIED>(q[2], q[3]);
            even_a[i] = f32::from(p[3]) + f32::from(q[3]);
            odd_r[i] = weigh::<PREMULTIPLIED>(p[4], p[7]) + weigh::<PREMULTIPLIED>(q[4], q[7]);
            odd_g[i] = weigh::<PREMULTIPLIED>(p[5], p[7]) + weigh::<PREMULTIPLIED>(q[5], q[7]);
            odd_b[i] = weigh::<PREMULTIPLIED>(p[6], p[7]) + weigh::<PREMULTIPLIED>(q[6], q[7]);
            odd_a[i] = f32::from(p[7]) + f32::from(q[7]);
        }
    }
}

/// Rounds to nearest and clips; `low` is not negative.
#[inline(always)]
fn level(x: f32, low: f32, high: f32) -> u8 {
    // Through i32: the conversion that vector units have.
    ((x + 0.5).clamp(low, high) as i32) as u8
}

vectorised! {
    fn chroma_weighted(sums: &mut Sums<f32>, u: &mut [u8], v: &mut [u8]) {
        let cells = u.len();
        let v = &mut v[..cells];
        let [even_r, even_g, even_b, even_a] = &sums.even;
        let [odd_r, odd_g, odd_b, odd_a] = &sums.odd;
        let (even_r, even_g, even_b, even_a) = (&even_r[..cells], &even_g[..cells], &even_b[..cells], &even_a[..cells]);
        let (odd_r, odd_g) = (&odd_r[..cells + 1], &odd_g[..cells + 1]);
        let (odd_b, odd_a) = (&odd_b[..cells + 1], &odd_a[..cells + 1]);
        let luma = &mut sums.luma[..cells];
        for i in 0..cells {
            // Where alpha is zero all sums are: neutral black.
            let per_alpha = 1.0 / (odd_a[i] + 2.0 * even_a[i] + odd_a[i + 1]).max(1.0);
            let r = odd_r[i] + 2.0 * even_r[i] + odd_r[i + 1];
            let g = odd_g[i] + 2.0 * even_g[i] + odd_g[i + 1];
            let b = odd_b[i] + 2.0 * even_b[i] + odd_b[i + 1];
            u[i] = level(128.0 + (U_SINGLE[0] * r + U_SINGLE[1] * g + U_SINGLE[2] * b) * per_alpha, 16.0, 240.0);
            v[i] = level(128.0 + (V_SINGLE[0] * r + V_SINGLE[1] * g + V_SINGLE[2] * b) * per_alpha, 16.0, 240.0);
            luma[i] = level(16.0 + (Y_SINGLE[0] * r + Y_SINGLE[1] * g + Y_SINGLE[2] * b) * per_alpha, 16.0, 235.0);
        }
    }
}

vectorised! {
    fn luma_weighted<const PREMULTIPLIED: bool>(line: &[u8], under: &[u8], y: &mut [u8], alpha: &mut [u8]) {
        let cells = under.len();
        let line = &line.as_chunks::<8>().0[..cells];
        let (y, alpha) = (&mut y.as_chunks_mut::<2>().0[..cells], &mut alpha.as_chunks_mut::<2>().0[..cells]);
        for i in 0..cells {
            let p = line[i];
            for (half, c) in [(0, 0), (1, 4)] {
                let a = p[c + 3];
                let colour = Y_SINGLE[0] * f32::from(p[c]) + Y_SINGLE[1] * f32::from(p[c + 1]) + Y_SINGLE[2] * f32::from(p[c + 2]);
                let colour = if PREMULTIPLIED { colour * (255.0 / f32::from(a).max(1.0)) } else { colour };
                let shown = level(16.0 + colour, 16.0, 235.0);
                y[i][half] = if a == 0 { under[i] } else { shown };
                alpha[i][half] = a;
            }
        }
    }
}

#[cfg(test)]
#[path = "rgba_tests.rs"]
mod tests;
