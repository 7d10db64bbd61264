//! Frames of another size.
//!
//! Planes are resampled by themselves (Catmull-Rom; with alpha Hamming; widened when shrinking). Chroma is sited left in the result as in the source, so its
//! samples are read a quarter of a sample off the plane's own grid. With alpha, colour is weighted by it: what is hidden stays hidden.

use super::{PixelError, check_size};
use engine::frame::{PixelFormat, Plane, PlaneMut, Point, Rect, Size, VideoFrame};
use engine::pool::Pool;
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

/// The frame at another size; the same frame when it has that size already. `place`, `seq` and `damage` are those of a new frame.
///
/// # Errors
/// When a side of `size` is odd or zero.
pub fn scale_frame(frame: &VideoFrame, size: Size, pool: &Pool) -> Result<VideoFrame, PixelError> {
    check_size(size)?;
    if frame.size() == size {
        return Ok(frame.clone());
    }
    let mut target = pool.blank(frame.format(), size);
    let (_, planes) = target.draw(size.rect());
    scale_into(frame, planes);
    Ok(target.freeze())
}

/// The largest even rectangle with the proportions of `source` in the middle of `area`, at an even place.
pub fn fit(source: Size, area: Size) -> Rect {
    let (sw, sh) = (u64::from(source.width.max(1)), u64::from(source.height.max(1)));
    let (aw, ah) = (u64::from(area.width), u64::from(area.height));
    // Round to the nearest even number of pixels.
    let even = |numerator: u64, denominator: u64| (numerator + denominator) / (2 * denominator) * 2;
    let (width, height) =
        if sw * ah >= sh * aw { (aw, even(aw * sh, sw).clamp(2, ah.max(2))) } else { (even(ah * sw, sh).clamp(2, aw.max(2)), ah) };
    let middle = |area: u64, side: u64| (area.saturating_sub(side) / 4 * 2) as i32;
    Rect { x: middle(aw, width), y: middle(ah, height), width: width as u32, height: height as u32 }
}

/// The whole frame as large as it fits into `size`, on black. The same frame when it has that size already; alpha of bars is opaque.
///
/// # Errors
/// When a side of `size` is odd or zero.
pub fn letterbox(frame: &VideoFrame, size: Size, pool: &Pool) -> Result<VideoFrame, PixelError> {
    check_size(size)?;
    let place = fit(frame.size(), size);
    if place == size.rect() {
        return scale_frame(frame, size, pool);
    }
    let mut target = pool.blank(frame.format(), size);
    let layout = target.layout();
    for (p, black) in (0..layout.planes()).zip([16, 128, 128, 255]) {
        target.bytes_mut()[layout.offset(p)..][..layout.plane_bytes(p)].fill(black);
    }
    let (_, planes) = target.draw(Rect::new(Point { x: place.x, y: place.y }, Size::new(place.width, place.height)));
    scale_into(frame, planes);
    Ok(target.freeze())
}

fn scale_into(frame: &VideoFrame, planes: [Option<PlaneMut<'_>>; 4]) {
    let picture = &frame.picture;
    let mut resizer = Resizer::new();
    let [luma, u, v, alpha] = planes;
    let (Some(mut luma), Some(mut u), Some(mut v)) = (luma, u, v) else { unreachable!("every format has three planes") };
    match (frame.format(), alpha) {
        (PixelFormat::A420, Some(mut alpha)) => {
            let cover = picture.plane(3);
            resample_pair(&mut resizer, picture.plane(0), cover, &mut luma, Some(&mut alpha), Grid::Luma);
            let cover = halve(cover);
            let size = picture.plane(1).size;
            let cover = Plane { data: &cover, stride: size.width as usize, size };
            resample_pair(&mut resizer, picture.plane(1), cover, &mut u, None, Grid::LeftChroma);
            resample_pair(&mut resizer, picture.plane(2), cover, &mut v, None, Grid::LeftChroma);
        }
        _ => {
            resample(&mut resizer, picture.plane(0), &mut luma, Grid::Luma);
            resample(&mut resizer, picture.plane(1), &mut u, Grid::LeftChroma);
            resample(&mut resizer, picture.plane(2), &mut v, Grid::LeftChroma);
        }
    }
}

/// Where the samples of a plane lie.
#[derive(Clone, Copy, PartialEq)]
enum Grid {
    /// In the middle of each pixel.
    Luma,
    /// On the even columns of luma: with centres at `i + 1/4` of their own widths.
    LeftChroma,
}

/// Which part of the padded source is read: padding in samples on each side, then the box.
fn window(source: Size, target: Size, grid: Grid, filter: FilterType) -> (usize, ResizeOptions) {
    // Output sample j at (j + 1/4) * ratio must read source position (i + 1/4): a shift of (1 - ratio) / 4.
    let ratio = f64::from(source.width) / f64::from(target.width);
    let shift = if grid == Grid::LeftChroma { (1.0 - ratio) / 4.0 } else { 0.0 };
    let pad = shift.abs().ceil();
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter)).crop(
        pad + shift,
        0.0,
        f64::from(source.width),
        f64::from(source.height),
    );
    (pad as usize, options)
}

