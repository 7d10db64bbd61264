//! Picture files as watermarks.

use super::card::Card;
use super::{HEIGHT, MarkConfig};
use crate::drawing::svg;
use crate::lesson::read_picture;
use engine::frame::Size;
use engine::node::{Failure, Result};
use fast_image_resize::images::Image;
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use std::path::Path;
use usvg::{Options, Tree};

/// What is taken for a picture file.
const ENDINGS: [&str; 7] = ["png", "svg", "jpg", "jpeg", "webp", "gif", "bmp"];

/// A vector drawing may be this large.
const LARGEST_SVG: u64 = 10 << 20;

pub(super) fn is_picture(path: &Path) -> bool {
    ending(path).is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

fn ending(path: &Path) -> Option<String> {
    Some(path.extension()?.to_str()?.to_ascii_lowercase())
}

/// The picture in the height that the mark has, and no wider than the picture that it lies on allows.
pub(super) fn card(path: &Path, mark: &MarkConfig, picture: Size) -> Result<Card> {
    let unusable = |cause: String| Failure::msg(format!("the watermark {} cannot be shown: {cause}", path.display()));
    let size = |width: f64, height: f64| {
        let scale = f64::from(picture.height) / f64::from(HEIGHT);
        let room = (f64::from(picture.width) - 2.0 * f64::from(mark.margin) * scale).max(2.0);
        let high = f64::from(mark.size) * scale;
        let fit = (high / height).min(room / width);
        let even = |length: f64| ((length * fit / 2.0).round() as u32).max(1) * 2;
        Size::new(even(width), even(height))
    };
    let (size, pixels) = match ending(path).as_deref() {
        Some("svg") => vector(path, size).map_err(unusable)?,
        _ => raster(path, size).map_err(unusable)?,
    };
    Ok(Card::new(size, pixels, mark.opacity))
}

/// Premultiplied.
fn raster(path: &Path, size: impl Fn(f64, f64) -> Size) -> std::result::Result<(Size, Vec<u8>), String> {
    let source = read_picture(path).map_err(|error| error.to_string())?;
    let (width, height) = source.dimensions();
    let size = size(f64::from(width), f64::from(height));
    let from = Image::from_vec_u8(width, height, source.into_raw(), PixelType::U8x4).map_err(|error| error.to_string())?;
    let mut to = Image::new(size.width, size.height, PixelType::U8x4);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
    Resizer::new().resize(&from, &mut to, &options).map_err(|error| error.to_string())?;
    let mut pixels = to.into_vec();
    for pixel in pixels.as_chunks_mut::<4>().0 {
        let alpha = u16::from(pixel[3]);
        pixel[..3].iter_mut().for_each(|value| *value = ((u16::from(*value) * alpha + 127) / 255) as u8);
    }
    Ok((size, pixels))
}

/// Premultiplied, too. Letters must be paths: which fonts a machine has should not decide how a logo looks.
fn vector(path: &Path, size: impl Fn(f64, f64) -> Size) -> std::result::Result<(Size, Vec<u8>), String> {
    let length = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if length > LARGEST_SVG {
        return Err(format!("it has {length} bytes; at most {LARGEST_SVG} are read"));
    }
    let data = std::fs::read(path).map_err(|error| error.to_string())?;
    let tree = Tree::from_data(&data, &Options::default()).map_err(|error| error.to_string())?;
    if data.windows(5).any(|window| window == b"<text") {
        return Err("it has text in it; turn its letters into paths".into());
    }
    let size = size(f64::from(tree.size().width()), f64::from(tree.size().height()));
    let picture = svg::picture(&tree, size.width as u16, size.height as u16);
    let picture = picture.map_err(|cause| format!("{cause}; save it as PNG"))?;
    Ok((size, picture.data_as_u8_slice().to_vec()))
}
