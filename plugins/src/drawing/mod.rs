//! Drawing: text, shapes and pictures as pixels, for whatever has something to show.
//!
//! What is drawn are the objects of a [`Canvas`](crate::lesson::canvas::Canvas), whose ground may be transparent. A [`Scene`] is a canvas
//! made ready for one size: its text laid out, its pictures decoded and scaled. A [`Painter`] draws a scene, whole or a rectangle of it, each
//! object as its [`Look`](crate::lesson::canvas::Look) says. [`TextBlock`] lays text out alone, to measure it.
//!
//! Pixels are premultiplied sRGB. They are a function of canvas, size and looks on one machine (its fonts decide, too), whatever was drawn
//! before and however much of it is drawn.

mod fonts;
mod painter;
mod picture;
mod scene;
mod shape;
pub(crate) mod svg;
mod text;

#[cfg(test)]
mod shaping_tests;
#[cfg(test)]
mod tests;

pub use painter::Painter;
pub(crate) use scene::FLOAT;
pub use scene::Scene;
pub use text::TextBlock;
