//! What a run has to say about itself, as written by `--report`.

use super::env::Warning;
use super::pacer::PlayoutReport;
use serde::Serialize;

/// Figures of a finished run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// From the first call to the end of the last lane.
    pub wall_seconds: f64,
    /// Length of the programme.
    pub media_seconds: f64,
    /// Processor time of the process, user and system. Filled in by the program.
    pub cpu_seconds: f64,
    /// Largest resident memory of the process. Filled in by the program.
    pub peak_rss_bytes: u64,
    /// Every node, producers before consumers.
    pub nodes: Vec<NodeReport>,
    /// Every edge between lanes.
    pub edges: Vec<EdgeReport>,
    /// What a live programme had to make up for; nothing offline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub playout: Option<PlayoutReport>,
    /// Largest distance between sound and picture as they left `playout`.
    pub av_skew_seconds: f64,
    /// Whole pictures that were copied only to be handed on.
    pub frame_copies: u64,
    /// What the user should know.
    pub warnings: Vec<Warning>,
}

/// Figures of one node.
#[derive(Clone, Debug, Serialize)]
pub struct NodeReport {
    /// Its name in the graph.
    pub node: String,
    /// Its type.
    #[serde(rename = "type")]
    pub node_type: &'static str,
    /// What the thread is doing that it is the head of; empty for other nodes.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub state: String,
    /// Packets it was given.
    pub packets_in: u64,
    /// Packets it emitted.
    pub packets_out: u64,
    /// Packets (out, for sinks in) per second of wall time.
    pub fps_wall: f64,
    /// The same per second of programme.
    pub fps_media: f64,
    /// Part of the wall time spent inside the node.
    pub busy_ratio: f64,
    /// How long its calls took.
    pub process_seconds: ProcessSeconds,
}

/// Quantiles of the length of calls, in seconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct ProcessSeconds {
    /// Half of the calls were not longer.
    pub p50: f64,
    /// 99 of 100 calls were not longer.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

/// Figures of one edge between lanes.
#[derive(Clone, Debug, Serialize)]
pub struct EdgeReport {
    /// Producer, as `node.port`.
    pub from: String,
    /// Consumer, as `node.port`.
    pub to: String,
    /// Packets that wait now.
    pub depth: u64,
    /// The most packets that waited.
    pub max_depth: u64,
    /// Packets dropped by the edge's policy.
    pub dropped: u64,
    /// How long the producer waited for room.
    pub blocked_seconds: f64,
}