fn resample(resizer: &mut Resizer, source: Plane<'_>, target: &mut PlaneMut<'_>, grid: Grid) {
    let (pad, options) = window(source.size, target.size, grid, FilterType::CatmullRom);
    let rows = padded(source, pad);
    let scaled = resize(resizer, &rows, pad, source.size, target.size, PixelType::U8, &options);
    for (y, row) in scaled.chunks_exact(target.size.width as usize).enumerate() {
        target.data[y * target.stride..][..row.len()].copy_from_slice(row);
    }
}

/// Resamples `source` weighted by `cover`; both results are written, or only the colour.
fn resample_pair(
    resizer: &mut Resizer,
    source: Plane<'_>,
    cover: Plane<'_>,
    target: &mut PlaneMut<'_>,
    mut cover_target: Option<&mut PlaneMut<'_>>,
    grid: Grid,
) {
    // No negative weights: alpha would be clipped where it overshoots, the colour multiplied by it would not.
    let (pad, options) = window(source.size, target.size, grid, FilterType::Hamming);
    // 16 bits: with 8 a colour times a small alpha keeps too little of the colour.
    let wide = |level: u8| [level, level];
    let wide_pair = |(level, alpha)| [wide(level), wide(alpha)].into_iter().flatten();
    let pairs: Vec<u8> = padded(source, pad).into_iter().zip(padded(cover, pad)).flat_map(wide_pair).collect();
    let scaled = resize(resizer, &pairs, pad, source.size, target.size, PixelType::U16x2, &options.use_alpha(true));
    let narrow = |a: u8, b: u8| ((u32::from(u16::from_ne_bytes([a, b])) + 128) / 257) as u8;
    for (y, row) in scaled.chunks_exact(target.size.width as usize * 4).enumerate() {
        for (x, &[a, b, c, d]) in row.as_chunks::<4>().0.iter().enumerate() {
            let (level, alpha) = (narrow(a, b), narrow(c, d));
            // Nothing known about what is hidden: black without colour.
            let hidden = if grid == Grid::Luma { 16 } else { 128 };
            target.data[y * target.stride + x] = if alpha == 0 { hidden } else { level };
            if let Some(plane) = &mut cover_target {
                plane.data[y * plane.stride + x] = alpha;
            }
        }
    }
}

fn resize(resizer: &mut Resizer, data: &[u8], pad: usize, source: Size, target: Size, kind: PixelType, options: &ResizeOptions) -> Vec<u8> {
    let image = ImageRef::new(source.width + 2 * pad as u32, source.height, data, kind).expect("the rows were packed with this width");
    let mut scaled = Image::new(target.width, target.height, kind);
    resizer.resize(&image, &mut scaled, options).expect("the box lies inside the padded rows and both kinds are equal");
    scaled.into_vec()
}

/// The plane's rows without gaps, the outermost samples repeated `pad` times on both sides.
fn padded(plane: Plane<'_>, pad: usize) -> Vec<u8> {
    let width = plane.size.width as usize;
    let mut rows = Vec::with_capacity((width + 2 * pad) * plane.size.height as usize);
    for row in plane.data.chunks(plane.stride).take(plane.size.height as usize) {
        let row = &row[..width];
        rows.extend(std::iter::repeat_n(row[0], pad));
        rows.extend_from_slice(row);
        rows.extend(std::iter::repeat_n(row[width - 1], pad));
    }
    rows
}

