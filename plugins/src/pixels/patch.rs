//! A picture with alpha laid over others, sample by sample: what comes of a sample depends on nothing but what lies at its place.

use super::reach;
use super::simd::{divide_by_255, level, vectorised};
use engine::frame::{Plane, PlaneMut, Point, Rect, Size, VideoFrame};
use engine::pool::FrameMut;
use std::ops::Range;

/// A picture with alpha, as it lies over others.
pub struct Patch<'a> {
    /// `A420`. Around what is to be seen it has two columns on each side that are transparent: chroma samples there share its colour.
    pub picture: &'a VideoFrame,
    /// Where its top left corner lies: an even place.
    pub at: Point,
    /// What is seen of it, in the picture below: nothing of those columns.
    pub seen: Rect,
    /// 0 (not seen) to 255.
    pub opacity: u8,
}

/// One plane within a rectangle: of the patch, and of what is below.
struct Planes<'a> {
    above: Plane<'a>,
    /// Where the rectangle begins in it.
    start: usize,
    below: PlaneMut<'a>,
}

impl Planes<'_> {
    fn row(&mut self, row: usize) -> (&[u8], &mut [u8]) {
        let width = self.below.size.width as usize;
        (&self.above.data[self.start + row * self.above.stride..][..width], &mut self.below.data[row * self.below.stride..][..width])
    }

    fn rows(&self) -> Range<usize> {
        0..self.below.size.height as usize
    }
}

impl Patch<'_> {
    /// Where it has samples that count, in a picture of this size: even edges.
    pub fn area(&self, below: Size) -> Rect {
        reach(self.seen, below).intersect(Rect::new(self.at, self.picture.size()))
    }

    /// Shows what of it lies in a rectangle with even edges of an `A420` picture, whatever was there: what [`lay`](Patch::lay) gives over a
    /// clear picture, and faster.
    pub fn show(&self, below: &mut FrameMut, within: Rect) {
        let area = self.area(below.size()).intersect(within);
        if area.is_empty() {
            return;
        }
        let [y, u, v, mut alpha] = self.planes(below, area);
        for mut plane in [y, u, v] {
            for row in plane.rows() {
                let (above, below) = plane.row(row);
                below.copy_from_slice(above);
            }
        }
        for row in alpha.rows() {
            let (above, below) = alpha.row(row);
            self.cover(above, area, row, below);
        }
    }

    /// Lays what of it lies in a rectangle with even edges over an `A420` picture.
    ///
    /// Alpha becomes `a + b (1 - a)`, and colour the mean of both weighted with `a` and `b (1 - a)` (T. Porter, T. Duff, "Compositing digital
    /// images", 1984, for colours that are not premultiplied). A chroma sample has the weights of its own four pixels: those that it lies
    /// between count three times, for the column before, which belongs to what lies there, is taken for theirs. Where both are transparent the
    /// colour below stays unless it is black (luma) or neutral (chroma): beside what is seen it belongs to a chroma sample that is in use.
    pub fn lay(&self, below: &mut FrameMut, within: Rect) {
        let area = self.area(below.size()).intersect(within);
        if area.is_empty() {
            return;
        }
        let [mut luma, mut u, mut v, mut alpha] = self.planes(below, area);
        let mut covers = [vec![0; area.width as usize], vec![0; area.width as usize]];
        for pair in u.rows() {
            let rows = [2 * pair, 2 * pair + 1];
            for (row, cover) in rows.into_iter().zip(&mut covers) {
                self.cover(alpha.row(row).0, area, row, cover);
            }
            let (stride, width) = (alpha.below.stride, area.width as usize);
            let [first, second] = rows.map(|row| &alpha.below.data[row * stride..][..width]);
            let ((u_above, u), (v_above, v)) = (u.row(pair), v.row(pair));
            chroma_over([u_above, v_above], [&covers[0], &covers[1]], [first, second], u, v);
            for (row, cover) in rows.into_iter().zip(&covers) {
                let (above, below) = luma.row(row);
                luma_over(above, cover, below, alpha.row(row).1);
            }
        }
    }

    /// How much a row of its pixels in `area` covers, from their alpha.
    fn cover(&self, alpha: &[u8], area: Rect, row: usize, cover: &mut [u8]) {
        cover.fill(0);
        let seen = self.seen.intersect(Rect { y: area.y + row as i32, height: 1, ..area });
        if !seen.is_empty() {
            let left = (seen.x - area.x) as usize;
            let columns = left..left + seen.width as usize;
            let (cover, alpha) = (&mut cover[columns.clone()], &alpha[columns]);
            if self.opacity == 255 { cover.copy_from_slice(alpha) } else { faded(cover, alpha, self.opacity) }
        }
    }

    fn planes<'a>(&'a self, below: &'a mut FrameMut, area: Rect) -> [Planes<'a>; 4] {
        let (left, top) = ((area.x - self.at.x) as usize, (area.y - self.at.y) as usize);
        let (_, [Some(y), Some(u), Some(v), Some(alpha)]) = below.draw(area) else { unreachable!("A420 has four planes") };
        let plane = |index: usize, shift: usize, below: PlaneMut<'a>| {
            let above = self.picture.picture.plane(index);
            Planes { start: (top >> shift) * above.stride + (left >> shift), above, below }
        };
        [plane(0, 0, y), plane(1, 1, u), plane(2, 1, v), plane(3, 0, alpha)]
    }
}

