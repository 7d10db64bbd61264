#![warn(missing_docs)]
//! Lectern's nodes, by family, and what they are made of. One node is one file with its tests.
//!
//! Families do not import each other; they meet in the [`lesson`] model and in packets.

pub mod avatar;
pub mod browser;
pub mod cache_folder;
pub mod compositor;
pub mod drawing;
pub mod gst;
pub mod heap;
pub mod lesson;
pub mod models;
pub mod mp4;
pub mod net;
pub mod outputs;
pub mod part_file;
pub mod pixels;
mod process;
mod registry;
mod resampler;
mod scripts;
pub mod segment_store;
pub mod slides;
pub mod sound;
pub mod speech;
pub mod subtitles;
pub mod writer;

pub use registry::registry;

/// Compiles and runs the example in CONTRIBUTING.md.
#[cfg(doctest)]
#[doc = include_str!("../../CONTRIBUTING.md")]
pub struct Contributing;
