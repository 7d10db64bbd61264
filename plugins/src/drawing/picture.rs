//! Picture files of a canvas, decoded and scaled to about the size at which they are seen.

use crate::lesson::canvas::Fit;
use crate::lesson::{LessonError, read_picture};
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use std::path::Path;
use std::sync::Arc;
use vello_cpu::kurbo::{Affine, Rect};
use vello_cpu::peniko::ImageAlphaType;
use vello_cpu::{PixelMetadata, Pixmap};

/// Pixels of a side that a picture is scaled to at most.
const LARGEST: f64 = 8192.0;

/// A picture and where its pixels lie in its box.
pub(super) struct Placed {
    pub pixels: Arc<Pixmap>,
    /// The part of the box that it fills.
    pub area: Rect,
    /// From pixels to the box.
    pub place: Affine,
}

/// Reads a picture for a box of `width` x `height` of which one unit is `scale` pixels.
pub(super) fn read(path: &Path, fit: Fit, width: f64, height: f64, scale: (f64, f64)) -> Result<Placed, LessonError> {
    let source = read_picture(path)?;
    let (across, down) = (f64::from(source.width()), f64::from(source.height()));
    let (fit_x, fit_y) = (width / across, height / down);
    let (x, y) = match fit {
        Fit::Fill => (fit_x, fit_y),
        Fit::Contain => (fit_x.min(fit_y), fit_x.min(fit_y)),
        Fit::Cover => (fit_x.max(fit_y), fit_x.max(fit_y)),
    };
    let (seen_x, seen_y) = (across * x, down * y);
    let seen = Rect::from_center_size((width / 2.0, height / 2.0), (seen_x, seen_y));
    let side = |source: f64, seen: f64, scale: f64| (seen * scale).round().clamp(1.0, source.min(LARGEST)) as u32;
    let size = (side(across, seen_x, scale.0), side(down, seen_y, scale.1));
    let pixels = shrunk(source, size);
    let place = Affine::translate((seen.x0, seen.y0))
        * Affine::scale_non_uniform(seen_x / f64::from(pixels.width()), seen_y / f64::from(pixels.height()));
    Ok(Placed { pixels: pixels.into(), area: seen.intersect(Rect::new(0.0, 0.0, width, height)), place })
}

fn shrunk(source: image::RgbaImage, (width, height): (u32, u32)) -> Pixmap {
    let size = source.dimensions();
    let raw = source.into_raw();
    let pixels = if size == (width, height) {
        raw
    } else {
        let from = ImageRef::new(size.0, size.1, &raw, PixelType::U8x4).expect("a picture holds four bytes a pixel");
        let mut to = Image::new(width, height, PixelType::U8x4);
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
        Resizer::new().resize(&from, &mut to, &options).expect("both pictures have the same pixel type and no crop");
        to.into_vec()
    };
    let metadata = PixelMetadata { alpha_type: ImageAlphaType::Alpha, may_have_transparency: true };
    Pixmap::from_parts(pixels, width as u16, height as u16, metadata)
}
