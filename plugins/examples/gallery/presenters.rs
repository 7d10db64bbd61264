//! The drawn presenters.

use image::RgbImage;
use image::buffer::ConvertBuffer;
use plugins::avatar::rig::{Sheet, builtin, names, sheet};
use std::sync::Arc;

/// All of them, one below the other.
pub fn all(kind: Sheet) -> RgbImage {
    let load = |name| Arc::new(builtin(name).expect("it is part of the program"));
    sheet(kind, &names().map(load).collect::<Vec<_>>()).convert()
}
