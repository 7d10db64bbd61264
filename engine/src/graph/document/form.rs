//! The file's forms as serde and the JSON schema see them. What is [`IgnoredAny`] here is only known to exist: it is read
//! elsewhere, with its places.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Clock, Defaults, OnError, Queue, SegmentBy};
use crate::graph::unit::DurationSetting;

/// A graph: nodes, how they are connected, and what they have in common.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Lectern graph")]
#[expect(dead_code, reason = "the fields that are IgnoredAny tell serde and the schema which keys exist")]
pub(super) struct Top {
    /// The version of this format: 1.
    pub(super) version: u32,
    /// The graph's name.
    pub(super) graph: String,
    /// Variables for ${name}; nested maps make dotted names.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub(super) vars: Option<IgnoredAny>,
    /// What nodes take where they say nothing themselves.
    pub(super) defaults: Option<Defaults>,
    /// Where time comes from.
    pub(super) clock: Option<Clock>,
    /// How much a live run buffers before it begins.
    pub(super) latency: Option<DurationSetting>,
    /// How long a stopped live run may drain.
    pub(super) drain: Option<DurationSetting>,
    /// How a render is cut.
    pub(super) segment_by: Option<SegmentBy>,
    /// The nodes by name.
    #[schemars(with = "BTreeMap<String, NodeForm>")]
    pub(super) nodes: IgnoredAny,
    /// Partial graphs to merge in by name; null removes a key.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub(super) profiles: Option<IgnoredAny>,
}

/// A node.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Node")]
#[expect(dead_code, reason = "the fields that are IgnoredAny tell serde and the schema which keys exist")]
pub(super) struct NodeForm {
    /// The node's type.
    #[serde(rename = "type")]
    pub(super) type_name: String,
    /// For each input port where its packets come from: node.port, or a list of them.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, InputSchema>")]
    pub(super) inputs: Option<IgnoredAny>,
    /// The type's settings.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub(super) config: Option<IgnoredAny>,
    /// What a sink's error does to the run.
    pub(super) on_error: Option<OnError>,
}

/// An input in its long form.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Input")]
pub(super) struct InputForm {
    /// node.port, or node alone when it has one output.
    pub(super) from: String,
    /// Only looks on.
    #[serde(default)]
    pub(super) tap: bool,
    /// The edge's queue.
    pub(super) queue: Option<Queue>,
}

/// The three forms of an input, for the schema only.
#[derive(JsonSchema)]
#[schemars(untagged, rename = "Inputs")]
#[expect(dead_code, reason = "describes the file's forms; inputs are read from their long form")]
enum InputSchema {
    Short(String),
    Long(InputForm),
    List(Vec<InputItemSchema>),
}

/// The two forms of a list's item, for the schema only.
#[derive(JsonSchema)]
#[schemars(untagged, rename = "InputItem")]
#[expect(dead_code, reason = "describes the file's forms; inputs are read from their long form")]
enum InputItemSchema {
    Short(String),
    Long(InputForm),
}
