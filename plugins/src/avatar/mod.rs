//! Avatars: who speaks. [`rig`] draws presenters; the node `lip_sync` makes their frames.

pub mod lip_sync;
pub mod rig;

use engine::registry::NodeType;

/// The nodes of this family.
pub const NODES: &[&NodeType] = &[&lip_sync::LIP_SYNC];