/// Full-size alpha at the places of chroma samples, weights 1 2 1 across and 1 1 down.
fn halve(alpha: Plane<'_>) -> Vec<u8> {
    let cells = alpha.size.width as usize / 2;
    let mut half = vec![0; cells * (alpha.size.height as usize / 2)];
    for (y, out) in half.chunks_exact_mut(cells).enumerate() {
        let rows = [0, 1].map(|r| &alpha.data[(2 * y + r) * alpha.stride..][..cells * 2]);
        crate::pixels::simd::chroma_alpha(rows[0], rows[1], [rows[0][0], rows[1][0]], out);
    }
    half
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::{Alpha, rgba_to_a420, rgba_to_i420};

    /// A picture given by a function of continuous position (0 to 1).
    fn picture(size: Size, colour: impl Fn(f64, f64) -> [u8; 4]) -> Vec<u8> {
        let at = |i: u32, n: u32| (f64::from(i) + 0.5) / f64::from(n);
        (0..size.height)
            .flat_map(|y| (0..size.width).map(move |x| (x, y)))
            .flat_map(|(x, y)| colour(at(x, size.width), at(y, size.height)))
            .collect()
    }

    #[test]
    fn a_ramp_of_colour_stays_where_it_is_at_any_ratio() {
        let pool = Pool::new();
        let ramp = |x: f64, y: f64| [(x * 250.0) as u8, 120, (y * 250.0) as u8, 255];
        let source = rgba_to_i420(&picture(Size::new(240, 120), ramp), Size::new(240, 120), &pool).unwrap();
        for size in [Size::new(480, 240), Size::new(100, 50), Size::new(60, 30), Size::new(326, 90)] {
            let expected = rgba_to_i420(&picture(size, ramp), size, &pool).unwrap();
            let scaled = scale_frame(&source, size, &pool).unwrap();
            for p in 0..3 {
                let (a, b) = (scaled.picture.plane(p), expected.picture.plane(p));
                // Away from the edges, where both repeat their outermost samples.
                for y in 3..a.size.height as usize - 3 {
                    for x in 3..a.size.width as usize - 3 {
                        let (a, b) = (a.data[y * a.stride + x], b.data[y * b.stride + x]);
                        assert!(a.abs_diff(b) <= 1, "{size} plane {p} at {x},{y}: {a} and {b}");
                    }
                }
            }
        }
    }

    #[test]
    fn hidden_colour_does_not_leak_when_scaling() {
        let pool = Pool::new();
        // A grey disc; what is hidden around it is bright red.
        let disc = |x: f64, y: f64| if (x - 0.5).hypot(y - 0.5) < 0.3 { [150, 150, 150, 255] } else { [255, 0, 0, 0] };
        let size = Size::new(160, 160);
        let source = rgba_to_a420(&picture(size, disc), size, Alpha::Straight, &pool).unwrap();
        let expected = 16.0 + 150.0 * 219.0 / 255.0;
        for side in [90, 260] {
            let scaled = scale_frame(&source, Size::new(side, side), &pool).unwrap();
            let (luma, u, v, alpha) = (scaled.picture.plane(0), scaled.picture.plane(1), scaled.picture.plane(2), scaled.picture.plane(3));
            for y in 0..side as usize {
                for x in 0..side as usize {
                    if alpha.data[y * alpha.stride + x] > 40 {
                        let level = f64::from(luma.data[y * luma.stride + x]);
                        assert!((level - expected).abs() <= 4.0, "luma {level} at {x},{y}");
                        let (u, v) = (u.data[y / 2 * u.stride + x / 2], v.data[y / 2 * v.stride + x / 2]);
                        assert!(u.abs_diff(128) <= 2 && v.abs_diff(128) <= 2, "chroma {u},{v} at {x},{y}");
                    }
                }
            }
        }
    }

    #[test]
    fn fitting_keeps_proportions_and_even_places() {
        let hd = Size::new(1920, 1080);
        assert_eq!(fit(Size::new(1280, 720), hd), hd.rect());
        assert_eq!(fit(Size::new(1024, 768), hd), Rect { x: 240, y: 0, width: 1440, height: 1080 });
        assert_eq!(fit(Size::new(3000, 10), hd), Rect { x: 0, y: 536, width: 1920, height: 6 });
        let strip = fit(Size::new(7, 4000), Size::new(64, 64));
        assert_eq!((strip.width, strip.height), (2, 64));
        let pool = Pool::new();
        let source = rgba_to_i420(&[200; 40 * 30 * 4], Size::new(40, 30), &pool).unwrap();
        let boxed = letterbox(&source, Size::new(64, 36), &pool).unwrap();
        let luma = boxed.picture.plane(0);
        assert_eq!((luma.data[0], luma.data[64 * 18 + 32], luma.data[63]), (16, source.picture.plane(0).data[0], 16));
        assert!(matches!(scale_frame(&source, Size::new(63, 36), &pool), Err(PixelError::OddSize { .. })));
    }
}
