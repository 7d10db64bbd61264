//! Every node type of this crate and of the engine, in the order of the catalogue. A new node is one line in its family's `NODES`.

use engine::nodes::ENGINE_NODES;
use engine::registry::Registry;

/// All node types.
pub fn registry() -> Registry {
    Registry::new(&[
        ENGINE_NODES,
        crate::slides::NODES,
        crate::speech::NODES,
        crate::sound::NODES,
        crate::avatar::NODES,
        crate::compositor::NODES,
        crate::outputs::NODES,
    ])
}
