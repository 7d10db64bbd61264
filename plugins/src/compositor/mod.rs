//! The compositor: layers over pictures. Pixels are in [`kernel`]; the nodes `chroma_compositor` and `scale` decide what lies where,
//! `overlay` and `captions` make layers.

pub mod captions;
pub mod chroma_compositor;
pub mod kernel;
mod key_setting;
pub mod overlay;
mod place;
pub mod scale;

pub use place::{PlaceConfig, placement_rect};

use engine::registry::NodeType;

/// The nodes of this family.
pub const NODES: &[&NodeType] = &[&chroma_compositor::CHROMA_COMPOSITOR, &overlay::OVERLAY, &captions::CAPTIONS, &scale::SCALE];
