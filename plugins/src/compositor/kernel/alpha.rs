//! A layer with its own alpha over an opaque picture.

use super::meet;
use crate::pixels::simd::{chroma_alpha, divide_by_255, vectorised};
use engine::frame::{PixelFormat, Point, Rect, Size, VideoFrame};
use engine::pool::FrameMut;

/// Samples looked at together: all transparent are skipped, all opaque are copied.
const RUN: usize = 32;

/// Draws `layer` with its top left corner at `at` over the `I420` picture, in the parts that it has, and returns a rectangle around all that
/// was drawn on.
///
/// Each sample becomes `layer * a + picture * (1 - a)`, rounded to nearest; chroma uses alpha gathered as chroma is (weights 1 2 1
/// across, 1 1 down, rounded to 8 bits). An `I420` layer is copied.
pub fn blend_alpha(picture: &mut FrameMut, layer: &VideoFrame, at: Point) -> Rect {
    layer.parts().map(|part| blend_part(picture, layer, at, part)).fold(Rect::default(), Rect::union)
}

fn blend_part(picture: &mut FrameMut, layer: &VideoFrame, at: Point, part: Rect) -> Rect {
    let part = part.to_even().intersect(layer.size().rect());
    let corner = Point { x: (at.x & !1) + part.x, y: (at.y & !1) + part.y };
    let (rect, left, top) = meet(picture.size(), Size::new(part.width, part.height), corner);
    if rect.is_empty() {
        return rect;
    }
    let (left, top) = (left + part.x as usize, top + part.y as usize);
    let source = &layer.picture;
    let cover = (layer.format() == PixelFormat::A420).then(|| source.plane(3));
    let (_, planes) = picture.draw(rect);
    let width = rect.width as usize;
    let mut half = vec![255; width / 2];
    for (p, target) in planes.into_iter().enumerate().take(3) {
        let Some(target) = target else { continue };
        let plane = source.plane(p);
        let (x0, y0) = if p == 0 { (left, top) } else { (left / 2, top / 2) };
        let samples = target.size.width as usize;
        for y in 0..target.size.height as usize {
            let below = &mut target.data[y * target.stride..][..samples];
            let above = &plane.data[(y0 + y) * plane.stride + x0..][..samples];
            let Some(cover) = cover else {
                below.copy_from_slice(above);
                continue;
            };
            let row = |y: usize| &cover.data[y * cover.stride..][..cover.stride];
            if p == 0 {
                over(below, above, &row(top + y)[left..][..width]);
            } else {
                let rows = [row(top + 2 * y), row(top + 2 * y + 1)];
                let before = left.saturating_sub(1);
                chroma_alpha(&rows[0][left..][..width], &rows[1][left..][..width], rows.map(|row| row[before]), &mut half);
                over(below, above, &half);
            }
        }
    }
    rect
}

vectorised! {
    fn over(below: &mut [u8], above: &[u8], alpha: &[u8]) {
        let (below_runs, below_rest) = below.as_chunks_mut::<RUN>();
        let (above_runs, above_rest) = above.as_chunks::<RUN>();
        let (alpha_runs, alpha_rest) = alpha.as_chunks::<RUN>();
        for ((below, above), alpha) in below_runs.iter_mut().zip(above_runs).zip(alpha_runs) {
            let words = alpha.as_chunks::<8>().0.iter().map(|&word| u64::from_ne_bytes(word));
            let (all, any) = words.fold((u64::MAX, 0), |(all, any), word| (all & word, any | word));
            if all == u64::MAX {
                *below = *above;
            } else if any != 0 {
                mix(below, above, alpha);
            }
        }
        mix(below_rest, above_rest, alpha_rest);
    }
}

#[inline(always)]
fn mix(below: &mut [u8], above: &[u8], alpha: &[u8]) {
    for ((below, &above), &alpha) in below.iter_mut().zip(above).zip(alpha) {
        let alpha = u16::from(alpha);
        *below = divide_by_255((u16::from(above) * alpha).wrapping_add(u16::from(*below) * (255 - alpha)));
    }
}