vectorised! {
    /// Alpha, seen through by as much as `opacity` of 255 leaves.
    fn faded(to: &mut [u8], from: &[u8], opacity: u8) {
        for (to, from) in to.iter_mut().zip(from) {
            *to = divide_by_255(u16::from(*from).wrapping_mul(u16::from(opacity)));
        }
    }
}

/// What a pixel above counts with and one below it, in parts of 255 * 255, from their alphas.
#[inline(always)]
fn weights(above: i32, below: i32) -> [i32; 2] {
    [above.wrapping_mul(255), below.wrapping_mul(255_i32.wrapping_sub(above))]
}

/// A mean; where nothing counts it is nothing that is used. Sums stay below 2^31.
#[inline(always)]
fn mean(weights: [i32; 2], above: u8, below: u8) -> u8 {
    let sum = weights[0].wrapping_add(weights[1]);
    let weighted = weights[0].wrapping_mul(i32::from(above)).wrapping_add(weights[1].wrapping_mul(i32::from(below)));
    level(weighted as f32 / if sum > 1 { sum as f32 } else { 1.0 }, 0.0, 255.0)
}

vectorised! {
    fn luma_over(above: &[u8], cover: &[u8], below: &mut [u8], alpha: &mut [u8]) {
        let width = below.len();
        let (above, cover, alpha) = (&above[..width], &cover[..width], &mut alpha[..width]);
        for x in 0..width {
            let weights = weights(i32::from(cover[x]), i32::from(alpha[x]));
            let sum = weights[0].wrapping_add(weights[1]);
            let kept = if below[x] == 16 { above[x] } else { below[x] };
            let mixed = mean(weights, above[x], below[x]);
            below[x] = if sum == 0 { kept } else { mixed };
            alpha[x] = level(sum as f32 * (1.0 / 255.0), 0.0, 255.0);
        }
    }
}

/// What two pixels beside each other count with; both as one number, for single ones with others between them do not fill a vector.
#[inline(always)]
fn pair_weights(above: [u8; 2], below: [u8; 2]) -> [i32; 2] {
    let (above, below) = (i32::from(u16::from_le_bytes(above)), i32::from(u16::from_le_bytes(below)));
    let (first, second) = (weights(above & 255, below & 255), weights(above >> 8, below >> 8));
    [first[0].wrapping_mul(3).wrapping_add(second[0]), first[1].wrapping_mul(3).wrapping_add(second[1])]
}

