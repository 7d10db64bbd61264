//! `null_sink` [any*]: takes anything and forgets it.

use crate::media::{AudioBlock, EncodedUnit};
use crate::node::{Cx, Flow, In, Node, Result};
use crate::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use crate::{cue::Cue, frame::VideoFrame};
use schemars::JsonSchema;
use serde::Deserialize;

const VIDEO: In<VideoFrame> = In::new("video");
const AUDIO: In<AudioBlock> = In::new("audio");
const CUES: In<Cue> = In::new("cues");
const ENCODED: In<EncodedUnit> = In::new("encoded");

/// The node's entry in the registry.
pub const NULL: NodeType = NodeType {
    name: "null_sink",
    family: "engine",
    revision: 1,
    summary: "Takes anything and forgets it",
    inputs: &[
        VIDEO.port("pictures").many(),
        AUDIO.port("sound").many(),
        CUES.port("events").many(),
        ENCODED.port("compressed units").many(),
    ],
    outputs: &[],
    sync: Sync::Merge,
    lane: Lane::Shared,
    starts: Starts::Anywhere,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<NullConfig>("{}"),
};

/// Settings of `null_sink`; there are none.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NullConfig {}

impl NodeConfig for NullConfig {
    fn build(self, _: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(Null))
    }
}

struct Null;

impl Node for Null {
    fn process(&mut self, _: &mut Cx<'_>) -> Result<Flow> {
        Ok(Flow::More)
    }
}
