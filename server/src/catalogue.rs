//! What there is to choose from: voices, presenters, node types, as the command line and the API describe them.

use engine::catalog::settings;
use engine::node::{InPort, OutPort};
use engine::registry::{NodeType, Registry};
use plugins::avatar::lip_sync::DEFAULT_AVATAR;
use plugins::avatar::rig;
use plugins::models;
use plugins::speech::voice::{Named, named_voices};
use serde_json::{Value, json};

/// All voices that are known, and whether they are on this machine.
pub fn voices() -> Value {
    let describe = |Named { name, language, model }: Named| {
        json!({
            "name": name, "language": language, "default": name == models::DEFAULT_VOICE, "installed": models::locate(&model.id).is_ok(),
            "setup": model.setup(), "summary": model.summary, "licence": model.licence, "data_set_licence": model.data_set_licence,
        })
    };
    named_voices().into_iter().map(describe).collect()
}

/// All presenters.
pub fn avatars() -> Value {
    rig::names().map(|name| json!({ "name": name, "default": name == DEFAULT_AVATAR })).collect()
}

/// All node types.
pub fn nodes(registry: &Registry) -> Value {
    registry.types().iter().map(|node_type| node(node_type)).collect()
}

/// One node type: ports, settings with defaults, an example.
pub fn node(node_type: &NodeType) -> Value {
    let input = |port: &InPort| json!({ "name": port.name, "kind": port.kind.as_str(), "required": port.required, "many": port.many, "summary": port.summary });
    let output = |port: &OutPort| json!({ "name": port.name, "kind": port.kind.as_str(), "summary": port.summary });
    let settings: Vec<Value> = settings(node_type)
        .iter()
        .map(|s| json!({ "name": s.name, "values": s.values, "default": s.default, "required": s.required, "summary": s.summary }))
        .collect();
    json!({
        "name": node_type.name, "family": node_type.family, "revision": node_type.revision, "summary": node_type.summary,
        "inputs": node_type.inputs.iter().map(input).collect::<Vec<_>>(),
        "outputs": node_type.outputs.iter().map(output).collect::<Vec<_>>(),
        "settings": settings, "example": node_type.config.example,
    })
}
