//! The drawn presenters.

use image::RgbImage;
use image::buffer::ConvertBuffer;
use image::imageops::{FilterType, resize};
use plugins::avatar::rig::{Sheet, builtin, names, sheet};
use std::sync::Arc;

/// Of the page, in pixels.
const WIDTH: u32 = 2000;

/// All of them, one below the other.
pub fn all(kind: Sheet) -> RgbImage {
    let load = |name| Arc::new(builtin(name).expect("it is part of the program"));
    let whole: RgbImage = sheet(kind, &names().map(load).collect::<Vec<_>>()).convert();
    let height = whole.height() * WIDTH / whole.width();
    resize(&whole, WIDTH, height, FilterType::Triangle)
}
