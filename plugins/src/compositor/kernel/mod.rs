//! Pixel kernels of the compositor: one layer over an opaque picture; every pixel is written once.
//!
//! They know nothing of nodes, clocks or slides. Layers come at their final size and lie at even points; what lies outside is left out.
//! Pixels where the layer is transparent are not touched, so their bytes stay those of the picture below. Every kernel gives the same
//! bytes with and without AVX2.

mod alpha;
mod key;

pub use alpha::blend_alpha;
pub use key::{Key, Keyer};

use engine::frame::{Point, Rect, Size};

/// Where a layer of `layer` pixels at `at` meets a picture: the rectangle in the picture and its first pixel in the layer. Odd points
/// are moved up and left by one pixel.
fn meet(picture: Size, layer: Size, at: Point) -> (Rect, usize, usize) {
    let at = Point { x: at.x & !1, y: at.y & !1 };
    let rect = Rect::new(at, layer).intersect(picture.rect());
    if rect.is_empty() { (rect, 0, 0) } else { (rect, (rect.x - at.x) as usize, (rect.y - at.y) as usize) }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