vectorised! {
    fn chroma_over(above: [&[u8]; 2], covers: [&[u8]; 2], alphas: [&[u8]; 2], u: &mut [u8], v: &mut [u8]) {
        let cells = u.len();
        let (v, u_above, v_above) = (&mut v[..cells], &above[0][..cells], &above[1][..cells]);
        let (cover0, cover1) = (&covers[0].as_chunks::<2>().0[..cells], &covers[1].as_chunks::<2>().0[..cells]);
        let (alpha0, alpha1) = (&alphas[0].as_chunks::<2>().0[..cells], &alphas[1].as_chunks::<2>().0[..cells]);
        for i in 0..cells {
            let (top, bottom) = (pair_weights(cover0[i], alpha0[i]), pair_weights(cover1[i], alpha1[i]));
            let weights = [top[0].wrapping_add(bottom[0]), top[1].wrapping_add(bottom[1])];
            let (own_u, own_v) = (u[i], v[i]);
            let is_clear = own_u == 128 && own_v == 128;
            let (kept_u, kept_v) = (if is_clear { u_above[i] } else { own_u }, if is_clear { v_above[i] } else { own_v });
            let (mixed_u, mixed_v) = (mean(weights, u_above[i], own_u), mean(weights, v_above[i], own_v));
            let none = weights[0].wrapping_add(weights[1]) == 0;
            u[i] = if none { kept_u } else { mixed_u };
            v[i] = if none { kept_v } else { mixed_v };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::simd::tests::without_avx2;
    use engine::frame::PixelFormat;
    use engine::pool::Pool;

    const SIZE: Size = Size::new(62, 38);

    /// Bytes that look random, with patches where alpha is 0 and where it is 255.
    fn noise(size: Size, seed: u32) -> VideoFrame {
        let mut frame = Pool::new().blank(PixelFormat::A420, size);
        let (_, planes) = frame.draw(size.rect());
        for (index, plane) in planes.into_iter().flatten().enumerate() {
            for (at, byte) in plane.data.iter_mut().enumerate() {
                let (x, y) = (at % plane.stride, at / plane.stride);
                let noise = (at as u32 * 4 + index as u32 + seed).wrapping_mul(0x9e37_79b9).rotate_left(13).wrapping_mul(0x85eb_ca6b) >> 24;
                *byte = match (index, (x / 5 + y / 3 + seed as usize) % 4) {
                    (3, 0) => 0,
                    (3, 1) => 255,
                    (1..3, 2) => 128,
                    (3, _) => noise as u8,
                    _ => 16 + (noise * 219 / 255) as u8,
                };
            }
        }
        frame.freeze()
    }

    fn sample(frame: &VideoFrame, plane: usize, x: usize, y: usize) -> f64 {
        let plane = frame.picture.plane(plane);
        f64::from(plane.data[y * plane.stride + x])
    }

    /// Means by the book, one rounding.
    #[test]
    fn samples_are_mixed_as_by_the_textbook_and_the_same_without_avx2() {
        let (ground, above) = (noise(SIZE, 1), noise(Size::new(40, 24), 50));
        let (at, seen) = (Point { x: 8, y: 6 }, Rect { x: 9, y: 9, width: 30, height: 18 });
        for opacity in [255, 97, 0] {
            let patch = Patch { picture: &above, at, seen, opacity };
            let lay = || {
                let mut frame = Pool::new().on(&ground);
                patch.lay(&mut frame, SIZE.rect());
                frame.freeze()
            };
            let laid = lay();
            assert!(without_avx2(lay).picture.bytes() == laid.picture.bytes());
            let area = patch.area(SIZE);
            assert_eq!(area, Rect { x: 8, y: 8, width: 34, height: 20 });
            let inside =
                |rect: Rect, x: usize, y: usize| !rect.intersect(Rect { x: x as i32, y: y as i32, width: 1, height: 1 }).is_empty();
            let (own_x, own_y) = (|x: usize| x - at.x as usize, |y: usize| y - at.y as usize);
            let weights = |x: usize, y: usize| {
                let a = if inside(seen, x, y) { (sample(&above, 3, own_x(x), own_y(y)) * f64::from(opacity) / 255.0).round() } else { 0.0 };
                (a, sample(&ground, 3, x, y) * (1.0 - a / 255.0))
            };
            for (x, y) in (0..SIZE.height as usize).flat_map(|y| (0..SIZE.width as usize).map(move |x| (x, y))) {
                if !inside(area, x, y) {
                    assert!([0, 3].into_iter().all(|plane| sample(&laid, plane, x, y) == sample(&ground, plane, x, y)), "{x}, {y}");
                    continue;
                }
                let (a, b) = weights(x, y);
                assert!((sample(&laid, 3, x, y) - (a + b)).abs() < 0.51, "alpha at {x}, {y}");
                let (over, under) = (sample(&above, 0, own_x(x), own_y(y)), sample(&ground, 0, x, y));
                let exact = if a + b == 0.0 { if under == 16.0 { over } else { under } } else { (a * over + b * under) / (a + b) };
                assert!((sample(&laid, 0, x, y) - exact).abs() < 0.51, "luma at {x}, {y}");
                if x % 2 == 1 || y % 2 == 1 {
                    continue;
                }
                let four = [(x, y, 3.0), (x, y + 1, 3.0), (x + 1, y, 1.0), (x + 1, y + 1, 1.0)];
                let weigh = |sum: (f64, f64), (x, y, times): &(usize, usize, f64)| {
                    let (a, b) = weights(*x, *y);
                    (sum.0 + times * a, sum.1 + times * b)
                };
                let (a, b) = four.iter().fold((0.0, 0.0), weigh);
                let under = [1, 2].map(|plane| sample(&ground, plane, x / 2, y / 2));
                for plane in [1, 2] {
                    let over = sample(&above, plane, own_x(x) / 2, own_y(y) / 2);
                    let kept = if under == [128.0; 2] { over } else { under[plane - 1] };
                    let exact = if a + b == 0.0 { kept } else { (a * over + b * under[plane - 1]) / (a + b) };
                    assert!((sample(&laid, plane, x / 2, y / 2) - exact).abs() < 0.51, "plane {plane} at {x}, {y}");
                }
            }
        }
    }

    #[test]
    fn over_a_clear_picture_a_patch_is_shown_as_it_is_in_one_piece_or_in_many() {
        let above = noise(Size::new(40, 24), 50);
        for (opacity, at) in [(255, (10, 8)), (97, (-6, 30)), (200, (50, -4))] {
            let at = Point { x: at.0, y: at.1 };
            let seen = Rect { x: at.x + 3, y: at.y + 2, width: 33, height: 19 };
            let patch = Patch { picture: &above, at, seen, opacity };
            let [mut shown, mut laid, mut pieces] = [(); 3].map(|()| Pool::new().black(PixelFormat::A420, SIZE));
            // Whatever was there.
            shown.copy(&noise(SIZE, 7).picture, patch.area(SIZE));
            patch.show(&mut shown, SIZE.rect());
            patch.lay(&mut laid, SIZE.rect());
            for x in (0..SIZE.width as i32).step_by(14) {
                patch.lay(&mut pieces, Rect { x, width: 14, ..SIZE.rect() });
            }
            let [shown, laid, pieces] = [shown, laid, pieces].map(FrameMut::freeze);
            assert!(shown.picture.bytes() == laid.picture.bytes() && laid.picture.bytes() == pieces.picture.bytes(), "{at:?}");
        }
    }
}
