//! The engine's own nodes: `playout`, and the ones that tests and examples are made of.

mod color;
mod delay;
mod fault;
mod hash;
mod null;
mod playout;
mod test_tone;
mod test_video;

pub use hash::PacketHasher;

use crate::registry::NodeType;

/// All of them, in the order of the catalogue.
pub const ENGINE_NODES: &[&NodeType] = &[
    &playout::PLAYOUT,
    &color::COLOR,
    &test_video::TEST_VIDEO,
    &test_tone::TEST_TONE,
    &null::NULL,
    &hash::HASH,
    &delay::DELAY,
    &fault::FAULT,
];
