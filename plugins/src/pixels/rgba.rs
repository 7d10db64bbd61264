//! RGBA to planes, whole or only where something changed.

use super::simd::{level, vectorised};
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

    /// Its size.
    pub fn size(&self) -> Size {
        self.size
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
    let changed = reach(changed, source.size);
    if changed.is_empty() {
        return Ok(changed);
    }
    let (rect, [y, u, v, alpha]) = frame.draw(changed);
    let (Some(mut y), Some(mut u), Some(mut v)) = (y, u, v) else { unreachable!("every format has three planes") };
    let (left, cells) = (rect.x as usize, rect.width as usize / 2);
    let mut colours = Sums::<u16>::new(cells);
    let (mut straight, mut premultiplied) = (Sums::<f32>::new(cells), Sums::<u32>::new(cells));
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
                if edge == [[0; 4]; 2] && is_empty(lines[0]) && is_empty(lines[1]) {
                    [y0, y1].into_iter().for_each(|luma| luma.fill(16));
                    [u, v].into_iter().for_each(|chroma| chroma.fill(128));
                    [a0, a1].into_iter().for_each(|alpha| alpha.fill(0));
                    continue;
                }
                let both = [(lines[0], y0, a0), (lines[1], y1, a1)];
                if source.alpha == Alpha::Premultiplied {
                    gather_premultiplied(lines[0], lines[1], edge, &mut premultiplied);
                    chroma_premultiplied(&mut premultiplied, u, v);
                    for (line, y, a) in both {
                        luma_weighted::<true>(line, &premultiplied.luma, y, a);
                    }
                } else {
                    gather_straight(lines[0], lines[1], edge, &mut straight);
                    chroma_straight(&mut straight, u, v);
                    for (line, y, a) in both {
                        luma_weighted::<false>(line, &straight.luma, y, a);
                    }
                }
            }
        }
    }
    Ok(rect)
}

/// All that a change within `changed` has an effect on in the planes of a picture of this size: even edges, and one chroma sample to the
/// right, which shares its left neighbour's pixels.
pub fn reach(changed: Rect, size: Size) -> Rect {
    let changed = changed.to_even().intersect(size.rect());
    Rect { width: changed.width + 2, ..changed }.intersect(size.rect())
}

/// Nothing is seen in these pixels.
fn is_empty(line: &[u8]) -> bool {
    const EMPTY: [u8; 4096] = [0; 4096];
    line.chunks(EMPTY.len()).all(|pixels| *pixels == EMPTY[..pixels.len()])
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

/// Sums over two rows, red, green, blue and alpha, from the column before the first one to one unused column after the last.
struct Sums<T> {
    columns: [Vec<T>; 4],
    /// Luma that belongs to each chroma sample; continues under transparent pixels.
    luma: Vec<u8>,
}

impl<T: Default + Clone> Sums<T> {
    fn new(cells: usize) -> Sums<T> {
        Sums { columns: std::array::from_fn(|_| vec![T::default(); 2 * cells + 2]), luma: vec![0; cells] }
    }
}

impl<T> Sums<T> {
    /// For each chroma sample the column before it and its own, then the column after it (and one more).
    #[inline(always)]
    fn around(&self, channel: usize, cells: usize) -> (&[[T; 2]], &[[T; 2]]) {
        let column = &self.columns[channel];
        (&column.as_chunks().0[..cells], &column[2..].as_chunks().0[..cells])
    }
}

/// The channels of a pixel; shifts of whole words suit vector units better than single bytes.
#[inline(always)]
fn channels(pixel: [u8; 4]) -> [i32; 4] {
    let word = u32::from_le_bytes(pixel);
    [(word & 255) as i32, (word >> 8 & 255) as i32, (word >> 16 & 255) as i32, (word >> 24) as i32]
}

vectorised! {
    fn luma(line: &[u8], y: &mut [u8]) {
        for (&pixel, y) in line.as_chunks::<4>().0.iter().zip(y) {
            let [r, g, b, _] = channels(pixel);
            *y = ((Y_FIXED[0] * r + Y_FIXED[1] * g + Y_FIXED[2] * b + (16 << 16) + (1 << 15)) >> 16) as u8;
        }
    }
}

vectorised! {
    fn gather(line0: &[u8], line1: &[u8], edge: [[u8; 4]; 2], sums: &mut Sums<u16>) {
        let [red, green, blue, _] = &mut sums.columns;
        let width = red.len() - 2;
        let sum = |p: [u8; 4], q: [u8; 4]| {
            let (p, q) = (channels(p), channels(q));
            [(p[0] + q[0]) as u16, (p[1] + q[1]) as u16, (p[2] + q[2]) as u16]
        };
        [red[0], green[0], blue[0]] = sum(edge[0], edge[1]);
        let (red, green, blue) = (&mut red[1..][..width], &mut green[1..][..width], &mut blue[1..][..width]);
        let (line0, line1) = (&line0.as_chunks::<4>().0[..width], &line1.as_chunks::<4>().0[..width]);
        for x in 0..width {
            [red[x], green[x], blue[x]] = sum(line0[x], line1[x]);
        }
    }
}

vectorised! {
    fn chroma(sums: &Sums<u16>, u: &mut [u8], v: &mut [u8]) {
        // Weights add up to 8: three more bits of fraction.
        const HALF_UP: i32 = (128 << 19) + (1 << 18);
        let cells = u.len();
        let v = &mut v[..cells];
        let ((red, red_after), (green, green_after), (blue, blue_after)) = (sums.around(0, cells), sums.around(1, cells), sums.around(2, cells));
        let weigh = |[before, own]: [u16; 2], [after, _]: [u16; 2]| i32::from(before) + 2 * i32::from(own) + i32::from(after);
        for i in 0..cells {
            let (r, g, b) = (weigh(red[i], red_after[i]), weigh(green[i], green_after[i]), weigh(blue[i], blue_after[i]));
            let level = |weights: [i32; 3]| {
                let sum = weights[0].wrapping_mul(r).wrapping_add(weights[1].wrapping_mul(g)).wrapping_add(weights[2].wrapping_mul(b));
                (sum.wrapping_add(HALF_UP) >> 19) as u8
            };
            (u[i], v[i]) = (level(U_FIXED), level(V_FIXED));
        }
    }
}

// Colour times alpha in one scale for both kinds, so that dividing by alpha gives 0 to 255, and alpha: all sums of these are whole numbers
// below 2^24, exact in single precision.

vectorised! {
    fn gather_straight(line0: &[u8], line1: &[u8], edge: [[u8; 4]; 2], sums: &mut Sums<f32>) {
        let [red, green, blue, alpha] = &mut sums.columns;
        let width = red.len() - 2;
        let weighted = |pixel: [u8; 4]| {
            let [r, g, b, a] = channels(pixel);
            [r * a, g * a, b * a, a]
        };
        let sum = |p: [u8; 4], q: [u8; 4]| {
            let (p, q) = (weighted(p), weighted(q));
            [(p[0] + q[0]) as f32, (p[1] + q[1]) as f32, (p[2] + q[2]) as f32, (p[3] + q[3]) as f32]
        };
        [red[0], green[0], blue[0], alpha[0]] = sum(edge[0], edge[1]);
        let (red, green) = (&mut red[1..][..width], &mut green[1..][..width]);
        let (blue, alpha) = (&mut blue[1..][..width], &mut alpha[1..][..width]);
        let (line0, line1) = (&line0.as_chunks::<4>().0[..width], &line1.as_chunks::<4>().0[..width]);
        for x in 0..width {
            [red[x], green[x], blue[x], alpha[x]] = sum(line0[x], line1[x]);
        }
    }
}

vectorised! {
    /// Two channels to a word, of 16 bits each, as long as there is nothing to multiply: eight levels at most are added up. Red and blue
    /// are in the first column, green and alpha in the second.
    fn gather_premultiplied(line0: &[u8], line1: &[u8], edge: [[u8; 4]; 2], sums: &mut Sums<u32>) {
        let [red_blue, green_alpha, ..] = &mut sums.columns;
        let width = red_blue.len() - 2;
        let sum = |p: [u8; 4], q: [u8; 4]| {
            let (p, q) = (u32::from_le_bytes(p), u32::from_le_bytes(q));
            [(p & 0x00ff_00ff).wrapping_add(q & 0x00ff_00ff), (p >> 8 & 0x00ff_00ff).wrapping_add(q >> 8 & 0x00ff_00ff)]
        };
        [red_blue[0], green_alpha[0]] = sum(edge[0], edge[1]);
        let (red_blue, green_alpha) = (&mut red_blue[1..][..width], &mut green_alpha[1..][..width]);
        let (line0, line1) = (&line0.as_chunks::<4>().0[..width], &line1.as_chunks::<4>().0[..width]);
        for x in 0..width {
            [red_blue[x], green_alpha[x]] = sum(line0[x], line1[x]);
        }
    }
}

/// U, V and luma of a colour times alpha.
#[inline(always)]
fn without_alpha(r: f32, g: f32, b: f32, a: f32) -> (u8, u8, u8) {
    // Where alpha is zero all sums are: neutral black.
    let per_alpha = 1.0 / if a > 1.0 { a } else { 1.0 };
    let dot = |weights: [f32; 3]| (weights[0] * r + weights[1] * g + weights[2] * b) * per_alpha;
    (level(128.0 + dot(U_SINGLE), 16.0, 240.0), level(128.0 + dot(V_SINGLE), 16.0, 240.0), level(16.0 + dot(Y_SINGLE), 16.0, 235.0))
}

vectorised! {
    fn chroma_straight(sums: &mut Sums<f32>, u: &mut [u8], v: &mut [u8]) {
        let cells = u.len();
        let v = &mut v[..cells];
        let mut luma = std::mem::take(&mut sums.luma);
        let under = &mut luma[..cells];
        let ((red, red_after), (green, green_after)) = (sums.around(0, cells), sums.around(1, cells));
        let ((blue, blue_after), (alpha, alpha_after)) = (sums.around(2, cells), sums.around(3, cells));
        let weigh = |[before, own]: [f32; 2], [after, _]: [f32; 2]| before + 2.0 * own + after;
        for i in 0..cells {
            let (r, g, b) = (weigh(red[i], red_after[i]), weigh(green[i], green_after[i]), weigh(blue[i], blue_after[i]));
            (u[i], v[i], under[i]) = without_alpha(r, g, b, weigh(alpha[i], alpha_after[i]));
        }
        sums.luma = luma;
    }
}

vectorised! {
    fn chroma_premultiplied(sums: &mut Sums<u32>, u: &mut [u8], v: &mut [u8]) {
        let cells = u.len();
        let v = &mut v[..cells];
        let mut luma = std::mem::take(&mut sums.luma);
        let under = &mut luma[..cells];
        let ((red_blue, red_blue_after), (green_alpha, green_alpha_after)) = (sums.around(0, cells), sums.around(1, cells));
        let weigh = |[before, own]: [u32; 2], [after, _]: [u32; 2]| before.wrapping_add(own << 1).wrapping_add(after);
        for i in 0..cells {
            let (rb, ga) = (weigh(red_blue[i], red_blue_after[i]), weigh(green_alpha[i], green_alpha_after[i]));
            let (low, high) = (|word: u32| (word & 0xffff) as i32 as f32, |word: u32| (word >> 16) as i32 as f32);
            (u[i], v[i], under[i]) = without_alpha(255.0 * low(rb), 255.0 * low(ga), 255.0 * high(rb), high(ga));
        }
        sums.luma = luma;
    }
}

vectorised! {
    fn luma_weighted<const PREMULTIPLIED: bool>(line: &[u8], under: &[u8], y: &mut [u8], alpha: &mut [u8]) {
        let width = y.len();
        let (line, under, alpha) = (&line.as_chunks::<4>().0[..width], &under[..width / 2], &mut alpha[..width]);
        for x in 0..width {
            let [r, g, b, a] = channels(line[x]);
            let colour = Y_SINGLE[0] * r as f32 + Y_SINGLE[1] * g as f32 + Y_SINGLE[2] * b as f32;
            let colour = if PREMULTIPLIED { colour * (255.0 / if a > 1 { a as f32 } else { 1.0 }) } else { colour };
            y[x] = level(16.0 + colour, 16.0, 235.0);
            alpha[x] = a as u8;
        }
        if !alpha.contains(&0) {
            return;
        }
        // Two samples as one number: single ones, with others between them, do not fill a vector.
        for ((y, a), &under) in y.as_chunks_mut::<2>().0.iter_mut().zip(alpha.as_chunks::<2>().0).zip(under) {
            let ([own, a], under) = ([*y, *a].map(u16::from_le_bytes), u16::from_le_bytes([under; 2]));
            let clear = (if a & 0xff == 0 { 0xff } else { 0 }) | (if a & 0xff00 == 0 { 0xff00 } else { 0 });
            *y = (own & !clear | under & clear).to_le_bytes();
        }
    }
}

#[cfg(test)]
#[path = "rgba_tests.rs"]
mod tests;
